"""What a knob or pad of a controller is bound to: values that travel in commands, and the tables of what can be turned."""

from typing import Literal, TypeAlias

import msgspec

from .controls import reach, resolved, taken
from .errors import BadInput, UnknownName
from .music import pitch_name

Kind: TypeAlias = Literal["cc", "note"]

PART_KNOBS = {
    "gain": (0.0, 1.6),
    "pan": (-1.0, 1.0),
    "level": (0.0, 1.0),
    "density": (0.25, 16.0),
    "temperature": (0.5, 1.5),
    "nudge": (-50.0, 50.0),
}
STAGE_KNOBS = {"bpm": (60.0, 180.0), "swing": (0.5, 0.75)}
"""What can be turned of a part and of the stage beside controls of synths, and from where to where unless something else is
said. `level` is what fades move, `density` the limit of the part's."""

PART_ACTIONS = (
    "loop", "generate", "generate_once", "reset", "reset_generate", "stop", "mute", "unmute", "solo", "unsolo", "undo", "redo",
)  # fmt: skip
STAGE_ACTIONS = ("hush", "panic", "pause", "restart", "undo", "redo")
"""What a pad can have done. `mute`, `solo` and `pause` take back what they did when they are hit again."""

ENCODERS = {"": "", "twos": "1 to 63 up, 127 to 65 down", "offset": "65 to 127 up, 63 to 0 down"}
"""How endless knobs say by how much they were turned. Source: the manuals of the controllers with presets, and RP-018's idea
of relative values: two's complement, or offset by 64."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A knob or a pad: controller or key `number` (0-127) of an input ("" any), on a channel (0-15; None any)."""

    kind: Kind
    number: int
    channel: int | None = None
    input: str = ""

    def __post_init__(self) -> None:
        what, limit = ("A controller's knob", 119) if self.kind == "cc" else ("A key", 127)
        for name, value, most in ((what, self.number, limit), ("A channel (on the wire)", self.channel, 15)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most):
                raise BadInput(f"{name} {value!r} cannot be: give a whole number from 0 to {most}.")

    def overlaps(self, other: "Source") -> bool:
        """Whether there is a knob or pad that is both.

        >>> wide, narrow = Source(kind="cc", number=21), Source(kind="cc", number=21, channel=4, input="nano")
        >>> wide.overlaps(narrow), narrow.overlaps(Source(kind="cc", number=21, channel=5))
        (True, False)
        """
        channels, inputs = {self.channel, other.channel}, {self.input, other.input}
        same = (self.kind, self.number) == (other.kind, other.number)
        return same and (len(channels) == 1 or None in channels) and (len(inputs) == 1 or "" in inputs)

    def __str__(self) -> str:
        said = [f"cc {self.number}" if self.kind == "cc" else f"key {pitch_name(self.number)}"]
        said += [] if self.channel is None else [f"channel {self.channel + 1}"]
        return " ".join([*said, *([f"of {self.input}"] if self.input else [])])


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is turned or done: `word` of a part, or of the stage if `part` is "". A control of the part's synth by number or name.

    low and high: where the knob leads all the way down and all the way up (high may be the lower); None as usual. pickup: it
    turns nothing before it has passed where things stand. encoder: how an endless knob counts, as in ENCODERS. feedback:
    the output to which state goes back, "" for none.
    """

    word: str | int
    part: str = ""
    low: float | None = None
    high: float | None = None
    pickup: bool = True
    encoder: str = ""
    feedback: str = ""

    def __post_init__(self) -> None:
        if not self.part and self.word not in (*STAGE_KNOBS, *STAGE_ACTIONS):
            raise UnknownName.of("thing of the stage to turn or do", self.word, [*STAGE_KNOBS, *STAGE_ACTIONS])
        if self.part and isinstance(self.word, int):
            resolved(self.word, {})
        if self.encoder not in ENCODERS:
            raise UnknownName.of("way of counting for encoder=", self.encoder, [name for name in ENCODERS if name])
        for value in (self.low, self.high):
            if value is not None and (isinstance(value, bool) or not -1e6 < value < 1e6):
                raise BadInput(f"range=({self.low!r}, {self.high!r}) cannot be: give two numbers, such as (0.5, 1.5).")

    @property
    def acts(self) -> bool:
        """Whether it is something to do, not something to turn."""
        return self.word in (PART_ACTIONS if self.part else STAGE_ACTIONS)

    def span(self, control: int | None) -> tuple[float, float]:
        """From where to where it leads; `control` is the number of a control, None if it turns something else.

        Raises BadInput for what the control cannot take.
        """
        usual = {**PART_KNOBS, **STAGE_KNOBS}[str(self.word)] if control is None else reach(control)
        low, high = usual[0] if self.low is None else self.low, usual[1] if self.high is None else self.high
        return (low, high) if control is None else (taken(control, low), taken(control, high))

    def __str__(self) -> str:
        name = f"{self.part}.{self.word}" if self.part else str(self.word)
        return name if self.low is None and self.high is None else f"{name} from {self.low:g} to {self.high:g}"
