"""What the performer does meanwhile, in the process that they would type in. Standard library only."""

import random
import time
from collections.abc import Callable

BURST, REST = 0.2, 0.05
"""Seconds of pure Python, and of waiting, by turns."""

NUMBERS = 2_000_000


def idle(seconds: float) -> Callable[[], None]:
    """Nothing."""
    return lambda: time.sleep(seconds)


def bursts(seconds: float) -> Callable[[], None]:
    """Pure Python, which hands over the interpreter's lock every 5 ms to whoever asks for it."""

    def count() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rest = time.monotonic() + BURST
            number = 0
            while time.monotonic() < rest:
                number += 1
            time.sleep(REST)

    return count


def sorting(seconds: float) -> Callable[[], None]:
    """Sort two million numbers, again and again: one long call into C each time, which keeps the interpreter's lock."""
    chance = random.Random(1)
    numbers = [chance.random() for _ in range(NUMBERS)]

    def sort() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sorted(numbers)

    return sort


KINDS: dict[str, Callable[[float], Callable[[], None]]] = {"idle": idle, "bursts": bursts, "sorting": sorting}
"""By name: prepares what the performer does for so many seconds, and returns it."""
