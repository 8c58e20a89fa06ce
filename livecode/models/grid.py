"""How a request lies on a model's grid of steps: the primer before a bar line, the new bars after it.

The step models count in 4/4 and in sixteenths (one_drum in eighths): they were trained on nothing else, and the lookback and the
attention encodings have bars of 16 steps built in. So the sequence is always shown to them as 4/4 at 60 quarters a minute,
where a second is a beat. The primer is laid so that the new bars start on a bar line of theirs, whatever its length, and as
many steps are taken as the bars of the real meter hold. In 3/4 or 7/8 the first bar starts where the model feels a bar start,
and from there it goes on feeling fours.

From nothing, or from silence, Magenta starts with one step of silence at the start of a bar; the model then plays itself in
for the rest of that bar, which nobody hears, and the bars after it are the answer.

Polyphony RNN knows no bars: its primer begins with the first step. Performance RNN counts hundredths of a second: beats become
steps, and steps beats, at the tempo of the request.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from ..music import Beats, Note, Phrase
from .wire import LONGEST_PRIMER, Request

BAR = Beats(4)
"""The bar that the models count in, whatever the meter."""

VELOCITY = 100
"""What every note of a model without velocities gets. Source: `to_sequence` in note_seq/melodies_lib.py and drums_lib.py."""


class Placed(NamedTuple):
    """A note on a model's grid: it sounds in the steps [begin, end)."""

    begin: int
    end: int
    pitch: int
    velocity: int = VELOCITY


def laid(primer: Phrase | None, steps_per_beat: int, *, drums: bool) -> tuple[int, list[Placed]]:
    """The step where the new bars start, which is a bar line, and the notes before it. Drums are no melody: silence.

    Notes that end after that step are left as long as they are.
    """
    bar = int(BAR * steps_per_beat)
    if primer is None or (primer.drums and not drums):
        return bar, []
    return _placed(primer.last(LONGEST_PRIMER), Fraction(steps_per_beat), bar, bar)


@dataclass(frozen=True, slots=True)
class Laid:
    """A request on the steps of a model that knows no bars: the notes that begin before the step `start`, where the new bars do.

    Notes that end after that step are left as long as they are. `steps` is how many the new bars have, of which the last may
    lie in them only partly; `per_beat` how many a beat has.
    """

    heard: list[Placed]
    start: int
    steps: int
    length: Beats
    per_beat: Fraction

    @classmethod
    def of(cls, request: Request, per_beat: Fraction, silent: int, longest: Beats = LONGEST_PRIMER) -> "Laid":
        """The last `longest` beats of the primer, then the new bars; without a note to hear, these start with `silent`."""
        start, heard = silent, list[Placed]()
        if request.primer is not None and not request.primer.drums:
            start, heard = _placed(request.primer.last(longest), per_beat, 1, silent)
        return cls(heard, start, ceil(request.beats * per_beat), request.beats, per_beat)

    def phrase(self, placed: Iterable[Placed]) -> Phrase:
        """The notes that begin in the new bars, as a phrase of their length."""
        return phrase(placed, self.start, self.length, self.per_beat, drums=False)


def _placed(primer: Phrase, per_beat: Fraction, bar: int, silent: int) -> tuple[int, list[Placed]]:
    """The step after the primer, a multiple of `bar`, and the notes before it; the step `silent` if there are none."""
    start = ceil(primer.length * per_beat / bar) * bar
    shift = start / per_beat - primer.length
    heard = []
    for note in primer.notes:
        begin = round((shift + note.onset) * per_beat)
        end = round((shift + note.end) * per_beat)
        if begin < start:  # one that rounds to the start of the new bars is part of what the model is to make
            heard.append(Placed(begin, max(begin + 1, end), note.pitch, note.velocity))
    return start if heard else silent, heard


def phrase(placed: Iterable[Placed], start: int, length: Beats, steps_per_beat: Fraction | int, *, drums: bool) -> Phrase:
    """The notes that begin in the `length` beats from the step `start`, as a phrase of that length."""
    notes, end = [], start + length * steps_per_beat
    for note in placed:
        if start <= note.begin < end:
            onset, duration = note.begin - start, note.end - note.begin
            notes.append(Note(Fraction(onset, steps_per_beat), Fraction(duration, steps_per_beat), note.pitch, note.velocity))
    return Phrase(tuple(notes), length, drums)
