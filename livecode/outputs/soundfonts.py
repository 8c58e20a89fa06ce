"""Soundfonts: found by name or path, and refused at once when the file is none."""

import importlib.util
import os
import struct
import sys
from pathlib import Path

import platformdirs

from ..errors import OutputError, UnknownName
from ..files import expanded

SUFFIXES = (".sf2", ".sf3")
DEFAULT = "TimGM6mb"
"""The General MIDI soundfont that the pretty_midi package brings along: always there, so everybody hears the same."""


def find(soundfont: str | Path | None = None) -> Path:
    """The file of a soundfont given by path or by name (None: the default), with a soundfont's header.

    Raises UnknownName, which says the closest names, or OutputError for a file that is no soundfont.
    """
    if soundfont is None:
        return _checked(_packaged() or _named(DEFAULT))
    if not isinstance(soundfont, str | Path):
        raise UnknownName.of("soundfont", soundfont, available())
    path = expanded(soundfont)
    return _checked(path if path.is_file() else _named(str(soundfont)))


def available() -> dict[str, Path]:
    """Every soundfont in the folders searched, by name; of two with one name, the one found first.

    Order: ./soundfonts, the user's folder of livecode, the folders of the system, the one of the pretty_midi package.
    """
    found: dict[str, Path] = {}
    for folder in folders():
        for path in _soundfonts_in(folder):
            found.setdefault(path.stem, path)
    packaged = _packaged()
    if packaged is not None:
        found.setdefault(packaged.stem, packaged)
    return found


def folders() -> list[Path]:
    """Where soundfonts are looked for, whether or not the folders exist."""
    own = [Path("soundfonts"), Path(platformdirs.user_data_dir("livecode", appauthor=False)) / "soundfonts"]
    return own + _system_folders()


def _system_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        banks = [home / "Library/Audio/Sounds/Banks", Path("/Library/Audio/Sounds/Banks")]
        return banks + [Path(prefix) / "share/soundfonts" for prefix in ("/opt/homebrew", "/usr/local")]
    if sys.platform == "win32":
        return [Path(os.environ.get("PROGRAMDATA", "C:\\ProgramData")) / "soundfonts"]
    shared = ("sounds/sf2", "sounds/sf3", "soundfonts")
    return [Path(base) / folder for base in ("/usr/share", "/usr/local/share", home / ".local/share") for folder in shared]


def _soundfonts_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError:
        return []


def _packaged() -> Path | None:
    """pretty_midi's soundfont, without importing pretty_midi."""
    spec = importlib.util.find_spec("pretty_midi")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name(f"{DEFAULT}.sf2")
    return path if path.is_file() else None


def _named(name: str) -> Path:
    known = available()
    stem = name[: -len(SUFFIXES[0])] if name.lower().endswith(SUFFIXES) else name
    for candidate, path in known.items():
        if candidate.casefold() == stem.casefold():
            return path
    raise UnknownName.of("soundfont", name, known)


def _checked(path: Path) -> Path:
    """The path, if the file begins as a soundfont does and is as long as it says.

    Source: SoundFont Technical Specification 2.04, section 4: a RIFF file of form 'sfbk'.
    """
    try:
        with path.open("rb") as file:
            head = file.read(12)
        size = path.stat().st_size
    except OSError as error:
        raise OutputError(f"The soundfont {str(path)!r} cannot be read ({error.strerror}): check the file.") from error
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise OutputError(f"{str(path)!r} is no soundfont: give a file that ends in .sf2 or .sf3 and begins as one.")
    promised = struct.unpack("<I", head[4:8])[0] + 8
    if size < promised:
        raise OutputError(f"The soundfont {str(path)!r} is cut short ({size} of {promised} bytes): fetch it again.")
    return path
