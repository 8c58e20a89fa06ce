"""A model in another environment: a real one, which has Magenta and no livecode; and one that has neither."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest
from model_pieces import rock

import livecode as lc
from livecode.models import alone
from livecode.models.interpreters import placed


def made(folder: Path, *, site: str | None = None) -> Path:
    """A new environment; with `site`, the packages there are found in it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    if site:
        packages = next(folder.glob("lib/python*/site-packages"))
        (packages / "others.pth").write_text(site)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Path:
    """The interpreter of an environment with Magenta and without livecode."""
    found = importlib.util.find_spec("magenta")
    if found is None or found.origin is None:
        pytest.skip("magenta is not installed")
    return made(tmp_path_factory.mktemp("elsewhere"), site=str(Path(found.origin).parent.parent))


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    return made(tmp_path_factory.mktemp("bare"))


@pytest.mark.magenta
def test_magenta_plays_in_another_environment_what_is_played_here(magenta, drum_kit, elsewhere):
    key = lc.drums_rnn(engine="magenta", python=elsewhere).key
    assert str(key) == f"drum_kit on magenta in {elsewhere}"
    assert magenta.phrase(key, rock()) == magenta.phrase(drum_kit, rock())
    assert psutil.Process(magenta.state(key).pid).cmdline()[0] == str(elsewhere)
    assert psutil.Process(magenta.state(drum_kit).pid).cmdline()[0] == sys.executable
    probe = [str(elsewhere), "-c", "import livecode"]
    assert subprocess.run(probe, capture_output=True, env={}, cwd=elsewhere.parent).returncode == 1


@pytest.mark.magenta
def test_a_compiled_model_runs_in_another_environment_too(magenta, drum_kit, elsewhere):
    key = lc.drums_rnn(python=str(elsewhere)).key
    assert magenta.phrase(key, rock()) == magenta.phrase(drum_kit, rock())
    assert psutil.Process(magenta.state(key).pid).cmdline()[0] == str(elsewhere)


def test_an_interpreter_that_cannot_is_refused_at_once_in_a_sentence(bare, tmp_path, drum_kit):
    files = {"text": "no program", "locked": "#!/bin/sh\n", "shell": "#!/bin/sh\necho hi\n"}
    files["old"] = "#!/bin/sh\necho livecode asked 3.8\n"
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o644 if name == "locked" else 0o755)
    old = tmp_path / "old"
    cases = [
        (tmp_path / "nothing", f"There is no Python {tmp_path}/nothing: give the path of an environment's interpreter"),
        (tmp_path, f"There is no Python {tmp_path}: "),
        (tmp_path / "text", f"{tmp_path}/text cannot be run (Exec format error): "),
        (tmp_path / "locked", f"{tmp_path}/locked cannot be run (Permission denied): "),
        (tmp_path / "shell", f"{tmp_path}/shell is no Python that works (its last words: nothing): "),
        ("/bin/ls", "/bin/ls is no Python that works (its last words: "),
        (old, f"{old} is Python 3.8, and a model's worker needs 3.11: make that environment anew."),
        (bare, f"The environment of {bare} lacks magenta and msgspec and note_seq and numpy and tensorflow: install that there"),
        (3, "python=3 cannot be: "),
        ("", "python='' cannot be: "),
    ]
    for python, said in cases:
        with pytest.raises(lc.BadInput) as refusal:
            lc.drums_rnn(engine="magenta", python=python)
        assert str(refusal.value).startswith(said)
        assert "\n" not in str(refusal.value)
    assert placed(drum_kit, None) == drum_kit


def test_an_environment_that_is_gone_since_is_said(desk_with, drum_kit, tmp_path):
    desk = desk_with("answers")
    key = msgspec.structs.replace(drum_kit, python=str(tmp_path / "python"))
    desk.ask(key)
    assert desk.event().startswith(f"The worker of drum_kit in {tmp_path}/python cannot be started ([Errno 2]")
    desk.ask(drum_kit)
    assert desk.reply().phrase is not None


def test_a_python_that_is_too_old_says_so_itself(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 6, 9))
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as end:
        alone.main()
    assert end.value.code == "Python 3.6 is too old for livecode's worker, which needs 3.11"
