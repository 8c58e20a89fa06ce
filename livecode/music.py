"""Notes, phrases, and the events that outputs play. Pure values: no clock, no thread, no file."""

import math
import operator
import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, islice
from numbers import Rational
from typing import TypeAlias

from .errors import BadInput
from .scales import Key

Beats: TypeAlias = Fraction
"""Musical time: one beat is a quarter note, whatever the meter."""

Seconds: TypeAlias = float
"""Clock time, on the monotonic clock of the process."""

FINEST = 960
"""Beats given as floats are rounded to 1/960 of a beat, as fine as a MIDI file."""


def beats(value: Fraction | float | str) -> Beats:
    """Turn what a performer types into beats: 1, 0.5, "1/3", Fraction(1, 3).

    Floats are rounded to 1/960 of a beat. Raises BadInput for anything that is no finite number.

    >>> beats(0.25), beats("1/3")
    (Fraction(1, 4), Fraction(1, 3))
    """
    if type(value) is Fraction:
        return value
    try:
        exact = Fraction(value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise BadInput(f"{value!r} is no number of beats: give one such as 1, 0.5 or '1/3'.") from error
    return exact if isinstance(value, Rational | str) else Fraction(round(exact * FINEST), FINEST)


def pitch_name(pitch: int) -> str:
    """The name of a MIDI pitch, with sharps.

    >>> pitch_name(60), pitch_name(54)
    ('C4', 'F#3')
    """
    return ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[pitch % 12] + str(pitch // 12 - 1)


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note. Onset and duration in beats, pitch 0-127 (60 is C4), velocity 1-127.

    Beats may be given as `beats` takes them. Raises BadInput for a value outside these ranges.
    """

    onset: Beats
    duration: Beats
    pitch: int
    velocity: int = 100

    def __post_init__(self) -> None:
        object.__setattr__(self, "onset", beats(self.onset))
        object.__setattr__(self, "duration", beats(self.duration))
        if type(self.pitch) is not int or type(self.velocity) is not int:
            object.__setattr__(self, "pitch", _whole("pitch", self.pitch))
            object.__setattr__(self, "velocity", _whole("velocity", self.velocity))
        if self.onset < 0:
            raise BadInput(f"A note starts at beat {self.onset}: onsets are 0 or later.")
        if self.duration <= 0:
            raise BadInput(f"A note lasts {self.duration} beats: durations are longer than 0.")
        if not 0 <= self.pitch <= 127:
            raise BadInput(f"A note has pitch {self.pitch}: MIDI pitches go from 0 to 127.")
        if not 1 <= self.velocity <= 127:
            raise BadInput(f"A note has velocity {self.velocity}: MIDI velocities go from 1 to 127.")

    @property
    def end(self) -> Beats:
        """Where the note stops, in beats."""
        return self.onset + self.duration


SHORTEST, LONGEST, DENSEST = Fraction(1, 16), Fraction(4096), 128
"""A phrase lasts 1/16 to 4096 beats and has at most 128 notes a beat: what a part can repeat without holding up the others."""

MOST_NOTES = int(DENSEST * LONGEST)


@dataclass(frozen=True, slots=True, repr=False)
class Phrase:
    """Notes over a length of musical time. Onsets lie in [0, length); ends may not pass the length.

    Notes are kept in order of onset, then pitch. A note that would ring past the end is cut there, and one that would ring
    into the next note of its own pitch is cut at that note, so that a phrase can repeat for ever without a hanging or a
    swallowed note. `drums` says that pitches name General MIDI drums.
    """

    notes: tuple[Note, ...]
    length: Beats
    drums: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", beats(self.length))
        if not SHORTEST <= self.length <= LONGEST:
            raise BadInput(f"A phrase of {self.length} beats cannot be played: give it {SHORTEST} to {LONGEST} beats.")
        if len(self.notes) > DENSEST * self.length:
            raise BadInput(f"{len(self.notes)} notes in {self.length} beats cannot be played: give {DENSEST} a beat at most.")
        late = next((note for note in self.notes if note.onset >= self.length), None)
        if late is not None:
            raise BadInput(f"A note starts at beat {late.onset} of a phrase of {self.length} beats: make the phrase longer.")
        object.__setattr__(self, "notes", _untangled(self.notes, self.length))

    def __repr__(self) -> str:
        shown = [f"{note.onset} {note.pitch if self.drums else pitch_name(note.pitch)}" for note in self.notes[:8]]
        more = [f"and {len(self.notes) - 8} more"] if len(self.notes) > 8 else []
        kind = "drums" if self.drums else "phrase"
        return f"<{kind} of {self.length} beats: {', '.join([*shown, *more]) or 'silence'}>"

    def between(self, begin: Beats, end: Beats) -> Iterator[Note]:
        """Yield, in order of onset, the notes that start in [begin, end) while this phrase repeats for ever from beat 0.

        >>> phrase = Phrase((Note(Fraction(0), Fraction(1), 60), Note(Fraction(1), Fraction(1), 62)), Fraction(2))
        >>> [(int(note.onset), note.pitch) for note in phrase.between(Fraction(1), Fraction(4))]
        [(1, 62), (2, 60), (3, 62)]
        """
        if not self.notes:
            return
        repeat = begin // self.length
        while repeat * self.length < end:
            shift = repeat * self.length
            for place in range(bisect_left(self.notes, begin - shift, key=_onset), len(self.notes)):
                note = self.notes[place]
                if note.onset + shift >= end:
                    return
                yield replace(note, onset=note.onset + shift)
            repeat += 1

    def plot(self) -> "Plot":
        """The full picture: at the prompt every pitch and every beat, with how loud each is; a drawing in a notebook."""
        return Plot(self)

    # Verbs: each gives another phrase

    def transpose(self, semitones: int) -> "Phrase":
        """Every pitch higher by so many semitones; one that leaves MIDI's range comes back by octaves. Drums stay as they are.

        >>> from livecode.notation import notes
        >>> notes("C4 E4").transpose(-2)
        <phrase of 2 beats: 0 A#3, 1 D4>
        """
        step = _semitones("transpose", semitones)
        return self._pitched(lambda pitch: pitch + step)

    def invert(self, axis: int | None = None) -> "Phrase":
        """Every pitch as far below the axis (a MIDI pitch; None is the first note's) as it was above. Drums stay as they are."""
        if not self.notes:
            return self
        middle = self.notes[0].pitch if axis is None else _semitones("invert", axis)
        return self._pitched(lambda pitch: 2 * middle - pitch)

    def to_scale(self, key: str) -> "Phrase":
        """Every pitch moved to the nearest of a key such as "A minor" or "F# dorian". Drums stay as they are. Raises BadInput."""
        return self._pitched(Key.of(key).nearest)

    def reverse(self) -> "Phrase":
        """Backwards: what ended last begins first.

        >>> from livecode.notation import notes
        >>> notes("C4 E4 _ .").reverse()
        <phrase of 4 beats: 1 E4, 3 C4>
        """
        return replace(self, notes=tuple(replace(note, onset=self.length - note.end) for note in self.notes))

    def rotate(self, by: Fraction | float | str) -> "Phrase":
        """Everything later by so many beats; what leaves at the end comes in at the beginning."""
        step = beats(by)
        return replace(self, notes=tuple(replace(note, onset=(note.onset + step) % self.length) for note in self.notes))

    def stretch(self, factor: Fraction | float | str) -> "Phrase":
        """So many times as long, notes and all: 2 is half time, 0.5 double time. Raises BadInput."""
        times = _above_zero("stretch by", factor)
        moved = (replace(note, onset=note.onset * times, duration=note.duration * times) for note in self.notes)
        return Phrase(tuple(moved), self.length * times, self.drums)

    def quantise(self, grid: Fraction | float | str = Fraction(1, 4), strength: Fraction | float | str = 1) -> "Phrase":
        """Onsets moved towards the nearest multiple of `grid` beats: all the way (strength 1), or part of it (0 to 1)."""
        step, share = _above_zero("quantise to", grid), beats(strength)
        if not 0 <= share <= 1:
            raise BadInput(f"A strength of {strength!r} cannot be: give 0 (as it is) to 1 (on the grid).")

        def moved(note: Note) -> Note:
            onset = note.onset + share * (round(note.onset / step) * step - note.onset)
            return replace(note, onset=onset % self.length)

        return replace(self, notes=tuple(map(moved, self.notes)))

    def humanise(self, timing: Fraction | float | str = Fraction(1, 32), velocity: float = 8, *, seed: int = 0) -> "Phrase":
        """Onsets and velocities off by chance, as hands are: `timing` (beats) and `velocity` are standard deviations.

        The same seed gives the same phrase.
        """
        spread, chance = beats(timing), random.Random(seed)
        if spread < 0 or not 0 <= velocity <= 127:
            raise BadInput(
                f"timing={timing!r} and velocity={velocity!r} cannot be: give 0 or more, such as '1/32' and 8, 127 at most."
            )

        def moved(note: Note) -> Note:
            onset = note.onset + beats(chance.gauss(0, 1) * float(spread))
            struck = round(note.velocity + chance.gauss(0, 1) * velocity)
            return replace(note, onset=min(max(Beats(0), onset), self.length - SHORTEST), velocity=min(127, max(1, struck)))

        return replace(self, notes=tuple(map(moved, self.notes)))

    def arpeggiate(
        self, step: Fraction | float | str = Fraction(1, 4), order: str = "up", *, at_most: int = MOST_NOTES
    ) -> "Phrase":
        """Chords one note after the other, `step` beats each, for as long as the chord sounds: order "up", "down" or "updown".

        Raises BadInput for more than `at_most` notes, before it makes them.

        >>> from livecode.notation import notes
        >>> notes("C4,E4,G4", dur=2).arpeggiate("1/2", "updown")
        <phrase of 2 beats: 0 C4, 1/2 E4, 1 G4, 3/2 E4>
        """
        each = _above_zero("arpeggiate by", step)
        if each < Fraction(1, DENSEST):
            raise BadInput(f"A step of {step!r} beats is too short for an arpeggio: give 1/{DENSEST} or more, such as 1/4.")
        if order not in ("up", "down", "updown"):
            raise BadInput(f"order={order!r} cannot be: say 'up', 'down' or 'updown'.")
        chords = [list(struck) for _, struck in groupby(self.notes, key=_onset)]
        counts = [1 if len(chord) == 1 else math.ceil(max(note.duration for note in chord) / each) for chord in chords]
        if sum(counts) > at_most:
            raise BadInput(f"An arpeggio of {sum(counts)} notes is too long: {at_most} are the most, so give a longer step.")
        played: list[Note] = []
        for chord, count in zip(chords, counts, strict=True):
            run = {"up": chord, "down": chord[::-1], "updown": chord + chord[-2:0:-1]}[order]
            begun = (replace(run[place % len(run)], onset=chord[0].onset + place * each, duration=each) for place in range(count))
            played += chord if len(chord) == 1 else begun
        return replace(self, notes=tuple(played))

    def layer(self, *others: "Phrase", at_most: int = MOST_NOTES) -> "Phrase":
        """All of them at once, as long as the longest; shorter ones repeat.

        Raises BadInput for drums over notes, and for more than `at_most` notes, before it makes them.
        """
        for other in others:
            if not isinstance(other, Phrase):
                raise BadInput(f"{other!r} cannot be laid over a phrase: give phrases, such as notes('C4 E4').")
            if other.drums != self.drums:
                raise BadInput("Drums and notes cannot be one phrase: give each a part of its own.")
        length = max(phrase.length for phrase in (self, *others))
        sounding = (note for phrase in (self, *others) for note in phrase.between(Beats(0), length))
        notes = tuple(islice(sounding, at_most + 1))
        if len(notes) > at_most:
            raise BadInput(f"Layers of more than {at_most} notes are too long: lay fewer or shorter phrases over each other.")
        return Phrase(notes, length, self.drums)

    def slice(self, begin: Fraction | float | str, end: Fraction | float | str) -> "Phrase":
        """The beats [begin, end), with the notes that start there. Raises BadInput."""
        first, last = beats(begin), beats(end)
        if not 0 <= first < last <= self.length:
            raise BadInput(
                f"slice({begin!r}, {end!r}) lies outside a phrase of {self.length} beats: give beats from 0 to its length."
            )
        kept = tuple(replace(note, onset=note.onset - first) for note in self.notes if first <= note.onset < last)
        return Phrase(kept, last - first, self.drums)

    def thin(self, most: Fraction | float | str) -> "Phrase":
        """At most `most` notes a beat over the whole phrase: the metrically weakest go first, then the softest.

        The weight of an onset is the coarsest of 4, 2, 1, 1/2, 1/4 ... beats that it falls on, as in Lerdahl and
        Jackendoff's metrical grid.
        """
        room = int(_above_zero("thin to", most) * self.length)
        if len(self.notes) <= room:
            return self
        strongest = sorted(self.notes, key=lambda note: (_weakness(note.onset), -note.velocity, note.onset, note.pitch))
        return replace(self, notes=tuple(strongest[:room]))

    def _pitched(self, moved: Callable[[int], int]) -> "Phrase":
        """With other pitches, brought into MIDI's range by octaves; drums, whose pitches are names, as they are."""
        if self.drums:
            return self
        return replace(self, notes=tuple(replace(note, pitch=_in_range(moved(note.pitch))) for note in self.notes))

    # Limits

    def last(self, length: Beats) -> "Phrase":
        """The last `length` beats; all of it if it is no longer than that."""
        cut = self.length - length
        if cut <= 0:
            return self
        kept = tuple(replace(note, onset=note.onset - cut) for note in self.notes if note.onset >= cut)
        return Phrase(kept, length, self.drums)

    def within(self, low: int, high: int) -> "Phrase":
        """The same notes, each brought into pitches low..high by whole octaves; one that no octave brings there is left out.

        Drums are left as they are: their pitches are names.
        """
        if self.drums or all(low <= note.pitch <= high for note in self.notes):
            return self
        moved = []
        for note in self.notes:
            pitch = note.pitch
            while pitch < low:
                pitch += 12
            while pitch > high:
                pitch -= 12
            if low <= pitch:
                moved.append(replace(note, pitch=pitch))
        return replace(self, notes=tuple(moved))


@dataclass(frozen=True, slots=True)
class Plot:
    """A phrase to be shown in full; the prompt draws it."""

    phrase: Phrase


def counted(number: Fraction, what: str) -> str:
    """A number of things in words: '1 bar', '1/2 bar', '2 bars', '0 bars'; odd fractions as decimals.

    >>> counted(Fraction(1, 2), "bar"), counted(Fraction(16, 7), "bar")
    ('1/2 bar', '2.29 bars')
    """
    shown = str(number) if number.denominator <= 4 else f"{float(number):.2f}"
    return f"{shown} {what}{'' if 0 < number <= 1 else 's'}"


def gist(phrase: Phrase) -> str:
    """A phrase in a few words: '12 notes, C4 to G5', '31 strokes on 4 drums', 'silence'."""
    pitches = sorted(note.pitch for note in phrase.notes)
    if not pitches:
        return "silence"
    if phrase.drums:
        return f"{counted(Fraction(len(pitches)), 'stroke')} on {counted(Fraction(len(set(pitches))), 'drum')}"
    return f"{counted(Fraction(len(pitches)), 'note')}, {pitch_name(pitches[0])} to {pitch_name(pitches[-1])}"


def silence(length: Beats, *, drums: bool = False) -> Phrase:
    """Empty bars: a phrase of `length` beats without a note."""
    return Phrase((), length, drums)


def _onset(note: Note) -> Beats:
    return note.onset


def _whole(what: str, value: object) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise BadInput(f"A note has {what} {value!r}: MIDI's are whole numbers, such as 60.") from None


def _semitones(what: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput(f"{what}({value!r}) cannot be: give a whole number of semitones, such as 12 or -5.")
    return value


def _above_zero(what: str, value: Fraction | float | str) -> Fraction:
    exact = beats(value)
    if exact <= 0:
        raise BadInput(f"To {what} {value!r} cannot be: give a number above 0, 1/{FINEST} at least, such as 2 or 0.5.")
    return exact


def _in_range(pitch: int) -> int:
    """The nearest MIDI pitch that is so many octaves off."""
    return pitch % 12 if pitch < 0 else pitch if pitch <= 127 else pitch - (pitch - 116) // 12 * 12


def _weakness(onset: Beats) -> int:
    level, grid = 0, Fraction(4)
    while onset % grid and level < 12:
        level, grid = level + 1, grid / 2
    return level


def _untangled(notes: Iterable[Note], length: Beats) -> tuple[Note, ...]:
    ordered = sorted(notes, key=lambda note: (note.onset, note.pitch, note.duration))
    following: dict[int, Beats] = {}
    kept = []
    for note in reversed(ordered):
        end = min(note.end, following.get(note.pitch, length))
        if end > note.onset:
            kept.append(note if end == note.end else replace(note, duration=end - note.onset))
            following[note.pitch] = note.onset
    return tuple(reversed(kept))


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A note as an output plays it: when, in planned beats and in clock seconds, and on which channel (0-15)."""

    part: str
    beat: Beats
    seconds: Seconds
    channel: int
    pitch: int
    velocity: int
    end_beat: Beats
    end_seconds: Seconds


@dataclass(frozen=True, slots=True)
class ControlEvent:
    """A control (a MIDI controller's number, or another as `controls` counts them) and its value, on a channel (0-15)."""

    part: str
    beat: Beats
    seconds: Seconds
    channel: int
    control: int
    value: int


@dataclass(frozen=True, slots=True)
class ProgramEvent:
    """A program change (0-127) on a channel (0-15), after a bank select if `bank` is (controller 0, controller 32)."""

    part: str
    beat: Beats
    seconds: Seconds
    channel: int
    program: int
    bank: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """Every note of the part that began before `beat`, or those of one pitch, end here, whatever end they were given."""

    part: str
    beat: Beats
    seconds: Seconds
    pitch: int | None = None


Event: TypeAlias = NoteEvent | ControlEvent | ProgramEvent | ReleaseEvent
