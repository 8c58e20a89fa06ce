"""What waits to be sent, and which keys sound: pure bookkeeping of a MIDI output. No clock, no thread, no port."""

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from ..music import Beats, Event, NoteEvent, ReleaseEvent, Seconds

Key: TypeAlias = tuple[int, int]
"""A key of the instrument: channel (0-15) and pitch (0-127)."""


@dataclass(frozen=True, slots=True)
class Sounding:
    """A key that is down: for which part, from which beat, until when. A key that is held by hand has no beat."""

    part: str
    beat: Beats | None
    until: Seconds


class Ledger:
    """Which keys sound, whose they are and until when. It decides about note-offs; whoever owns it sends them.

    A key has one owner: the note that struck it last. Striking it again lifts it first, and the earlier note's end is then
    void, whichever part it was of: an instrument has one voice for a key, and so nothing can cut the later note or hang.
    """

    def __init__(self) -> None:
        self._sounding: dict[Key, Sounding] = {}
        self._ends: list[tuple[Seconds, int, Key, Sounding]] = []
        self._order = count()
        self._struck: set[Key] = set()

    def __len__(self) -> int:
        return len(self._sounding)

    def __contains__(self, key: object) -> bool:
        return key in self._sounding

    def strike(self, note: NoteEvent) -> bool:
        """Enter a note that is about to be sent. True if its key is down and must be lifted first."""
        key = (note.channel, note.pitch)
        down = key in self._sounding
        sounding = Sounding(note.part, note.beat, note.end_seconds)
        self._sounding[key] = sounding
        self._struck.add(key)
        heapq.heappush(self._ends, (note.end_seconds, next(self._order), key, sounding))
        return down

    def hold(self, part: str, key: Key) -> bool:
        """Enter a key that is about to be struck by hand, whose end nobody knows. True if it is down and must be lifted first."""
        down = key in self._sounding
        self._sounding[key] = Sounding(part, None, math.inf)
        self._struck.add(key)
        return down

    def let_go(self, part: str, key: Key) -> bool:
        """Take out a key that was held by hand; False if it is not, for another note has it by now, or nobody."""
        held = self._sounding.get(key)
        if held is None or held.beat is not None or held.part != part:
            return False
        del self._sounding[key]
        return True

    def next_end(self) -> Seconds | None:
        """When the next key is to be lifted; None if none is down."""
        self._forget_void_ends()
        return self._ends[0][0] if self._ends else None

    def lift_next(self) -> Key:
        """Take out the key that is to be lifted next."""
        self._forget_void_ends()
        _, _, key, _ = heapq.heappop(self._ends)
        del self._sounding[key]
        return key

    def release(self, part: str | None, before: Beats | None = None, pitch: int | None = None) -> list[Key]:
        """Take out the keys of the part (None: of all) that were struck before this beat (None: whenever), to be lifted now;
        of one pitch, if that is given.

        Keys that are held by hand are taken out only without a beat.
        """
        keys = [
            key
            for key, sounding in self._sounding.items()
            if part in (None, sounding.part)
            and pitch in (None, key[1])
            and (before is None or (sounding.beat is not None and sounding.beat < before))
        ]
        for key in keys:
            del self._sounding[key]
        return keys

    def panic(self) -> list[Key]:
        """Take out everything: every key struck since the last time, those that sound first. All are to be lifted now."""
        sounding = self.release(None)
        others = sorted(self._struck.difference(sounding))
        self._struck.clear()
        self._ends.clear()
        return [*sounding, *others]

    def suspect(self, keys: Iterable[Key]) -> None:
        """These keys may be down, whoever struck them: the next `panic` lifts them."""
        self._struck.update(keys)

    def lose(self) -> None:
        """The instrument is gone: nothing sounds. What was struck is remembered for a `panic` when it is back."""
        self._sounding.clear()
        self._ends.clear()

    def _forget_void_ends(self) -> None:
        while self._ends and self._sounding.get(self._ends[0][2]) is not self._ends[0][3]:
            heapq.heappop(self._ends)


class Sweep:
    """Keys that may be down, whoever struck them: they are lifted as fast as a cable takes it, one a millisecond, and a few at a
    time, so that what is played meanwhile is not held up by more than these."""

    AT_A_TIME, TAKE = 8, 0.008

    def __init__(self) -> None:
        self._keys: deque[Key] = deque()
        self._at: Seconds = 0.0

    def begin(self, keys: Iterable[Key]) -> None:
        """Lift these, in this order, and no others any more."""
        self._keys = deque(keys)

    def next_moment(self) -> Seconds | None:
        """When the next are due; None if none are left."""
        return self._at if self._keys else None

    def due(self, now: Seconds) -> list[Key]:
        """Take out those that are to be lifted now."""
        if not self._keys or now < self._at:
            return []
        self._at = now + self.TAKE
        return [self._keys.popleft() for _ in range(min(self.AT_A_TIME, len(self._keys)))]


class Agenda:
    """Events that wait for their moment. At the same moment: releases, then controls and programs, then notes."""

    def __init__(self) -> None:
        self._heap: list[tuple[Seconds, int, int, Event]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, events: Iterable[Event]) -> None:
        """Put events down; those of the same moment and kind keep the order in which they came."""
        for event in events:
            heapq.heappush(self._heap, (event.seconds, _rank(event), next(self._order), event))

    def next_moment(self) -> Seconds | None:
        """When the next event is due; None if nothing waits."""
        return self._heap[0][0] if self._heap else None

    def take_next(self) -> Event:
        """Take out the event that is due next."""
        return heapq.heappop(self._heap)[3]

    def withdraw(self, part: str | None, since: Beats) -> None:
        """Take back the events of the part (None: of all) at or after this beat."""
        self._keep(lambda event: part not in (None, event.part) or event.beat < since)

    def events(self) -> Iterator[Event]:
        """What waits, in order."""
        return (entry[3] for entry in sorted(self._heap))

    def _keep(self, kept: Callable[[Event], bool]) -> None:
        self._heap = [entry for entry in self._heap if kept(entry[3])]
        heapq.heapify(self._heap)


def due(agenda: Agenda, ledger: Ledger, now: Seconds) -> Iterator[Key | Event]:
    """What is to be done by `now`, in order: keys to lift (which come first at the same moment), and events.

    It looks again after every step, so a note that is struck meanwhile is lifted in its turn.
    """
    while True:
        end, moment = ledger.next_end(), agenda.next_moment()
        if end is not None and end <= now and (moment is None or end <= moment):
            yield ledger.lift_next()
        elif moment is not None and moment <= now:
            yield agenda.take_next()
        else:
            return


def _rank(event: Event) -> int:
    if isinstance(event, ReleaseEvent):
        return 0
    return 2 if isinstance(event, NoteEvent) else 1
