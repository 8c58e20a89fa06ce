"""The tape: every event that sounded, always on. It is an output like any other, and the one that tests look at."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..music import Beats, ControlEvent, Event, NoteEvent, ProgramEvent, ReleaseEvent, Seconds, pitch_name

EVERY = -1
"""Stands beside pitches for all of them."""


@dataclass(slots=True)
class _Track:
    """One part: its events in order of beat, and the beats at which keys of it went up, with their pitch or EVERY."""

    events: list[Event] = field(default_factory=list)
    releases: list[tuple[Beats, int]] = field(default_factory=list)


class Tape:
    """Keeps planned events by part, in order of beat: what a render, an export and a test read.

    One thread at a time writes; any may read. Sixteenths at 120 bpm make about 30 MB in three hours.
    """

    latency = 0.0
    trouble = ""

    def __init__(self, name: str = "tape") -> None:
        self.name = name
        self._tracks: dict[str, _Track] = {}

    def __repr__(self) -> str:
        return (
            "<tape of "
            + (", ".join(f"{part}: {len(track.events)} events" for part, track in self._tracks.items()) or "nothing")
            + ">"
        )

    def schedule(self, events: Sequence[Event]) -> None:
        for event in events:
            track = self._tracks.setdefault(event.part, _Track())
            if isinstance(event, ReleaseEvent):
                insort(track.releases, (event.beat, EVERY if event.pitch is None else event.pitch))
            else:
                track.events.append(event)

    def insert(self, event: Event) -> None:
        """Put down what has come to be known late: a note is, that was played by hand and has just ended."""
        insort(self._tracks.setdefault(event.part, _Track()).events, event, key=_beat)

    def withdraw(self, part: str | None, since: Beats) -> None:
        for track in self._of(part):
            del track.events[bisect_left(track.events, since, key=_beat) :]
            del track.releases[bisect_left(track.releases, (since, EVERY)) :]

    def silence(self, part: str | None, at: Beats) -> None:
        for track in self._of(part):
            insort(track.releases, (at, EVERY))

    def enter(self, part: str) -> None:
        """There is such a part: at the same moment, parts follow each other in the order in which they came."""
        self._tracks.setdefault(part, _Track())

    def leave_out(self, part: str | None, begin: Beats, end: Beats) -> None:
        """No note of the part (None: of any) began in [begin, end); programs and controllers stay."""
        for track in self._of(part):
            since, until = (bisect_left(track.events, beat, key=_beat) for beat in (begin, end))
            track.events[since:until] = [event for event in track.events[since:until] if not isinstance(event, NoteEvent)]

    def precede(self, earlier: "Tape") -> None:
        """Begin with what another tape has, all of which lies before what this one has."""
        for part, track in earlier._tracks.items():
            mine = self._tracks.setdefault(part, _Track())
            mine.events, mine.releases = track.events + mine.events, track.releases + mine.releases

    def follow(self) -> None:
        """Planned beats need no following."""

    def close(self) -> None:
        """Nothing to let go: a tape can be read for ever."""

    def events(self, begin: Beats | None = None, end: Beats | None = None) -> list[Event]:
        """What sounds in [begin, end) beats, in order of seconds; None stands for the tape's own begin and end."""
        tracks = [self._between(track, begin, end) for track in list(self._tracks.values())]
        return list(heapq.merge(*tracks, key=lambda event: (event.seconds, isinstance(event, NoteEvent))))

    def settings(self, at: Beats, seconds: Seconds) -> list[Event]:
        """The programs and controllers that hold just before beat `at`, as events at that beat and those seconds."""
        held: dict[tuple[str, int, int], Event] = {}
        for track in list(self._tracks.values()):
            events = list(track.events)
            for event in events[: bisect_left(events, at, key=_beat)]:
                if isinstance(event, ControlEvent):
                    held[event.part, event.channel, event.control] = replace(event, beat=at, seconds=seconds)
                elif isinstance(event, ProgramEvent):
                    held[event.part, event.channel, -1] = replace(event, beat=at, seconds=seconds)
        return list(held.values())

    def notes(self, part: str | None = None) -> list[NoteEvent]:
        """The notes, of one part or of all, in order."""
        return [event for event in self.events() if isinstance(event, NoteEvent) and part in (None, event.part)]

    def onsets(self, part: str | None = None) -> list[tuple[float, str]]:
        """The score, as tests read it: (beat, pitch name) of every note, in order.

        >>> tape = Tape()
        >>> tape.schedule([NoteEvent("lead", Beats(1), 0.5, 0, 60, 100, Beats(2), 1.0)])
        >>> tape.onsets()
        [(1.0, 'C4')]
        """
        return [(float(note.beat), pitch_name(note.pitch)) for note in self.notes(part)]

    def _of(self, part: str | None) -> list[_Track]:
        return list(self._tracks.values()) if part is None else [self._tracks.setdefault(part, _Track())]

    def _between(self, track: _Track, begin: Beats | None, end: Beats | None) -> Iterator[Event]:
        events, releases = list(track.events), list(track.releases)  # the planner may take some back meanwhile
        first = 0 if begin is None else bisect_left(events, begin, key=_beat)
        last = len(events) if end is None else bisect_left(events, end, key=_beat)
        for event in events[first:last]:
            yield _ended(event, releases) if isinstance(event, NoteEvent) else event


def _beat(event: Event) -> Beats:
    return event.beat


def _ended(note: NoteEvent, releases: list[tuple[Beats, int]]) -> NoteEvent:
    """The note as it sounded: ended by the first release in its middle."""
    for place in range(bisect_left(releases, note.beat, key=_when), len(releases)):
        end, pitch = releases[place]
        if end >= note.end_beat:
            return note
        if end > note.beat and pitch in (EVERY, note.pitch):
            share = float((end - note.beat) / (note.end_beat - note.beat))
            return replace(note, end_beat=end, end_seconds=note.seconds + share * (note.end_seconds - note.seconds))
    return note


def _when(release: tuple[Beats, int]) -> Beats:
    return release[0]
