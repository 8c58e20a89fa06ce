"""Sequences of events that grow, and what a model is told after every event."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from .configs import MELODIC
from .encodings import Encoding, Label, Table
from .step import Floats

NO_EVENT, NOTE_OFF = -2, -1
"""Melody events that are no pitch. Source: note_seq/constants.py."""

MAJOR = (0, 2, 4, 5, 7, 9, 11)
KEYS = tuple(tuple((pitch - degree) % 12 for degree in MAJOR) for pitch in range(12))
"""The major keys that each pitch class belongs to. Source: NOTE_KEYS in note_seq/constants.py."""


class Track:
    """Events and their encoding."""

    __slots__ = ("encoding", "events")

    def __init__(self, encoding: Encoding, events: Iterable[Any] = ()) -> None:
        self.encoding = encoding
        self.events: list[Any] = []
        for event in events:
            self.append(event)

    def append(self, event: Any) -> None:
        self.events.append(event)

    @property
    def full(self) -> bool:
        """Whether all that is drawn from here on would come after the new bars."""
        return False

    def grow(self, label: Label) -> None:
        """Append the event that a class stands for, and what else must follow it."""
        self.append(self.encoding.event(label, self.events))

    def vector(self) -> Floats:
        """What the model is told of the events after the last of them: floats as float32."""
        return self.encoding.vector(self.events)

    def vectors(self, first: int = 0) -> Floats:
        """What the model is told of the events after each of them from the place `first` on: a row of floats each."""
        heard, vectors = type(self)(self.encoding), []
        for event in self.events:
            heard.append(event)
            vectors.append(heard.vector())
        return np.array(vectors[first:])

    def label(self, position: int) -> Label:
        """The class that the event at a position is."""
        return self.encoding.label(self.events, position)

    def copy(self) -> Self:
        """A track that grows on its own from here."""
        track = copy.copy(self)
        track.events = list(self.events)
        return track


class TimedTrack(Track):
    """Events that are classes of a `Table`, some of which last steps: it is full when they fill `goal` steps."""

    __slots__ = ("goal", "steps")
    encoding: Table

    def __init__(self, encoding: Table, events: Iterable[int], goal: int) -> None:
        self.goal, self.steps = goal, 0
        super().__init__(encoding, events)

    @property
    def full(self) -> bool:
        return self.steps >= self.goal

    def append(self, event: int) -> None:
        self.events.append(event)
        self.steps += self.encoding.lasts[event]

    def vectors(self, first: int = 0) -> Floats:
        rows: Floats = self.encoding.rows[self.events[first:]]
        return rows


class MelodyTrack(Track):
    """Melody events: a pitch begins a note, NOTE_OFF ends it, NO_EVENT goes on."""

    __slots__ = ()

    def copy(self) -> Self:
        """Ends before the first note are silence in a copy. Source: `_from_event_list` in note_seq/melodies_lib.py."""
        track = super().copy()
        track.events = cleaned(self.events)
        return track


COUNTER = np.array([[*(1 if step >> bit & 1 else -1 for bit in range(7)), step % 16 == 0] for step in range(128)], np.float32)
"""What the key encoding says of each step: a binary counter, and whether a bar line comes next."""


class KeyMelodyTrack(MelodyTrack):
    """Melody events, and the keys they fit into, kept up event by event: note_seq's encoder reads the whole melody at each step.

    The vector of 74: the sounding pitch from C3 (36), note or silence (2), attack, direction, whether the event repeats
    that of 1 and of 2 bars ago (2), binary counter of the next step (7), bar line next, the keys that most notes fit into
    (12), and those of the last three notes (12). Source: KeyMelodyEncoderDecoder in note_seq/melody_encoder_decoder.py.
    """

    __slots__ = ("_ascending", "_attack", "_counts", "_keys", "_recent", "_sounding")

    BAR = 16

    def __init__(self, encoding: Encoding, events: Iterable[int] = ()) -> None:
        self._sounding: int | None = None
        self._attack = False
        self._ascending = 0.0
        self._recent: list[int] = []
        self._counts = [0] * 12  # of notes that fit into each key
        self._keys = np.ones(24, np.float32)
        super().__init__(encoding, events)

    def append(self, event: int) -> None:
        super().append(event)
        if event == NO_EVENT:
            self._attack = False
        elif event == NOTE_OFF:
            self._sounding = None
        else:
            self._attack, self._sounding = True, event
            if self._recent and event != self._recent[-1]:
                self._ascending = 1.0 if event > self._recent[-1] else -1.0
            if event in self._recent:
                self._recent.remove(event)
            self._recent = [*self._recent[-2:], event]
            _count(self._counts, event)
            recent = [0] * 12
            for pitch in self._recent:
                _count(recent, pitch)
            self._keys = np.array([*_most(self._counts), *_most(recent)], np.float32)

    def copy(self) -> Self:
        """Without reading the melody again: ends before the first note count for nothing here."""
        track = super().copy()
        track._recent, track._counts = list(self._recent), list(self._counts)
        return track

    def vector(self) -> Floats:
        events, length = self.events, len(self.events)
        vector = np.zeros(74, np.float32)
        if self._sounding is None:
            vector[37] = 1.0
        else:
            vector[self._sounding - MELODIC.start] = vector[36] = 1.0
        vector[38], vector[39] = self._attack, self._ascending
        for place, back in ((40, self.BAR), (41, 2 * self.BAR)):
            vector[place] = length > back and events[-1] == events[-1 - back]
        vector[42:50] = COUNTER[length % len(COUNTER)]
        vector[50:] = self._keys
        return vector


def cleaned(events: Sequence[int]) -> list[int]:
    """Melody events without an end before the first note."""
    first = next((place for place, event in enumerate(events) if event >= 0), len(events))
    return [NO_EVENT] * first + list(events[first:])


def _count(counts: list[int], pitch: int) -> None:
    for key in KEYS[pitch % 12]:
        counts[key] += 1


def _most(counts: Sequence[int]) -> list[float]:
    most = max(counts)
    return [1.0 if count == most else 0.0 for count in counts]
