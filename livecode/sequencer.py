"""The sequencer: takes commands and answers, plans in beats, hands events to the outputs in time. It knows no thread.

Everything happens in `obey`, `receive` and `advance`, all called by one thread at a time. The same calls at the same clock times
give the same events, live and offline.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import PurePath

import msgspec

from .agenda import Agenda, Entry, before, moved, tempo_at
from .asking import Asking, Later, Models
from .bindings import PART_ACTIONS, PART_KNOBS, Target
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
    PartState,
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
from .following import Following
from .gm import DRUM_CHANNEL
from .hearing import Hearing
from .inputs import Arrival
from .inputs.messages import strikes
from .inputs.through import Way
from .jamming import Jamming
from .masters import Change, Master, Turn
from .models.wire import INPUT, Reply
from .music import Beats, ControlEvent, Event, Note, NoteEvent, Phrase, ProgramEvent, ReleaseEvent, Seconds, counted
from .outputs import MOST_LATE, Output
from .outputs.pulse import Clocked, ClockEvent, Signal
from .outputs.tape import Tape
from .packing import packed
from .parts import PROGRAM, Memory, Mode, Part
from .punctuality import Offsets, earlier, shifted
from .recording import Recording, no_recording
from .scenes import House
from .tempo import Meter, TempoMap
from .ticking import Ticking
from .transport import Transport, on_grid
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
        self.time = Transport(clock, TempoMap.steady(bpm, meter), lead_in=lead_in, buffered=self.buffered)
        self._tape = tape
        self.offsets = Offsets()
        self._hearing = Hearing(self.time)
        self.controllers = Controllers()
        self._parts: dict[str, Part] = {}
        self._asking = Asking(clock, models, seed, self._parts, self._hearing.ears, later)
        self._later = later
        self._jamming = Jamming(self.time, self._hearing, self._parts, self._note)
        self._seed = seed
        self._history = History()
        self._recordings = recordings
        self._agenda: Agenda | None = None
        """What is performed."""
        self._touched = False
        """Whether anything was said to a part but that there is one."""
        self._ahead = False
        """Whether something happens that the outputs come to later."""
        self._stood: Seconds = 0.0
        """When time began to stand still while something is performed."""
        self._house = House()
        self._errands = Errands()
        self._soloists: list[Part] = []
        """The parts that are solo, are to be, or have been."""
        self._troubles: dict[object, str] = {}
        self._handed = Beats(0)
        self._silent_until = Beats(0)
        self._moved = self.time.moved()
        self._ticking = Ticking()
        self._masters: dict[str, Master] = {}
        self._following: Following | None = None
        self._theirs: Turn | None = None
        """What the clock that is followed did, to be done as soon as time stands still."""
        self._rejoin = False
        """Whether to go on with it, as soon as time stands still."""

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
        if first is not None and self._jamming.answers(name):
            self.time.run_from(first)
            self._record_moves()

    def _hear(self, name: str, said: Iterable[Said]) -> None:
        for event in self._hearing.hear(name, said):
            self._tape.insert(event)

    def held(self) -> list[Event]:
        """The notes that are held on inputs, as if they ended now."""
        return self._hearing.held(max(self.time.held, self.time.beat()))

    def ways(self) -> Mapping[str, tuple[Way, ...]]:
        """Where what is played on each input goes at once, without waiting for the plan."""
        now = self.time.sounding()
        return self._hearing.ways([part for part in self._parts.values() if self._audible(part, now)], self._outputs, now)

    def _settle_hands(self, part: Part) -> None:
        """A part that is only played through has no plan that could tell its output how it should sound."""
        now = self.time.reachable()
        if not part.thrus:
            return
        unsaid = part.unsaid(now)
        if not unsaid or not self._outputs:
            return
        output = next((other for other in self._outputs if other.name == part.route.at(now)), self._outputs[0])
        channel, seconds = part.channel_by_hand(now), self._clock.now()
        events = [self._set_on(channel, part, now, seconds, key, value) for key, value in unsaid]
        self._to_one(output, lambda output: output.schedule(events))

    def _welcome(self, output: str, now: Beats) -> None:
        """If it is the first output, have it hear of all settings."""
        if self._outputs[0].name == output:
            for part in self._parts.values():
                part.route.set(now, output)
            self._replan(self._parts.values(), now)

    def channels(self) -> set[int]:
        """The MIDI channels (0-15) that parts have played on."""
        return {channel for part in self._parts.values() for channel in part.channels()}

    def buffered(self) -> Seconds:
        """How long before it sounds an event is out of reach: by what the slowest output and its synth take, and the most nudged
        part."""
        slowest = max((output.latency + self.offsets.of(output.name) for output in self._outputs), default=0.0)
        return slowest + max((-nudge for nudge in self._nudges().values()), default=0.0)

    def _nudges(self) -> dict[str, Seconds]:
        """How much later parts sound than their beats say, of those that do."""
        return {name: part.settings["nudge"] / 1000 for name, part in self._parts.items() if "nudge" in part.settings}

    # Commands

    def obey(self, command: AnyCommand, request: str = "", at: Beats | None = None) -> Outcome:
        """Do what a client says, in the request of this id; so that it takes effect at beat `at`, if that is known.

        Raises BadInput with one sentence if that cannot be; nothing has changed then.
        """
        self._pause_if_due()
        if isinstance(command, Continue) and self.time.pause_at == self.time.reachable():
            self._pause_now()
        if isinstance(command, Pick):
            command = self._picked(command)
        if isinstance(command, Tempo) and (words := self._tempo_of_others(command)):
            return Outcome(self.time.reachable(), words)
        now, at = self.time.reachable(), self._moment(command) if at is None else at
        self._settle(command, min(now, at))
        words = self._do(command, now, at)
        if isinstance(command, Assign):
            self._asking.prepare(command.part, command.model)
            self._look_for(command.part, command.model.chords)
        if isinstance(command, Propose):
            self._asking.propose(self._parts[command.part], command.n, now, self.time.entrance(), self.time.tempo)
        self._record(Taken(now=now, at=at, command=command, id=request))
        self._start_if_sounding()
        self._record_moves()
        return Outcome(at, words + self._take_over(command))

    def _settle(self, command: AnyCommand, now: Beats) -> None:
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

    def _do(self, command: AnyCommand, now: Beats, at: Beats) -> str:
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
        self._replan([part], part.planned if nudged else since)
        self._settle_hands(part)
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
        self._replan([part], since)
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
                return f"plays {self._length(phrase.length, at)} from {self.time.place(at)}"
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
        self._replan(self._parts.values(), at)
        self._tick_again(max(at, now))
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
                self._note_once((self.controllers, "refused"), f"a controller cannot do that: {error}")
            else:
                if not isinstance(command, TurnKnob | Tempo | SetSwing):
                    self._note(words)

    def _set_latency(self, command: SetLatency) -> str:
        """From what can still be reached then, in its new place; what is nearer keeps the old."""
        name = self._output_named(command.output)
        self.offsets.set(name, command.ms / 1000)
        since = self.time.reachable()
        self._replan(self._parts.values(), since)
        self._tick_again(since)
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
                self._withdraw(None, at)
                self._silence(None, at)
                return "all parts stopped, all notes off"
            case Pause():
                self._rejoin = False
                self._forget_pause()
                self.time.pause(at)
                return f"pauses at {self.time.place(at)}"
            case Continue():
                self._forget_pause()
                self._rejoin = False
                self.time.go_on(self._entrance())
                return f"goes on at {self.time.place(max(Beats(0), self.time.beat(), self.time.held))}"
            case Restart():
                for part in self._parts.values():
                    part.begin_anew(at)
                self._ticking.begin_anew(at)
                return f"all loops begin anew at {self.time.place(at)}"
            case SendClock():
                return self._send_clock(command, now)
            case FollowClock(source=source):
                return self._follow_clock(source)
        raise BadInput(f"Nothing is known of the command {type(command).__name__}: update livecode on both sides.")

    def _forget_pause(self) -> None:
        """Take back from the outputs that everything ends where a pause was to begin."""
        if self.time.pause_at is not None and self.time.pause_planned:
            self._withdraw(None, self.time.pause_at)
            self._tick_again(self.time.pause_at)

    def _stop_all(self, now: Beats, at: Beats) -> None:
        self.time.counted = Beats(0)
        for part in self._parts.values():
            self._asking.forget(part.asked)
            self._replan([part], _first(at, part.next_change(now)))
            part.stop(at, self.time.bar(at))

    def _gate(self, part: Part, command: Mute | Solo, now: Beats, at: Beats) -> str:
        """Mute or solo."""
        if isinstance(command, Mute):
            part.muted.set(at, command.muted)
            words = "muted" if command.muted else "heard again"
        else:
            part.soloed.set(at, command.soloed)
            self._soloists = [other for other in self._parts.values() if any(other.soloed.values())]
            words = "solo" if command.soloed else "out of solo"
        for other in self._parts.values():
            if self._audible(other, at):
                self._replan([other], max(at, now))
            else:
                self._replan([other], at)
                if at < now or (at == now and other.thrus):  # keys that are held are in no plan
                    self._silence(other.name, at)
        return f"{words} {self._when(command, at)}"

    def _when(self, command: ToPart, at: Beats) -> str:
        return "now" if command.on is On.NOW else f"from {self.time.place(at)}"

    def _audible(self, part: Part, beat: Beats) -> bool:
        if part.muted.at(beat):
            return False
        alone = any(other.soloed.at(beat) for other in self._soloists)
        return part.soloed.at(beat) or not alone or part.counting.at(beat)

    def _replan(self, parts: Iterable[Part], since: Beats) -> None:
        """Take back what the outputs have from `since` on; `advance` hands it over anew."""
        for part in parts:
            if since < part.planned:
                self._withdraw(part.name, since)
                part.planned = since

    def _withdraw(self, part: str | None, since: Beats) -> None:
        self._to_outputs(lambda output: output.withdraw(part, since))

    def _silence(self, part: str | None, at: Beats) -> None:
        if self._ahead:
            self._tape.silence(part, at)  # outputs are told with what is handed over
        else:
            self._to_outputs(lambda output: output.silence(part, at))

    def _to_outputs(self, action: Callable[[Output], None]) -> None:
        """Do this with every output. One that fails is noted, and keeps none of the others from playing."""
        for output in (*self._outputs, self._tape):
            self._to_one(output, action)

    def _to_one(self, output: Output, action: Callable[[Output], None]) -> None:
        try:
            action(output)
        except Exception as error:
            self._note_once(output, f"{output.name} failed ({error}): the others play on.")

    def _note_once(self, who: object, sentence: str) -> None:
        if self._troubles.get(who, "") != sentence:
            self._troubles[who] = sentence
            if sentence:
                self._note(sentence)

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
            self._ticking.outputs.discard(name)
            output.withdraw_pulse(Beats(0))
            output.pulse([ClockEvent(now, self._clock.now(), Signal.HALT, 0)])
            return f"{name} gets no clock any more"
        self._ticking.outputs.add(name)
        return f"{name} gets MIDI clock, 24 ticks a beat, with start, stop and song position"

    def _tick(self, begin: Beats, end: Beats) -> None:
        """Hand over the clock's signals up to `end`."""
        if self._ticking.outputs and (events := self._ticking.events(begin, end, self.time)):
            self._to_clocked(lambda output: output.pulse(earlier(events, self.offsets.of(output.name))))

    def _tick_again(self, since: Beats) -> None:
        """Take back the clock's signals from `since` on; `advance` hands them over anew."""
        self._ticking.again(since)
        self._to_clocked(lambda output: output.withdraw_pulse(since))

    def _to_clocked(self, action: Callable[[Clocked], None]) -> None:
        def act(output: Output) -> None:
            if isinstance(output, Clocked) and output.name in self._ticking.outputs:
                action(output)

        self._to_outputs(act)

    # Following another clock

    def offer(self, name: str, master: Master) -> None:
        """There is a clock of this name, which can be followed."""
        self._masters[name] = master
        if self._following is not None and self._following.name == name:
            self._following = Following(name, master)

    def _follow_clock(self, source: str) -> str:
        """Raises UnknownName."""
        if not source:
            had, self._following, self._theirs = self._following, None, None
            return f"{had.name} is not followed any more: the tempo stays" if had else "no clock is followed"
        near = [name for name in self._masters if source.casefold() in name.casefold()]
        name = source if source in self._masters else near[0] if len(near) == 1 else ""
        if not name:
            raise UnknownName.of("clock", source, near or self._masters)
        self._following = Following(name, self._masters[name])
        return f"follows the clock of {name}"

    def _tempo_of_others(self, command: Tempo) -> str:
        """What becomes of a tempo that is not ours alone; "" if it is. Raises BadInput."""
        following, now = self._following, self._clock.now()
        if following is None or not following.master.state(now).heard:
            return ""
        if not following.master.shared:
            raise BadInput(f"The tempo follows {following.name}: turn it there, or stage.follow_clock(None) comes first.")
        if command.bars:
            raise BadInput(f"The tempo is shared by {following.name}, which knows no ramps: set it at once, stage.bpm = 120.")
        following.master.lead(float(command.bpm))
        return f"bpm {float(command.bpm):g} for everybody on {following.name}"

    def _entrance(self) -> Seconds | None:
        """When time may go on, to be where the clock is that is followed; None for as soon as it can."""
        return self._following.entrance(self.time, self._clock.now()) if self._following else None

    def _chase(self) -> None:
        """Do as the clock does that is followed."""
        now = self._clock.now()
        for name, master in list(self._masters.items()):
            turns = master.read(now)
            if self._following is not None and self._following.name == name:
                for turn in turns:
                    self._heed(self._following, turn)
            elif self._following is not None and master.state(now).heard and not master.shared:
                self._note_once((name, "clock"), f"{name} sends a clock, too: {self._following.name} is followed.")
        if self._following is None:
            return
        if not self.time.running:
            self._join_if_due(self._following)
        elif self.time.pause_at is None and self._following.astray(self.time, now):
            self._note(f"{self._following.name} has its bar lines elsewhere: the music waits for the next")
            self._rejoin = True
            self._stand_still(self.time.moment(On.BAR))
        for steer in self._following.steer(self.time, now, self._handed):
            self._record(Steered(now=self.time.reachable(), at=steer.at, bpm=steer.bpm))
            self._steer(steer.at, steer.bpm)
        self._note_once((self._following.name, "trouble"), self._following.trouble(now))

    def _heed(self, following: Following, turn: Turn) -> None:
        """The clock that is followed was started or stopped."""
        self._note(f"{following.name} {turn.change.value}")
        self._theirs = None if turn.change is Change.STOPPED else turn
        if self.time.running:
            theirs = Beats(0) if following.offset is None else on_grid(following.offset + Fraction(turn.beat))
            self._stand_still(max(self.time.reachable(), theirs if turn.change is Change.STOPPED else Beats(0)))

    def _stand_still(self, at: Beats) -> None:
        """Until the clock that is followed goes on."""
        self._forget_pause()
        self.time.pause(at)
        self._replan(self._parts.values(), at)
        self._tick_again(at)
        if self.time.beat() < self.time.held:
            self.time.call_off()
        self._record_moves()

    def _join_if_due(self, following: Following) -> None:
        """Go on, if the clock that is followed does."""
        turn, self._theirs = self._theirs, None
        rejoin, self._rejoin = self._rejoin, False
        if turn is not None:
            self._join(following, turn)
        elif rejoin:
            self.time.run(self._entrance())
            self._record_moves()
        else:
            self._start_if_sounding()

    def _join(self, following: Following, turn: Turn) -> None:
        """Go on from where time stands still, together with the clock that is followed."""
        held = self.time.held
        sounding = any(part.phrase_at(Beats(0)) for part in self._parts.values())
        if not (self.time.paused or sounding):
            return  # with the first notes
        beat, moment = following.landing(turn, self.time, self._clock.now())
        if turn.change is Change.BEGAN and held:
            self._record(Taken(now=held, at=beat, command=Restart(on=On.NOW)))
            self._do(Restart(), held, beat)
        if beat > held:
            self._record(Slept(begin=held, end=beat))
            self.time.held = self._handed = beat
        self.time.run_with(beat, moment)
        events = [event for part in self._parts.values() for event in self._events(part, self.time.held, self.time.held)]
        for part in self._parts.values():
            part.planned = max(part.planned, self.time.held)
        self._to_outputs(lambda output: self._hand_over(sorted(events, key=_order), output))
        self._record_moves()

    def _steer(self, at: Beats, bpm: Fraction) -> None:
        self.time.tempo = self.time.tempo.with_bpm(at, bpm)
        self._replan(self._parts.values(), at)
        self._tick_again(at)

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
            self._note_once(part, f"{part.name} goes on with what it has: {part.trouble}")
            return
        self._note_once(part, "")
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
        self._replan([part], at)
        self._start_if_sounding()
        self._record_moves()

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
            self._replan([out.part], out.begin)
        return Outcome(now, "")

    def waiting(self) -> bool:
        """True while a part waits for an answer."""
        return self._asking.waiting()

    # Time

    def follow(self) -> None:
        """Let the outputs look at their devices' clocks; note what has come to trouble them."""
        self._to_outputs(self._follow)

    def _follow(self, output: Output) -> None:
        output.follow()
        if not output.trouble and self._troubles.get((output, "trouble")):
            self._note(f"{output.name} plays now: {output}.")
        self._note_once((output, "trouble"), f"{output.name}: {output.trouble}." if output.trouble else "")

    def advance(self, until: Seconds) -> None:
        """Hand the outputs everything that sounds before `until` (on the clock), and ask the models what should be asked now."""
        self._chase()
        heard = self.time.sounding() if self.time.running else None
        if heard is not None and self.time.pause_at is not None:
            heard = min(heard, self.time.pause_at)
        for part in self._parts.values():
            if heard is not None:
                part.settle(heard)
        if self.time.running:
            self._perform_until(until)
            begin, end = self.time.window(MOST_LATE, until)
            for part in self._parts.values():
                self._loop_if_played(part, end)
            self._give(self._planned(Beats(0) if self._agenda else begin, end))
            self._tick(begin, end)
            self._pause_if_due()
        elif self.time.paused:
            self._perform_in_pause()
        self._ask_if_due()  # last: if that fails, the music goes on

    def _loop_if_played(self, part: Part, end: Beats) -> None:
        """Have what was played as a loop, if the plan has come to where it is to begin."""
        now = self.time.reachable()
        performed = self._agenda is not None and part.name in self._agenda.parts
        if part.capture is None or performed or self._later(part.name, 0, now, part.capture.at):
            return
        looped = self._jamming.looped(part, end, self.time.beat_at(self._clock.now() - _HEARD_WITHIN), now)
        if looped is not None:
            part.settle(now)
            part.looped(looped.phrase, looped.at)
            self._record(looped)
            self._replan([part], max(now, looped.at))

    def _ask_if_due(self) -> None:
        here, now, sounding = self.time.reachable(), self.time.entrance(), self.time.beat()
        performed = self._agenda.parts if self._agenda else ()
        for part in (part for part in self._parts.values() if part.name not in performed):
            asked = self._asking.ask_if_due(part, sounding, here, now, self.time.tempo)
            if asked is not None:
                self._record(asked)
            elif part.trouble and part.listens():
                self._note_once(part, f"{part.name} does not answer: {part.trouble}")
            self._errands.look(part, here)
            for trouble in filter(None, (part.turning.trouble, part.turning.lacks)):
                self._note_once((part, "transforms"), f"{part.name} {trouble}")

    def ask_again(self, fact: Asked) -> None:
        """Have a part ask its model what it asked at this beat before, if it would."""
        if fact.part in self._parts:
            part, entrance = self._parts[fact.part], self.time.entrance()
            part.settle(fact.now)
            if (asked := self._asking.ask_again(part, fact, entrance, self.time.tempo)) is not None:
                self._record(asked)

    def _pause_if_due(self) -> None:
        if self.time.stands_still():
            self._note(f"paused at {self.time.place(self.time.held)}")
            self._record_moves()

    def _pause_now(self) -> None:
        """A pause that cannot be called off any more has its moment, so that time can go on from there."""
        assert self.time.pause_at is not None
        events = self._planned(*self.time.window(MOST_LATE, self.time.straight_at(self.time.pause_at)))
        self._to_outputs(lambda output: self._hand_over(events, output))
        self.time.stand_still()
        self._record_moves()

    def _record_moves(self) -> None:
        if (moved := self.time.moved()) != self._moved:
            if self._moved.started is None and moved.started is not None:
                self._ticking.go(moved.held)
            self._moved = moved
            self._record(moved)

    # After a crash

    def recall(self, facts: Iterable[Fact], crashed: Seconds) -> CameBack:
        """Be as after these facts, up to a crash at that time, and play on from the next bar, on the beats of before.

        To be called before anything else, with all outputs that the facts name. What no longer can be is noted and left out.
        The tape begins here: `retell` says what sounded before. Returns the fact that the engine is back.
        """
        moved = self._moved
        for fact in facts:
            if isinstance(fact, Moved):
                moved = fact
            else:
                self._recall(fact)
        self.time.move(moved)
        self._moved = self.time.moved()
        ended = max(self.time.held, self.time.beat_at(crashed))
        self._pause_if_due()
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
        self._handed, self._silent_until = now, self.time.tempo.line_after(now) if self.time.running else now
        for part in self._parts.values():
            part.settle(now)
            part.come_back(now)
            self._settle_hands(part)
        self._ticking.go(self._silent_until)

    def _recall(self, fact: Fact) -> None:
        try:
            self._take_in(fact)
        except Exception as error:  # it must come back with all that can be had
            self._note(f"left out after the crash: {error}")

    def _take_in_command(self, fact: Taken) -> None:
        if not isinstance(fact.command, Pause | Continue):  # `Moved` says it
            self._settle(fact.command, min(fact.now, fact.at))
            self._do(fact.command, fact.now, fact.at)
        if self._agenda is not None and fact.place:
            self._agenda.skip(fact.place)
        else:
            self._take_over(fact.command)

    def _take_in(self, fact: Fact) -> None:
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
                self._steer(at, bpm)
            case Performing():
                self._take_up(fact)
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
            self._replan([part], fact.at)
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
                        self._forget_pause()
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
            self._withdraw(None, fact.crashed)
            self._silence(None, fact.crashed)
            for event in self._hearing.let_go(fact.crashed):
                self._tape.insert(event)
            self._come_back(fact.now)
        else:
            self._recall(fact)
        if isinstance(fact, Looped) and fact.part in self._parts:
            self._replan([self._parts[fact.part]], max(fact.now, fact.at))
        self._record(fact)

    def _told(self, end: Beats) -> Iterator[None]:
        """Put on the tape what was handed over up to this beat."""
        pause = self.time.pause_at
        end = end if pause is None else min(end, pause)
        while self._handed < end or (end == pause and not self.time.pause_planned):
            self._tape.schedule(self._planned(Beats(0), min(end, self._handed + _STRETCH)))
            yield

    def remember(self, told: "Sequencer") -> Outcome:
        """Have the takes from before a crash, which were retold."""
        for name, part in told._parts.items():
            if name in self._parts:
                self._parts[name].remember(part.takes)
        return Outcome(self.time.reachable(), "what sounded before the crash is on the tape, and among the takes, again")

    def _planned(self, begin: Beats, end: Beats) -> list[Event]:
        """The events of all parts up to `end` that were not handed over yet. What lies before `begin` was slept through."""
        self._sleep(begin)
        self._handed = end
        events: list[Event] = []
        if end == self.time.pause_at:
            ringing = [part.name for part in self._parts.values() if part.planned < end or not self.time.pause_planned]
            events += [ReleaseEvent(name, end, self.time.sounds_at(end)) for name in ringing]
            self.time.pause_planned = True
        for part in self._parts.values():
            try:
                events += self._events(part, begin, end)
            except Exception as error:
                self._note_once((part, "events"), f"{part.name} failed ({error!r}): the others play on.")
            part.planned = max(part.planned, end)
        return sorted(events, key=_order)

    def _sleep(self, begin: Beats) -> None:
        """Keep in mind whose notes before this beat come too late, for the machine stood still."""
        for part in self._parts.values():  # what was said to it last should have sounded meanwhile
            since = max(part.planned, self._silent_until)
            if since < min(begin, self._handed):
                self._record(Slept(begin=since, end=begin, part=part.name))
        if begin > max(self._handed, self._silent_until):
            self._note("the machine stood still: the notes of that time are left out")
            self._record(Slept(begin=self._handed, end=begin))

    def _hand_over(self, events: list[Event], output: Output) -> None:
        """Schedule what is routed to an output: keys go up on all of them, for a part may have just left one.

        The tape's notes end where keys go up later. The others are told at once, as far as it is known.
        """
        first = output is self._outputs[0] if self._outputs else False
        mine = [
            event
            for event in events
            if output is self._tape
            or isinstance(event, ReleaseEvent)
            or (route := self._parts[event.part].route.at(event.beat)) == output.name
            or (first and not route)
        ]
        if mine and output is self._tape:
            output.schedule(mine)
        elif mine := [event for event in mine if self._in_time(event)]:
            short = (self._shortened(event) for event in mine)
            output.schedule(shifted(short, self.offsets.of(output.name), self._nudges()))

    def _in_time(self, event: Event) -> bool:
        """Whether it may still be handed over: all that is performed is on the tape, but no note comes in a burst."""
        return not isinstance(event, NoteEvent) or event.seconds >= self._clock.now() - 2 * MOST_LATE

    def _events(self, part: Part, begin: Beats, end: Beats) -> list[Event]:
        """What a part adds up to `end`. Of what was slept through, before `begin`, settings and ends still count: they last."""
        since = part.planned
        events: list[Event] = [self._setting(part, *said) for said in part.controls_between(since, end)]
        events += [ReleaseEvent(part.name, beat, self.time.sounds_at(beat)) for beat in self._releases(part, since, end)]
        sounding = part.notes_between(max(begin, since, self._silent_until), end)
        events += [self._sounding(part, note) for note in sounding if self._audible(part, note.onset)]
        return events

    def _sounding(self, part: Part, note: Note) -> NoteEvent:
        begins, ends, channel = self.time.sounds_at(note.onset), self.time.sounds_at(note.end), part.channel_at(note.onset) or 0
        return NoteEvent(part.name, note.onset, begins, channel, note.pitch, note.velocity, note.end, ends)

    def _shortened(self, event: Event) -> Event:
        """The same; a note ends where its part is known to fall silent, or to play something else."""
        if not isinstance(event, NoteEvent):
            return event
        part = self._parts[event.part]
        stop = min([part.ends(event.beat, event.end_beat), *self._closings(part, event.beat, event.end_beat)])
        return event if stop == event.end_beat else replace(event, end_beat=stop, end_seconds=self.time.sounds_at(stop))

    def _releases(self, part: Part, begin: Beats, end: Beats) -> list[Beats]:
        """Where all notes of a part end, also those that were handed over before that was known."""
        return sorted({*part.replaced_between(begin, end), *self._closings(part, begin, end)})

    def _closings(self, part: Part, begin: Beats, end: Beats) -> list[Beats]:
        """The beats in [begin, end) at which a part falls silent, for it is muted or another goes solo."""
        gates = [part.muted, *(other.soloed for other in self._soloists)]
        return [beat for gate in gates for beat, _ in gate.changes(begin, end) if not self._audible(part, beat)]

    def _setting(self, part: Part, beat: Beats, key: int, value: int) -> Event:
        return self._set_on(part.channel_at(beat) or 0, part, beat, self.time.sounds_at(beat), key, value)

    def _set_on(self, channel: int, part: Part, beat: Beats, seconds: Seconds, key: int, value: int) -> Event:
        if key == PROGRAM:
            return ProgramEvent(part.name, beat, seconds, channel, value, part.bank.at(beat))
        return ControlEvent(part.name, beat, seconds, channel, key, value)

    def begin(self) -> None:
        """Let musical time begin, if it never has, although nothing may sound yet."""
        if not (self.time.running or self.time.paused) and not (self._following and self._following.holds(self._clock.now())):
            self.time.run(self._entrance())
            self._record_moves()

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
        self._pause_if_due()
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
        self._take_up(performing)
        self.begin()
        begun = f" from its bar {first + 1}" if first else ""
        return Outcome(now, f"performs {name}{begun}: {counted(Fraction(bars - first), 'bar')} from {self.time.place(now)} on")

    def _take_up(self, performing: Performing) -> None:
        """Have this performed, or nothing any more."""
        self._agenda = None
        if not performing.path:
            return
        recording, now, begin, fresh = self._recordings(performing.path), performing.now, performing.begin, performing.fresh
        tempo = tempo_at(recording, begin)
        if fresh:
            self.time.tempo, self.time.held = TempoMap.steady(recording.opening.bpm, recording.opening.meter), begin
        else:
            here = self.time.tempo.with_meter(now, tempo.meter_at(begin)).with_bpm(now, tempo.bpm_at(begin))
            self.time.tempo = here.with_swing(now, tempo.swing_at(begin))
            self._replan(self._parts.values(), now)
        self._agenda = agenda = Agenda.of(recording, begin=begin, shift=now - begin, fresh=fresh)
        for fact in before(recording, begin):
            if fresh or not isinstance(fact, Taken) or isinstance(fact.command, ToPart | Hush | Panic):
                self._happen(moved(fact, now - begin))
        if begin:
            self._handed = max(self._handed, now)
            for part in (self._parts[name] for name in agenda.parts if name in self._parts):
                part.settle(now)
                part.come_back(now)

    def _happen(self, fact: Fact) -> bool:
        """Let a fact of a recording be so here. Returns whether that could be. Beside others, it stops nobody else's part."""
        try:
            if isinstance(fact, Taken) and self._agenda and not self._agenda.fresh and not isinstance(fact.command, ToPart):
                self._happen_beside(fact)
            elif isinstance(fact, Taken):
                self._settle(fact.command, min(fact.now, fact.at))
                self._do(fact.command, fact.now, fact.at)
            elif not isinstance(fact, Answered) or fact.part in self._parts:
                self._take_in(fact)
        except Exception as error:
            self._note(f"left out of the replay: {error}")
            return False
        return True

    def _happen_beside(self, fact: Taken) -> None:
        if isinstance(fact.command, Hush | Panic):
            for name in [name for name in self._parts if self._agenda and name in self._agenda.parts]:
                self._do(Act(part=name, action=Action.STOP), fact.now, fact.at)
        elif isinstance(fact.command, Tempo | SetMeter | SetSwing | Pause | Continue):
            self._do(fact.command, fact.now, fact.at)

    def _perform_until(self, until: Seconds) -> None:
        """Let come what falls due before this time of the clock, each when everything before its beat is with the outputs."""
        while self._agenda and self._agenda.entries and self.time.running:
            entry, (_, end) = self._agenda.entries[0], self.time.window(MOST_LATE, until)
            goes_on = isinstance(entry.fact, Taken) and isinstance(entry.fact.command, Continue)
            if entry.beat > end or (goes_on and entry.beat == self.time.pause_at):
                return
            if entry.beat > self._handed:
                self._give(self._planned(Beats(0), entry.beat))
            self._come(entry)

    def _perform_in_pause(self) -> None:
        """Let come what came while time stood still, and let it go on after as long."""
        self._stood = self._stood or self._clock.now()
        while self._agenda and self._agenda.entries and self.time.paused and self._agenda.entries[0].beat <= self.time.held:
            entry = self._agenda.entries[0]
            goes_on = isinstance(entry.fact, Taken) and isinstance(entry.fact.command, Continue)
            if goes_on and self._clock.now() < self._stood + entry.pause - self.time.ahead:
                return
            self._come(entry)

    def _come(self, entry: Entry) -> None:
        """It comes: its beat is where the outputs have come to."""
        assert self._agenda is not None
        self._agenda.entries.popleft()
        self._ahead = True
        try:
            self._come_ahead(entry)
        finally:
            self._ahead = False
        self._record_moves()
        self._stood = self._stood if self.time.paused else 0.0

    def _come_ahead(self, entry: Entry) -> None:
        match entry.fact:
            case Over(now=now):
                self._end_performance(now)
            case Slept(begin=begin, end=end, part=""):
                self._give(self._planned(end, end))
            case Slept(begin=begin, end=end, part=name) if name in self._parts:
                part = self._parts[name]
                self._withdraw(name, begin)
                part.planned = begin
                self._give(sorted(self._events(part, end, end), key=_order))
                part.planned = end
                self._record(entry.fact)
            case CameBack(crashed=crashed):
                self._give([ReleaseEvent(name, crashed, self.time.sounds_at(crashed)) for name in self._parts])
                self.relive(entry.fact)
            case Taken() as taken if self._happen(taken):
                self._record(msgspec.structs.replace(taken, id="", place=entry.place))
            case Answered(at=at, part=name) if self._happen(entry.fact) and name in self._parts:
                self._replan([self._parts[name]], at)
                self._record(entry.fact)
            case Heard() | Looped() | Shaped() | Steered() if self._happen(entry.fact):
                self._record(entry.fact)
            case Asked() | Proposed() | InputOpened():
                self._happen(entry.fact)

    def _end_performance(self, now: Beats) -> None:
        """What is still performed stops on this beat."""
        assert self._agenda is not None
        for name in [name for name in self._parts if name in self._agenda.parts]:
            stop = Act(part=name, action=Action.STOP)
            self._do(stop, now, now)
            self._record(Taken(now=now, at=now, command=stop, place=1 << 60))
        self._leave_performance(now)
        self._note(f"the replay is over at {self.time.place(now)}")

    def _leave_performance(self, now: Beats) -> None:
        self._agenda = None
        self._record(Performing(now=now, path=""))

    def _take_over(self, command: AnyCommand) -> str:
        """A performer has said this: what is performed gives way. Returns what to say about it."""
        if self._agenda is None:
            return ""
        if isinstance(command, Hush | Panic):
            self._leave_performance(self.time.reachable())
            return "; the replay ends"
        words = self._agenda.take_over(command)
        if words and isinstance(command, ToPart) and (model := self._parts[command.part].model) is not None:
            self._asking.prepare(command.part, model)
        if words:
            self._note(words)
        return f"; {words}" if words else ""

    def _give(self, events: list[Event]) -> None:
        if events:
            self._to_outputs(lambda output: self._hand_over(events, output))

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
            parts=tuple(self._state(part, now) for part in self._parts.values()),
            at=self._clock.now(),
            key=self._house.key,
            scenes=tuple(self._house.scenes),
            bound=self.controllers.bound(),
            learns=self.controllers.learns,
            follows="" if self._following is None else self._following.words(self.time, self._clock.now()),
        )

    def _state(self, part: Part, now: Beats) -> PartState:
        phrase, coming = part.phrase_at(now), part.coming(now)
        sounding = phrase is not None and bool(phrase.notes)
        length = Fraction(0) if phrase is None else phrase.length / self.time.bar(now)
        return PartState(
            name=part.name,
            doing=self._doing(part, phrase, length, now),
            coming=self._coming(part, coming),
            sounds=sounding and self._audible(part, now),
            muted=part.muted.at(now),
            soloed=part.soloed.at(now),
            bars=length,
            takes=len(part.takes),
            model="" if part.model is None else repr(part.model),
            waits="" if not part.asked or part.model is None else str(part.model.key),
            trouble=part.trouble or part.turning.trouble or part.turning.lacks,
            level=part.level_at(now),
            settings={name: value if isinstance(value, int) else float(value) for name, value in part.settings.items()},
            output=part.route.at(now),
            controls=part.controls_at(now),
            names=part.instrument.names if part.instrument else {},
            transforms=tuple(map(str, part.turning.turns.final())),
            key=part.key,
            temperature=part.temperature,
        )

    def _coming(self, part: Part, coming: tuple[Beats, Phrase] | None) -> str:
        if coming is None or (part.mode is Mode.RESPOND and not coming[1].notes):
            return ""
        return f"{self._what(*coming)} from {self.time.place(coming[0])}"

    def _doing(self, part: Part, phrase: Phrase | None, length: Fraction, now: Beats) -> str:
        if part.mode is Mode.RESPOND and part.exchange is not None:
            return part.exchange.doing(self._hearing.ears.get(part.exchange.said.source), now, self.time.tempo)
        sounding = phrase is not None and bool(phrase.notes)
        if part.thrus and not sounding and part.mode is Mode.STOPPED:
            return f"played on {', '.join(part.thrus)}"
        return _doing(part.mode, counted(length, "bar") if sounding else "", silent=phrase is not None and not sounding)

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded, oldest first."""
        return tuple(take.phrase for take in self._parts[part].takes) if part in self._parts else ()

    def candidates(self, part: str) -> Candidates:
        """What the part's model has proposed."""
        return self._parts[part].candidates() if part in self._parts else Candidates()

    def _what(self, at: Beats, phrase: Phrase) -> str:
        return self._length(phrase.length, at) if phrase.notes else "silence"

    def _length(self, length: Beats, at: Beats) -> str:
        return counted(length / self.time.bar(at), "bar")


def _doing(mode: Mode, bars: str, *, silent: bool) -> str:
    """In words: `bars` sound, "" for none; `silent` says that what is there are empty bars."""
    if mode is Mode.STOPPED:
        return f"plays its last {bars}" if bars else "stopped" if silent else "empty"
    if mode is Mode.LOOP and not bars:
        return "loops empty bars" if silent else "waits"
    return f"{mode.value} {bars}".rstrip()


def _first(beat: Beats, other: Beats | None) -> Beats:
    return beat if other is None else min(beat, other)


def _order(event: Event) -> tuple[Seconds, int]:
    """At the same moment: keys up, then settings, then notes."""
    return event.seconds, 0 if isinstance(event, ReleaseEvent) else 2 if isinstance(event, NoteEvent) else 1
