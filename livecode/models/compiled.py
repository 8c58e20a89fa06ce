"""A compiled model, asked for phrases: note for note what Magenta's own generator plays, without TensorFlow. Runs in a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import BundleError
from ..music import Beats, Phrase
from .families import CONFIGS, Family, Opening
from .search import Knobs, Search
from .step import Stepping
from .store import stored
from .tracks import Track
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
        opening, knobs = self.family.opening(request), Knobs.of(request.knobs)
        draws = [np.random.RandomState(seed) for seed in seeds]
        groups = [[draw] for draw in draws] if opening.rounds and knobs.searching else [draws]
        return [opening.phrase(track) for group in groups for track in self._continued(opening, knobs, group)]

    def _continued(self, opening: Opening, knobs: Knobs, draws: Sequence[np.random.RandomState]) -> list[Track]:
        search = Search(self.step, opening.track, knobs, draws, opening.controls)
        while more := max(opening.more(track, search.drawn) for track in search.tracks):
            search.run(more)
        return search.tracks


def load(key: ModelKey, *, compiling: bool = True) -> Compiled:
    """Load a model, compiling it first if that has not been done. It plays a beat, so that what is wrong is found now.

    Raises BundleError for a bundle that cannot be compiled, and NotCompiled, without `compiling`, for one that must be first.
    """
    if key.config not in CONFIGS:
        raise BundleError(f"{key.config} cannot be compiled yet: ask for it with engine='magenta'.")
    model = Compiled(stored(key, compiling=compiling), CONFIGS[key.config])
    model.continue_(Request("", key, None, Beats(1), Fraction(120), (4, 4), 0, {}))
    return model
