"""The sequencer: takes commands and answers, plans in beats, hands events to the outputs in time. It knows no thread.

Everything happens in `obey`, `receive` and `advance`, all called by one thread. The same calls at the same clock times give
the same events, live and offline.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Protocol

from .clock import Clock
from .commands import (
    Act,
    Action,
    Adjust,
    AnyCommand,
    Assign,
    Declare,
    Fade,
    Hush,
    Mute,
    On,
    Panic,
    PartState,
    Play,
    SetMeter,
    SetSwing,
    Snapshot,
    Solo,
    Tempo,
    ToPart,
)
from .errors import BadInput
from .gm import DRUM_CHANNEL
from .models.wire import ModelKey, Reply, Request
from .music import Beats, ControlEvent, Event, NoteEvent, Phrase, ProgramEvent, Seconds
from .outputs import Output
from .parts import PROGRAM, Mode, Part
from .tempo import Meter, TempoMap

REACTION: Seconds = 0.02
"""A boundary nearer than this has passed: there is no time left to reach the outputs before it."""

_MARGIN: Seconds = 0.3
"""A model is asked this much earlier than its slowest answers need, for the bars to be with the outputs in time."""

_RETRY: Seconds = 3.0
"""A part whose model refused asks again after this long at the earliest."""


class Models(Protocol):
    """Where the sequencer asks for bars."""

    def prepare(self, key: ModelKey) -> None:
        """This model will be asked soon."""
        ...

    def ask(self, request: Request) -> None:
        """Have this request answered; the reply comes to `Sequencer.receive`."""
        ...

    def forget(self, request_id: str) -> None:
        """The reply is no longer wanted."""
        ...

    def latency(self, key: ModelKey) -> Seconds | None:
        """How long the slowest of this model's answers took lately; None before the first."""
        ...


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
        models: Models,
        *,
        bpm: Fraction,
        meter: Meter,
        seed: int = 0,
        lead_in: Seconds = 0.1,
        note: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.tempo = TempoMap.steady(bpm, meter)
        self.started: Seconds | None = None
        """The clock's time of beat 0; None until the first notes."""
        self._clock, self._outputs, self._models, self._note = clock, outputs, models, note
        self._seed, self._lead_in = seed, lead_in
        self._parts: dict[str, Part] = {}
        self._ids = count(1)
        self._out: dict[str, Part] = {}
        self._retry: dict[str, Seconds] = {}

    # Where we are

    def beat_now(self) -> Beats:
        """The beat that sounds now; 0 before the first notes, negative during the lead-in."""
        if self.started is None:
            return Beats(0)
        return self.tempo.beat_at(self._clock.now() - self.started)

    def _reachable(self) -> Beats:
        """The first beat that a command can still change."""
        if self.started is None:
            return Beats(0)
        return max(Beats(0), self.tempo.beat_at(self._clock.now() + REACTION - self.started))

    def _moment(self, on: On, part: Part | None = None) -> Beats:
        after = self._reachable()
        match on:
            case On.NOW:
                return max(Beats(0), self.beat_now())
            case On.BEAT:
                return Beats(-(-after // 1))
            case On.BAR:
                return self.tempo.line_after(after)
            case On.LOOP:
                return part.boundary(after, self.tempo) if part else self.tempo.line_after(after)

    def _bar(self, beat: Beats) -> Beats:
        return self.tempo.meter_at(beat).bar

    # Commands

    def obey(self, command: AnyCommand) -> Outcome:
        """Do what a client says. Raises BadInput with one sentence if that cannot be; nothing has changed then."""
        outcome = self._obey_part(command) if isinstance(command, ToPart) else self._obey_stage(command)
        self._start_if_sounding()
        return outcome

    def _obey_part(self, command: ToPart) -> Outcome:
        part = self._parts.get(command.part) or Part(command.part, self._free_channel())
        now = self._reachable()
        at = self._moment(command.on, part)
        since, asked = min(at, part.next_change(now) or at), part.asked
        words = self._tell(part, command, now, at)
        self._parts.setdefault(part.name, part)
        if asked and part.asked != asked:
            self._models.forget(asked)
            self._out.pop(asked, None)
        if isinstance(command, Mute | Solo):
            self._gate(at)
        else:
            self._replan([part], since)
        return Outcome(at, f"{part.name}: {words}")

    def _tell(self, part: Part, command: ToPart, now: Beats, at: Beats) -> str:
        match command:
            case Declare():
                return "ready"
            case Play(phrase=phrase):
                part.play(phrase, at)
                return f"plays {self._length(phrase.length, at)} from {self._place(at)}"
            case Assign(model=model):
                self._models.prepare(model.key)
                part.assign(model, now)
                return f"waits for {model.key}; what sounds goes on"
            case Act(action=action):
                return self._act(part, action, now, at)
            case Mute(muted=muted):
                part.muted.set(at, muted)
                return f"{'muted' if muted else 'heard again'} from {self._place(at)}"
            case Solo(soloed=soloed):
                part.soloed.set(at, soloed)
                return f"{'solo' if soloed else 'out of solo'} from {self._place(at)}"
            case Fade(level=level, bars=bars):
                part.fade(level, at, bars * self._bar(at))
                return f"fades to {level:g} from {self._place(at)} over {bars} bars"
            case Adjust():
                part.adjust(command, at)
                return f"set from {self._place(at)}"
        raise BadInput(f"Nothing is known of the command {type(command).__name__}: update livecode on both sides.")

    def _act(self, part: Part, action: Action, now: Beats, at: Beats) -> str:
        match action:
            case Action.LOOP:
                part.loop(now, at)
                return f"loops from {self._place(at)}"
            case Action.GENERATE | Action.GENERATE_ONCE:
                part.generate(once=action is Action.GENERATE_ONCE)
                return "generates new bars every loop" if action is Action.GENERATE else "generates new bars once, then loops"
            case Action.RESET | Action.RESET_GENERATE:
                then_generate = action is Action.RESET_GENERATE
                part.reset(at, self._reset_length(part, at), then_generate=then_generate)
                return f"empty from {self._place(at)}" + (", then new bars once" if then_generate else "")
            case Action.STOP:
                part.stop(at, self._bar(at))
                return f"stops at {self._place(at)}"

    def _reset_length(self, part: Part, at: Beats) -> Beats:
        if part.model is not None:
            return part.model.bars * self._bar(at)
        phrase = part.phrase_at(at)
        return self._bar(at) if phrase is None else phrase.length

    def _obey_stage(self, command: AnyCommand) -> Outcome:
        match command:
            case Tempo(bpm=bpm, bars=bars):
                at = self._moment(command.on)
                self.tempo = self.tempo.with_bpm(at, bpm, bars * self._bar(at))
                words = f"bpm {float(bpm):g} from {self._place(at)}" + (f", reached over {bars} bars" if bars else "")
            case SetMeter(meter=meter):
                at = self._moment(On.BAR)
                self.tempo = self.tempo.with_meter(at, meter)
                words = f"meter {meter} from {self._place(at)}"
            case SetSwing(swing=swing):
                at = self._moment(On.BAR)
                self.tempo = self.tempo.with_swing(at, swing)
                words = f"swing {float(swing.ratio):g} from {self._place(at)}"
            case Hush():
                at = self._moment(command.on)
                self._stop_all(at)
                words = f"all parts stop at {self._place(at)}"
            case Panic():
                at = self._moment(On.NOW)
                self._stop_all(at)
                for output in self._outputs:
                    output.withdraw(None, at)
                    output.silence(None, at)
                words = "all parts stopped, all notes off"
            case _:
                raise BadInput(f"Nothing is known of the command {type(command).__name__}: update livecode on both sides.")
        self._replan(self._parts.values(), at)
        return Outcome(at, words)

    def _stop_all(self, at: Beats) -> None:
        for part in self._parts.values():
            if part.asked:
                self._models.forget(part.asked)
                self._out.pop(part.asked, None)
            self._replan([part], min(at, part.next_change(self._reachable()) or at))
            part.stop(at, self._bar(at))

    def _gate(self, at: Beats) -> None:
        self._replan(self._parts.values(), at)
        if at <= self._reachable() and self.started is not None:
            for part in self._parts.values():
                if not self._audible(part, at):
                    for output in self._outputs:
                        output.silence(part.name, at)

    def _audible(self, part: Part, beat: Beats) -> bool:
        alone = any(other.soloed.at(beat) for other in self._parts.values())
        return not part.muted.at(beat) and (part.soloed.at(beat) or not alone)

    def _replan(self, parts: Iterable[Part], since: Beats) -> None:
        """Take back what the outputs have from `since` on; `advance` hands it over anew."""
        for part in parts:
            if since < part.planned:
                for output in self._outputs:
                    output.withdraw(part.name, since)
                part.planned = since

    def _free_channel(self) -> int:
        taken = {part.own_channel for part in self._parts.values()}
        return next((channel for channel in range(16) if channel not in taken and channel != DRUM_CHANNEL), len(taken) % 9)

    # Models

    def receive(self, reply: Reply) -> None:
        """A model has answered: the phrase enters at the next boundary. A reply that nobody waits for is dropped."""
        part = self._out.pop(reply.id, None)
        if part is None or part.asked != reply.id:
            return
        if reply.phrase is None:
            part.refused(reply.refusal or "the model gave no notes")
            self._retry[part.name] = self._clock.now() + max(
                2.0, float(self._bar(self.beat_now()) * 60 / self.tempo.paces[-1].target)
            )
            self._note(f"{part.name} goes on with what it has: {part.trouble}")
            return
        at = part.answer(reply.phrase, self._reachable(), self.tempo)
        self._replan([part], at)
        self._start_if_sounding()

    def waiting(self) -> bool:
        """True while a part waits for an answer."""
        return bool(self._out)

    def _ask(self, part: Part, now: Beats) -> None:
        if part.model is None or self._retry.get(part.name, 0.0) > self._clock.now():
            return
        latency = self._models.latency(part.model.key)
        lead = None if latency is None else self._beats_in(1.5 * latency + _MARGIN, now)
        entry = part.asks_for(now, self.tempo, lead)
        if entry is None:
            return
        model, meter = part.model, self.tempo.meter_at(entry)
        request = Request(
            id=f"{part.name}-{next(self._ids)}",
            key=model.key,
            primer=part.primer(entry, meter.bar),
            beats=model.bars * meter.bar,
            bpm=self.tempo.bpm_at(entry),
            meter=(meter.count, meter.unit),
            seed=self._seed_for(part),
            knobs=model.knobs,
            needed_by=entry,
        )
        part.asked, part.asks = request.id, part.asks + 1
        self._out[request.id] = part
        self._models.ask(request)

    def _seed_for(self, part: Part) -> int:
        given = part.model.seed if part.model else None
        source = f"{self._seed}/{part.name}/{part.asks_ever}" if given is None else f"{given}/{part.asks}"
        part.asks_ever += 1
        return int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big")

    def _beats_in(self, seconds: Seconds, at: Beats) -> Beats:
        return Fraction(seconds) * self.tempo.bpm_at(at) / 60

    # Time

    def advance(self, until: Seconds) -> None:
        """Hand the outputs everything that sounds before `until` (on the clock), and ask the models what should be asked now."""
        for part in self._parts.values():
            if self.started is not None:
                part.settle(self.beat_now())
            self._ask(part, self._reachable())
        if self.started is None:
            return
        end = self.tempo.beat_at(until - self.started)
        events = [event for part in self._parts.values() for event in self._events(part, end)]
        events.sort(key=lambda event: (event.seconds, isinstance(event, NoteEvent)))
        if events:
            for output in self._outputs:
                output.schedule(events)

    def _events(self, part: Part, end: Beats) -> list[Event]:
        begin, part.planned = part.planned, max(part.planned, end)
        events: list[Event] = [self._setting(part, *said) for said in part.controls_between(begin, end)]
        for note in part.notes_between(begin, end):
            channel = part.channel_at(note.onset)
            if channel is not None and self._audible(part, note.onset):
                stop = self._heard_until(part, note.onset, note.end)
                events.append(
                    NoteEvent(
                        part.name,
                        note.onset,
                        self._sounds_at(note.onset),
                        channel,
                        note.pitch,
                        note.velocity,
                        stop,
                        self._sounds_at(stop),
                    )
                )
        return events

    def _setting(self, part: Part, beat: Beats, key: int, value: int) -> Event:
        channel, seconds = part.channel_at(beat) or 0, self._sounds_at(beat)
        if key == PROGRAM:
            return ProgramEvent(part.name, beat, seconds, channel, value)
        return ControlEvent(part.name, beat, seconds, channel, key, value)

    def _heard_until(self, part: Part, onset: Beats, end: Beats) -> Beats:
        """Where a note ends: before its own end if the part is muted, or another goes solo, in its middle."""
        gates = [beat for other in self._parts.values() for beat, _ in other.soloed.changes(onset, end)]
        gates += [beat for beat, _ in part.muted.changes(onset, end)]
        return min((beat for beat in gates if not self._audible(part, beat)), default=end)

    def _sounds_at(self, beat: Beats) -> Seconds:
        assert self.started is not None
        return self.started + self.tempo.sounds_at(beat)

    def _start_if_sounding(self) -> None:
        if self.started is None and any(part.phrase_at(Beats(0)) for part in self._parts.values()):
            self.started = self._clock.now() + self._lead_in

    # What is shown

    def snapshot(self) -> Snapshot:
        """What is so at this moment."""
        now = max(Beats(0), self.beat_now())
        line = self.tempo.line_before(now)
        return Snapshot(
            running=self.started is not None,
            beats=now,
            bar=self.tempo.bar_at(now) + 1,
            beat=now - line + 1,
            bpm=self.tempo.bpm_at(now),
            meter=str(self.tempo.meter_at(now)),
            swing=self.tempo.swing_at(now),
            parts=tuple(self._state(part, now) for part in self._parts.values()),
            at=self._clock.now(),
        )

    def _state(self, part: Part, now: Beats) -> PartState:
        phrase = part.phrase_at(now)
        sounding = phrase is not None and bool(phrase.notes)
        length = Fraction(0) if phrase is None else phrase.length / self._bar(now)
        return PartState(
            name=part.name,
            doing=part.mode.value if phrase is not None or part.mode is not Mode.STOPPED else "empty",
            sounds=sounding and self._audible(part, now),
            muted=part.muted.at(now),
            soloed=part.soloed.at(now),
            bars=length,
            takes=len(part.takes),
            model="" if part.model is None else repr(part.model),
            waits="" if not part.asked or part.model is None else part.model.key.config,
            trouble=part.trouble,
        )

    def takes(self, part: str) -> tuple[Phrase, ...]:
        """Every phrase of the part that sounded, oldest first."""
        return tuple(take.phrase for take in self._parts[part].takes) if part in self._parts else ()

    def _place(self, beat: Beats) -> str:
        bar, line = self.tempo.bar_at(beat) + 1, self.tempo.line_before(beat)
        return f"bar {bar}" if beat == line else f"bar {bar}, beat {float(beat - line + 1):.3g}"

    def _length(self, length: Beats, at: Beats) -> str:
        bars = length / self._bar(at)
        return f"{bars} bar{'' if bars <= 1 else 's'}"
