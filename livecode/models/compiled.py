"""A compiled model, asked for phrases: note for note what Magenta's own generator plays, without TensorFlow. Runs in a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from ..errors import BundleError
from ..music import Beats, Phrase
from . import grid
from .families import CONFIGS, Family
from .search import Knobs, Search
from .step import Stepping
from .store import stored
from .wire import ModelKey, Request


@dataclass(frozen=True, slots=True)
class Compiled:
    """A loaded model: its step, and what its config's events are."""

    step: Stepping
    family: Family

    def continue_(self, request: Request) -> Phrase:
        """The phrase of `request.beats` beats that follows the primer. The same request gives the same phrase, always."""
        return self.candidates(request, [request.seed])[0]

    def candidates(self, request: Request, seeds: Sequence[int]) -> list[Phrase]:
        """A phrase for each seed, each what a request with that seed gives, made together in one batch.

        Rows of a batch may differ from a row of its own in a float's last place, so a draw may fall otherwise, rarely.
        """
        family, per_beat = self.family, self.family.steps_per_beat
        start, heard = grid.laid(request.primer, per_beat, drums=family.drums)
        track, origin, transposed = family.track(heard, start)
        steps = start + ceil(request.beats * per_beat) - origin - len(track.events)
        draws = [np.random.RandomState(seed) for seed in seeds]
        search = Search(self.step, track, _knobs(request), draws, family.controls(request, start, origin))
        return [
            grid.phrase(family.notes(done, origin, transposed), start, request.beats, per_beat, drums=family.drums)
            for done in search.run(steps)
        ]


def load(key: ModelKey) -> Compiled:
    """Load a model, compiling it first if that has not been done. It plays a beat, so that what is wrong is found now.

    Raises BundleError for a bundle that cannot be compiled.
    """
    if key.config not in CONFIGS:
        raise BundleError(f"{key.config} cannot be compiled yet: ask for it with engine='magenta'.")
    model = Compiled(stored(key), CONFIGS[key.config])
    model.continue_(Request("", key, None, Beats(1), Fraction(120), (4, 4), 0, {}))
    return model


def _knobs(request: Request) -> Knobs:
    given = request.knobs
    return Knobs(
        float(given.get("temperature", 1.0)),
        int(given.get("beam_size", 1)),
        int(given.get("branch_factor", 1)),
        int(given.get("steps_per_iteration", 1)),
    )
