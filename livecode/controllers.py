"""Knobs and pads of MIDI controllers, and what they turn and do. Pure: it hears messages, and says which commands they mean.

However many messages come, a knob is one change, the newest, whenever `commands` is asked.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import msgspec

from .bindings import PART_KNOBS, STAGE_KNOBS, Kind, Source, Target
from .commands import (
    Act,
    Action,
    AnyCommand,
    Continue,
    Hush,
    Map,
    Mute,
    On,
    Panic,
    PartState,
    Pause,
    Restart,
    SetSwing,
    Snapshot,
    Solo,
    Tempo,
    TurnKnob,
    Undo,
    UndoLast,
)
from .controls import at_rest, resolved
from .errors import UnknownName
from .tempo import Swing

MOST_BOUND = 1024
MOST_HITS = 64
"""So many hits of pads wait for a turn of the planner; more than that at once is no hand."""

NOTE_ON, CONTROL = 0x90, 0xB0
MIDDLE = 64

_CLOSE = 1 / 64
"""A knob that is nearer than this part of its way has met what it picks up."""


@dataclass(slots=True)
class _Hand:
    """A knob as it was last: where (0-127), whether it has hold of its target, what it set last, and where that stood then."""

    raw: int | None = None
    holds: bool = False
    value: float | None = None
    stood: float | None = None
    shown: int | None = None


class Controllers:
    """What is bound to what. One thread at a time calls methods."""

    def __init__(self) -> None:
        self._bound: dict[Source, Target] = {}
        self._hands: dict[Source, _Hand] = {}
        self._moved: dict[Source, tuple[int, str]] = {}
        self._turned: dict[Source, tuple[int, str]] = {}
        self._hits: deque[Source] = deque(maxlen=MOST_HITS)
        self._learnt: Source | None = None
        self.learns: Target | None = None
        """What the next knob or pad that is moved will be bound to."""

    def bound(self) -> tuple[tuple[Source, Target], ...]:
        """What is bound to what."""
        return tuple(self._bound.items())

    def bind(self, source: Source, target: Target | None) -> list[Target]:
        """From now on it turns or does this; None for nothing. A knob or pad has one meaning: returns those that it had before,
        also as one of several that `source` or an earlier source could be."""
        before = [self._bound.pop(other) for other in list(self._bound) if other.overlaps(source)]
        self._hands = {bound: hand for bound, hand in self._hands.items() if bound in self._bound}
        if target is not None:
            self._bound[source], self._hands[source] = target, _Hand()
        if target == self.learns:
            self.learns = None
        return before

    @property
    def touched(self) -> bool:
        """Whether hands have done something that `commands` has not said yet."""
        return bool(self._hits or self._moved or self._turned or self._learnt)

    # What arrives

    def hear(self, played_on: str, message: tuple[int, ...]) -> None:
        """A message has arrived at this input."""
        kinds: Mapping[int, Kind] = {NOTE_ON: "note", CONTROL: "cc"}
        kind = kinds.get(message[0] & 0xF0)
        if kind is None or len(message) != 3 or (kind == "note" and not message[2]) or (kind == "cc" and message[1] > 119):
            return
        touched = Source(kind=kind, number=message[1], channel=message[0] & 0x0F, input=played_on)
        if self.learns is not None:
            self._learnt = self._learnt or touched
        if touched != self._learnt and (source := self._found(touched)) is not None:
            self._take(source, message[2], played_on)

    def _found(self, touched: Source) -> Source | None:
        """What is bound that this is: of this input and channel, or of any."""
        wide = (
            msgspec.structs.replace(touched, input=name, channel=channel)
            for name in (touched.input, "")
            for channel in (touched.channel, None)
        )
        return next((source for source in wide if source in self._bound), None)

    def _take(self, source: Source, raw: int, played_on: str) -> None:
        target, hand = self._bound[source], self._hands[source]
        if target.acts:
            if source.kind == "note" or (raw >= MIDDLE and (hand.raw or 0) < MIDDLE):
                self._hits.append(source)
            hand.raw = raw
        elif target.encoder:
            by = _signed(raw) if target.encoder == "twos" else raw - MIDDLE
            self._turned[source] = (self._turned.get(source, (0, ""))[0] + by, played_on)
        else:
            self._moved[source] = (raw, played_on)

    # What it means

    def commands(self, now: Snapshot) -> Iterator[AnyCommand]:
        """What hands have done since, as commands; `now` says where things stand."""
        learnt, self._learnt = self._learnt, None
        if learnt is not None and self.learns is not None:
            yield Map(source=learnt, target=self.learns)
        parts = {part.name: part for part in now.parts}
        flipped: set[Source] = set()
        while self._hits:
            source = self._hits.popleft()
            if (target := self._bound.get(source)) is not None:
                flipped ^= {source}
                yield _done(target, parts.get(target.part), now, again=source not in flipped)
        moved, self._moved = self._moved, {}
        turned, self._turned = self._turned, {}
        for source, (raw, played_on) in moved.items():
            yield from self._set(source, parts, now, raw, played_on, turns=False)
        for source, (by, played_on) in turned.items():
            yield from self._set(source, parts, now, by, played_on, turns=True)

    def _set(
        self, source: Source, parts: Mapping[str, PartState], now: Snapshot, raw: int, played_on: str, *, turns: bool
    ) -> Iterator[AnyCommand]:
        target, hand = self._bound.get(source), self._hands.get(source)
        if target is None or hand is None or (target.part and target.part not in parts):
            return
        part = parts.get(target.part)
        if not _is_known(target, part):
            return
        control = _control(target, part)
        low, high = target.span(control)
        stands = _stands(target, part, now, control)
        if turns:
            begin = hand.value if _is_ours(hand, stands, abs(high - low)) else stands
            begin = low if begin is None else begin
            value = min(max(low, high), max(min(low, high), begin + raw * (high - low) / 127))
        else:
            value = low + raw * (high - low) / 127
            if not _takes_hold(hand, target, value, stands, low, high):
                hand.raw = raw
                return
            hand.raw = raw
        value = float(round(value)) if control is not None else round(value, 3)
        if value != hand.value or not _is_ours(hand, stands, abs(high - low)):
            hand.value, hand.stood = value, stands
            yield _turned(target, value, played_on)

    # What goes back

    def feedback(self, now: Snapshot) -> Iterator[tuple[str, tuple[int, ...]]]:
        """(output, message) for each knob and pad with feedback whose light is not as things stand."""
        wanted = [(source, target) for source, target in self._bound.items() if target.feedback]
        parts = {part.name: part for part in now.parts} if wanted else {}
        for source, target in wanted:
            raw, hand = _shown(target, parts.get(target.part), now), self._hands[source]
            if raw is not None and raw != hand.shown:
                hand.shown = raw
                status = NOTE_ON if source.kind == "note" else CONTROL
                yield target.feedback, (status | (source.channel or 0), source.number, raw)

    def show_again(self, output: str) -> None:
        """Whatever shines there is not known any more: everything is sent anew."""
        for source, target in self._bound.items():
            if target.feedback == output:
                self._hands[source].shown = None


def _takes_hold(hand: _Hand, target: Target, value: float, stands: float | None, low: float, high: float) -> bool:
    """Whether a knob that now says `value` turns its target: always, or once it has passed where that stands."""
    if not target.pickup or stands is None:
        return True
    if hand.holds and _is_ours(hand, stands, abs(high - low)):
        return True
    before = None if hand.raw is None else low + hand.raw * (high - low) / 127
    passed = before is not None and min(before, value) <= stands <= max(before, value)
    hand.holds = passed or abs(value - stands) <= abs(high - low) * _CLOSE
    return hand.holds


def _is_ours(hand: _Hand, stands: float | None, way: float) -> bool:
    """Whether things stand where this knob has brought them, or is about to: what is said takes a moment to be so."""
    if hand.value is None or stands is None:
        return hand.value is not None
    stood = hand.value if hand.stood is None else hand.stood
    return min(stood, hand.value) - way * _CLOSE <= stands <= max(stood, hand.value) + way * _CLOSE


def _signed(raw: int) -> int:
    return raw if raw < MIDDLE else raw - 128


def _is_known(target: Target, part: PartState | None) -> bool:
    """Whether the part still has a control of this name: another instrument may have other names."""
    try:
        _control(target, part)
    except UnknownName:
        return False
    return True


def _control(target: Target, part: PartState | None) -> int | None:
    """The number of the synth's control that is turned; None if it is something else. Raises UnknownName."""
    if part is None or target.word in PART_KNOBS:
        return None
    return resolved(target.word, part.names)


def _stands(target: Target, part: PartState | None, now: Snapshot, control: int | None) -> float | None:
    """Where the target is; None where nobody knows."""
    if part is None:
        return float(now.bpm if target.word == "bpm" else now.swing.ratio)
    if control is not None:
        return part.controls.get(control, at_rest(control))
    usual = {"gain": 1.0, "pan": 0.0, "nudge": 0.0}
    known = {"level": part.level, "temperature": part.temperature}
    return known[str(target.word)] if target.word in known else part.settings.get(str(target.word), usual.get(str(target.word)))


def _turned(target: Target, value: float, by: str) -> AnyCommand:
    match target:
        case Target(part="", word="bpm"):
            return Tempo(bpm=Fraction(round(value, 1)).limit_denominator(10), on=On.BEAT)
        case Target(part=""):
            return SetSwing(swing=Swing(Fraction(value).limit_denominator(100)))
        case _:
            return TurnKnob(part=target.part, knob=target.word, value=value, by=by or "a controller")


def _done(target: Target, part: PartState | None, now: Snapshot, *, again: bool) -> AnyCommand:
    """What a pad does. What it was hit for before in the same moment, `again`, is taken back."""
    word, name = str(target.word), target.part
    if not name:
        plain: Mapping[str, AnyCommand] = {"hush": Hush(), "panic": Panic(), "restart": Restart()}
        if word in ("undo", "redo"):
            return UndoLast(redo=word == "redo")
        return plain[word] if word in plain else Continue() if now.paused != again else Pause()
    match word:
        case "mute" | "unmute":
            return Mute(part=name, muted=word == "mute" and (part is not None and part.muted) == again)
        case "solo" | "unsolo":
            return Solo(part=name, soloed=word == "solo" and (part is not None and part.soloed) == again)
        case "undo" | "redo":
            return Undo(part=name, redo=word == "redo")
    return Act(part=name, action=Action(word))


def _shown(target: Target, part: PartState | None, now: Snapshot) -> int | None:
    """How far a light shines, 0 to 127; None where there is nothing to show."""
    if target.acts:
        return 127 * _is_so(str(target.word), part, now)
    if (part is None and target.word not in STAGE_KNOBS) or not _is_known(target, part):
        return None
    control = _control(target, part)
    (low, high), stands = target.span(control), _stands(target, part, now, control)
    if stands is None or low == high:
        return None
    return max(0, min(127, round(127 * (stands - low) / (high - low))))


def _is_so(word: str, part: PartState | None, now: Snapshot) -> bool:
    if part is None:
        return word == "pause" and now.paused
    doing = {"loop": "loops", "generate": "generates", "generate_once": "generates once", "stop": "stopped"}
    told = {"mute": part.muted, "solo": part.soloed}
    if word in told:
        return told[word]
    return word in doing and part.doing.startswith(doing[word]) and (word != "generate" or "once" not in part.doing)
