"""Magenta's Drums RNN and Melody RNN, asked for phrases. Runs only in a worker, which has TensorFlow.

The models count in 4/4 and in sixteenths (one_drum in eighths): they were trained on nothing else, and the lookback and the
attention encodings have bars of 16 steps built in. So the sequence is always shown to them as 4/4 at 60 quarters a minute,
where a second is a beat. The primer is laid so that the new bars start on a bar line of theirs, whatever its length, and as
many steps are taken as the bars of the real meter hold. In 3/4 or 7/8 the first bar starts where the model feels a bar start,
and from there it goes on feeling fours.

From nothing, or from silence, Magenta starts with one step of silence at the start of a bar; the model then plays itself in
for the rest of that bar, which nobody hears, and the bars after it are the answer.
"""

import importlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

from ..music import Beats, Note, Phrase
from .wire import LONGEST_PRIMER, ModelKey, Request

GENERATORS = {
    "drums_rnn": "magenta.models.drums_rnn.drums_rnn_sequence_generator",
    "melody_rnn": "magenta.models.melody_rnn.melody_rnn_sequence_generator",
}

BAR = Beats(4)
"""The bar that the models count in, whatever the meter."""


class Heard(NamedTuple):
    """A note of the primer on the model's grid, in steps."""

    begin: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Rnn:
    """A loaded model: Magenta's sequence generator, and what livecode knows of its config."""

    generator: Any
    drums: bool
    steps_per_beat: int

    def continue_(self, request: Request) -> Phrase:
        """The phrase of `request.beats` beats that follows the primer. The same request gives the same phrase, always."""
        start, heard = self._heard(request.primer)
        steps = ceil(request.beats * self.steps_per_beat)
        options = self._options(request.knobs, start if heard else 1, start + steps)
        _seed(request.seed)
        generated = self.generator.generate(self._sequence(heard, start), options)
        return self._phrase(generated, Fraction(start, self.steps_per_beat), request.beats)

    def _heard(self, primer: Phrase | None) -> tuple[int, list[Heard]]:
        """The step where the new bars start, which is a bar line, and the notes before it. Drums are no melody: silence."""
        bar = int(BAR * self.steps_per_beat)
        if primer is None or (primer.drums and not self.drums):
            return bar, []
        primer = primer.last(LONGEST_PRIMER)
        start = ceil(primer.length / BAR) * bar
        shift = Fraction(start, self.steps_per_beat) - primer.length
        heard = []
        for note in primer.notes:
            begin = round((shift + note.onset) * self.steps_per_beat)
            end = round((shift + note.end) * self.steps_per_beat)
            if begin < start:  # one that rounds to the start of the new bars is part of what the model is to make
                heard.append(Heard(begin, max(begin + 1, end), note.pitch, note.velocity))
        return start if heard else bar, heard

    def _sequence(self, heard: list[Heard], start: int) -> Any:
        import note_seq  # heavy: only here, where a worker has it already

        sequence = note_seq.NoteSequence(total_time=start / self.steps_per_beat)
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
        from note_seq.protobuf import generator_pb2  # heavy: only here, where a worker has it already

        options = generator_pb2.GeneratorOptions()
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

    def _phrase(self, generated: Any, start: Beats, length: Beats) -> Phrase:
        notes = []
        for note in generated.notes:
            onset = Fraction(round(note.start_time * self.steps_per_beat), self.steps_per_beat) - start
            end = Fraction(round(note.end_time * self.steps_per_beat), self.steps_per_beat) - start
            if 0 <= onset < length:
                notes.append(Note(onset, end - onset, note.pitch, note.velocity))
        return Phrase(tuple(notes), length, self.drums)


def load(key: ModelKey) -> Rnn:
    """Load a model, and let it play a beat, so that a bundle whose parts do not fit is found now and not on the stage."""
    from magenta.models.shared import sequence_generator_bundle  # TensorFlow: only here, where a worker has it already

    makers = importlib.import_module(GENERATORS[key.family]).get_generator_map()
    bundle = sequence_generator_bundle.read_bundle_file(str(key.path))
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
