"""Parts on one instrument share its voices: which of what they strike is one too many. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from .music import Beats

Place: TypeAlias = tuple[str, int]
"""An output, and how many voices the instrument there has."""

_KEPT = Beats(16)
"""For so long after its end a note is remembered: so far back what was planned may be taken back."""


@dataclass(frozen=True, slots=True, order=True)
class Struck:
    """A note that a part strikes at `onset`, and that would ring to `end`.

    In order of age: of notes struck together the softest is the oldest, then the lowest.
    """

    onset: Beats
    velocity: int
    pitch: int
    part: str
    end: Beats


class Sharing:
    """What was struck on instruments that have so many voices.

    It remembers, for to find in the parts' loops what rings takes the planner longer than the music does: 72 ms for 30 ms of
    four parts in sixteenths, on two busy cores. So it takes 1 ms.
    """

    def __init__(self) -> None:
        self._struck: list[tuple[Place, Struck]] = []

    def withdraw(self, part: str | None, since: Beats) -> None:
        """What a part (None: any) strikes at or after this beat is taken back."""
        self._struck = [each for each in self._struck if part not in (None, each[1].part) or each[1].onset < since]

    def strike(self, new: list[tuple[Place, Struck]], stop: Callable[[Struck], Beats]) -> Iterator[tuple[Beats, Struck]]:
        """These are struck, too: yield (beat, note) for each note that ends at that beat because its voice is needed for one of
        them, or, at its own onset, is not struck. `stop` says where a note ends that would ring on, as far as it is known."""
        begin = min((note.onset for _, note in new), default=None)
        if begin is None:
            return
        self._struck = [each for each in self._struck if each[1].end > begin - _KEPT] + new
        ringing: dict[Place, list[Struck]] = {}
        for place, note in self._struck:
            if note.end > begin:
                ringing.setdefault(place, []).append(replace(note, end=stop(note)))
        for (_, voices), struck in ringing.items():
            yield from ((beat, note) for beat, note in stolen(struck, voices) if beat >= begin)


def stolen(struck: Iterable[Struck], voices: int) -> Iterator[tuple[Beats, Struck]]:
    """(beat, note) for each note that ends at that beat because its voice, the oldest, is needed for another.

    At its own onset it is not struck at all. Notes that had ended before the first may be left out.

    >>> notes = [Struck(Beats(on), 100, 60 + on, "pad" if on < 2 else "lead", Beats(4)) for on in range(3)]
    >>> [(float(beat), note.part, note.pitch) for beat, note in stolen(notes, 2)]
    [(2.0, 'pad', 60)]
    """
    down: list[Struck] = []
    for note in sorted(struck):
        down = [other for other in down if other.end > note.onset]
        if len(down) == voices:
            yield note.onset, down.pop(0)
        down.append(note)
