"""Parts on one instrument share its voices: which of what they strike is one too many. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .music import Beats


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
