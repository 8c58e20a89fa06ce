"""A controller whose knobs and pads have names, as a performer holds it."""

from collections.abc import Callable
from typing import Any

from .commands import AnyCommand, Map
from .mapping import Surface
from .mapping import target as mapped_target
from .shown import Answer, Lines


class Knobs:
    """A controller with names for its knobs and pads: nano.map("slider 1", to="drums.gain")."""

    def __init__(self, tell: Callable[[AnyCommand], Answer], known: Surface, played_on: str) -> None:
        self._tell, self._known, self._input = tell, known, played_on

    @property
    def names(self) -> Lines:
        """What its knobs and pads are called."""
        return Lines(self._known.knobs)

    def map(self, knob: str, to: object, **how: Any) -> Answer:
        """Have this knob turn or this pad do something; the rest is as in `Stage.map`. Raises BadInput or UnknownName."""
        source = self._known.source(knob, self._input)
        return self._tell(Map(source=source, target=mapped_target(to, **how)))

    def unmap(self, knob: str) -> Answer:
        """Have this knob or pad mean nothing any more. Raises UnknownName."""
        return self._tell(Map(source=self._known.source(knob, self._input), target=None))

    def __repr__(self) -> str:
        return f"{self._known.name} on {self._input}: {len(self._known.knobs)} knobs and pads"
