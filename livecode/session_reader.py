"""Reads a session's script, and refuses what cannot be one before anything plays: with its line, in one sentence."""

import ast
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from . import journal
from .errors import BadInput, BundleError, LivecodeError, UnknownName
from .files import expanded
from .journal import Story
from .music import counted
from .outputs import soundfonts
from .outputs.fluid import GAIN
from .protocol import Opening
from .session import Place, bundle_named, digest
from .session_saving import fingerprint
from .tempo import Meter, exact_bpm

LARGEST = 16 * 2**20
"""In bytes: what is longer is no script."""

OPENED_WITH = ("bpm", "meter", "seed", "soundfont", "models")
"""What session(...) takes."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that has been read: its text and its statements, what its session is opened with, and the recording beside it.

    `trouble` says why there is no recording although there is a file, or what is missing in it, "" for nothing.
    """

    path: Path
    text: str
    tree: ast.Module
    opening: Opening
    models: Mapping[str, str]
    recording: Story | None
    trouble: str

    @classmethod
    def read(cls, path: str | Path) -> "Script":
        """Read and check x.py, and x.jsonl if it is there. Raises BadInput with the line that is wrong."""
        source = expanded(path)
        text = _text(source)
        try:
            tree = ast.parse(text, str(source))
        except SyntaxError as error:
            line = f", line {error.lineno}" if error.lineno else ""
            what = (error.text or "").strip()
            raise BadInput(f"{source.name}{line}: {error.msg}{f': {what}' if what else ''}.") from error
        except (ValueError, RecursionError, MemoryError) as error:
            raise BadInput(f"{source.name} is no script that Python can read ({error}).") from error
        if not tree.body:
            raise BadInput(f"{source.name} says nothing: write at(1), then what you would type at the prompt.")
        recording, trouble = _recording(source.with_suffix(".jsonl"))
        if recording is not None and recording.recording.over is None:
            trouble = trouble or f"The end of {source.stem}.jsonl is missing: what it lacks is played as the script says it."
        given = _session(source.name, tree)
        _check_places(source.name, tree)
        return cls(source, text, tree, _opening(source.name, given, recording), given.get("models", {}), recording, trouble)

    @property
    def edited(self) -> bool:
        """Whether there is no whole recording of exactly this text."""
        saved = self.recording.saved if self.recording else None
        return saved is None or saved.script != fingerprint(self.text) or self.cut

    @property
    def cut(self) -> bool:
        """Whether the end of its recording is missing."""
        return self.recording is not None and self.recording.recording.over is None

    def check_bundles(self) -> None:
        """Raise BundleError unless the bundles that the session played with are here, as they were."""
        for name, wanted in self.models.items():
            found = digest(bundle_named(name))
            if found == wanted or not wanted:
                continue
            how = "is not here" if found is None else f"is another one here ({found}, not {wanted})"
            remedy = "--exact plays what is recorded, without it" if self.recording else "put it back, or take another"
            raise BundleError(f"{self.path.name} plays with the bundle {name!r}, which {how}: {remedy}.")


def _text(source: Path) -> str:
    try:
        if source.is_dir():
            raise BadInput(f"{source} is a folder: give the path of a script, such as {source.name}/tonight.py.")
        if source.stat().st_size > LARGEST:
            raise BadInput(f"{source} is too large for a script ({source.stat().st_size // 2**20} MB).")
        content = source.read_bytes()
    except OSError as error:
        if source.suffix == "" and source.with_suffix(".py").exists():
            return _text(source.with_suffix(".py"))
        raise BadInput(f"{source} cannot be read ({error.strerror or error}): give the path of a script, x.py.") from error
    try:
        if source.suffix.lower() in (".mid", ".midi", ".jsonl", ".wav") or b"\0" in content:
            raise UnicodeError
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeError:
        raise BadInput(f"{source} is no script: give one such as {source.with_suffix('.py').name}.") from None


def _recording(path: Path) -> tuple[Story | None, str]:
    if not path.exists():
        return None, ""
    try:
        story = _here(journal.read(path))
    except LivecodeError as error:
        return None, f"There is no recording that can be read: {error}"
    bad = (
        f"{counted(Fraction(story.bad), 'line')} of {path.name} cannot be read: what was recorded there is missing."
        if story.bad
        else ""
    )
    return story, bad


def _here(story: Story) -> Story:
    """The same with a soundfont that is here: its own, or the one that comes along."""
    opening = story.opened.opening
    if Path(opening.soundfont).is_file():
        return story
    here = msgspec.structs.replace(opening, soundfont=str(soundfonts.find().absolute()))
    return dataclasses.replace(story, opened=msgspec.structs.replace(story.opened, opening=here))


# session(...)


def _session(name: str, tree: ast.Module) -> Mapping[str, Any]:
    """What session(...) is given, in the first statement that is no docstring."""
    given: Mapping[str, Any] = {}
    for place, statement in enumerate(statement for statement in tree.body if not _is_docstring(statement)):
        call = _call(statement, "session")
        if call is not None and place:
            raise BadInput(f"{name}, line {statement.lineno}: session(...) comes first, or not at all.")
        if call is not None:
            given = _keywords(name, call)
    return given


def _keywords(name: str, call: ast.Call) -> Mapping[str, Any]:
    where = f"{name}, line {call.lineno}"
    given: dict[str, Any] = {}
    if call.args:
        raise BadInput(f"{where}: session takes names, such as session(bpm=120, seed=7).")
    for keyword in call.keywords:
        if keyword.arg not in OPENED_WITH:
            raise BadInput(f"{where}: {UnknownName.of('argument of session', keyword.arg, OPENED_WITH)}")
        try:
            given[keyword.arg] = ast.literal_eval(keyword.value)
        except ValueError:
            raise BadInput(
                f"{where}: {keyword.arg} is a number or text as it stands, such as session(bpm=120, seed=7)."
            ) from None
    models = given.get("models", {})
    if not (isinstance(models, dict) and all(isinstance(word, str) for pair in models.items() for word in pair)):
        raise BadInput(f'{where}: models are names with the beginnings of their sha256, such as {{"drum_kit": "1f2e3d4c"}}.')
    return given


def _opening(name: str, given: Mapping[str, Any], recording: Story | None) -> Opening:
    """As the recording was opened, or as usual; and as the script says."""
    usual = Opening(
        bpm=exact_bpm(120),
        meter=Meter(),
        seed=0,
        soundfont=str(soundfonts.find().absolute()),
        driver=None,
        gain=GAIN,
        reverb=True,
        chorus=False,
        audio=True,
        require_audio=False,
        patience=30.0,
    )
    had = msgspec.structs.replace(recording.opened.opening, driver=None, require_audio=False) if recording else usual
    try:
        said = {word: _READ[word](value) for word, value in given.items() if word in _READ}
    except LivecodeError as error:
        raise BadInput(f"{name}: session(...): {error}") from error
    return msgspec.structs.replace(had, **said)


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise BadInput(f"seed={value!r} is no whole number from 0 to 2**63 - 1: give one such as 7, or leave it out.")
    return value


_READ: Mapping[str, Callable[[Any], Any]] = {
    "bpm": exact_bpm,
    "meter": Meter.of,
    "seed": _seed,
    "soundfont": lambda font: str(soundfonts.find(font).absolute()),
}


# Places


def _check_places(name: str, tree: ast.Module) -> None:
    """Places that are written as they stand must not go back, and nothing comes after the end."""
    here, ended = Place(1), 0
    for statement in tree.body:
        if ended:
            raise BadInput(f"{name}, line {statement.lineno} comes after the end, which line {ended} says.")
        word = next((word for word in ("at", "end") if _call(statement, word) is not None), "")
        if not word:
            continue
        place = _place(name, statement, word)
        if place is not None and place < here:
            raise BadInput(f"{name}, line {statement.lineno}: {place.call(word)} goes back, for {here.call('at')} was before it.")
        here, ended = place or here, statement.lineno if word == "end" else 0


def _place(name: str, statement: ast.stmt, word: str) -> Place | None:
    """A position whose numbers are written there; None for one that is computed."""
    call = _call(statement, word)
    assert call is not None
    try:
        given = [ast.literal_eval(value) for value in call.args]
        named = {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        return None
    try:
        return Place.given(*given, **named)
    except TypeError:
        raise BadInput(f"{name}, line {statement.lineno}: {word} takes a bar and a beat, such as {word}(17, 2.5).") from None
    except BadInput as error:
        raise BadInput(f"{name}, line {statement.lineno}: {error}") from error


def _call(statement: ast.stmt, word: str) -> ast.Call | None:
    """The call of one of a script's words, if that is the statement: at(17), stage.at(17)."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if name == word:
            return call
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="stage"), attr=name)) as call) if name == word:
            return call
    return None


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    )
