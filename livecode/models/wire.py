"""What travels between the engine and a model's worker: frozen values as lines of JSON.

Each line is one message. The worker reads `Load` and `Request` and writes `Ready`, `Loaded` and `Reply`. Beats travel as
strings such as "3/4", exact. Messages are validated on arrival; nothing is pickled.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import msgspec

from ..music import Beats, Phrase, Seconds


class ModelKey(msgspec.Struct, frozen=True):
    """Which trained model: its family ("drums_rnn"), its config ("drum_kit") and the bundle file it is read from."""

    family: str
    config: str
    bundle: str

    def __str__(self) -> str:
        return self.config


class Load(msgspec.Struct, frozen=True, tag=True):
    """Host to worker: have this model ready, somebody will ask it soon."""

    key: ModelKey


class Request(msgspec.Struct, frozen=True, tag=True):
    """Host to worker: continue the primer by `beats` beats.

    `primer` is None for nothing, else it ends where the new bars begin. `meter` is (numerator, denominator). `seed` is in
    [0, 2**32). `needed_by` is the beat at which the bars should sound; None if they have no hurry. The same request gives
    the same notes in any worker, in any order.
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


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Worker to host: the libraries are imported."""

    seconds: Seconds


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """Worker to host: this model is loaded, or `refusal` says in one sentence why it cannot be."""

    key: ModelKey
    seconds: Seconds
    refusal: str | None = None


class Reply(msgspec.Struct, frozen=True, tag=True):
    """Worker to host: the phrase that was asked for, or a refusal in one sentence. `seconds` is what generating took."""

    id: str
    phrase: Phrase | None
    refusal: str | None
    seconds: Seconds


ToWorker: TypeAlias = Load | Request
FromWorker: TypeAlias = Ready | Loaded | Reply


def _to_json(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise NotImplementedError(type(value))


def _from_json(kind: type, value: Any) -> Any:
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise NotImplementedError(kind)


_encoder = msgspec.json.Encoder(enc_hook=_to_json)
_for_worker: msgspec.json.Decoder[Load | Request] = msgspec.json.Decoder(ToWorker, dec_hook=_from_json)
_for_host: msgspec.json.Decoder[Ready | Loaded | Reply] = msgspec.json.Decoder(FromWorker, dec_hook=_from_json)


def encode(message: ToWorker | FromWorker) -> bytes:
    """One message as one line, newline included."""
    return _encoder.encode(message) + b"\n"


def decode_for_worker(line: bytes) -> ToWorker:
    """What the host sent. Raises msgspec.ValidationError or msgspec.DecodeError for anything else."""
    return _for_worker.decode(line)


def decode_for_host(line: bytes) -> FromWorker:
    """What the worker sent. Raises msgspec.ValidationError or msgspec.DecodeError for anything else."""
    return _for_host.decode(line)
