"""Which pitch classes there should be, as performers say it: "C E G", "A minor", or twelve weights from C to B."""

import math
import re
from collections.abc import Sequence
from numbers import Real

from ..errors import BadInput

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
}
"""Semitones above the tonic."""

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAME = re.compile(r"([A-Ga-g])([#b]?)")
_SCALE = re.compile(r"(\S+) +(.+)")


def weights(given: object) -> tuple[float, ...]:
    """Twelve weights, from C to B: of names with spaces between, of a tonic and its scale, or of twelve numbers.

    A name counts as often as it is there. Raises BadInput for anything else, for weights that are negative or no numbers, and
    for twelve zeros.

    >>> weights("C E G G")
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0)
    >>> weights("D minor") == weights("D E F G A Bb C")
    True
    """
    if isinstance(given, str):
        return _counted(given, _named(given))
    if isinstance(given, Sequence) and len(given) == 12 and all(_weight(value) for value in given) and any(given):
        return tuple(float(value) for value in given)
    raise _refused(given)


def _named(text: str) -> list[int]:
    scale = _SCALE.fullmatch(text.strip())
    if scale and scale[2].lower() in SCALES:
        return [_pitch_class(text, scale[1]) + degree for degree in SCALES[scale[2].lower()]]
    return [_pitch_class(text, name) for name in text.split()]


def _counted(text: str, classes: Sequence[int]) -> tuple[float, ...]:
    if not classes:
        raise _refused(text)
    return tuple(float(sum(one % 12 == place for one in classes)) for place in range(12))


def _pitch_class(text: str, name: str) -> int:
    found = _NAME.fullmatch(name)
    if not found:
        raise _refused(text)
    return _LETTERS[found[1].upper()] + {"#": 1, "b": -1, "": 0}[found[2]]


def _weight(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < math.inf


def _refused(given: object) -> BadInput:
    return BadInput(
        f"pitch_classes={given!r} cannot be: give names such as 'C E G', a scale such as 'A minor' "
        f"({', '.join(SCALES)}), or twelve weights from C to B that are not all 0."
    )
