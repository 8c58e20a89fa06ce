"""The tape: every event that sounded, always on. It is an output like any other, and the one that tests look at."""

import heapq
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace

from ..music import Beats, Event, NoteEvent
from ..notation import pitch_name


class Tape:
    """Keeps planned events by part, in order of beat: what a render, an export and a test read.

    One thread writes; any thread may read.
    """

    name = "tape"
    latency = 0.0

    def __init__(self) -> None:
        self._parts: dict[str, list[Event]] = {}

    def schedule(self, events: Sequence[Event]) -> None:
        for event in events:
            self._parts.setdefault(event.part, []).append(event)

    def withdraw(self, part: str | None, since: Beats) -> None:
        for track in self._tracks(part):
            del track[bisect_left(track, since, key=lambda event: event.beat) :]

    def silence(self, part: str | None, at: Beats) -> None:
        for track in self._tracks(part):
            for place, event in enumerate(track):
                if isinstance(event, NoteEvent) and event.beat < at < event.end_beat:
                    share = float((at - event.beat) / (event.end_beat - event.beat))
                    seconds = event.seconds + share * (event.end_seconds - event.seconds)
                    track[place] = replace(event, end_beat=at, end_seconds=seconds)

    def follow(self) -> None:
        """Planned beats need no following."""

    def close(self) -> None:
        """Nothing to let go: a tape can be read for ever."""

    def events(self, begin: Beats | None = None, end: Beats | None = None) -> list[Event]:
        """What sounds in [begin, end) beats, in order of seconds; None stands for the tape's own begin and end."""
        tracks = [list(track) for track in list(self._parts.values())]
        merged = heapq.merge(*tracks, key=lambda event: (event.seconds, isinstance(event, NoteEvent)))
        return [event for event in merged if (begin is None or begin <= event.beat) and (end is None or event.beat < end)]

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

    def _tracks(self, part: str | None) -> list[list[Event]]:
        return list(self._parts.values()) if part is None else [self._parts.setdefault(part, [])]
