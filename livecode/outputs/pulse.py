"""MIDI clock on its way out: which bytes a receiver gets so that it runs and stands where the music does. Pure bookkeeping.

Source: MIDI 1.0 Detailed Specification, "System Real Time Messages" and "Song Position Pointer". A tick is 1/24 of a beat; song
positions are counted in sixteenths, six ticks each; the first tick after Start or Continue is the place itself.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias, runtime_checkable

from ..music import Beats, Seconds
from . import MOST_LATE

POSITION, TICK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC

TICKS = 24
"""To the beat."""

SIXTEENTH = 6
"""Ticks from one song position to the next."""

FARTHEST = 1 << 14
"""Song positions have 14 bits: after so many sixteenths, 1,024 bars of 4/4, they begin anew."""

Message: TypeAlias = tuple[int, ...]


class Signal(Enum):
    """What a clock says."""

    TICK = "tick"
    GO = "go"
    """Run from here: the next tick is this place."""
    HALT = "halt"


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """A signal with its moment. `position` counts ticks since the receiver's beat 0."""

    beat: Beats
    seconds: Seconds
    signal: Signal
    position: int


@runtime_checkable
class Clocked(Protocol):
    """An output that sends MIDI clock, too."""

    @property
    def name(self) -> str:
        """As outputs have it."""
        ...

    def pulse(self, events: Sequence[ClockEvent]) -> None:
        """Send these, each at its moment; they are later than all before."""
        ...

    def withdraw_pulse(self, since: Beats) -> None:
        """Take back every signal at or after `since` that has not been sent yet."""
        ...


class Pulse:
    """The clock of one port. A receiver that lost a tick, or was not there, is stopped and joins on the next sixteenth.

    `due` gives the messages to send; `rejoin` says that the receiver is a new one, or the same that was away.
    """

    def __init__(self) -> None:
        self._waiting: deque[ClockEvent] = deque()
        self._rolling: bool | None = None
        """Whether the receiver runs; None while that is not known."""
        self._next = 0
        self._newcomer = False
        self.ticks = 0
        """How many ticks were sent."""
        self.in_use = False
        """Whether this port was ever given a clock."""

    def add(self, events: Iterable[ClockEvent]) -> None:
        """Put these down; they are later than all that wait."""
        self._waiting.extend(events)
        self.in_use = True

    def withdraw(self, since: Beats) -> None:
        """Take back what is at or after this beat."""
        self._waiting = deque(event for event in self._waiting if event.beat < since)

    def next_moment(self) -> Seconds | None:
        """When the next signal is due; None if nothing waits."""
        return self._waiting[0].seconds if self._waiting else None

    def due(self, now: Seconds) -> Iterator[Message]:
        """What is to be sent by `now`, in order."""
        while self._waiting and self._waiting[0].seconds <= now:
            event = self._waiting.popleft()
            match event.signal:
                case Signal.GO:
                    yield from self.stopped()
                    yield from self._gone(event.position)
                case Signal.HALT:
                    yield from self.stopped()
                case Signal.TICK:
                    yield from self._tick(event.position, late=now - event.seconds > MOST_LATE)

    def stopped(self) -> Iterator[Message]:
        """A receiver that runs, or that may run, is stopped."""
        if self.in_use and self._rolling is not False:
            yield (STOP,)
        self._rolling = False

    def rejoin(self) -> None:
        """Nobody listens any more who knows where the music is."""
        self._rolling = None

    def welcome(self) -> None:
        """Somebody listens, too, who does not know where the music is; the others run on."""
        self._newcomer = True

    def _tick(self, position: int, *, late: bool) -> Iterator[Message]:
        """A tick, or what has to be instead: to catch up on ticks in a burst would bend the receiver's tempo."""
        if late or position != self._next:
            yield from self.stopped()
        if self._rolling:
            self._next = position + 1
            self.ticks += 1
            yield (TICK,)
            if self._newcomer and (position + 1) % SIXTEENTH == 0:
                yield from self._gone(position + 1)
        elif not late and (position + 1) % SIXTEENTH == 0:
            yield from self.stopped()
            yield from self._gone(position + 1)

    def _gone(self, position: int) -> Iterator[Message]:
        """The receiver runs from this place, which is a sixteenth, with the next tick."""
        self._rolling, self._next, self._newcomer = True, position, False
        if position == 0:
            yield (START,)
            return
        place = position // SIXTEENTH % FARTHEST
        yield (POSITION, place & 0x7F, place >> 7)
        yield (CONTINUE,)
