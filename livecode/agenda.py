"""What is performed: the facts of a recording, each to come when everything before its beat is with the outputs. Pure values."""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from .commands import AnyCommand, Continue, Declare, FollowClock, SetMeter, SetSwing, Tempo, ToPart
from .facts import (
    Answered,
    Asked,
    CameBack,
    Fact,
    Heard,
    Looped,
    Moved,
    Over,
    Performing,
    PortOpened,
    Proposed,
    Shaped,
    Slept,
    Taken,
)
from .music import Beats, Seconds
from .recording import Recording
from .tempo import TempoMap

_UNMOVED = Beats(0)
_STAGE: dict[type, str] = {Tempo: "tempo", SetMeter: "meter", SetSwing: "swing"}

Source: TypeAlias = Moved | Performing | PortOpened
"""What is about a stage of that time, and does not come again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact that is `shift` beats later on this stage, its place among the facts of the recording, counted from 1, and for
    `Continue` how long time has stood still."""

    told: Fact
    place: int
    pause: Seconds = 0.0
    shift: Beats = _UNMOVED

    @property
    def fact(self) -> Fact:
        """As it is on this stage. Not worked out beforehand: three hours are 50,000."""
        return moved(self.told, self.shift)

    @property
    def beat(self) -> Beats:
        """Up to here everything is with the outputs when it comes."""
        return beat_of(self.told) + self.shift


@dataclass(slots=True)
class Agenda:
    """What is to come, in order, and for which parts. What a performer takes over comes no more. `fresh`: nothing else plays."""

    entries: deque[Entry]
    parts: set[str]
    fresh: bool
    _taken_over: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, recording: Recording, *, begin: Beats, shift: Beats, fresh: bool) -> "Agenda":
        """What a recording has from beat `begin` on, `shift` beats later; at its end what is performed stops."""
        entries = [entry for entry in _entries(recording, shift) if not begin or beat_of(entry.told) >= begin]
        if recording.over is None:
            entries.append(Entry(Over(now=recording.end), len(recording.facts) + 1, shift=shift))
        commands = (fact.command for fact in recording.facts if isinstance(fact, Taken))
        parts = {command.part for command in commands if isinstance(command, ToPart)}
        return cls(deque(entries), parts, fresh)

    def skip(self, place: int) -> None:
        """Everything up to this place has come."""
        while self.entries and self.entries[0].place <= place:
            self.entries.popleft()

    def take_over(self, command: AnyCommand) -> str:
        """A performer says this: what is theirs now, in words, "" if nothing is that was not before."""
        what = _about(command)
        if not what or isinstance(command, Declare) or what in self._taken_over:
            return ""
        if what not in self.parts and what not in _STAGE.values():
            return ""
        self._taken_over.add(what)
        self.parts.discard(what)
        self.entries = deque(entry for entry in self.entries if _about_fact(entry.told) != what)
        return f"{what} is yours now: what the replay had for it is dropped"


def before(recording: Recording, begin: Beats) -> list[Fact]:
    """What is so when a recording comes to beat `begin`: its facts, without answers that others have replaced."""
    kept: list[Fact] = []
    following: dict[str, int] = {}
    for entry in reversed(_entries(recording)):
        fact = entry.fact
        if entry.beat >= begin or isinstance(fact, Slept | CameBack | Over):
            continue
        if isinstance(fact, Answered):
            following[fact.part] = following.get(fact.part, 0) + 1
            if following[fact.part] > 2:
                continue
        elif isinstance(fact, Taken):
            following = following | {fact.command.part: 0} if isinstance(fact.command, ToPart) else {}
        kept.append(fact)
    return kept[::-1]


def tempo_at(recording: Recording, begin: Beats) -> TempoMap:
    """The tempo map as it is when a recording comes to beat `begin`."""
    tempo = TempoMap.steady(recording.opening.bpm, recording.opening.meter)
    for fact in recording.facts:
        if isinstance(fact, Taken) and fact.now < begin:
            match fact.command:
                case Tempo(bpm=bpm, bars=bars):
                    tempo = tempo.with_bpm(fact.at, bpm, bars * tempo.meter_at(fact.at).bar)
                case SetMeter(meter=meter):
                    tempo = tempo.with_meter(fact.at, meter)
                case SetSwing(swing=swing):
                    tempo = tempo.with_swing(fact.at, swing)
    return tempo


def moved(fact: Fact, by: Beats) -> Fact:
    """The same so many beats later."""
    if not by:
        return fact
    if isinstance(fact, Heard):
        return msgspec.structs.replace(fact, now=fact.now + by, said=tuple((beat + by, said) for beat, said in fact.said))
    names = [name for name in ("now", "at", "asked", "begin", "end", "crashed") if hasattr(fact, name)]
    return msgspec.structs.replace(fact, **{name: getattr(fact, name) + by for name in names})


def beat_of(fact: Fact) -> Beats:
    """Where it comes."""
    match fact:
        case Slept(begin=beat) | CameBack(crashed=beat):
            return beat
        case Moved(held=beat):
            return beat
    return fact.now


def _about(command: AnyCommand) -> str:
    return command.part if isinstance(command, ToPart) else _STAGE.get(type(command), "")


def _about_fact(fact: Fact) -> str:
    if isinstance(fact, Taken):
        return _about(fact.command)
    return fact.part if isinstance(fact, Answered | Proposed | Asked | Looped | Shaped) else ""


def _follows(fact: Fact) -> bool:
    """Whether it is that a clock is followed: what that clock did is recorded, and nobody else is to turn the tempo."""
    return isinstance(fact, Taken) and isinstance(fact.command, FollowClock)


def _entries(recording: Recording, shift: Beats = _UNMOVED) -> list[Entry]:
    """What comes again, in order; what was slept through, before what was said meanwhile."""
    found: list[Entry] = []
    started: Seconds | None = None
    for place, fact in enumerate(recording.facts, start=1):
        if isinstance(fact, Moved) and fact.started is not None:
            last = found[-1].told if found else None
            if started is not None and isinstance(last, Taken) and isinstance(last.command, Continue):
                found[-1] = Entry(last, found[-1].place, max(0.0, fact.started - started), shift)
            started = fact.started
        elif isinstance(fact, Slept):
            at = next((at for at in range(len(found), 0, -1) if beat_of(found[at - 1].told) <= fact.begin), 0)
            found.insert(at, Entry(fact, found[at - 1].place if at else 0, shift=shift))
        elif not isinstance(fact, Source) and not _follows(fact):
            found.append(Entry(fact, place, shift=shift))
    return found
