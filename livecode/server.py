"""The engine's process: a live engine, the door at which stages come in, its journal, and its supervisor.

Started as `python -P -m livecode.server START [CRASHED IN_A_ROW]`, where START is a `protocol.Start` as JSON; after a crash
CRASHED is the monotonic clock's time of the last sign of life, and IN_A_ROW how many crashes there were in a row. It says on
standard output in one line whether it plays: a `Welcome`, or `Refused`.
"""

import contextlib
import faulthandler
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any

import msgspec
from filelock import Timeout

from . import journal
from .clock import Clock, SystemClock
from .commands import Command, Hush, On
from .devices import synthesizer
from .engine import LiveEngine
from .errands import HandIn
from .errors import BadInput, LivecodeError
from .facts import InputOpened, Performing, PortOpened, Taken
from .guard import Guard
from .journal import Journal
from .music import Beats, Seconds
from .outputs import Output, soundfonts
from .outputs.midi import be_punctual
from .places import Place, state_folder
from .protocol import (
    ALREADY,
    LONGEST_REMARK,
    LONGEST_REQUEST,
    VERSION,
    Calibrate,
    Done,
    EngineState,
    Entries,
    Envelope,
    Hello,
    JournalAt,
    KeepCell,
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
    Shutdown,
    Start,
    Takes,
    Tempos,
    ToDo,
    Welcome,
    decode_request,
    decode_start,
    encode,
)
from .sequencer import Outcome

MOST_CLIENTS = 32

REMEMBERED = 100
"""So many of the last requests before a crash are known again when a stage repeats them."""

SWITCH_INTERVAL: Seconds = 0.0001
"""How long a thread may wait for Python's lock while another computes: the senders must not wait for 5 ms, the default."""

_WRITTEN: Seconds = 0.05
_SLOWEST: Seconds = 5.0
_LOOK_EVERY: Seconds = 0.1

_ENDS_IN: Seconds = 5.0
"""A process that has not closed everything by then ends all the same, also one in which a library keeps Python's lock."""


class Server:
    """One engine and whoever is attached to it. `serve` returns when it is over."""

    def __init__(self, start: Start, place: Place, *, crashed: Seconds, in_a_row: int) -> None:
        self._start, self._place = start, place
        story = journal.read(Path(start.resume)) if start.resume else None
        self._journal = Journal(Path(start.resume) if story else journal.new_path(state_folder() / "journals", start.name))
        self._began = story.opened.time if story else time.time()
        if story is None:
            self._journal.write(journal.Opened(name=start.name, time=self._began, opening=start.opening))
        clock = SystemClock()
        outputs, self._no_audio = _synthesizer_at_any_cost(start.opening, clock) if story else synthesizer(start.opening, clock)
        self._engine = LiveEngine(
            clock, outputs, start.opening, self._journal.write, self._no_audio, name=start.name, helping=True
        )
        self._over = threading.Event()
        self._end_at: Beats | None = None
        self._clients: set[Connection] = set()
        self._alone_since: Seconds = time.monotonic()
        self._realtime = _may_be_punctual()
        again = msgspec.structs.replace(start, resume=str(self._journal.path), crashes=start.crashes + 1)
        self._guard = Guard(again, place, in_a_row)
        self._done_before: dict[str, Done] = {}
        self._answers: dict[type, Callable[[Any], Reply]] = {
            Hello: self._welcome,
            Remark: self._remark,
            KeepCell: self._keep_cell,
            ReadJournal: self._read_journal,
            Look: lambda _: self._report(),
            ReadLog: lambda asked: Entries(self._engine.log(), self._engine.worker_log() if asked.worker else ()),
            ReadTakes: lambda asked: Takes(self._engine.takes(asked.part)),
            ReadCandidates: lambda asked: self._engine.candidates(asked.part),
            ReadErrands: lambda asked: ToDo(self._engine.errands(asked.functions)),
            HandIn: self._take_in,
            ReadTempo: lambda _: Tempos(self._engine.tempo()),
            ReadTape: lambda asked: Page.of(self._engine.score(asked.begin, asked.end)),
            ReadSettings: lambda asked: Page.of(self._engine.settings(asked.at, asked.seconds)),
            Shutdown: self._shut_down,
        }
        if story:
            self._go_on(story, crashed)
        else:
            self._engine.announce()

    def _go_on(self, story: journal.Story, crashed: Seconds) -> None:
        try:
            self._engine.recall(story.facts, story.log, crashed)
        except Exception as error:  # to play something is better than not to come back
            self._engine.note(f"not everything came back after the crash: {error!r}")
        bar = self._engine.snapshot().bar
        self._engine.note(f"the engine had crashed, and is back in bar {bar}: the parts go on from the next bar")
        if story.bad:
            self._engine.note(f"{story.bad} lines of the journal could not be read and were left out")
        requests = [fact for fact in story.facts if isinstance(fact, Taken | PortOpened | InputOpened | Performing) and fact.id]
        for fact in requests[-REMEMBERED:]:
            self._done_before[fact.id] = Done(fact.now, "taken just before the crash")

    def _remember(self) -> None:
        """Have the tape and the takes from before a crash, while the music plays."""
        try:
            self._journal.settle(_SLOWEST)
            self._engine.remember(journal.read(self._journal.path).facts)
        except Exception as error:
            self._engine.note(f"the tape begins at the crash, for the journal does not say what sounded before: {error!r}")

    def serve(self, ready: Callable[[Welcome], None]) -> None:
        """Play, and let stages in, until one says that it is over, or nobody has been here for too long."""
        self._place.clear()
        with Listener(self._place.address, backlog=MOST_CLIENTS) as door:
            key = self._place.new_key()
            self._journal.start()
            self._journal.settle(_WRITTEN)
            self._engine.start()
            self._guard.start()
            if self._start.resume:
                threading.Thread(target=self._remember, name="livecode remembers", daemon=True).start()
            threading.Thread(target=self._open_door, args=(door, key), name="livecode door", daemon=True).start()
            ready(self._welcome(Hello(VERSION)))
            gc.disable()
            while not self._over.wait(_LOOK_EVERY):
                _tidy()
                self._guard.look(self._engine.turns)
                self._end_if_due()
        self._place.clear()
        self._guard.say_goodbye()
        faulthandler.dump_traceback_later(_ENDS_IN, exit=True)
        self._engine.close()
        self._journal.write(journal.Ended(time=time.time()))
        self._journal.close()

    def stop(self) -> None:
        """It is over, at once. Any thread may call it, and a signal handler."""
        self._over.set()

    def _end_if_due(self) -> None:
        here = self._engine.snapshot()
        if self._end_at is not None and (not here.running or here.beats >= self._end_at):
            self.stop()
        elif self._end_at is None and not self._clients and time.monotonic() - self._alone_since > self._start.linger:
            with contextlib.suppress(LivecodeError):  # a planner that is held up is asked again at the next look
                self._end_at = self._engine.submit(Hush()).beat
                self._engine.note(f"nobody has been here for {self._start.linger:g} s: the music ends")

    # Who comes in

    def _open_door(self, door: Listener, key: bytes) -> None:
        while not self._over.is_set():
            try:
                client = door.accept()
                threading.Thread(target=self._attend, args=(client, key), name="livecode client", daemon=True).start()
            except (OSError, RuntimeError):  # the door is closed, or there are too many files or threads
                if self._over.wait(0.05):
                    return

    def _attend(self, client: Connection, key: bytes) -> None:
        """Answer one stage until it leaves. Whatever it sends, only this thread can suffer from it."""
        with client, contextlib.suppress(OSError, EOFError):
            try:
                deliver_challenge(client, key)
                answer_challenge(client, key)
            except Exception as error:
                self._engine.note(f"somebody who could not show the key was turned away ({type(error).__name__})")
                return
            if len(self._clients) >= MOST_CLIENTS:
                client.recv_bytes(LONGEST_REQUEST)
                full = f"{MOST_CLIENTS} stages are attached to the engine already: close one of them."
                client.send_bytes(encode(Refused.of(LivecodeError(full))))
                return
            self._clients.add(client)
            try:
                while not self._over.is_set():
                    client.send_bytes(encode(self._answer(client.recv_bytes(LONGEST_REQUEST))))
            finally:
                self._alone_since = time.monotonic()
                self._clients.discard(client)

    def _answer(self, message: bytes) -> Reply:
        try:
            return self._reply(decode_request(message))
        except msgspec.MsgspecError as error:
            sentence = f"The engine cannot read what it was sent ({error}): update livecode on both sides."
            self._engine.note(sentence)
            return Refused.of(BadInput(sentence))
        except LivecodeError as error:
            return Refused.of(error)
        except Exception as error:
            self._engine.note(f"a request failed: {error!r}")
            return Refused.of(LivecodeError(f"The engine met an error ({error!r}) and plays on: see stage.log()."))

    def _reply(self, envelope: Envelope) -> Reply:
        request = envelope.request
        if isinstance(request, Command):
            return self._once(envelope.id, partial(self._engine.submit, request, envelope.id))
        if isinstance(request, Perform):
            return self._once(envelope.id, partial(self._engine.perform, request.path, request.bar, envelope.id))
        if isinstance(request, OpenPort):
            return self._once(envelope.id, partial(self._engine.open_port, request, envelope.id))
        if isinstance(request, OpenInput):
            return self._once(envelope.id, partial(self._engine.open_input, request, envelope.id))
        if isinstance(request, Calibrate):
            return self._once(envelope.id, partial(self._engine.calibrate, request, envelope.id))
        return self._answers[type(request)](request)

    def _once(self, request: str, action: Callable[[], Outcome]) -> Done:
        """Do it, unless a request of this id was done just before a crash that lost the reply."""
        if request in self._done_before:
            return self._done_before.pop(request)
        outcome = action()
        self._journal.settle(_WRITTEN)
        return Done(outcome.beat, outcome.words)

    def _welcome(self, hello: Hello) -> Welcome:
        if hello.version != VERSION:
            raise LivecodeError(
                f"The engine speaks version {VERSION}, this stage {hello.version}: livecode stop, then start anew."
            )
        return Welcome(version=VERSION, pid=os.getpid(), opening=self._start.opening, no_audio=self._no_audio)

    def _take_in(self, hand: HandIn) -> Done:
        self._engine.hand_in(hand)
        return Done(Beats(0), "")

    def _remark(self, remark: Remark) -> Done:
        self._engine.note(remark.sentence[:LONGEST_REMARK])
        return Done(Beats(0), "")

    def _keep_cell(self, cell: KeepCell) -> Done:
        self._engine.keep_cell(cell)
        return Done(Beats(0), "")

    def _read_journal(self, asked: ReadJournal) -> JournalAt:
        self._journal.settle(_SLOWEST)
        return JournalAt(str(self._journal.path.absolute()), self._journal.trouble)

    def _report(self) -> Report:
        state = EngineState(
            name=self._start.name,
            pid=os.getpid(),
            supervisor=self._guard.pid,
            up=time.time() - self._began,
            crashes=self._start.crashes,
            clients=len(self._clients),
            realtime=self._realtime,
            trouble=self._guard.trouble or self._journal.trouble,
        )
        return msgspec.structs.replace(self._engine.report(), engine=state)

    def _shut_down(self, order: Shutdown) -> Done:
        here = self._engine.snapshot()
        if order.on is On.NOW or not here.running:
            threading.Timer(_LOOK_EVERY, self.stop).start()  # after the reply is on its way
            return Done(here.beats, "the engine ends")
        outcome = self._engine.submit(Hush(on=order.on))
        self._end_at = outcome.beat
        return Done(outcome.beat, "the engine ends on the bar")


def _synthesizer_at_any_cost(opening: Opening, clock: Clock) -> tuple[list[Output], str]:
    """After a crash: as before, as soon as its device is there. If it cannot be as before, with the soundfont that always comes
    along, else not at all: whatever is missing, the music must go on."""
    try:
        return synthesizer(opening, clock, later=True)
    except LivecodeError as error:
        refusal = str(error)
    with contextlib.suppress(LivecodeError):
        outputs, _ = synthesizer(msgspec.structs.replace(opening, soundfont=str(soundfonts.find())), clock, later=True)
        return outputs, f"{refusal} {soundfonts.DEFAULT} plays instead."
    return [], refusal


def _tidy() -> None:
    """Collect what has just become garbage, and never look at the rest again: a tape of hours is not to be searched for garbage,
    which was measured to hold up everything for 30 to 140 ms."""
    gc.collect(0)
    gc.freeze()


def _may_be_punctual() -> bool:
    """Whether threads get real-time priority here; asked of a thread that ends at once."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(be_punctual()), name="livecode asks for priority")
    thread.start()
    thread.join()
    return found == [True]


def main() -> None:
    """Play until it is over."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    said = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # libraries print; what is said on standard output is ours

    def say(reply: Welcome | Refused) -> None:
        with contextlib.suppress(OSError):  # nobody waits for it after a crash
            said.write(encode(reply) + b"\n")
        said.close()

    start = decode_start(sys.argv[1])
    crashed, in_a_row = sys.argv[2:4] if start.resume else ("0", "0")
    try:
        place = Place.of(start.name)
        with place.lock():
            server = Server(start, place, crashed=float(crashed), in_a_row=int(in_a_row))
            for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda *_: server.stop())
            server.serve(say)
    except Timeout:
        say(Refused(ALREADY, f"There is an engine {start.name!r} already: attach to it, or name another."))
    except LivecodeError as error:
        say(Refused.of(error))
    sys.stderr.flush()
    os._exit(0)  # what is still open would be closed now, and a server that hangs be waited for


if __name__ == "__main__":
    main()
