"""Compiling a bundle: whatever TensorFlow wrote it, whatever its shape; and one line for what is no such bundle."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from model_pieces import bundle_of, fields
from waiting import wait_until

from livecode.errors import BundleError
from livecode.models import bundles, store, wire
from livecode.models.checkpoints import plain
from livecode.models.step import Step

pytestmark = pytest.mark.magenta


@pytest.fixture
def spoilt(compiler, untrained, tmp_path):
    """A function that writes a bundle of a config with a checkpoint that was spoilt as compiler.py says, or as once written."""

    def written(config: str, how: str) -> Path:
        target = tmp_path / f"{how}.mag"
        compiler(spoil=str(untrained / f"{config}.mag"), how=how, into=str(target))
        return target

    return written


def steps(path: Path) -> list[np.ndarray]:
    """What a compiled file says to thirty steps of noise."""
    step, noise, said = Step(path), np.random.RandomState(1), []
    state = step.zeros(2)
    for _ in range(30):
        softmax, state = step(noise.uniform(-1, 1, (1, 2, step.made.input)).astype(np.float32), state, 0.9)
        said.append(softmax)
    return said


def test_a_compiled_file_says_what_it_is(compiler, untrained, tmp_path):
    bundle = untrained / "batch of five.mag"
    made = compiler(compile=str(bundle), config="attention_rnn", into=str(tmp_path / "deep" / "made.onnx"))["made"]
    versions = made.pop("versions")
    assert made == {
        "format": 2,
        "config": "attention_rnn",
        "bundle": store.fingerprint(bundle),
        "batch": 5,
        "input": 74,
        "classes": [40],
        "layers": [16],
        "attention": 4,
        "states": [16, 16, 16, 4 * 16, 4 * 16],
    }
    assert versions.startswith("tensorflow 2.15.1, onnx 1.16")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["made.onnx"]


@pytest.mark.parametrize("how", ["as in 2017", "as in early 2017", "with what training needs"])
@pytest.mark.parametrize("config", ["lookback_rnn", "drum_kit"])
def test_a_checkpoint_may_be_of_any_age(compiler, spoilt, untrained, tmp_path, config, how):
    bundle = spoilt(config, how)
    assert "made" in compiler(compile=str(bundle), config=config, into=str(tmp_path / "old.onnx"))
    for old, new in zip(steps(tmp_path / "old.onnx"), steps(untrained / f"{config}.onnx"), strict=True):
        assert np.array_equal(old, new)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("nan", "its {layer}/kernel holds nan or infinity: it was trained too fast"),
        ("without an output", "it has no output layer"),
        ("without a bias", "its checkpoint lacks fully_connected/bias"),
        ("one more", "its checkpoint has rnn/embedding, which the network lacks"),
        ("the same twice", "it has two variables '{layer}/bias'"),
        ("other classes", "its network takes 121 numbers and gives 39, where lookback_rnn takes 121 and gives 40"),
        ("a kernel of another shape", "its {layer}/kernel is (137, 60) where (137, 64) fits the network"),
        ("no layers", "its variables are no stack of LSTM layers"),
        ("whole numbers", "its fully_connected/bias holds no numbers with a point"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_a_line(compiler, spoilt, tmp_path, how, reason):
    bundle, target = spoilt("lookback_rnn", how), tmp_path / "never.onnx"
    said = compiler(compile=str(bundle), config="lookback_rnn", into=str(target))["refusal"]
    layer = "rnn/multi_rnn_cell/cell_0/basic_lstm_cell"
    assert said == f"{bundle} cannot be compiled as lookback_rnn ({reason.format(layer=layer)}): give another bundle."
    assert list(tmp_path.glob("*.onnx")) == []


def test_a_bundle_that_is_none_is_refused_in_a_line(compiler, untrained, tmp_path):
    whole = fields((untrained / "lookback_rnn.mag").read_bytes())
    half = whole[2][: len(whole[2]) // 2]
    cases = [
        (b"noise" * 100, "lookback_rnn", "it is no Magenta bundle, or is cut short"),
        (bundle_of("lookback_rnn"), "lookback_rnn", "its checkpoint cannot be read"),
        (bundle_of("lookback_rnn", checkpoint=half, metagraph=whole[3]), "lookback_rnn", "its checkpoint cannot be read"),
        (bundle_of("lookback_rnn"), "basic_rnn", "it holds 'lookback_rnn'"),
        (
            bundle_of("basic_rnn", checkpoint=whole[2], metagraph=whole[3]),
            "basic_rnn",
            "its network takes 121 numbers and gives 40, where basic_rnn takes 38 and gives 38",
        ),
    ]
    for content, config, reason in cases:
        path = tmp_path / "bad.mag"
        path.write_bytes(content)
        said = compiler(compile=str(path), config=config, into=str(tmp_path / "never.onnx"))["refusal"]
        assert said == f"{path} cannot be compiled as {config} ({reason}): give another bundle."


def test_the_metagraph_of_a_bundle_is_not_run(compiler, untrained, tmp_path):
    whole = fields((untrained / "lookback_rnn.mag").read_bytes())
    path = tmp_path / "no program.mag"
    path.write_bytes(bundle_of("lookback_rnn", checkpoint=whole[2], metagraph=b"no graph at all"))
    assert compiler(compile=str(path), config="lookback_rnn", into=str(tmp_path / "made.onnx"))["made"]["batch"] == 1
    for ours, theirs in zip(steps(tmp_path / "made.onnx"), steps(untrained / "lookback_rnn.onnx"), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_bundle_is_compiled_once_and_found_again(cache, untrained, tmp_path, monkeypatch):
    path = tmp_path / "mine.mag"
    path.write_bytes((untrained / "lookback_rnn.mag").read_bytes())
    key = bundles.find("melody_rnn", path)
    made = store.stored(key).made
    files = [cache / f"lookback_rnn-{made.bundle[:32]}-2.onnx"]
    assert [file for file in cache.iterdir() if file in files] == files
    monkeypatch.setattr(store, "COMPILER", ("-c", "raise SystemExit(1)"))
    assert store.stored(key).made == made
    path.rename(tmp_path / "moved.mag")
    assert store.stored(bundles.find("melody_rnn", tmp_path / "moved.mag")).made == made
    files[0].write_bytes(files[0].read_bytes()[:1000])
    with pytest.raises(BundleError, match="could not be compiled: the compiler ended with 1"):
        store.stored(bundles.find("melody_rnn", tmp_path / "moved.mag"))


@pytest.mark.parametrize(
    ("program", "how"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "was killed (signal 9); it takes 650 MB of memory: end ",
        ),
        ("raise SystemExit('all is lost')", "ended with 1 (its last words: all is lost): give another bundle."),
        ("raise SystemExit(7)", "ended with 7 (its last words: nothing): give another bundle."),
    ],
)
def test_a_compiler_that_gives_no_reason_is_said_with_how_it_ended(tmp_path, monkeypatch, program, how):
    monkeypatch.setattr(store, "COMPILER", ("-c", program))
    with pytest.raises(BundleError) as error:
        store.compile_apart(tmp_path / "mine.mag", "drum_kit", tmp_path / "mine.onnx")
    assert str(error.value).startswith(f"{tmp_path}/mine.mag could not be compiled: the compiler {how}")


def test_a_place_that_cannot_be_written_to_is_said(compiler, untrained, tmp_path):
    bundle = untrained / "lookback_rnn.mag"
    (tmp_path / "file").touch()
    (tmp_path / "folder.onnx").mkdir()
    for target, why in ((tmp_path / "file" / "made.onnx", "File exists"), (tmp_path / "folder.onnx", "Is a directory")):
        said = compiler(compile=str(bundle), config="lookback_rnn", into=str(target))["refusal"]
        assert said.startswith(f"{bundle} cannot be compiled into {target} ([Errno ")
        assert why in said
        assert said.endswith("): make room there, or let that folder be written to.")


def ended(process: psutil.Process) -> bool:
    """Whether it is gone, or only waits for somebody to ask how it ended: it is nobody's child by now."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_compiler_ends_with_the_worker_that_asked_for_it(untrained, tmp_path):
    target = tmp_path / "made.onnx"
    code = "import sys; from pathlib import Path; from livecode.models import store\n"
    code += "store.compile_apart(Path(sys.argv[1]), 'lookback_rnn', Path(sys.argv[2]))"
    with subprocess.Popen([sys.executable, "-c", code, str(untrained / "lookback_rnn.mag"), str(target)]) as worker:
        asking = psutil.Process(worker.pid)
        wait_until(asking.children, "the compiler")
        (compiler,) = asking.children()
        worker.kill()
    wait_until(lambda: ended(compiler), "its end")
    assert not target.exists()


def test_a_compiled_file_of_another_bundle_is_not_taken(untrained, tmp_path, monkeypatch):
    path = tmp_path / "mine.mag"
    path.write_bytes((untrained / "basic_rnn.mag").read_bytes())
    path.with_suffix(".onnx").write_bytes((untrained / "lookback_rnn.onnx").read_bytes())
    monkeypatch.setattr(store, "COMPILER", ("-c", "print('I was asked'); raise SystemExit(1)"))
    with pytest.raises(BundleError, match="I was asked"):
        store.stored(bundles.find("melody_rnn", path))


def test_the_built_in_models_are_compiled_from_their_bundles():
    for config, file in bundles.BUILT_IN.items():
        family = next(family for family, configs in bundles.FAMILIES.items() if config in configs)
        key = wire.ModelKey(family, config, file)
        made = Step(key.path.with_suffix(".onnx")).made
        assert (made.format, made.config, made.bundle) == (store.FORMAT, config, store.fingerprint(key.path))


def test_names_of_every_age_are_one():
    attention = "rnn/multi_rnn_cell/cell_0/attention_cell_wrapper"
    assert {
        plain("RNN/MultiRNNCell/Cell0/AttentionCellWrapper/AttnOutputProjection/Linear/Bias"),
        plain(f"{attention}/attn_output_projection/biases"),
        plain(f"{attention}/attn_output_projection/bias"),
    } == {f"{attention}/attn_output_projection/bias"}
