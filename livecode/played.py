"""What a performer plays on, as a performer holds it: an input of a stage."""

from typing import Any, Protocol

from .commands import AnyCommand, Thru
from .errors import BadInput
from .music import Phrase
from .notation import pitch_number
from .protocol import Report


class Named(Protocol):
    """A part of a stage."""

    @property
    def name(self) -> str: ...


class Told(Protocol):
    """The stage that an input belongs to."""

    def tell(self, command: AnyCommand) -> Any:
        """Send a command."""
        ...

    def grab(self, bars: float = 8, part: str | None = None) -> Phrase:
        """What has sounded."""
        ...

    def report(self) -> Report:
        """How everything is."""
        ...


class InputHandle:
    """A MIDI input of a stage: what is played on it can be heard through parts, answered by them, and looped."""

    def __init__(self, stage: Told, name: str) -> None:
        self._stage, self._name = stage, name

    @property
    def name(self) -> str:
        """The name it is called by."""
        return self._name

    def grab(self, bars: float = 8) -> Phrase:
        """What was played here in the last `bars` whole bars, as a phrase. Raises BadInput if nothing was."""
        return self._stage.grab(bars, self._name)

    def __repr__(self) -> str:
        inputs = self._stage.report().inputs
        return next((f"input {state}" for state in inputs if state.name == self._name), f"input {self._name}: closed")


def thru(
    part: str,
    source: object,
    *,
    channel: int | None,
    span: tuple[int | str, int | str] | None,
    transpose: int,
) -> Thru:
    """The command for what is played on a source to sound as a part's; channels count from 1. Raises BadInput.

    >>> thru("lead", "KeyStep", channel=2, span=("C3", "B4"), transpose=12)
    Thru(part='lead', on=<On.NOW: 'now'>, input='KeyStep', channel=1, low=48, high=71, transpose=12, off=False)
    """
    if channel is not None and channel not in range(1, 17):
        raise BadInput(f"There is no channel {channel!r}: MIDI's go from 1 to 16.")
    if isinstance(transpose, bool) or not isinstance(transpose, int):
        raise BadInput(f"transpose={transpose!r} is no number of semitones: give a whole one, such as 12.")
    low, high = (0, 127) if span is None else _keys(span)
    wire = None if channel is None else channel - 1
    return Thru(part=part, input=source_name(source), channel=wire, low=low, high=high, transpose=transpose)


def source_name(source: object) -> str:
    """The name of an input, or of something that has one. Raises BadInput."""
    name = getattr(source, "name", source)
    if not isinstance(name, str) or not name:
        raise BadInput(f"{source!r} is no input: give the name of one, such as 'KeyStep'.")
    return name


def _keys(span: object) -> tuple[int, int]:
    if not isinstance(span, tuple | list) or len(span) != 2:
        raise BadInput(f"range={span!r} is no range: give the lowest and the highest key, such as ('C3', 'B4').")
    low, high = (pitch_number(str(key)) for key in span)
    if low > high:
        raise BadInput(f"range={span!r} goes down: give the lowest key first, {(span[1], span[0])!r}.")
    return low, high
