"""The engine: hosts the sequencer, live on a thread of its own. Nothing here is musical.

Clients hand in commands and get outcomes; model replies come in from the host's threads; one thread at a time touches the
sequencer. `offline` is the same on a virtual clock, `server` a process around a live engine.
"""

import itertools
import queue
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import msgspec

from .agenda import Passage
from .calibrating import Calibrating
from .clock import Clock, SystemClock
from .clocks import Clocks
from .commands import AnyCommand, Candidates, FollowClock, SetLatency, Snapshot
from .devices import Port, open_again, open_port, synthesizer
from .errands import Errand, HandIn
from .errors import LivecodeError, StageClosed
from .facts import CameBack, Fact, InputOpened, PortOpened, Taken, Typed
from .inputs.midi import MidiInput
from .inputs.rack import Inputs
from .journal import Story, read, told
from .links import LINK
from .models.host import Host
from .models.keeper import Limits
from .models.wire import Reply
from .music import Beats, Event, Phrase, Seconds
from .outputs import Output
from .outputs.midi import MidiOutput
from .outputs.tape import Tape
from .protocol import Calibrate, InputState, KeepCell, LogEntry, Opening, OpenInput, OpenPort, OutputState, Report
from .replaying import Replay
from .sequencer import Outcome, Sequencer
from .skimming import skimmed
from .tempo import TempoMap
from .transport import on_grid
from .undoing import MOST_UNDONE

COMMIT: Seconds = 0.2
"""How far ahead of the sound events are handed to the outputs, beside what these hold in their buffers."""

LEAD_IN: Seconds = 0.15
"""From the first notes given to their sound: time for a second part to be given notes that begin with them."""

_PERIOD: Seconds = 0.03
_TURNS_SHOWN = 2
"""How things are is looked at every so many turns, for it costs a third as much as the rest."""

PATIENCE: Seconds = 5.0
CLOSES_IN: Seconds = 3.0
"""For so long ports and devices that close are waited for, all together: a server that hangs must not keep anybody."""

_HELP: Seconds = 0.005
_STINT: Seconds = 0.005
_BREATH: Seconds = 0.002
_LOG_LENGTH = 1000


class Engine:
    """What live and offline have in common: a sequencer, the tape, the models' host, the log."""

    def __init__(
        self,
        clock: Clock,
        outputs: Sequence[Output],
        on_reply: Callable[[Reply], None],
        opening: Opening,
        record: Callable[[Fact | Typed | LogEntry], None] = lambda fact: None,
        replay: Replay | None = None,
    ) -> None:
        """replay: what stands between the sequencer and the models."""
        self.opening = opening
        self.closed = False
        """Whether it plays no more."""
        self.tape = Tape()
        self.clock = clock
        self._outputs = list(outputs)
        self._log: deque[LogEntry] = deque(maxlen=_LOG_LENGTH)
        self._record = record
        self._passages: dict[tuple[str, Beats], Passage] = {}
        self._host = Host(on_reply, self.note, limits=Limits(reply=opening.patience))
        self._sequencer = Sequencer(
            clock,
            outputs,
            self.tape,
            replay or self._host,
            bpm=opening.bpm,
            meter=opening.meter,
            seed=opening.seed,
            lead_in=LEAD_IN,
            note=self.note,
            record=record,
            passages=self._passage,
            later=replay.later if replay else lambda part, number, now, entry: False,
        )
        if replay:
            replay.over(self._host, self._sequencer.time.place)
        self._snapshot = self._sequencer.snapshot()

    def _passage(self, path: str, begin: Beats) -> Passage:
        """What the recording in this file has from this beat on; read once. Raises OutputError."""
        if (found := self._passages.get((path, begin))) is None:
            found = self._passages[path, begin] = Passage.of(read(Path(path)).recording, begin)
        return found

    def note(self, sentence: str) -> None:
        """Keep a sentence in the log. Any thread may call it."""
        entry = LogEntry(time.time(), self._snapshot.bar, sentence)
        self._log.append(entry)
        self._record(entry)

    def keep_cell(self, cell: KeepCell) -> None:
        """Journal a cell that was typed. Any thread may call it."""
        time = self._sequencer.time
        reachable, since = time.reachable(), time.beat_at(self.clock.now()) - time.beat_at(cell.began)
        now = max(time.held, min(reachable, reachable - since))
        self._record(Typed(now=on_grid(now), id=cell.id, source=cell.source, error=cell.error, failed_at=cell.failed_at))

    def announce(self) -> None:
        """Say in the log how the stage is open."""
        self.note(f"the stage is open at {float(self.opening.bpm):g} bpm with seed {self.opening.seed}")

    def log(self) -> tuple[LogEntry, ...]:
        """The last thousand sentences, oldest first."""
        return tuple(self._log)

    def snapshot(self) -> Snapshot:
        """What was so a moment ago."""
        return self._snapshot

    def report(self) -> Report:
        """How everything is."""
        return Report(
            snapshot=self._snapshot,
            models=self._host.states(),
            outputs=tuple(_state(output, self._sequencer.offsets.of(output.name)) for output in self._outputs),
            closed=self.closed,
            no_audio="",
        )

    def worker_log(self) -> tuple[str, ...]:
        """The last lines that the models' worker wrote, tracebacks among them."""
        return self._host.log_tail()

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded."""
        return self._sequencer.takes(part)

    def candidates(self, part: str) -> Candidates:
        """What the part's model has proposed."""
        return self._sequencer.candidates(part)

    def errands(self, functions: tuple[str, ...]) -> tuple[Errand, ...]:
        """What performers' functions of these ids are asked."""
        return tuple(errand for errand in self._sequencer.errands() if errand.function in functions)

    def tempo(self) -> TempoMap:
        """The tempo map as it is."""
        return self._sequencer.time.tempo

    def score(self, begin: Beats, end: Beats) -> list[Event]:
        """What sounds in [begin, end) beats, in order. Notes that are held on inputs end where we are."""
        held = [event for event in self._sequencer.held() if begin <= event.beat < end]
        events = self.tape.events(begin, end)
        return sorted([*events, *held], key=lambda event: event.seconds) if held else events

    def settings(self, at: Beats, seconds: Seconds) -> list[Event]:
        """The programs and controllers that hold just before beat `at`, as events at that beat and those seconds."""
        return self.tape.settings(at, seconds)


@dataclass(frozen=True, slots=True)
class _Errand:
    """Something that a client wants the planner to do, and where its outcome goes."""

    action: Callable[[], Outcome]
    answer: "Future[Outcome]"


class LiveEngine(Engine):
    """Plays in real time: a planner thread hands events out 0.2 s ahead of their moment."""

    def __init__(
        self,
        clock: Clock,
        outputs: Sequence[Output],
        opening: Opening,
        record: Callable[[Fact | Typed | LogEntry], None] = lambda fact: None,
        no_audio: str = "",
        *,
        name: str = "",
        helping: bool = False,
    ) -> None:
        """`helping`: clients' threads obey commands too; not for a prompt's own thread, which Ctrl-C interrupts anywhere."""
        self._inbox: queue.SimpleQueue[_Errand | Reply] = queue.SimpleQueue()
        self._helping = helping
        self._turn = threading.Lock()
        """Whoever touches the sequencer holds it."""
        self._planner_waits = False
        """The planner wants the turn: no client takes it before."""
        super().__init__(clock, outputs, self._on_reply, opening, record)
        self.turns = 0
        """How often the planner has gone round: one that hangs does not."""
        self._no_audio, self._name = no_audio, name
        self._back: CameBack | None = None
        """That it is back after a crash, if it is."""
        self.inputs = Inputs(clock)
        self.clocks = Clocks(clock.wake)
        self._calibrating = Calibrating(clock, self.inputs)
        self._closing = threading.Event()
        self._last_culprit = ""
        self._told: list[Fact | Typed | LogEntry] = []
        """What would be in a journal, of an engine that has none."""
        self._ports: list[Port] = []
        self._thread = threading.Thread(target=self._play, name="livecode planner", daemon=True)
        if no_audio:
            self.note(no_audio)

    @classmethod
    def open(cls, opening: Opening, *, outputs: Sequence[Output] | None = None) -> "LiveEngine":
        """An engine that plays: on these outputs, or on the synthesizer of the opening. Raises OutputError."""
        clock = SystemClock()
        found, no_audio = synthesizer(opening, clock) if outputs is None else (outputs, "")
        told: list[Fact | Typed | LogEntry] = []
        engine = cls(clock, found, opening, told.append, no_audio)
        engine._told = told
        engine.announce()
        engine.start()
        return engine

    def recall(self, facts: Sequence[Fact], log: Sequence[LogEntry], crashed: Seconds) -> None:
        """Go on from where an engine crashed, at that time of the clock, with its ports and its log.

        To be called before `start`.
        """
        self._log.extendleft(log[: -1 - max(0, _LOG_LENGTH - len(self._log)) : -1])
        ports, sentences = open_again([fact for fact in facts if isinstance(fact, PortOpened)], self.clock, self._name)
        for port in ports:
            self._ports.append(port)
            self._outputs.append(port.output)
            self._sequencer.add_output(port.output)
        for fact in facts:
            if isinstance(fact, InputOpened) and not fact.place:
                self._sequencer.offer(fact.name, self.clocks.of(fact.name))
        followed = [fact.command for fact in facts if isinstance(fact, Taken) and isinstance(fact.command, FollowClock)]
        if FollowClock(source=LINK) in followed:
            self._sequencer.offer(LINK, self.clocks.link)
        if followed and followed[-1].source == LINK:
            self.clocks.join_later(float(self.opening.bpm))
        self._back = self._sequencer.past.recall(skimmed(facts, undone=MOST_UNDONE), crashed)
        heard = [(fact.name, fact.api, fact.virtual) for fact in facts if isinstance(fact, InputOpened) and not fact.place]
        self.inputs.open_again(heard)
        for source in self.inputs:
            self.clocks.hear(source)
        for port in ports:
            port.output.clean(self._sequencer.channels())
        for sentence in sentences:
            self.note(sentence)
        self._snapshot = self._sequencer.snapshot()

    def remember(self, facts: Sequence[Fact]) -> None:
        """Have what sounded before it crashed on the tape and among the takes. It takes its time: give it a thread of its own."""
        assert self._back is not None, "recall comes first"
        before = list(itertools.takewhile(lambda fact: fact != self._back, facts))
        opening, tape = self.opening, Tape()
        outputs = [Tape(output.name) for output in self._outputs]
        told = Sequencer(
            self.clock,
            outputs,
            tape,
            self._host,
            bpm=opening.bpm,
            meter=opening.meter,
            seed=opening.seed,
            passages=self._passage,
        )
        begun = time.monotonic()
        for _ in told.past.retell([*before, self._back]):
            if time.monotonic() > begun + _STINT:
                time.sleep(_BREATH)
                begun = time.monotonic()

        def keep() -> Outcome:
            self.tape.precede(tape)
            self._sequencer.past.remember(told.past)
            now = self._sequencer.time.reachable()
            return Outcome(now, "what sounded before the crash is on the tape, and among the takes, again")

        self._done(keep)

    def story(self) -> Story:
        """What a journal would hold, of an engine that plays in this process."""
        return told(self.opening, self._told)

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def submit(self, command: AnyCommand, request: str = "") -> Outcome:
        """Have a command obeyed; returns when it was taken, which is long before it is heard. Any thread may call it.

        `request` is the id under which it is journalled. Raises what the sequencer refuses, and StageClosed.
        """
        joined = False
        if isinstance(command, FollowClock) and command.source == LINK:
            joined = self.clocks.link.join(float(self._snapshot.bpm))
            self._sequencer.offer(LINK, self.clocks.link)
        try:
            outcome = self._done(lambda: self._sequencer.obey(command, request))
        except LivecodeError:
            if joined:
                self.clocks.link.leave()
            raise
        if isinstance(command, FollowClock) and command.source != LINK:
            self.clocks.link.leave()
        return outcome

    def perform(self, path: str, bar: int, request: str = "") -> Outcome:
        """Perform the recording in this file from its bar `bar` on, in the request of this id: see `Sequencer.perform`.

        Any thread may call it. Raises OutputError for what is no journal, and BadInput.
        """
        recording = read(Path(path)).recording  # by this client's thread: the planner has the music to see to
        passage = Passage.of(recording, recording.tempo.line_of(bar - 1))
        return self._done(lambda: self._sequencer.perform(path, passage, request))

    def open_port(self, asked: OpenPort, request: str = "") -> Outcome:
        """Play on this MIDI port too, in the request of this id. Any thread may call it.

        Raises OutputError, UnknownName, and BadInput for a port that is in use.
        """
        try:
            port = open_port(asked, self.clock, [output.name for output in self._outputs], self._name)
        except LivecodeError as error:
            self.note(f"refused: {error}")
            raise
        try:
            outcome = self._done(lambda: self._sequencer.add_output(port.output))
        except LivecodeError:
            port.close()
            raise
        self._ports.append(port)
        self._outputs.append(port.output)
        name, api = port.output.name, port.output.api
        self._record(PortOpened(now=outcome.beat, name=name, api=api, virtual=asked.virtual, id=request))
        return outcome

    def open_input(self, asked: OpenInput, request: str = "") -> Outcome:
        """Hear this MIDI input, in the request of this id. Any thread may call it. Raises OutputError or BadInput."""
        opened = self.inputs.open(asked.port, asked.api, virtual=asked.virtual)

        def hear() -> Outcome:
            outcome = self._sequencer.add_input(opened.name)
            if opened.name not in self.inputs:  # journalled before any client can name it
                self._record(InputOpened(now=outcome.beat, name=opened.name, api=opened.api, virtual=asked.virtual, id=request))
            return outcome

        try:
            outcome = self._done(hear)
        except LivecodeError:
            opened.close()
            raise
        self.inputs.add(opened)
        self.clocks.hear(self.inputs[opened.name])
        self._sequencer.offer(opened.name, self.clocks.of(opened.name))
        return outcome

    def hand_in(self, hand: HandIn) -> Outcome:
        """What a performer's function gave. Any thread may call it. Raises StageClosed."""
        return self._done(lambda: self._sequencer.hand_in(hand))

    def calibrate(self, asked: Calibrate, request: str = "") -> Outcome:
        """Measure how long notes take from an output to an input, and have the output told so much earlier, or half of it.

        Any thread may call it; it takes two seconds, in which the input goes through to nothing. Raises BadInput or UnknownName.
        """
        output, found = self._calibrating.measure(asked, self._outputs, self._sequencer.channels())
        ms = round(1000 * found.median / (1 if asked.whole else 2), 1)
        done = self.submit(SetLatency(output=output, ms=min(ms, 500.0)), request)
        return Outcome(done.beat, f"{output}: {found}: {done.words.removeprefix(f'{output} is ')}")

    def report(self) -> Report:
        """How everything is."""
        troubles = [f"{output.name}: {output.trouble}." for output in self._outputs if output.trouble]
        inputs = [InputState(each.name, str(each), each.trouble, tuple(way.part for way in each.ways)) for each in self.inputs]
        no_audio = self._no_audio or " ".join(troubles)
        return msgspec.structs.replace(super().report(), no_audio=no_audio, inputs=tuple(inputs))

    def _done(self, action: Callable[[], Outcome]) -> Outcome:
        """Have the planner do this, and wait until it has."""
        if self._closing.is_set():
            raise StageClosed("This stage is closed: open another with Stage().")
        errand = _Errand(action, Future())
        self._inbox.put(errand)
        self._help()
        if self._closing.is_set():
            self._refuse_the_rest()  # the planner may have ended just before
        self.clock.wake()
        try:
            return errand.answer.result(timeout=PATIENCE)
        except TimeoutError:
            if not errand.answer.cancel():
                return errand.answer.result()
            raise LivecodeError(f"The engine did not take the command within {PATIENCE:g} s: see stage.log().") from None

    def _help(self) -> None:
        """Do what is in the inbox in this client's thread, if the planner is not at it: the planner need not be woken first."""
        if not self._helping or self._planner_waits or not self._turn.acquire(blocking=False):
            return
        try:
            self._read_inbox(_HELP)
        except Exception:  # it is not this client's: what is left, and its own command, is the planner's
            self._go_on()
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the music, the models' worker and the devices; safe to call twice."""
        if self._closing.is_set():
            return
        self.note("the stage is closed")
        self.closed = True
        self._closing.set()
        self.clock.wake()
        until = time.monotonic() + PATIENCE
        if self._thread.is_alive():
            self._thread.join(PATIENCE)
        helped = self._turn.acquire(timeout=max(0.0, until - time.monotonic()))
        until = time.monotonic() + CLOSES_IN
        self._close_all(list(self.inputs), until - CLOSES_IN / 2)  # first: what is held on them ends on the outputs
        self.clocks.close()
        self._close_all(self._outputs, until)
        if helped:
            self._turn.release()
        for port in self._ports:
            port.lock.release()
        self._host.close()

    def _close_all(self, ports: Sequence[Output | MidiInput], until: Seconds) -> None:
        """Close them side by side, and leave to the system what is not closed by then."""
        closing = [
            threading.Thread(target=self._close_one, args=(port,), name=f"livecode closes {port.name}", daemon=True)
            for port in ports
        ]
        for thread in closing:
            thread.start()
        for port, thread in zip(ports, closing, strict=True):
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                self.note(f"{port.name} does not close, for its server hangs: it is left as it is")

    def _close_one(self, port: Output | MidiInput) -> None:
        try:
            port.close()
        except Exception:
            self.note(f"{port.name} did not close: {_culprit()}")

    def _ahead(self) -> Seconds:
        return COMMIT + self._sequencer.buffered()

    def _on_reply(self, reply: Reply) -> None:
        self._inbox.put(reply)
        self.clock.wake()

    def _play(self) -> None:
        while not self._closing.is_set():
            begun = self.clock.now()
            try:
                self._planner_waits = True
                with self._turn:
                    self._planner_waits = False
                    self._read_inbox(_PERIOD)
                    self._sequencer.follow()
                    self._do(self._hear)
                    self._sequencer.advance(self.clock.now() + self._ahead())
                    if self.turns % _TURNS_SHOWN == 0:
                        self._look()
            except Exception:
                self._go_on()
            self.turns += 1
            self.clock.wait_until(begun + _PERIOD)
        self._refuse_the_rest()

    def _hear(self) -> None:
        """Take in what was played on inputs, and lead what is played next."""
        for name, arrivals in self.inputs.take():
            self._sequencer.hear(name, self._calibrating.hear(name, arrivals))
        self._sequencer.play_controllers()
        self._shine()
        self._lead()
        self.inputs.look(self.note)

    def _do(self, action: Callable[[], None]) -> None:
        """Do what may fail without any note being left out."""
        try:
            action()
        except Exception:
            self._go_on()

    def _go_on(self) -> None:
        """Note the error in hand, unless it was the last one, too."""
        if (culprit := _culprit()) != self._last_culprit:
            self._last_culprit = culprit
            self.note(f"the planner met an error and goes on: {culprit}")

    def _lead(self) -> None:
        """Have what is played go where it should by now."""
        self.inputs.lead_to({name: ways for name, ways in self._sequencer.ways().items() if not self._calibrating.taps(name)})

    def _shine(self) -> None:
        """Let controllers with lights show how things stand; one that was gone is told everything again."""
        controllers = self._sequencer.controllers
        lit = {output.name: output for output in self._outputs if isinstance(output, MidiOutput)}
        gone = [name for name, output in lit.items() if output.trouble]  # they may come back before all is sent
        for name, message in controllers.feedback(self._snapshot):
            if name in lit:
                lit[name].show(message)
        for name in gone:
            controllers.show_again(name)

    def _read_inbox(self, patience: Seconds) -> None:
        """Do what clients want, for a moment: however many they are, the music comes first."""
        until = self.clock.now() + patience
        while self.clock.now() < until:
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, Reply):
                self._sequencer.receive(item)
            else:
                self._run_errand(item)

    def _run_errand(self, errand: _Errand) -> None:
        if not errand.answer.set_running_or_notify_cancel():
            return
        try:
            if self._closing.is_set():
                raise StageClosed("This stage was closed before the command: open another with Stage().")
            outcome = errand.action()
        except Exception as error:
            self.note(f"refused: {error}" if isinstance(error, LivecodeError) else f"a command failed: {_culprit()}")
            errand.answer.set_exception(error)
        else:
            if outcome.words:
                self.note(outcome.words)
            self._do(self._lead)
            self._do(self._look)
            errand.answer.set_result(outcome)

    def _look(self) -> None:
        """Have what is so now seen by whoever asks."""
        self._snapshot = self._sequencer.snapshot()

    def _refuse_the_rest(self) -> None:
        while True:
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                return
            if not isinstance(item, Reply) and item.answer.set_running_or_notify_cancel():
                item.answer.set_exception(StageClosed("This stage was closed before the command: open another with Stage()."))


def _state(output: Output, early: Seconds) -> OutputState:
    late = output.lateness[1] if isinstance(output, MidiOutput) and output.played else None
    line = f"{output} · told {1000 * early:g} ms early" if early else str(output)
    return OutputState(output.name, line, output.trouble, late)


def _culprit() -> str:
    """The error in hand, with the line it came from, in one line."""
    lines = traceback.format_exc().strip().splitlines()
    return " | ".join(line.strip() for line in lines[-3:])
