"""A stage's side of an engine in a process of its own: finds it, starts it, asks it. It looks like an engine that plays here."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

import msgspec

from . import journal
from .commands import AnyCommand, Candidates, On, Panic, Snapshot
from .errands import Errand, HandIn
from .errors import BadInput, EngineGone, LivecodeError, OutputError, UnknownName
from .guard import engine_command
from .journal import Story
from .line import Line
from .music import Beats, Event, Phrase, Seconds
from .outputs.tape import Tape
from .places import MAIN, Place, running, state_folder
from .protocol import (
    ALREADY,
    Calibrate,
    Done,
    EngineState,
    Entries,
    JournalAt,
    KeepCell,
    LogEntry,
    Look,
    Opening,
    OpenInput,
    OpenPort,
    Page,
    Perform,
    ReadCandidates,
    ReadErrands,
    ReadJournal,
    ReadLog,
    ReadSettings,
    ReadTakes,
    ReadTape,
    ReadTempo,
    Refused,
    Remark,
    Reply,
    Report,
    Request,
    Shutdown,
    Start,
    Takes,
    Tempos,
    ToDo,
    Welcome,
    decode_reply,
)
from .session_cells import Outbox
from .tempo import TempoMap

STARTS_IN: Seconds = 60.0
ENDS_IN: Seconds = 15.0
"""How long a start and an end are waited for."""

_CELLS_IN: Seconds = 2.0

PAGE = Beats(64)
"""The tape is read in pages of so many beats."""

_Kind = TypeVar("_Kind", bound=Reply)


_apart: ContextVar[bool] = ContextVar("apart", default=False)


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Within, no engine that plays is reached: a script that is run ahead of time must not change what sounds."""
    token = _apart.set(True)
    try:
        yield
    finally:
        _apart.reset(token)


def _refuse_if_apart() -> None:
    if _apart.get():
        raise BadInput("A script speaks to its own stage and reaches no engine: leave Stage.attach() and Stage() out of it.")


class RemoteEngine:
    """An engine in another process. Any thread may call any method; each waits for the engine's answer.

    After `close`, what could be looked at is as it was at the end.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._process: subprocess.Popen[bytes] | None = None
        self._kept: dict[Request, Reply] = {}
        self._kept_tape: Tape | None = None
        self._cells = Outbox(lambda cell: self._ask(cell, Done))

    @classmethod
    def attach(cls, name: str) -> "RemoteEngine":
        """The engine of this name, which runs. Raises UnknownName if none does, BadInput within `apart`."""
        _refuse_if_apart()
        line = Line(Place.of(name))
        if not line.place.lives():
            raise UnknownName(_none_runs(name))
        line.enter()
        return cls(line)

    @classmethod
    def reach(cls, start: Start) -> "tuple[RemoteEngine, bool]":
        """The engine of this name, and whether it was started now. Raises what keeps it from playing, BadInput within `apart`."""
        _refuse_if_apart()
        engine = cls(Line(Place.of(start.name)))
        while True:
            if not engine._line.place.lives() and engine._started(start):
                return engine, True
            with contextlib.suppress(EngineGone):  # somebody else is about to start it
                engine._line.enter()
                return engine, False

    def _started(self, start: Start) -> bool:
        """Whether an engine has been started; False if somebody else was quicker. Raises what keeps it from playing."""
        log = state_folder() / f"{start.name}.log"
        try:
            errors = log.open("ab")
        except OSError as error:
            remedy = "free some space there, or name another folder with XDG_STATE_HOME"
            raise OutputError(f"{log} cannot be written ({error.strerror or error}): {remedy}.") from error
        with errors:
            process = subprocess.Popen(
                engine_command(start),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        try:
            reply = _first_words(process)
        except BaseException:  # Ctrl-C
            process.terminate()
            raise
        if isinstance(reply, Welcome):
            self._process = process
            self._line.enter()
            return True
        process.terminate()
        process.wait()
        if not isinstance(reply, Refused):
            raise OutputError(f"The engine did not start: {_last_line(log)} (all of it is in {log}).")
        if reply.kind != ALREADY:
            raise reply.error()
        return False

    # What an engine can do

    @property
    def closed(self) -> bool:
        """Whether this stage has left it."""
        return self._line.closed

    @property
    def opening(self) -> Opening:
        """What it was opened with."""
        return self._line.welcome.opening

    def submit(self, command: AnyCommand, request: str = "") -> Done:
        """Have a command obeyed, in the request of this id. Raises what the engine refuses, and StageClosed."""
        return self._ask(command, Done, request)

    def perform(self, path: str, bar: int) -> Done:
        """Perform the recording in this file. Raises OutputError or BadInput."""
        return self._ask(Perform(path=path, bar=bar), Done)

    def open_port(self, asked: OpenPort, request: str = "") -> Done:
        """Play on this MIDI port too. Raises OutputError, UnknownName or BadInput."""
        return self._ask(asked, Done, request)

    def keep_cell(self, cell: KeepCell) -> None:
        """Have a cell journalled, soon: nobody waits for an engine that hangs."""
        self._cells.put(cell)

    def story(self) -> Story:
        """What its journal holds. Raises OutputError."""
        self._cells.flush(_CELLS_IN)
        at = self._ask(ReadJournal(), JournalAt)
        return journal.read(Path(at.path))

    def open_input(self, asked: OpenInput) -> Done:
        """Hear this MIDI input. Raises OutputError, UnknownName or BadInput."""
        return self._ask(asked, Done)

    def calibrate(self, asked: Calibrate) -> Done:
        """Measure an output's way round, and set its latency. Raises BadInput or UnknownName."""
        return self._ask(asked, Done)

    def note(self, sentence: str) -> None:
        """Keep a sentence in the log, while there is one."""
        if not self.closed:
            self._ask(Remark(sentence), Done)

    def report(self) -> Report:
        """How everything is."""
        return msgspec.structs.replace(self._ask(Look(), Report), closed=self.closed)

    def snapshot(self) -> Snapshot:
        """What was so a moment ago."""
        return self.report().snapshot

    def state(self) -> EngineState:
        """How the process is."""
        state = self.report().engine
        assert state is not None
        return state

    def log(self) -> tuple[LogEntry, ...]:
        """The last thousand sentences, oldest first."""
        return self._ask(ReadLog(worker=False), Entries).entries

    def worker_log(self) -> tuple[str, ...]:
        """The last lines that the models' worker wrote."""
        return self._ask(ReadLog(worker=True), Entries).lines

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded."""
        return self._ask(ReadTakes(part), Takes).phrases

    def candidates(self, part: str) -> Candidates:
        """What the part's model has proposed."""
        return self._ask(ReadCandidates(part), Candidates)

    def errands(self, functions: tuple[str, ...]) -> tuple[Errand, ...]:
        """What performers' functions of these ids are asked."""
        return self._ask(ReadErrands(functions), ToDo).errands

    def hand_in(self, hand: HandIn) -> None:
        """What a performer's function gave."""
        self._ask(hand, Done)

    def tempo(self) -> TempoMap:
        """The tempo map as it is."""
        return self._ask(ReadTempo(), Tempos).tempo

    @property
    def tape(self) -> Tape:
        """A copy of the tape as it is now."""
        if self._kept_tape is not None:
            return self._kept_tape
        tape = Tape()
        tape.schedule(self.score(Beats(0), self.snapshot().beats + PAGE))  # beyond now lies what is handed over already
        return tape

    def score(self, begin: Beats, end: Beats) -> list[Event]:
        """What sounds in [begin, end) beats, in order."""
        if self._kept_tape is not None:
            return self._kept_tape.events(begin, end)
        events: list[Event] = []
        while begin < end:
            events += self._ask(ReadTape(begin, min(begin + PAGE, end)), Page).events()
            begin += PAGE
        return events

    def settings(self, at: Beats, seconds: Seconds) -> list[Event]:
        """The programs and controllers that hold just before beat `at`, as events at that beat and those seconds."""
        if self._kept_tape is not None:
            return self._kept_tape.settings(at, seconds)
        return self._ask(ReadSettings(at, seconds), Page).events()

    def close(self, on: On = On.NOW) -> None:
        """End the music, then the engine, and wait until it has ended; safe to call twice.

        What was on the tape can be read afterwards, unless it ends on the bar.
        """
        if self.closed:
            return
        patience = ENDS_IN
        with contextlib.suppress(LivecodeError):
            self.note("the stage is closed")
            if on is On.NOW:
                self.submit(Panic())
                self._kept_tape = self.tape
            here = self._keep()
            end, tempo = self._ask(Shutdown(on), Done).beat, self.tempo()
            patience += max(0.0, tempo.seconds_at(end) - tempo.seconds_at(here.beats))
        self._line.leave()
        self._wait_for_the_end(patience)

    def detach(self) -> None:
        """Leave it; the music goes on."""
        with contextlib.suppress(LivecodeError):
            self._keep()
        self._line.leave()

    def _keep(self) -> Snapshot:
        """Remember how everything is, to be looked at afterwards."""
        here = self.snapshot()
        looks: list[Request] = [Look(), ReadLog(worker=False), ReadLog(worker=True), ReadTempo()]
        looks += [ReadTakes(part.name) for part in here.parts]
        self._kept = {request: self._line.ask(request) for request in looks}
        return here

    def _ask(self, request: Request, kind: type[_Kind], name: str = "") -> _Kind:
        reply = self._kept.get(request) if self.closed else None
        reply = reply or self._line.ask(request, name)
        if not isinstance(reply, kind):
            raise LivecodeError(f"The engine answered {type(reply).__name__} to {type(request).__name__}: update livecode.")
        return reply

    def _wait_for_the_end(self, patience: Seconds) -> None:
        """Until the process has ended. Raises LivecodeError if it does not."""
        deadline, pause = time.monotonic() + patience, threading.Event()
        while self._line.place.held():
            if time.monotonic() > deadline:
                raise LivecodeError(
                    f"The engine {self._line.place.name!r} has not ended within {patience:.0f} s: see livecode doctor."
                )
            pause.wait(0.02)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)


def _first_words(process: "subprocess.Popen[bytes]") -> Reply | None:
    """What it says about its start; None if it says nothing, or not in time."""
    assert process.stdout is not None
    timer = threading.Timer(STARTS_IN, process.terminate)
    timer.daemon = True
    timer.start()
    try:
        with process.stdout as said:
            line = said.readline()
    finally:
        timer.cancel()
    with contextlib.suppress(msgspec.MsgspecError):
        return decode_reply(line)
    return None


def _none_runs(name: str) -> str:
    others = running()
    if others:
        return f"No engine {name!r} runs: there is {', '.join(map(repr, others))}."
    shell, python = ("", "") if name == MAIN else (f" --name {name}", f"name={name!r}")
    return f"No engine {name!r} runs: start one with livecode{shell}, or in Python with Stage({python})."


def _last_line(log: "os.PathLike[str]") -> str:
    with open(log, errors="replace") as said:
        lines = [line.strip() for line in said if line.strip()]
    return lines[-1] if lines else "it said nothing"
