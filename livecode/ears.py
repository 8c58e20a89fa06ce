"""What is played on an input, in beats: which keys are down, and the notes of the last while. Pure; it knows no port."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TypeAlias

from .gm import DRUM_CHANNEL
from .music import DENSEST, FINEST, Beats, Note, Phrase

Said: TypeAlias = tuple[Beats, tuple[int, ...]]
"""A MIDI channel message and its beat."""

REMEMBERS = Beats(144)
"""A model hears 128 beats at most; what is older is on the tape only."""

MOST_NOTES = 20_000
"""More than 128 notes a beat are no music."""

EARLY = Beats(1, 8)
"""A note that is struck so much before a bar line is meant to be on it: at 120 bpm 60 ms."""

SHORTEST_PLAYED = Beats(1, FINEST)

_PEDAL = 64

_end_of = attrgetter("end")


def on_the_grid(beat: Beats) -> Beats:
    """The beat to 1/960, as fine as a MIDI file."""
    return Beats(round(beat * FINEST), FINEST)


@dataclass(frozen=True, slots=True)
class Played:
    """A note that was played, or is held: then it ends where it was looked at. Channel 0-15."""

    begin: Beats
    end: Beats
    channel: int
    pitch: int
    velocity: int


class Ear:
    """Hears one input. A note that the sustain pedal holds ends where the pedal goes up, or where its key is struck again.

    >>> ear = Ear("KeyStep")
    >>> ear.hear(Beats(1), (0x90, 60, 80)), ear.hear(Beats(2), (0x90, 60, 0))
    ([], [Played(begin=Fraction(1, 1), end=Fraction(2, 1), channel=0, pitch=60, velocity=80)])
    >>> ear.excerpt(Beats(0), Beats(4))
    <phrase of 4 beats: 1 C4>
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.pedal_at: Beats | None = None
        """Where the sustain pedal last went down."""
        self._notes: list[Played] = []
        """What has ended, in order of its ends."""
        self._begins: list[Beats] = []
        """Where notes began, in order; what is held, too. The planner looks for the first of a call again and again."""
        self._down: dict[tuple[int, int], Played] = {}
        self._ringing: dict[tuple[int, int], Played] = {}
        """What only the pedal holds."""
        self._pedals: set[int] = set()
        self._now = Beats(0)

    def hear(self, beat: Beats, message: tuple[int, ...]) -> list[Played]:
        """A channel message has arrived at this beat; returns the notes that end with it."""
        self._now = beat = max(beat, self._now)
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        match kind:
            case 0x90 if message[2]:
                return self._strike(beat, channel, message[1], message[2])
            case 0x80 | 0x90:
                return self._lift(beat, channel, message[1])
            case 0xB0 if message[1] == _PEDAL:
                return self._tread(beat, channel, down=message[2] >= 64)
            case 0xB0 if message[1] >= 120 and message[1] != 122:  # all sound off, all notes off, and what implies it
                self._pedals.discard(channel)
                return self._end(beat, [key for key in (*self._down, *self._ringing) if key[0] == channel])
        return []

    def _strike(self, beat: Beats, channel: int, pitch: int, velocity: int) -> list[Played]:
        ended = self._end(beat, [(channel, pitch)])
        self._down[channel, pitch] = Played(beat, beat, channel, pitch, velocity)
        self._begins.append(beat)
        del self._begins[:-MOST_NOTES]
        return ended

    def _lift(self, beat: Beats, channel: int, pitch: int) -> list[Played]:
        key = (channel, pitch)
        if channel in self._pedals:
            if key in self._down:
                self._ringing[key] = self._down.pop(key)
            return []
        return self._end(beat, [key])

    def _tread(self, beat: Beats, channel: int, *, down: bool) -> list[Played]:
        if down:
            if channel not in self._pedals:
                self.pedal_at = beat
            self._pedals.add(channel)
            return []
        self._pedals.discard(channel)
        return self._end(beat, [key for key in self._ringing if key[0] == channel])

    def _end(self, beat: Beats, keys: Iterable[tuple[int, int]]) -> list[Played]:
        ended = []
        for key in list(keys):
            found = self._down.pop(key, None) or self._ringing.pop(key, None)
            if found is not None:
                ended.append(replace(found, end=max(beat, found.begin + SHORTEST_PLAYED)))
                insort(self._notes, ended[-1], key=_end_of)
        del self._notes[: max(bisect_left(self._notes, beat - REMEMBERS, key=_end_of), len(self._notes) - MOST_NOTES)]
        return ended

    def held(self, now: Beats) -> list[Played]:
        """What sounds at this moment, as if it ended now."""
        return [
            replace(note, end=max(now, note.begin + SHORTEST_PLAYED)) for note in (*self._down.values(), *self._ringing.values())
        ]

    def let_go(self, now: Beats) -> list[Played]:
        """Everything that is held ends here; returns it."""
        self._pedals.clear()
        return self._end(now, [*self._down, *self._ringing])

    def sounds(self) -> bool:
        """Whether anything is held."""
        return bool(self._down or self._ringing)

    def last_end(self) -> Beats:
        """Where the last note ended, or beat 0."""
        return self._notes[-1].end if self._notes else Beats(0)

    def first(self, since: Beats) -> Beats | None:
        """Where the first note began, at or after this beat."""
        place = bisect_left(self._begins, since)
        return self._begins[place] if place < len(self._begins) else None

    def excerpt(self, begin: Beats, end: Beats) -> Phrase:
        """What was played in [begin, end), as a phrase; what is held rings to its end. Drums if all of it was on channel 10.

        A note that began before begins with the excerpt if that was EARLY, or if it still rang for as long.
        """
        first, ringing = begin - EARLY, begin + EARLY
        known = (*self._notes[bisect_right(self._notes, first, key=_end_of) :], *self.held(end))
        heard = [note for note in known if note.begin < end and (note.begin > first or note.end > ringing)]
        heard.sort(key=lambda note: (note.begin, note.pitch))
        notes = []
        for note in heard[: int(DENSEST * (end - begin))]:
            onset = max(note.begin, begin)
            notes.append(Note(onset - begin, max(note.end - onset, SHORTEST_PLAYED), note.pitch, note.velocity))
        drums = bool(heard) and all(note.channel == DRUM_CHANNEL for note in heard)
        return Phrase(tuple(notes), end - begin, drums)
