"""Performance RNN: notes on, notes off, and how long until the next of them, in hundredths of a second; dynamics, too.

Events are the classes of Magenta's one-hot encoding: 128 pitches that begin, 128 that end, 1 to 100 steps of waiting, and
32 bins of velocity where a config has them. How a primer becomes events, and events notes, is note_seq's own.
Source: performance_model.py and performance_sequence_generator.py in magenta/models/performance_rnn,
performance_encoder_decoder.py and performance_controls.py in note_seq.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np

from ..errors import ModelRefused
from ..music import Phrase
from . import noteseq
from .encodings import Encoding, Table
from .grid import Laid, Placed
from .knobs import Knob
from .pitches import weights
from .search import Knobs
from .step import Floats
from .tracks import TimedTrack, Track
from .wire import Request

RATE = 100
"""Steps a second. Source: DEFAULT_STEPS_PER_SECOND in note_seq/constants.py."""

WAITING = 256
"""The class of waiting one step."""

LONGEST_WAIT = 100

HEARD = 30
"""Seconds of a primer that are heard: the models were trained on pieces so long. Source: `hop_size_seconds` in
magenta/pipelines/performance_pipeline.py."""

LONGEST_NOTE = 5.0
"""Seconds. Source: MAX_NOTE_DURATION_SECONDS in magenta/models/performance_rnn/performance_sequence_generator.py."""

NOTES_A_SECOND = 15.0
"""As many are reckoned with where nothing is said. Source: DEFAULT_NOTE_DENSITY in note_seq/performance_controls.py."""

EVENTS_A_NOTE = 4
"""As many events are reckoned with. Source: `_generate` in performance_sequence_generator.py."""

MOST = 8192
"""Events that an answer may be reckoned with, over all candidates and all paths of a search: at Magenta's size one takes some
ms of the 30 s that a worker is given. A minute of music is 3600."""

DENSITY, PITCHES = "density", "pitch_classes"
"""Knobs: notes a second, and which pitch classes there should be."""


@dataclass(frozen=True, slots=True)
class Played:
    """The opening of a request to Performance RNN. The track begins with the step `origin`; `events` are drawn at most."""

    track: Track
    laid: Laid
    origin: int
    events: int
    bins: int
    controls: Floats | None = None
    rounds: bool = False

    def more(self, track: Track, drawn: int) -> int:
        return 0 if drawn else self.events

    def phrase(self, track: Track) -> Phrase:
        assert isinstance(track, TimedTrack)
        encoding = _one_hot(self.bins)
        performance = _performance(self.bins, steps_per_second=RATE, start_step=self.origin)
        for label in track.events:
            performance.append(encoding.decode_event(label))
        performance.set_length(track.goal)
        return self.laid.phrase(
            Placed(round(note.start_time * RATE), round(note.end_time * RATE), note.pitch, note.velocity)
            for note in performance.to_sequence(max_note_duration=LONGEST_NOTE).notes
        )


@dataclass(frozen=True, slots=True)
class Performances:
    """A config of Performance RNN: its bins of velocity, the knobs that it heeds, and whether it can do without them."""

    bins: int = 32
    modulo: bool = False
    controls: tuple[str, ...] = ()
    optional: bool = False
    rate: int = RATE

    def encoding(self) -> Encoding:
        return self._table({})

    def laid(self, request: Request) -> Laid:
        """How a request lies on the model's steps."""
        per_beat = Fraction(60 * RATE) / request.bpm
        return Laid.of(request, per_beat, silent=1 + LONGEST_WAIT, longest=HEARD * RATE / per_beat)

    def opening(self, request: Request) -> Played:
        laid, table = self.laid(request), self._table(request.knobs)
        events = self._events(laid, request)
        if not laid.heard:
            track = TimedTrack(table, [WAITING + LONGEST_WAIT - 1], LONGEST_WAIT + laid.steps)
            return Played(track, laid, 1, events, self.bins)
        performance = _performance(self.bins, _quantized(laid))
        performance.set_length(laid.start)
        encoding = _one_hot(self.bins)
        track = TimedTrack(table, map(encoding.encode_event, performance), laid.start + laid.steps)
        return Played(track, laid, 0, events, self.bins)

    def options(self, request: Request) -> Mapping[str, Knob]:
        """What Magenta's generator is told beside the knobs that all have."""
        self._events(self.laid(request), request)
        said: dict[str, Knob] = {}
        if DENSITY in request.knobs:
            said["notes_per_second"] = repr(request.knobs[DENSITY])
        if PITCHES in request.knobs:
            said["pitch_class_histogram"] = repr(list(weights(request.knobs[PITCHES])))
        if self.optional:
            said["disable_conditioning"] = repr(self._free(request.knobs))
        return said

    def _free(self, knobs: Mapping[str, Knob]) -> bool:
        """Whether the model plays without being conditioned: it can, and no knob says how it should be."""
        return self.optional and not any(name in knobs for name in self.controls)

    def _events(self, laid: Laid, request: Request) -> int:
        """How many events Magenta would draw. Raises ModelRefused if they are too many."""
        density = _density(request.knobs)
        events = ceil(EVENTS_A_NOTE * max(1.0, density) * laid.steps / RATE)
        candidates = max(1, len(request.seeds))
        work = events * Knobs.of(request.knobs).paths * candidates
        if work > MOST:
            what, fewer = (f"{candidates} candidates of ", "candidates or ") if candidates > 1 else ("", "")
            raise ModelRefused(
                f"{what}{float(request.beats):g} beats at {float(request.bpm):g} bpm would be {work} events of Performance RNN, "
                f"and {MOST} are the most: ask for fewer {fewer}bars, or turn down density, beam_size or branch_factor."
            )
        return events

    def _table(self, knobs: Mapping[str, Knob]) -> Table:
        encoding = _one_hot(self.bins)
        lasts = [0] * encoding.num_classes
        lasts[WAITING : WAITING + LONGEST_WAIT] = range(1, LONGEST_WAIT + 1)
        rows = _modulo_rows(encoding, self.bins) if self.modulo else np.eye(encoding.num_classes, dtype=np.float32)
        return Table(rows, lasts).after(self._control(knobs))

    def _control(self, knobs: Mapping[str, Knob]) -> list[float]:
        """What the model is told of the knobs with every event."""
        if not self.controls:
            return []
        controls, told = noteseq.module("performance_controls"), list[float]()
        if DENSITY in self.controls:
            bins = controls.NoteDensityPerformanceControlSignal(3.0, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
            told += bins.encoder.events_to_input([_density(knobs)], 0)
        if PITCHES in self.controls:
            histogram = controls.PitchHistogramPerformanceControlSignal(5.0)
            chosen = list(weights(knobs[PITCHES])) if PITCHES in knobs else histogram.default_value
            told += histogram.encoder.events_to_input([chosen], 0)
        if not self.optional:
            return told
        return [1.0] + [0.0] * len(told) if self._free(knobs) else [0.0, *told]


def _density(knobs: Mapping[str, Knob]) -> float:
    given = knobs.get(DENSITY, NOTES_A_SECOND)
    assert isinstance(given, float)
    return given


def _one_hot(bins: int) -> Any:
    return noteseq.module("performance_encoder_decoder").PerformanceOneHotEncoding(num_velocity_bins=bins)


def _modulo_rows(encoding: Any, bins: int) -> Any:
    modulo = noteseq.module("performance_encoder_decoder").ModuloPerformanceEventSequenceEncoderDecoder(num_velocity_bins=bins)
    events = [encoding.decode_event(label) for label in range(encoding.num_classes)]
    return np.array([modulo.events_to_input([event], 0) for event in events], np.float32)


def _performance(bins: int, quantized: Any = None, **how: int) -> Any:
    return noteseq.module("performance_lib").Performance(quantized, num_velocity_bins=bins, **how)


def _quantized(laid: Laid) -> Any:
    """A NoteSequence as note_seq's quantizer leaves it: notes that end after the new bars begin are cut there."""
    sequence = noteseq.module("protobuf.music_pb2").NoteSequence()
    sequence.quantization_info.steps_per_second = RATE
    for note in laid.heard:
        sequence.notes.add(
            pitch=note.pitch,
            velocity=note.velocity,
            start_time=note.begin / RATE,
            quantized_start_step=note.begin,
            quantized_end_step=min(note.end, laid.start),
        )
    return sequence
