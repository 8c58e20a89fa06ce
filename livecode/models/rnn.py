"""Magenta's own generators on TensorFlow, asked for phrases: the reference that compiled models are compared with.

Runs only in a worker, which has TensorFlow.
"""

import importlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import msgspec

from ..music import Beats, Phrase
from . import grid, noteseq
from .grid import Placed
from .wire import ModelKey, Request

GENERATORS = {
    "drums_rnn": "magenta.models.drums_rnn.drums_rnn_sequence_generator",
    "melody_rnn": "magenta.models.melody_rnn.melody_rnn_sequence_generator",
}


@dataclass(frozen=True, slots=True)
class Rnn:
    """A loaded model: Magenta's sequence generator, and what livecode knows of its config."""

    generator: Any
    drums: bool
    steps_per_beat: int

    def continue_(self, request: Request) -> Phrase:
        """The phrase of `request.beats` beats that follows the primer. The same request gives the same phrase, always."""
        start, heard = grid.laid(request.primer, self.steps_per_beat, drums=self.drums)
        steps = ceil(request.beats * self.steps_per_beat)
        options = self._options(request.knobs, start if heard else 1, start + steps)
        _seed(request.seed)
        generated = self.generator.generate(self._sequence(heard, start), options)
        return grid.phrase(self._placed(generated), start, request.beats, self.steps_per_beat, drums=self.drums)

    def candidates(self, request: Request, seeds: Sequence[int]) -> list[Phrase]:
        """A phrase for each seed, each what a request with that seed gives, one after the other."""
        return [self.continue_(msgspec.structs.replace(request, seed=seed)) for seed in seeds]

    def _sequence(self, heard: Sequence[Placed], start: int) -> Any:
        sequence = noteseq.module("protobuf.music_pb2").NoteSequence(total_time=start / self.steps_per_beat)
        sequence.tempos.add(qpm=60)
        sequence.time_signatures.add(numerator=4, denominator=4)
        for note in heard:
            sequence.notes.add(
                pitch=note.pitch,
                velocity=note.velocity,
                start_time=note.begin / self.steps_per_beat,
                end_time=min(note.end / self.steps_per_beat, self._just_before(start)),
            )
        return sequence

    def _options(self, knobs: Mapping[str, float | int], begin: int, end: int) -> Any:
        options = noteseq.module("protobuf.generator_pb2").GeneratorOptions()
        options.generate_sections.add(start_time=self._just_before(begin), end_time=end / self.steps_per_beat)
        options.args["temperature"].float_value = knobs.get("temperature", 1.0)
        for name in ("beam_size", "branch_factor", "steps_per_iteration"):
            options.args[name].int_value = int(knobs.get(name, 1))
        return options

    def _just_before(self, step: int) -> float:
        """Half a step before a step, in seconds: the moment that Magenta's generators take for exactly that step.

        They quantise a section's start with `quantize_cutoff=0`, which makes of a moment on a step the step after, and would
        leave the first sixteenth of every answer silent. They also refuse notes that end after a section's start; a note's
        end half a step before a step rounds to that step.
        Source: `_generate` in the sequence generators, `quantize_to_step` in note_seq/sequences_lib.py.
        """
        return (step - 0.5) / self.steps_per_beat

    def _placed(self, generated: Any) -> list[Placed]:
        return [
            Placed(
                round(note.start_time * self.steps_per_beat),
                round(note.end_time * self.steps_per_beat),
                note.pitch,
                note.velocity,
            )
            for note in generated.notes
        ]


def load(key: ModelKey, *, compiling: bool = False) -> Rnn:
    """Load a model, and let it play a beat, so that a bundle whose parts do not fit is found now and not on the stage.

    There is nothing to compile.
    """
    importlib.import_module("tensorflow").get_logger().setLevel("ERROR")
    makers = importlib.import_module(GENERATORS[key.family]).get_generator_map()
    bundle = importlib.import_module("magenta.models.shared.sequence_generator_bundle").read_bundle_file(str(key.path))
    generator = makers[key.config](checkpoint=None, bundle=bundle)
    generator.initialize()
    model = Rnn(generator, key.family == "drums_rnn", generator.steps_per_quarter)
    model.continue_(Request("", key, None, Beats(1), Fraction(120), (4, 4), 0, {}))
    return model


def _seed(seed: int) -> None:
    """Seed what Magenta draws with: numpy's global generator, the only one it uses, and Python's in case a model does.

    Source: `extend_event_sequences` in note_seq/encoder_decoder.py; dropout is off when generating.
    """
    import numpy

    numpy.random.seed(seed)
    random.seed(seed)
