"""A session that was recorded: what it was opened with and its facts, and what of them comes again by itself. Pure values."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from .commands import AnyCommand, Declare, Mute, Panic, SetMeter, SetSwing, Solo, Tempo, ToPart
from .facts import (
    Answered,
    Asked,
    CameBack,
    Fact,
    Heard,
    InputOpened,
    Looped,
    Moved,
    Over,
    PortOpened,
    Proposed,
    Shaped,
    Slept,
    Steered,
    Taken,
)
from .music import Beats, Phrase
from .protocol import Opening
from .tempo import TempoMap


@dataclass(frozen=True)
class Recording:
    """What an engine was opened with, and everything that was said to it and that models answered, in order."""

    opening: Opening
    facts: tuple[Fact, ...]

    @cached_property
    def end(self) -> Beats:
        """The beat on which it is over: where it was said to be, else where something was said or heard of last."""
        return self.over or max((fact.now for fact in self.facts if isinstance(fact, Taken | Answered)), default=Beats(0))

    @cached_property
    def tempo(self) -> TempoMap:
        """Its tempo map, with what a clock that was followed did to it."""
        tempo = TempoMap.steady(self.opening.bpm, self.opening.meter)
        for fact in self.facts:
            if isinstance(fact, Steered):
                tempo = tempo.with_bpm(fact.at, fact.bpm)
            elif isinstance(fact, Taken):
                match fact.command:
                    case Tempo(bpm=bpm, bars=bars):
                        tempo = tempo.with_bpm(fact.at, bpm, bars * tempo.meter_at(fact.at).bar)
                    case SetMeter(meter=meter):
                        tempo = tempo.with_meter(fact.at, meter)
                    case SetSwing(swing=swing):
                        tempo = tempo.with_swing(fact.at, swing)
        return tempo

    @property
    def bars(self) -> int:
        """How many bars it has."""
        return self.tempo.bar_at(self.end) + (self.end > self.tempo.line_before(self.end))

    @cached_property
    def over(self) -> Beats | None:
        """The beat on which it was said to be over; None if it never was, for everything crashed."""
        return next((fact.now for fact in reversed(self.facts) if isinstance(fact, Over)), None)


@dataclass(frozen=True, slots=True)
class Cue:
    """Something that comes by itself when `now` is the first beat that a command can reach, after so many commands there."""

    now: Beats
    after: int
    fact: Asked | Answered | Shaped | Slept | CameBack | InputOpened | Heard | Looped | Steered


def cues(facts: Iterable[Fact], *, accidents: bool) -> deque[Cue]:
    """What a session's commands do not bring about, in order. `accidents`: with what the machine slept through and crashes."""
    found: deque[Cue] = deque()
    here, said = Beats(0), 0
    for fact in facts:
        if not isinstance(fact, Moved | PortOpened | Proposed | Over):
            now = fact.end if isinstance(fact, Slept) else fact.now
            here, said = (now, 0) if now > here else (here, said)
        if isinstance(fact, Taken):
            said += 1
        elif isinstance(fact, Asked | Answered | Shaped | InputOpened | Heard | Looped | Steered) or (
            accidents and isinstance(fact, Slept | CameBack)
        ):
            found.append(Cue(here, said, fact))
    return found


class Sayings:
    """What a recording has the performer say, compared with what is said now: parts to which anything else is said are edited."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._coming: dict[str, deque[Taken]] = {}
        self._edited: set[str] = set()
        for fact in facts:
            if isinstance(fact, Taken) and not isinstance(fact.command, Declare):
                self._coming.setdefault(_addressed(fact), deque()).append(fact)

    def say(self, fact: Taken) -> None:
        """This is said now. That there is a part is no matter to what it plays."""
        if isinstance(fact.command, Declare):
            return
        coming = self._coming.get(_addressed(fact))
        if coming and (coming[0].now, coming[0].command) == (fact.now, fact.command):
            coming.popleft()
        else:
            self._edited.add(_addressed(fact))

    def edited(self, part: str, now: Beats) -> bool:
        """Whether anything else was said to this part, or to all, up to here."""
        for name in (part, ""):
            coming = self._coming.get(name)
            if coming and coming[0].now < now:
                self._edited.add(name)
        return not self._edited.isdisjoint((part, ""))


def _addressed(fact: Taken) -> str:
    return fact.command.part if isinstance(fact.command, ToPart) else ""


class Library:
    """What models said, by what they were asked: see `asking.fingerprint`."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._answers: dict[str, Answered] = {}
        self._candidates: dict[str, Proposed] = {}
        for fact in facts:
            if isinstance(fact, Answered):
                self._answers[fact.request] = fact
            elif isinstance(fact, Proposed):
                self._candidates[fact.request] = fact

    def answer(self, request: str) -> Phrase | None:
        """The bars that were made."""
        found = self._answers.get(request)
        return found.phrase if found else None

    def candidates(self, request: str) -> tuple[Phrase, ...]:
        """The candidates that were made."""
        found = self._candidates.get(request)
        return found.phrases if found else ()


def silences(facts: Iterable[Fact]) -> dict[tuple[Beats, AnyCommand], Beats]:
    """The beats at which something fell silent, by when it was said and what: what sounds then depends on the outputs, which hold
    more or less sound in their buffers."""
    return {
        (fact.now, fact.command): fact.at
        for fact in facts
        if isinstance(fact, Taken) and isinstance(fact.command, Mute | Solo | Panic) and fact.at <= fact.now
    }
