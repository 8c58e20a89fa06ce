"""What each config's steps are: events made of a primer's notes, and notes made of the events that came out.

The encoders, and how a primer becomes events, are note_seq's own. Tests compare the table with Magenta's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Any, ClassVar, Protocol

from ..music import Phrase
from . import configs, grid, harmony, noteseq
from .configs import EVERY, MELODIC
from .encodings import Encoding, Lookback
from .grid import Placed
from .notewise import NotePerformances
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


@dataclass(frozen=True, slots=True)
class Steps:
    """The opening of a model whose every event lasts one step: `events` are drawn, and `phrase_of` makes notes of all."""

    track: Track
    controls: Floats | None
    events: int
    phrase_of: Callable[[Track], Phrase]
    rounds: bool = False

    def more(self, track: Track, drawn: int) -> int:
        return self.events - drawn

    def phrase(self, track: Track) -> Phrase:
        return self.phrase_of(track)


@dataclass(frozen=True, slots=True)
class Stepwise(ABC):
    """A config whose every event lasts one step, and how many steps a beat has."""

    make: Callable[[], Encoding]
    steps_per_beat: int = 4
    drums: ClassVar[bool] = False

    def encoding(self) -> Encoding:
        return self.make()

    def opening(self, request: Request) -> Opening:
        per_beat = self.steps_per_beat
        start, heard = grid.laid(request.primer, per_beat, drums=self.drums)
        track, origin, transposed = self.track(heard, start)
        controls = track.encoding.controls(harmony.symbols(request, start, per_beat)[origin:])
        events = start + ceil(request.beats * per_beat) - origin - len(track.events)

        def phrase_of(done: Track) -> Phrase:
            return grid.phrase(self.notes(done, origin, transposed), start, request.beats, per_beat, drums=self.drums)

        return Steps(track, controls, events, phrase_of)

    @abstractmethod
    def track(self, heard: Sequence[Placed], start: int) -> tuple[Track, int, int]:
        """The events before the step `start`, the step that they begin at, and by how much they were transposed.

        From nothing, one step of silence at step 0.
        """

    @abstractmethod
    def notes(self, track: Track, origin: int, transposed: int) -> list[Placed]:
        """The notes that the events are. `origin` and `transposed` are what `track` gave."""


@dataclass(frozen=True, slots=True)
class Drums(Stepwise):
    """Drums RNN: an event is the set of pitches that are struck in a step. Source: magenta/models/drums_rnn."""

    drums: ClassVar[bool] = True

    def track(self, heard: Sequence[Placed], start: int) -> tuple[Track, int, int]:
        if not heard:
            return Track(self.encoding(), [frozenset()]), 0, 0
        drums = noteseq.module("drums_lib").DrumTrack()
        drums.from_quantized_sequence(_quantized(heard, start, self.steps_per_beat), gap_bars=inf, ignore_is_drum=True)
        drums.set_length(start - drums.start_step)
        return Track(self.encoding(), drums), drums.start_step, 0

    def notes(self, track: Track, origin: int, transposed: int) -> list[Placed]:
        return [Placed(step, step + 1, pitch) for step, event in enumerate(track.events, origin) for pitch in event]


@dataclass(frozen=True, slots=True)
class Melody(Stepwise):
    """Melody RNN, and Improv RNN over chords: an event is a pitch, an end or neither.

    Source: magenta/models/melody_rnn, magenta/models/improv_rnn.

    A primer is transposed to C major (`key` 0), nearest to the middle of the pitches that the model knows, or not at all (`key`
    None): what lies outside is brought in by octaves. Chords are never transposed, so they need `key` None.
    """

    pitches: range = MELODIC
    key: int | None = None
    kind: type[MelodyTrack] = MelodyTrack

    def track(self, heard: Sequence[Placed], start: int) -> tuple[Track, int, int]:
        if not heard:
            return self.kind(self.encoding(), [NO_EVENT]), 0, 0
        melody = noteseq.module("melodies_lib").Melody()
        melody.from_quantized_sequence(_quantized(heard, start, self.steps_per_beat), gap_bars=inf, ignore_polyphonic_notes=True)
        melody.set_length(start - melody.start_step)
        transposed = melody.squash(self.pitches.start, self.pitches.stop, self.key)
        return self.kind(self.encoding(), melody), melody.start_step, transposed

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


def _one_hot(pitches: range = MELODIC) -> Any:
    return noteseq.module("melody_encoder_decoder").MelodyOneHotEncoding(pitches.start, pitches.stop)


def _keys(control: Any = None) -> Encoding:
    return Encoding(noteseq.module("melody_encoder_decoder").KeyMelodyEncoderDecoder(MELODIC.start, MELODIC.stop), control)


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
    "basic_rnn": Melody(lambda: Lookback(_one_hot()), key=0),
    "mono_rnn": Melody(lambda: Lookback(_one_hot(EVERY)), pitches=EVERY),
    "lookback_rnn": Melody(lambda: Lookback(_one_hot(), distances=(16, 32), bits=5), key=0),
    "attention_rnn": Melody(_keys, key=0, kind=KeyMelodyTrack),
    "basic_improv": Melody(lambda: Lookback(_one_hot(), control=_triads())),
    "attention_improv": Melody(lambda: _keys(_triads()), kind=KeyMelodyTrack),
    "chord_pitches_improv": Melody(lambda: Lookback(_one_hot(), control=_chord_pitches())),
    "polyphony": Polyphony(),
    "performance": Performances(bins=0),
    "performance_with_dynamics": Performances(),
    "performance_with_dynamics_and_modulo_encoding": Performances(modulo=True),
    "performance_with_dynamics_and_note_encoding": NotePerformances(),
    **{
        name: Performances(controls=known.heeds, optional=name.startswith("optional"))
        for name, known in configs.CONFIGS.items()
        if known.heeds
    },
}
"""The configs that can be compiled, by Magenta's names. Source: `default_configs` in magenta/models/*_rnn/*_rnn_model.py."""
