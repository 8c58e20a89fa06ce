"""A stage's side of an engine in a process of its own: finds it, starts it, asks it. It looks like an engine that plays here."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge
from typing import TypeVar

import msgspec

from .commands import AnyCommand, On, Snapshot
from .errors import EngineGone, LivecodeError, OutputError, StageClosed, UnknownName
from .guard import engine_command
from .music import Beats, Phrase, Seconds
from .outputs.tape import Tape
from .places import MAIN, Place, held, running, state_folder
from .protocol import (
    ALREADY,
    LONGEST_REPLY,
    LONGEST_REQUEST,
    VERSION,
    Done,
    EngineState,
    Entries,
    Hello,
    LogEntry,
    Look,
    Opening,
    OpenPort,
    Page,
    ReadLog,
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
    Welcome,
    decode_reply,
    encode,
)
from .tempo import TempoMap

STARTS_IN: Seconds = 60.0
ANSWERS_IN: Seconds = 20.0
COMES_BACK_IN: Seconds = 15.0
"""How long a start, an answer and the next engine after a crash are waited for. One that hangs is ended after ten seconds."""

PAGE = Beats(64)
"""The tape is read in pages of so many beats."""

_Kind = TypeVar("_Kind", bound=Reply)


class RemoteEngine:
    """An engine in another process. Any thread may call any method; each waits for the engine's answer.

    If the engine crashes, its next one is waited for, and asked again. Raises LivecodeError with a sentence if none comes.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._owner = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._last: Report | None = None
        self._last_tape: Tape | None = None
        self._last_log: tuple[LogEntry, ...] = ()
        self.opening: Opening
        self.no_audio = ""

    @classmethod
    def attach(cls, name: str) -> "RemoteEngine":
        """The engine of this name, which runs. Raises UnknownName if none does."""
        engine = cls(Place.of(name))
        if not engine._place.lives():
            raise UnknownName(_none_runs(name))
        engine._enter()
        return engine

    @classmethod
    def reach(cls, start: Start) -> "tuple[RemoteEngine, bool]":
        """The engine of this name, and whether it was started now. Raises what keeps it from playing."""
        engine = cls(Place.of(start.name))
        while True:
            if not engine._place.lives() and engine._started(start):
                return engine, True
            with contextlib.suppress(EngineGone):  # somebody else is about to start it
                engine._enter()
                return engine, False

    def _started(self, start: Start) -> bool:
        """Whether an engine has been started; False if somebody else was quicker. Raises what keeps it from playing."""
        log = state_folder() / f"{start.name}.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                engine_command(start),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        try:
            reply = self._first_words(process)
        except BaseException:  # Ctrl-C
            process.terminate()
            raise
        if isinstance(reply, Welcome):
            self._process = process
            self._enter()
            return True
        process.terminate()
        process.wait()
        if not isinstance(reply, Refused):
            raise OutputError(f"The engine did not start: {_last_line(log)} (all of it is in {log}).")
        if reply.kind != ALREADY:
            raise reply.error()
        return False

    def _first_words(self, process: "subprocess.Popen[bytes]") -> Reply | None:
        """What it says about its start; None if it says nothing, or not in time."""
        assert process.stdout is not None
        timer = threading.Timer(STARTS_IN, process.terminate)
        timer.start()
        with process.stdout as said:
            line = said.readline()
        timer.cancel()
        with contextlib.suppress(msgspec.MsgspecError):
            return decode_reply(line)
        return None

    # What an engine can do

    @property
    def closed(self) -> bool:
        """Whether this stage has left it."""
        return self._closed

    def submit(self, command: AnyCommand) -> Done:
        """Have a command obeyed. Raises what the engine refuses, and StageClosed."""
        return self._ask(command, Done)

    def open_port(self, asked: OpenPort) -> Done:
        """Play on this MIDI port too. Raises OutputError, UnknownName or BadInput."""
        return self._ask(asked, Done)

    def note(self, sentence: str) -> None:
        """Keep a sentence in the log."""
        self._ask(Remark(sentence), Done)

    def report(self) -> Report:
        """How everything is; after `close`, how it was at the end."""
        if not self._closed:
            self._last = self._ask(Look(), Report)
        assert self._last is not None
        return msgspec.structs.replace(self._last, closed=self._closed)

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
        if not self._closed:
            self._last_log = self._ask(ReadLog(worker=False), Entries).entries
        return self._last_log

    def worker_log(self) -> tuple[str, ...]:
        """The last lines that the models' worker wrote."""
        return self._ask(ReadLog(worker=True), Entries).lines

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded."""
        return self._ask(ReadTakes(part), Takes).phrases

    def tempo(self) -> TempoMap:
        """The tempo map as it is."""
        return self._ask(ReadTempo(), Tempos).tempo

    @property
    def tape(self) -> Tape:
        """A copy of the tape as it is now; after `close`, as it was at the end."""
        if self._last_tape is None:
            tape = Tape()
            for page in self._pages():
                tape.schedule(page.events())
            return tape
        return self._last_tape

    def _pages(self) -> Iterator[Page]:
        begin, end = Beats(0), self.snapshot().beats
        while begin <= end + PAGE:  # what is handed over ahead of the sound is on the tape, too
            yield self._ask(ReadTape(begin, begin + PAGE), Page)
            begin += PAGE

    def close(self, on: On = On.NOW) -> None:
        """End the engine and wait until it has ended; safe to call twice.

        What was on the tape can be read afterwards, unless it ends on the bar.
        """
        if self._closed:
            return
        with self._lock:
            with contextlib.suppress(LivecodeError):
                self.note("the stage is closed")
                self._last_log = self.log()
                if on is On.NOW:
                    self._last_tape = self.tape
                self._last = self.report()
            with contextlib.suppress(LivecodeError):
                self._ask(Shutdown(on), Done)
        self._leave()
        self._wait_for_the_end()

    def detach(self) -> None:
        """Leave it; the music goes on."""
        if not self._closed:
            self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._closed = True
            self._hang_up()

    # The connection

    def _ask(self, request: Request, kind: type[_Kind]) -> _Kind:
        message = encode(request)
        if len(message) > LONGEST_REQUEST:
            raise LivecodeError(f"That is too long to be sent ({len(message) / 2**20:.0f} MB): give a shorter phrase.")
        with self._lock:
            if self._closed:
                raise StageClosed("This stage is closed: open another with Stage().")
            reply = self._exchange(message)
        if isinstance(reply, Refused):
            raise reply.error()
        if not isinstance(reply, kind):
            raise LivecodeError(f"The engine answered {type(reply).__name__} to {type(request).__name__}: update livecode.")
        return reply

    def _exchange(self, message: bytes) -> Reply:
        """Send and receive. Where the engine crashes meanwhile, the next one is asked: what is said twice is as said once."""
        if self._owner != os.getpid():  # a child of the prompt's process must not talk on its parent's line
            self._connection, self._owner = None, os.getpid()
        if self._connection is not None:
            with contextlib.suppress(OSError, EOFError):
                return self._said(self._connection, message)
        self._enter()
        assert self._connection is not None
        try:
            return self._said(self._connection, message)
        except (OSError, EOFError) as error:
            raise EngineGone(self._lost()) from error

    def _said(self, connection: Connection, message: bytes) -> Reply:
        """One message, one reply. Whatever comes between, Ctrl-C too, ends the connection: a later reply would be another's."""
        try:
            connection.send_bytes(message)
            self._wait_for(connection)
            return decode_reply(connection.recv_bytes(LONGEST_REPLY))
        except msgspec.MsgspecError as error:
            self._hang_up()
            raise LivecodeError(
                f"This stage cannot read what the engine sent ({error}): update livecode on both sides."
            ) from error
        except BaseException:
            self._hang_up()
            raise

    def _wait_for(self, connection: Connection) -> None:
        if not connection.poll(ANSWERS_IN):
            raise LivecodeError(
                f"The engine {self._place.name!r} gives no answer for {ANSWERS_IN:g} s: wait a moment, for one that hangs "
                "is started again by itself."
            )

    def _enter(self) -> None:
        """Connect, waiting for an engine that comes back from a crash."""
        deadline, pause = time.monotonic() + COMES_BACK_IN, threading.Event()
        while True:
            try:
                self._connection = self._let_in()
                break
            except (OSError, EOFError, AuthenticationError) as error:
                if time.monotonic() > deadline or not self._place.lives():
                    raise EngineGone(self._lost()) from error
                pause.wait(0.02)
        reply = self._said(self._connection, encode(Hello(VERSION)))
        if isinstance(reply, Refused):
            self._hang_up()
            raise reply.error()
        assert isinstance(reply, Welcome)
        self.opening, self.no_audio = reply.opening, reply.no_audio

    def _let_in(self) -> Connection:
        """A connection whose two ends have shown each other the key."""
        key = self._place.key()
        connection = Client(self._place.address)
        try:
            self._wait_for(connection)
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
        except BaseException:
            connection.close()
            raise
        return connection

    def _lost(self) -> str:
        return f"The engine {self._place.name!r} is gone: begin again with Stage()."

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _wait_for_the_end(self) -> None:
        """Until the process has ended."""
        deadline, pause = time.monotonic() + COMES_BACK_IN, threading.Event()
        while held(self._place.lock()) and time.monotonic() < deadline:
            pause.wait(0.02)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)


def _none_runs(name: str) -> str:
    others = running()
    if others:
        return f"No engine {name!r} runs: there is {', '.join(map(repr, others))}."
    return f"No engine {name!r} runs: start one with Stage({'' if name == MAIN else f'name={name!r}'})."


def _last_line(log: "os.PathLike[str]") -> str:
    with open(log, errors="replace") as said:
        lines = [line.strip() for line in said if line.strip()]
    return lines[-1] if lines else "it said nothing"
