"""What travels between the engine and a model's worker: frozen values as lines of JSON.

Each line is one message. The worker reads `Load` and `Request` and writes `Ready`, `Loaded` and `Reply`. Beats travel as
strings such as "3/4", exact. Messages are validated on arrival; nothing is pickled.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from ..music import Beats, Phrase, Seconds

LONGEST_PRIMER = Beats(128)
"""512 sixteenths: Magenta's models never saw more at once. Source: `max_steps=512` in magenta/models/*/*_rnn_pipeline.py."""

MOST_WORK = 512
"""Candidates x bars x beam_size x branch_factor: 64 bars of melody eight ways took 10 s on one core, of the 30 s that a worker
is given."""

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


class Model(msgspec.Struct, frozen=True):
    """What a part plays: a model, how many bars it makes at a time, and how.

    `knobs` are temperature, beam_size, branch_factor and steps_per_iteration, all 1 unless turned. `primer` is "last" (the
    part's own last bars), a phrase, or None for nothing. `seed` is in [0, 2**63), or None to follow the session's.
    """

    key: ModelKey
    bars: int
    knobs: Mapping[str, float | int]
    primer: Phrase | str | None = "last"
    seed: int | None = None

    @property
    def work(self) -> int:
        """Bars x beam_size x branch_factor."""
        return self.bars * int(self.knobs.get("beam_size", 1)) * int(self.knobs.get("branch_factor", 1))

    def __repr__(self) -> str:
        of = self.key.config if self.key.path.name == self.key.bundle else self.key.bundle
        said = [repr(of), f"bars={self.bars}"] + [f"{name}={value}" for name, value in self.knobs.items() if value != 1]
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
    [0, 2**32). `needed_by` is the beat at which the bars should sound; None if they have no hurry. The same request gives
    the same notes in any worker, in any order. With `seeds`, a phrase is wanted for each of these instead.
    """

    id: str
    key: ModelKey
    primer: Phrase | None
    beats: Beats
    bpm: Fraction
    meter: tuple[int, int]
    seed: int
    knobs: Mapping[str, float | int]
    needed_by: Beats | None = None
    do: str = "continue"
    seeds: tuple[int, ...] = ()


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
    if not (isinstance(value, str) and (found := _FRACTION.fullmatch(value))):
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
