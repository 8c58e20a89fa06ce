"""What is known of an engine without waiting for it: a thread asks, whoever looks gets the last answer."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..commands import Snapshot
from ..errors import LivecodeError
from ..music import Seconds
from ..protocol import Report
from ..stage import Stage

ASK_EVERY: Seconds = 0.5
OVERDUE: Seconds = 1.5
"""An engine that has not answered for so long is said to be silent."""

_PATIENCE: Seconds = 0.2


@dataclass(frozen=True, slots=True)
class Sight:
    """What was last known: the report, if there was one, how old it is, and why there is none since ("" if there is)."""

    report: Report | None
    age: Seconds
    trouble: str

    def beat(self) -> tuple[int, int]:
        """The bar and the beat in it, both from 1, by now: counted on from the report while time runs."""
        assert self.report is not None
        here = self.report.snapshot
        return _counted_on(here, time.monotonic() - here.at) if self._runs(here) else (here.bar, int(here.beat))

    def until_the_beat(self, least: Seconds) -> Seconds:
        """How long until a beat begins, the first that is so far away at least."""
        if self.report is None or not self._runs(self.report.snapshot):
            return ASK_EVERY
        here = self.report.snapshot
        a_beat = 60 / float(here.bpm)
        gone = float(here.beat) + (time.monotonic() - here.at) / a_beat
        next_one = (1 - gone % 1) * a_beat
        return next_one + max(0, math.ceil((least - next_one) / a_beat)) * a_beat

    def _runs(self, here: Snapshot) -> bool:
        return here.running and not self.trouble


class Watch:
    """Asks a stage's engine how it is, twice a second, in a thread of its own that prints nothing. `close` ends it."""

    def __init__(self, stage: Callable[[], Stage]) -> None:
        self._stage = stage
        self._report: Report | None = None
        self._answered = self._began = time.monotonic()
        self._trouble = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, name="livecode watch", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more. A thread that waits for an engine that hangs is not waited for."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)

    def sight(self) -> Sight:
        """What is known by now; never waits."""
        age = time.monotonic() - self._answered
        trouble = self._trouble or (f"the engine has not answered for {age:.0f} s" if age > OVERDUE else "")
        return Sight(self._report, age, trouble)

    def _ask_on(self) -> None:
        while not self._over.wait(ASK_EVERY if self._report or self._trouble else 0.05):
            try:
                self._report, self._trouble = self._stage().report(), ""
                self._answered = time.monotonic()
            except LivecodeError as error:
                self._trouble = str(error)
            except Exception as error:  # a thread that shows the state must outlive whatever it is told
                self._trouble = f"{type(error).__name__}: {error}"


def _counted_on(here: Snapshot, seconds: Seconds) -> tuple[int, int]:
    """Where the music is so many seconds after the snapshot, at its tempo and in its meter."""
    count, unit = (int(number) for number in here.meter.split("/")[:2])
    bar = 4 * count / unit
    beat = float(here.beat) - 1 + seconds * float(here.bpm) / 60
    return here.bar + int(beat // bar), int(beat % bar) + 1
