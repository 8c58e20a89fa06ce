"""Magenta's own generators on TensorFlow, asked for phrases: the reference that compiled models are compared with.

Runs only in a worker, which has TensorFlow.
"""

import importlib
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from time import monotonic
from typing import Any

import msgspec
import numpy

from ..errors import ModelRefused
from ..music import Beats, Phrase, Seconds
from . import grid, harmony, noteseq
from .families import CONFIGS
from .grid import Placed
from .performance import Performances
from .polyphony import Polyphony, allowed
from .wire import ModelKey, Request

GENERATORS = {
    "drums_rnn": "magenta.models.drums_rnn.drums_rnn_sequence_generator",
    "melody_rnn": "magenta.models.melody_rnn.melody_rnn_sequence_generator",
    "improv_rnn": "magenta.models.improv_rnn.improv_rnn_sequence_generator",
    "pianoroll_rnn_nade": "magenta.models.pianoroll_rnn_nade.pianoroll_rnn_nade_sequence_generator",
    "polyphony_rnn": "magenta.models.polyphony_rnn.polyphony_sequence_generator",
    "performance_rnn": "magenta.models.performance_rnn.performance_sequence_generator",
}

COMPACT = "performance_with_dynamics"
"""This config and its compact twin name themselves alike in their bundles. Source: `default_configs` in performance_model.py."""


PATIENCE: Seconds = 20.0
"""Candidates may take so long, of the 30 s that a worker is given for a request."""


def most(took: Seconds) -> str:
    """What can be asked for where a candidate takes so many seconds.

    >>> most(6.0), most(15.0)
    ('3 at most', 'fewer bars')
    """
    number = int(PATIENCE / took)
    return f"{number} at most" if number > 1 else "fewer bars"


@dataclass(frozen=True, slots=True)
class Rnn:
    """A loaded model: Magenta's sequence generator, and what livecode knows of its config."""

    generator: Any
    family: str
    steps_per_beat: int

    @property
    def drums(self) -> bool:
        return self.family == "drums_rnn"

    def continue_(self, request: Request) -> Phrase:
        """The phrase of `request.beats` beats that follows the primer. The same request gives the same phrase, always."""
        start, heard = grid.laid(request.primer, self.steps_per_beat, drums=self.drums)
        chords: list[str] = []
        if self.family == "improv_rnn":
            chords = harmony.symbols(request, start, self.steps_per_beat)
            start, heard, chords = _without_empty_bars(start, heard, chords, int(grid.BAR * self.steps_per_beat))
        end = start + ceil(request.beats * self.steps_per_beat)
        options = self._options(request.knobs, start if heard else 1, end)
        _seed(request.seed)
        generated = self.generator.generate(self._sequence(heard, chords, start, end), options)
        return grid.phrase(self._placed(generated), start, request.beats, self.steps_per_beat, drums=self.drums)

    def candidates(self, request: Request, seeds: Sequence[int]) -> list[Phrase]:
        """A phrase for each seed, each what a request with that seed gives, one after the other.

        Raises ModelRefused, as soon as that is seen, for what would take longer than a worker is given.
        """
        begun, phrases = monotonic(), list[Phrase]()
        for seed in seeds:
            phrases.append(self.continue_(msgspec.structs.replace(request, seed=seed)))
            took = (monotonic() - begun) / len(phrases)
            if took * len(seeds) > PATIENCE:
                raise ModelRefused(
                    f"{len(seeds)} candidates would take {took * len(seeds):.0f} s on Magenta's engine, which makes one after "
                    f"the other, and {PATIENCE:g} s are the most: ask for {most(took)}."
                )
        return phrases

    def _sequence(self, heard: Sequence[Placed], chords: Sequence[str], start: int, end: int) -> Any:
        sequence = noteseq.module("protobuf.music_pb2").NoteSequence(total_time=end / self.steps_per_beat)
        sequence.tempos.add(qpm=60)
        sequence.time_signatures.add(numerator=4, denominator=4)
        for note in heard:
            sequence.notes.add(
                pitch=note.pitch,
                velocity=note.velocity,
                start_time=note.begin / self.steps_per_beat,
                end_time=min(note.end, start - 0.4) / self.steps_per_beat,
            )
        for step, symbol in enumerate(chords):
            if step == 0 or symbol != chords[step - 1]:
                sequence.text_annotations.add(
                    text=symbol, time=step / self.steps_per_beat, annotation_type=sequence.TextAnnotation.CHORD_SYMBOL
                )
        return sequence

    def _options(self, knobs: Mapping[str, Any], begin: int, end: float) -> Any:
        options = noteseq.module("protobuf.generator_pb2").GeneratorOptions()
        options.generate_sections.add(start_time=self._just_before(begin), end_time=end / self.steps_per_beat)
        options.args["temperature"].float_value = knobs.get("temperature", 1.0)
        for name in ("beam_size", "branch_factor", "steps_per_iteration"):
            options.args[name].int_value = int(knobs.get(name, 1))
        return options

    def _just_before(self, step: int) -> float:
        """A quarter of a step before a step, in seconds: a moment that Magenta's generators take for exactly that step.

        They quantise a section's start with `quantize_cutoff=0`, which makes of a moment on a step the step after, and would
        leave the first sixteenth of every answer silent. They also refuse notes that do not end before a section's start; a
        note's end 0.4 steps before a step rounds to that step.
        Source: `_generate` in the sequence generators, `quantize_to_step` in note_seq/sequences_lib.py.
        """
        return (step - 0.25) / self.steps_per_beat

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


@dataclass(frozen=True, slots=True)
class Timed(Rnn):
    """A loaded model whose events are not its steps. `config` says how a request lies on them.

    `steps_per_beat` are those of a beat that lasts a second: for Performance RNN 100, whatever the request's tempo.
    """

    config: Polyphony | Performances

    def continue_(self, request: Request) -> Phrase:
        laid, told = self.config.laid(request), self.config.options(request)
        begin, end = laid.start if laid.heard else 1, laid.start + laid.steps
        options = self._options(request.knobs, begin, end + 0.5)  # the end of a section is rounded down
        for name, value in told.items():
            setattr(options.args[name], "bool_value" if isinstance(value, bool) else "string_value", value)
        sequence = self._sequence(laid.heard, (), laid.start, laid.start)
        _seed(request.seed)
        with self._bounded(laid.steps):
            return laid.phrase(self._placed(self.generator.generate(sequence, options)))

    @contextmanager
    def _bounded(self, steps: int) -> Iterator[None]:
        """Polyphony RNN gives up where the compiled one does: Magenta's generator asks until all steps are there, for ever."""
        if not isinstance(self.config, Polyphony):
            yield
            return
        model, drawn = self.generator._model, 0
        generate = model.generate_polyphonic_sequence

        def bounded(length: int, primer: Any, **how: Any) -> Any:
            nonlocal drawn
            events = allowed(length - len(primer), drawn, steps)
            drawn += events
            return generate(len(primer) + events, primer, **how)

        model.generate_polyphonic_sequence = bounded
        try:
            yield
        finally:
            del model.generate_polyphonic_sequence


class Drawn:
    """A session whose graph draws from numpy's global generator where it would draw by itself, which no seed of ours decides.

    Magenta 2.1.4 writes Pianoroll RNN-NADE's graph without any draw: a pitch sounds if it is likelier than not. But a bundle
    brings the graph that it was exported with. Source: `sample` in magenta/common/nade.py.
    """

    def __init__(self, session: Any, draws: Mapping[Any, Any]) -> None:
        """`draws` are the graph's random tensors, each with numbers of its shape."""
        self._session, self._draws, self.graph = session, draws, session.graph

    @classmethod
    def of(cls, session: Any) -> "Drawn":
        """Ask every random tensor of a session's graph once, to see its shape."""
        _give_a_column(session.graph)
        known = [op.outputs[0] for op in session.graph.get_operations() if op.type in ("RandomUniform", "RandomUniformInt")]
        inputs = session.graph.get_collection("inputs")[0]
        told = numpy.zeros([inputs.shape[0], 1, inputs.shape[2]], numpy.float32)
        return cls(session, dict(zip(known, session.run(known, {inputs: told}), strict=True)))

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        return self._session.run(
            fetches, {**(feed_dict or {}), **{tensor: _like(array) for tensor, array in self._draws.items()}}
        )

    def close(self) -> None:
        self._session.close()


def _give_a_column(graph: Any) -> None:
    """Have a graph say how likely its samples are in a column, as `_generate_step_for_batch` in pianoroll_rnn_nade_model.py wants
    it: the graphs that Magenta 2.1.4 itself exports say it in a row, and its generator fails on them."""
    said = graph.get_collection_ref("log_prob")
    if said[0].shape.rank == 1:
        with graph.as_default():
            said[0] = importlib.import_module("tensorflow").expand_dims(said[0], 1)


def _like(array: Any) -> Any:
    """Numbers of the same shape and kind: in [0, 1), or any whole ones."""
    if numpy.issubdtype(array.dtype, numpy.floating):
        return numpy.random.random_sample(array.shape).astype(array.dtype)
    return numpy.random.randint(numpy.iinfo(array.dtype).min, numpy.iinfo(array.dtype).max, array.shape, array.dtype)


def load(key: ModelKey, *, compiling: bool = False) -> Rnn:
    """Load a model, and let it play a beat, so that a bundle whose parts do not fit is found now and not on the stage.

    There is nothing to compile.
    """
    importlib.import_module("tensorflow").get_logger().setLevel("ERROR")
    makers = importlib.import_module(GENERATORS[key.family]).get_generator_map()
    bundle = importlib.import_module("magenta.models.shared.sequence_generator_bundle").read_bundle_file(str(key.path))
    generator = _initialized(makers[key.config], bundle)
    if key.config == COMPACT and _indices_are_taken(generator):
        generator = _initialized(makers[f"{COMPACT}_compact"], bundle)
    if key.family == "pianoroll_rnn_nade":
        generator._model._session = Drawn.of(generator._model._session)
    config = CONFIGS.get(key.config)
    if isinstance(config, Polyphony | Performances):
        model: Rnn = Timed(generator, key.family, config.rate, config)
    else:
        model = Rnn(generator, key.family, generator.steps_per_quarter)
    model.continue_(Request("", key, None, Beats(1), Fraction(120), (4, 4), 0, {}))
    return model


def _initialized(maker: Any, bundle: Any) -> Any:
    generator = maker(checkpoint=None, bundle=bundle)
    generator.initialize()
    return generator


def _indices_are_taken(generator: Any) -> bool:
    """Whether the bundle's graph takes the index of an event instead of its one-hot vector."""
    return int(generator._model._session.graph.get_collection("inputs")[0].shape[2]) == 1


def _without_empty_bars(start: int, heard: Sequence[Placed], chords: list[str], bar: int) -> tuple[int, list[Placed], list[str]]:
    """The same without the bars before the first note: there Magenta's Improv RNN cuts its chords at the wrong end, and fails.

    Melodies begin in the bar of their first note anyway. Source: `_generate` in improv_rnn_sequence_generator.py.
    """
    empty = min((note.begin for note in heard), default=0) // bar * bar
    moved = [note._replace(begin=note.begin - empty, end=note.end - empty) for note in heard]
    return start - empty, moved, chords[empty:]


def _seed(seed: int) -> None:
    """Seed what Magenta draws with: numpy's global generator, the only one it uses, and Python's in case a model does.

    Source: `extend_event_sequences` in note_seq/encoder_decoder.py; dropout is off when generating.
    """
    numpy.random.seed(seed)
    random.seed(seed)
