"""What every output promises. The tape, FluidSynth and every other output keep the same contract; one test runs on all."""

from collections.abc import Sequence
from typing import Protocol

from ..music import Beats, Event, Seconds


class Output(Protocol):
    """Something that plays events at their moment.

    Events carry their moment twice: `beat`, the planned musical position, and `seconds` on the engine's clock. The output
    keeps the seconds; positions in `withdraw` and `silence` are beats, which are exact. `str` of an output is its line in
    the status.
    """

    @property
    def name(self) -> str:
        """A plain name for status and log, such as 'FluidSynth'; parts are routed by it, so it never changes."""
        ...

    @property
    def latency(self) -> Seconds:
        """How long before its moment an event is out of reach: what the device holds in its buffers."""
        ...

    @property
    def trouble(self) -> str:
        """What keeps it from playing as it should, in one sentence without a full stop; "" for nothing."""
        ...

    def schedule(self, events: Sequence[Event]) -> None:
        """Play these, each at its moment; what is already past is played at once if less than 50 ms late, else dropped."""
        ...

    def withdraw(self, part: str | None, since: Beats) -> None:
        """Take back every event of the part (None: of all) at or after `since` that has not been played yet.

        A note that sounds already keeps its end.
        """
        ...

    def silence(self, part: str | None, at: Beats) -> None:
        """End, now, every sounding note of the part (None: of all, with pedals up); `at` is the beat that is now."""
        ...

    def follow(self) -> None:
        """Called every few tens of ms while time goes on, for an output to follow its device's clock."""
        ...

    def close(self) -> None:
        """Silence everything and let the device go."""
        ...


MOST_LATE: Seconds = 0.05
"""A note later than this after a stall is dropped and counted, never sent in a burst."""
