"""What a performer plays on, as a performer holds it: an input of a stage."""

from fractions import Fraction
from typing import Any, Protocol

from .commands import AnyCommand, Capture, Prime, Respond, Rest, Thru, Tread
from .errors import BadInput
from .models.wire import INPUT
from .music import Phrase, beats
from .notation import pitch_number
from .protocol import Report
from .shown import Answer


class Named(Protocol):
    """A part of a stage."""

    @property
    def name(self) -> str: ...


class Told(Protocol):
    """The stage that an input belongs to."""

    def tell(self, command: AnyCommand) -> Answer:
        """Send a command."""
        ...

    def grab(self, bars: float = 8, part: str | None = None) -> Phrase:
        """What has sounded."""
        ...

    def thru(self, source: Any, part: Any, **how: Any) -> Answer:
        """What is played on an input sounds as a part's."""
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

    @property
    def source(self) -> str:
        """What it is called where parts have names, too."""
        return INPUT + self._name

    def thru(self, part: Named | str, **how: Any) -> Answer:
        """What is played here sounds as this part's, at once: the same as `PartHandle.thru`, whose settings it takes."""
        return self._stage.thru(self, part, **how)

    def loop(self, bars: int | None = None, *, part: Named | str = "looper", overdub: bool = False) -> Answer:
        """Have a part loop the last `bars` bars that were played here, up to the next bar line: say it in the last of them.

        None is four. overdub: over what the part plays; None is then as many bars as that has. What was struck just before the
        bar line is in the loop, too. Nothing played: what sounds goes on. `undo` takes it back. Raises BadInput.
        """
        name = part if isinstance(part, str) else part.name
        return self._stage.tell(Capture(part=name, source=self._name, bars=bars, overdub=bool(overdub)))

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


def rest(of: Fraction | float | str = 1) -> Rest:
    """A call is over once nothing has sounded for so many beats: lead.respond_to("KeyStep", until=rest(1)). Raises BadInput.

    >>> rest("1/2")
    rest(0.5)
    """
    return Rest(beats(of))


def pedal() -> Tread:
    """A call is over when the sustain pedal goes down: lead.respond_to("KeyStep", until=pedal())."""
    return Tread()


def respond(part: str, source: object, *, bars: int | None, until: object, continuous: bool) -> Respond:
    """The command for a part to answer an input; a call is two bars long if neither `bars` nor `until` is given. Raises BadInput.

    >>> respond("lead", "KeyStep", bars=None, until=rest(1), continuous=False)
    Respond(part='lead', on=<On.BAR: 'bar'>, source='KeyStep', bars=2, until=rest(1), continuous=False)
    """
    if until is not None and bars is not None:
        raise BadInput(f"A call ends after bars={bars!r} or until={until!r}, not after both: give one of them.")
    if until is not None and not isinstance(until, Rest | Tread):
        raise BadInput(f"until={until!r} is no end of a call: give rest(1), pedal(), or leave it out.")
    if until is not None and continuous:
        raise BadInput("Answers can overlap only calls of a set length: give bars=2, and neither rest(...) nor pedal().")
    name = source_name(source).removeprefix(INPUT)
    return Respond(part=part, source=name, bars=2 if bars is None else bars, until=until, continuous=bool(continuous))


def prime(part: str, source: object, *, bars: int, generate: bool) -> Prime:
    """The command for a part's model to continue what a part or an input sounds. Raises BadInput.

    >>> prime("drums", "bass", bars=2, generate=True)
    Prime(part='drums', on=<On.NOW: 'now'>, source='bass', bars=2, generate=True)
    """
    named = "" if source is None else getattr(source, "source", None) or source_name(source)
    return Prime(part=part, source=named, bars=bars, generate=generate)


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
