"""What clients may say, and what they may see: frozen values that travel as they are.

Every command says what should be so, and `on` says when; the sequencer finds the beat. Making a command checks its values, so
that what reaches the engine can be meant. `Snapshot` is what comes back.
"""

import math
from collections.abc import Callable, Mapping
from enum import Enum
from fractions import Fraction
from typing import TypeAlias

import msgspec

from .bindings import Source, Target
from .controls import highest, resolved, spelt
from .errors import BadInput
from .gm import BANK_LOW, PROGRAMS
from .instruments import Instrument
from .models.wire import Model
from .music import Beats, Phrase, Seconds, pitch_name
from .scales import Key
from .tempo import FASTEST, SLOWEST, Meter, Swing
from .transforms import Turn
from .voicing import MOST_VOICES

MOST_CANDIDATES = 64


class On(Enum):
    """When a command takes effect."""

    LOOP = "loop"
    """At the end of the part's loop: the first bar line at or after the end of the pass that sounds."""
    BAR = "bar"
    BEAT = "beat"
    NOW = "now"

    @classmethod
    def of(cls, word: str) -> "On":
        """The moment a performer names. Raises BadInput."""
        try:
            return cls(word)
        except ValueError:
            raise BadInput(f"on={word!r} is no moment: say 'loop', 'bar', 'beat' or 'now'.") from None


class Action(Enum):
    """The talk's five actions, and stop."""

    LOOP = "loop"
    """The same bars again and again."""
    GENERATE = "generate"
    """New bars from the model every loop, continuing from what just played."""
    GENERATE_ONCE = "generate_once"
    """New bars once, then loop them."""
    RESET = "reset"
    """Empty bars, then loop them."""
    RESET_GENERATE = "reset_generate"
    """Empty bars, then new bars once from nothing, then loop them."""
    STOP = "stop"


TAKEN = ("stage", "bpm", "tempo", "swing", "key", "lc")
"""Words of the prompt that no part may be named."""


class Command(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Something that should be so."""


class ToPart(Command, frozen=True, tag=True, kw_only=True):
    """A command to one part, by its name. A part comes into being with the first command that names it."""

    part: str
    on: On = On.LOOP

    def __post_init__(self) -> None:
        if not (isinstance(self.part, str) and self.part.isidentifier() and len(self.part) <= 40):
            raise BadInput(f"{self.part!r} cannot name a part: use letters, digits and _, such as 'lead' or 'bass2'.")
        if self.part in TAKEN:
            raise BadInput(
                f"{self.part!r} cannot name a part, for at the prompt it means something else: take 'lead' or 'bass2'."
            )


class Declare(ToPart, frozen=True, tag=True, kw_only=True):
    """There is such a part."""


class Play(ToPart, frozen=True, tag=True, kw_only=True):
    """Play one's own notes, again and again; `plain` takes the part's transforms off, for these are what came of them."""

    phrase: Phrase
    plain: bool = False


class Assign(ToPart, frozen=True, tag=True, kw_only=True):
    """Play a model: new bars every loop, as soon as the first have come."""

    model: Model


class Shape(ToPart, frozen=True, tag=True, kw_only=True):
    """Transform the part's loops, as `turn` says, beside what is done to them already."""

    turn: Turn


class Plain(ToPart, frozen=True, tag=True, kw_only=True):
    """Play the loops without transforms."""


class InKey(ToPart, frozen=True, tag=True, kw_only=True):
    """Bring what models play for this part into a key of its own; "" is the stage's."""

    key: str
    on: On = On.BAR

    def __post_init__(self) -> None:
        super().__post_init__()
        _key(self.key)


class Propose(ToPart, frozen=True, tag=True, kw_only=True):
    """Have the part's model make `n` candidates for its next bars, 1 to 64. What sounds goes on."""

    n: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.n, int) or isinstance(self.n, bool) or not 1 <= self.n <= MOST_CANDIDATES:
            raise BadInput(f"{self.n!r} is no number of candidates: give a whole number from 1 to {MOST_CANDIDATES}.")


class Undo(ToPart, frozen=True, tag=True, kw_only=True):
    """Have the part as it was before its last command; or, with `redo`, before the last undo."""

    redo: bool = False


class UndoLast(Command, frozen=True, tag=True, kw_only=True):
    """Undo, or redo, the last command to any part, or to all."""

    redo: bool = False
    on: On = On.BAR


class Pick(ToPart, frozen=True, tag=True, kw_only=True):
    """Play the candidate of this number, counted from 1, again and again."""

    number: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.number, int) or isinstance(self.number, bool):
            raise BadInput(f"{self.number!r} is no candidate's number: give a whole number, such as 1.")


class Act(ToPart, frozen=True, tag=True, kw_only=True):
    """Do one of the talk's actions."""

    action: Action


class Mute(ToPart, frozen=True, tag=True, kw_only=True):
    """Silence the part, or let it be heard again; it goes on underneath."""

    muted: bool
    on: On = On.NOW


class Solo(ToPart, frozen=True, tag=True, kw_only=True):
    """Hear only the parts in solo, or let this one out of solo."""

    soloed: bool
    on: On = On.NOW


class Fade(ToPart, frozen=True, tag=True, kw_only=True):
    """Bring the part's level to `level` (0 to 1, as amplitude) over `bars` bars."""

    level: float
    bars: Fraction
    on: On = On.BAR

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("A fade to", self.level, 0, 1, "0 (silent) to 1 (full)")
        _within("A fade over bars =", self.bars, 0, 256, "0 to 256")


class Adjust(ToPart, frozen=True, tag=True, kw_only=True):
    """Set what is given of a part's sound, and of the limits on what its model may play.

    gain 0 to 1.6 as amplitude (1 is General MIDI's volume of 100), pan -1 (left) to 1, channel 0-15, program 0-127, bank
    (controllers 0 and 32, 0-127 each), other controllers by number, low and high pitches 0-127, density in notes a beat, voices
    that may sound at once. None leaves a thing as it is; `free` names limits to lift.
    """

    gain: float | None = None
    pan: float | None = None
    channel: int | None = None
    program: int | None = None
    bank: tuple[int, int] | None = None
    controls: Mapping[int, int] = {}
    low: int | None = None
    high: int | None = None
    density: Fraction | None = None
    voices: int | None = None
    free: frozenset[str] = frozenset()
    on: On = On.NOW

    def _spelt(self) -> list[str]:
        """What is set, as people count and name it."""
        shown: dict[str, Callable[[int], object]] = {
            "channel": lambda channel: channel + 1,
            "program": lambda program: PROGRAMS[program],
            "low": pitch_name,
            "high": pitch_name,
        }
        return [f"{name} {shown[name](int(value)) if name in shown else value}" for name, value in self.given().items()]

    def given(self) -> dict[str, float | int]:
        """What the command sets, by name."""
        names = ("gain", "pan", "channel", "program", "low", "high", "density", "voices")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def words(self) -> str:
        """What the command sets and lifts, for the performer."""
        said = self._spelt()
        said += [] if self.bank is None else [f"bank {self.bank[0]}" + (f".{self.bank[1]}" if self.bank[1] else "")]
        said += [f"cc {control} {value}" for control, value in self.controls.items()]
        if not said and not self.free:
            return "nothing to set"
        return f"{', '.join([*said, *sorted(self.free)])} {'set' if said else 'freed'}"

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("A gain of", self.gain, 0, 1.6, "0 to 1.6, where 1 is as it comes")
        _within("A pan of", self.pan, -1, 1, "-1 (left) to 1 (right)")
        _within("A channel (on the wire) of", self.channel, 0, 15, "0 to 15")
        _within("A program (on the wire) of", self.program, 0, 127, "0 to 127")
        for number in self.bank or ():
            _within("A bank of", number, 0, 127, "0 to 127, or a pair of such numbers for controllers 0 and 32")
        for control, value in self.controls.items():
            _within("A controller", control, 1, 119, "1 to 119")
            if control == BANK_LOW:
                raise BadInput("Controller 32 selects banks: give bank=(0, 3) instead.")
            _within(f"A controller {control} of", value, 0, 127, "0 to 127")
        _within("A lowest pitch of", self.low, 0, 127, "0 to 127")
        _within("A highest pitch of", self.high, 0, 127, "0 to 127")
        _within("A density of", self.density, Fraction(1, 16), 64, "1/16 to 64 notes a beat")
        _whole("A number of voices of", self.voices, 1, MOST_VOICES)


class Route(ToPart, frozen=True, tag=True, kw_only=True):
    """Play the part on the output of this name; "" is the stage's own synthesizer."""

    output: str
    on: On = On.NOW


class Equip(ToPart, frozen=True, tag=True, kw_only=True):
    """Play the part on this instrument: its output, channel and program, within its voices, with its names for controls."""

    instrument: Instrument
    on: On = On.NOW


class Sweep(ToPart, frozen=True, tag=True, kw_only=True):
    """Bring a control of the part's instrument to `value`, at once or evenly over `bars` bars.

    control: a number as `controls` has them, or a name. start: where a ramp begins; None where the control is, or rests.
    """

    control: int | str
    value: int
    bars: Fraction = Fraction(0)
    start: int | None = None
    on: On = On.NOW

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("A ramp over bars =", self.bars, 0, 256, "0 to 256")
        if isinstance(self.control, int):
            self.check(resolved(self.control, {}))

    def check(self, control: int) -> None:
        """That the values are some of this control's. Raises BadInput."""
        _whole(f"{spelt(control)} at", self.value, 0, highest(control))
        _whole(f"{spelt(control)} from", self.start, 0, highest(control))


class Nudge(ToPart, frozen=True, tag=True, kw_only=True):
    """Have the part sound so many ms later (earlier, if negative) than its beats say: -100 to 100."""

    ms: float
    on: On = On.NOW

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("A nudge of", self.ms, -100, 100, "-100 (earlier) to 100 (later) ms")


class TurnKnob(ToPart, frozen=True, tag=True, kw_only=True):
    """Turn a knob of the part: gain, pan, level, density, nudge, temperature, or a control of its synth, by number or name.

    Temperature counts from the model's next bars on, which come when they would have come. `by`: the controller that did it; what
    hands turn is not among the commands that can be undone.
    """

    knob: str | int
    value: float
    by: str = ""
    on: On = On.NOW

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(f"A {self.knob} of", self.value, -1e6, 1e6, "a number such as 1")


class Map(Command, frozen=True, tag=True, kw_only=True):
    """Have a knob or pad of a controller turn or do this; None for nothing any more."""

    source: Source
    target: Target | None


class Learn(Command, frozen=True, tag=True, kw_only=True):
    """Have the next knob or pad that is moved, on any input, turn or do this; None waits for none any more."""

    target: Target | None


class SetLatency(Command, frozen=True, tag=True, kw_only=True):
    """Send everything to this output so many ms early, 0 to 500, for its synth sounds that late."""

    output: str
    ms: float

    def __post_init__(self) -> None:
        _within("A latency of", self.ms, 0, 500, "0 to 500 ms")
        if not (isinstance(self.output, str) and self.output):
            raise BadInput(f"A latency of {self.output!r} cannot be set: give the name of an output, such as 'Digitone'.")


class Thru(ToPart, frozen=True, tag=True, kw_only=True):
    """Let what is played on this input sound at once as the part's: from keys `low` to `high`, `transpose` semitones higher.

    `channel` (0-15) is the only one of the input's that counts, None for all. `off` ends it; an input of "" is every one.
    """

    input: str
    channel: int | None = None
    low: int = 0
    high: int = 127
    transpose: int = 0
    off: bool = False
    on: On = On.NOW

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("A channel (on the wire) of", self.channel, 0, 15, "0 to 15")
        _within("A lowest key of", self.low, 0, 127, "0 to 127")
        _within("A highest key of", self.high, self.low, 127, "the lowest key to 127")
        _within("A transposition of", self.transpose, -127, 127, "-127 to 127 semitones")


class Rest(msgspec.Struct, frozen=True, tag=True):
    """A call is over once nothing has sounded for so many beats."""

    beats: Fraction

    def __post_init__(self) -> None:
        _within("A rest of", self.beats, Fraction(1, 8), 32, "1/8 to 32 beats")

    def __repr__(self) -> str:
        return f"rest({float(self.beats):g})"


class Tread(msgspec.Struct, frozen=True, tag=True):
    """A call is over when the sustain pedal goes down."""

    def __repr__(self) -> str:
        return "pedal()"


class Respond(ToPart, frozen=True, tag=True, kw_only=True):
    """Answer what is played on an input: listen for `bars` bars, or until the call is over, and answer for as long.

    `continuous`: go on listening while an answer sounds.
    """

    source: str
    bars: int = 2
    until: Rest | Tread | None = None
    continuous: bool = False
    on: On = On.BAR

    def __post_init__(self) -> None:
        super().__post_init__()
        _whole("A call over bars =", self.bars, 1, 16)


class Prime(ToPart, frozen=True, tag=True, kw_only=True):
    """Have the part's model continue what this source sounded last, `bars` bars of it: "input:NAME", a part, or "" for its own.

    `generate`: new bars every loop from now on.
    """

    source: str
    bars: int = 2
    generate: bool = False
    on: On = On.NOW

    def __post_init__(self) -> None:
        super().__post_init__()
        _whole("A primer of bars =", self.bars, 1, 32)


class Capture(ToPart, frozen=True, tag=True, kw_only=True):
    """Loop the last `bars` bars that were played on an input, up to the beat at which this takes effect.

    `overdub`: over what the part plays. None bars are as many as that has, else 4.
    """

    source: str
    bars: int | None = None
    overdub: bool = False
    on: On = On.BAR

    def __post_init__(self) -> None:
        super().__post_init__()
        _whole("A loop of bars =", self.bars, 1, 32)


class CountIn(ToPart, frozen=True, tag=True, kw_only=True):
    """Play this phrase for `bars` bars; what is to enter at the end of a loop meanwhile enters after it."""

    phrase: Phrase
    bars: int
    on: On = On.BAR

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("A count-in over bars =", self.bars, 1, 16, "1 to 16")


class Tempo(Command, frozen=True, tag=True, kw_only=True):
    """Play at `bpm`, at once or reached evenly over `bars` bars."""

    bpm: Fraction
    bars: Fraction = Fraction(0)
    on: On = On.BAR

    def __post_init__(self) -> None:
        _within("A bpm of", self.bpm, SLOWEST, FASTEST, f"{SLOWEST} to {FASTEST}")
        _within("A ramp over bars =", self.bars, 0, 256, "0 to 256")


class SetMeter(Command, frozen=True, tag=True, kw_only=True):
    """Count bars in this meter from the next bar on."""

    meter: Meter


class SetSwing(Command, frozen=True, tag=True, kw_only=True):
    """Swing like this from the next bar on."""

    swing: Swing


class SetKey(Command, frozen=True, tag=True, kw_only=True):
    """Bring what models play into this key, "" for none; parts with a key of their own keep that."""

    key: str
    on: On = On.BAR

    def __post_init__(self) -> None:
        _key(self.key)


class Store(Command, frozen=True, tag=True, kw_only=True):
    """Keep how all parts are as the scene of this name."""

    scene: str
    on: On = On.NOW

    def __post_init__(self) -> None:
        _scene(self.scene)


class Recall(Command, frozen=True, tag=True, kw_only=True):
    """Have all parts as they were when this scene was stored, all loops from their beginning, on the bar."""

    scene: str
    on: On = On.BAR

    def __post_init__(self) -> None:
        _scene(self.scene)


class Safe(Command, frozen=True, tag=True, kw_only=True):
    """Have every part that generates loop what it has, and drop what its model is about to say."""

    on: On = On.NOW


class Hush(Command, frozen=True, tag=True, kw_only=True):
    """Stop all parts, on the bar."""

    on: On = On.BAR


class Pause(Command, frozen=True, tag=True, kw_only=True):
    """Let musical time stand still, on the bar."""

    on: On = On.BAR


class Continue(Command, frozen=True, tag=True, kw_only=True):
    """Let musical time go on from where it stands still."""


class Restart(Command, frozen=True, tag=True, kw_only=True):
    """Begin all loops anew, together, on the bar."""

    on: On = On.BAR


class SendClock(Command, frozen=True, tag=True, kw_only=True):
    """Send MIDI clock to the output of this name, from now on; with `off`, no more."""

    output: str
    off: bool = False


class FollowClock(Command, frozen=True, tag=True, kw_only=True):
    """Have musical time follow the clock of this name: an input's, or Link's; "" for none."""

    source: str


class Panic(Command, frozen=True, tag=True, kw_only=True):
    """Stop all parts and silence every output, now."""


AnyCommand: TypeAlias = (
    Declare | Play | Assign | Propose | Pick | Act | Mute | Solo | Fade | Adjust | Route | CountIn | Tempo | SetMeter | SetSwing
    | Hush | Panic | Pause | Continue | Restart | SendClock | FollowClock | Undo | UndoLast
    | Thru | Respond | Prime | Capture | Equip | Sweep | Nudge | SetLatency | TurnKnob | Map | Learn
    | Shape | Plain | InKey | SetKey | Store | Recall | Safe
)  # fmt: skip


def _within(what: str, value: float | Fraction | None, low: float | Fraction, high: float, ranges: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise BadInput(f"{what} {value!r} is no number: give {ranges}.")
    if not (math.isfinite(value) and low <= value <= high):
        raise BadInput(f"{what} {float(value):g} cannot be played: give {ranges}.")


def _whole(what: str, value: object, low: int, high: int) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high):
        raise BadInput(f"{what} {value!r} cannot be: give a whole number from {low} to {high}.")


def _key(name: object) -> None:
    if name != "":
        Key.of(name)  # type: ignore[arg-type]


def _scene(name: object) -> None:
    if not (isinstance(name, str) and len(name.strip()) > 0 and len(name) <= 40 and name.isprintable()):
        raise BadInput(f'{name!r} cannot name a scene: give a word of 40 letters at most, such as "verse".')


class Candidates(msgspec.Struct, frozen=True, tag=True):
    """What a part's model has proposed. `waits` says that it is still at it, `trouble` in a sentence why it proposed nothing."""

    phrases: tuple[Phrase, ...] = ()
    waits: bool = False
    trouble: str = ""


class PartState(msgspec.Struct, frozen=True):
    """One part, as a snapshot shows it. `doing`, `coming`, `waits` and `trouble` are words to show, empty for none.

    `level` is what fades have brought it to, as amplitude, 0 to 1. `settings` holds what was set of gain, pan, channel (0-15),
    program (0-127), low, high, density, voices and nudge (ms); `controls` what they stand at, by their numbers;
    `names` what its instrument calls them; `transforms` is what is done in its loops, in
    words, `key` its own key, "" for none, `temperature` its model's.
    """

    name: str
    doing: str
    coming: str
    sounds: bool
    muted: bool
    soloed: bool
    bars: Fraction
    takes: int
    model: str
    waits: str
    trouble: str
    level: float
    settings: Mapping[str, float | int]
    output: str
    controls: Mapping[int, int] = {}
    names: Mapping[str, int] = {}
    transforms: tuple[str, ...] = ()
    key: str = ""
    temperature: float | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """What the sequencer is doing at one moment. `bar` counts from 1; `beat` is the position in the bar in beats, from 1.

    `bound` are the knobs and pads of controllers and what they do; `learns` what the next one that is moved will do.
    """

    running: bool
    paused: bool
    beats: Beats
    bar: int
    beat: Beats
    bpm: Fraction
    meter: str
    swing: Swing
    parts: tuple[PartState, ...]
    at: Seconds
    key: str = ""
    scenes: tuple[str, ...] = ()
    bound: tuple[tuple[Source, Target], ...] = ()
    learns: Target | None = None
    follows: str = ""
    """Whose clock is followed, and how well, in words; "" for none."""
    replays: str = ""
    """Which recording is performed, and which of its bars sounds, in words; "" for none."""
