"""What is performed: a recording's facts come when the plan has come to their beats, and give way to the performer."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import PurePath
from typing import Protocol, TypeAlias

import msgspec

from .agenda import Agenda, Entry, Passage, moved
from .asking import Asking
from .clock import Clock
from .commands import (
    Act,
    Action,
    AnyCommand,
    Continue,
    Hush,
    Learn,
    Map,
    Panic,
    SendClock,
    SetLatency,
    SetMeter,
    SetSwing,
    Tempo,
    ToPart,
)
from .facts import CameBack, Fact, Heard, Over, Performing, Slept, Steered, Taken
from .happenings import Happenings
from .music import Beats, ReleaseEvent, Seconds
from .outputs import MOST_LATE
from .parts import Part
from .plan import Plan, order
from .recording import Recording
from .stagehand import Kept, Stagehand
from .tempo import TempoMap

Timing: TypeAlias = Tempo | SetMeter | SetSwing
"""What is said to the whole stage about time."""

LEFT_OUT: Mapping[type, str] = {
    SendClock: "MIDI clock out",
    SetLatency: "an output's latency",
    Map: "what knobs and pads do",
    Learn: "what knobs and pads do",
}
"""What a recording says that is not about its parts or time, in words: beside what plays already it is left out."""

END = 1 << 60
"""The place of what comes when nothing else does."""


class Player(Protocol):
    """The sequencer that a recording is performed on, or that is to be again what it was."""

    def do(self, command: AnyCommand, now: Beats, at: Beats, hand: Stagehand | None = None) -> str:
        """Have this so from beat `at` on, by the stage's own hand or by this one."""
        ...

    def settle(self, command: AnyCommand, now: Beats) -> None:
        """Have those to whom something is said know what has sounded."""
        ...


class Performance:
    """What comes of a recording, while one is performed."""

    def __init__(
        self,
        plan: Plan,
        player: Player,
        happenings: Happenings,
        hand: Stagehand,
        clock: Clock,
        parts: Mapping[str, Part],
        asking: Asking,
        passages: Callable[[str, Beats], Passage],
        *,
        note: Callable[[str], None],
        record: Callable[[Fact], None],
    ) -> None:
        """hand: the stage's own."""
        self._plan, self._player, self._clock, self._parts, self._asking = plan, player, clock, parts, asking
        self._happenings, self._passages, self._note, self._record, self.time = happenings, passages, note, record, plan.time
        self.agenda: Agenda | None = None
        """What is to come; None if nothing is performed."""
        self._own_hand = self._hand = hand
        """The stage's, and that of what is performed."""
        self._words: Callable[[Beats], str] = lambda here: ""
        self._stood: Seconds = 0.0
        """When time began to stand still."""

    def take_up(self, performing: Performing, passage: Passage | None = None) -> None:
        """Have this performed, which is the passage, if that is known; or nothing any more."""
        self._end()
        if not performing.path:
            return
        passage = passage or self._passages(performing.path, performing.begin)
        recording, now, begin, fresh = passage.recording, performing.now, performing.begin, performing.fresh
        tempo = recording.tempo
        if fresh:
            self.time.tempo, self.time.held = TempoMap.steady(recording.opening.bpm, recording.opening.meter), begin
        else:
            here = self.time.tempo.with_meter(now, tempo.meter_at(begin)).with_bpm_of(tempo, begin, now)
            self.time.tempo = here.with_swing(now, tempo.swing_at(begin))
            self._plan.replan(self._parts.values(), now)
        self.agenda = agenda = Agenda.of(passage, shift=now - begin, fresh=fresh)
        self._hand = self._own_hand.of(self._own_hand.kept if fresh else Kept(), agenda.parts)
        self._own_hand.give_way(self._hand, passage.parts, f"the replay of {PurePath(performing.path).stem}", now)
        self._words = partial(_in_words, PurePath(performing.path).stem, recording, begin, now - begin)
        if begin:
            self._begin_later(passage, now, agenda)

    def _begin_later(self, passage: Passage, now: Beats, agenda: Agenda) -> None:
        """Have be so what was said and what happened before; nobody hears it."""
        heard = []
        for fact in (moved(told, agenda.shift) for told in passage.earlier):
            timed = isinstance(fact, Steered) or (isinstance(fact, Taken) and isinstance(fact.command, Timing))
            if isinstance(fact, Heard):
                heard.append(fact)
            elif agenda.fresh or not timed:
                if isinstance(fact, Taken) and isinstance(fact.command, ToPart) and (part := self._parts.get(fact.command.part)):
                    part.planned = max(part.planned, min(fact.now, fact.at))  # nobody hears it: what is replaced can be forgotten
                self._happen(fact)
        self._happenings.overhear(heard, now)
        self._plan.handed = max(self._plan.handed, now)
        for part in (self._parts[name] for name in agenda.parts if name in self._parts):
            part.settle(now)
            part.come_back(now)

    def again(self, fact: Fact, place: int) -> None:
        """Have be so what had come of it at this place before a crash."""
        self._happen(fact)
        self.skip(place)

    def skip(self, place: int) -> None:
        """Everything up to this place of what is performed, if anything is, has come."""
        if self.agenda is not None:
            self.agenda.skip(place)

    def _happen(self, fact: Fact) -> bool:
        """Let a fact of a recording be so here. Returns whether that could be."""
        try:
            if not isinstance(fact, Taken):
                self._happenings.again(fact)
            elif self.agenda and not self.agenda.fresh and (what := LEFT_OUT.get(type(fact.command))):
                self._plan.note_once((self, what), f"left out of the replay, beside what plays: {what}")
                return False
            else:
                self._player.settle(fact.command, min(fact.now, fact.at))
                self._player.do(fact.command, fact.now, fact.at, self._hand)
        except Exception as error:
            told = fact.command if isinstance(fact, Taken) else fact
            self._plan.note_once((self, type(told), getattr(told, "part", "")), f"left out of the replay: {error}")
            return False
        return True

    def come_until(self, until: Seconds) -> None:
        """Let come what falls due before this time of the clock, each when everything before its beat is with the outputs."""
        while self.agenda and self.agenda.entries and self.time.running:
            entry, (_, end) = self.agenda.entries[0], self.time.window(MOST_LATE, until)
            beat = self.agenda.beat(entry)
            if beat > end or (self._goes_on(entry) and beat == self.time.pause_at):
                return
            if beat > self._plan.handed:
                self._plan.give(self._plan.planned(Beats(0), beat))
            self._come(entry)

    def come_in_pause(self) -> None:
        """Let come what came while time stood still, and let it go on after as long."""
        self._stood = self._stood or self._clock.now()
        while self.agenda and self.agenda.entries and self.time.paused:
            entry = self.agenda.entries[0]
            if self.agenda.beat(entry) > self.time.held:
                return
            if self._goes_on(entry) and self._clock.now() < self._stood + entry.pause - self.time.ahead:
                return
            self._come(entry)

    def _goes_on(self, entry: Entry) -> bool:
        """Whether it ends a pause, and no performer has taken pauses over."""
        assert self.agenda is not None
        return isinstance(entry.told, Taken) and isinstance(entry.told.command, Continue) and self.agenda.comes(entry.told)

    def _come(self, entry: Entry) -> None:
        """It comes: its beat is where the outputs have come to."""
        assert self.agenda is not None
        self.agenda.entries.popleft()
        if not self.agenda.comes(entry.told):
            return
        self._plan.ahead = True
        try:
            self._come_ahead(entry)
        finally:
            self._plan.ahead = False
        self._plan.record_moves()
        self._stood = self._stood if self.time.paused else 0.0

    def _come_ahead(self, entry: Entry) -> None:
        assert self.agenda is not None
        match moved(entry.told, self.agenda.shift):
            case Over(now=now):
                self.stop(now, now)
                self._note(f"the replay is over at {self.time.place(now)}")
            case Slept(part=name) as slept:
                for mine in [name] if name else [name for name in self._parts if name in self.agenda.parts]:
                    self._sleep(msgspec.structs.replace(slept, part=mine, place=entry.place))
            case CameBack() as back if not self.agenda.fresh:
                for name in [name for name in self._parts if name in self.agenda.parts]:
                    end = self.time.tempo.line_after(back.now)
                    self._plan.give([ReleaseEvent(name, back.crashed, self.time.sounds_at(back.crashed))])
                    self._sleep(Slept(begin=back.crashed, end=end, part=name, place=entry.place))
            case fact:
                if isinstance(fact, CameBack):
                    crashed = fact.crashed
                    self._plan.give([ReleaseEvent(name, crashed, self.time.sounds_at(crashed)) for name in self._parts])
                if self._happen(fact):
                    self._record(msgspec.structs.replace(fact, place=entry.place, **({"id": ""} if hasattr(fact, "id") else {})))

    def _sleep(self, slept: Slept) -> None:
        """A part's notes of this time were left out."""
        if slept.part not in self._parts:
            return
        part = self._parts[slept.part]
        self._plan.withdraw(part.name, slept.begin)
        part.planned = slept.begin
        self._plan.give(sorted(self._plan.events(part, slept.end, slept.end), key=order))
        part.planned = slept.end
        self._record(slept)

    def stop(self, now: Beats, at: Beats) -> set[str]:
        """What is still performed stops on the beat `at`, and nothing of it comes any more; `now` is where the outputs are.

        Returns the names of its parts.
        """
        if self.agenda is None:
            return set()
        theirs = self.agenda.parts
        for name in [name for name in self._parts if name in theirs]:
            stop = Act(part=name, action=Action.STOP)
            self._player.do(stop, now, at, self._hand)
            self._record(Taken(now=now, at=at, command=stop, place=END))
        self._end()
        self._record(Performing(now=now, path=""))
        return theirs

    def _end(self) -> None:
        """Nothing is performed any more."""
        self.agenda = None
        self._own_hand.history.over()

    def take_over(self, command: AnyCommand, parts: Iterable[str]) -> str:
        """A performer has said this, which is about these parts: what is performed gives way. Returns what to say about it."""
        if self.agenda is None:
            return ""
        if isinstance(command, Hush | Panic):
            self._end()
            return "the replay ends"
        theirs = self.agenda.take_over(command, parts)
        for part in (self._parts[name] for name in theirs if name in self._parts):
            if part.model is not None:
                self._asking.prepare(part.name, part.model)
        be, them = ("are", "them") if len(theirs) > 1 else ("is", "it")
        return f"{', '.join(theirs)} {be} yours now: what the replay had for {them} is dropped" if theirs else ""

    def words(self, here: Beats) -> str:
        """What is performed, and which of its bars sounds: 'replay tonight: bar 5 of 48'; "" for nothing."""
        return self._words(here) if self.agenda is not None else ""


def _in_words(name: str, recording: Recording, begin: Beats, shift: Beats, here: Beats) -> str:
    tempo, beat = recording.tempo, max(begin, here - shift)
    return f"replay {name}: bar {min(tempo.bar_at(beat) + 1, recording.bars)} of {recording.bars}"
