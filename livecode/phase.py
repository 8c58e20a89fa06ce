"""Where another clock stands: a filter over jittery ticks that knows lost ticks from new tempos. Pure.

Ticks arrive late by what cables, schedulers and buffers make of them. A g-h filter whose gains shrink as those of a straight line
through all ticks so far (Brookner, "Tracking and Kalman Filtering Made Easy", 1998, 1.4 and 1.5), until it looks back at
`MEMORY` ticks, says when they were sent.
"""

from dataclasses import dataclass
from itertools import combinations
from statistics import median

from .music import Seconds
from .tempo import FASTEST, SLOWEST

TICKS = 24
"""To the beat."""

MEMORY = 96
"""So many ticks, four beats, the filter looks back."""

LOCKED = 24
"""After so many ticks at one tempo it is believed."""

INQUIRY = 6
"""So many ticks are heard before a tick far off is taken for something: a lost one, a new tempo, a new beginning."""

OUTLIER = 4.0
"""A tick is far off beyond so many times the mean error."""

LEAST_OUTLIER: Seconds = 0.0015

STEEP = 1.8
"""Ticks far off, and farther by so many times the mean error from each to the next, tell of another tempo."""

CLEARLY = 0.6
"""What explains ticks far off must leave less than this share of their errors, else they are chance."""

BIASED, BIAS_GAIN = 0.7, 0.06
"""Errors mostly on one side mean that the tempo drifts: the filter then forgets half. Source: Trigg's tracking signal (1964)."""

FIRST_ERROR: Seconds = 0.0025
"""The mean error of ticks before any is known: that of 5 ms of jitter."""

LOST_AFTER: Seconds = 1.0
"""A clock without a tick for so long has ended."""

MOST_LOST = 3
"""So many ticks in a row may be lost; what is more is another place."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Another clock stands at `beat` at a `moment`, and goes on at `bpm`."""

    moment: Seconds
    beat: float
    bpm: float

    def beat_at(self, moment: Seconds) -> float:
        """Where it stands then.

        >>> Heading(10.0, 4.0, 120.0).beat_at(11.0)
        6.0
        """
        return self.beat + (moment - self.moment) * self.bpm / 60

    def moment_of(self, beat: float) -> Seconds:
        """When it stands there."""
        return self.moment + (beat - self.beat) * 60 / self.bpm


class TickFilter:
    """When ticks were truly sent, and how many there were. `hear` each, with the moment of its arrival.

    With 5 ms of jitter either way the error of the phase is under 2 ms (p95) after two bars, at 40 to 240 bpm.
    """

    def __init__(self) -> None:
        self.count = -1
        """The number of the last tick, from 0."""
        self._time: Seconds = 0.0
        """When the last tick was sent, as far as is known."""
        self._period: Seconds = 0.0
        self._phases = self._periods = 0
        """How many ticks tell of the phase, and of the tempo."""
        self._error, self._bias = FIRST_ERROR, 0.0
        self._arrived: Seconds = float("-inf")
        self._inquiry: list[Seconds] = []
        self._slow: Seconds = 0.0

    @property
    def bpm(self) -> float:
        """The tempo, whether it can be followed or not; 0 while none is known."""
        period = self._slow or self._period
        return 60 / TICKS / period if period else 0.0

    @property
    def locked(self) -> bool:
        """Whether phase and tempo can be believed."""
        return min(self._phases, self._periods) >= LOCKED and SLOWEST <= self.bpm <= FASTEST

    @property
    def refused(self) -> bool:
        """Whether it runs at a tempo that cannot be followed."""
        return bool(self._slow) or (self._periods >= LOCKED and not SLOWEST <= self.bpm <= FASTEST)

    def ended(self, now: Seconds) -> bool:
        """Whether no tick has come for so long that none will."""
        return now - self._arrived > LOST_AFTER

    def heading(self) -> Heading | None:
        """Where it stands; None while nothing can be said."""
        if self._periods < 2 or self.refused or not SLOWEST <= self.bpm <= FASTEST:
            return None
        return Heading(self._time, self.count / TICKS, self.bpm)

    def next_is(self, count: int) -> None:
        """The next tick has this number: the clock was started, or goes on from there. Ticks may begin on a new grid."""
        self._settle_inquiry()
        self.count = count - 1
        self._phases = 0

    def hear(self, moment: Seconds) -> None:
        """A tick has arrived."""
        since, self._arrived = moment - self._arrived, moment
        if since > LOST_AFTER:
            self._begin(moment, since)
            return
        self._slow = 0.0
        if not self._periods:
            self._period = since
        elif not self._phases and abs(moment - self._time - self._period) > 0.4 * self._period:
            self._time = moment - self._period
        if self._inquiry or self._far_off(moment):
            self._inquire(moment)
        else:
            self._take(moment)

    def _begin(self, moment: Seconds, since: Seconds) -> None:
        """The first tick, or the first after a silence; only a slow clock has silences again and again."""
        self._slow = since if not self._periods and since < 60 else 0.0
        self._time, self._phases, self._periods = moment, 1, 0
        self._error, self._bias, self._inquiry = FIRST_ERROR, 0.0, []
        self.count += 1

    def _far_off(self, moment: Seconds) -> bool:
        known = self._periods >= INQUIRY and self._phases > 0
        return known and abs(moment - self._time - self._period) > self._limit

    @property
    def _limit(self) -> Seconds:
        return max(LEAST_OUTLIER, OUTLIER * self._error)

    def _take(self, moment: Seconds) -> None:
        """A tick that is believed to be the next one."""
        off = moment - self._time - self._period
        if self._periods >= INQUIRY and self._phases >= INQUIRY:
            off = max(-self._limit, min(self._limit, off))
        self._phases, self._periods = min(self._phases + 1, MEMORY), min(self._periods + 1, MEMORY)
        phases, periods = self._phases, max(2, self._periods)
        self._time += self._period + off * 2 * (2 * phases - 1) / (phases * (phases + 1))
        self._period += off * 6 / (periods * (periods + 1)) if self._periods > 1 else 0.0
        self.count += 1
        if self._periods > INQUIRY:
            self._watch(off)

    def _watch(self, off: Seconds) -> None:
        self._bias += BIAS_GAIN * (off - self._bias)
        self._error += BIAS_GAIN * (abs(off) - self._error)
        if abs(self._bias) > BIASED * self._error:
            self._bias = 0.0
            self._phases, self._periods = max(INQUIRY, self._phases // 2), max(INQUIRY, self._periods // 2)

    def _inquire(self, moment: Seconds) -> None:
        self._inquiry.append(moment)
        if len(self._inquiry) == INQUIRY:
            self._settle_inquiry()

    def _settle_inquiry(self) -> None:
        """Decide what a tick far off was, from those that came after it."""
        heard, self._inquiry = self._inquiry, []
        if len(heard) < INQUIRY:
            for moment in heard:
                self._take(moment)
            return
        offs = [moment - self._time - (place + 1) * self._period for place, moment in enumerate(heard)]
        slope = median((offs[later] - offs[earlier]) / (later - earlier) for earlier, later in combinations(range(INQUIRY), 2))
        level = median(offs)
        lost = min(MOST_LOST, max(0, round(level / self._period))) if self.locked else 0
        same, fewer, elsewhere = (sum(abs(off - expected) for off in offs) for expected in (0.0, lost * self._period, level))
        farther = abs(offs[-1]) > max(abs(offs[0]), self._limit)
        burst = not farther and slope < -self._period / 2  # they catch up, after the machine stood still
        if burst:
            self.count += len(heard)
            self._time += len(heard) * self._period
        elif farther and abs(slope) > max(STEEP * self._error, 0.002 * self._period):
            self._set_out(heard, self._period + slope)
        elif elsewhere < CLEARLY * min(same, fewer) and abs(level - lost * self._period) > 2 * self._error:
            self._set_out(heard, self._period)
        else:
            if fewer < CLEARLY * same:
                self.count += lost
                self._time += lost * self._period
            for moment in heard:
                self._take(moment)

    def _set_out(self, heard: list[Seconds], period: Seconds) -> None:
        """These ticks are the first at a new tempo, or at a new place."""
        if period <= 0:
            period = max(1e-6, (heard[-1] - heard[0]) / (len(heard) - 1))
        self._phases = self._periods = len(heard)
        self._period, self._bias = period, 0.0
        self._time = heard[-1] + median(moment - heard[-1] + (INQUIRY - 1 - place) * period for place, moment in enumerate(heard))
        self.count += len(heard)
