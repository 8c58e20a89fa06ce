"""Runs a session's script on an offline engine, in virtual time: what it says is heard where it says so.

As a process of its own, `python -m livecode.session_runner x.py FACTS [--exact | --regenerate]` writes what became of it to the
file FACTS, as a journal: so a script that loops for ever, or ends its process, holds up nobody else.
"""

import argparse
import ast
import os
import re
import sys
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import journal
from .commands import AnyCommand, Pick, Play
from .errors import BadInput, LivecodeError
from .facts import InputOpened, Over, Taken
from .journal import Story
from .music import Beats, Seconds
from .offline import OfflineEngine
from .played import InputHandle
from .protocol import Opening, OpenPort
from .remote import apart
from .sequencer import Outcome
from .session import Place
from .session_cells import first_line
from .session_reader import Script
from .session_writer import groups_said
from .shown import Answer
from .stage import Stage
from .ui.names import HIDDEN, Meanings, Transform
from .ui.words import words

REFUSED = 2
"""The exit status for what keeps a script from its end."""

LOOKS: Seconds = 0.5
"""How often a script's process looks whether whoever began it is still there."""

UNTIL = 4
"""A script without an end goes on for so many bars after its last word."""


class ScriptEngine(OfflineEngine):
    """An offline engine that hears one thread, and puts what is said where a recording of the same script has it."""

    def __init__(self, opening: Opening, story: Story | None, *, exact: bool, regenerate: bool) -> None:
        super().__init__(opening, story.recording if story else None, exact=exact, regenerate=regenerate)
        self.line = 0
        """Of the script: where it is."""
        self.left_out: list[str] = []
        """What the script said that only a live stage can do: a sentence each."""
        self._inputs = [fact.name for fact in story.facts if isinstance(fact, InputOpened)] if story else []
        self._thread = threading.get_ident()
        self._groups: dict[Beats, list[Taken]] = {}
        for group in groups_said(story.session) if story else ():
            self._groups.setdefault(group[0].now, []).extend(group)
        self._coming: deque[Taken] = deque(self._groups.get(Beats(0), ()))

    def go_to(self, beat: Beats) -> None:
        """Let virtual time go on to this beat: what is said then is what the recording has from there on."""
        self.run_to(beat)
        self._coming = deque(self._groups.pop(beat, ()))

    def submit(self, command: AnyCommand, request: str = "") -> Outcome:
        """Have a command obeyed; a moment later if it was a moment later in the recording."""
        if threading.get_ident() != self._thread:
            raise BadInput("A thread of a script is not heard, for it knows no place in the music: write at(...) instead.")
        place = next((place for place, fact in enumerate(self._coming) if _same(command, fact.command)), None)
        if place is not None:
            fact = self._coming[place]
            for _ in range(place + 1):
                self._coming.popleft()
            if fact.now > self.reachable():
                self.run_to(fact.now)
        return super().submit(command, request)

    def open_input(self, port: str, *, api: str, virtual: bool) -> str:
        """Have an input of this name, unless the recording has one; returns what it is called in full."""
        heard = next((name for name in self._inputs if port.casefold() in name.casefold()), None)
        if heard is not None:
            return heard
        name = port or "MIDI"
        self._inputs.append(name)
        now = self._sequencer.add_input(name).beat
        self._told.append(InputOpened(now=now, name=name, api=api, virtual=virtual))
        return name

    def reachable(self) -> Beats:
        """The beat at which the next command is obeyed."""
        return self._sequencer.time.reachable()


def _same(command: AnyCommand, recorded: AnyCommand) -> bool:
    """Whether this is recorded as that: what is picked is recorded as its notes."""
    if isinstance(command, Pick) and isinstance(recorded, Play):
        return (command.part, command.on) == (recorded.part, recorded.on)
    return command == recorded


class _Over(BaseException):
    """The script says that it is over."""


class ScriptStage(Stage):
    """The stage that a script speaks to."""

    def __init__(self, engine: ScriptEngine) -> None:
        self._take_up(engine, started=False, alone=True)
        self._script = engine

    def at(self, bar: int, beat: float = 1) -> None:
        """What follows is said at this bar and beat, both counted from 1. Raises BadInput for what has passed."""
        self._script.go_to(Place.given(bar, beat).beats(self._script.tempo()))

    def end(self, bar: int, beat: float = 1) -> None:
        """Here it is over."""
        self._script.end(Place.given(bar, beat).beats(self._script.tempo()))
        raise _Over

    def midi(
        self, port: str | None = None, *, api: str | None = None, virtual: bool = False, latency: float | None = None
    ) -> Answer:
        """An output of this name, which nobody hears; a live replay opens the port."""
        if latency is not None:
            return super().midi(port, api=api, virtual=virtual, latency=latency)
        return Answer(self._script.open_port(OpenPort(port=port, api=api, virtual=virtual)).words)

    def input(self, port: str | None = None, *, api: str | None = None, virtual: bool = False) -> InputHandle:
        """An input of this name, on which nobody plays; what was played is in the recording."""
        return InputHandle(self, self._script.open_input(port or "", api=api or "", virtual=virtual))

    def follow_clock(self, source: "str | InputHandle | None") -> Answer:
        """Nobody's clock is followed; the tempo is as it was recorded, or the script's own."""
        return self._leave_out("follow_clock", "the tempo is as it was recorded, or the script's own")

    def link(self, on: bool = True) -> Answer:
        """Nobody's tempo is shared."""
        return self._leave_out("link", "the tempo is as it was recorded, or the script's own")

    def calibrate(self, output: str, input: "InputHandle | str" = "", *, whole: bool = False) -> Answer:  # noqa: A002
        """Nothing is measured."""
        return self._leave_out("calibrate", "stage.latency says how early an output is told")

    def perform(self, path: str | Path, *, bar: int = 1) -> Answer:
        """A script performs no recording."""
        return self._leave_out("perform", "a script performs no other")

    def export(self, path: str | Path, *, bars: float | None = None, part: str | None = None) -> Answer:
        """A script writes no files over those that were written when it was typed."""
        return self._leave_out("export", "livecode render writes files")

    render = export

    def stems(self, folder: str | Path, *, bars: float | None = None) -> Answer:
        """As `export`."""
        return self._leave_out("stems", "livecode render writes files")

    def shut_down(self, *, on: str = "now") -> None:
        """A script does not end where a stage is closed, but where it says `end`."""
        self._leave_out("closing the stage", "end(65) says where a session ends")

    close = shut_down

    def _leave_out(self, word: str, why: str) -> Answer:
        sentence = f"line {self._script.line}: {word} is left out, for {why}"
        self._script.left_out.append(sentence)
        return Answer(sentence)

    def save(self, path: str | Path) -> Answer:
        """A script does not save itself."""
        return Answer("a script that runs is not saved")


@dataclass(slots=True)
class Home:
    """Where names of a script lead."""

    stage: Stage

    def unload(self) -> None:
        """There is nothing to leave."""


def run(script: Script, *, exact: bool = False, regenerate: bool = False, recorded: bool = True) -> ScriptEngine:
    """Run a script to its end. `exact` takes all bars from its recording, `regenerate` asks models for all anew; else models
    are asked for what the recording has not. The engine is to be closed by whoever asked.

    Raises BadInput with file and line for whatever keeps it from its end, BundleError for a bundle that is not as it was.
    """
    if exact and script.recording is None:
        why = script.trouble or f"{script.path.name} has no recording that could be played exactly."
        raise BadInput(f"{why} Leave out --exact, and models are asked.")
    if not exact:
        script.check_bundles()
    engine = ScriptEngine(script.opening, script.recording if recorded else None, exact=exact, regenerate=regenerate)
    try:
        _execute(script, engine)
    except BaseException:
        engine.close()
        raise
    return engine


def _execute(script: Script, engine: ScriptEngine) -> None:
    stage = ScriptStage(engine)
    said = {"at": stage.at, "end": stage.end, "part": stage.part, "session": lambda **given: None}
    home = Home(stage)
    known = {**words(home), **said}
    names: dict[str, Any] = {"__name__": "__session__", "__file__": str(script.path), "stage": stage, **known}
    names[HIDDEN] = meanings = Meanings(home, names, known)
    met = set[str]()
    with _beside(script.path), apart():
        for statement in script.tree.body:
            engine.line = statement.lineno
            new = set(stage.parts) - met
            met |= new
            meanings.name(new)
            module = Transform(meanings).visit(ast.Module([statement], []))
            with _translated(script, statement.lineno):
                try:
                    exec(compile(module, str(script.path), "exec"), names)
                except _Over:
                    break
            _refuse_missing(script, statement.lineno, engine)
        else:
            line = engine.tempo().line_after(engine.reachable())
            engine.end(line + UNTIL * engine.tempo().meter_at(line).bar)
    _refuse_missing(script, statement.lineno, engine)


@contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Modules that lie beside the script can be imported, as with `python x.py`."""
    before = list(sys.path)
    sys.path.insert(0, str(path.absolute().parent))
    try:
        yield
    finally:
        sys.path[:] = before  # the script may have put folders of its own there


@contextmanager
def _translated(script: Script, line: int) -> Iterator[None]:
    """Whatever is raised, as one sentence with its line."""
    try:
        yield
    except Exception as error:
        ours = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(script.path)]
        said = str(error) if isinstance(error, LivecodeError) else first_line(error)
        raise BadInput(f"{script.path.name}, line {ours[-1] if ours else line}: {said}") from error
    except SystemExit as error:
        raise BadInput(f"{script.path.name}, line {line}: exit() ends no session: write end(65) where it is to end.") from error


def _refuse_missing(script: Script, line: int, engine: ScriptEngine) -> None:
    """Refuse to go on without bars that are not recorded; those from the end on nobody hears."""
    if not engine.missing:
        return
    tempo, facts = engine.tempo(), engine.facts
    over = facts[-1].now if facts and isinstance(facts[-1], Over) else None
    for missing in engine.missing:
        bar = re.search(r" for bar (\d+)", missing)
        if over is None or bar is None or int(bar[1]) <= tempo.bar_at(over):
            raise BadInput(f"{script.path.name}, line {line}: {missing}: leave out --exact, and the model is asked.")


def main() -> None:
    """Run a script in this process, and write what became of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("script")
    parser.add_argument("facts", type=Path)
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--regenerate", action="store_true")
    options = parser.parse_args()
    threading.Thread(target=_end_with, args=(os.getppid(),), name="livecode parent", daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(5)  # the music comes first
    try:
        engine = run(Script.read(options.script), exact=options.exact, regenerate=options.regenerate)
        options.facts.write_bytes(journal.recorded(engine.story()))
        for sentence in remarks(engine, exact=options.exact):
            print(sentence)  # noqa: T201
        engine.close()
    except LivecodeError as error:
        print(f"livecode: {error}", file=sys.stderr)  # noqa: T201
        sys.stdout.flush()
        os._exit(REFUSED)
    except KeyboardInterrupt:
        os._exit(130)


def _end_with(parent: int) -> None:
    """End this process when the one that began it has ended: nobody is there for what a script that loops for ever would say."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(LOOKS)
    os._exit(REFUSED)


def remarks(engine: ScriptEngine, *, exact: bool) -> list[str]:
    """What is to be said of a run: what was left out, where models answered otherwise, what troubled them if they were asked."""
    tempo = engine.tempo()
    said = [
        f"{other.part}, bar {tempo.bar_at(other.at) + 1}: its model made other bars than were recorded"
        for other in engine.differences
    ]
    troubled = [] if exact else [part for part in engine.snapshot().parts if part.trouble]
    return engine.left_out + said + [f"{part.name}: {part.trouble}" for part in troubled]


if __name__ == "__main__":
    main()
