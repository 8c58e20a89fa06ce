"""Performance RNN with note encoding: every event is a note. How long after the one before it begins, its pitch, its velocity and
how long it lasts are drawn at once, the times as a coarse number and a fine one.

Magenta's own generator plays none of its bundles: their graph has lost where it says its six distributions, a primer of nothing
has no notes to encode, and what comes after the bars fails an assertion. Its model and its encoding are followed here; what they
leave open is decided so: from nothing, the model is told Magenta's default event, a C4 that nobody hears; a primer's pauses and
notes of more than ten seconds are told as ten; notes that begin before the new bars are not heard, and drawing ends when one
begins after them.
Source: NotePerformance in note_seq/performance_lib.py, NotePerformanceEventSequenceEncoderDecoder in
note_seq/performance_encoder_decoder.py, performance_model.py in magenta/models/performance_rnn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..music import Phrase
from . import noteseq
from .encodings import Encoding
from .grid import Laid, Placed
from .performance import Performances, Played
from .step import Floats
from .tracks import Track
from .wire import Request

BINS = 32

LONGEST = 1000
"""Steps of a pause, and of a note. Source: `max_shift_steps` and `max_duration_steps` of NotePerformance."""


class NoteEncoding(Encoding):
    """Events are the places of their six numbers among all classes, which is where they are told, too."""

    def __init__(self) -> None:
        super().__init__(noteseq.module("performance_encoder_decoder").NotePerformanceEventSequenceEncoderDecoder(BINS))
        self._first = np.cumsum([0, *self.sizes[:-1]])

    def vector(self, events: Sequence[Any]) -> Floats:
        vector = np.zeros(self.input, np.float32)
        vector[list(events[-1])] = 1.0
        return vector

    def label(self, events: Sequence[Any], position: int) -> Any:
        return events[position]

    def event(self, label: Any, events: Sequence[Any]) -> Any:
        return label

    def default(self) -> tuple[int, ...]:
        """Magenta's default event."""
        return self._places(self._encoder.default_event_label)

    def encoded(self, shift: int, pitch: int, velocity: int, lasts: int) -> tuple[int, ...]:
        """The event of a note that begins so many steps after the one before it."""
        lib = noteseq.module("performance_lib")
        kinds = lib.PerformanceEvent
        values = (min(shift, LONGEST), pitch, lib.velocity_to_bin(velocity, BINS), min(lasts, LONGEST))
        events = zip((kinds.TIME_SHIFT, kinds.NOTE_ON, kinds.VELOCITY, kinds.DURATION), values, strict=True)
        return self._places(self._encoder.events_to_label([tuple(kinds(kind, value) for kind, value in events)], 0))

    def decoded(self, event: Sequence[int]) -> tuple[int, int, int, int]:
        """How many steps after the one before it a note begins, its pitch, its velocity, and how many steps it lasts."""
        shift, note, loud, lasts = self._encoder.class_index_to_event([int(place) for place in event - self._first], None)
        velocity = noteseq.module("performance_lib").velocity_bin_to_velocity(loud.event_value, BINS)
        return shift.event_value, note.event_value, velocity, lasts.event_value

    def _places(self, numbers: Sequence[int]) -> tuple[int, ...]:
        return tuple(int(place) for place in self._first + numbers)


class NoteTrack(Track):
    """Notes, full when one begins `goal` steps after the beginning or later; `steps` is where the last one begins."""

    __slots__ = ("goal", "steps")
    encoding: NoteEncoding

    def __init__(self, encoding: NoteEncoding, events: Iterable[Any] = (), goal: int = 0) -> None:
        self.goal, self.steps = goal, 0
        super().__init__(encoding, events)

    @property
    def full(self) -> bool:
        return self.steps >= self.goal

    def append(self, event: Any) -> None:
        super().append(event)
        self.steps += self.encoding.decoded(event)[0]

    def placed(self) -> list[Placed]:
        """The notes on the model's steps."""
        notes, step = list[Placed](), 0
        for event in self.events:
            shift, pitch, velocity, lasts = self.encoding.decoded(event)
            step += shift
            notes.append(Placed(step, step + lasts, pitch, velocity))
        return notes


@dataclass(frozen=True, slots=True)
class NotesPlayed(Played):
    """The opening of a request."""

    def phrase(self, track: Track) -> Phrase:
        assert isinstance(track, NoteTrack)
        return self.laid.phrase(track.placed())


@dataclass(frozen=True, slots=True)
class NotePerformances(Performances):
    """The config."""

    def encoding(self) -> NoteEncoding:
        return NoteEncoding()

    def opening(self, request: Request) -> Played:
        laid, encoding = self.laid(request), self.encoding()
        track = NoteTrack(encoding, heard(laid, encoding), laid.start + laid.steps)
        return NotesPlayed(track, laid, 0, self._events(laid, request), BINS)


def heard(laid: Laid, encoding: NoteEncoding) -> list[tuple[int, ...]]:
    """The events of what is heard, or the one that stands for nothing."""
    events, before = list[tuple[int, ...]](), 0
    for note in sorted(laid.heard, key=lambda note: (note.begin, note.pitch)):
        events.append(encoding.encoded(note.begin - before, note.pitch, note.velocity, min(note.end, laid.start) - note.begin))
        before = note.begin
    return events or [encoding.default()]
