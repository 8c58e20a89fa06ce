"""Phrases as one line of text each, as journals have them: short, exact, and quickly read.

    16/4: 0 60 2, 4 64 2 80, 8 67 4

is a phrase of 16 quarters of a beat. Its notes are onset, MIDI pitch, duration and velocity, counted in quarters of a beat too. A
velocity that is left out is that of the note before; the first has 100. Drums are `16/4 drums: 0 36 1`.
"""

from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import Annotated, TypeAlias

import msgspec

from .music import DENSEST, LONGEST, SHORTEST, Beats, Note, Phrase

_FINEST = 10**6
"""Parts of a beat that are counted; notes that are on no such grid have onsets and durations such as 7/3."""

_FIRST = 100
"""The velocity of a first note that says none."""

_COUNT = "[1-9][0-9]{0,39}+"
_PARTS = f"(?:/{_COUNT})?+"
_PITCH = "(?:1[01][0-9]|12[0-7]|[0-9][0-9]?+)"
_VELOCITY = "(?:1[01][0-9]|12[0-7]|[1-9][0-9]?+)"
_NOTE = f" (?:0|{_COUNT}{_PARTS}) {_PITCH} {_COUNT}{_PARTS}(?: {_VELOCITY})?+"
_TEXT = rf"\A{_COUNT}/{_COUNT}(?: drums)?+:(?:{_NOTE}(?:,{_NOTE})*+)?+\Z"
"""Nothing is tried twice: three hours are looked through in 0.2 s."""

Packed: TypeAlias = Annotated[str, msgspec.Meta(pattern=_TEXT)]
"""A phrase as text. Equal phrases have equal texts."""


def packed(phrase: Phrase) -> Packed:
    """A phrase as text.

    >>> packed(Phrase((Note(Fraction(0), Fraction(1, 2), 60), Note(Fraction(1), Fraction(1), 64, 80)), Fraction(4)))
    '8/2: 0 60 1, 2 64 2 80'
    """
    whole = phrase.length.denominator
    common = lcm(whole, *{beats.denominator for note in phrase.notes for beats in (note.onset, note.duration)})
    grid = common if common <= _FINEST else whole
    said, loud = [], _FIRST
    for note in phrase.notes:
        text = f" {_ticks(note.onset, grid)} {note.pitch} {_ticks(note.duration, grid)}"
        said.append(text if note.velocity == loud else f"{text} {note.velocity}")
        loud = note.velocity
    return f"{_ticks(phrase.length, grid)}/{grid}{' drums' if phrase.drums else ''}:{','.join(said)}"


def _ticks(length: Beats, grid: int) -> int | Fraction:
    return length * grid if grid % length.denominator else length.numerator * (grid // length.denominator)


@lru_cache(maxsize=256)
def unpacked(text: Packed) -> Phrase:
    """The phrase of such a text. In one that is no phrase, because its bytes have flipped, what cannot be is left out."""
    head, _, body = text.partition(":")
    size, _, drums = head.partition(" ")
    count, _, grid = size.partition("/")
    length = min(max(Fraction(int(count), int(grid)), SHORTEST), LONGEST)
    notes, loud = [], str(_FIRST)
    for said in body.split(",") if body else []:
        onset, pitch, duration, *other = said.split()
        loud = other[0] if other else loud
        notes.append(_note(onset, duration, grid, pitch, loud))
    kept = [note for note in notes if note.onset < length][: int(DENSEST * length)]
    return Phrase(tuple(kept), length, bool(drums))


@lru_cache(maxsize=4096)
def _note(onset: str, duration: str, grid: str, pitch: str, velocity: str) -> Note:
    """The same note comes again and again."""
    return Note(_beats(onset, grid), _beats(duration, grid), int(pitch), int(velocity))


def _beats(ticks: str, grid: str) -> Beats:
    count, _, parts = ticks.partition("/")
    return Fraction(int(count), int(grid) * int(parts or 1))
