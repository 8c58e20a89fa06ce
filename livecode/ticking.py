"""MIDI clock out, as the planner sees it: which signals fall between two beats. Pure."""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from .music import Beats, Seconds
from .outputs.pulse import SIXTEENTH, TICKS, ClockEvent, Signal
from .steps import Steps
from .transport import Transport

AHEAD: Seconds = 0.005
"""So long before its first tick a receiver is told to run, or half a tick, if that is less: some need a millisecond."""

STEP = Fraction(1, TICKS)


class Ticking:
    """The clock that all clocked outputs get. Ticks are straight, whatever the swing.

    A receiver's beat 0 is beat 0 of the music, or where all loops began anew. It runs while musical time does.
    """

    def __init__(self) -> None:
        self.outputs: set[str] = set()
        """The names of the outputs that get it."""
        self._origins: Steps[Beats] = Steps(Beats(0))
        self._goes: set[Beats] = set()
        self._planned = Beats(0)
        self._halted: Beats | None = None
        """The pause that was handed over."""

    def go(self, held: Beats) -> None:
        """Musical time goes on from this beat: receivers do from the next sixteenth."""
        self._halted = None
        origin = self._origins.at(held)
        sixteenths = math.ceil((held - origin) * TICKS / SIXTEENTH)
        self._planned = origin + sixteenths * SIXTEENTH * STEP
        self._goes = {self._planned} | {beat for beat in self._goes if beat > self._planned}

    def begin_anew(self, at: Beats) -> None:
        """Beat `at` is beat 0 of the receivers, which are started again there."""
        self._origins.set(at, at)
        self._goes = {beat for beat in self._goes if beat < at} | {at}

    def again(self, since: Beats) -> None:
        """What falls on this beat or later was taken back."""
        self._planned = min(self._planned, since)
        if self._halted is not None and since <= self._halted:
            self._halted = None

    def events(self, begin: Beats, end: Beats, time: Transport) -> list[ClockEvent]:
        """The signals in [begin, end) that were not handed over yet, and the halt if `end` is a pause that is new."""
        since = max(begin, self._planned)
        self._origins.forget(begin)
        self._goes = {beat for beat in self._goes if beat >= begin}
        events = [self._event(Signal.GO, beat, time) for beat in self._goes if self._planned <= beat < end]
        events += [self._event(Signal.TICK, beat, time) for beat in self._ticks(since, end)]
        if end == time.pause_at and self._halted != end:
            self._halted = end
            events.append(self._event(Signal.HALT, end, time))
        self._planned = max(self._planned, end)
        return sorted(events, key=lambda event: event.seconds)

    def _ticks(self, begin: Beats, end: Beats) -> Iterator[Beats]:
        marks = [begin, *(beat for beat, _ in self._origins.changes(begin, end) if beat > begin), end]
        for since, until in pairwise(marks):
            origin = self._origins.at(since)
            tick = origin + math.ceil((since - origin) * TICKS) * STEP
            while tick < until:
                yield tick
                tick += STEP

    def _event(self, signal: Signal, beat: Beats, time: Transport) -> ClockEvent:
        seconds = time.straight_at(beat)
        if signal is Signal.GO:
            seconds -= min(AHEAD, (time.straight_at(beat + STEP) - seconds) / 2)
        origin = self._origins.before(beat) if signal is Signal.HALT else self._origins.at(beat)
        return ClockEvent(beat, seconds, signal, int((beat - origin) * TICKS))
