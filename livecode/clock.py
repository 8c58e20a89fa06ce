"""The clock that everything waits on: three methods; the system's clock, and a virtual one for tests and renders."""

import threading
import time
from typing import Protocol

from .music import Seconds


class Clock(Protocol):
    """Monotonic time that can be waited for."""

    def now(self) -> Seconds:
        """Seconds since some moment in the past; never goes back."""
        ...

    def wait_until(self, deadline: Seconds) -> None:
        """Return at the deadline, or as soon as somebody calls `wake`, whichever is first. Deadlines are absolute."""
        ...

    def wake(self) -> None:
        """End the wait in progress, or the next one if nobody waits. Any thread may call it."""
        ...


class SystemClock:
    """`time.monotonic`, waited on with an event that any thread can set."""

    def __init__(self) -> None:
        self._awake = threading.Event()

    def now(self) -> Seconds:
        return time.monotonic()

    def wait_until(self, deadline: Seconds) -> None:
        self._awake.wait(max(0.0, deadline - time.monotonic()))
        self._awake.clear()

    def wake(self) -> None:
        self._awake.set()


class VirtualClock:
    """Time that moves only when it is told to: `wait_until` jumps to its deadline at once. For tests and offline renders.

    >>> clock = VirtualClock()
    >>> clock.wait_until(3.5)
    >>> clock.now()
    3.5
    """

    def __init__(self, now: Seconds = 0.0) -> None:
        self._now = now

    def now(self) -> Seconds:
        return self._now

    def wait_until(self, deadline: Seconds) -> None:
        self._now = max(self._now, deadline)

    def wake(self) -> None:
        """Nothing to wake: a virtual wait takes no time."""
