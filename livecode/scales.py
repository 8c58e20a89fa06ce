"""Keys: a tonic and a scale, by the names that musicians type."""

import re
from dataclasses import dataclass

from .errors import BadInput, UnknownName

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}
"""The semitones above the tonic of each scale."""

_NAME = re.compile(r"\s*([A-Ga-g])(#|b)?\s*(.*?)\s*")
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_MINOR = ("minor", "harmonic minor", "melodic minor", "minor pentatonic", "blues")
_MAJORS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINORS = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")
_SHORT = {"": "major", "m": "minor"}


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic (0 is C, 11 is B) and the name of a scale.

    >>> Key.of("A minor").pitch_classes
    (0, 2, 4, 5, 7, 9, 11)
    >>> Key.of("F#m"), Key.of("Bb")
    (Key(tonic=6, scale='minor'), Key(tonic=10, scale='major'))
    """

    tonic: int
    scale: str

    @classmethod
    def of(cls, name: str) -> "Key":
        """The key that a performer names: a letter, # or b if wanted, and a scale; major without one. Raises BadInput."""
        found = _NAME.fullmatch(name) if isinstance(name, str) else None
        if found is None:
            raise BadInput(f"{name!r} is no key: write a tonic and a scale, such as 'A minor', 'F# dorian' or 'Bb'.")
        letter, accidental, rest = found.groups()
        scale = _SHORT.get(rest, rest.casefold())
        if scale not in SCALES:
            raise UnknownName.of("scale", rest, SCALES)
        return cls((_LETTERS[letter.lower()] + {"#": 1, "b": -1, None: 0}[accidental]) % 12, scale)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The pitch classes of its notes (0 is C), in ascending order."""
        return tuple(sorted((self.tonic + step) % 12 for step in SCALES[self.scale]))

    @property
    def signature(self) -> str:
        """The key signature it is written with, as MIDI knows them, in major and minor; "" if there is none.

        >>> Key.of("A minor").signature, Key.of("D dorian").signature, Key.of("Eb").signature, Key.of("C whole tone").signature
        ('Am', 'C', 'Eb', '')
        """
        if self.scale in _MINOR:
            return _MINORS[self.tonic]
        mine = set(self.pitch_classes)
        return next((name for tonic, name in enumerate(_MAJORS) if mine <= set(Key(tonic, "major").pitch_classes)), "")

    def nearest(self, pitch: int) -> int:
        """The pitch (0-127) of this key that is nearest to a pitch; of two that are as near the lower one.

        >>> Key.of("C").nearest(61), Key.of("C").nearest(66)
        (60, 65)
        """
        mine = self.pitch_classes
        near = (pitch + way * step for step in range(12) for way in (-1, 1))
        return next(other for other in near if other % 12 in mine and 0 <= other <= 127)
