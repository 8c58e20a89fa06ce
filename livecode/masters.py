"""Clocks of others that musical time can follow: what a master is, and the one that sends MIDI clock."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from .music import Beats, Seconds
from .outputs.pulse import CONTINUE, POSITION, SIXTEENTH, START, STOP, TICK
from .phase import TICKS, Heading, TickFilter
from .tempo import FASTEST, SLOWEST

MOST_WAITING = 8192
"""So many messages of a clock wait for the planner: a minute at 340 bpm. What is older is of no use."""


class Change(Enum):
    """What a master did."""

    BEGAN = "began"
    """It was started: loops begin anew."""
    WENT_ON = "went on"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Turn:
    """A master did this at `beat` of its own, at that moment."""

    change: Change
    beat: float
    moment: Seconds


class Master(Protocol):
    """Somebody whose time can be followed. One thread calls it."""

    @property
    def shared(self) -> bool:
        """Whether whoever follows may set the tempo, too."""
        ...

    def read(self, now: Seconds) -> list[Turn]:
        """What it did since."""
        ...

    def heading(self, now: Seconds, bar: Beats) -> Heading | None:
        """Where it stands, in beats of its own, where ours have bars of so many; None while it stands, or that is not known."""
        ...

    def lead(self, bpm: float) -> None:
        """Have everybody play at this tempo; only if it is shared."""
        ...

    def place(self, beat: Beats, moment: Seconds, bar: Beats) -> bool:
        """Have its bars lie as ours do: `beat` falls on `moment`. False if it goes by others."""
        ...

    def tell(self, moment: Seconds, *, playing: bool) -> None:
        """Have everybody start or stop then, as we do; only if it is shared. What it knows already changes nothing."""
        ...

    def state(self, now: Seconds) -> "State":
        """How it is."""
        ...


@dataclass(frozen=True, slots=True)
class State:
    """How a master is. `placed`: its beats count from a bar line. `peers`: how many share it, None if it is not shared.

    `trouble` is a few words, "" for none.
    """

    heard: bool
    running: bool
    placed: bool
    locked: bool
    bpm: float
    trouble: str = ""
    peers: int | None = None


class MidiMaster:
    """MIDI clock that arrives at an input. Any thread may call `hear`; it does not wait.

    A clock that was never started, but ticks, is followed in its tempo: where its bars begin is not known.
    Source: MIDI 1.0 Detailed Specification, "System Real Time Messages", "Song Position Pointer".
    """

    shared = False

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake
        self._waiting: deque[tuple[Seconds, tuple[int, ...]]] = deque(maxlen=MOST_WAITING)
        self._filter = TickFilter()
        self._placed, self._stopped = False, False
        self._position = 0
        """In ticks: where Continue goes on."""
        self._coming: tuple[Change, int] | None = None
        self._heard = False
        self._ignored = 0.0
        """At how many bpm, as first measured, it runs that cannot be followed; 0 if it can."""

    def hear(self, moment: Seconds, message: tuple[int, ...]) -> None:
        """A message has arrived."""
        self._waiting.append((moment, message))
        if message[0] != TICK or self._coming:
            self._wake()

    def read(self, now: Seconds) -> list[Turn]:
        turns: list[Turn] = []
        while self._waiting:
            moment, (status, *data) = self._waiting.popleft()
            match status:
                case _ if status == TICK:
                    turns += self._tick(moment)
                case _ if status == START:
                    self._set_out(Change.BEGAN, 0)
                case _ if status == CONTINUE and self._coming is None and (self._stopped or not self._placed):
                    self._set_out(Change.WENT_ON, self._position)
                case _ if status == STOP:
                    turns += self._stop(moment)
                case _ if status == POSITION and len(data) == 2:
                    self._position = (data[0] + 128 * data[1]) * SIXTEENTH
        return turns

    def heading(self, now: Seconds, bar: Beats) -> Heading | None:
        return None if self._stopped or self._coming or self._filter.ended(now) else self._filter.heading()

    def lead(self, bpm: float) -> None:
        """It is not shared."""

    def place(self, beat: Beats, moment: Seconds, bar: Beats) -> bool:
        return False

    def tell(self, moment: Seconds, *, playing: bool) -> None:
        """It is not shared."""

    def state(self, now: Seconds) -> State:
        heard = self._heard and not self._filter.ended(now)
        bpm = self._filter.bpm
        trouble = ""
        if self._ignored:
            trouble = f"its clock runs at {_rounded(self._ignored)} bpm, and what is not within {SLOWEST} to {FASTEST} is ignored"
        return State(heard, not (self._stopped or self._coming), self._placed, self._filter.locked, bpm, trouble)

    def _tick(self, moment: Seconds) -> list[Turn]:
        self._heard = True
        if self._filter.ended(moment) and not self._coming:
            self._placed = False
        self._filter.hear(moment)
        coming, self._coming = self._coming, None
        if self._filter.refused:
            self._ignored, self._placed = self._ignored or self._filter.bpm, False  # what is not followed is not counted either
        elif self._filter.locked:
            self._ignored = 0.0
        return [Turn(coming[0], coming[1] / TICKS, moment)] if coming else []

    def _set_out(self, change: Change, ticks: int) -> None:
        self._filter.next_is(ticks)
        self._placed, self._stopped, self._coming = True, False, (change, ticks)

    def _stop(self, moment: Seconds) -> list[Turn]:
        if self._stopped:
            return []
        self._stopped, self._coming = True, None
        self._position = self._filter.count + 1
        return [Turn(Change.STOPPED, self._position / TICKS, moment)]


def _rounded(bpm: float) -> str:
    """As people say it, to two digits.

    >>> _rounded(3012.7), _rounded(0.1)
    ('3000', '0.1')
    """
    return f"{float(f'{bpm:.2g}'):.10g}"
