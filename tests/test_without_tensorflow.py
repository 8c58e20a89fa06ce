"""Music where TensorFlow and Magenta cannot be imported, in no process: what plays all the same, and what is said of the rest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import livecode as lc
from livecode.models.bundles import find
from livecode.ui.cli import main

MISSING = ("magenta", "onnx", "tensorflow", "tf_slim")


@pytest.fixture
def without(tmp_path: Path) -> dict[str, str]:
    """An environment whose every Python, and their children's, finds packages of these names that cannot be imported."""
    for name in MISSING:
        package = tmp_path / "missing" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"raise ModuleNotFoundError('No module named {name}', name='{name}')\n")
    path = os.pathsep.join([str(tmp_path / "missing"), str(Path(lc.__file__).parents[1])])
    environment = os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for name in MISSING:
        assert python(f"import {name}", environment).returncode == 1
    return environment


def python(code: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def played(model: str, environment: dict[str, str]) -> tuple[bool, str]:
    """Whether a part has had bars of this model after four bars, and what troubles it."""
    code = (
        "import livecode as lc\n"
        "with lc.Stage(offline=True, seed=1) as stage:\n"
        "    drums = stage.part('drums') >> lc.beat(kick='x...x...', hat='x.x.x.x.')\n"
        f"    drums >> {model}\n"
        "    stage.run(bars=4)\n"
        "    print(len(drums.takes) > 1); print(drums.state().trouble)\n"
    )
    done = python(code, environment)
    assert done.returncode == 0, done.stderr
    takes, said = done.stdout.split("\n")[-3:-1]  # pyfluidsynth prints a line where CI is set
    return takes == "True", said


@pytest.mark.fluidsynth
def test_the_demo_plays_the_same_without_tensorflow(tmp_path: Path, without: dict[str, str]) -> None:
    ours, theirs = tmp_path / "ours.mid", tmp_path / "theirs.mid"
    arguments = ["demo", "--bars", "4", "--seed", "3", "--out"]
    assert main([*arguments, str(ours)]) == 0
    done = python(f"from livecode.ui.cli import main; raise SystemExit(main({[*arguments, str(theirs)]}))", without)
    assert done.returncode == 0, done.stderr
    assert "Drums RNN has made 2 loops, Melody RNN 1" in done.stdout
    assert theirs.read_bytes() == ours.read_bytes()


def test_the_built_in_models_play_without_tensorflow(without: dict[str, str]) -> None:
    assert played("lc.drums_rnn(bars=1)", without) == (True, "")
    assert played("lc.melody_rnn(bars=1)", without) == (True, "")


def test_magentas_engine_says_what_it_lacks(without: dict[str, str]) -> None:
    assert played("lc.drums_rnn(engine='magenta')", without) == (
        False,
        "drum_kit on magenta needs Magenta and TensorFlow, which cannot be imported (ModuleNotFoundError: No module named "
        "tensorflow): leave out engine='magenta', or name the Python of an environment that has them, such as "
        "python='~/magenta/bin/python'.",
    )


@pytest.mark.magenta
def test_a_bundle_that_must_be_compiled_says_what_that_lacks_and_is_compiled_in_an_environment_that_has_it(
    tmp_path: Path, without: dict[str, str]
) -> None:
    mine = tmp_path / "mine.mag"
    shutil.copy(find("drums_rnn", "drum_kit").path, mine)
    takes, said = played(f"lc.drums_rnn({str(mine)!r}, bars=1)", without)
    assert not takes
    assert said == (
        f"{mine} must be compiled first, which takes TensorFlow and Magenta, and they cannot be imported (No module named "
        "tensorflow): name the Python of an environment that has them, such as python='~/magenta/bin/python'."
    )
    # An interpreter that is named does not get our PYTHONPATH, so this one finds what the others miss.
    assert played(f"lc.drums_rnn({str(mine)!r}, bars=1, python={sys.executable!r})", without) == (True, "")
    assert played(f"lc.drums_rnn({str(mine)!r}, bars=1)", without) == (True, "")  # it is in the cache now
