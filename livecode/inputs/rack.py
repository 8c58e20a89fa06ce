"""All the inputs of an engine: opens them, empties them for the planner, tells them where what is played goes."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..clock import Clock
from . import Arrival
from .midi import MidiInput
from .through import Way

MOST_A_TURN = 512
"""So many messages of an input are taken in at a time: a burst must not hold up the music."""


class Inputs:
    """One thread at a time takes and leads; any may look."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, MidiInput] = {}
        self._troubles: dict[str, str] = {}

    def __iter__(self) -> Iterator[MidiInput]:
        return iter(list(self._open.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._open

    def __getitem__(self, name: str) -> MidiInput:
        return self._open[name]

    def open(self, port: str | None, api: str | None, *, virtual: bool) -> MidiInput:
        """Begin to hear a port, which is not kept before it is `added`. Raises UnknownName or OutputError."""
        found = MidiInput(self._clock, port, api=api, virtual=virtual)
        found.open()
        return found

    def add(self, opened: MidiInput) -> None:
        """Keep it; one of this name that is open stays instead."""
        if self._open.setdefault(opened.name, opened) is not opened:
            opened.close()

    def open_again(self, ports: Iterable[tuple[str, str, bool]]) -> None:
        """After a crash: hear the ports that were heard, also such as are not there now."""
        for name, api, virtual in ports:
            again = MidiInput(self._clock, name, api=api, virtual=virtual)
            again.open(later=True)
            self.add(again)

    def take(self) -> Iterator[tuple[str, list[Arrival]]]:
        """What has been played on each since."""
        for each in self:
            if arrivals := each.take(MOST_A_TURN):
                yield each.name, arrivals

    def lead_to(self, ways: Mapping[str, tuple[Way, ...]]) -> None:
        """Have what is played go there."""
        for each in self:
            each.lead_to(ways.get(each.name, ()))

    def look(self, note: Callable[[str], None]) -> None:
        """Note what has come to trouble them, and what no longer does."""
        for each in self:
            had, has = self._troubles.get(each.name, ""), each.trouble
            if had != has:
                self._troubles[each.name] = has
                note(f"{each.name}: {has}." if has else f"{each.name} is heard again")
