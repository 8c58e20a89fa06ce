"""What each config's steps are: events made of a primer's notes, and notes made of the events that came out.

The encoders, and how a primer becomes events, are note_seq's own. Tests compare the table with Magenta's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Any, Protocol

from ..music import Phrase
from . import grid, harmony, noteseq
from .encodings import Encoding, Lookback
from .grid import Placed
from .performance import Performances
from .polyphony import Polyphony
from .step import Floats
from .tracks import NO_EVENT, NOTE_OFF, KeyMelodyTrack, MelodyTrack, Track
from .wire import Request


class Opening(Protocol):
    """What a compiled model continues to answer a request."""

    @property
    def track(self) -> Track:
        """The events before those that are drawn."""

    @property
    def controls(self) -> Floats | None:
        """What the model is told beside its events, a row for each of them; None if it is told of nothing else."""

    @property
    def rounds(self) -> bool:
        """Whether one continuation may take more events than another."""

    def more(self, track: Track, drawn: int) -> int:
        """How many events to draw now of a continuation of which so many were drawn: 0 if it is done.

        Raises ModelRefused if it takes too many.
        """

    def phrase(self, track: Track) -> Phrase:
        """The new bars that a continuation is."""


class Family(Protocol):
    """A config of a family of models."""

    def encoding(self) -> Encoding:
        """What a model of this config is told, and what its classes stand for."""

    def opening(self, request: Request) -> Opening:
        """What a compiled model continues to answer this request. Raises ModelRefused for one that would take too long."""


class Stepwise(Protocol):
    """A config whose every event lasts one step."""

    @property
    def drums(self) -> bool: ...

    @property
    def steps_per_beat(self) -> int: ...

    def track(self, heard: Sequence[Placed], start: int) -> tuple[Track, int, int]:
        """The events before the step `start`, the step that they begin at, and by how much they were transposed.

        From nothing, one step of silence at step 0.
        """

    def controls(self, request: Request, start: int, origin: int) -> Floats | None:
        """What the model is told beside its events, a row for each of them; None if it is told of nothing else.

        `start` is the step where the new bars begin, `origin` the one where the events do.
        """

    def notes(self, track: Track, origin: int, transposed: int) -> list[Placed]:
        """The notes that the events are. `origin` and `transposed` are what `track` gave."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The opening of a model whose every event lasts one step: `events` are drawn, and `phrase_of` makes notes of all."""

    track: Track
    controls: Floats | None
    events: int
    phrase_of: Callable[[Track], Phrase]
    rounds: bool = False

    @classmethod
    def of(cls, family: Stepwise, request: Request) -> "Steps":
        """The opening of a request to a family."""
        per_beat = family.steps_per_beat
        start, heard = grid.laid(request.primer, per_beat, drums=family.drums)
        track, origin, transposed = family.track(heard, start)

        def phrase_of(done: Track) -> Phrase:
            notes = family.notes(done, origin, transposed)
            return grid.phrase(notes, start, request.beats, per_beat, drums=family.drums)

        events = start + ceil(request.beats * per_beat) - origin - len(track.events)
        return cls(track, family.controls(request, start, origin), events, phrase_of)

    def more(self, track: Track, drawn: int) -> int:
        return self.events - drawn

    def phrase(self, track: Track) -> Phrase:
        return self.phrase_of(track)


@dataclass(frozen=True, slots=True)
class Drums:
    """Drums RNN: an event is the set of pitches that are struck in a step. Source: magenta/models/drums_rnn."""

    make: Callable[[], Encoding]
    steps_per_beat: int = 4
    drums: bool = True

    def encoding(self) -> Encoding:
        return self.make()

    def opening(self, request: Request) -> Opening:
        return Steps.of(self, request)

    def track(self, heard: Sequence[Placed], start: int) -> tuple[Track, int, int]:
        if not heard:
            return Track(self.encoding(), [frozenset()]), 0, 0
        drums = noteseq.module("drums_lib").DrumTrack()
        drums.from_quantized_sequence(_quantized(heard, start, self.steps_per_beat), gap_bars=inf, ignore_is_drum=True)
        drums.set_length(start - drums.start_step)
        return Track(self.encoding(), drums), drums.start_step, 0

    def controls(self, request: Request, start: int, origin: int) -> Floats | None:
        return None

    def notes(self, track: Track, origin: int, transposed: int) -> list[Placed]:
        return [Placed(step, step + 1, pitch) for step, event in enumerate(track.events, origin) for pitch in event]


@dataclass(frozen=True, slots=True)
class Melody:
    """Melody RNN, and Improv RNN over chords: an event is a pitch, an end or neither.

    Source: magenta/models/melody_rnn, magenta/models/improv_rnn.

    The model knows pitches in [low, high). A primer is transposed to C major (`key` 0), nearest to the middle of them, or
    not at all (`key` None): what lies outside is brought in by octaves. Chords are never transposed, so they need `key` None.
    """

    make: Callable[[], Encoding]
    low: int = 48
    high: int = 84
    key: int | None = 0
    kind: type[MelodyTrack] = MelodyTrack
    chords: bool = False
    steps_per_beat: int = 4
    drums: bool = False

    def encoding(self) -> Encoding:
        return self.make()

    def opening(self, request: Request) -> Opening:
        return Steps.of(self, request)

    def track(self, heard: Sequence[Placed], start: int) -> tuple[Track, int, int]:
        if not heard:
            return self.kind(self.encoding(), [NO_EVENT]), 0, 0
        melody = noteseq.module("melodies_lib").Melody()
        melody.from_quantized_sequence(_quantized(heard, start, self.steps_per_beat), gap_bars=inf, ignore_polyphonic_notes=True)
        melody.set_length(start - melody.start_step)
        transposed = melody.squash(self.low, self.high, self.key)
        return self.kind(self.encoding(), melody), melody.start_step, transposed

    def controls(self, request: Request, start: int, origin: int) -> Floats | None:
        if not self.chords:
            return None
        return self.encoding().controls(harmony.symbols(request, start, self.steps_per_beat)[origin:])

    def notes(self, track: Track, origin: int, transposed: int) -> list[Placed]:
        melody = noteseq.module("melodies_lib").Melody(track.events)
        melody.transpose(-transposed)
        notes, sounding = [], None
        for step, event in enumerate(melody, origin):
            if event != NO_EVENT and sounding:
                notes.append(Placed(sounding[0], step, sounding[1]))
                sounding = None
            if event not in (NO_EVENT, NOTE_OFF):
                sounding = (step, event)
        if sounding:
            notes.append(Placed(sounding[0], origin + len(track.events), sounding[1]))
        return notes


def _quantized(heard: Sequence[Placed], start: int, steps_per_beat: int) -> Any:
    """A NoteSequence as note_seq's quantizer leaves it: notes that end after the new bars begin are cut there."""
    sequence = noteseq.module("protobuf.music_pb2").NoteSequence()
    sequence.quantization_info.steps_per_quarter = steps_per_beat
    sequence.time_signatures.add(numerator=4, denominator=4)
    sequence.tempos.add(qpm=60)
    for note in heard:
        sequence.notes.add(
            pitch=note.pitch,
            velocity=note.velocity,
            quantized_start_step=note.begin,
            quantized_end_step=min(note.end, start),
        )
    return sequence


def _melody(low: int, high: int) -> Any:
    return noteseq.module("melody_encoder_decoder").MelodyOneHotEncoding(low, high)


def _keys(control: Any = None) -> Encoding:
    make = noteseq.module("melody_encoder_decoder").KeyMelodyEncoderDecoder
    return Encoding(make(KeyMelodyTrack.LOW, KeyMelodyTrack.HIGH), control)


def _triads() -> Any:
    one_hot = noteseq.module("chords_encoder_decoder").TriadChordOneHotEncoding()
    return noteseq.module("encoder_decoder").OneHotEventSequenceEncoderDecoder(one_hot)


def _chord_pitches() -> Any:
    return noteseq.module("chords_encoder_decoder").PitchChordsEncoderDecoder()


def _drums(pitches: Sequence[Sequence[int]] | None = None) -> Any:
    return noteseq.module("drums_encoder_decoder").MultiDrumOneHotEncoding(pitches)


CLAP = (39, *range(39), *range(39, 128))
"""one_drum takes every pitch for its drum, and plays a hand clap."""

CONFIGS: dict[str, Family] = {
    "one_drum": Drums(lambda: Lookback(_drums([CLAP])), steps_per_beat=2),
    "drum_kit": Drums(lambda: Lookback(_drums(), bits=6)),
    "basic_rnn": Melody(lambda: Lookback(_melody(48, 84))),
    "mono_rnn": Melody(lambda: Lookback(_melody(0, 128)), low=0, high=128, key=None),
    "lookback_rnn": Melody(lambda: Lookback(_melody(48, 84), distances=(16, 32), bits=5)),
    "attention_rnn": Melody(_keys, kind=KeyMelodyTrack),
    "basic_improv": Melody(lambda: Lookback(_melody(48, 84), control=_triads()), key=None, chords=True),
    "attention_improv": Melody(lambda: _keys(_triads()), key=None, kind=KeyMelodyTrack, chords=True),
    "chord_pitches_improv": Melody(lambda: Lookback(_melody(48, 84), control=_chord_pitches()), key=None, chords=True),
    "polyphony": Polyphony(),
    "performance": Performances(bins=0),
    "performance_with_dynamics": Performances(),
    "performance_with_dynamics_and_modulo_encoding": Performances(modulo=True),
    "density_conditioned_performance_with_dynamics": Performances(controls=("density",)),
    "pitch_conditioned_performance_with_dynamics": Performances(controls=("pitch_classes",)),
    "multiconditioned_performance_with_dynamics": Performances(controls=("density", "pitch_classes")),
    "optional_multiconditioned_performance_with_dynamics": Performances(controls=("density", "pitch_classes"), optional=True),
}
"""The configs that can be compiled, by Magenta's names. Source: `default_configs` in magenta/models/*_rnn/*_rnn_model.py."""
