"""How much earlier than they sound outputs are handed events: what synths and nudged parts need to sound together. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .music import Event, NoteEvent, Seconds
from .outputs.pulse import ClockEvent


class Offsets:
    """A latency for each output, by its name, in seconds: 0 unless it was set."""

    def __init__(self) -> None:
        self._latencies: dict[str, Seconds] = {}

    def set(self, output: str, latency: Seconds) -> None:
        """A synth on this output sounds so much later than it is told to."""
        self._latencies[output] = latency

    def of(self, output: str) -> Seconds:
        """How much earlier this output is told."""
        return self._latencies.get(output, 0.0)


def earlier(events: Sequence[ClockEvent], by: Seconds) -> Sequence[ClockEvent]:
    """The same, so much earlier: what is no note, and lasts no time."""
    return [replace(event, seconds=event.seconds - by) for event in events] if by else events


def shifted(events: Iterable[Event], earlier: Seconds, nudges: dict[str, Seconds]) -> list[Event]:
    """The events so much earlier, those of nudged parts so much later; their beats stay.

    >>> from fractions import Fraction
    >>> note = NoteEvent("lead", Fraction(1), 0.5, 0, 60, 100, Fraction(2), 1.0)
    >>> [(event.beat, round(event.seconds, 3)) for event in shifted([note], 0.012, {"lead": 0.005})]
    [(Fraction(1, 1), 0.493)]
    """
    moved: list[Event] = []
    for event in events:
        by = nudges.get(event.part, 0.0) - earlier
        if isinstance(event, NoteEvent):
            moved.append(replace(event, seconds=event.seconds + by, end_seconds=event.end_seconds + by))
        else:
            moved.append(replace(event, seconds=event.seconds + by))
    return moved
