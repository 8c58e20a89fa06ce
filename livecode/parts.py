"""A part: what sounds in [begin, end), its takes, and what to ask its model next. It knows beats, and nothing else of time."""

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec

from .commands import Adjust, Candidates, Capture, Fade, Nudge, Prime, Respond, Sweep, Thru
from .controls import at_rest, ramp, resolved, shown, spelt
from .errors import BadInput
from .exchange import Exchange
from .gm import DRUM_CHANNEL
from .instruments import Instrument
from .models.knobs import MOST_WORK
from .models.wire import LONGEST_PRIMER, Model, Reply
from .music import DENSEST, Beats, Note, Phrase, beats, pitch_name, silence
from .steps import Steps
from .tempo import TempoMap
from .transforms import Turn
from .turning import Lane, Turning
from .voicing import Voicing

VOLUME, PAN, EXPRESSION = 7, 10, 11
"""MIDI controllers, after MIDI 1.0's table of control change messages."""

PROGRAM = -1
"""Stands beside controller numbers for the program."""

_FADE_STEP = Fraction(1, 8)


class Mode(Enum):
    """What a part does at the end of its loop."""

    LOOP = "loops"
    GENERATE = "generates"
    GENERATE_ONCE = "generates once"
    RESPOND = "answers"
    COUNTING = "counts in"
    STOPPED = "stopped"


def volume_of(gain: float) -> int:
    """Controller 7 for a gain: in General MIDI volume v has the amplitude (v / 127) squared, and the default is 100."""
    return min(127, round(100 * math.sqrt(gain)))


def pan_of(pan: float) -> int:
    """Controller 10 for -1 (left) to 1 (right)."""
    return max(0, min(127, round(64 + 63.5 * pan)))


@dataclass(frozen=True, slots=True)
class Take:
    """A phrase that sounded, the beat at which it first did, and what it was before the part's transforms."""

    begin: Beats
    phrase: Phrase
    plain: Phrase


@dataclass(frozen=True, slots=True)
class Capturing:
    """What was played on an input is to be a loop from the bar line `at` on. Once it is, `under` is what it lies over."""

    said: Capture
    at: Beats
    bars: int
    entered: bool = False
    under: Phrase | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a model may play: pitches low..high, at most `density` notes a beat."""

    low: int = 0
    high: int = 127
    density: Fraction | None = None

    def keep(self, phrase: Phrase) -> Phrase:
        """The phrase within these limits: octaves are folded in, the weakest notes go first."""
        kept = phrase.within(self.low, self.high)
        return kept if self.density is None else kept.thin(self.density)

    def adjusted(self, change: Adjust) -> "Bounds":
        """The same with what the command sets, and without what it frees. Raises BadInput for less than an octave."""
        low = 0 if "low" in change.free else self.low if change.low is None else change.low
        high = 127 if "high" in change.free else self.high if change.high is None else change.high
        density = None if "density" in change.free else self.density if change.density is None else change.density
        if high - low < 11:
            named = f"{pitch_name(low)} to {pitch_name(high)}"
            raise BadInput(f"A range from {named} is less than an octave: give at least 12 pitches.")
        return Bounds(low, high, density)


@dataclass(frozen=True, slots=True)
class Memory:
    """How a part was, or was about to be: what undoing a command goes back to."""

    phrase: Phrase | None
    mode: Mode
    model: Model | None
    asks: int
    bounds: Bounds
    settings: Mapping[str, float | int]
    muted: bool
    soloed: bool
    channel: int | None
    route: str
    bank: tuple[int, int] | None
    controls: Mapping[int, int | None]
    instrument: Instrument | None
    thrus: Mapping[str, Thru]
    turns: tuple[Turn, ...]
    key: str
    respond: Respond | None
    prime: Prime | None


class Part:
    """One voice of the stage. All positions are beats since the start; `now` is the beat that sounds."""

    def __init__(self, name: str, channel: int, planned: Beats, seed: int = 0) -> None:
        self.name = name
        self.turning = Turning(f"{seed}/{name}/loops")
        self.mode = Mode.STOPPED
        self.model: Model | None = None
        self.bounds = Bounds()
        self.key = ""
        """Its own key, "" for the stage's, which is its house's."""
        self._house_key = ""
        self.settings: dict[str, float | int] = {}
        self.takes: list[Take] = []
        self.muted = Steps(False)
        self.counting = Steps(False)
        """Whether it counts in, which nobody's solo silences."""
        self.soloed = Steps(False)
        self.solo_among: Container[str] | None = None
        """The names of those whom its solo silences; None for all others."""
        self.trouble = ""
        self.asked = ""
        """The id of the request that is out, if one is."""
        self.asks = 0
        """How many requests its present model had; and, in `asks_ever`, all its models together."""
        self.asks_ever = 0
        self.proposal = ""
        """The id of the request for candidates that is out, if one is."""
        self.proposals = 0
        """How often candidates were asked for."""
        self._candidates = Candidates()
        self.own_channel = channel
        self.route = Steps("")
        """The name of the output it plays on; "" is the stage's first."""
        self.bank: Steps[tuple[int, int] | None] = Steps(None)
        """The bank that its program is of, as controllers 0 and 32; None for whichever is selected."""
        self.thrus: Mapping[str, Thru] = {}
        """The inputs that are played through it, by name."""
        self.exchange: Exchange | None = None
        """How it answers, or did when it last did."""
        self.prime: Prime | None = None
        """What its model continues instead of its own bars."""
        self.capture: Capturing | None = None
        """What is about to be its loop."""
        self._channel: Steps[int | None] = Steps(None)
        self._lane: Steps[Phrase | None] = Steps(None)
        self._controls: dict[int, Steps[int | None]] = {}
        self.instrument: Instrument | None = None
        """What it was put on last, unless it was sent to an output since."""
        self._voicing: Steps[Voicing] = Steps(Voicing())
        self.crowd = Steps(0)
        """How many voices its instrument has, which it shares with other parts there; 0 for any number."""
        self._limited: tuple[Phrase, Voicing, Phrase] | None = None
        self.planned = planned
        """Everything before this beat is with the outputs."""
        self._answered: Beats | None = None
        self._answer = Phrase((), Beats(1))
        """What the model said last, without the limits."""
        self._settled = Beats(0)
        self._hurry = False
        self._fresh = False
        self._back = Beats(-1)

    # What sounds

    def notes_between(self, begin: Beats, end: Beats) -> Iterator[Note]:
        """Yield the notes that start in [begin, end), at their beat. Where their phrase is replaced, all of them end."""
        here = begin
        while here < end:
            change = self._lane.next(here)
            edges = (end, change, self._voicing.next(here), self.turning.turns.next(here))
            until = min(beat for beat in edges if beat is not None)
            phrase, origin = self._lane.at(here), self._lane.began(here)
            if phrase is not None:
                played = partial(self._playable, voicing=self._voicing.at(here))
                yield from self.turning.between(Lane(phrase, origin), here, until, played)
            here = until

    def ends(self, onset: Beats, end: Beats) -> Beats:
        """Where a note of its phrases ends that would last to `end`: where its loop becomes another, if earlier."""
        changes = (end, self._lane.next(onset), self.turning.turns.next(onset))
        return min(beat for beat in changes if beat is not None)

    def _playable(self, phrase: Phrase, voicing: Voicing) -> Phrase:
        """What an instrument with these voices plays of the phrase; known for the one that sounds."""
        if self._limited is None or self._limited[0] is not phrase or self._limited[1] != voicing:
            self._limited = phrase, voicing, voicing.limited(phrase)
        return self._limited[2]

    def excerpt(self, begin: Beats, end: Beats) -> Phrase:
        """What it plays in [begin, end) as far as is known, heard or not; its last phrase repeats, and before beat 0 is nothing.

        A note that began earlier and still rings begins with the excerpt, unless it has rung for 128 beats.
        """
        here = max(Beats(0), begin)
        phrase = self._lane.at(here)
        since = max(Beats(0), here - min(phrase.length, LONGEST_PRIMER)) if phrase else here
        notes = [
            replace(note, onset=max(note.onset, begin) - begin, duration=stop - max(note.onset, begin))
            for note in self.notes_between(since, end)
            if (stop := self.ends(note.onset, note.end)) > begin
        ]
        return Phrase(tuple(notes[: int(DENSEST * (end - begin))]), end - begin, self._drums_at(end))

    def controls_between(self, begin: Beats, end: Beats) -> Iterator[tuple[Beats, int, int]]:
        """Yield (beat, controller or PROGRAM, value) in [begin, end), in order.

        What was set is said again wherever the part comes to another channel or output, or comes back after a crash.
        """
        said: list[tuple[Beats, int, int]] = []
        histories: list[Steps[Any]] = [self._lane, self._channel, self.route]
        back = {self._back} if begin <= self._back < end else set()
        for beat in sorted(back | {beat for steps in histories for beat, _ in steps.changes(begin, end)}):
            moved = beat in back or self.route.at(beat) != self.route.before(beat)
            if moved or self.channel_at(beat) != self._channel_before(beat):
                said += [(beat, key, value) for key, steps in self._controls.items() if (value := steps.before(beat)) is not None]
        for key, steps in self._controls.items():
            said += [(beat, key, value) for beat, value in steps.changes(begin, end) if value is not None]
        return iter(sorted((item for item in said if self.channel_at(item[0]) is not None), key=lambda item: item[0]))

    def replaced_between(self, begin: Beats, end: Beats) -> list[Beats]:
        """The beats in [begin, end) at which one phrase, or output, gives way to another."""
        phrases = [beat for beat, _ in self._lane.changes(begin, end) if self._lane.before(beat) is not None]
        return phrases + [beat for steps in (self.route, self.turning.turns) for beat, _ in steps.changes(begin, end)]

    def channel_at(self, beat: Beats) -> int | None:
        """The MIDI channel, 0-15: the one that was set, else 9 for drums, else the part's own; None before any phrase."""
        return self._resolved(self._channel.at(beat), self._lane.at(beat))

    def channel_by_hand(self, beat: Beats) -> int:
        """The MIDI channel, 0-15, of what is played through it."""
        channel = self.channel_at(beat)
        chosen = self._channel.at(beat) if channel is None else channel
        return self.own_channel if chosen is None else chosen

    def unsaid(self, beat: Beats) -> list[tuple[int, int]]:
        """Controllers (or PROGRAM) and their values that nobody is told before it has a phrase."""
        held = [(key, steps.at(beat)) for key, steps in self._controls.items()] if self.channel_at(beat) is None else []
        return [(key, value) for key, value in held if value is not None]

    def channels(self) -> set[int]:
        """The channels that it may have played on: its own, that of drums, and those that were set."""
        return {self.own_channel, DRUM_CHANNEL, *(channel for channel in self._channel.values() if channel is not None)}

    def _channel_before(self, beat: Beats) -> int | None:
        return self._resolved(self._channel.before(beat), self._lane.before(beat))

    def _resolved(self, chosen: int | None, phrase: Phrase | None) -> int | None:
        if phrase is None:
            return None
        if chosen is not None:
            return chosen
        return DRUM_CHANNEL if phrase.drums else self.own_channel

    def drowns(self, other: "Part", beat: Beats) -> bool:
        """Whether its solo silences another: not one of those that are solo among as many."""
        if self.solo_among is None:
            return not other.soloed.at(beat) or other.solo_among is not None
        return other.name in self.solo_among and not other.soloed.at(beat)

    def changes_from(self, now: Beats, at: Beats) -> Beats:
        """From where on it may sound otherwise, if something is said at `now` for beat `at`: what was to enter may not."""
        change = self._lane.first(now)
        return at if change is None else min(at, change)

    def coming(self, beat: Beats) -> tuple[Beats, Phrase] | None:
        """The last phrase that is to enter after this beat, and where."""
        last = self._lane.last()
        phrase = None if last is None or last <= beat else self._lane.at(last)
        return None if last is None or phrase is None else (last, phrase)

    def phrase_at(self, beat: Beats) -> Phrase | None:
        """What repeats at this beat; None before the first phrase."""
        return self._lane.at(beat)

    def boundary(self, after: Beats, tempo: TempoMap) -> Beats:
        """The end of the part's loop: the first bar line at or after the end of the pass that sounds at `after`.

        Where nothing sounds, the first bar line.
        """
        phrase = self._lane.at(after)
        if phrase is None or not phrase.notes:
            return tempo.line_after(after)
        begin = self._lane.began(after)
        return tempo.line_after(begin + math.ceil((after - begin) / phrase.length) * phrase.length)

    def next_loop(self, after: Beats) -> tuple[Beats, int, list[tuple[str, Phrase]]] | None:
        """Where the first loop at or after this beat begins, its number, and what performers' functions are given for it.

        None if nothing sounds there.
        """
        begin, change = after, self._lane.next(after)
        phrase, origin = self._lane.at(after), self._lane.began(after)
        if phrase is not None:
            begin = origin + math.ceil((after - origin) / phrase.length) * phrase.length
        if change is not None and (phrase is None or begin >= change):
            begin, origin, phrase = change, change, self._lane.at(change)
        if phrase is None or not phrase.notes:
            return None
        return begin, *self.turning.asked(Lane(phrase, origin), begin)

    # What it is told

    def play(self, phrase: Phrase, at: Beats, *, plain: bool = False) -> None:
        """One's own notes from `at` on; `plain` without transforms."""
        self._enter(phrase, at)
        if plain:
            self.plain(at)
        self.mode, self._fresh = Mode.LOOP, False

    def turn(self, turn: Turn, at: Beats) -> Beats:
        """Transform its loops from `at` on; returns where the first begins that is. Raises BadInput."""
        phrase = self._lane.at(at)
        self.turning.add(turn, at, phrase)
        return at if phrase is None else self.turning.first(turn, Lane(phrase, self._lane.began(at)), at)

    def plain(self, at: Beats) -> None:
        """Without transforms from `at` on."""
        self.turning.set((), at)

    def in_key(self, at: Beats, *, own: str | None = None, house: str | None = None) -> None:
        """What its models say is brought into this key from `at` on; None leaves its own, or that of its house, as it is."""
        self.key = self.key if own is None else own
        self._house_key = self._house_key if house is None else house
        self.turning.key.cut(at)
        self.turning.key.keep(at, self.key or self._house_key)
        self._keep_anew(at)

    def generates(self) -> bool:
        """Whether its model is to be asked for more."""
        return self.mode in (Mode.GENERATE, Mode.GENERATE_ONCE, Mode.RESPOND)

    def freeze(self, now: Beats) -> bool:
        """Loop what it has, if it generates: what is about to come from its model does not. Returns whether it did."""
        if not self.generates():
            return False
        self._drop_answer(now)
        if self.mode is Mode.RESPOND:
            return self._hold(now)
        self.mode = Mode.STOPPED if self._lane.last() is None else Mode.LOOP
        self.trouble, self._hurry = "", False
        return True

    def _hold(self, now: Beats) -> bool:
        """Answer no more: the answer that sounds goes round, and silence stays."""
        phrase, ends = self._lane.at(now), self._lane.next(now)
        sounds = phrase is not None and bool(phrase.notes)
        if sounds and ends is not None:
            self._lane.cut(ends)
        self.mode = Mode.LOOP if sounds else Mode.STOPPED
        return True

    def assign(self, model: Model, now: Beats) -> None:
        """From the first answer on, this model; until then what sounds goes on."""
        self._drop_answer(now)
        self.mode = Mode.RESPOND if self.mode is Mode.RESPOND else Mode.GENERATE
        self.model, self.asks, self.trouble, self._hurry = model, 0, "", True

    def loop(self, now: Beats, at: Beats) -> None:
        """Repeat what sounds, even if new bars have come; after a stop, what last sounded.

        If nothing ever did, the first bars that its model makes. Raises BadInput if it has neither notes nor a model.
        """
        if self._lane.last() is None:
            if self.model is None:
                raise BadInput(f"{self.name} has nothing to loop yet: give it notes or a model first.")
            self.mode = Mode.GENERATE_ONCE
            return
        self._drop_answer(now)
        if self.mode in (Mode.STOPPED, Mode.COUNTING, Mode.RESPOND) and self.takes:
            self._enter(self.takes[-1].plain, at)
        self.mode = Mode.LOOP

    def respond(self, said: Respond, now: Beats, at: Beats, bar: Beats) -> None:
        """Listen from `now` on, fall silent at `at`, a bar line, and answer from then on. Raises BadInput if it has no model."""
        self._needs_model()
        if self._lane.final() is not None:
            self._enter(silence(bar, drums=self._drums_at(at)), at)
        self._drop_answer(at)
        self.mode, self.exchange, self.trouble = Mode.RESPOND, Exchange(said, now), ""

    def turned(self, at: Beats) -> Phrase | None:
        """What repeats at `at`, beginning with what sounds there."""
        phrase, began = self._lane.at(at), self._lane.began(at)
        return phrase.rotate(-((at - began) % phrase.length)) if phrase is not None and phrase.notes else None

    def looped(self, phrase: Phrase, at: Beats) -> None:
        """Repeat what was played on an input from `at` on; what is known of it may be said again, a little later."""
        if self.takes and self.takes[-1].begin == at:
            self.takes.pop()
            self.takes.append(Take(at, phrase, phrase))
        self._enter(phrase, at)
        self.mode, self._fresh = Mode.LOOP, False

    def generate(self, *, once: bool) -> None:
        """New bars every loop, or once. Raises BadInput if the part has no model."""
        self._needs_model()
        self.mode = Mode.GENERATE_ONCE if once else Mode.GENERATE
        self._hurry = True

    def reset(self, at: Beats, length: Beats, *, then_generate: bool) -> None:
        """Empty bars from `at` on; then, if wanted, new ones once, made from nothing. Raises BadInput if that lacks a model."""
        if then_generate:
            self._needs_model()
        self._enter(silence(length, drums=self._drums_at(at)), at)
        self.mode = Mode.GENERATE_ONCE if then_generate else Mode.LOOP
        self._hurry, self._fresh = then_generate, True

    def stop(self, at: Beats, bar: Beats) -> None:
        """Nothing from `at` on."""
        self._drop_answer(at)
        if self._lane.at(at) is None:
            self._lane.cut(at)
        else:
            self._enter(silence(bar, drums=self._drums_at(at)), at)
        self.mode = Mode.STOPPED

    def count_in(self, phrase: Phrase, at: Beats, end: Beats, bar: Beats) -> None:
        """This phrase from `at` to `end`, which is a bar line; nobody's solo silences it."""
        self.play(phrase, at)
        self.stop(end, bar)
        self.mode = Mode.COUNTING
        self.counting.set(at, True)
        self.counting.add(end, False)

    def counted(self) -> Beats:
        """Where its last count-in ends; beat 0 if it had none."""
        return self.counting.last() or Beats(0)

    def begin_anew(self, at: Beats) -> None:
        """Begin the loop anew at this beat; what is to come later comes all the same."""
        phrase = self._lane.at(at)
        if phrase is not None:
            self._lane.insert(at, phrase)

    def memory(self) -> Memory:
        """How it is, once all that was said has come to be."""
        return Memory(
            self._lane.final(),
            self.mode,
            self.model,
            self.asks,
            self.bounds,
            dict(self.settings),
            self.muted.final(),
            self.soloed.final(),
            self._channel.final(),
            self.route.final(),
            self.bank.final(),
            {key: steps.final() for key, steps in self._controls.items()},
            self.instrument,
            self.thrus,
            self.turning.turns.final(),
            self.key,
            self.exchange.said if self.exchange and self.mode is Mode.RESPOND else None,
            self.prime,
        )

    def put_back(self, memory: Memory, now: Beats, at: Beats, bar: Beats, house: str) -> None:
        """Play what it played then from `at` on, as it did from `now` on, in this key of the house if it has none of its own.

        Mute and solo are left to the sequencer.
        """
        self._drop_answer(now)
        if memory.phrase == self._lane.before(at):
            self._lane.cut(at)
            self.counting.cut(at)
        elif memory.phrase is None:
            self.stop(at, bar)
        else:
            self._enter(memory.phrase, at)
        self.mode, self.model, self.asks, self.bounds = memory.mode, memory.model, memory.asks, memory.bounds
        self.settings, self.trouble, self._hurry, self._fresh = dict(memory.settings), "", False, False
        self.thrus, self.prime, self.capture = memory.thrus, memory.prime, None
        if memory.respond is not None:
            self.exchange = Exchange(memory.respond, at)
        self.turning.set(memory.turns, at)
        self.in_key(at, own=memory.key, house=house)
        self._channel.keep(now, memory.channel)
        self.route.keep(now, memory.route)
        banked = self.bank.final() != memory.bank
        self.bank.keep(now, memory.bank)
        self.instrument = memory.instrument
        self._voicing.keep(now, self._voicing_now())
        self.crowd.keep(now, self._voices_of_instrument())
        for key, steps in self._controls.items():
            value = memory.controls.get(key)
            value = (0 if key == PROGRAM else at_rest(key)) if value is None else value
            if value is None:
                steps.cut(now)  # nobody knows where it was: it stays where it is
            else:
                steps.keep(now, value)
            if key == PROGRAM and banked and value is not None:
                steps.set(now, value)

    def come_back(self, at: Beats) -> None:
        """After a crash: the outputs are new, and know nothing of this part before this beat."""
        self.planned = self._back = at

    def remember(self, takes: Iterable[Take]) -> None:
        """Have these takes from before the crash."""
        self.takes = [take for take in takes if take.begin < self._back] + [
            take for take in self.takes if take.begin >= self._back
        ]

    def _enter(self, phrase: Phrase, at: Beats) -> None:
        self._drop_answer(at)
        self._lane.set(at, phrase)
        self.counting.cut(at)
        if self.counting.at(at):
            self.counting.add(at, False)

    def _drop_answer(self, since: Beats) -> None:
        """Want no more what was asked, nor what has come and would enter at or after `since`."""
        self.asked = ""
        if self._answered is not None and self._answered >= since:
            self._lane.cut(self._answered)
            self._answered = None

    def _drums_at(self, beat: Beats) -> bool:
        phrase = self._lane.at(beat)
        return phrase is not None and phrase.drums

    def _needs_model(self) -> Model:
        if self.model is None:
            phrase = self._lane.final()
            model = "drums_rnn()" if phrase is not None and phrase.drums else "melody_rnn()"
            raise BadInput(f"{self.name} has no model yet: give it one first, such as {self.name} >> {model}.")
        return self.model

    def level_at(self, beat: Beats) -> float:
        """What fades have brought it to, as amplitude, 0 to 1."""
        value = self._controls[EXPRESSION].at(beat) if EXPRESSION in self._controls else None
        return 1.0 if value is None else round((value / 127) ** 2, 2)

    def fade(self, level: float, at: Beats, over: Beats) -> None:
        """Bring the level (amplitude, 0 to 1) there evenly, in steps of an eighth of a beat."""
        steps = self._controls.setdefault(EXPRESSION, Steps(None))
        value = steps.at(at)
        start = 1.0 if value is None else (value / 127) ** 2
        count = max(1, math.ceil(over / _FADE_STEP))
        steps.cut(at)
        for place in range(1 if over else count, count + 1):
            beat = at + over * place / count
            steps.add(beat, round(127 * math.sqrt(max(0.0, start + (level - start) * place / count))))

    def adjust(self, change: Adjust, at: Beats) -> None:
        """Set what the command sets, from `at` on; bounds hold for the next bars of the model's. Raises BadInput."""
        before, self.bounds = self.bounds, self.bounds.adjusted(change)
        if self.bounds != before:
            self._keep_anew(at)
        self.settings = {name: value for name, value in (self.settings | change.given()).items() if name not in change.free}
        if change.channel is not None or "channel" in change.free:
            self._channel.set(at, change.channel)
        if change.gain is not None:
            self._control(VOLUME, at, volume_of(change.gain))
        if change.pan is not None:
            self._control(PAN, at, pan_of(change.pan))
        for control, value in change.controls.items():
            self._control(control, at, value)
        if change.bank is not None:
            self.bank.set(at, change.bank)
        if change.program is not None or change.bank is not None:  # a bank counts from the next program on
            self._control(PROGRAM, at, int(self.settings.get("program", 0)))
        self._voicing.set(at, self._voicing_now())

    def equip(self, instrument: Instrument | None, output: str, at: Beats) -> None:
        """From `at` on it plays on this output, and on this instrument there, whose settings are its own then."""
        self.route.set(at, output)
        self.instrument = instrument
        if instrument is not None:
            self.adjust(Adjust(part=self.name, channel=instrument.channel, program=instrument.program, bank=instrument.bank), at)
        self._voicing.set(at, self._voicing_now())
        self.crowd.set(at, self._voices_of_instrument())

    def _voices_of_instrument(self) -> int:
        return 0 if self.instrument is None else self.instrument.voicing.voices

    def _voicing_now(self) -> Voicing:
        voicing = Voicing() if self.instrument is None else self.instrument.voicing
        return voicing.within(int(self.settings.get("voices", 0)))

    def control(self, control: int | str) -> int:
        """The control of this number or name; its instrument's names come first. Raises BadInput or UnknownName."""
        return resolved(control, self.instrument.names if self.instrument else {})

    def sweep(self, control: int, command: Sweep, at: Beats, over: Beats) -> None:
        """Bring a control to the command's value evenly, from `at` on."""
        steps = self._controls.setdefault(control, Steps(None))
        held = steps.at(at) if command.start is None else command.start
        start = (at_rest(control) or 0) if held is None else held
        steps.cut(at)
        if over and (command.start is not None or steps.at(at) is None):
            steps.add(at, start)
        for beat, value in ramp(control, start, command.value, at, over):
            steps.add(beat, value)

    def turn_knob(self, knob: int | str, value: float, at: Beats) -> str:
        """Turn a knob from `at` on; says which. Raises BadInput or UnknownName."""
        match knob:
            case "gain" | "pan" | "density":
                exact = beats(value) if knob == "density" else value
                self.adjust(Adjust(part=self.name, **{knob: exact}), at)  # type: ignore[arg-type]
            case "level":
                self.fade(Fade(part=self.name, level=value, bars=Beats(0)).level, at, Beats(0))
            case "nudge":
                self.settings["nudge"] = Nudge(part=self.name, ms=value).ms
            case "temperature":
                self._heat(value)
            case _:
                control = self.control(knob)
                command = Sweep(part=self.name, control=control, value=round(value))
                command.check(control)
                self.sweep(control, command, at, Beats(0))
                return f"{spelt(control)} set to {shown(control, round(value))}"
        return f"{knob} {value:g} set"

    @property
    def temperature(self) -> float | None:
        """Its model's; None if it has none."""
        at = None if self.model is None else self.model.knobs.get("temperature")
        return float(at) if isinstance(at, int | float) else None

    def _heat(self, temperature: float) -> None:
        """The model's next bars are drawn at this temperature, 0.01 to 10; those that were asked for come as they are."""
        model = self._needs_model()
        if "temperature" not in model.knobs:
            raise BadInput(f"{model!r} has no temperature: it draws from its own probabilities.")
        self.model = msgspec.structs.replace(model, knobs={**model.knobs, "temperature": temperature})

    def controls_at(self, beat: Beats) -> dict[int, int]:
        """What its controls stand at, by their numbers, as far as they were set."""
        return {key: value for key, steps in self._controls.items() if key != PROGRAM and (value := steps.at(beat)) is not None}

    def _keep_anew(self, at: Beats) -> None:
        """The limits are others from `at` on: bars that have come, and do not sound yet, are to keep those."""
        if self._answered is not None and at <= self._answered == self._lane.last():
            self._lane.set(self._answered, self._kept(self._answer, self._answered))

    def _kept(self, phrase: Phrase, at: Beats) -> Phrase:
        """What the model said, in the key that holds at that beat and within the limits. Over chords, only its own key counts."""
        chords = self.model is not None and self.model.chords is not None
        key = self.key if chords else self.turning.key.at(at)
        return self.bounds.keep(phrase.to_scale(key) if key else phrase)

    def _control(self, key: int, at: Beats, value: int) -> None:
        self._controls.setdefault(key, Steps(None)).set(at, value)

    def play_through(self, thru: Thru) -> None:
        """What is played on an input sounds as the part's, or no more."""
        gone = set(self.thrus) if not thru.input else {thru.input}
        kept = {name: other for name, other in self.thrus.items() if name not in gone}
        self.thrus = kept if thru.off else kept | {thru.input: thru}

    # What it asks

    def entry(self, now: Beats, tempo: TempoMap) -> Beats:
        """Where new bars may enter: the end of the loop, once whatever is about to enter has sounded; answers, where due."""
        if self.mode is Mode.RESPOND and self.exchange is not None:
            return self.exchange.enters(now, tempo)
        last = self._lane.last()
        if last is None or last < now:
            return self.boundary(now, tempo)
        coming = self._lane.at(last)
        return self.boundary(last + coming.length if coming else last, tempo)

    def asks_for(self, now: Beats, tempo: TempoMap, lead: Beats | None) -> Beats | None:
        """The beat for which new bars should be asked for now; None if now is not the time.

        `lead` is how long before the boundary the model must be asked; None if nobody knows yet: then at once.
        """
        if self.mode not in (Mode.GENERATE, Mode.GENERATE_ONCE) or self.asked or self._answered is not None:
            return None
        entry = self.entry(now, tempo)
        return entry if self._hurry or lead is None or now >= entry - lead else None

    def listens(self) -> bool:
        """Whether it is to be asked for an answer as soon as there is a call."""
        return self.mode is Mode.RESPOND and not self.asked and self._answered is None

    def primer(self, entry: Beats, bar: Beats) -> Phrase | None:
        """What the model continues into beat `entry`: what was given, nothing, or the part's last bars; nothing after a reset.

        The last bars are what repeats just before, as if it always had, in whole bars, 128 beats at most.
        """
        if self._fresh:
            return None
        if self.model is not None and not isinstance(self.model.primer, str):
            return self.model.primer
        sounding, origin = self._lane.at(entry), self._lane.began(entry)
        if sounding is not None and not sounding.notes and self.takes:
            sounding, origin = self.takes[-1].plain, entry
        if sounding is None or not sounding.notes:
            return None
        window = min(math.ceil(sounding.length / bar), max(1, LONGEST_PRIMER // bar)) * bar
        begin = (entry - origin - window) % sounding.length
        heard = tuple(replace(note, onset=note.onset - begin) for note in sounding.between(begin, begin + window))
        return Phrase(heard, window, sounding.drums)

    def ask(self, request_id: str) -> None:
        """A request is out."""
        self.asked = request_id
        self.asks, self.asks_ever = self.asks + 1, self.asks_ever + 1

    def unask(self) -> None:
        """The request that was out counts for nothing: ask again."""
        self.asked = ""
        self.asks, self.asks_ever = self.asks - 1, self.asks_ever - 1

    def answer(self, phrase: Phrase, at: Beats) -> None:
        """The phrase that was asked for has come, and enters there."""
        self._enter(self._kept(phrase, at), at)
        if self.mode is Mode.RESPOND and self.exchange is not None:
            self._lane.add(at + phrase.length, silence(phrase.length, drums=phrase.drums))
            self.exchange.answered(at, at + phrase.length)
        self._answer = phrase
        self._answered, self.trouble, self._hurry, self._fresh = at, "", False, False
        if self.mode is Mode.GENERATE_ONCE:
            self.mode = Mode.LOOP

    # What its model proposes

    def propose(self, n: int) -> Model:
        """So many candidates are wanted, of the model that is returned.

        Raises BadInput if there is none, or for what takes too long.
        """
        model = self._needs_model()
        if n * model.work > MOST_WORK:
            raise BadInput(
                f"{n} candidates of {model!r} would take too long: "
                f"candidates x bars x beam_size x branch_factor may be {MOST_WORK}."
            )
        self.proposals += 1
        return model

    def proposes(self, request_id: str) -> None:
        """The request for candidates is out."""
        self.proposal, self._candidates = request_id, Candidates(waits=True)

    def proposed(self, reply: Reply) -> None:
        """The candidates have come, or will not."""
        self.proposal, self._candidates = "", Candidates(reply.phrases, trouble=reply.refusal or "")

    def candidates(self) -> Candidates:
        """What its model has proposed, within the limits as they are now."""
        found = self._candidates
        last = self.turning.key.last() or Beats(0)
        return Candidates(tuple(self._kept(phrase, last) for phrase in found.phrases), found.waits, found.trouble)

    def candidate(self, number: int) -> Phrase:
        """The candidate of this number, counted from 1. Raises BadInput if there is none."""
        found = self.candidates()
        if found.waits:
            raise BadInput(f"{self.name}'s candidates have not come yet: {self.name}.candidates() shows them once they have.")
        if not found.phrases:
            raise BadInput(f"{self.name} has no candidates: ask its model for some first, {self.name}.candidates(8).")
        if number not in range(1, len(found.phrases) + 1):
            raise BadInput(f"{self.name} has no candidate {number!r}: give a number from 1 to {len(found.phrases)}.")
        return found.phrases[number - 1]

    def realign(self, after: Beats, tempo: TempoMap) -> None:
        """The bar lines have moved: what was to enter last, after this beat, enters on one of the new ones."""
        last = self._lane.last()
        if last is not None and last > after:
            moved, phrase = tempo.line_after(last), self._lane.at(last)
            self._lane.cut(last)
            self._lane.add(moved, phrase)
            self._answered = moved if self._answered == last else self._answered

    def refused(self, why: str) -> None:
        """The model gave nothing: what sounds goes on."""
        self.asked, self.trouble, self._hurry = "", why, False
        if self.mode is Mode.RESPOND and self.exchange is not None:
            self.exchange.passed_over()

    def settle(self, now: Beats) -> list[Take]:
        """Time has come to `now`: keep what has begun to sound as takes, and return the new ones."""
        now = max(now, self._settled)
        fresh = list(self._begun(self._settled, now))
        self._settled = now
        if self._answered is not None and self._answered < now:
            self._answered = None
        if self.mode is Mode.COUNTING and (self._lane.last() or now) < now:
            self.mode = Mode.STOPPED
        self.takes += fresh
        kept: list[Steps[Any]] = [
            self._lane,
            self._channel,
            self.route,
            self.bank,
            self.muted,
            self.soloed,
            self.counting,
            self._voicing,
            self.crowd,
        ]
        for steps in kept + list(self._controls.values()):
            steps.forget(min(now, self.planned))
        self.turning.forget(min(now, self.planned))
        return fresh

    def _begun(self, begin: Beats, end: Beats) -> Iterator[Take]:
        """Yield what begins to sound in [begin, end): each phrase that enters, and what transforms make of it if that is new."""
        entered = {beat for beat, _ in self._lane.changes(begin, end)}
        changes = entered | {beat for beat, _ in self.turning.turns.changes(begin, end)}
        last = self.takes[-1].phrase if self.takes else None
        for since, until in pairwise(sorted({begin, end, *changes})):
            phrase, lane_began = self._lane.at(since), self._lane.began(since)
            if phrase is None or not phrase.notes or not (since in changes or self.turning.turns.at(since)):
                continue
            lane = Lane(phrase, lane_began)
            for start, _ in self.turning.loops(lane, since, until):
                if start not in changes and (start - lane_began) % phrase.length:
                    continue
                heard = self.turning.loop(lane, start)
                if heard.notes and (start in entered or heard != last):
                    last = heard
                    yield Take(start, heard, phrase)
                if not self.turning.turns.at(since):
                    break
