"""Transforms as values: what `Phrase` can be made into, said beforehand, for a part to do in its loops.

A word such as `transpose(12)` says a verb of `Phrase` and its arguments; `Turn` says in which loops. Values travel, are
journalled, and are applied by `turned`, which is given whatever else a loop knows: its number, its chance, its key.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from typing import Any, TypeAlias

import msgspec

from .errors import BadInput, UnknownName, named
from .music import LONGEST, Beats, Note, Phrase

Amount: TypeAlias = Fraction | float | str
"""A number of beats, or a factor, as a performer types it."""

Given: TypeAlias = int | float | str | None

VERBS = (
    "transpose", "invert", "reverse", "rotate", "stretch", "quantise", "humanise", "thin", "to_scale", "arpeggiate", "layer",
    "slice",
)  # fmt: skip
"""The verbs of `Phrase` that are transforms too."""

OWN = "own"
"""Stands in a transform for a performer's own function; its argument is the function's id, "name/1"."""

MOST_NOTES = 1000
"""What has more notes, a loop or what any transform makes of it, is not transformed: a transform of 1,000 takes 15 to 30 ms, and
the planner has 200 ms for all parts."""

_COUNTING = ("arpeggiate", "layer")
"""The verbs that make more notes than they are given: they refuse too many before they make them."""

MOST_EVERY = 1024


class Transform(msgspec.Struct, frozen=True):
    """A verb of `Phrase` with its arguments; `others` are the phrases that `layer` lays over it.

    Raises BadInput for what no phrase could be made into.

    >>> reverse(), transpose(-5), arpeggiate("1/2", "updown")
    (reverse(), transpose(-5), arpeggiate('1/2', 'updown'))
    >>> from livecode.notation import notes
    >>> reverse().of(notes("C4 E4 G4"))
    <phrase of 3 beats: 0 G4, 1 E4, 2 C4>
    """

    verb: str
    given: tuple[Given, ...] = ()
    others: tuple[Phrase, ...] = ()

    def __post_init__(self) -> None:
        if self.verb == OWN and len(self.given) == 1 and isinstance(self.given[0], str):
            return
        if self.verb not in VERBS:
            raise UnknownName.of("transform", self.verb, VERBS)
        drums = bool(self.others) and self.others[0].drums
        chord = () if self.others else (Note(Beats(0), Beats(2), 60), Note(Beats(0), Beats(1), 64))
        length = LONGEST if self.verb == "slice" else Beats(4)
        try:
            self.of(Phrase(chord, length, drums), key="C")
        except TypeError as error:
            raise BadInput(f"{self!r} cannot be: {str(error).removeprefix('Phrase.')}.") from None

    def of(self, phrase: Phrase, *, seed: int = 0, key: str = "") -> Phrase:
        """What it makes of a phrase. `seed` is what chance has where none was given, `key` the one to go into where none was.

        Raises BadInput, also for more than `MOST_NOTES`.
        """
        given: list[Any] = list(self.given)
        if self.wants_key:
            return phrase.to_scale(key) if key else phrase
        if self.verb == "humanise":
            return phrase.humanise(*given[:2], seed=given[2] if len(given) > 2 else seed)
        limit = {"at_most": MOST_NOTES} if self.verb in _COUNTING else {}
        made: Phrase = getattr(phrase, self.verb)(*given, *self.others, **limit)
        return made

    @property
    def wants_key(self) -> bool:
        """Whether it goes by the key of the part or of the stage."""
        return self.verb == "to_scale" and not self.given

    @property
    def function(self) -> str:
        """The id of the performer's function that it is, "" for none."""
        return str(self.given[0]) if self.verb == OWN else ""

    @property
    def kind(self) -> str:
        """What it is but for its arguments."""
        return self.function.partition("/")[0] if self.verb == OWN else self.verb

    def __repr__(self) -> str:
        if self.verb == OWN:
            return self.kind
        return f"{self.verb}({', '.join(map(repr, (*self.given, *self.others)))})"


class Turn(msgspec.Struct, frozen=True):
    """What is done in every loop, or in every n-th, one transform after the other.

    Loops are counted from the beginning of the music, as if this one had always played: of a bar's loop every fourth is bar 4,
    8, 12; of two bars' it is bars 7 and 8, 15 and 16. So parts turn together.

    >>> Turn((reverse(), transpose(12)), every=4)
    every 4: reverse() transpose(12)
    """

    transforms: tuple[Transform, ...]
    every: int = 1

    def __post_init__(self) -> None:
        if not self.transforms:
            raise BadInput("There is nothing to do in the loops: give transforms, such as reverse(); plain() takes them off.")
        if isinstance(self.every, bool) or not isinstance(self.every, int) or not 1 <= self.every <= MOST_EVERY:
            raise BadInput(f"every({self.every!r}, ...) cannot be: give a whole number of loops from 1 to {MOST_EVERY}.")

    def holds(self, loop: int) -> bool:
        """Whether it is done in this loop, counted from 0."""
        return (loop + 1) % self.every == 0

    def replaces(self, other: "Turn") -> bool:
        """Whether it takes the other's place: the same verbs in the same loops, whatever their arguments."""
        return (self.every, [each.kind for each in self.transforms]) == (other.every, [each.kind for each in other.transforms])

    def __repr__(self) -> str:
        words = " ".join(map(repr, self.transforms))
        return words if self.every == 1 else f"every {self.every}: {words}"


@dataclass(frozen=True, slots=True)
class Loop:
    """A pass of a part's phrase: how many of its length come before it since the music began; how often the phrase has been
    repeated since its transforms hold; what its chance comes from; the key that it is in, "" for none; and what the performer's
    functions gave for it, by their ids."""

    number: int
    repeat: int
    chance: str
    key: str
    own: Mapping[str, Phrase] = field(default_factory=dict, compare=False)


def turned(phrase: Phrase, turns: Sequence[Turn], loop: Loop) -> Phrase:
    """The phrase as it sounds in this loop, as long as it was: what became longer goes on in the next repeat, what became
    shorter fills the loop. Raises BadInput for what cannot be made of it.

    >>> from livecode.notation import notes
    >>> tune, half_time = notes("C4 D4 E4 F4"), [Turn((stretch(2),))]
    >>> [turned(tune, half_time, Loop(place, place, "", "")) for place in range(2)]
    [<phrase of 4 beats: 0 C4, 2 D4>, <phrase of 4 beats: 0 E4, 2 F4>]
    """
    stages = list(_stages(phrase, turns, loop))
    made = stages[-1][2] if stages else phrase
    return made if made.length == phrase.length else _fitted(made, phrase.length, loop.repeat)


def asked(phrase: Phrase, turns: Sequence[Turn], loop: Loop) -> list[tuple[str, Phrase]]:
    """The performer's functions that this loop goes through, by their ids, and what each is given. Raises BadInput."""
    return [(transform.function, given) for transform, given, _ in _stages(phrase, turns, loop) if transform.function]


def owned(turn: Turn) -> bool:
    """Whether a performer's function is in it."""
    return any(transform.function for transform in turn.transforms)


def _stages(phrase: Phrase, turns: Sequence[Turn], loop: Loop) -> Iterator[tuple[Transform, Phrase, Phrase]]:
    """Yield each transform that is done in this loop, with what it is given and what it makes of it."""
    for place, turn in enumerate(turns):
        for step, transform in enumerate(turn.transforms if turn.holds(loop.number) else ()):
            if transform.function:
                made = loop.own.get(transform.function, phrase)
                made = made if made.drums == phrase.drums else phrase
            else:
                made = transform.of(phrase, seed=_seed(f"{loop.chance}/{loop.number}/{place}.{step}"), key=loop.key)
            if len(made.notes) > MOST_NOTES:
                raise BadInput(f"{transform!r} makes {len(made.notes)} notes of a loop, and {MOST_NOTES} are the most.")
            yield transform, phrase, made
            phrase = made


def _seed(source: str) -> int:
    """Chance that is the same in every process: Python's own hash of strings is not."""
    return int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big")


def _fitted(made: Phrase, length: Beats, repeat: int) -> Phrase:
    begin = repeat * length % made.length
    heard = (replace(note, onset=note.onset - begin) for note in made.between(begin, begin + length))
    notes = tuple(islice(heard, MOST_NOTES + 1))
    if len(notes) > MOST_NOTES:
        raise BadInput(f"A loop of {length} beats has no room for so many repeats: {MOST_NOTES} notes are the most.")
    return Phrase(notes, length, made.drums)


# The words


def transpose(semitones: int) -> Transform:
    """Every pitch higher by so many semitones, in a part's loops: lead.every(4, transpose(12)). As `Phrase.transpose`."""
    return _made("transpose", semitones)


def invert(axis: int | None = None) -> Transform:
    """Mirrored at a MIDI pitch, or at the first note's: lead.every(2, invert()). As `Phrase.invert`."""
    return _made("invert", axis)


def reverse() -> Transform:
    """Backwards: lead.every(4, reverse()). As `Phrase.reverse`."""
    return _made("reverse")


def rotate(by: Amount) -> Transform:
    """Later by so many beats, round the loop: hat.every(4, rotate(0.5)). As `Phrase.rotate`."""
    return _made("rotate", by)


def stretch(factor: Amount) -> Transform:
    """So many times as long, within loops of the same length: bass.map(stretch(2)) is half time. As `Phrase.stretch`."""
    return _made("stretch", factor)


def quantise(grid: Amount = "1/4", strength: Amount = 1) -> Transform:
    """Onsets on a grid, or part of the way: lead.map(quantise("1/2")). As `Phrase.quantise`."""
    return _made("quantise", grid, strength)


def humanise(timing: Amount = "1/32", velocity: float = 8, seed: int | None = None) -> Transform:
    """Onsets and velocities off by chance, other in every loop unless there is a seed: keys.map(humanise()).

    As `Phrase.humanise`. The same stage seed gives the same chance.
    """
    return _made("humanise", timing, velocity, seed)


def thin(most: Amount) -> Transform:
    """At most so many notes a beat: lead.every(2, thin(1)). As `Phrase.thin`."""
    return _made("thin", most)


def to_scale(key: str | None = None) -> Transform:
    """Into a key, without one into the part's or the stage's as it is then: lead.map(to_scale()). As `Phrase.to_scale`."""
    return _made("to_scale", key)


def arpeggiate(step: Amount = "1/4", order: str = "up") -> Transform:
    """Chords one note after the other: keys.every(2, arpeggiate("1/2")). As `Phrase.arpeggiate`."""
    return _made("arpeggiate", step, order)


def layer(*others: Phrase) -> Transform:
    """With other phrases over it: drums.every(4, layer(beat(crash="x..............."))). As `Phrase.layer`."""
    return _made("layer", *others)


def said(words: Sequence[object], own: Callable[[Any], Transform] | None = None) -> tuple[Transform, ...]:
    """What a performer gives `every` and `map`: transforms, functions, or a verb's name and its arguments. Raises BadInput.

    `own` makes a transform of a function.

    >>> said(["transpose", 12]), said([reverse(), transpose(12)])
    ((transpose(12),), (reverse(), transpose(12)))
    """
    if words and isinstance(words[0], str):
        return (_made(words[0], *words[1:]),)
    for word in words:
        if word in _WORDS or not (isinstance(word, Transform) or (own and callable(word))):
            hint = f"{word.__name__}()" if word in _WORDS else "transforms, such as reverse() or transpose(12)"
            raise BadInput(f"{named(word)} is no transform: give {hint}.")
    return tuple(word if isinstance(word, Transform) else own(word) for word in words)  # type: ignore[misc]


_WORDS = (transpose, invert, reverse, rotate, stretch, quantise, humanise, thin, to_scale, arpeggiate, layer)


def _made(verb: str, *given: object) -> Transform:
    """The transform, its arguments as they travel: fractions as strings, phrases apart."""
    plain = [str(value) if isinstance(value, Fraction) else value for value in given if not isinstance(value, Phrase)]
    while plain and plain[-1] is None:
        plain.pop()
    for value in plain:
        if not isinstance(value, int | float | str | None):
            raise BadInput(f"{verb} cannot do anything with {value!r}: give numbers, names or phrases.")
    return Transform(verb, tuple(plain), tuple(value for value in given if isinstance(value, Phrase)))  # type: ignore[arg-type]
