"""How long a model's last answers took: for what asks it in time, and for the status."""

from collections import deque
from collections.abc import Iterable
from math import ceil
from statistics import median

from ..music import Seconds

REMEMBERED = 20


class Took:
    """The last 20 of the durations it is given, in seconds.

    >>> took = Took([0.1, 0.2, 0.6])
    >>> took.p50, took.p95
    (0.2, 0.6)
    >>> Took().p95 is None
    True
    """

    def __init__(self, seconds: Iterable[Seconds] = ()) -> None:
        self._last = deque(seconds, maxlen=REMEMBERED)

    def add(self, seconds: Seconds) -> None:
        """An answer took so long."""
        self._last.append(seconds)

    @property
    def p50(self) -> Seconds | None:
        """The median; None before the first."""
        return median(self._last) if self._last else None

    @property
    def p95(self) -> Seconds | None:
        """What at least 95 % of them did not exceed; None before the first."""
        return sorted(self._last)[ceil(0.95 * len(self._last)) - 1] if self._last else None
