"""Saves a session: its script, its recording, and what it sounds like. And what crashes have left: the journals."""

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from . import journal
from .commands import Declare
from .errors import BadInput, LivecodeError, OutputError
from .facts import Answered, Moved, Over, Taken, Typed
from .files import expanded, whole_files
from .journal import Opened, Saved, Story
from .music import Beats, NoteEvent, counted
from .offline import OfflineEngine
from .places import Place, state_folder
from .session_performed import as_said
from .session_writer import last_word, script

Render = Callable[[OfflineEngine, Path], object]
"""Writes what an engine has on its tape to a file."""


def save(story: Story, path: str | Path, render: Render, *, now: Beats | None = None) -> str:
    """Write a session as x.py, x.jsonl and x.mid, all or none, and say what was written.

    It ends on the bar line after what was said or sounded last, up to beat `now`; None: as far as the journal goes. Raises
    BadInput for what is no name of a script, and for a file that is there and is not of the same session; OutputError for
    what cannot be written.
    """
    story, target = as_said(story), _target(path)
    recording, sounding = target.with_suffix(".jsonl"), target.with_suffix(".mid")
    _refuse_to_overwrite(target, story)
    engine, end = retold(story, now)
    text = script(story, engine.tempo(), end, name=target.name, version=version("livecode"))
    heard = _heard(engine, end, render)
    saved = Saved(script=fingerprint(text), version=version("livecode"), sounding=_sha256(heard) if heard else "")
    written = [text.encode(), journal.encoded(_lines(story, saved, end)), *([heard] if heard else [])]
    targets = [target, recording, sounding][: len(written)]
    with whole_files(*targets) as hidden:
        for file, content in zip(hidden, written, strict=True):
            file.write_bytes(content)
    return f"{target} and {recording}: {_contents(story, engine, end)}" + (
        f"; {sounding} is what it sounds like" if heard else "; nothing has sounded, so there is no .mid file"
    )


def _heard(engine: OfflineEngine, end: Beats, render: Render) -> bytes:
    """The MIDI file of what sounded; none if nothing has."""
    if not any(isinstance(event, NoteEvent) for event in engine.score(Beats(0), end)):
        return b""
    with TemporaryDirectory() as folder:
        file = Path(folder, "session.mid")
        render(engine, file)
        return file.read_bytes()


def retold(story: Story, now: Beats | None = None) -> tuple[OfflineEngine, Beats]:
    """An engine that has on its tape what sounded in a session, and stands still where it ends."""
    facts = [fact for fact in story.facts if not isinstance(fact, Over)]
    over = [fact.now for fact in story.facts if isinstance(fact, Over)]
    heard = last_word(story.session)
    known = max([heard, now or heard, *(line.now for line in story.session if isinstance(line, Taken | Answered | Typed))])
    engine = OfflineEngine(story.opened.opening)
    engine.retell(facts, over[-1] if over else known)
    engine.close()
    if over:
        return engine, over[-1]
    ends = [event.end_beat for event in engine.score(Beats(0), known) if isinstance(event, NoteEvent)]
    end = engine.tempo().line_after(max([heard, *(min(end, known) for end in ends)]))
    if end != known:  # it goes on as time went last, or is looked at from an earlier beat
        engine.retell([fact for fact in facts if isinstance(fact, Moved)][-1:], end)
    return engine, end


def _target(path: str | Path) -> Path:
    if not isinstance(path, str | Path) or not str(path).strip():
        raise BadInput(f"{path!r} is no name for a session: give one such as 'tonight' or 'sessions/tonight.py'.")
    target = expanded(path)
    if target.suffix == "":
        target = target.with_suffix(".py")
    if target.suffix != ".py":
        raise BadInput(f"{target} does not end in .py: a session is saved as a script, such as {target.with_suffix('.py').name}.")
    if not target.parent.is_dir():
        raise BadInput(f"There is no folder {target.parent}: make it first, or save somewhere else.")
    return target


def _refuse_to_overwrite(target: Path, story: Story) -> None:
    """What is there of the three files may be written over if it is this session, as it was saved before."""
    own: dict[str, str] = {}
    recording = target.with_suffix(".jsonl")
    with contextlib.suppress(LivecodeError):
        there = journal.read(recording)
        if there.saved and (there.opened.name, there.opened.time) == (story.opened.name, story.opened.time):
            own = {".py": there.saved.script, ".jsonl": _digest(recording), ".mid": there.saved.sounding}
    for file in (target, recording, target.with_suffix(".mid")):
        if file.exists() and _digest(file) != own.get(file.suffix):
            raise BadInput(f"{file} is there already, and is another session's or was edited: give another name, or remove it.")


def _digest(file: Path) -> str:
    try:
        return _sha256(file.read_bytes())
    except OSError:
        return "unread"


def fingerprint(text: str) -> str:
    """The sha256 of a script's text, with which its recording says that it is its own."""
    return _sha256(text.encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _lines(story: Story, saved: Saved, end: Beats) -> list[journal.Line]:
    kept = [line for line in story.session if not isinstance(line, Over)]
    return [story.opened, saved, *kept, Over(now=end)]


def _contents(story: Story, engine: OfflineEngine, end: Beats) -> str:
    cells = {line.id for line in story.session if isinstance(line, Typed)}
    commands = [fact for fact in story.facts if isinstance(fact, Taken) and not isinstance(fact.command, Declare)]
    performed = sum(bool(fact.place) for fact in commands)
    others = sum(fact.id.rpartition("-")[0] not in cells for fact in commands) - performed
    typed = "as it was typed" if len(cells) == 1 else "as they were typed"
    said = [counted(Fraction(engine.tempo().bar_at(end)), "bar"), f"{counted(Fraction(len(cells)), 'cell')} {typed}"]
    said += [f"{counted(Fraction(others), 'command')} of other programs"] if others else []
    said += [f"{counted(Fraction(performed), 'command')} of what was performed"] if performed else []
    said += [f"{counted(Fraction(story.bad), 'line')} of the journal could not be read, and is missing"] if story.bad else []
    return ", ".join(said)


# What was played before


@dataclass(frozen=True, slots=True)
class Past:
    """A journal: what it is the journal of, and whether its engine plays now."""

    path: Path
    opened: Opened
    ended: bool
    plays: bool

    def __str__(self) -> str:
        how = "plays now" if self.plays else "ended" if self.ended else "crashed"
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.opened.time))
        return f"{when}  {self.opened.name}  {how}  {self.path.stem}"


def past() -> list[Past]:
    """The journals that are kept, the newest first."""
    found: list[Past] = []
    for path in sorted((state_folder() / "journals").glob("*.jsonl"), key=lambda path: path.name, reverse=True):
        with contextlib.suppress(OutputError):
            opened, ended = journal.glance(path)
            newest = all(other.opened.name != opened.name for other in found)
            found.append(Past(path, opened, ended, newest and not ended and Place.of(opened.name).held()))
    return found


def last(name: str = "") -> Past:
    """The newest journal of an engine that does not play; or the one whose file is called so. Raises BadInput."""
    known = [each for each in past() if not each.plays]
    if name:
        known = [each for each in known if each.path.stem == name.removesuffix(".jsonl")]
    if not known:
        raise BadInput(
            f"There is no session{f' {name!r}' if name else ''} to restore: livecode sessions lists those that are kept."
        )
    return known[0]
