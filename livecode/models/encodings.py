"""What a model is told of a sequence of events, and which event each of its classes stands for.

note_seq's encoders say it. Where writing their lists of floats takes longer than the network, the same vector is written
here; tests compare the two.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from . import noteseq
from .step import Floats

Label: TypeAlias = int | tuple[int, ...]
"""A class; or several, one of each distribution, where an event is several numbers."""


class Encoding:
    """One of note_seq's encoder-decoders. Source: EventSequenceEncoderDecoder in note_seq/encoder_decoder.py.

    A model may also be told what its events go along with, such as the chords of a melody: then `control` is what encodes that,
    and comes first in what it is told. Source: ConditionalEventSequenceEncoderDecoder, there.
    """

    def __init__(self, encoder: Any, control: Any = None) -> None:
        self._encoder, self._control = encoder, control
        self.input = int(encoder.input_size) + (int(control.input_size) if control else 0)
        drawn = encoder.num_classes
        self.sizes: tuple[int, ...] = tuple(drawn) if isinstance(drawn, list) else (int(drawn),)

    @property
    def classes(self) -> int:
        """The sum of the `sizes` of its distributions, one for each number that an event is."""
        return sum(self.sizes)

    def controls(self, events: Sequence[Any]) -> Floats | None:
        """What the model is told of events that its own go along with: (steps, floats) float32; None if it is told of none."""
        if self._control is None:
            return None
        known = {event: np.array(self._control.events_to_input([event], 0), np.float32) for event in set(events)}
        return np.array([known[event] for event in events])

    def vector(self, events: Sequence[Any]) -> Floats:
        """What the model is told of these events after the last of them: floats as float32."""
        return np.array(self._encoder.events_to_input(events, len(events) - 1), np.float32)

    def label(self, events: Sequence[Any], position: int) -> Label:
        """The class that the event at a position is, in [0, classes)."""
        return int(self._encoder.events_to_label(events, position))

    def event(self, label: Any, events: Sequence[Any]) -> Any:
        """The event that a class stands for after these events."""
        return self._encoder.class_index_to_event(label, events)


class Lookback(Encoding):
    """One-hot events, the events that would follow if 1 or 2 bars ago were repeated, a binary counter, and what repeats.

    Without distances and bits it is one-hot events alone. Source: LookbackEventSequenceEncoderDecoder, and
    OneHotEventSequenceEncoderDecoder, in note_seq/encoder_decoder.py.
    """

    def __init__(self, one_hot: Any, distances: Sequence[int] = (), bits: int = 0, control: Any = None) -> None:
        """`one_hot` is a OneHotEncoding; distances are in steps, the shortest first."""
        make = noteseq.module("encoder_decoder").LookbackEventSequenceEncoderDecoder
        super().__init__(make(one_hot, list(distances), bits), control)
        self._one_hot, self._distances, self._bits = one_hot, distances, bits
        self._size = int(self._encoder.input_size)

    def vector(self, events: Sequence[Any]) -> Floats:
        vector, length = np.zeros(self._size, np.float32), len(events)
        encode, size = self._one_hot.encode_event, self._one_hot.num_classes
        last = events[-1]
        vector[encode(last)] = 1.0
        for place, distance in enumerate(self._distances, 1):
            following = events[length - distance] if length >= distance else self._one_hot.default_event
            vector[place * size + encode(following)] = 1.0
        at = size * (1 + len(self._distances))
        for bit in range(self._bits):
            vector[at + bit] = 1.0 if length >> bit & 1 else -1.0
        for place, distance in enumerate(self._distances):
            if length > distance and events[-1 - distance] == last:
                vector[at + self._bits + place] = 1.0
        return vector


class Table(Encoding):
    """Events that are their own classes, where what the model is told of them depends on the last one only.

    `rows` is (classes, input) float32; `lasts` says how many steps each class lasts.
    """

    def __init__(self, rows: Floats, lasts: Sequence[int]) -> None:
        self.rows, self.lasts, self._control = rows, lasts, None
        self.sizes, self.input = (len(rows),), rows.shape[1]

    def after(self, constant: Sequence[float]) -> "Table":
        """The same, with these numbers before every row."""
        before = np.tile(np.array(constant, np.float32), (self.classes, 1))
        return Table(np.hstack([before, self.rows]), self.lasts)

    def vector(self, events: Sequence[int]) -> Floats:
        row: Floats = self.rows[events[-1]]
        return row

    def label(self, events: Sequence[int], position: int) -> int:
        return events[position]

    def event(self, label: int, events: Sequence[int]) -> int:
        return label
