"""Musical time on the clock: where it is, whether it runs, what of it can still be changed. It knows no thread."""

import math
from collections.abc import Callable
from fractions import Fraction

from .clock import Clock
from .commands import On
from .errors import BadInput
from .facts import Moved
from .music import Beats, Seconds
from .parts import Part
from .tempo import TempoMap

REACTION: Seconds = 0.02
"""What is nearer than this, and than what the outputs hold in their buffers, has passed: nothing can change it any more."""

GRID = 1000
"""What is said and what becomes known have their place on a grid of so many lines a beat: so it can be written down in decimals,
and be read back exactly."""

_SLACK = Fraction(1, 100)
"""In lines of the grid: where floats come this near to a line, they mean it."""


def on_grid(beat: Beats) -> Beats:
    """The first line of the grid at or after this beat.

    >>> on_grid(Fraction(1, 3))
    Fraction(167, 500)
    """
    return Fraction(math.ceil(beat * GRID - _SLACK), GRID)


class Transport:
    """A tempo map that runs on a clock, from beat 0 or from where it was paused. Stands still until it is told to run.

    `lead_in` is how long before its first beat time begins to run; `buffered` says how much sound the slowest output holds.
    """

    def __init__(self, clock: Clock, tempo: TempoMap, *, lead_in: Seconds, buffered: Callable[[], Seconds]) -> None:
        self.tempo = tempo
        self.started: Seconds | None = None
        """The clock's time of beat 0, had it run since; None while time stands still."""
        self.held = Beats(0)
        """Where time stands still, or last did."""
        self.counted = Beats(0)
        """Where a count-in ends: no loop gives way to another before."""
        self.pause_at: Beats | None = None
        self.pause_planned = False
        """Whether the outputs know of the pause."""
        self.paused = False
        """Whether it stands still after it ran."""
        self._clock, self._lead_in, self._buffered = clock, lead_in, buffered

    @property
    def running(self) -> bool:
        """Whether time goes on."""
        return self.started is not None

    def beat(self) -> Beats:
        """The beat that sounds now; during the lead-in, one before the first."""
        return self._beat_in(0.0)

    def beat_at(self, moment: Seconds) -> Beats:
        """The beat that sounds at this time of the clock, if it runs."""
        return self.held if self.started is None else self.tempo.beat_at(moment - self.started)

    def reachable(self) -> Beats:
        """The first beat that a command can still change, on the grid; no later than a pause, for there time will wait."""
        after = max(self.held, on_grid(self._beat_in(REACTION + self._buffered())))
        return after if self.pause_at is None else min(after, self.pause_at)

    def entrance(self) -> Beats:
        """The first beat at which new bars may enter."""
        return max(self.counted, self.reachable())

    def sounding(self) -> Beats:
        """The beat of the notes that sound now, which swing may have made late, on the grid."""
        return Fraction(math.floor(self.tempo.unswung(max(self.held, self.beat())) * GRID), GRID)

    def moment_before(self, beat: Beats) -> Seconds:
        """The clock's time at which this beat, on the grid, is the first that a command can reach; it must run."""
        assert self.started is not None
        return self.started + self.tempo.seconds_at(beat) - REACTION - self._buffered()

    def moment(self, on: On, part: Part | None = None) -> Beats:
        """The next beat of this kind that a command can reach; the end of the part's loop, or of the bar if there is no part."""
        after = self.reachable()
        match on:
            case On.NOW:
                return after
            case On.BEAT:
                line = self.tempo.line_before(after)
                return min(line + math.ceil(after - line), self.tempo.line_after(after)) if after > line else after
            case On.BAR:
                return self.tempo.line_after(after)
            case On.LOOP if self.counted > after:
                return self.tempo.line_after(self.counted)
            case On.LOOP:
                return part.boundary(self.entrance(), self.tempo) if part else self.tempo.line_after(self.entrance())

    def sounds_at(self, beat: Beats) -> Seconds:
        """When a note on this beat sounds, on the clock; while time stands still, as if it had begun with the clock."""
        return (self.started or 0.0) + self.tempo.sounds_at(beat)

    def straight_at(self, beat: Beats) -> Seconds:
        """When this beat falls, on the clock, without swing."""
        return (self.started or 0.0) + self.tempo.seconds_at(beat)

    def window(self, late: Seconds, until: Seconds) -> tuple[Beats, Beats]:
        """What to plan: from `late` seconds ago to the clock's time `until`, or to the pause if that comes first."""
        assert self.started is not None
        end = self.tempo.beat_at(until - self.started)
        return self._beat_in(-late), end if self.pause_at is None else min(end, self.pause_at)

    @property
    def ahead(self) -> Seconds:
        """How long before its first beat time begins to run."""
        return self._lead_in + self._buffered()

    def run(self, moment: Seconds | None = None) -> None:
        """Go on from where time stands still: as soon as the outputs can, or from the clock's time `moment`."""
        self.paused = False
        self.started = (self.soonest() if moment is None else moment) - self.tempo.seconds_at(self.held)

    def soonest(self) -> Seconds:
        """The first moment at which a beat can be played well."""
        return self._clock.now() + self._lead_in + self._buffered()

    def run_with(self, beat: Beats, moment: Seconds) -> None:
        """Go on from where time stands still, such that `beat` falls on the clock's time `moment`."""
        self.paused = False
        self.started = moment - self.tempo.seconds_at(beat)

    def run_from(self, moment: Seconds) -> None:
        """Begin as if on a note that was struck at this time of the clock, a moment ago at most."""
        self.paused = False
        self.started = max(moment, self._clock.now() - REACTION) - self.tempo.seconds_at(self.held)

    def pause(self, at: Beats) -> None:
        """Stand still from this beat on, once it has come."""
        if self.started is None:
            raise BadInput("Nothing plays that could be paused: give a part notes or a model first.")
        self.pause_at, self.pause_planned = at, False

    def go_on(self, moment: Seconds | None = None) -> None:
        """Call a pause off, or end it, at the clock's time `moment` if one is given. Raises BadInput if there is none."""
        if self.pause_at is None and not self.paused:
            raise BadInput("Nothing is paused: stage.pause() comes first.")
        self.pause_at = None
        if self.started is None:
            self.run(moment)

    def call_off(self) -> None:
        """Stand still as before, for the first beat has not come yet."""
        self.started = self.pause_at = None

    def stands_still(self) -> bool:
        """Whether the pause has just begun."""
        if self.pause_at is None or self.beat() < self.pause_at:
            return False
        self.stand_still()
        return True

    def stand_still(self) -> None:
        """Begin the pause."""
        assert self.pause_at is not None
        self.held, self.pause_at, self.started, self.paused = self.pause_at, None, None, True

    def moved(self) -> Moved:
        """How it runs or stands, as a value."""
        return Moved(started=self.started, held=self.held, paused=self.paused, pause_at=self.pause_at)

    def move(self, moved: Moved) -> None:
        """Run or stand like that."""
        self.started, self.held, self.paused, self.pause_at = moved.started, moved.held, moved.paused, moved.pause_at
        self.pause_planned = False

    def bar(self, beat: Beats) -> Beats:
        """How long the bar is that holds this beat."""
        return self.tempo.meter_at(beat).bar

    def place(self, beat: Beats) -> str:
        """A beat in words: 'bar 5', or 'bar 5, beat 2.5'."""
        bar, line = self.tempo.bar_at(beat) + 1, self.tempo.line_before(beat)
        return f"bar {bar}" if beat == line else f"bar {bar}, beat {float(beat - line + 1):.3g}"

    def _beat_in(self, seconds: Seconds) -> Beats:
        return self.beat_at(self._clock.now() + seconds)
