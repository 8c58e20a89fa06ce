"""The engine offline: on a virtual clock, as fast as models answer. For scripts, renders and tests."""

import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from .clock import VirtualClock
from .commands import AnyCommand, Candidates
from .engine import COMMIT, PATIENCE, Engine
from .errands import Errand, HandIn
from .errors import BadInput, LivecodeError, StageClosed
from .facts import Answered, Asked, Fact, Moved, Over, PortOpened, Shaped, Taken, Typed
from .journal import Story, told
from .music import Beats, Seconds
from .outputs.fluid import FluidOutput
from .outputs.unheard import Unheard
from .parts import Part
from .protocol import LogEntry, Opening, OpenPort
from .recording import Cue, Recording
from .replaying import Difference, Replay
from .sequencer import Outcome
from .transport import on_grid

_PERIOD: Seconds = 0.15
"""From one turn of the planner to the next, but half a beat at most. Turns cost what is waited for; but models are asked 0.3 s or
nearly a beat before their bars enter, which no turn may pass over."""


Watch: TypeAlias = Callable[[Iterable[Fact], Mapping[str, Part], Callable[[], str]], Iterable[Fact]]
"""Passes on facts that are retold."""


class OfflineEngine(Engine):
    """Plays on a virtual clock, as fast as it can, whenever it is told to `run`. Models are waited for, so none is ever late.

    recorded: the same session, played before. What its models said is said again, at the same beats; what is asked otherwise
    than then, because the session was edited, a model is asked.
    exact: no model is asked, and no worker started: what the recording has not is refused, and in `missing`. What the machine
    slept through then, and where the engine had crashed, is as it was.
    regenerate: models are asked everything anew, and answer at the recorded beats; `differences` says where they said something
    else.
    """

    def __init__(
        self, opening: Opening, recorded: Recording | None = None, *, exact: bool = False, regenerate: bool = False
    ) -> None:
        self._replay = Replay(recorded, exact=exact, regenerate=regenerate)
        self._handed_in: queue.SimpleQueue[HandIn] = queue.SimpleQueue()
        self._functions: set[str] = set()
        """The performers' functions that somebody here answers for."""
        self._given = {fact.function for fact in recorded.facts if isinstance(fact, Shaped)} if recorded else set[str]()
        """Those that the recording answers for."""
        self._told: list[Fact | Typed | LogEntry] = []
        self._said = (Beats(0), 0)
        """How many commands were said at the beat at which the last one was."""
        self._ports = [fact.name for fact in recorded.facts if isinstance(fact, PortOpened)] if recorded else []
        """What ports of the session are called in full."""
        super().__init__(VirtualClock(), (), self._replay.replies.put, opening, self._told.append, self._replay)
        if opening.audio:
            self._sequencer.add_output(Unheard(FluidOutput.name))
        self.announce()

    @property
    def missing(self) -> tuple[str, ...]:
        """What an exact replay was asked for that the recording has not: a sentence each, which names the part and the bar."""
        return tuple(self._replay.missing)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Where models said something else than in the recording."""
        return tuple(self._replay.differences)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What was said and what became known so far, as a journal has it."""
        return self.story().facts

    def story(self) -> Story:
        """What a journal would hold."""
        return told(self.opening, self._told)

    def submit(self, command: AnyCommand, request: str = "") -> Outcome:
        """Have a command obeyed, now in virtual time. Raises what the sequencer refuses, and StageClosed."""
        self._refuse_if_closed()
        here = self._sequencer.time.reachable()
        said = self._said[1] if self._said[0] == here else 0
        while (cue := self._replay.next()) is not None and (cue.now, cue.after) <= (here, said):
            self._follow(cue)
        try:
            outcome = self._sequencer.obey(command, request, self._replay.silence(here, command))
        except LivecodeError as error:
            self.note(f"refused: {error}")
            raise
        self._said = here, said + 1
        taken = next(fact for fact in reversed(self._told) if isinstance(fact, Taken))
        self._replay.sayings.say(taken)
        self.note(outcome.words)
        self._snapshot = self._sequencer.snapshot()
        return outcome

    def open_port(self, asked: OpenPort) -> Outcome:
        """Have an output of this name, which nobody hears. Raises BadInput if there is one."""
        self._refuse_if_closed()
        said = (asked.port or "").casefold()
        name = next((port for port in self._ports if said in port.casefold()), asked.port or "MIDI")
        outcome = self._sequencer.add_output(Unheard(name))
        self._told.append(PortOpened(now=outcome.beat, name=name, api=asked.api or "", virtual=asked.virtual))
        self.note(outcome.words)
        return outcome

    def run(self, until: Beats) -> None:
        """Let virtual time go on to beat `until`. Raises StageClosed."""
        self._refuse_if_closed()
        time = self._sequencer.time
        self._run(lambda: None if time.started is None else time.started + time.tempo.seconds_at(until), ahead=0.0)

    def run_to(self, beat: Beats) -> None:
        """Let virtual time go on until this beat is the first that a command can reach, so that the next one has it as its `now`.

        A beat between the lines of the grid of 1/1000 counts as the next line. Musical time begins here if nothing has begun it.
        Raises StageClosed, and BadInput for a beat that has passed, or that never comes because the music is paused before.
        """
        self._refuse_if_closed()
        time, beat = self._sequencer.time, on_grid(beat)
        if beat < time.reachable():
            raise BadInput(f"{time.place(beat).capitalize()} has passed: it is {time.place(time.reachable())} already.")
        if beat > time.reachable():
            self._run(self._before(beat), ahead=COMMIT)
        if beat > time.reachable() and not time.paused:
            self._sequencer.begin()
            self._run(self._before(beat), ahead=COMMIT)
        if beat != time.reachable():
            raise BadInput(
                f"{time.place(beat).capitalize()} never comes, for the music is paused at {time.place(time.held)}: "
                "let it go on before, with stage.go_on()."
            )

    def end(self, beat: Beats) -> None:
        """Let virtual time go on to this beat, on which it is over. Raises StageClosed."""
        self.run(beat)
        self._told.append(Over(now=beat))

    def retell(self, facts: Sequence[Fact], end: Beats, watched: Watch = lambda facts, parts, key: facts) -> None:
        """Put on the tape what sounded in a session up to this beat, as its facts say it, and stand still there.

        To be called before anything else; then nothing but looking and rendering makes sense. `watched` passes on the facts,
        and can look at the parts before and after each, and ask what key the stage is in.
        """
        for name in dict.fromkeys(fact.name for fact in facts if isinstance(fact, PortOpened)):
            self._sequencer.add_output(Unheard(name))
        story = watched([*facts, Over(now=end)], self._sequencer.parts, lambda: self._sequencer.key)
        for _ in self._sequencer.past.retell(story):
            pass
        self._sequencer.time.move(Moved(started=None, held=end, paused=True, pause_at=None))
        self._snapshot = self._sequencer.snapshot()

    def _run(self, moment: Callable[[], Seconds | None], ahead: Seconds) -> None:
        """Let virtual time go on to this moment of the clock, which is None as long as musical time stands still, by way of what
        comes by itself in a recording. What sounds up to `ahead` later is planned, too."""
        time = self._sequencer.time
        while (cue := self._replay.next()) is not None:
            if cue.now > time.reachable():
                end = moment()
                if end is None or time.moment_before(cue.now) >= end:
                    break
                self._go(self._before(cue.now), COMMIT)
                if cue.now > time.reachable():
                    break
            self._follow(cue)
        self._go(moment, ahead)
        self._snapshot = self._sequencer.snapshot()

    def _before(self, beat: Beats) -> Callable[[], Seconds | None]:
        """The moment at which this beat is the first that can be reached."""
        time = self._sequencer.time
        return lambda: None if time.started is None else time.moment_before(beat)

    def _go(self, moment: Callable[[], Seconds | None], ahead: Seconds) -> None:
        end = self.clock.now()
        while True:
            end = end if (found := moment()) is None else found
            self._sequencer.advance(min(end + ahead, self.clock.now() + COMMIT))
            if self._replay.waits():
                self._sequencer.receive(self._replay.reply())
            elif self._sequencer.errands():
                self._wait_for_functions()
            elif self.clock.now() < end:
                self.clock.wait_until(min(end, self.clock.now() + self._period()))
            else:
                break

    def _follow(self, cue: Cue) -> None:
        """Let happen what happened of itself."""
        self._replay.pop()
        match cue.fact:
            case Asked() as asked:
                self._replay.cue(asked)
                self._sequencer.ask_again(asked)
                self._replay.cue(None)
            case Answered() as answered if self._replay.given(answered):
                self._sequencer.past.relive(answered)
            case Answered() as answered:
                if (reply := self._replay.answer(answered)) is not None:
                    self._sequencer.receive(reply)
            case other:
                self._sequencer.past.relive(other)

    def errands(self, functions: tuple[str, ...]) -> tuple[Errand, ...]:
        """What performers' functions of these ids are asked: who asks will answer."""
        self._functions |= set(functions)
        return super().errands(functions)

    def hand_in(self, hand: HandIn) -> None:
        """What a performer's function gave. Any thread may call it."""
        self._handed_in.put(hand)

    def _wait_for_functions(self) -> None:
        """Have what performers' functions give; those that are not here, or give nothing for long, are given up.

        What the recording has of a function comes by itself.
        """
        errands = self._sequencer.errands()
        self._sequencer.give_up([errand for errand in errands if errand.function in self._given], "")
        errands = self._sequencer.errands()
        if not errands:
            return
        try:
            here = any(errand.function in self._functions for errand in errands)
            self._sequencer.hand_in(self._handed_in.get(timeout=PATIENCE if here else 0))
        except queue.Empty:
            self._sequencer.give_up(errands, "has not answered in time")

    def _period(self) -> Seconds:
        time = self._sequencer.time
        return min(_PERIOD, float(30 / time.tempo.bpm_at(time.beat())))

    def candidates(self, part: str) -> Candidates:
        """What the part's model has proposed; it is waited for."""
        self._refuse_if_closed()
        while self._sequencer.candidates(part).waits:
            self._sequencer.receive(self._replay.reply())
        return self._sequencer.candidates(part)

    def _refuse_if_closed(self) -> None:
        if self.closed:
            raise StageClosed("This stage is closed: open another with Stage().")

    def close(self) -> None:
        """End the models' worker; safe to call twice. The tape stays."""
        self.closed = True
        self._host.close()
