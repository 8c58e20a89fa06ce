"""How a request lies on a model's grid of steps: the primer before a bar line, the new bars after it.

The step models count in 4/4 and in sixteenths (one_drum in eighths): they were trained on nothing else, and the lookback and the
attention encodings have bars of 16 steps built in. So the sequence is always shown to them as 4/4 at 60 quarters a minute,
where a second is a beat. The primer is laid so that the new bars start on a bar line of theirs, whatever its length, and as
many steps are taken as the bars of the real meter hold. In 3/4 or 7/8 the first bar starts where the model feels a bar start,
and from there it goes on feeling fours.

From nothing, or from silence, Magenta starts with one step of silence at the start of a bar; the model then plays itself in
for the rest of that bar, which nobody hears, and the bars after it are the answer.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from ..music import Beats, Note, Phrase
from .wire import LONGEST_PRIMER

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
    primer = primer.last(LONGEST_PRIMER)
    start = ceil(primer.length / BAR) * bar
    shift = Fraction(start, steps_per_beat) - primer.length
    heard = []
    for note in primer.notes:
        begin = round((shift + note.onset) * steps_per_beat)
        end = round((shift + note.end) * steps_per_beat)
        if begin < start:  # one that rounds to the start of the new bars is part of what the model is to make
            heard.append(Placed(begin, max(begin + 1, end), note.pitch, note.velocity))
    return start if heard else bar, heard


def phrase(placed: Iterable[Placed], start: int, length: Beats, steps_per_beat: int, *, drums: bool) -> Phrase:
    """The notes that begin in the `length` beats from the step `start`, as a phrase of that length."""
    notes, end = [], start + length * steps_per_beat
    for note in placed:
        if start <= note.begin < end:
            onset, duration = note.begin - start, note.end - note.begin
            notes.append(Note(Fraction(onset, steps_per_beat), Fraction(duration, steps_per_beat), note.pitch, note.velocity))
    return Phrase(tuple(notes), length, drums)
