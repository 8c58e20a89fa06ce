"""The knobs of Magenta's models: what each may stand at, and how much an answer may be asked to take."""

from collections.abc import Callable, Mapping
from math import prod
from numbers import Real
from typing import TypeAlias, TypeGuard

from ..errors import BadInput, UnknownName
from .pitches import weights

Knob: TypeAlias = float | int | bool | str | tuple[float, ...]
"""What a knob may stand at: a number, a switch, words, or a row of numbers."""

MOST_BARS = 64

MOST_WORK = 512
"""Candidates x bars x beam_size x branch_factor: 64 bars of melody eight ways took 1.8 s on a busy core, of the 30 s that a
worker is given."""

COOLEST, HOTTEST = 0.01, 10
"""The limits of temperature. Magenta divides by it in 32-bit floats: far below 0.01 that gives nan."""

MOST_DENSE = 64
"""Notes a second. Source: the highest bin of density in magenta/models/performance_rnn/performance_model.py."""

SEARCH_KNOBS = ("temperature", "beam_size", "branch_factor", "steps_per_iteration")
"""The knobs that every RNN has, but for Pianoroll RNN-NADE, which has no temperature: 1 unless turned."""

UNTURNED: Mapping[str, Knob | None] = {"continue_primer": True, "keep_primer": False, "density": None, "pitch_classes": None}
"""A family's own knobs, and where each stands unless it is turned: only then it is among a model's."""


def checked(bars: object, knobs: Mapping[str, object]) -> dict[str, Knob]:
    """The knobs that are turned, and those that every RNN has, for so many bars at a time.

    Raises BadInput for what one cannot stand at, and for what would take too long; UnknownName for one that there is not.

    >>> checked(4, {"temperature": 1, "keep_primer": False, "density": 3})
    {'temperature': 1.0, 'density': 3.0}
    """
    whole("bars", bars, MOST_BARS)
    stand = {name: _check_of(name)(name, value) for name, value in knobs.items() if not _rests(name, value)}
    if work(bars, stand) > MOST_WORK:
        raise BadInput(
            f"{bars} bars with beam_size={stand.get('beam_size', 1)} and branch_factor={stand.get('branch_factor', 1)} "
            f"would take too long: bars x beam_size x branch_factor may be {MOST_WORK}."
        )
    return stand


def work(bars: object, knobs: Mapping[str, Knob]) -> int:
    """Bars x beam_size x branch_factor, of bars and knobs that were checked."""
    numbers = (bars, knobs.get("beam_size", 1), knobs.get("branch_factor", 1))
    return prod(number for number in numbers if isinstance(number, int))


def whole(name: str, value: object, most: int) -> int:
    """A whole number from 1 on. Raises BadInput."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    raise BadInput(f"{name}={value!r} cannot be: give a whole number from 1 to {most}.")


def seed_of(seed: object) -> int | None:
    """A seed as it is. Raises BadInput."""
    if seed is None or (isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63):
        return seed
    raise BadInput(f"seed={seed!r} cannot be: give a whole number from 0 to 2**63 - 1, or None.")


def _check_of(name: str) -> "Callable[[str, object], Knob]":
    if name not in _CHECKS:
        raise UnknownName.of("knob of a model's", name, _CHECKS)
    return _CHECKS[name]


def _rests(name: str, value: object) -> bool:
    """Whether this is where the knob stands anyway; 1 is no True."""
    return name in UNTURNED and value is UNTURNED[name]


def _paths(name: str, value: object) -> int:
    return whole(name, value, 64)


def _steps(name: str, value: object) -> int:
    return whole(name, value, 1024)


def _temperature(name: str, value: object) -> float:
    if _within(value, COOLEST, HOTTEST):
        return float(value)
    trouble = "leaves the model no choice" if value == 0 else "cannot be"
    raise BadInput(f"A temperature of {value!r} {trouble}: give {COOLEST} to {HOTTEST}, where 1.0 is as it was trained.")


def _density(name: str, value: object) -> float:
    if _within(value, 0, MOST_DENSE):
        return float(value)
    raise BadInput(f"density={value!r} cannot be: give a number of notes a second from 0 to {MOST_DENSE}.")


def _within(value: object, least: float, most: float) -> TypeGuard[Real]:
    return isinstance(value, Real) and not isinstance(value, bool) and least <= float(value) <= most


def _switch(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise BadInput(f"{name}={value!r} cannot be: give True or False.")


def _pitch_classes(name: str, value: object) -> str | tuple[float, ...]:
    chosen = weights(value)
    return value if isinstance(value, str) else chosen


_CHECKS: Mapping[str, Callable[[str, object], Knob]] = {
    "temperature": _temperature,
    "beam_size": _paths,
    "branch_factor": _paths,
    "steps_per_iteration": _steps,
    "continue_primer": _switch,
    "keep_primer": _switch,
    "density": _density,
    "pitch_classes": _pitch_classes,
}
