"""An output that nobody hears: stands for a port that a session has, where it is played offline."""

from collections.abc import Sequence

from ..music import Beats, Event
from .pulse import ClockEvent


class Unheard:
    """Takes everything, MIDI clock too, and does nothing with it. Parts can be routed to it by its name."""

    latency = 0.0
    trouble = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{self.name} (unheard)"

    def schedule(self, events: Sequence[Event]) -> None:
        """Nothing sounds."""

    def withdraw(self, part: str | None, since: Beats) -> None:
        """Nothing is there to be taken back."""

    def silence(self, part: str | None, at: Beats) -> None:
        """It is silent."""

    def pulse(self, events: Sequence[ClockEvent]) -> None:
        """Nobody follows."""

    def withdraw_pulse(self, since: Beats) -> None:
        """Nothing is there to be taken back."""

    def follow(self) -> None:
        """It has no device."""

    def close(self) -> None:
        """Nothing to let go."""
