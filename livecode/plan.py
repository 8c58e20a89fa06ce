"""The plan: what all parts play up to a beat, as events in the hands of the outputs; taken back, and handed over anew."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from .clock import Clock
from .errors import UnknownName
from .facts import Fact, Slept
from .music import Beats, ControlEvent, Event, Note, NoteEvent, ProgramEvent, ReleaseEvent, Seconds
from .naming import nearest
from .outputs import MOST_LATE, Output
from .outputs.pulse import Clocked
from .outputs.tape import Tape
from .parts import PROGRAM, Part
from .punctuality import Offsets, earlier, shifted
from .sharing import Place, Sharing, Struck
from .tempo import TempoMap
from .ticking import Ticking
from .transport import Transport


class Plan:
    """What sounds next, and how far the outputs have it. Parts and outputs are the sequencer's, which adds to them."""

    def __init__(
        self,
        clock: Clock,
        outputs: list[Output],
        tape: Tape,
        parts: dict[str, Part],
        tempo: TempoMap,
        *,
        lead_in: Seconds,
        note: Callable[[str], None],
        record: Callable[[Fact], None],
    ) -> None:
        self._clock, self._outputs, self._tape, self._parts = clock, outputs, tape, parts
        self._note, self._record = note, record
        self.offsets = Offsets()
        self.time = Transport(clock, tempo, lead_in=lead_in, buffered=self.buffered)
        self.ahead = False
        """Whether something happens that the outputs come to later."""
        self.soloists: list[Part] = []
        """The parts that are solo, are to be, or have been."""
        self.troubles: dict[object, str] = {}
        self.handed = Beats(0)
        """What lies before is with the outputs."""
        self.silent_until = Beats(0)
        """No note begins before: after a crash the music is back on a bar line."""
        self.moved = self.time.moved()
        self.ticking = Ticking()
        self._sharing = Sharing()

    def buffered(self) -> Seconds:
        """How long before it sounds an event is out of reach: by what the slowest output and its synth take, and the most nudged
        part."""
        slowest = max((output.latency + self.offsets.of(output.name) for output in self._outputs), default=0.0)
        return slowest + max((-nudge for nudge in self._nudges().values()), default=0.0)

    def _nudges(self) -> dict[str, Seconds]:
        """How much later parts sound than their beats say, of those that do."""
        return {name: part.settings["nudge"] / 1000 for name, part in self._parts.items() if "nudge" in part.settings}

    def audible(self, part: Part, beat: Beats) -> bool:
        """Whether a part is heard at this beat: not muted, and no other is solo that it is among."""
        if part.muted.at(beat):
            return False
        return part.counting.at(beat) or not any(other.soloed.at(beat) and other.drowns(part, beat) for other in self.soloists)

    def replan(self, parts: Iterable[Part], since: Beats) -> None:
        """Take back what the outputs have from `since` on; `advance` hands it over anew."""
        for part in self._with_those_beside(parts):
            if since < part.planned:
                self.withdraw(part.name, since)
                part.planned = since

    def withdraw(self, part: str | None, since: Beats) -> None:
        """Take back what begins on this beat or later, of one part or of all."""
        self._sharing.withdraw(part, since)
        self.to_outputs(lambda output: output.withdraw(part, since))

    def silence(self, part: str | None, at: Beats) -> None:
        """End what sounds at this beat, of one part or of all."""
        if self.ahead:
            self._tape.silence(part, at)  # outputs are told with what is handed over
        else:
            self.to_outputs(lambda output: output.silence(part, at))

    def give(self, events: list[Event]) -> None:
        """Hand these over."""
        if events:
            self.to_outputs(lambda output: self.hand_over(events, output))

    def to_outputs(self, action: Callable[[Output], None]) -> None:
        """Do this with every output. One that fails is noted, and keeps none of the others from playing."""
        for output in (*self._outputs, self._tape):
            self.to_one(output, action)

    def to_one(self, output: Output, action: Callable[[Output], None]) -> None:
        """Do this with an output. If it fails, that is noted."""
        try:
            action(output)
        except Exception as error:
            self.note_once(output, f"{output.name} failed ({error}): the others play on.")

    def note_once(self, who: object, sentence: str) -> None:
        """Note a sentence about somebody, unless it is the last that was."""
        if self.troubles.get(who, "") != sentence:
            self.troubles[who] = sentence
            if sentence:
                self._note(sentence)

    def output_named(self, name: str) -> str:
        """The whole name of an output of which this is an unmistakable part; "" stays. Raises UnknownName."""
        if not name:
            return name
        known = [other.name for other in self._outputs]
        near = nearest(name, known)
        if len(near) != 1:
            raise UnknownName.of("output", name, near or known)
        return near[0]

    def follow(self) -> None:
        """Let the outputs look at their devices' clocks; note what has come to trouble them."""
        self.to_outputs(self._follow)

    def _follow(self, output: Output) -> None:
        output.follow()
        if not output.trouble and self.troubles.get((output, "trouble")):
            self._note(f"{output.name} plays now: {output}.")
        self.note_once((output, "trouble"), f"{output.name}: {output.trouble}." if output.trouble else "")

    def settle_hands(self, part: Part) -> None:
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
        self.to_one(output, lambda output: output.schedule(events))

    def tick(self, begin: Beats, end: Beats) -> None:
        """Hand over the clock's signals up to `end`."""
        if self.ticking.outputs and (events := self.ticking.events(begin, end, self.time)):
            self._to_clocked(lambda output: output.pulse(earlier(events, self.offsets.of(output.name))))

    def tick_again(self, since: Beats) -> None:
        """Take back the clock's signals from `since` on; `advance` hands them over anew."""
        self.ticking.again(since)
        self._to_clocked(lambda output: output.withdraw_pulse(since))

    def _to_clocked(self, action: Callable[[Clocked], None]) -> None:
        def act(output: Output) -> None:
            if isinstance(output, Clocked) and output.name in self.ticking.outputs:
                action(output)

        self.to_outputs(act)

    def forget_pause(self) -> None:
        """Take back from the outputs that everything ends where a pause was to begin."""
        if self.time.pause_at is not None and self.time.pause_planned:
            self.withdraw(None, self.time.pause_at)
            self.tick_again(self.time.pause_at)

    def pause_if_due(self) -> None:
        """Stand still, if the pause has come."""
        if self.time.stands_still():
            self._note(f"paused at {self.time.place(self.time.held)}")
            self.record_moves()

    def pause_now(self) -> None:
        """A pause that cannot be called off any more has its moment, so that time can go on from there."""
        assert self.time.pause_at is not None
        events = self.planned(*self.time.window(MOST_LATE, self.time.straight_at(self.time.pause_at)))
        self.to_outputs(lambda output: self.hand_over(events, output))
        self.time.stand_still()
        self.record_moves()

    def record_moves(self) -> None:
        """Record it if musical time has begun to run, or stands still."""
        if (moved := self.time.moved()) != self.moved:
            if self.moved.started is None and moved.started is not None:
                self.ticking.go(moved.held)
            self.moved = moved
            self._record(moved)

    def planned(self, begin: Beats, end: Beats) -> list[Event]:
        """The events of all parts up to `end` that were not handed over yet. What lies before `begin` was slept through."""
        self._sleep(begin)
        self.handed = end
        events: list[Event] = []
        if end == self.time.pause_at:
            ringing = [part.name for part in self._parts.values() if part.planned < end or not self.time.pause_planned]
            events += [ReleaseEvent(name, end, self.time.sounds_at(end)) for name in ringing]
            self.time.pause_planned = True
        for part in self._parts.values():
            try:
                events += self.events(part, begin, end)
            except Exception as error:
                self.note_once((part, "events"), f"{part.name} failed ({error!r}): the others play on.")
            part.planned = max(part.planned, end)
        return sorted(self._within_voices(events), key=order)

    def _sleep(self, begin: Beats) -> None:
        """Keep in mind whose notes before this beat come too late, for the machine stood still."""
        for part in self._parts.values():  # what was said to it last should have sounded meanwhile
            since = max(part.planned, self.silent_until)
            if since < min(begin, self.handed):
                self._record(Slept(begin=since, end=begin, part=part.name))
        if begin > max(self.handed, self.silent_until):
            self._note("the machine stood still: the notes of that time are left out")
            self._record(Slept(begin=self.handed, end=begin))

    def hand_over(self, events: list[Event], output: Output) -> None:
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

    def events(self, part: Part, begin: Beats, end: Beats) -> list[Event]:
        """What a part adds up to `end`. Of what was slept through, before `begin`, settings and ends still count: they last."""
        since = part.planned
        events: list[Event] = [self._setting(part, *said) for said in part.controls_between(since, end)]
        events += [ReleaseEvent(part.name, beat, self.time.sounds_at(beat)) for beat in self._releases(part, since, end)]
        sounding = part.notes_between(max(begin, since, self.silent_until), end)
        events += [self._sounding(part, note) for note in sounding if self.audible(part, note.onset)]
        return events

    def _with_those_beside(self, parts: Iterable[Part]) -> list[Part]:
        """These parts, and those that share voices, if one of these does: then each has those that the others leave."""
        known, sharing = list(parts), [part for part in self._parts.values() if any(part.crowd.values())]
        return known + [part for part in sharing if part not in known] if any(part in sharing for part in known) else known

    def _within_voices(self, events: list[Event]) -> list[Event]:
        """The events without notes for which their instrument has no voice, and with the ends of those whose voice is needed."""
        struck: list[tuple[Place, Struck]] = []
        for event in events:
            if isinstance(event, NoteEvent) and (voices := self._parts[event.part].crowd.at(event.beat)):
                place = self._parts[event.part].route.at(event.beat), voices
                note = Struck(event.beat, event.velocity, event.pitch, event.part, event.end_beat)
                struck.append((place, note))
        for beat, note in self._sharing.strike(struck, self._stop_of):
            if note.onset < beat:
                events.append(ReleaseEvent(note.part, beat, self.time.sounds_at(beat), note.pitch))
            else:
                events = [each for each in events if not (isinstance(each, NoteEvent) and _is(each, note))]
        return events

    def _stop_of(self, note: Struck) -> Beats:
        return self._stop(self._parts[note.part], note.onset, note.end)

    def _sounding(self, part: Part, note: Note) -> NoteEvent:
        begins, ends, channel = self.time.sounds_at(note.onset), self.time.sounds_at(note.end), part.channel_at(note.onset) or 0
        return NoteEvent(part.name, note.onset, begins, channel, note.pitch, note.velocity, note.end, ends)

    def _shortened(self, event: Event) -> Event:
        """The same; a note ends where its part is known to fall silent, or to play something else."""
        if not isinstance(event, NoteEvent):
            return event
        stop = self._stop(self._parts[event.part], event.beat, event.end_beat)
        return event if stop == event.end_beat else replace(event, end_beat=stop, end_seconds=self.time.sounds_at(stop))

    def _stop(self, part: Part, onset: Beats, end: Beats) -> Beats:
        """Where a note of a part ends that would last to `end`, as far as it is known."""
        return min([part.ends(onset, end), *self._closings(part, onset, end)])

    def _releases(self, part: Part, begin: Beats, end: Beats) -> list[Beats]:
        """Where all notes of a part end, also those that were handed over before that was known."""
        return sorted({*part.replaced_between(begin, end), *self._closings(part, begin, end)})

    def _closings(self, part: Part, begin: Beats, end: Beats) -> list[Beats]:
        """The beats in [begin, end) at which a part falls silent, for it is muted or another goes solo."""
        gates = [part.muted, *(other.soloed for other in self.soloists)]
        return [beat for gate in gates for beat, _ in gate.changes(begin, end) if not self.audible(part, beat)]

    def _setting(self, part: Part, beat: Beats, key: int, value: int) -> Event:
        return self._set_on(part.channel_at(beat) or 0, part, beat, self.time.sounds_at(beat), key, value)

    def _set_on(self, channel: int, part: Part, beat: Beats, seconds: Seconds, key: int, value: int) -> Event:
        if key == PROGRAM:
            return ProgramEvent(part.name, beat, seconds, channel, value, part.bank.at(beat))
        return ControlEvent(part.name, beat, seconds, channel, key, value)


def _is(event: NoteEvent, note: Struck) -> bool:
    return (event.part, event.beat, event.pitch) == (note.part, note.onset, note.pitch)


def order(event: Event) -> tuple[Seconds, int]:
    """At the same moment: keys up, then settings, then notes."""
    return event.seconds, 0 if isinstance(event, ReleaseEvent) else 2 if isinstance(event, NoteEvent) else 1
