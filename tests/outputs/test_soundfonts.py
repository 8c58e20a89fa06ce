import struct
from pathlib import Path

import pytest

from livecode.errors import OutputError, UnknownName
from livecode.outputs import soundfonts


def a_soundfont(folder: Path, name: str, *, promised: int = 24, size: int = 24) -> Path:
    """A file that begins as a soundfont does, and says how long it is."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes((b"RIFF" + struct.pack("<I", promised - 8) + b"sfbk").ljust(size, b"\0"))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "soundfonts"


def test_the_default_is_always_there() -> None:
    assert soundfonts.find().name == "TimGM6mb.sf2"


def test_found_by_name_whatever_its_case(folder: Path) -> None:
    a_soundfont(folder, "Clockwork.sf2")

    assert soundfonts.find("clockWORK").name == "Clockwork.sf2"
    assert soundfonts.find("Clockwork.sf2").name == "Clockwork.sf2"
    assert set(soundfonts.available()) >= {"Clockwork", "TimGM6mb"}


def test_the_folder_beside_the_session_comes_first(folder: Path) -> None:
    a_soundfont(folder, "TimGM6mb.sf3")

    assert soundfonts.available()["TimGM6mb"].suffix == ".sf3"


def test_found_by_path_and_home(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_soundfont(folder, "mine.sf2")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert soundfonts.find(path) == path
    assert soundfonts.find("~/soundfonts/mine.sf2") == path


def test_an_unknown_name_gets_the_closest(folder: Path) -> None:
    a_soundfont(folder, "Clockwork.sf2")

    with pytest.raises(UnknownName, match="There is no soundfont 'Clokwork': did you mean 'Clockwork'"):
        soundfonts.find("Clokwork")


def test_a_path_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(UnknownName, match="There is no soundfont"):
        soundfonts.find(folder / "nowhere.sf2")


def test_a_text_file_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.sf2").write_text("just words, quite a few of them")

    with pytest.raises(OutputError, match="is no soundfont"):
        soundfonts.find("notes")


def test_an_empty_file_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "empty.sf2").touch()

    with pytest.raises(OutputError, match="is no soundfont"):
        soundfonts.find("empty")


def test_a_truncated_file_is_refused(folder: Path) -> None:
    a_soundfont(folder, "half.sf2", promised=48, size=24)

    with pytest.raises(OutputError, match=r"cut short \(24 of 48 bytes\)"):
        soundfonts.find("half")
