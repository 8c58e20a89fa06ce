"""What travels between the engine and a model's worker: frozen values as lines of JSON.

Each line is one message. The worker reads `Load` and `Request` and writes `Ready`, `Loaded` and `Reply`. Beats travel as
strings such as "3/4", exact. Messages are validated on arrival; nothing is pickled.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from ..errors import BadInput
from ..music import Beats, Phrase, Seconds, counted, pitch_name
from .configs import CONFIGS
from .knobs import SEARCH_KNOBS, Knob, checked, seed_of, work

LONGEST_PRIMER = Beats(128)
"""512 sixteenths: Magenta's models never saw more at once. Source: `max_steps=512` in magenta/models/*/*_rnn_pipeline.py."""

NO_CHORD = "N.C."
"""The symbol of no chord. Source: note_seq/constants.py."""

Engine: TypeAlias = Literal["compiled", "magenta"]
"""What runs a model: its compiled step, or Magenta's own generator on TensorFlow. Both give the same notes."""


class ModelKey(msgspec.Struct, frozen=True, omit_defaults=True, repr_omit_defaults=True):
    """Which trained model: its family ("drums_rnn"), its config ("drum_kit"), the bundle file it is read from, and what runs it.

    `bundle` is an absolute path, or only a file's name for a bundle that ships with livecode: so a key means the same in
    another installation, and in a worker of another environment. `python` is the absolute path of the interpreter whose
    environment it runs in; "" is livecode's own.
    """

    family: str
    config: str
    bundle: str
    engine: Engine = "compiled"
    python: str = ""

    def __str__(self) -> str:
        named = self.config if self.path.name == self.bundle else f"{self.config} of {self.path.name}"
        named = named if self.engine == "compiled" else f"{named} on {self.engine}"
        return f"{named} in {self.python}" if self.python else named

    @property
    def path(self) -> Path:
        """Where the bundle is."""
        return Path(__file__).with_name("builtin") / self.bundle


INPUT = "input:"
"""What the name of an input begins with where a part's might stand, too: chords="input:KeyStep"."""

MOST_CHORDS = 4096


class Progression(msgspec.Struct, frozen=True):
    """Chords over so many bars, which go round for ever: (where it begins, its symbol) of each, in bars, in order, from 0 on.

    Symbols are as note_seq reads them, such as "F#m7b5/E". Raises BadInput for what is no order of 1 to MOST_CHORDS chords.

    >>> song = Progression(((Fraction(0), "Am"), (Fraction(1), "F"), (Fraction(3, 2), "G")), 2)
    >>> str(song)
    'Am | F G'
    >>> song.between(Fraction(5, 4), Fraction(3))
    ((Fraction(5, 4), 'F'), (Fraction(3, 2), 'G'), (Fraction(2, 1), 'Am'))
    """

    changes: tuple[tuple[Fraction, str], ...]
    bars: int

    def __post_init__(self) -> None:
        places = [at for at, _ in self.changes]
        if not (1 <= len(places) <= MOST_CHORDS and 1 <= self.bars <= MOST_CHORDS and places == sorted(set(places))):
            bars = counted(Fraction(self.bars), "bar")
            raise BadInput(f"{len(places)} chords in {bars} cannot be played over: give 1 to {MOST_CHORDS}, in order.")
        if not 0 <= places[0] <= places[-1] < self.bars:
            raise BadInput(f"A chord begins in bar {float(places[-1]):g} of {self.bars}: chords begin in [0, {self.bars}).")

    def between(self, begin: Fraction, end: Fraction) -> tuple[tuple[Fraction, str], ...]:
        """What sounds in [begin, end), in bars since the progression first began: the chord there, and those that follow."""
        first = begin // self.bars
        rounds = range(first - 1, ceil(end / self.bars))
        every = [(at + turn * self.bars, symbol) for turn in rounds for at, symbol in self.changes]
        before = [symbol for at, symbol in every if at <= begin][-1]
        return ((begin, before), *((at, symbol) for at, symbol in every if begin < at < end))

    def __str__(self) -> str:
        bars = [" ".join(symbol for at, symbol in self.changes if at // 1 == bar) or "_" for bar in range(min(self.bars, 8))]
        shown = (" | " if any(" " in bar for bar in bars) else " ").join(bars)
        return shown if self.bars <= 8 else f"{shown} ... ({self.bars} bars)"


Chords: TypeAlias = tuple[tuple[Beats, str], ...] | Phrase
"""What a request's melody is played over: (where it begins, its symbol) of each chord, in beats from the new bars on, negative
before them; or what another part plays, up to the end of the new bars."""


class Model(msgspec.Struct, frozen=True):
    """What a part plays: a model, how many bars it makes at a time, and how.

    `knobs` are those that every RNN has, and those of the family that were turned: see `knobs`. `primer` is "last" (the part's
    own last bars), a phrase, or None for nothing. `seed` is in [0, 2**63), or None to follow the session's. `chords` are what it
    plays over: a progression whose first bar is the stage's, or the name of the part that it listens to, or of an input, after
    INPUT. Raises BadInput for bars, knobs and seeds that cannot be.
    """

    key: ModelKey
    bars: int
    knobs: Mapping[str, Knob]
    primer: Phrase | str | None = "last"
    seed: int | None = None
    chords: Progression | str | None = None

    def __post_init__(self) -> None:
        checked(self.bars, self.knobs)
        seed_of(self.seed)

    def remark(self, heard: Phrase | None) -> str:
        """What is done with a primer, or last bars, that the model does not know all pitches of; "" if it does."""
        known = CONFIGS.get(self.key.config)
        if known is None or heard is None or heard.drums or all(note.pitch in known.pitches for note in heard.notes):
            return ""
        low, high = pitch_name(known.pitches[0]), pitch_name(known.pitches[-1])
        of = "primer" if isinstance(self.primer, Phrase) else "last bars"
        return f"notes of its {of} outside {low} to {high} {known.outside}"

    @property
    def work(self) -> int:
        """Bars x beam_size x branch_factor."""
        return work(self.bars, self.knobs)

    def __repr__(self) -> str:
        of = self.key.config if self.key.path.name == self.key.bundle else self.key.bundle
        said = [repr(of)]
        if self.chords is not None:
            named = isinstance(self.chords, str) and not self.chords.startswith(INPUT)
            heard = f"part:{self.chords}" if named else str(self.chords)
            said.append(f"chords={heard!r}")
        turned = {name: value for name, value in self.knobs.items() if name not in SEARCH_KNOBS or value != 1}
        said += [f"bars={self.bars}"] + [f"{name}={value!r}" for name, value in turned.items()]
        if self.seed is not None:
            said.append(f"seed={self.seed}")
        if isinstance(self.primer, Phrase):
            said.append(f"primer=<{len(self.primer.notes)} notes in {self.primer.length} beats>")
        elif self.primer != "last":
            said.append(f"primer={self.primer!r}")
        if self.key.engine != "compiled":
            said.append(f"engine={self.key.engine!r}")
        if self.key.python:
            said.append(f"python={self.key.python!r}")
        return f"{self.key.family}({', '.join(said)})"


class Load(msgspec.Struct, frozen=True, tag=True):
    """Host to worker: have this model ready, somebody will ask it soon. `compiling` permits what takes seconds."""

    key: ModelKey
    compiling: bool = True


class Request(msgspec.Struct, frozen=True, tag=True):
    """Host to worker: continue the primer by `beats` beats.

    `primer` is None for nothing, else it ends where the new bars begin. `meter` is (numerator, denominator). `seed` is in
    [0, 2**32). `chords` reach back from the new bars as far as the primer does, and a bar of 4/4 at least. `needed_by` is the
    beat at which the bars should sound; None if they have no hurry. The same request gives the same notes in any worker, in any
    order. With `seeds`, a phrase is wanted for each of these instead.
    """

    id: str
    key: ModelKey
    primer: Phrase | None
    beats: Beats
    bpm: Fraction
    meter: tuple[int, int]
    seed: int
    knobs: Mapping[str, Knob]
    needed_by: Beats | None = None
    do: str = "continue"
    seeds: tuple[int, ...] = ()
    chords: Chords | None = None


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Worker to host: the libraries are imported."""

    seconds: Seconds


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """Worker to host: this model is loaded; or not `compiled`, which must be done first; or `refusal` says why it cannot be."""

    key: ModelKey
    seconds: Seconds
    refusal: str | None = None
    compiled: bool = True


class Reply(msgspec.Struct, frozen=True, tag=True):
    """Worker to host: the phrase that was asked for, or a refusal in one sentence. `seconds` is what generating took.

    `phrases` are those that were asked for by `seeds`, in their order; `phrase` is None then.
    """

    id: str
    phrase: Phrase | None
    refusal: str | None
    seconds: Seconds
    phrases: tuple[Phrase, ...] = ()


ToWorker: TypeAlias = Load | Request
FromWorker: TypeAlias = Ready | Loaded | Reply


def to_json(value: Any) -> str:
    """A value that JSON does not know, for msgspec: fractions become strings such as "3/4"."""
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(type(value))


def from_json(kind: type, value: Any) -> Any:
    """The inverse of `to_json`. Raises ValueError for what is no fraction of at most 40 digits each."""
    if kind is not Fraction:
        raise TypeError(kind)
    if not isinstance(value, str):
        raise ValueError("no fraction such as '3/4'")
    return _fraction(value)


@lru_cache(maxsize=4096)
def _fraction(value: str) -> Fraction:
    """The same beat comes again and again."""
    if not (found := _FRACTION.fullmatch(value)):
        raise ValueError("no fraction such as '3/4'")
    return Fraction(int(found[1]), int(found[2] or 1))


_FRACTION = re.compile(r"(-?[0-9]{1,40})(?:/([1-9][0-9]{0,39}))?", re.ASCII)
_encoder = msgspec.json.Encoder(enc_hook=to_json)
_for_worker: msgspec.json.Decoder[Load | Request] = msgspec.json.Decoder(ToWorker, dec_hook=from_json)
_for_host: msgspec.json.Decoder[Ready | Loaded | Reply] = msgspec.json.Decoder(FromWorker, dec_hook=from_json)


def encode(message: ToWorker | FromWorker) -> bytes:
    """One message as one line, newline included."""
    return _encoder.encode(message) + b"\n"


def decode_for_worker(line: bytes) -> ToWorker:
    """What the host sent. Raises msgspec.ValidationError or msgspec.DecodeError for anything else."""
    return _for_worker.decode(line)


def decode_for_host(line: bytes) -> FromWorker:
    """What the worker sent. Raises msgspec.ValidationError or msgspec.DecodeError for anything else."""
    return _for_host.decode(line)
