"""What is performed: a recording's facts come when the plan has come to their beats, and give way to the performer."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from .agenda import Agenda, Entry, before, moved, tempo_at
from .asking import Asking
from .clock import Clock
from .commands import Act, Action, AnyCommand, Continue, Hush, Panic, Pause, SetMeter, SetSwing, Tempo, ToPart
from .facts import (
    Answered,
    Asked,
    CameBack,
    Fact,
    Heard,
    InputOpened,
    Looped,
    Over,
    Performing,
    Proposed,
    Shaped,
    Slept,
    Steered,
    Taken,
)
from .happenings import Happenings
from .music import Beats, ReleaseEvent, Seconds
from .outputs import MOST_LATE
from .parts import Part
from .plan import Plan, order
from .recording import Recording
from .tempo import TempoMap


class Player(Protocol):
    """The sequencer that a recording is performed on, or that is to be again what it was."""

    def do(self, command: AnyCommand, now: Beats, at: Beats) -> str:
        """Have this so from beat `at` on."""
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
        clock: Clock,
        parts: Mapping[str, Part],
        asking: Asking,
        recordings: Callable[[str], Recording],
        *,
        note: Callable[[str], None],
        record: Callable[[Fact], None],
    ) -> None:
        self._plan, self._player, self._clock, self._parts, self._asking = plan, player, clock, parts, asking
        self._happenings, self._recordings, self._note, self._record, self.time = happenings, recordings, note, record, plan.time
        self.agenda: Agenda | None = None
        """What is to come; None if nothing is performed."""
        self._stood: Seconds = 0.0
        """When time began to stand still."""

    def take_up(self, performing: Performing) -> None:
        """Have this performed, or nothing any more."""
        self.agenda = None
        if not performing.path:
            return
        recording, now, begin, fresh = self._recordings(performing.path), performing.now, performing.begin, performing.fresh
        tempo = tempo_at(recording, begin)
        if fresh:
            self.time.tempo, self.time.held = TempoMap.steady(recording.opening.bpm, recording.opening.meter), begin
        else:
            here = self.time.tempo.with_meter(now, tempo.meter_at(begin)).with_bpm(now, tempo.bpm_at(begin))
            self.time.tempo = here.with_swing(now, tempo.swing_at(begin))
            self._plan.replan(self._parts.values(), now)
        self.agenda = agenda = Agenda.of(recording, begin=begin, shift=now - begin, fresh=fresh)
        for fact in before(recording, begin):
            if fresh or not isinstance(fact, Taken) or isinstance(fact.command, ToPart | Hush | Panic):
                self._happen(moved(fact, now - begin))
        if begin:
            self._plan.handed = max(self._plan.handed, now)
            for part in (self._parts[name] for name in agenda.parts if name in self._parts):
                part.settle(now)
                part.come_back(now)

    def _happen(self, fact: Fact) -> bool:
        """Let a fact of a recording be so here. Returns whether that could be. Beside others, it stops nobody else's part."""
        try:
            if isinstance(fact, Taken) and self.agenda and not self.agenda.fresh and not isinstance(fact.command, ToPart):
                self._happen_beside(fact)
            elif isinstance(fact, Taken):
                self._player.settle(fact.command, min(fact.now, fact.at))
                self._player.do(fact.command, fact.now, fact.at)
            elif not isinstance(fact, Answered) or fact.part in self._parts:
                self._happenings.again(fact)
        except Exception as error:
            self._note(f"left out of the replay: {error}")
            return False
        return True

    def _happen_beside(self, fact: Taken) -> None:
        if isinstance(fact.command, Hush | Panic):
            for name in [name for name in self._parts if self.agenda and name in self.agenda.parts]:
                self._player.do(Act(part=name, action=Action.STOP), fact.now, fact.at)
        elif isinstance(fact.command, Tempo | SetMeter | SetSwing | Pause | Continue):
            self._player.do(fact.command, fact.now, fact.at)

    def come_until(self, until: Seconds) -> None:
        """Let come what falls due before this time of the clock, each when everything before its beat is with the outputs."""
        while self.agenda and self.agenda.entries and self.time.running:
            entry, (_, end) = self.agenda.entries[0], self.time.window(MOST_LATE, until)
            goes_on = isinstance(entry.fact, Taken) and isinstance(entry.fact.command, Continue)
            if entry.beat > end or (goes_on and entry.beat == self.time.pause_at):
                return
            if entry.beat > self._plan.handed:
                self._plan.give(self._plan.planned(Beats(0), entry.beat))
            self._come(entry)

    def come_in_pause(self) -> None:
        """Let come what came while time stood still, and let it go on after as long."""
        self._stood = self._stood or self._clock.now()
        while self.agenda and self.agenda.entries and self.time.paused and self.agenda.entries[0].beat <= self.time.held:
            entry = self.agenda.entries[0]
            goes_on = isinstance(entry.fact, Taken) and isinstance(entry.fact.command, Continue)
            if goes_on and self._clock.now() < self._stood + entry.pause - self.time.ahead:
                return
            self._come(entry)

    def _come(self, entry: Entry) -> None:
        """It comes: its beat is where the outputs have come to."""
        assert self.agenda is not None
        self.agenda.entries.popleft()
        self._plan.ahead = True
        try:
            self._come_ahead(entry)
        finally:
            self._plan.ahead = False
        self._plan.record_moves()
        self._stood = self._stood if self.time.paused else 0.0

    def _come_ahead(self, entry: Entry) -> None:
        match entry.fact:
            case Over(now=now):
                self._end_performance(now)
            case Slept(begin=begin, end=end, part=""):
                self._plan.give(self._plan.planned(end, end))
            case Slept(begin=begin, end=end, part=name) if name in self._parts:
                part = self._parts[name]
                self._plan.withdraw(name, begin)
                part.planned = begin
                self._plan.give(sorted(self._plan.events(part, end, end), key=order))
                part.planned = end
                self._record(entry.fact)
            case CameBack(crashed=crashed):
                self._plan.give([ReleaseEvent(name, crashed, self.time.sounds_at(crashed)) for name in self._parts])
                self._happenings.again(entry.fact)
                self._record(entry.fact)
            case Taken() as taken if self._happen(taken):
                self._record(msgspec.structs.replace(taken, id="", place=entry.place))
            case Answered(part=name) if self._happen(entry.fact) and name in self._parts:
                self._record(entry.fact)
            case Heard() | Looped() | Shaped() | Steered() if self._happen(entry.fact):
                self._record(entry.fact)
            case Asked() | Proposed() | InputOpened():
                self._happen(entry.fact)

    def _end_performance(self, now: Beats) -> None:
        """What is still performed stops on this beat."""
        assert self.agenda is not None
        for name in [name for name in self._parts if name in self.agenda.parts]:
            stop = Act(part=name, action=Action.STOP)
            self._player.do(stop, now, now)
            self._record(Taken(now=now, at=now, command=stop, place=1 << 60))
        self.leave(now)
        self._note(f"the replay is over at {self.time.place(now)}")

    def leave(self, now: Beats) -> None:
        """What is performed ends here: nothing of it comes any more."""
        self.agenda = None
        self._record(Performing(now=now, path=""))

    def take_over(self, command: AnyCommand) -> str:
        """A performer has said this: what is performed gives way. Returns what to say about it."""
        if self.agenda is None:
            return ""
        if isinstance(command, Hush | Panic):
            self.leave(self.time.reachable())
            return "; the replay ends"
        words = self.agenda.take_over(command)
        if words and isinstance(command, ToPart) and (model := self._parts[command.part].model) is not None:
            self._asking.prepare(command.part, model)
        if words:
            self._note(words)
        return f"; {words}" if words else ""
