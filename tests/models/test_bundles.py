import os
import subprocess
import sys
from pathlib import Path

import pytest
from model_pieces import bundle_of

from livecode.errors import BadInput, BundleError, UnknownName
from livecode.models import bundles
from livecode.models.wire import ModelKey


@pytest.fixture
def mag(tmp_path):
    def written(content: bytes, name: str = "my.mag") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return written


def refusal(family, model) -> str:
    with pytest.raises(BundleError) as error:
        bundles.find(family, model)
    return str(error.value)


def test_the_built_in_models_are_there_with_their_cards():
    for config, file in bundles.BUILT_IN.items():
        family = next(family for family, configs in bundles.FAMILIES.items() if config in configs)
        key = bundles.find(family, config)
        assert key == ModelKey(family, config, file)
        assert key.path.is_file()
        assert key.path.with_suffix(".md").is_file()


def test_a_path_is_a_model_too(mag, monkeypatch):
    path = mag(bundle_of("mono_rnn"))
    expected = ModelKey("melody_rnn", "mono_rnn", str(path))
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv("HOME", str(path.parent))
    monkeypatch.setenv("USERPROFILE", str(path.parent))
    given = [str(path), path, "my.mag", Path("my.mag"), "~/my.mag", os.path.join(".", "my.mag")]
    assert [bundles.find("melody_rnn", model) for model in given] == [expected] * len(given)
    assert expected.path == path


def test_a_bundle_needs_no_ending(mag):
    path = mag(bundle_of("one_drum"), "bundle")
    assert bundles.find("drums_rnn", str(path)).config == "one_drum"


def test_a_config_without_a_bundle_says_what_to_do():
    assert refusal("melody_rnn", "basic_rnn") == (
        "There is no built-in bundle for basic_rnn: give the path of a .mag file that holds it, or take attention_rnn."
    )


@pytest.mark.parametrize(
    ("family", "model", "said"),
    [
        ("drums_rnn", "drumkit", "There is no Drums RNN model 'drumkit': did you mean 'drum_kit'?"),
        ("drums_rnn", "attention_rnn", "'attention_rnn' is a Melody RNN model: use melody_rnn('attention_rnn')."),
    ],
)
def test_an_unknown_name_says_what_is_near(family, model, said):
    with pytest.raises(UnknownName) as error:
        bundles.find(family, model)
    assert str(error.value) == said


def test_what_is_neither_a_name_nor_a_path_is_refused():
    with pytest.raises(BadInput, match="2 is no model"):
        bundles.find("drums_rnn", 2)  # type: ignore[arg-type]


def test_a_file_that_is_no_bundle_is_refused_in_one_sentence(mag, tmp_path):
    whole = bundles.find("drums_rnn", "drum_kit").path.read_bytes()
    cases = [
        (tmp_path / "nowhere" / "none.mag", "There is no file {}: check the path of the .mag file."),
        (tmp_path / "nois.mag", "There is no file {}: did you mean noise.mag"),
        (tmp_path, "{} cannot be read"),
        (mag(b"", "empty.mag"), "{} is empty: download or copy the bundle again."),
        (mag(b"# A text\n\nof words.\n", "text.mag"), "{} is no Magenta bundle, or is cut short"),
        (mag(os.urandom(4096), "noise.mag"), "{} is no Magenta bundle, or is cut short"),
        (mag(whole[:-1], "cut.mag"), "{} is no Magenta bundle, or is cut short"),
        (mag(whole[: len(whole) // 2], "half.mag"), "{} is no Magenta bundle, or is cut short"),
        (mag(bundle_of("drum_kit", metagraph=b""), "graphless.mag"), "{} holds drum_kit without its weights or its graph"),
        (mag(bundle_of("drum_kit", checkpoint=b""), "weightless.mag"), "{} holds drum_kit without its weights or its graph"),
        (mag(bundle_of("mono_rnn"), "mono.mag"), "{} holds mono_rnn, a Melody RNN model: use melody_rnn(...)."),
        (mag(bundle_of("polyphony"), "poly.mag"), "{} holds polyphony, a Polyphony RNN model: use polyphony_rnn(...)."),
        (mag(bundle_of("rl_duet"), "duet.mag"), "{} holds 'rl_duet', which livecode cannot play"),
    ]
    said = [refusal("drums_rnn", path) for path, _ in cases]
    assert [len(sentence.split(".\n")) for sentence in said] == [1] * len(said)
    for (path, expected), sentence in zip(cases, said, strict=True):
        assert sentence.startswith(expected.format(path))


def test_every_cut_of_a_bundle_is_noticed(mag):
    whole = bundle_of("drum_kit")
    for length in range(1, len(whole)):
        refusal("drums_rnn", mag(whole[:length]))


def test_checking_a_bundle_loads_no_heavy_library():
    program = (
        "import sys; from livecode.models import bundles; assert 'google.protobuf' not in sys.modules;"
        "bundles.find('drums_rnn', 'drum_kit');"
        "print([name for name in ('tensorflow', 'note_seq', 'magenta') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_checkpoint_goes_by_its_config_and_its_folder_or_prefix(tmp_path: Path) -> None:
    for ending in ("index", "meta", "data-00000-of-00001"):
        (tmp_path / f"model.ckpt-500.{ending}").touch()
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-500"\nall_model_checkpoint_paths: "model.ckpt-1"\n')
    key = ModelKey("melody_rnn", "lookback_rnn", str(tmp_path / "model.ckpt-500"))
    assert bundles.find("melody_rnn", f"lookback_rnn:{tmp_path}") == key
    assert bundles.find("melody_rnn", f"lookback_rnn:{tmp_path / 'model.ckpt-500'}") == key
    assert str(key) == "lookback_rnn of model.ckpt-500"
    with pytest.raises(UnknownName, match=r"'drum_kit' is a Drums RNN model: use drums_rnn"):
        bundles.find("melody_rnn", f"drum_kit:{tmp_path}")
    with pytest.raises(BadInput, match="A checkpoint is played compiled: leave out engine='magenta'"):
        bundles.find("melody_rnn", f"lookback_rnn:{tmp_path}", "magenta")
    (tmp_path / "model.ckpt-500.meta").unlink()
    with pytest.raises(BundleError, match=r"There is no .*model.ckpt-500.meta: give the prefix of a whole checkpoint"):
        bundles.find("melody_rnn", f"lookback_rnn:{tmp_path}")
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(BundleError, match="holds no checkpoint: give the folder that a training writes to"):
        bundles.find("melody_rnn", f"lookback_rnn:{tmp_path}")
