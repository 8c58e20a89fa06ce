"""Which pitch classes there should be, as performers say it: "C E G", "A minor", or twelve weights from C to B."""

import math
import re
from collections.abc import Sequence
from numbers import Real

from ..errors import BadInput
from ..scales import Key

_NAME = re.compile(r"([A-Ga-g])([#b]?)")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHIFT = {"#": 1, "b": -1, "": 0}


def weights(given: object) -> tuple[float, ...]:
    """Twelve weights, from C to B: of names with spaces between, of a key (a tonic and its scale), or of twelve numbers.

    A name counts as often as it is there. Raises BadInput for anything else, for weights that are negative or no numbers, and
    for twelve zeros.

    >>> weights("C E G G")
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0)
    >>> weights("D minor") == weights("D E F G A Bb C")
    True
    """
    if isinstance(given, str):
        classes = _named(given)
        return tuple(float(classes.count(place)) for place in range(12))
    if isinstance(given, Sequence) and len(given) == 12 and all(_is_weight(value) for value in given) and any(given):
        return tuple(float(value) for value in given)
    raise _refused(given)


def _named(text: str) -> list[int]:
    names = [_NAME.fullmatch(name) for name in text.split()]
    if names and all(names):
        return [(_LETTERS[name[1].upper()] + _SHIFT[name[2]]) % 12 for name in names if name]
    try:
        return list(Key.of(text).pitch_classes)
    except BadInput as error:
        raise _refused(text) from error


def _is_weight(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < math.inf


def _refused(given: object) -> BadInput:
    return BadInput(
        f"pitch_classes={given!r} cannot be: give names such as 'C E G', a key such as 'A minor', or twelve weights from C to B "
        "that are not all 0."
    )
