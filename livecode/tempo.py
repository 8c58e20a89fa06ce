"""The tempo map: beats to seconds and back through changes and ramps, the bar grid in any meter, and swing. Pure values."""

import math
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import TypeVar

from .errors import BadInput
from .music import Beats, Event, NoteEvent, Seconds

SLOWEST, FASTEST = 10, 999

RAMP_STRAYS: Seconds = 0.0001
"""How far off a ramp may be within a step, where only steps can be written."""

_FINEST_STEP, _COARSEST_STEP = -6, 0
"""As powers of two: a ramp's steps are 1/64 to 1 beat long."""


def exact_bpm(value: Fraction | float | str) -> Fraction:
    """A tempo in quarter notes a minute, 10 to 999, with three decimals at most. Raises BadInput.

    >>> exact_bpm(96.5)
    Fraction(193, 2)
    """
    try:
        bpm = Fraction(round(Fraction(value) * 1000), 1000)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        bpm = Fraction(0)
    if isinstance(value, bool) or not SLOWEST <= bpm <= FASTEST:
        raise BadInput(f"A bpm of {value!r} cannot be played: give a number from {SLOWEST} to {FASTEST}, such as 120.")
    return bpm


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature: `count` notes of 1/`unit` to the bar. Raises BadInput for one that nobody writes."""

    count: int = 4
    unit: int = 4

    def __post_init__(self) -> None:
        if not (1 <= self.count <= 64 and self.unit in (1, 2, 4, 8, 16, 32)):
            raise BadInput(
                f"A meter of {self.count}/{self.unit} cannot be counted: give 1 to 64 over 1, 2, 4, 8, 16 or 32, such as 7/8."
            )

    @classmethod
    def of(cls, text: str) -> "Meter":
        """Read "7/8". Raises BadInput.

        >>> Meter.of("7/8").bar
        Fraction(7, 2)
        """
        count, slash, unit = str(text).partition("/")
        if not (slash and count.strip().isdecimal() and unit.strip().isdecimal()):
            raise BadInput(f"{text!r} is no meter: write one such as '4/4' or '7/8'.")
        return cls(int(count), int(unit))

    @property
    def bar(self) -> Beats:
        """The length of a bar in beats (quarter notes)."""
        return Fraction(4 * self.count, self.unit)

    def __str__(self) -> str:
        return f"{self.count}/{self.unit}"


STRAIGHT = Fraction(1, 2)
"""The ratio of a swing that is none."""


@dataclass(frozen=True, slots=True)
class Swing:
    """Every second note of `unit` beats comes late: the first of each pair takes `ratio` of the pair, 1/2 (straight) to 3/4.

    2/3 on a unit of 1/2 is the triplet swing of jazz; 0.54 to 0.62 on 1/4 is the MPC's. Raises BadInput.
    """

    ratio: Fraction = STRAIGHT
    unit: Beats = Fraction(1, 4)

    def __post_init__(self) -> None:
        if not Fraction(1, 2) <= self.ratio <= Fraction(3, 4):
            raise BadInput(f"A swing of {float(self.ratio):g} cannot be felt: give 0.5 (straight) to 0.75, such as 0.6.")
        if not Fraction(1, 8) <= self.unit <= 1:
            raise BadInput(f"Swing on notes of {self.unit} beats cannot be felt: give a unit of 1/8 to 1 beat, such as 1/4.")

    def __repr__(self) -> str:
        on = "" if self.unit == Fraction(1, 4) else f" on notes of {self.unit} beat"
        return f"swing {float(self.ratio):g}{on}"

    @classmethod
    def of(cls, ratio: float) -> "Swing":
        """The swing of sixteenths that a performer types, as exact as it is typed. Raises BadInput.

        >>> Swing.of(0.58).ratio, Swing.of(2 / 3).ratio
        (Fraction(29, 50), Fraction(2, 3))
        """
        return cls(Fraction(ratio).limit_denominator(10_000))

    def moved(self, within: Beats, bar: Beats) -> Beats:
        """Where a moment `within` a bar of `bar` beats sounds. A pair that the bar line cuts in two stays straight.

        >>> Swing(Fraction(2, 3), Fraction(1, 2)).moved(Fraction(3, 2), Fraction(4))
        Fraction(5, 3)
        """
        pair = 2 * self.unit
        begin = within // pair * pair
        if begin + pair > bar:
            return within
        inside = within - begin
        if inside < self.unit:
            return begin + inside * 2 * self.ratio
        return begin + pair - (pair - inside) * 2 * (1 - self.ratio)

    def straight(self, within: Beats, bar: Beats) -> Beats:
        """Which moment of the bar sounds `within` it: the inverse of `moved`.

        >>> Swing(Fraction(2, 3), Fraction(1, 2)).straight(Fraction(5, 3), Fraction(4))
        Fraction(3, 2)
        """
        pair = 2 * self.unit
        begin = within // pair * pair
        if begin + pair > bar:
            return within
        inside = within - begin
        if inside < pair * self.ratio:
            return begin + inside / (2 * self.ratio)
        return begin + pair - (pair - inside) / (2 * (1 - self.ratio))


@dataclass(frozen=True, slots=True)
class _Pace:
    """From beat `begin`, which falls at `seconds`, the bpm goes from `bpm` to `target` over `over` beats, evenly in beats."""

    begin: Beats
    seconds: Seconds
    bpm: Fraction
    target: Fraction
    over: Beats

    def bpm_at(self, beat: Beats) -> Fraction:
        if not self.over or beat >= self.begin + self.over:
            return self.target
        return self.bpm + (self.target - self.bpm) * (beat - self.begin) / self.over

    @property
    def step(self) -> Beats:
        """How long a step of the ramp may be, in beats: a power of two."""
        if not self.over or self.target == self.bpm:
            return max(self.over, Fraction(1))
        steepest = 60 * float(abs(self.target - self.bpm) / self.over) / float(min(self.bpm, self.target)) ** 2
        # A step of length h in place of a curve of slope s is h * h * s / 8 off in its middle.
        power = math.floor(math.log2(math.sqrt(8 * RAMP_STRAYS / steepest)))
        return Fraction(2) ** max(_FINEST_STEP, min(_COARSEST_STEP, power))

    def seconds_at(self, beat: Beats) -> Seconds:
        if not self.over:
            return self.seconds + self._steady_seconds(beat)
        inside = min(beat - self.begin, self.over)
        after = beat - self.begin - inside
        return self.seconds + self._ramp_seconds(inside) + float(after * 60 / self.target)

    def beat_at(self, seconds: Seconds) -> float:
        spent, whole = seconds - self.seconds, self._ramp_seconds(self.over)
        if not self.over or spent >= whole:
            return float(self.begin + self.over) + (spent - whole) * float(self.target) / 60
        slope = float((self.target - self.bpm) / self.over)
        if not slope:
            return float(self.begin) + spent * float(self.bpm) / 60
        return float(self.begin) + float(self.bpm) * math.expm1(spent * slope / 60) / slope

    def _steady_seconds(self, beat: Beats) -> Seconds:
        # float((beat - begin) * 60 / target), but in whole numbers, which is a third of the time; each note is asked for twice.
        begin, target = self.begin, self.target
        after = beat.numerator * begin.denominator - begin.numerator * beat.denominator
        return after * 60 * target.denominator / (beat.denominator * begin.denominator * target.numerator)

    def _ramp_seconds(self, inside: Beats) -> Seconds:
        # The integral of 60 / (bpm + slope x) over [0, inside].
        if not inside:
            return 0.0
        slope = (self.target - self.bpm) / self.over
        if not slope:
            return float(inside * 60 / self.bpm)
        return 60 / float(slope) * math.log1p(float(slope * inside / self.bpm))


@dataclass(frozen=True, slots=True)
class _Bars:
    """From beat `begin`, which is the line of bar number `number` (from 0), bars have this meter."""

    begin: Beats
    number: int
    meter: Meter


@dataclass(frozen=True, slots=True)
class _Feel:
    begin: Beats
    swing: Swing


_Piece = TypeVar("_Piece", _Pace, _Bars, _Feel)


@dataclass(frozen=True, slots=True)
class TempoMap:
    """How musical time runs: a value that changes make anew. Beat 0 is at 0 seconds and is the line of bar 1.

    Changes drop what was planned after them. Changes of meter and swing stand on bar lines. Seconds come from float
    arithmetic on exact beats: the error stays under a microsecond over hours.
    """

    paces: tuple[_Pace, ...]
    bars: tuple[_Bars, ...]
    feels: tuple[_Feel, ...]

    @classmethod
    def steady(cls, bpm: Fraction, meter: Meter = Meter(), swing: Swing = Swing()) -> "TempoMap":
        """One tempo, one meter, from beat 0."""
        zero = Fraction(0)
        return cls((_Pace(zero, 0.0, bpm, bpm, zero),), (_Bars(zero, 0, meter),), (_Feel(zero, swing),))

    def with_bpm(self, at: Beats, bpm: Fraction, over: Beats = Fraction(0)) -> "TempoMap":
        """The same up to beat `at`; from there to `bpm`, at once or evenly over `over` beats."""
        start = self.bpm_at(at) if over else bpm
        return replace(self, paces=(*_until(self.paces, at), _Pace(at, self.seconds_at(at), start, bpm, over)))

    def with_bpm_of(self, other: "TempoMap", begin: Beats, at: Beats) -> "TempoMap":
        """The same up to beat `at`; from there the tempo that another has at its beat `begin`, and the rest of its ramp there.

        >>> ramp = TempoMap.steady(Fraction(120)).with_bpm(Fraction(0), Fraction(80), Fraction(16))
        >>> later = TempoMap.steady(Fraction(150)).with_bpm_of(ramp, Fraction(8), Fraction(4))
        >>> [int(later.bpm_at(Fraction(beat))) for beat in (3, 4, 8, 12, 16)]
        [150, 100, 90, 80, 80]
        """
        here, (target, rest) = self.with_bpm(at, other.bpm_at(begin)), other.ramp_at(begin)
        return here.with_bpm(at, target, rest) if rest else here

    def ramp_at(self, beat: Beats) -> tuple[Fraction, Beats]:
        """The tempo that is led to at a beat, and how many beats of its ramp are left; 0 without one."""
        pace = _piece(self.paces, beat)
        return pace.target, max(Beats(0), pace.begin + pace.over - beat)

    def with_meter(self, at: Beats, meter: Meter) -> "TempoMap":
        """The same up to the bar line `at`; from there bars of `meter`."""
        number = self.bar_at(at)
        return replace(self, bars=(*_until(self.bars, at), _Bars(at, number, meter)))

    def with_swing(self, at: Beats, swing: Swing) -> "TempoMap":
        """The same up to the bar line `at`; from there with `swing`."""
        return replace(self, feels=(*_until(self.feels, at), _Feel(at, swing)))

    def bpm_at(self, beat: Beats) -> Fraction:
        """Quarter notes a minute at this beat."""
        return _piece(self.paces, beat).bpm_at(beat)

    def seconds_at(self, beat: Beats) -> Seconds:
        """When this beat falls, straight."""
        return _piece(self.paces, beat).seconds_at(beat)

    def swung(self, beat: Beats) -> Beats:
        """Where a note on this beat sounds, in beats: later by its swing."""
        swing = self.swing_at(beat)
        if swing.ratio == STRAIGHT:
            return beat
        line = self.line_before(beat)
        return line + swing.moved(beat - line, self.meter_at(beat).bar)

    def unswung(self, beat: Beats) -> Beats:
        """Which note sounds at this beat: the inverse of `swung`."""
        swing = self.swing_at(beat)
        if swing.ratio == STRAIGHT:
            return beat
        line = self.line_before(beat)
        return line + swing.straight(beat - line, self.meter_at(beat).bar)

    def sounds_at(self, beat: Beats) -> Seconds:
        """When a note on this beat sounds: with swing."""
        return self.seconds_at(self.swung(beat))

    def beat_at(self, seconds: Seconds) -> Beats:
        """The beat that falls at these seconds, to a millionth of a beat."""
        place = bisect_right(self.paces, seconds, key=lambda pace: pace.seconds)
        return Fraction(round(self.paces[max(0, place - 1)].beat_at(seconds) * 1_000_000), 1_000_000)

    def timed(self, event: Event) -> Event:
        """The event with the seconds that its beats have here, as if nothing had ever paused."""
        if isinstance(event, NoteEvent):
            return replace(event, seconds=self.sounds_at(event.beat), end_seconds=self.sounds_at(event.end_beat))
        return replace(event, seconds=self.sounds_at(event.beat))

    def marks(self, begin: Beats, end: Beats) -> list[Beats]:
        """The beats in [begin, end) from which another steady tempo must hold where only such can be written, as in MIDI files.

        A ramp has so many that what lies between two of them strays by `RAMP_STRAYS` at most.

        >>> tempo = TempoMap.steady(Fraction(120)).with_bpm(Fraction(4), Fraction(126), Fraction(2))
        >>> [float(beat) for beat in tempo.marks(Fraction(0), Fraction(100))]
        [0.0, 4.0, 4.25, 4.5, 4.75, 5.0, 5.25, 5.5, 5.75, 6.0]
        """
        marks = {begin}
        for pace in self.paces:
            step = pace.step
            marks |= {pace.begin + place * step for place in range(math.ceil(pace.over / step))}
            marks.add(pace.begin + pace.over)
        return sorted(mark for mark in marks if begin <= mark < end)

    def meter_at(self, beat: Beats) -> Meter:
        """The meter of the bar that holds this beat."""
        return _piece(self.bars, beat).meter

    def swing_at(self, beat: Beats) -> Swing:
        """The swing at this beat."""
        return _piece(self.feels, beat).swing

    def bar_at(self, beat: Beats) -> int:
        """The number, from 0, of the bar that holds this beat."""
        bars = _piece(self.bars, beat)
        return bars.number + int((beat - bars.begin) // bars.meter.bar)

    def bars_at(self, beat: Beats) -> Fraction:
        """How many bars lie before this beat, the part of the last one included."""
        return self.bar_at(beat) + (beat - self.line_before(beat)) / self.meter_at(beat).bar

    def line_of(self, number: int) -> Beats:
        """The line of the bar of this number, from 0.

        >>> TempoMap.steady(Fraction(120)).with_meter(Fraction(8), Meter(3, 4)).line_of(4)
        Fraction(14, 1)
        """
        bars = [piece for piece in self.bars if piece.number <= number][-1]
        return bars.begin + (number - bars.number) * bars.meter.bar

    def line_before(self, beat: Beats) -> Beats:
        """The last bar line at or before this beat."""
        bars = _piece(self.bars, beat)
        return bars.begin + (beat - bars.begin) // bars.meter.bar * bars.meter.bar

    def line_after(self, beat: Beats) -> Beats:
        """The first bar line at or after this beat.

        >>> TempoMap.steady(Fraction(120)).line_after(Fraction(9, 2))
        Fraction(8, 1)
        """
        line = self.line_before(beat)
        return line if line == beat else line + self.meter_at(beat).bar


def _until(pieces: tuple[_Piece, ...], at: Beats) -> tuple[_Piece, ...]:
    return pieces[: bisect_left(pieces, at, key=lambda piece: piece.begin)]


def _piece(pieces: tuple[_Piece, ...], beat: Beats) -> _Piece:
    if len(pieces) == 1:
        return pieces[0]
    return pieces[max(0, bisect_right(pieces, beat, key=lambda piece: piece.begin) - 1)]


MOST_NEEDED = 4
"""So many taps make a tempo."""


class Taps:
    """Tempo from taps: the median of the intervals between the last eight. A pause of two seconds begins anew.

    >>> taps = Taps()
    >>> [taps.hit(place * 0.5) for place in range(4)]
    [None, None, None, Fraction(120, 1)]
    """

    def __init__(self) -> None:
        self._moments: deque[Seconds] = deque(maxlen=8)

    @property
    def count(self) -> int:
        """How many taps count so far."""
        return len(self._moments)

    def hit(self, now: Seconds) -> Fraction | None:
        """A tap; the tempo they make, or None if it takes more of them. Raises BadInput for one that cannot be played."""
        if self._moments and now - self._moments[-1] > 2:
            self._moments.clear()
        self._moments.append(now)
        if len(self._moments) < MOST_NEEDED:
            return None
        return exact_bpm(round(60 / median(later - earlier for earlier, later in pairwise(self._moments)), 1))
