"""What a journal holds: everything that was said to an engine and that models answered, with its beat. Pure values.

A sequencer that recalls the facts in their order has the same parts on the same tempo map: `Past.recall`.
"""

from fractions import Fraction
from typing import TypeAlias

import msgspec

from .commands import AnyCommand
from .music import Beats, Phrase, Seconds
from .packing import Packed, unpacked


class Comes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What comes of a recording that is performed, too: `place` is its place there then, counted from 1; 0 for what is this
    stage's own."""

    place: int = 0


class Taken(Comes, frozen=True, tag=True, kw_only=True):
    """A command was obeyed: `now` is the first beat that it could reach, `at` the beat at which it takes effect.

    `id` is that of the request, "" if it had none: what a stage sends again after a crash is known by it.
    """

    now: Beats
    at: Beats
    command: AnyCommand
    id: str = ""


class Answered(Comes, frozen=True, tag=True, kw_only=True):
    """A model's phrase was taken for a part: asked for at beat `asked`, as its request number `asks` (of all its models
    together `asks_ever`), and to sound from beat `at` on. `request` is what was asked, as `Asked` has it."""

    now: Beats
    at: Beats
    part: str
    packed: Packed = msgspec.field(name="phrase")
    asked: Beats
    asks: int
    asks_ever: int
    request: str = ""

    @property
    def phrase(self) -> Phrase:
        """What its text says."""
        return unpacked(self.packed)


class Asked(Comes, frozen=True, tag=True, kw_only=True):
    """A part asked its model for bars, when `now` was the first beat that a command could reach: its request `asks_ever`.

    `request` is the fingerprint of what was asked: see `asking.fingerprint`. An answer may never have come.
    """

    now: Beats
    part: str
    asks_ever: int
    request: str


class Proposed(Comes, frozen=True, tag=True, kw_only=True):
    """A part's model proposed these candidates; `request` is what it was asked, as in `Asked`."""

    now: Beats
    part: str
    packed: tuple[Packed, ...] = msgspec.field(name="phrases")
    request: str

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """What their texts say."""
        return tuple(map(unpacked, self.packed))


class Shaped(Comes, frozen=True, tag=True, kw_only=True):
    """A performer's function, by its id, gave this phrase for the loop of a part that begins at beat `at`."""

    now: Beats
    at: Beats
    part: str
    function: str
    packed: Packed = msgspec.field(name="phrase")

    @property
    def phrase(self) -> Phrase:
        """What its text says."""
        return unpacked(self.packed)


class Moved(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """How musical time runs from now on: `started` is the monotonic clock's time of beat 0, None while it stands still at
    beat `held`."""

    started: Seconds | None
    held: Beats
    paused: bool
    pause_at: Beats | None


class PortOpened(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A MIDI output was added: `name` is what parts are routed to."""

    now: Beats
    name: str
    api: str
    virtual: bool
    id: str = ""


class CameBack(Comes, frozen=True, tag=True, kw_only=True):
    """The engine had crashed at beat `crashed`, and hands events over again from `now` on, notes from the next bar line on."""

    crashed: Beats
    now: Beats


class Slept(Comes, frozen=True, tag=True, kw_only=True):
    """The machine stood still: notes in [begin, end) were left out, of all parts or of one."""

    begin: Beats
    end: Beats
    part: str = ""


class Typed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A cell was typed at a prompt when `now` was the first beat that a command could reach; no fact about the music.

    The ids of the commands that came of it begin with its own and a "-"; before the "." of its own stands that of its prompt.
    `error` is the first line of what it failed with, "" if it ran through; `failed_at` where, if that is known: the line, from 1,
    and the column, from 0.
    """

    now: Beats
    id: str
    source: str
    error: str = ""
    failed_at: tuple[int, int] | None = None


class InputOpened(Comes, frozen=True, tag=True, kw_only=True):
    """A MIDI input was added: `name` is what it is called by."""

    now: Beats
    name: str
    api: str
    virtual: bool
    id: str = ""


class Heard(Comes, frozen=True, tag=True, kw_only=True):
    """What was played on an input: channel messages, each with its beat, its bytes as hexadecimal digits."""

    now: Beats
    name: str
    said: tuple[tuple[Beats, str], ...]


class Steered(Comes, frozen=True, tag=True, kw_only=True):
    """The clock that is followed wants `bpm` from beat `at` on; `now` is the first beat that could be reached."""

    now: Beats
    at: Beats
    bpm: Fraction


class Performing(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """From beat `now` on the recording in this file is performed, from its beat `begin` on; `fresh`: on a stage on which nothing
    had been said about the music. With a path of "" nothing is performed any more. `id` is that of the request."""

    now: Beats
    path: str
    begin: Beats = Beats(0)
    fresh: bool = False
    id: str = ""


class Over(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """On this beat it was over."""

    now: Beats


class Looped(Comes, frozen=True, tag=True, kw_only=True):
    """What was played on an input is a part's loop from beat `at` on; once it is `whole`, what was struck last is in it."""

    now: Beats
    at: Beats
    part: str
    packed: Packed = msgspec.field(name="phrase")
    whole: bool

    @property
    def phrase(self) -> Phrase:
        """What its text says."""
        return unpacked(self.packed)


Fact: TypeAlias = (
    Taken | Asked | Answered | Proposed | Shaped | Moved | PortOpened | CameBack | Slept | InputOpened | Heard | Looped | Steered
    | Over | Performing
)  # fmt: skip
