"""Keeps a model worker alive and busy: starts it, asks it, times it, and restarts it when it dies or hangs.

Callers put commands into one queue and read frozen states; one thread, the host's, does everything else. Whatever happens to
the worker, every request is answered in the end, if only with a refusal.
"""

import queue
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import ceil, inf
from statistics import median
from time import monotonic

import msgspec

from ..errors import StageClosed
from ..music import Beats, Seconds
from .process import Inbox, Process
from .wire import FromWorker, Load, Loaded, ModelKey, Ready, Reply, Request, ToWorker, decode_for_host

WORKER = ("-P", "-m", "livecode.models.worker")
"""What Python is told to run. -P keeps files of the current folder from being imported instead of the libraries."""

TRIES = 2
"""A request that failed with its worker is asked once more, then refused: it may be what the worker dies of."""

LONGEST_PAUSE: Seconds = 30.0
REMEMBERED = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker may take, in seconds, before it is killed and restarted: to import its libraries, to load a model,
    which may mean to start TensorFlow and compile it, and to answer a request."""

    start: Seconds = 60.0
    load: Seconds = 180.0
    reply: Seconds = 30.0


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model as the status shows it. `state` is "starting", "loading", "ready", "generating" or "refused: <sentence>".

    `waiting` counts the requests that are not answered; p50 and p95, in seconds, are of the last 20 that were. `pid` and
    `restarts` are its worker's, and `trouble` is what went wrong with that since its last answer ("" for nothing).
    """

    key: ModelKey
    state: str
    waiting: int
    p50: Seconds | None
    p95: Seconds | None
    pid: int | None
    restarts: int
    trouble: str

    def __str__(self) -> str:
        said = [f"{self.key}: {self.state}"]
        if self.p50 is not None and self.p95 is not None:
            said.append(f"answers in {self.p50:.2f} s (p95 {self.p95:.2f} s)")
        if self.waiting:
            said.append(f"{self.waiting} waiting")
        if self.restarts:
            said.append(f"restarted {self.restarts} time{'' if self.restarts == 1 else 's'}")
        if self.trouble:
            said.append(f"trouble: {self.trouble}")
        return " · ".join(said)


class Host:
    """A model worker for whoever asks. Starts nothing until it is asked for something; `close` it, or use `with`.

    `on_reply` gets every Reply, `on_event` a sentence for the log whenever something went wrong. Both are called from the
    host's thread, which waits for them: they should only put things into queues, and never raise.

    `python` may be the interpreter of another environment; `program` are its arguments.
    """

    def __init__(
        self,
        on_reply: Callable[[Reply], None],
        on_event: Callable[[str], None],
        *,
        python: str = sys.executable,
        program: Sequence[str] = WORKER,
        limits: Limits = Limits(),
    ) -> None:
        self._inbox: Inbox = queue.SimpleQueue()
        self._keeper = _Keeper((python, *program), self._inbox, on_reply, on_event, limits)
        self._thread = threading.Thread(target=self._keeper.serve, name="livecode models host", daemon=True)
        self._lock = threading.Lock()
        self._started = self._closed = False

    def prepare(self, key: ModelKey) -> None:
        """Have a model loaded, because somebody will ask it soon. One that was refused is tried again."""
        self._tell(partial(self._keeper.prepare, key))

    def ask(self, request: Request) -> None:
        """Ask for a phrase. The most urgent request goes first, by `needed_by`, then by arrival."""
        self._tell(partial(self._keeper.ask, request))

    def forget(self, request_id: str) -> None:
        """Drop a request: it will not be asked, or its reply will be ignored."""
        self._tell(partial(self._keeper.forget, request_id))

    def latency(self, key: ModelKey) -> Seconds | None:
        """How long a model's answer takes, from asking the worker to its reply: p95 of the last 20, None before the first."""
        return next((model.p95 for model in self._keeper.states if model.key == key), None)

    def states(self) -> tuple[ModelState, ...]:
        """The models that were asked for, in that order, as they are now."""
        return self._keeper.states

    def log_tail(self) -> tuple[str, ...]:
        """The last lines that the workers wrote to stderr, tracebacks among them."""
        return tuple(self._keeper.tail)

    def close(self) -> None:
        """End the worker, within two seconds. Requests that were not answered never will be."""
        with self._lock:
            running, self._closed = self._started and not self._closed, True
        if running:
            self._inbox.put(self._keeper.close)
            self._thread.join()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _tell(self, command: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                raise StageClosed("The models' host is closed: start another to ask models again.")
            if not self._started:
                self._thread.start()
                self._started = True
            self._inbox.put(command)


@dataclass(slots=True)
class _Record:
    """What the host's thread knows of a model."""

    loaded: bool = False
    failures: int = 0
    refusal: str = ""
    seconds: deque[Seconds] = field(default_factory=lambda: deque(maxlen=REMEMBERED))


@dataclass(slots=True)
class _Ask:
    """A request that is not answered yet."""

    request: Request
    arrival: int
    failures: int = 0
    forgotten: bool = False

    def urgency(self) -> tuple[bool, Beats, int]:
        return (self.request.needed_by is None, self.request.needed_by or Beats(0), self.arrival)


class _Keeper:
    """All that happens in the host's thread: one worker, and one message in flight to it."""

    def __init__(
        self,
        command: Sequence[str],
        inbox: Inbox,
        on_reply: Callable[[Reply], None],
        on_event: Callable[[str], None],
        limits: Limits,
    ) -> None:
        self.states: tuple[ModelState, ...] = ()
        self.tail: deque[str] = deque(maxlen=50)
        self._command, self._inbox, self._limits = command, inbox, limits
        self._on_reply, self._on_event = on_reply, on_event
        self._models: dict[ModelKey, _Record] = {}
        self._asks: list[_Ask] = []
        self._arrivals = 0
        self._run: Process | None = None
        self._ready = False
        self._flight: ModelKey | _Ask | None = None  # a model being loaded, or a request being answered
        self._sent: Seconds = 0.0
        self._deadline: Seconds = inf  # of the worker: to start, to load, to answer
        self._next_start: Seconds = 0.0
        self._failures = self._restarts = 0
        self._trouble = ""
        self._said: list[Callable[[], None]] = []  # replies and events, until the states are published
        self._closing = False

    def serve(self) -> None:
        """Do what the inbox says, and watch the worker's deadlines, until closed."""
        while not self._closing:
            try:
                self._turn()
            except Exception:
                self.tail.extend(traceback.format_exc().splitlines())
                self._trouble = "the host met an error and goes on; see log(worker=True)"
        if self._run:
            self._run.end(grace=1.0 if self._ready and self._flight is None else 0.0)
            self._run = None
        self._publish()

    def _turn(self) -> None:
        due = self._deadline if self._run or not self._models else self._next_start
        with suppress(queue.Empty):
            self._inbox.get(timeout=None if due == inf else max(0.0, due - monotonic()))()
        if self._run and monotonic() >= self._deadline:
            self._overdue()
        self._proceed()
        self._publish()

    def close(self) -> None:
        self._closing = True

    def prepare(self, key: ModelKey) -> None:
        record = self._models.setdefault(key, _Record())
        record.refusal, record.failures = "", 0

    def ask(self, request: Request) -> None:
        self._models.setdefault(request.key, _Record())
        self._arrivals += 1
        self._asks.append(_Ask(request, self._arrivals))

    def forget(self, request_id: str) -> None:
        self._asks = [ask for ask in self._asks if ask.request.id != request_id]
        if isinstance(self._flight, _Ask) and self._flight.request.id == request_id:
            self._flight.forgotten = True

    def _proceed(self) -> None:
        """Start the worker if there is none and it may be; give it something to do if it has nothing."""
        for ask in [ask for ask in self._asks if self._models[ask.request.key].refusal]:
            self._asks.remove(ask)
            self._refuse(ask, self._models[ask.request.key].refusal)
        if self._closing or not self._models:
            return
        if self._run is None:
            if monotonic() >= self._next_start:
                self._start()
        elif self._ready and self._flight is None:
            self._next()

    def _start(self) -> None:
        self._run, self._ready = Process(self._command, self._inbox, self.tail), False
        self._deadline = monotonic() + self._limits.start
        try:
            self._run.start(self._heard, self._ended)
        except OSError as error:
            self._failed(f"cannot be started ({error})")

    def _next(self) -> None:
        """The most urgent request, or the model that it needs; without requests, a model that is not loaded yet."""
        ask = min(self._asks, key=_Ask.urgency, default=None)
        unloaded = (key for key, record in self._models.items() if not record.loaded and not record.refusal)
        missing = next(unloaded, None)
        if ask is not None and self._models[ask.request.key].loaded:
            self._asks.remove(ask)
            self._send(ask, ask.request, self._limits.reply)
        elif ask is not None or missing is not None:
            key = ask.request.key if ask else missing
            assert key is not None
            self._send(key, Load(key), self._limits.load)

    def _send(self, flight: ModelKey | _Ask, message: ToWorker, limit: Seconds) -> None:
        assert self._run
        self._flight, self._sent = flight, monotonic()
        self._deadline = self._sent + limit
        self._run.send(message)

    def _heard(self, run: Process, line: bytes) -> None:
        if run is not self._run:
            return
        try:
            self._take(decode_for_host(line))
        except msgspec.MsgspecError as error:
            self._say(f"The worker of {self._names()} wrote a line that is no message ({error}): it was ignored.")

    def _take(self, message: FromWorker) -> None:
        match message, self._flight:
            case Ready(), _:
                self._ready, self._deadline = True, inf
            case Loaded(key, _, refusal), ModelKey() as loading if key == loading:
                self._models[key].loaded = refusal is None
                self._models[key].refusal, self._models[key].failures = refusal or "", 0
                self._landed()
                if refusal:
                    self._say(refusal)
            case Reply(), _Ask() as ask if message.id == ask.request.id:
                self._models[ask.request.key].seconds.append(monotonic() - self._sent)
                self._landed()
                if not ask.forgotten:
                    self._reply(message)

    def _landed(self) -> None:
        self._flight, self._deadline, self._failures, self._trouble = None, inf, 0, ""

    def _ended(self, run: Process) -> None:
        if run is not self._run:
            return
        code = run.end(grace=1.0)
        if code < 0:
            self._failed(f"was killed (signal {-code})")
        else:
            last = next((line for line in reversed(self.tail) if line.strip()), "nothing")
            self._failed(f"ended by itself (exit code {code}, its last words: {last.strip()[:160]})")

    def _overdue(self) -> None:
        assert self._run
        limit = f"{self._deadline - self._sent:g}" if self._flight else f"{self._limits.start:g}"
        self._run.end(grace=0.0)
        self._failed(f"gave no answer for {limit} s and was killed")

    def _failed(self, why: str) -> None:
        """The worker is gone: decide what becomes of what it was doing, and when the next one starts."""
        was_ready, flight = self._ready, self._flight
        self._run, self._ready, self._flight, self._deadline = None, False, None, inf
        self._failures += 1
        self._restarts += 1
        for record in self._models.values():
            record.loaded = False
        # At once after the first trouble; a worker that cannot even start, or fails again and again, must not spin.
        pause = 0.0 if was_ready and self._failures == 1 else min(LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 10))
        self._next_start = monotonic() + pause
        then = f"it is restarted in {pause:g} s" if pause else "it is restarted"
        match flight:
            case _Ask():
                self._again(flight, f"The worker of {flight.request.key} {why} in the middle of a request", then)
            case ModelKey():
                self._load_failed(flight, f"The worker of {flight} {why} while loading it", then)
            case _:
                self._complain(f"The worker of {self._names()} {why}: {then}.")
                if not was_ready:
                    self._not_started(why)

    def _again(self, ask: _Ask, what: str, then: str) -> None:
        ask.failures += 1
        if ask.forgotten:
            self._complain(f"{what}, which nobody waits for: {then}.")
        elif ask.failures < TRIES:
            self._complain(f"{what}: {then} and the request asked again.")
            self._asks.append(ask)
        else:
            self._complain(f"{what} for the second time: {then} and the request refused.")
            self._refuse(ask, f"{what} for the second time: the part repeats; ask for fewer bars, or another model.")

    def _load_failed(self, key: ModelKey, what: str, then: str) -> None:
        record = self._models[key]
        record.failures += 1
        self._complain(f"{what}: {then}.")
        if record.failures >= TRIES:
            record.refusal = f"{what} for the second time: the part repeats; give another bundle than {key.bundle}."

    def _not_started(self, why: str) -> None:
        for ask in self._asks:
            ask.failures += 1
        tired = [ask for ask in self._asks if ask.failures >= TRIES]
        self._asks = [ask for ask in self._asks if ask.failures < TRIES]
        for ask in tired:
            self._refuse(ask, f"The worker of {ask.request.key} {why}: the part repeats; see that onnxruntime can be imported.")

    def _refuse(self, ask: _Ask, sentence: str) -> None:
        self._reply(Reply(ask.request.id, None, sentence, 0.0))

    def _reply(self, reply: Reply) -> None:
        self._said.append(partial(self._on_reply, reply))

    def _complain(self, sentence: str) -> None:
        self._trouble = sentence
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._said.append(partial(self._on_event, sentence))

    def _names(self) -> str:
        return " and ".join(str(key) for key in self._models) or "the models"

    def _publish(self) -> None:
        """Show the states, and only then speak: whoever gets a reply finds the states that belong to it."""
        self.states = tuple(self._state(key, record) for key, record in self._models.items())
        said, self._said = self._said, []
        for speak in said:
            speak()

    def _state(self, key: ModelKey, record: _Record) -> ModelState:
        asked = self._flight.request.key if isinstance(self._flight, _Ask) else None
        if record.refusal:
            state = f"refused: {record.refusal}"
        elif asked == key:
            state = "generating"
        elif record.loaded:
            state = "ready"
        else:
            state = "loading" if self._ready else "starting"
        seconds = sorted(record.seconds)
        return ModelState(
            key=key,
            state=state,
            waiting=sum(ask.request.key == key for ask in self._asks) + (asked == key),
            p50=median(seconds) if seconds else None,
            p95=seconds[ceil(0.95 * len(seconds)) - 1] if seconds else None,
            pid=self._run.pid if self._run else None,
            restarts=self._restarts,
            trouble=self._trouble,
        )
