"""The engine's process: a live engine, the door at which stages come in, its journal, and its supervisor.

Started as `python -P -m livecode.server START [CRASHED]`, where START is a `protocol.Start` as JSON and CRASHED, after a
crash, the monotonic clock's time of the last sign of life. It says on standard output in one line whether it plays: a
`Welcome`, or `Refused`.
"""

import contextlib
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
from .clock import SystemClock
from .commands import Command, Hush, On
from .devices import synthesizer
from .engine import LiveEngine
from .errors import BadInput, LivecodeError
from .guard import Guard
from .journal import Journal
from .music import Beats, Seconds
from .outputs.midi import be_punctual
from .places import Place, state_folder
from .protocol import (
    ALREADY,
    LONGEST_REQUEST,
    VERSION,
    Done,
    EngineState,
    Entries,
    Hello,
    Look,
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
    decode_request,
    decode_start,
    encode,
)

MOST_CLIENTS = 32

SWITCH_INTERVAL: Seconds = 0.0005
"""How long a thread may wait for Python's lock while another computes: the senders must not wait for 5 ms, the default."""

_WRITTEN: Seconds = 0.05
_LOOK_EVERY: Seconds = 0.1


class Server:
    """One engine and whoever is attached to it. `serve` returns when it is over."""

    def __init__(self, start: Start, place: Place, crashed: Seconds) -> None:
        self._start, self._place = start, place
        clock = SystemClock()
        # After a crash the music must go on, with or without a device.
        opening = msgspec.structs.replace(start.opening, require_audio=False, driver=None) if start.resume else start.opening
        outputs, self._no_audio = synthesizer(opening, clock)
        story = journal.read(Path(start.resume)) if start.resume else None
        self._journal = Journal(Path(start.resume) if story else journal.new_path(state_folder() / "journals", start.name))
        self._engine = LiveEngine(clock, outputs, start.opening, self._journal.write, self._no_audio)
        self._began = story.opened.time if story else time.time()
        self._over = threading.Event()
        self._end_at: Beats | None = None
        self._clients: set[Connection] = set()
        self._alone_since: Seconds = time.monotonic()
        self._realtime = _may_be_punctual()
        self._guard = Guard(msgspec.structs.replace(start, resume=str(self._journal.path), crashes=start.crashes + 1))
        self._answers: dict[type, Callable[[Any], Reply]] = {
            Hello: self._welcome,
            OpenPort: lambda asked: self._done(lambda: self._engine.open_port(asked)),
            Remark: self._remark,
            Look: lambda _: self._report(),
            ReadLog: lambda asked: Entries(self._engine.log(), self._engine.worker_log() if asked.worker else ()),
            ReadTakes: lambda asked: Takes(self._engine.takes(asked.part)),
            ReadTempo: lambda _: Tempos(self._engine.tempo()),
            ReadTape: lambda asked: Page.of(self._engine.tape.events(asked.begin, asked.end)),
            Shutdown: self._shut_down,
        }
        if story:
            self._go_on(story, crashed)
        else:
            self._journal.write(journal.Opened(name=start.name, time=self._began, opening=start.opening))

    def _go_on(self, story: journal.Story, crashed: Seconds) -> None:
        self._journal.write(journal.Resumed(time=time.time()))
        self._engine.recall(story.facts, crashed)
        bar = self._engine.snapshot().bar
        self._engine.note(f"the engine had crashed, and is back in bar {bar}: the parts go on from the next bar")
        if story.bad:
            self._engine.note(f"{story.bad} lines of the journal could not be read and were left out")

    def serve(self, ready: Callable[[Welcome], None]) -> None:
        """Play, and let stages in, until one says that it is over, or nobody has been here for too long."""
        self._journal.start()
        self._engine.start()
        self._guard.start()
        self._place.clear()
        with Listener(self._place.address, backlog=MOST_CLIENTS) as door:
            key = self._place.new_key()
            threading.Thread(target=self._open_door, args=(door, key), name="livecode door", daemon=True).start()
            ready(self._welcome(Hello(VERSION)))
            while not self._over.wait(_LOOK_EVERY):
                self._guard.look(self._engine.turns)
                self._end_if_due()
        self._place.clear()
        self._guard.say_goodbye()
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
            self._engine.note(f"nobody has been here for {self._start.linger:g} s: the music ends")
            self._end_at = self._engine.submit(Hush()).beat

    # Who comes in

    def _open_door(self, door: Listener, key: bytes) -> None:
        while not self._over.is_set():
            try:
                client = door.accept()
            except OSError:
                if self._over.wait(0.05):  # the door is closed, or there are too many files open
                    return
                continue
            if len(self._clients) < MOST_CLIENTS:
                threading.Thread(target=self._attend, args=(client, key), name="livecode client", daemon=True).start()
            else:
                client.close()

    def _attend(self, client: Connection, key: bytes) -> None:
        """Answer one stage until it leaves. Whatever it sends, only this thread can suffer from it."""
        with client, contextlib.suppress(OSError, EOFError):
            try:
                deliver_challenge(client, key)
                answer_challenge(client, key)
            except Exception as error:
                self._engine.note(f"somebody who could not show the key was turned away ({type(error).__name__})")
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

    def _reply(self, request: Request) -> Reply:
        if isinstance(request, Command):
            return self._done(partial(self._engine.submit, request))
        return self._answers[type(request)](request)

    def _done(self, action: Callable[[], Any]) -> Done:
        outcome = action()
        self._journal.settle(_WRITTEN)
        return Done(outcome.beat, outcome.words)

    def _welcome(self, hello: Hello) -> Welcome:
        if hello.version != VERSION:
            raise LivecodeError(
                f"The engine speaks version {VERSION}, this stage {hello.version}: livecode stop, then start anew."
            )
        return Welcome(version=VERSION, pid=os.getpid(), opening=self._start.opening, no_audio=self._no_audio)

    def _remark(self, remark: Remark) -> Done:
        self._engine.note(remark.sentence)
        return Done(Beats(0), "")

    def _report(self) -> Report:
        state = EngineState(
            name=self._start.name,
            pid=os.getpid(),
            supervisor=self._guard.pid,
            up=time.time() - self._began,
            crashes=self._start.crashes,
            clients=len(self._clients),
            realtime=self._realtime,
            trouble=self._journal.trouble,
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
    try:
        place = Place.of(start.name)
        with place.lock():
            server = Server(start, place, float(sys.argv[2]) if start.resume else 0.0)
            for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
                signal.signal(number, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda *_: server.stop())
            server.serve(say)
    except Timeout:
        say(Refused(ALREADY, f"There is an engine {start.name!r} already: attach to it, or name another."))
    except LivecodeError as error:
        say(Refused.of(error))


if __name__ == "__main__":
    main()
