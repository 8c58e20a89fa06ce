"""What performers type for a number, a length, a key or a part's settings, checked: each refused in a sentence of its own."""

import math
import os
from collections.abc import Mapping
from fractions import Fraction

from .commands import Adjust
from .errors import BadInput
from .gm import program_number
from .music import Beats, beats
from .notation import pitch_number
from .tempo import TempoMap


def number(name: str, value: float, least: float, most: float) -> float:
    """A number within these bounds. Raises BadInput."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction) or not least <= value <= most:
        raise BadInput(f"{name}={value!r} is out of range: give a number from {least:g} to {most:g}.")
    return float(value)


def seed_of(seed: int | None) -> int:
    """A seed as it is, or one that is drawn. Raises BadInput."""
    if seed is None:
        return int.from_bytes(os.urandom(4), "big")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise BadInput(f"seed={seed!r} is no whole number from 0 to 2**63 - 1: give one such as 7, or leave it out.")
    return seed


def bars_of(value: float, *, least: float = 1 / 64) -> Fraction:
    """A length in bars, exactly. Raises BadInput."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction) or not math.isfinite(value):
        raise BadInput(f"bars={value!r} is no number of bars: give one such as 4 or 0.5.")
    if value < least:
        raise BadInput(f"bars={value!r} is no length: give {'0 or more' if least == 0 else 'more than 0'}, such as 4 or 0.5.")
    return beats(value)


def after_bars(tempo: TempoMap, beat: Beats, bars: Fraction) -> Beats:
    """The beat that lies so many bars later, through changes of meter."""
    for _ in range(int(bars)):
        beat += tempo.meter_at(beat).bar
    return beat + bars % 1 * tempo.meter_at(beat).bar


def key_name(key: object) -> str:
    """A key as it is written in commands, "" for none. Raises BadInput."""
    if key is None:
        return ""
    if not isinstance(key, str):
        raise BadInput(f"key={key!r} is no key: write a tonic and a scale, such as 'A minor', or None for none.")
    return key.strip()


def adjusted(
    part: str,
    *,
    gain: float | None = None,
    pan: float | None = None,
    channel: int | None = None,
    program: int | str | None = None,
    bank: int | tuple[int, int] | None = None,
    cc: Mapping[int, int] | None = None,
    span: tuple[int | str, int | str] | None = None,
    density: Fraction | float | str | None = None,
    voices: int | None = None,
) -> Adjust:
    """The command for settings as people count them: channels and programs from 1, pitches by name."""
    if channel is not None and channel not in range(1, 17):
        raise BadInput(f"There is no channel {channel!r}: MIDI's go from 1 to 16, and 10 is for drums.")
    low, high = (None, None) if span is None else _pitches(span)
    return Adjust(
        part=part,
        gain=gain,
        pan=pan,
        channel=None if channel is None else channel - 1,
        program=None if program is None else program_number(program),
        bank=None if bank is None else _bank(bank),
        controls=_controls(cc or {}),
        low=low,
        high=high,
        density=None if density is None else beats(density),
        voices=voices,
    )


def _bank(bank: object) -> tuple[int, int]:
    pair = bank if isinstance(bank, tuple | list) else (bank, 0)
    if len(pair) != 2 or not all(isinstance(number, int) for number in pair):
        raise BadInput(f"bank={bank!r} is no bank: give a number such as 8, or a pair for controllers 0 and 32 such as (121, 3).")
    return pair[0], pair[1]


def _controls(cc: object) -> Mapping[int, int]:
    if not isinstance(cc, Mapping) or not all(isinstance(number, int) for pair in cc.items() for number in pair):
        raise BadInput(f"cc={cc!r} cannot be: give controllers and their values, such as {{74: 100}}.")
    return dict(cc)


def _pitches(span: tuple[int | str, int | str]) -> tuple[int, int]:
    if not isinstance(span, tuple | list) or len(span) != 2:
        raise BadInput(f"range={span!r} is no range: give the lowest and the highest pitch, such as ('C3', 'C5').")
    low, high = (pitch_number(str(pitch)) for pitch in span)
    if low > high:
        raise BadInput(f"range={span!r} goes down: give the lowest pitch first, {(span[1], span[0])!r}.")
    return low, high
