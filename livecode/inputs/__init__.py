"""What performers play on: MIDI inputs, what arrives there, and the way straight through to an output."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from ..music import Seconds

Message: TypeAlias = tuple[int, ...]
"""A MIDI message as bytes, status first."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A channel message, and when it arrived on the engine's clock."""

    moment: Seconds
    message: Message


@runtime_checkable
class Through(Protocol):
    """An output that can be played on at once."""

    def pass_on(self, part: str, message: Message) -> bool:
        """Send a channel message now, as the part's. False if it is left out: too much waits, or the output is gone.

        Any thread may call it; it does not wait. A note-off ends only what was struck this way.
        """
        ...


@runtime_checkable
class Cabled(Protocol):
    """An output from which a cable may lead back to an input."""

    def show(self, message: Message) -> None:
        """Send this message now, as it is. Raises OutputError if the output is closed."""
        ...
