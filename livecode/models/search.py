"""Generating: a model is asked for a distribution, an event is drawn from it, and so on; of several paths the likeliest live on.

Draws and scores are Magenta's to the last bit: the same numbers from the same generator in the same order, and the same
roundings to 32 bits, so that equal distributions give equal events.
Source: magenta/models/shared/events_rnn_model.py, magenta/common/beam_search.py, note_seq/encoder_decoder.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelRefused
from .encodings import Label
from .knobs import SEARCH_KNOBS
from .step import Floats, State, Stepping, rows_of
from .tracks import Track


@dataclass(frozen=True, slots=True)
class Knobs:
    """How to search. One of each searches nothing."""

    temperature: float = 1.0
    beam_size: int = 1
    branch_factor: int = 1
    steps_per_iteration: int = 1

    @classmethod
    def of(cls, knobs: Mapping[str, Any]) -> "Knobs":
        """Those among a request's knobs."""
        return cls(**{name: knobs[name] for name in SEARCH_KNOBS if name in knobs})

    @property
    def paths(self) -> int:
        """How many continuations are looked at at a time."""
        return self.beam_size * self.branch_factor

    @property
    def searching(self) -> bool:
        """Whether there is more than one path."""
        return self.paths > 1


class Search:
    """Continuations of one track: for each random generator one, all of them in one batch.

    Rows of the batch are paths. While it runs, each generator has as many as there are beams times branches, one after the
    other; before and after, one.
    """

    def __init__(
        self,
        step: Stepping,
        primer: Track,
        knobs: Knobs,
        draws: Sequence[np.random.RandomState],
        controls: Floats | None = None,
    ) -> None:
        """`controls` is what the model is told beside its events, a row for each event that there will be."""
        self._step, self._knobs, self._draws, self._controls = step, knobs, draws, controls
        bounds = np.cumsum([0, *step.made.classes])
        self._parts = list(pairwise(bounds)) if len(bounds) > 2 else []
        """Where the distributions lie, if there are several."""
        self._paths = 1  # of each generator
        self.tracks = [primer.copy() for _ in draws]
        """The likeliest continuation of each generator."""
        self.drawn = 0
        """How many events were drawn of each."""
        self._scores = np.zeros(len(draws), np.float32)
        self._told, self._state, said = self._primed(primer)
        self._said = np.full(len(draws), said)  # how likely all events are that no score counts yet
        self._whole = self._said.copy()  # how likely all events but the first are

    def run(self, steps: int) -> None:
        """Draw so many events more, or fewer if all tracks are full; of each generator's paths the likeliest is left."""
        searching = self._knobs.searching
        every = self._knobs.steps_per_iteration if searching else steps  # one path needs no pruning
        first = (steps - 1) % every + 1
        self._spread()
        self._iterate(first)
        for _ in range((steps - first) // every):
            self._prune(self._knobs.beam_size)
            self._iterate(every)
        self._prune(1)
        self.drawn += steps

    def _primed(self, primer: Track) -> tuple[Floats, State, float]:
        """What the model is told after the primer, what it remembers of the events before, and how likely those were."""
        told, state, said = self._heard(primer)[:, None], self._step.zeros(1), 0.0
        if len(told) > 1:
            softmax, state = self._step(told[:-1], state, self._knobs.temperature)
            if self._knobs.searching:
                for place, row in enumerate(softmax[:, 0], 1):
                    said = _and(said, row, primer.label(place))
        rows = np.zeros(len(self.tracks), int)
        return told[-1][rows], rows_of(state, rows), said

    def _spread(self) -> None:
        """The one path of each generator becomes as many as there are beams, all of them as likely as it is."""
        self._paths = self._knobs.beam_size
        self._keep(np.repeat(np.arange(len(self._draws)), self._paths))
        self.tracks = [track.copy() for track in self.tracks]
        self._scores, self._said = np.zeros_like(self._scores), self._whole.copy()

    def _iterate(self, steps: int) -> None:
        if self._knobs.branch_factor > 1:
            self._branch()
        for points in self._points(steps):
            if not self._knobs.searching and all(track.full for track in self.tracks):
                return
            (softmax,), self._state = self._step(self._told[None], self._state, self._knobs.temperature)
            chosen = [self._chosen(row, point) for row, point in zip(softmax, points, strict=True)]
            if self._knobs.searching:
                places = np.array(chosen).reshape(len(chosen), -1)
                together = np.multiply.accumulate(np.take_along_axis(softmax, places, axis=1), axis=1)[:, -1]
                likely = _log(together).astype(np.float64)
                self._scores = (self._scores + (self._said + likely)).astype(np.float32)
                self._said, self._whole = np.zeros_like(likely), self._whole + likely
            lengths = [len(track.events) for track in self.tracks]
            for track, label in zip(self.tracks, chosen, strict=True):
                track.grow(label)
            self._told = self._vectors(self.tracks)
            for row, length in enumerate(lengths):
                if len(self.tracks[row].events) > length + 1:
                    self._given(row, length)

    def _given(self, row: int, place: int) -> None:
        """Let a path hear what it grew by from this place on, except for the last event, which is heard at the next draw."""
        track = self.tracks[row]
        told = track.vectors(place)[:-1, None]
        softmax, new = self._step(told, rows_of(self._state, np.array([row])), self._knobs.temperature)
        for part, heard in zip(self._state, new, strict=True):
            part[..., row, :] = heard[..., 0, :]
        if self._knobs.searching:
            for event, said in enumerate(softmax[:, 0], place + 1):
                label = track.label(event)
                self._said[row] = _and(self._said[row], said, label)
                self._whole[row] = _and(self._whole[row], said, label)

    def _heard(self, track: Track) -> Floats:
        """What the model is told after each event of a track."""
        vectors = track.vectors()
        if self._controls is None:
            return vectors
        coming = np.minimum(np.arange(1, len(vectors) + 1), len(self._controls) - 1)
        return np.concatenate([self._controls[coming], vectors], axis=1)

    def _vectors(self, tracks: Sequence[Track]) -> Floats:
        """What the model is told after the last events of tracks of the same length, controls of the next event first."""
        vectors = np.array([track.vector() for track in tracks])
        if self._controls is None:
            return vectors
        coming = min(len(tracks[0].events), len(self._controls) - 1)
        return np.concatenate([np.tile(self._controls[coming], (len(tracks), 1)), vectors], axis=1)

    def _branch(self) -> None:
        """Every path becomes `branch_factor` ones: all of them, then all of them again."""
        groups = np.arange(len(self.tracks)).reshape(len(self._draws), self._paths)
        self._paths *= self._knobs.branch_factor
        self._keep(np.tile(groups, (1, self._knobs.branch_factor)).ravel())
        self.tracks = [track.copy() for track in self.tracks]

    def _prune(self, keep: int) -> None:
        """Keep the likeliest of each generator's paths, the likeliest first, of equals the earlier one."""
        scores = self._scores.reshape(len(self._draws), self._paths)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :keep]
        rows = best + np.arange(len(self._draws))[:, None] * self._paths
        self._paths = best.shape[1]
        self._keep(rows.ravel())

    def _keep(self, rows: NDArray[np.intp]) -> None:
        self.tracks = [self.tracks[row] for row in rows]
        self._scores, self._said, self._whole = self._scores[rows], self._said[rows], self._whole[rows]
        self._told, self._state = self._told[rows], rows_of(self._state, rows)

    def _chosen(self, row: Floats, points: Any) -> Label:
        """What the points draw: a class of each distribution."""
        if not self._parts:
            return drawn(row, points)
        return tuple(begin + drawn(row[begin:end], point) for (begin, end), point in zip(self._parts, points, strict=True))

    def _points(self, steps: int) -> NDArray[np.float64]:
        """Numbers in [0, 1) that decide the next steps: (steps, rows), or (steps, rows, distributions) for several.

        A bundle exported at a batch size of n has Magenta draw for n rows at a time, of which only ours count.
        """
        batch = self._step.made.batch
        size = ceil(self._paths / batch) * batch
        shape = (steps, size, len(self._parts)) if self._parts else (steps, size)
        return np.concatenate([draw.random_sample(shape)[:, : self._paths] for draw in self._draws], axis=1)


def drawn(probabilities: Floats, point: float) -> int:
    """The class that `numpy.random.choice(classes, p=probabilities)` takes when it draws this point in [0, 1).

    Raises ModelRefused for nan.

    >>> drawn(np.array([0.5, 0.25, 0.25], np.float32), 0.6)
    1
    """
    upto = np.add.accumulate(probabilities, dtype=np.float64)
    if not upto[-1] > 0:
        raise ModelRefused(
            "The model says nan where a probability belongs: turn its temperature towards 1, or give another bundle."
        )
    upto /= upto[-1]
    return int(upto.searchsorted(point, side="right"))


def _and(said: float, row: Floats, label: Label) -> float:
    """How likely it is, as a logarithm, that this is said, too: one number after the other, as Magenta adds them."""
    for place in label if isinstance(label, tuple) else (label,):
        said += float(_log(row[place]))
    return said


def _log(probability: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        logarithm: Floats = np.log(probability)
    return logarithm
