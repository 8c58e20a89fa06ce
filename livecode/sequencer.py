"""The sequencer: takes commands and answers, plans in beats, hands events to the outputs in time. It knows no thread.

Everything happens in `obey`, `receive` and `advance`, all called by one thread at a time. The same calls at the same clock times
give the same events, live and offline.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath

import msgspec

from .agenda import Passage, no_passage
from .asking import Asking, Later, Models
from .bindings import PART_ACTIONS, PART_KNOBS, Target
from .chasing import Chase
from .clock import Clock
from .commands import (
    Act,
    AnyCommand,
    Assign,
    Candidates,
    Continue,
    CountIn,
    Declare,
    FollowClock,
    Learn,
    Map,
    Mute,
    Nudge,
    On,
    Panic,
    Pause,
    Pick,
    Play,
    Propose,
    Respond,
    SendClock,
    SetLatency,
    SetMeter,
    SetSwing,
    Snapshot,
    Solo,
    Tempo,
    ToPart,
    TurnKnob,
    Undo,
    UndoLast,
)
from .controllers import MOST_BOUND, Controllers
from .errands import Errand, Errands, HandIn
from .errors import BadInput, LivecodeError, UnknownName
from .facts import Answered, Asked, Fact, Heard, Performing, Shaped, Taken
from .gm import DRUM_CHANNEL
from .happenings import Happenings
from .hearing import Hearing
from .inputs import Arrival
from .inputs.messages import strikes
from .inputs.through import Way
from .jamming import Jamming
from .masters import Master
from .models.wire import INPUT, Reply
from .music import Beats, Event, Phrase, Seconds, counted
from .naming import nearest
from .outputs import MOST_LATE, Output
from .outputs.pulse import Clocked, ClockEvent, Signal
from .outputs.tape import Tape
from .packing import packed
from .parts import Mode, Part
from .past import Past
from .performing import Performance
from .plan import Plan
from .stagehand import Kept, Stagehand, ToAll
from .states import state_of
from .telling import Telling
from .tempo import Meter, TempoMap

_HEARD_WITHIN: Seconds = 0.06
"""What was played is known to the planner after so long at the latest: two of its periods."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command was taken: the beat at which it takes effect, and a sentence for the performer, with what of a recording that is
    performed has given way."""

    beat: Beats
    words: str
    given_way: str = ""


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
        passages: Callable[[str, Beats], Passage] = no_passage,
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
        self._telling = Telling(self._plan, self._jamming, self._asking)
        self._hand = Stagehand(self._plan, self._asking, self._parts, Kept())
        self._errands = Errands()
        self._chase = Chase(self._plan, clock, self._parts, do=self.do, start=self._start_if_sounding, note=note, record=record)
        self._touched = False
        """Whether anything was said about the music: not only that there is a part, nor about knobs, pads and outputs."""
        self._happenings = Happenings(self._plan, tape, self._parts, self._hearing, self._chase, welcome=self._welcome)
        self._performance = Performance(
            self._plan, self, self._happenings, self._hand, clock, self._parts, self._asking, passages, note=note, record=record
        )
        self.past = Past(
            self._plan,
            self,
            tape,
            self._parts,
            self._hearing,
            self._asking,
            self._happenings,
            self._performance,
            self._hand,
            note=note,
            record=record,
        )

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
        new = self._happenings.open_ear(name)
        return Outcome(self.time.reachable(), f"input {name} is open{'' if new else ' already'}: lead.thru({name!r}) plays it")

    def hear(self, name: str, arrivals: Sequence[Arrival]) -> None:
        """This was played on an input."""
        for arrival in arrivals:
            self.controllers.hear(name, arrival.message)
        self._begin_if_called(name, arrivals)
        said = self._hearing.said(arrivals)
        if said:
            self._happenings.hear(name, said)
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

    def held(self) -> list[Event]:
        """The notes that are held on inputs, as if they ended now."""
        return self._hearing.held(max(self.time.held, self.time.beat()))

    def ways(self) -> Mapping[str, tuple[Way, ...]]:
        """Where what is played on each input goes at once, without waiting for the plan."""
        if not self._hearing.ears:
            return {}
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
        if isinstance(command, Continue):
            self._chase.check_going_on()
        if isinstance(command, Pick):
            command = self._picked(command)
        if isinstance(command, Tempo) and (words := self._chase.tempo_of_others(command)):
            return Outcome(self.time.reachable(), words)
        now, at = self.time.reachable(), self._moment(command) if at is None else at
        self.settle(command, min(now, at))
        about = self._hand.about(command)
        ends = isinstance(command, UndoLast) and not command.redo and self._hand.history.ends_replay()
        words = self.do(command, now, at)
        if isinstance(command, Assign):
            self._asking.prepare(command.part, command.model)
            self._look_for(command.part, command.model.chords)
        if isinstance(command, Propose):
            self._asking.propose(self._parts[command.part], command.n, now, self.time.entrance(), self.time.tempo)
        self._record(Taken(now=now, at=at, command=command, id=request))
        self._start_if_sounding()
        self._plan.record_moves()
        given_way = self._performance.take_over(command, about)
        if ends:
            self._performance.stop(now, at)
            given_way = ""
        return Outcome(at, f"{words}; {given_way}" if given_way else words, given_way)

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

    def do(self, command: AnyCommand, now: Beats, at: Beats, hand: Stagehand | None = None) -> str:
        """Have this so from beat `at` on; `now` is the first that can be reached. Returns a sentence for the performer.

        hand: whose stagehand keeps how things were, and stops and changes parts; the stage's own, if none is given.
        """
        hand = hand or self._hand
        if isinstance(command, ToPart):
            words = self._obey_part(command, now, at, hand)
        else:
            words = self._obey_stage(command, now, at, hand)
        self._touched |= not isinstance(command, Declare | Map | Learn | SendClock | SetLatency)
        return words

    def _obey_part(self, command: ToPart, now: Beats, at: Beats, hand: Stagehand) -> str:
        part = self._parts.get(command.part) or self._new_part(command.part, now, hand.kept.house.key)
        since, asked = part.changes_from(now, at), part.asked
        if isinstance(command, Undo):
            return f"{part.name}: {hand.undo((part.name,), command, now, at).replace(f'{part.name}: ', '')}"
        before = hand.now(part)
        if isinstance(command, Mute | Solo):
            self._enter(part)
            return hand.did(before, f"{part.name}: {hand.gate(part, command, now, at)}")
        if isinstance(command, Play | Assign | Act | CountIn | Respond):
            part.capture = None  # it is to play something else by then
        words = self._telling.tell(part, command, now, at)
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
        return words if unasked else hand.did(before, words)

    def _enter(self, part: Part) -> None:
        if part.name not in self._parts:
            self._parts[part.name] = part
            self._tape.enter(part.name)

    def _new_part(self, name: str, now: Beats, key: str) -> Part:
        if name in self._hearing.ears:
            raise BadInput(f"{name!r} is an input, and so cannot name a part: take another name, such as 'lead'.")
        part = Part(name, self._free_channel(), now, self._seed)
        part.in_key(Beats(0), house=key)
        return part

    def _obey_stage(self, command: AnyCommand, now: Beats, at: Beats, hand: Stagehand) -> str:
        if isinstance(command, SetLatency):
            return self._set_latency(command)
        if isinstance(command, Map | Learn):
            return self._bind(command)
        if isinstance(command, Tempo | SetMeter | SetSwing):
            words = self._set_time(command, at)
        elif isinstance(command, ToAll):
            words = hand.tell(command, now, at)
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
        others = " and ".join(dict.fromkeys(str(other) for other in before if other != target))
        instead = f", no longer {others}" if others else ""
        return f"{source} {'does' if target.acts else 'turns'} {target}{instead}"

    def _looked_up(self, target: Target) -> Target:
        """The target with the whole name of the output with its light. Raises UnknownName or BadInput for what there is not."""
        if target.part and target.part not in self._parts:
            raise UnknownName.of("part", target.part, self._parts)
        if target.part and target.word not in (*PART_KNOBS, *PART_ACTIONS):
            target.span(self._parts[target.part].control(target.word))
        return msgspec.structs.replace(target, feedback=self._plan.output_named(target.feedback))

    def play_controllers(self) -> None:
        """Do what hands on controllers mean by now. What cannot be is noted, once."""
        if not self.controllers.touched:
            return
        now = self.snapshot()
        told = [  # a pad that is hit twice within the reach of the outputs takes back what it has said
            msgspec.structs.replace(state, muted=part.muted.final(), soloed=part.soloed.final())
            for state, part in zip(now.parts, self._parts.values(), strict=True)
        ]
        paused = now.paused or self.time.pause_at is not None
        for command in self.controllers.commands(msgspec.structs.replace(now, parts=tuple(told), paused=paused)):
            try:
                outcome = self.obey(command)
            except LivecodeError as error:
                self._plan.note_once((self.controllers, "refused"), f"a controller cannot do that: {error}")
            else:
                if outcome.given_way or not isinstance(command, TurnKnob | Tempo | SetSwing):
                    self._note(outcome.words)

    def _set_latency(self, command: SetLatency) -> str:
        """From what can still be reached then, in its new place; what is nearer keeps the old."""
        name = self._plan.output_named(command.output)
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
                return f"{swing} from {time.place(at)}"

    def _set_transport(self, command: AnyCommand, now: Beats, at: Beats) -> str:
        match command:
            case Pause():
                self._chase.rejoin = False
                self._plan.forget_pause()
                self.time.pause(at)
                return f"pauses at {self.time.place(at)}"
            case Continue():
                self._plan.forget_pause()
                self._chase.rejoin = False
                called_off = self.time.running
                self.time.go_on(self._chase.entrance())
                here = self.time.place(max(Beats(0), self.time.beat(), self.time.held))
                return "the pause is called off" if called_off else f"goes on at {here}"
            case SendClock():
                return self._send_clock(command, now)
            case FollowClock(source=source):
                return self._chase.follow(source)
        raise BadInput(f"Nothing is known of the command {type(command).__name__}: update livecode on both sides.")

    def _free_channel(self) -> int:
        taken = {part.own_channel for part in self._parts.values()}
        return next((channel for channel in range(16) if channel not in taken and channel != DRUM_CHANNEL), len(taken) % 9)

    # MIDI clock

    def _send_clock(self, command: SendClock, now: Beats) -> str:
        """Begin to send clock to an output, or end it."""
        name = self._plan.output_named(command.output)
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
        performed = self._performance.agenda is not None and part.name in self._performance.agenda.parts
        if part.capture is None or performed:
            return
        now = self.time.reachable()
        if self._later(part.name, 0, now, part.capture.at):
            return
        looped = self._jamming.looped(part, end, self.time.beat_at(self._clock.now() - _HEARD_WITHIN), now)
        if looped is not None:
            part.settle(now)
            part.looped(looped.phrase, looped.at)
            self._record(looped)
            self._plan.replan([part], max(now, looped.at))

    def _ask_if_due(self) -> None:
        here, sounding = self.time.reachable(), self.time.beat()
        now = max(here, self.time.counted)
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

    def perform(self, path: str, passage: Passage, request: str = "") -> Outcome:
        """Perform this passage of the recording in this file, from its bar line on: as it was, where nothing has been said yet;
        else from the next bar on, beside what plays, in the recording's tempo, meter and swing.

        What was said before `begin` is taken in silently. Performed parts ask no model. What is performed already stops there.
        Raises BadInput while the music is paused, and for a bar that is not there.
        """
        self._plan.pause_if_due()
        if self.time.paused or self.time.pause_at is not None:
            raise BadInput("The music is paused: let it go on before something is performed, with stage.go_on().")
        recording, begin = passage.recording, passage.begin
        name, bars, first = PurePath(path).stem, recording.bars, recording.tempo.bar_at(max(begin, Beats(0)))
        if not 0 <= begin < max(recording.end, Beats(1)):
            raise BadInput(f"{name} has no bar {first + 1} to perform: it has {bars}.")
        fresh = not (self.time.running or self._touched)
        now = begin if fresh else self.time.tempo.line_after(self.time.reachable())
        theirs = self._performance.stop(self.time.reachable(), now)
        taken = [
            part.name for part in self._parts.values() if part.name in passage.parts - theirs and part.mode is not Mode.STOPPED
        ]
        performing = Performing(now=now, path=path, begin=begin, fresh=fresh, id=request)
        self._record(performing)
        self._performance.take_up(performing, passage)
        self.begin()
        begun = f" from its bar {first + 1}" if first else ""
        words = f"performs {name}{begun}: {counted(Fraction(bars - first), 'bar')} from {self.time.place(now)} on"
        be, them = ("are", "them") if len(taken) > 1 else ("is", "it")
        return Outcome(now, f"{words}; {', '.join(taken)} {be} the replay's now, undo gives {them} back" if taken else words)

    # What is shown

    @property
    def parts(self) -> Mapping[str, Part]:
        """The parts, by name."""
        return self._parts

    @property
    def key(self) -> str:
        """The stage's key."""
        return self._hand.kept.house.key

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
            key=self.key,
            scenes=tuple(self._hand.kept.house.scenes),
            bound=self.controllers.bound(),
            learns=self.controllers.learns,
            follows=self._chase.words(),
            replays=self._performance.words(now),
        )

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded, oldest first."""
        return tuple(take.phrase for take in self._parts[part].takes) if part in self._parts else ()

    def candidates(self, part: str) -> Candidates:
        """What the part's model has proposed."""
        return self._parts[part].candidates() if part in self._parts else Candidates()
