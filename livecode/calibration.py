"""How long a note is on its way out and back in again: which notes to send, and what those that come back say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import BadInput
from .inputs import Arrival, Message
from .inputs.messages import strikes
from .music import Beats, NoteEvent, Seconds

PART = "calibration"

NOTES = 16
APART: Seconds = 0.09
"""Far enough apart that notes of a long way round cannot be taken for each other."""

LASTS: Seconds = 0.02
WAITS: Seconds = 0.6
"""So long after the last one is waited for, more than the largest latency that can be set."""

_LOWEST = 40
ENOUGH = NOTES // 2
"""With fewer of them back, nothing is believed."""


def probe(begin: Seconds, channel: int) -> list[NoteEvent]:
    """The notes: each another key, as soft as can be, on a channel (0-15) that nobody plays on."""
    moments = [begin + place * APART for place in range(NOTES)]
    zero = Beats(0)  # before everything that a planner could take back
    return [
        NoteEvent(PART, zero, moment, channel, _LOWEST + place, 1, zero, moment + LASTS) for place, moment in enumerate(moments)
    ]


@dataclass(frozen=True, slots=True)
class Measured:
    """How long the notes that came back were on their way: the median, the least and the most, in seconds."""

    back: int
    median: Seconds
    least: Seconds
    most: Seconds

    def __str__(self) -> str:
        return (
            f"{self.back} of {NOTES} notes came back after {1000 * self.median:.1f} ms "
            f"({1000 * self.least:.1f} to {1000 * self.most:.1f})"
        )


def is_of(sent: Sequence[NoteEvent], message: Message) -> bool:
    """Whether this is the beginning of one of these notes."""
    return strikes(message) and message[0] & 0x0F == sent[0].channel and message[1] in {note.pitch for note in sent}


def came_back(sent: Sequence[NoteEvent], arrivals: Sequence[Arrival]) -> dict[int, Seconds]:
    """How long each of these notes took to come back, by its key."""
    moments = {note.pitch: note.seconds for note in sent}
    took: dict[int, Seconds] = {}
    for arrival in arrivals:
        if is_of(sent, arrival.message):
            pitch = arrival.message[1]
            took.setdefault(pitch, max(0.0, arrival.moment - moments[pitch]))
    return took


def measured(sent: Sequence[NoteEvent], arrivals: Sequence[Arrival]) -> Measured:
    """What the arrivals say: the first of each key counts. Raises BadInput if too few of the notes have come back.

    >>> sent = probe(10.0, 15)
    >>> there = [Arrival(note.seconds + 0.002, (0x9F, note.pitch, 1)) for note in sent]
    >>> str(measured(sent, there))
    '16 of 16 notes came back after 2.0 ms (2.0 to 2.0)'
    """
    took = came_back(sent, arrivals)
    if len(took) < ENOUGH:
        raise BadInput(
            f"{len(took)} of {NOTES} notes came back: connect the output to the input with a cable (or at a patch bay), "
            "with nothing between that keeps notes of one channel, and try again."
        )
    ways = sorted(took.values())
    return Measured(len(ways), ways[len(ways) // 2], ways[0], ways[-1])
