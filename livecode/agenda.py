"""What is performed: the facts of a recording, each to come when everything before its beat is with the outputs. Pure values."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from .commands import AnyCommand, Continue, Declare, FollowClock, Pause, SetMeter, SetSwing, Tempo, ToPart, Undo, UndoLast
from .ears import REMEMBERS
from .errors import BadInput
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
    Steered,
    Taken,
)
from .music import Beats, Seconds
from .recording import Recording
from .skimming import skimmed

_STAGE: dict[type, str] = {
    Tempo: "tempo",
    Steered: "tempo",
    SetMeter: "meter",
    SetSwing: "swing",
    Pause: "pause",
    Continue: "pause",
}

Source: TypeAlias = Moved | Performing | PortOpened
"""What is about a stage of that time, and does not come again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact of a recording, its place among what comes, counted from 1, and for `Continue` how long time has stood still."""

    told: Fact
    place: int
    pause: Seconds = 0.0


@dataclass(frozen=True, slots=True)
class Passage:
    """What of a recording is performed: what is so when it comes to beat `begin`, what comes then, in order, and its parts.

    Three hours take a second: not for the planner's thread.
    """

    recording: Recording
    begin: Beats
    earlier: tuple[Fact, ...]
    coming: tuple[Entry, ...]
    parts: frozenset[str]

    @classmethod
    def of(cls, recording: Recording, begin: Beats) -> "Passage":
        """What a recording has from beat `begin` on; at its end what is performed stops."""
        entries = [entry for entry in _entries(recording) if not begin or beat_of(entry.told) >= begin]
        if recording.over is None:
            entries.append(Entry(Over(now=recording.end), len(recording.facts) + 1))
        commands = (fact.command for fact in recording.facts if isinstance(fact, Taken))
        parts = frozenset(command.part for command in commands if isinstance(command, ToPart))
        return cls(recording, begin, tuple(before(recording, begin)), tuple(entries), parts)


def no_passage(path: str, begin: Beats) -> Passage:
    """For who performs none. Raises BadInput."""
    raise BadInput(f"{path} cannot be performed here: a live stage performs recordings.")


@dataclass(slots=True)
class Agenda:
    """What is to come, `shift` beats later than in its recording, and for which parts. What a performer takes over comes no more.

    fresh: nothing else plays.
    """

    entries: deque[Entry]
    parts: set[str]
    shift: Beats
    fresh: bool
    _taken_over: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, passage: Passage, *, shift: Beats, fresh: bool) -> "Agenda":
        """All of a passage."""
        return cls(deque(passage.coming), set(passage.parts), shift, fresh)

    def beat(self, entry: Entry) -> Beats:
        """Up to here everything is with the outputs when it comes."""
        return beat_of(entry.told) + self.shift

    def skip(self, place: int) -> None:
        """Everything up to this place has come."""
        while self.entries and self.entries[0].place <= place:
            self.entries.popleft()

    def comes(self, fact: Fact) -> bool:
        """Whether this still comes: a performer has not taken over what it is about."""
        return _about(fact) not in self._taken_over

    def take_over(self, command: AnyCommand, parts: Iterable[str]) -> list[str]:
        """A performer says this, which is about these parts: what is theirs now and was not before."""
        said = [] if isinstance(command, Declare) else sorted(self.parts.intersection(parts))
        if (what := _STAGE.get(type(command))) and what not in self._taken_over:
            said.append(what)
        self._taken_over.update(said)
        self.parts.difference_update(said)
        return said


def before(recording: Recording, begin: Beats) -> list[Fact]:
    """What is so when a recording comes to beat `begin`: its facts, without what others have replaced since."""
    earlier = [entry.told for entry in _entries(recording) if _lasts(entry.told) and beat_of(entry.told) < begin]
    undone = sum(isinstance(fact, Taken) and isinstance(fact.command, Undo | UndoLast) for fact in recording.facts)
    heard = begin - REMEMBERS
    return [fact for fact in skimmed(earlier, undone=undone) if not isinstance(fact, Heard) or fact.now >= heard]


def _lasts(fact: Fact) -> bool:
    """Whether what came of it may still be so later."""
    passes = isinstance(fact, Taken) and isinstance(fact.command, Pause | Continue)
    return not passes and not isinstance(fact, Slept | CameBack | Over)


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


def _about(fact: Fact) -> str:
    """The part that it is about, or what of the stage; "" for neither."""
    if isinstance(fact, Taken) and isinstance(fact.command, ToPart):
        return fact.command.part
    if isinstance(fact, Answered | Proposed | Asked | Looped | Shaped | Slept):
        return fact.part
    return _STAGE.get(type(fact.command if isinstance(fact, Taken) else fact), "")


def _follows(fact: Fact) -> bool:
    """Whether it is that a clock is followed: what that clock did is recorded, and nobody else is to turn the tempo."""
    return isinstance(fact, Taken) and isinstance(fact.command, FollowClock)


def _entries(recording: Recording) -> list[Entry]:
    """What comes again, in order; what was slept through, before what was said meanwhile."""
    found: list[tuple[Fact, Seconds]] = []
    started: Seconds | None = None
    for fact in recording.facts:
        if isinstance(fact, Moved) and fact.started is not None:
            last = found[-1][0] if found else None
            if started is not None and isinstance(last, Taken) and isinstance(last.command, Continue):
                found[-1] = last, max(0.0, fact.started - started)
            started = fact.started
        elif isinstance(fact, Slept):
            at = next((at for at in range(len(found), 0, -1) if beat_of(found[at - 1][0]) <= fact.begin), 0)
            found.insert(at, (fact, 0.0))
        elif not isinstance(fact, Source) and not _follows(fact):
            found.append((fact, 0.0))
    return [Entry(fact, place, pause) for place, (fact, pause) in enumerate(found, start=1)]
