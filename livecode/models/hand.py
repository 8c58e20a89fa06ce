"""One worker as its host sees it: its process, what it has loaded, what it is doing, and until when it may.

Used by the host's thread alone.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from time import monotonic

from ..music import Beats, Seconds
from .process import Inbox, Process, foreign
from .wire import Engine, ModelKey, Request, ToWorker

LONGEST_PAUSE: Seconds = 30.0


@dataclass(frozen=True, slots=True)
class Home:
    """What some workers are alike in: the interpreter, whether it is one of another environment, the engine that they run, and
    whether they only compile."""

    python: str
    foreign: bool
    engine: Engine
    compiling: bool = False


@dataclass(slots=True, eq=False)
class Ask:
    """A request that is not answered yet. `failures` counts the workers that it was lost with."""

    request: Request
    arrival: int
    failures: int = 0
    forgotten: bool = False

    @property
    def hurried(self) -> bool:
        """Whether the music waits for it."""
        return self.request.needed_by is not None

    def urgency(self) -> tuple[bool, Beats, int]:
        """Orders requests, the most urgent first: by `needed_by`, then by arrival."""
        return (not self.hurried, self.request.needed_by or Beats(0), self.arrival)


class Hand:
    """A worker: one process at a time, and one message in flight to it."""

    def __init__(self, home: Home, program: Sequence[str], inbox: Inbox, tail: deque[str]) -> None:
        self.home = home
        self.loaded: set[ModelKey] = set()
        self.unable: set[ModelKey] = set()
        """Models that it could not load, and another worker has."""
        self.flight: ModelKey | Ask | None = None
        """A model being loaded, or a request being answered."""
        self.ready = False
        self.restarts = 0
        self.trouble = ""
        self.sent: Seconds = 0.0
        self.limit: Seconds = inf
        """How long what it is doing may take."""
        self._command, self._inbox, self._tail = (home.python, *program), inbox, tail
        self._run: Process | None = None
        self._failures = 0
        self._next_start: Seconds = 0.0

    @property
    def pid(self) -> int | None:
        return self._run.pid if self._run else None

    @property
    def idle(self) -> bool:
        """Whether it can be given something to do."""
        return self.ready and self.flight is None

    def due(self) -> Seconds:
        """When something is to be done about it, on the monotonic clock: it is overdue, or may be started."""
        return self.sent + self.limit if self._run else self._next_start

    def runs(self, run: Process | None = None) -> bool:
        """Whether its process runs; or whether this is its process."""
        return self._run is not None and run in (None, self._run)

    def start(self, limit: Seconds, on_line: Callable[[Process, bytes], None], on_end: Callable[[Process], None]) -> None:
        """Start the process, which must be ready in so many seconds. Raises OSError."""
        environment = foreign() if self.home.foreign else None
        self._run, self.ready = Process(self._command, self._inbox, self._tail, environment), False
        self.sent, self.limit = monotonic(), limit
        self._run.start(on_line, on_end)

    def is_ready(self) -> None:
        """Its libraries are imported."""
        self.ready, self.limit = True, inf

    def send(self, flight: ModelKey | Ask, message: ToWorker, limit: Seconds) -> None:
        """Have it do this in so many seconds."""
        assert self._run
        self.flight, self.sent, self.limit = flight, monotonic(), limit
        self._run.send(message)

    def landed(self) -> None:
        """It has done what it was to do."""
        self.flight, self.limit, self._failures, self.trouble = None, inf, 0, ""

    def lost(self) -> Seconds:
        """Its process is gone: after how many seconds the next one may start.

        At once after the first trouble; a worker that cannot even start, or fails again and again, must not spin.
        """
        was_ready = self.ready
        self._run, self.ready, self.flight, self.limit = None, False, None, inf
        self.loaded.clear()
        self.unable.clear()
        self._failures += 1
        self.restarts += 1
        pause = 0.0 if was_ready and self._failures == 1 else min(LONGEST_PAUSE, 2.0 ** min(self._failures - 1, 10))
        self._next_start = monotonic() + pause
        return pause

    def dismiss(self) -> None:
        """Tell it to end."""
        if self._run:
            self._run.dismiss()

    def end(self, grace: Seconds) -> int:
        """End its process, kill it if it is not gone after so many seconds, and return its exit code; 0 if there is none."""
        run, self._run = self._run, None
        return run.end(grace) if run else 0
