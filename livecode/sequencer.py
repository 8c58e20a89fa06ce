"""The sequencer: takes commands and answers, plans in beats, hands events to the outputs in time. It knows no thread.

Everything happens in `obey`, `receive` and `advance`, all called by one thread at a time. The same calls at the same clock times
give the same events, live and offline.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import PurePath

import msgspec

from .agenda import tempo_at
from .asking import Asking, Later, Models
from .bindings import PART_ACTIONS, PART_KNOBS, Target
from .chasing import Chase
from .clock import Clock
from .commands import (
    Act,
    Action,
    Adjust,
    AnyCommand,
    Assign,
    Candidates,
    Capture,
    Continue,
    CountIn,
    Declare,
    Equip,
    Fade,
    FollowClock,
    Hush,
    InKey,
    Learn,
    Map,
    Mute,
    Nudge,
    On,
    Panic,
    Pause,
    Pick,
    Plain,
    Play,
    Prime,
    Propose,
    Recall,
    Respond,
    Restart,
    Route,
    Safe,
    SendClock,
    SetKey,
    SetLatency,
    SetMeter,
    SetSwing,
    Shape,
    Snapshot,
    Solo,
    Store,
    Sweep,
    Tempo,
    Thru,
    ToPart,
    TurnKnob,
    Undo,
    UndoLast,
)
from .controllers import MOST_BOUND, Controllers
from .controls import spelt
from .ears import Said, nearest
from .errands import Errand, Errands, HandIn
from .errors import BadInput, LivecodeError, UnknownName
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
    Performing,
    PortOpened,
    Proposed,
    Shaped,
    Slept,
    Steered,
    Taken,
)
from .gm import DRUM_CHANNEL
from .hearing import Hearing
from .inputs import Arrival
from .inputs.messages import strikes
from .inputs.through import Way
from .jamming import Jamming
from .masters import Master
from .models.wire import INPUT, Reply
from .music import Beats, Event, Phrase, Seconds, counted
from .outputs import MOST_LATE, Output
from .outputs.pulse import Clocked, ClockEvent, Signal
from .outputs.tape import Tape
from .packing import packed
from .parts import Memory, Mode, Part
from .performing import Performance
from .plan import Plan
from .recording import Recording, no_recording
from .scenes import House
from .states import length_of, state_of
from .tempo import Meter, TempoMap
from .undoing import Done, History

_HEARD_WITHIN: Seconds = 0.06
"""What was played is known to the planner after so long at the latest: two of its periods."""

_STRETCH = Beats(16)
"""So many beats are retold at a time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command was taken: the beat at which it takes effect, and a sentence for the performer."""

    beat: Beats
    words: str


class Sequencer:
    """All parts on one tempo map. Musical time starts with the first notes: until then it stands on bar 1, beat 1."""

    def __init__(
        self,
        clock: Clock,
        outputs: Sequence[Output],
        tape: Tape,
        models: Models,
        *,
        bpm: Fraction,
        meter: Meter,
        seed: int = 0,
        lead_in: Seconds = 0.1,
        note: Callable[[str], None] = lambda sentence: None,
        record: Callable[[Fact], None] = lambda fact: None,
        recordings: Callable[[str], Recording] = no_recording,
        later: Later = lambda part, number, now, entry: False,
    ) -> None:
        self._clock, self._outputs, self._note, self._record = clock, list(outputs), note, record
        self._tape, self._parts = tape, dict[str, Part]()
        self._plan = Plan(
            clock, self._outputs, tape, self._parts, TempoMap.steady(bpm, meter), lead_in=lead_in, note=note, record=record
        )
        self.time, self.offsets = self._plan.time, self._plan.offsets
        self._hearing = Hearing(self.time)
        self.controllers = Controllers()
        self._asking = Asking(clock, models, seed, self._parts, self._hearing.ears, later)
        self._later = later
        self._jamming = Jamming(self.time, self._hearing, self._parts, self._note)
        self._seed = seed
        self._history = History()
        self._house = House()
        self._errands = Errands()
        self._chase = Chase(self._plan, clock, self._parts, do=self.do, start=self._start_if_sounding, note=note, record=record)
        self._recordings = recordings
        self._touched = False
        """Whether anything was said to a part but that there is one."""
        self._performance = Performance(self._plan, self, clock, self._parts, self._asking, recordings, note=note, record=record)

    def add_output(self, output: Output) -> Outcome:
        """Play on this output too, for the parts that are routed to it by its name."""
        if any(other.name == output.name for other in self._outputs):
            raise BadInput(f"There is an output {output.name!r} already: route parts to it, or open another port.")
        self._outputs.append(output)
        now = self.time.reachable()
        self._welcome(output.name, now)
        remedy = "" if self._outputs[0] is output else f": part.output = {output.name!r} sends a part there"
        return Outcome(now, f"output {output.name} is open{remedy}")

    def add_input(self, name: str) -> Outcome:
        """Hear what is played on an input of this name, for parts to play it through, and to answer it."""
        if name in self._parts:
            raise BadInput(f"{name!r} is a part already, and so cannot be an input's name: give a virtual input another.")
        new = self._open_ear(name)
        return Outcome(self.time.reachable(), f"input {name} is open{'' if new else ' already'}: lead.thru({name!r}) plays it")

    def _open_ear(self, name: str) -> bool:
        self._tape.enter(name)
        return self._hearing.open(name)

    def hear(self, name: str, arrivals: Sequence[Arrival]) -> None:
        """This was played on an input."""
        for arrival in arrivals:
            self.controllers.hear(name, arrival.message)
        self._begin_if_called(name, arrivals)
        said = self._hearing.said(arrivals)
        if said:
            self._hear(name, said)
            spelt = tuple((beat, bytes(message).hex()) for beat, message in said)
            self._record(Heard(now=self.time.reachable(), name=name, said=spelt))

    def _begin_if_called(self, name: str, arrivals: Sequence[Arrival]) -> None:
        """Time begins to run with the first note of an input that a part is to answer, as with any other first notes."""
        if self.time.running or self.time.paused:
            return
        first = next((arrival.moment for arrival in arrivals if strikes(arrival.message)), None)
        if first is None or not self._jamming.answers(name):
            return
        if self._chase.following and self._chase.following.holds(self._clock.now()):
            return
        if (moment := self._chase.entrance()) is None:
            self.time.run_from(first)
        else:
            self.time.run(moment)
        self._plan.record_moves()

    def _hear(self, name: str, said: Iterable[Said]) -> None:
        for event in self._hearing.hear(name, said):
            self._tape.insert(event)

    def held(self) -> list[Event]:
        """The notes that are held on inputs, as if they ended now."""
        return self._hearing.held(max(self.time.held, self.time.beat()))

    def ways(self) -> Mapping[str, tuple[Way, ...]]:
        """Where what is played on each input goes at once, without waiting for the plan."""
        now = self.time.sounding()
        return self._hearing.ways([part for part in self._parts.values() if self._plan.audible(part, now)], self._outputs, now)

    def _welcome(self, output: str, now: Beats) -> None:
        """If it is the first output, have it hear of all settings."""
        if self._outputs[0].name == output:
            for part in self._parts.values():
                part.route.set(now, output)
            self._plan.replan(self._parts.values(), now)

    def channels(self) -> set[int]:
        """The MIDI channels (0-15) that parts have played on."""
        return {channel for part in self._parts.values() for channel in part.channels()}

    def buffered(self) -> Seconds:
        """How long before it sounds an event is out of reach."""
        return self._plan.buffered()

    def offer(self, name: str, master: Master) -> None:
        """There is a clock of this name, which can be followed."""
        self._chase.offer(name, master)

    def follow(self) -> None:
        """Let the outputs look at their devices' clocks; note what has come to trouble them."""
        self._plan.follow()

    # Commands

    def obey(self, command: AnyCommand, request: str = "", at: Beats | None = None) -> Outcome:
        """Do what a client says, in the request of this id; so that it takes effect at beat `at`, if that is known.

        Raises BadInput with one sentence if that cannot be; nothing has changed then.
        """
        self._plan.pause_if_due()
        if isinstance(command, Continue) and self.time.pause_at == self.time.reachable():
            self._plan.pause_now()
        if isinstance(command, Pick):
            command = self._picked(command)
        if isinstance(command, Tempo) and (words := self._chase.tempo_of_others(command)):
            return Outcome(self.time.reachable(), words)
        now, at = self.time.reachable(), self._moment(command) if at is None else at
        self.settle(command, min(now, at))
        words = self.do(command, now, at)
        if isinstance(command, Assign):
            self._asking.prepare(command.part, command.model)
            self._look_for(command.part, command.model.chords)
        if isinstance(command, Propose):
            self._asking.propose(self._parts[command.part], command.n, now, self.time.entrance(), self.time.tempo)
        self._record(Taken(now=now, at=at, command=command, id=request))
        self._start_if_sounding()
        self._plan.record_moves()
        return Outcome(at, words + self._performance.take_over(command))

    def settle(self, command: AnyCommand, now: Beats) -> None:
        """Have those to whom something is said know what has sounded: always up to the same beat, however often time is looked
        at, so that the same is so whenever it is told again."""
        for part in self._parts.values():
            if not isinstance(command, ToPart) or command.part == part.name:
                part.settle(now)

    def _look_for(self, listener: str, heard: object) -> None:
        """Note it if a part is to play over what another plays, and there is none of that name: perhaps it was misspelt."""
        if not isinstance(heard, str) or heard in self._parts:
            return
        kind, name = ("input", heard.removeprefix(INPUT)) if heard.startswith(INPUT) else ("part", heard)
        if kind == "part" or len(nearest(name, self._hearing.ears)) != 1:
            self._note(
                f"{listener} is to hear chords from {name!r}, and there is no such {kind} yet: until there is, it hears none"
            )

    def _picked(self, command: Pick) -> Play:
        """The notes that are picked, so that the journal has them: candidates are in no journal."""
        part = self._parts.get(command.part) or Part(command.part, 0, Beats(0))
        return Play(part=command.part, phrase=part.candidate(command.number), on=command.on)

    def _moment(self, command: AnyCommand) -> Beats:
        """When it takes effect. What falls silent does so now; everything else begins where the outputs can be reached."""
        match command:
            case Panic() | Mute(muted=True, on=On.NOW) | Solo(soloed=True, on=On.NOW):
                return self.time.sounding()
        part = self._parts.get(command.part) if isinstance(command, ToPart) else None
        return self.time.moment(getattr(command, "on", On.BAR), part)

    def do(self, command: AnyCommand, now: Beats, at: Beats) -> str:
        """Have this so from beat `at` on; `now` is the first that can be reached. Returns a sentence for the performer."""
        self._touched |= isinstance(command, ToPart) and not isinstance(command, Declare)
        return self._obey_part(command, now, at) if isinstance(command, ToPart) else self._obey_stage(command, now, at)

    def _obey_part(self, command: ToPart, now: Beats, at: Beats) -> str:
        part = self._parts.get(command.part) or self._new_part(command.part, now)
        since, asked = _first(at, part.next_change(now)), part.asked
        if isinstance(command, Undo):
            return f"{part.name}: {self._undo(part.name, command, now, at).replace(f'{part.name}: ', '')}"
        before = Done("", {part.name: part.memory()})
        if isinstance(command, Mute | Solo):
            self._enter(part)
            return self._did(before, f"{part.name}: {self._gate(part, command, now, at)}")
        if isinstance(command, Play | Assign | Act | CountIn | Respond):
            part.capture = None  # it is to play something else by then
        if isinstance(command, Shape | Plain | InKey):
            words = self._turn(part, command, at)
        else:
            words = self._tell(part, command, now, at)
        self._enter(part)
        self.time.counted = max(other.counted() for other in self._parts.values())
        if asked and part.asked != asked:
            self._asking.forget(asked)
        # Nudged, it is heard from what is handed over next: nothing of before can sound earlier than it does.
        nudged = isinstance(command, Nudge) or (isinstance(command, TurnKnob) and command.knob == "nudge")
        self._plan.replan([part], part.planned if nudged else since)
        self._plan.settle_hands(part)
        words = f"{part.name}: {words}"
        unasked = isinstance(command, Declare | Propose) or (isinstance(command, TurnKnob) and command.by)
        return words if unasked else self._did(before, words)

    def _enter(self, part: Part) -> None:
        if part.name not in self._parts:
            self._parts[part.name] = part
            self._tape.enter(part.name)

    def _new_part(self, name: str, now: Beats) -> Part:
        if name in self._hearing.ears:
            raise BadInput(f"{name!r} is an input, and so cannot name a part: take another name, such as 'lead'.")
        part = Part(name, self._free_channel(), now, self._seed)
        part.in_key(Beats(0), house=self._house.key)
        return part

    def _did(self, before: Done, words: str) -> str:
        """These words, under which what was done can be undone."""
        self._history.did(replace(before, words=words))
        return words

    def _undo(self, part: str, command: Undo | UndoLast, now: Beats, at: Beats) -> str:
        """Undo or redo what was done last to a part; "" stands for any."""
        done = self._history.pop(part, redo=command.redo)
        house = done.house and self._house
        undone = Done(done.words, {name: self._parts[name].memory() for name in done.before}, house)
        self._history.push(undone, redone=command.redo)
        self._move_into(done.house or self._house, at)
        for name, memory in done.before.items():
            self._restore(self._parts[name], memory, now, at)
        return f"{'redone' if command.redo else 'undone'} from {self.time.place(at)}: {done.words}"

    def _restore(self, part: Part, memory: Memory, now: Beats, at: Beats) -> None:
        since = min(now, at)
        self._asking.forget(part.asked)
        part.restore(memory, now, at, self.time.bar(at))
        self.time.counted = max(other.counted() for other in self._parts.values())
        self._plan.replan([part], since)
        if (part.muted.at(now), part.muted.final()) != (memory.muted, memory.muted):
            self._gate(part, Mute(part=part.name, muted=memory.muted), now, now)
        if (part.soloed.at(now), part.soloed.final()) != (memory.soloed, memory.soloed):
            self._gate(part, Solo(part=part.name, soloed=memory.soloed), now, now)

    def _tell(self, part: Part, command: ToPart, now: Beats, at: Beats) -> str:
        if isinstance(command, Thru | Respond | Prime | Capture):
            return self._jamming.tell(part, command, now, at)
        match command:
            case Declare():
                return "ready"
            case Play(phrase=phrase):
                part.play(phrase, at, plain=command.plain)
                return f"plays {length_of(phrase.length, at, self.time)} from {self.time.place(at)}"
            case Assign() | Propose():
                return self._engage(part, command, now)
            case Act(action=action):
                return self._act(part, action, now, at)
            case Route() | Equip() | Nudge() | Sweep() | TurnKnob():
                return self._instruct(part, command, at)
            case CountIn(phrase=phrase, bars=bars):
                end = at + bars * self.time.bar(at)
                part.count_in(phrase, at, end, self.time.bar(at))
                self._asking.first = self._asking.first if at else end
                return f"counts {counted(Fraction(bars), 'bar')} from {self.time.place(at)}"
            case Fade(level=level, bars=bars):
                part.fade(level, at, bars * self.time.bar(at))
                return f"fades to {level:g} from {self.time.place(at)} over {counted(bars, 'bar')}"
            case Adjust():
                part.adjust(command, at)
                return f"{command.words()} {self._when(command, at)}"
        raise BadInput(f"Nothing is known of the command {type(command).__name__}: update livecode on both sides.")

    def _instruct(self, part: Part, command: Route | Equip | Nudge | Sweep | TurnKnob, at: Beats) -> str:
        """Which instrument it plays, and how that sounds."""
        match command:
            case Route(output=output):
                name = self._output_named(output)
                part.equip(None, name, at)
                return f"goes to {name or 'the synthesizer'} {self._when(command, at)}"
            case Equip(instrument=instrument):
                part.equip(instrument, self._output_named(instrument.output), at)
                return f"plays on {instrument} {self._when(command, at)}"
            case Nudge(ms=ms):
                part.settings["nudge"] = ms
                return f"sounds {abs(ms):g} ms {'earlier' if ms < 0 else 'later'} than its beats" if ms else "sounds on its beats"
            case Sweep(bars=bars):
                return self._sweep(part, command, at, bars)
            case TurnKnob(knob=knob, value=value):
                return f"{part.turn_knob(knob, value, at)} {self._when(command, at)}"

    def _sweep(self, part: Part, command: Sweep, at: Beats, bars: Fraction) -> str:
        control = part.control(command.control)
        command.check(control)
        part.sweep(control, command, at, bars * self.time.bar(at))
        over = f" over {counted(bars, 'bar')}" if bars else ""
        own = f" ({command.control})" if command.control in (part.instrument.names if part.instrument else {}) else ""
        return f"{spelt(control)}{own} {'goes to' if bars else 'set to'} {command.value} {self._when(command, at)}{over}"

    def _turn(self, part: Part, command: Shape | Plain | InKey, at: Beats) -> str:
        match command:
            case Shape(turn=turn):
                return f"{turn} from {self.time.place(part.turn(turn, at))}"
            case Plain():
                part.plain(at)
                return f"plain from {self.time.place(at)}"
            case InKey(key=key):
                part.in_key(at, own=key)
                return f"{f'in {key}' if key else 'in no key of its own'} from {self.time.place(at)}"

    def _output_named(self, name: str) -> str:
        """The whole name of an output of which this is an unmistakable part; "" stays. Raises UnknownName."""
        known = [other.name for other in self._outputs]
        near = [other for other in known if name.casefold() in other.casefold()]
        if not name or name in known:
            return name
        if len(near) != 1:
            raise UnknownName.of("output", name, near or known)
        return near[0]

    def _engage(self, part: Part, command: Assign | Propose, now: Beats) -> str:
        """Something for a model to do. That it is asked is not said here, for after a crash it is not."""
        if isinstance(command, Assign):
            part.assign(command.model, now)
            return "; ".join(filter(None, (f"waits for {command.model.key}", "what sounds goes on", command.model.remark)))
        model = part.propose(command.n)
        return f"asks {model.key} for {counted(Fraction(command.n), 'candidate')}"

    def _act(self, part: Part, action: Action, now: Beats, at: Beats) -> str:
        match action:
            case Action.LOOP:
                part.loop(now, at)
                return f"loops from {self.time.place(at)}"
            case Action.GENERATE | Action.GENERATE_ONCE:
                part.generate(once=action is Action.GENERATE_ONCE)
                return "generates new bars every loop" if action is Action.GENERATE else "generates new bars once, then loops"
            case Action.RESET | Action.RESET_GENERATE:
                then_generate = action is Action.RESET_GENERATE
                part.reset(at, self._reset_length(part, at), then_generate=then_generate)
                return f"empty from {self.time.place(at)}" + (", then new bars once" if then_generate else "")
            case Action.STOP:
                part.stop(at, self.time.bar(at))
                return f"stops at {self.time.place(at)}"

    def _reset_length(self, part: Part, at: Beats) -> Beats:
        if part.model is not None:
            return part.model.bars * self.time.bar(at)
        phrase = part.phrase_at(at)
        return self.time.bar(at) if phrase is None else phrase.length

    def _obey_stage(self, command: AnyCommand, now: Beats, at: Beats) -> str:
        if isinstance(command, SetLatency):
            return self._set_latency(command)
        if isinstance(command, Map | Learn):
            return self._bind(command)
        if isinstance(command, Tempo | SetMeter | SetSwing):
            words = self._set_time(command, at)
        elif isinstance(command, Safe):
            words = self._freeze(now)
        elif isinstance(command, SetKey | Store | Recall):
            parts = self._parts if isinstance(command, Recall) else {}  # a key and a scene that is stored are the house's own
            before = Done("", {name: part.memory() for name, part in parts.items()}, self._house)
            words = self._did(before, self._set_house(command, at))
        else:
            words = self._set_transport(command, now, at)
        self._plan.replan(self._parts.values(), at)
        self._plan.tick_again(max(at, now))
        return words

    def _bind(self, command: Map | Learn) -> str:
        """Bind a knob or pad. Raises UnknownName for what there is not, BadInput for too many."""
        target = command.target and self._looked_up(command.target)
        if isinstance(command, Learn):
            self.controllers.learns = target
            return f"move a knob or hit a pad: it will be {target}" if target else "learns nothing any more"
        source, bound = command.source, dict(self.controllers.bound())
        if source.input:
            source = msgspec.structs.replace(source, input=self._hearing.named(source.input))
        if target is not None and source not in bound and len(bound) >= MOST_BOUND:
            raise BadInput(f"{MOST_BOUND} knobs and pads are bound already: free some with stage.unmap(...).")
        before = self.controllers.bind(source, target)
        if target is None:
            return f"{source} does nothing any more" if before else f"{source} did nothing anyway"
        instead = f", no longer {before}" if before is not None else ""
        return f"{source} {'does' if target.acts else 'turns'} {target}{instead}"

    def _looked_up(self, target: Target) -> Target:
        """The target with the whole name of the output with its light. Raises UnknownName or BadInput for what there is not."""
        if target.part and target.part not in self._parts:
            raise UnknownName.of("part", target.part, self._parts)
        if target.part and target.word not in (*PART_KNOBS, *PART_ACTIONS):
            self._parts[target.part].control(target.word)
        return msgspec.structs.replace(target, feedback=self._output_named(target.feedback))

    def play_controllers(self) -> None:
        """Do what hands on controllers mean by now. What cannot be is noted, once."""
        if not self.controllers.touched:
            return
        now = self.snapshot()
        told = [  # a pad that is hit twice within the reach of the outputs takes back what it has said
            msgspec.structs.replace(state, muted=part.muted.final(), soloed=part.soloed.final())
            for state, part in zip(now.parts, self._parts.values(), strict=True)
        ]
        for command in self.controllers.commands(msgspec.structs.replace(now, parts=tuple(told))):
            try:
                words = self.obey(command).words
            except LivecodeError as error:
                self._plan.note_once((self.controllers, "refused"), f"a controller cannot do that: {error}")
            else:
                if not isinstance(command, TurnKnob | Tempo | SetSwing):
                    self._note(words)

    def _set_latency(self, command: SetLatency) -> str:
        """From what can still be reached then, in its new place; what is nearer keeps the old."""
        name = self._output_named(command.output)
        self.offsets.set(name, command.ms / 1000)
        since = self.time.reachable()
        self._plan.replan(self._parts.values(), since)
        self._plan.tick_again(since)
        return f"{name} is played {command.ms:g} ms early, as its synth sounds late"

    def _set_time(self, command: Tempo | SetMeter | SetSwing, at: Beats) -> str:
        time = self.time
        match command:
            case Tempo(bpm=bpm, bars=bars):
                time.tempo = time.tempo.with_bpm(at, bpm, bars * time.bar(at))
                reached = f", reached over {counted(bars, 'bar')}" if bars else ""
                return f"bpm {float(bpm):g} from {time.place(at)}{reached}"
            case SetMeter(meter=meter):
                time.tempo = time.tempo.with_meter(at, meter)
                for part in self._parts.values():
                    part.realign(at, time.tempo)
                return f"meter {meter} from {time.place(at)}"
            case SetSwing(swing=swing):
                time.tempo = time.tempo.with_swing(at, swing)
                return f"swing {float(swing.ratio):g} from {time.place(at)}"

    def _set_house(self, command: SetKey | Store | Recall, at: Beats) -> str:
        match command:
            case SetKey(key=key):
                self._move_into(replace(self._house, key=key), at)
                return f"{f'in {key}' if key else 'in no key'} from {self.time.place(at)}"
            case Store(scene=name):
                again = " again, the earlier one is gone (undo brings it back)" if name in self._house.scenes else ""
                parts = {part.name: part.memory() for part in self._parts.values() if part.mode is not Mode.COUNTING}
                self._house = self._house.with_scene(name, parts)
                return f"scene {name} stored{again}: {counted(Fraction(len(parts)), 'part')}"
            case Recall(scene=name):
                return self._recall_scene(name, at)

    def _move_into(self, house: House, at: Beats) -> None:
        """Have this key and these scenes."""
        if house.key != self._house.key:
            for part in self._parts.values():
                part.in_key(at, house=house.key)
        self._house = house

    def _recall_scene(self, name: str, at: Beats) -> str:
        scene = self._house.scene(name)
        self._move_into(replace(self._house, key=scene.key), at)
        for part in self._parts.values():
            if part.mode is not Mode.COUNTING:
                self._restore(part, scene.of(part.name, part.memory()), at, at)
                part.begin_anew(at)
        return f"scene {name} from {self.time.place(at)}"

    def _freeze(self, now: Beats) -> str:
        before = Done("", {part.name: part.memory() for part in self._parts.values()})
        frozen = []
        for part in self._parts.values():
            asked = part.asked
            if part.freeze(now):
                self._asking.forget(asked)
                frozen.append(part.name)
        if not frozen:
            return "safe: nothing generates"
        return self._did(before, f"safe: {', '.join(frozen)} {'loops' if len(frozen) == 1 else 'loop'} on")

    def _set_transport(self, command: AnyCommand, now: Beats, at: Beats) -> str:
        match command:
            case Hush():
                before = Done("", {part.name: part.memory() for part in self._parts.values()})
                self._stop_all(now, at)
                return self._did(before, f"all parts stop at {self.time.place(at)}")
            case UndoLast():
                return self._undo("", command, now, at)
            case Panic():
                self._stop_all(now, at)
                self._plan.withdraw(None, at)
                self._plan.silence(None, at)
                return "all parts stopped, all notes off"
            case Pause():
                self._chase.rejoin = False
                self._plan.forget_pause()
                self.time.pause(at)
                return f"pauses at {self.time.place(at)}"
            case Continue():
                self._plan.forget_pause()
                self._chase.rejoin = False
                self.time.go_on(self._chase.entrance())
                return f"goes on at {self.time.place(max(Beats(0), self.time.beat(), self.time.held))}"
            case Restart():
                for part in self._parts.values():
                    part.begin_anew(at)
                self._plan.ticking.begin_anew(at)
                return f"all loops begin anew at {self.time.place(at)}"
            case SendClock():
                return self._send_clock(command, now)
            case FollowClock(source=source):
                return self._chase.follow(source)
        raise BadInput(f"Nothing is known of the command {type(command).__name__}: update livecode on both sides.")

    def _stop_all(self, now: Beats, at: Beats) -> None:
        self.time.counted = Beats(0)
        for part in self._parts.values():
            self._asking.forget(part.asked)
            self._plan.replan([part], _first(at, part.next_change(now)))
            part.stop(at, self.time.bar(at))

    def _gate(self, part: Part, command: Mute | Solo, now: Beats, at: Beats) -> str:
        """Mute or solo."""
        if isinstance(command, Mute):
            part.muted.set(at, command.muted)
            words = "muted" if command.muted else "heard again"
        else:
            part.soloed.set(at, command.soloed)
            self._plan.soloists = [other for other in self._parts.values() if any(other.soloed.values())]
            words = "solo" if command.soloed else "out of solo"
        for other in self._parts.values():
            if self._plan.audible(other, at):
                self._plan.replan([other], max(at, now))
            else:
                self._plan.replan([other], at)
                if at < now or (at == now and other.thrus):  # keys that are held are in no plan
                    self._plan.silence(other.name, at)
        return f"{words} {self._when(command, at)}"

    def _when(self, command: ToPart, at: Beats) -> str:
        return "now" if command.on is On.NOW else f"from {self.time.place(at)}"

    def _free_channel(self) -> int:
        taken = {part.own_channel for part in self._parts.values()}
        return next((channel for channel in range(16) if channel not in taken and channel != DRUM_CHANNEL), len(taken) % 9)

    # MIDI clock

    def _send_clock(self, command: SendClock, now: Beats) -> str:
        """Begin to send clock to an output, or end it."""
        name = self._output_named(command.output)
        output = next((other for other in self._outputs if other.name == name), None)
        if not isinstance(output, Clocked):
            raise BadInput(f"{name or 'The synthesizer'} takes no clock: name a MIDI port, opened with stage.midi(...).")
        if command.off:
            self._plan.ticking.outputs.discard(name)
            output.withdraw_pulse(Beats(0))
            output.pulse([ClockEvent(now, self._clock.now(), Signal.HALT, 0)])
            return f"{name} gets no clock any more"
        self._plan.ticking.outputs.add(name)
        return f"{name} gets MIDI clock, 24 ticks a beat, with start, stop and song position"

    # Models

    def receive(self, reply: Reply) -> None:
        """A model has answered: the phrase enters at the next boundary. A reply that nobody waits for is dropped."""
        now = self.time.reachable()
        if (proposed := self._asking.proposed(reply, now)) is not None:
            self._record(proposed)
        answered = self._asking.landed(reply, self.time.entrance())
        if answered is None:
            return
        part, asked = answered
        if reply.phrase is None:
            self._plan.note_once(part, f"{part.name} goes on with what it has: {part.trouble}")
            return
        self._plan.note_once(part, "")
        part.settle(now)
        at = part.entry(self.time.entrance(), self.time.tempo)
        if part.mode is Mode.RESPOND and part.exchange is not None and part.exchange.late(at):
            self._note(f"{part.name}'s answer is late: it begins at {self.time.place(at)}")
        part.answer(reply.phrase, at)
        self._record(
            Answered(
                now=now,
                at=at,
                part=part.name,
                packed=packed(reply.phrase),
                asked=asked.now,
                asks=part.asks,
                asks_ever=part.asks_ever,
                request=asked.request,
            )
        )
        self._plan.replan([part], at)
        self._start_if_sounding()
        self._plan.record_moves()

    def errands(self) -> tuple[Errand, ...]:
        """What performers' functions are asked. Any thread may call it."""
        return self._errands.open()

    def give_up(self, errands: Iterable[Errand], why: str) -> None:
        """Nobody will answer these; "" says that this is no trouble."""
        self._errands.give_up(errands, why)

    def hand_in(self, hand: HandIn) -> Outcome:
        """A performer's function has answered: its loop is heard if it can still be. What nobody waits for is dropped."""
        now = self.time.reachable()
        out = self._errands.landed(hand, now)
        if out is not None and hand.phrase is not None:
            out.part.turning.shaped(out.errand.function, hand.phrase, out.begin)
            self._record(
                Shaped(now=now, at=out.begin, part=out.part.name, function=out.errand.function, packed=packed(hand.phrase))
            )
            self._plan.replan([out.part], out.begin)
        return Outcome(now, "")

    def waiting(self) -> bool:
        """True while a part waits for an answer."""
        return self._asking.waiting()

    # Time

    def advance(self, until: Seconds) -> None:
        """Hand the outputs everything that sounds before `until` (on the clock), and ask the models what should be asked now."""
        try:
            self._chase.go_along()
        except Exception as error:  # the tempo stays
            self._plan.note_once("chase", f"the clock that is followed failed ({error!r}): the music goes on at this tempo.")
        heard = self.time.sounding() if self.time.running else None
        if heard is not None and self.time.pause_at is not None:
            heard = min(heard, self.time.pause_at)
        for part in self._parts.values():
            if heard is not None:
                part.settle(heard)
        if self.time.running:
            self._performance.come_until(until)
            begin, end = self.time.window(MOST_LATE, until)
            for part in self._parts.values():
                self._loop_if_played(part, end)
            self._plan.give(self._plan.planned(Beats(0) if self._performance.agenda else begin, end))
            self._plan.tick(begin, end)
            self._plan.pause_if_due()
        elif self.time.paused:
            self._performance.come_in_pause()
        self._ask_if_due()  # last: if that fails, the music goes on

    def _loop_if_played(self, part: Part, end: Beats) -> None:
        """Have what was played as a loop, if the plan has come to where it is to begin."""
        now = self.time.reachable()
        performed = self._performance.agenda is not None and part.name in self._performance.agenda.parts
        if part.capture is None or performed or self._later(part.name, 0, now, part.capture.at):
            return
        looped = self._jamming.looped(part, end, self.time.beat_at(self._clock.now() - _HEARD_WITHIN), now)
        if looped is not None:
            part.settle(now)
            part.looped(looped.phrase, looped.at)
            self._record(looped)
            self._plan.replan([part], max(now, looped.at))

    def _ask_if_due(self) -> None:
        here, now, sounding = self.time.reachable(), self.time.entrance(), self.time.beat()
        performed = self._performance.agenda.parts if self._performance.agenda else ()
        for part in (part for part in self._parts.values() if part.name not in performed):
            asked = self._asking.ask_if_due(part, sounding, here, now, self.time.tempo)
            if asked is not None:
                self._record(asked)
            elif part.trouble and part.listens():
                self._plan.note_once(part, f"{part.name} does not answer: {part.trouble}")
            self._errands.look(part, here)
            for trouble in filter(None, (part.turning.trouble, part.turning.lacks)):
                self._plan.note_once((part, "transforms"), f"{part.name} {trouble}")

    def ask_again(self, fact: Asked) -> None:
        """Have a part ask its model what it asked at this beat before, if it would."""
        if fact.part in self._parts:
            part, entrance = self._parts[fact.part], self.time.entrance()
            part.settle(fact.now)
            if (asked := self._asking.ask_again(part, fact, entrance, self.time.tempo)) is not None:
                self._record(asked)

    # After a crash

    def recall(self, facts: Iterable[Fact], crashed: Seconds) -> CameBack:
        """Be as after these facts, up to a crash at that time, and play on from the next bar, on the beats of before.

        To be called before anything else, with all outputs that the facts name. What no longer can be is noted and left out.
        The tape begins here: `retell` says what sounded before. Returns the fact that the engine is back.
        """
        moved = self._plan.moved
        for fact in facts:
            if isinstance(fact, Moved):
                moved = fact
            else:
                self._recall(fact)
        self.time.move(moved)
        self._plan.moved = self.time.moved()
        ended = max(self.time.held, self.time.beat_at(crashed))
        self._plan.pause_if_due()
        now = self.time.reachable()
        self._come_back(now)
        self._hearing.let_go(min(ended, now))
        self._tape.withdraw(None, Beats(0))
        back = CameBack(crashed=min(ended, now), now=now)
        self._record(back)
        for part in self._parts.values():
            if part.model is not None:
                self._asking.prepare(part.name, part.model)
        return back

    def _come_back(self, now: Beats) -> None:
        """Hand over events from here on, and notes from the next bar on."""
        self._plan.handed, self._plan.silent_until = now, self.time.tempo.line_after(now) if self.time.running else now
        for part in self._parts.values():
            part.settle(now)
            part.come_back(now)
            self._plan.settle_hands(part)
        self._plan.ticking.go(self._plan.silent_until)

    def _recall(self, fact: Fact) -> None:
        try:
            self.take_in(fact)
        except Exception as error:  # it must come back with all that can be had
            self._note(f"left out after the crash: {error}")

    def _take_in_command(self, fact: Taken) -> None:
        if not isinstance(fact.command, Pause | Continue):  # `Moved` says it
            self.settle(fact.command, min(fact.now, fact.at))
            self.do(fact.command, fact.now, fact.at)
        if self._performance.agenda is not None and fact.place:
            self._performance.agenda.skip(fact.place)
        else:
            self._performance.take_over(fact.command)

    def take_in(self, fact: Fact) -> None:
        match fact:
            case PortOpened(now=now, name=name):
                self._welcome(name, now)
            case InputOpened() | Heard() | Looped():
                self._take_in_played(fact)
            case Answered(part=name) | Shaped(part=name) if name in self._parts:
                self._hear_again(self._parts[name], fact)
            case Asked(now=now):
                for part in self._parts.values():
                    part.settle(now)
            case Proposed(part=name, phrases=phrases) if name in self._parts:
                self._parts[name].proposed(Reply("", None, None, 0.0, phrases))
            case Steered(at=at, bpm=bpm):
                self._chase.steer(at, bpm)
            case Performing():
                self._performance.take_up(fact)
            case Taken():
                self._take_in_command(fact)

    def _take_in_played(self, fact: InputOpened | Heard | Looped) -> None:
        match fact:
            case InputOpened(name=name):
                self._open_ear(name)
            case Heard(name=name, said=said):
                self._hear(name, [(beat, tuple(bytes.fromhex(spelt))) for beat, spelt in said])
            case Looped(now=now, at=at, part=name, phrase=phrase) if name in self._parts:
                part = self._parts[name]
                part.settle(now)
                part.looped(phrase, at)
                part.capture = None

    def _hear_again(self, part: Part, fact: Answered | Shaped) -> None:
        """What a model, or a performer's function, gave."""
        part.settle(fact.now)
        if isinstance(fact, Shaped):
            part.turning.shaped(fact.function, fact.phrase, fact.at)
            self._plan.replan([part], fact.at)
            return
        part.answer(fact.phrase, fact.at)
        part.asks, part.asks_ever = fact.asks, fact.asks_ever

    def retell(self, facts: Iterable[Fact]) -> Iterator[None]:
        """Put on the tape what sounded up to the crash that these facts end with; the parts then have all their takes.

        To be called instead of anything else, with outputs that nobody hears of all names that the facts have. It takes its
        time, and yields every few bars.
        """
        for fact in facts:
            match fact:
                case Moved():
                    yield from self._told(fact.held)
                    if fact.started is not None:
                        self._plan.forget_pause()
                    self.time.move(fact)
                case Slept():
                    yield from self._told(fact.end)
                    self.relive(fact)
                case CameBack():
                    yield from self._told(fact.crashed)
                    self.relive(fact)
                case Over():
                    yield from self._told(fact.now)
                case _:
                    yield from self._told(fact.now)
                    self._recall(fact)

    def relive(self, fact: Fact) -> None:
        """Let happen again what happened of itself, and what was played on inputs. What the machine slept through or a crash cut
        off is taken from the tape, which is past it."""
        if isinstance(fact, Slept):
            self._tape.leave_out(fact.part or None, fact.begin, fact.end)
        elif isinstance(fact, CameBack):
            self._plan.withdraw(None, fact.crashed)
            self._plan.silence(None, fact.crashed)
            for event in self._hearing.let_go(fact.crashed):
                self._tape.insert(event)
            self._come_back(fact.now)
        else:
            self._recall(fact)
        if isinstance(fact, Looped) and fact.part in self._parts:
            self._plan.replan([self._parts[fact.part]], max(fact.now, fact.at))
        self._record(fact)

    def _told(self, end: Beats) -> Iterator[None]:
        """Put on the tape what was handed over up to this beat."""
        pause = self.time.pause_at
        end = end if pause is None else min(end, pause)
        while self._plan.handed < end or (end == pause and not self.time.pause_planned):
            self._tape.schedule(self._plan.planned(Beats(0), min(end, self._plan.handed + _STRETCH)))
            yield

    def remember(self, told: "Sequencer") -> Outcome:
        """Have the takes from before a crash, which were retold."""
        for name, part in told._parts.items():
            if name in self._parts:
                self._parts[name].remember(part.takes)
        return Outcome(self.time.reachable(), "what sounded before the crash is on the tape, and among the takes, again")

    def begin(self) -> None:
        """Let musical time begin, if it never has, although nothing may sound yet."""
        if not (self.time.running or self.time.paused) and not (
            self._chase.following and self._chase.following.holds(self._clock.now())
        ):
            self.time.run(self._chase.entrance())
            self._plan.record_moves()

    def _start_if_sounding(self) -> None:
        if any(part.phrase_at(Beats(0)) for part in self._parts.values()):
            self.begin()

    # What is performed

    def perform(self, path: str, begin: Beats) -> Outcome:
        """Perform the recording in this file from its bar line `begin` on: as it was, where nothing has been said yet; else from
        the next bar on, beside what plays, in the recording's tempo, meter and swing.

        What was said before `begin` is taken in silently. Performed parts ask no model. What is performed already is dropped.
        Raises BadInput while the music is paused, and what reading the file raises.
        """
        self._plan.pause_if_due()
        if self.time.paused or self.time.pause_at is not None:
            raise BadInput("The music is paused: let it go on before something is performed, with stage.go_on().")
        recording = self._recordings(path)
        name, tempo = PurePath(path).stem, tempo_at(recording, recording.end)
        bars = tempo.bar_at(recording.end) + (recording.end > tempo.line_before(recording.end))
        first = tempo.bar_at(max(begin, Beats(0)))
        if not 0 <= begin < max(recording.end, Beats(1)):
            raise BadInput(f"{name} has no bar {first + 1} to perform: it has {bars}.")
        fresh = not (self.time.running or self._touched)
        now = begin if fresh else self.time.tempo.line_after(self.time.reachable())
        performing = Performing(now=now, path=path, begin=begin, fresh=fresh)
        self._record(performing)
        self._performance.take_up(performing)
        self.begin()
        begun = f" from its bar {first + 1}" if first else ""
        return Outcome(now, f"performs {name}{begun}: {counted(Fraction(bars - first), 'bar')} from {self.time.place(now)} on")

    # What is shown

    def snapshot(self) -> Snapshot:
        """What is so at this moment."""
        now = max(self.time.held, self.time.beat())
        line = self.time.tempo.line_before(now)
        return Snapshot(
            running=self.time.running,
            paused=self.time.paused,
            beats=now,
            bar=self.time.tempo.bar_at(now) + 1,
            beat=now - line + 1,
            bpm=self.time.tempo.bpm_at(now),
            meter=str(self.time.tempo.meter_at(now)),
            swing=self.time.tempo.swing_at(now),
            parts=tuple(
                state_of(part, now, self.time, self._hearing.ears, audible=self._plan.audible(part, now))
                for part in self._parts.values()
            ),
            at=self._clock.now(),
            key=self._house.key,
            scenes=tuple(self._house.scenes),
            bound=self.controllers.bound(),
            learns=self.controllers.learns,
            follows="" if self._chase.following is None else self._chase.following.words(self.time, self._clock.now()),
        )

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded, oldest first."""
        return tuple(take.phrase for take in self._parts[part].takes) if part in self._parts else ()

    def candidates(self, part: str) -> Candidates:
        """What the part's model has proposed."""
        return self._parts[part].candidates() if part in self._parts else Candidates()


def _first(beat: Beats, other: Beats | None) -> Beats:
    return beat if other is None else min(beat, other)
