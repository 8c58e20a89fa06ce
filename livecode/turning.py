"""A part's transforms over time: which hold when, and what they make of each loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from .errors import BadInput
from .music import Beats, Note, Phrase
from .steps import Steps
from .transforms import MOST_NOTES, Loop, Turn, asked, turned

MOST_TURNS = 16

_KEPT = 16
"""So many loops are remembered as they sound: the planner asks for the same ones again and again."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A phrase that repeats from beat `origin` on."""

    phrase: Phrase
    origin: Beats

    def loop_at(self, beat: Beats) -> int:
        """Which repeat sounds at this beat, counted from 0."""
        return int((beat - self.origin) // self.phrase.length)


class Turning:
    """The transforms of one part, by their beats. `source` is what its chance comes from."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.turns: Steps[tuple[Turn, ...]] = Steps(())
        self.key = Steps("")
        """The key that the part is in, "" for none."""
        self.trouble = ""
        """Why it sounds otherwise than it should, in a sentence; "" if it does not."""
        self.lacks = ""
        """Why a performer's function gave nothing for the last loop that it was asked for, in a sentence; "" if it did."""
        self._own: dict[str, Steps[Phrase | None]] = {}
        """What the performer's functions gave, by their ids, each from the loop on that it was asked for."""
        self._made: dict[tuple[int, int, Loop, tuple[int, ...]], _Made] = {}

    # What it is told

    def add(self, turn: Turn, at: Beats, phrase: Phrase | None) -> None:
        """Do this too, from this beat on, in the place of one that it replaces. `phrase` is what it is tried on.

        What is to come or to go later does so at its own beat. Raises BadInput for what cannot be made of the phrase, and for
        too many.
        """
        steps = [(at, _with(turn, self.turns.at(at)))]
        while (change := self.turns.next(steps[-1][0])) is not None:
            steps.append((change, _with(turn, self.turns.at(change))))
        for _, turns in steps:
            self._try(turn, turns, phrase)
        self.turns.cut(at)
        for begin, turns in steps:
            self.turns.add(begin, turns)

    def _try(self, turn: Turn, turns: tuple[Turn, ...], phrase: Phrase | None) -> None:
        if len(turns) > MOST_TURNS:
            raise BadInput(f"{MOST_TURNS} transforms are as many as a part may have: take them off with plain() first.")
        if any(transform.wants_key for transform in turn.transforms) and not self.key.final():
            raise BadInput('to_scale() needs a key: set stage.key = "A minor" first, or say to_scale("A minor").')
        if phrase is not None:
            if len(phrase.notes) > MOST_NOTES:
                raise BadInput(f"A loop of {len(phrase.notes)} notes is too long for transforms: {MOST_NOTES} are the most.")
            turned(phrase, [Turn(each.transforms) for each in turns], Loop(0, 0, "", self.key.final()))

    def first(self, turn: Turn, lane: Lane, at: Beats) -> Beats:
        """Where the first loop at or after this beat begins in which it is done."""
        place = -(-(at - lane.origin) // lane.phrase.length)
        begins = (lane.origin + (place + more) * lane.phrase.length for more in range(turn.every))
        return at if turn.every == 1 else next(begin for begin in begins if turn.holds(int(begin // lane.phrase.length)))

    def set(self, turns: tuple[Turn, ...], at: Beats) -> None:
        """Do these, and no others, from this beat on."""
        self.turns.cut(at)
        if self.turns.final() != turns:
            self.turns.add(at, turns)

    # What sounds

    def loop(self, lane: Lane, beat: Beats) -> Phrase:
        """What the loop that sounds at this beat has become."""
        turns = self.turns.at(beat)
        if not turns or not lane.phrase.notes:
            self.trouble = ""
            return lane.phrase
        return self._turned(lane.phrase, turns, self._loop(lane, beat))

    def _loop(self, lane: Lane, beat: Beats) -> Loop:
        place = lane.loop_at(beat)
        begin = lane.origin + place * lane.phrase.length
        since = max(0, lane.loop_at(self.turns.began(beat)))
        own = {function: given for function, steps in self._own.items() if (given := steps.at(begin)) is not None}
        return Loop(int(begin // lane.phrase.length), place - since, self._source, self.key.at(begin), own)

    def asked(self, lane: Lane, begin: Beats) -> tuple[int, list[tuple[str, Phrase]]]:
        """The number of the loop that begins there, and what each of the performer's functions is given for it."""
        loop = self._loop(lane, begin)
        if len(lane.phrase.notes) > MOST_NOTES:
            return loop.number, []
        try:
            return loop.number, asked(lane.phrase, self.turns.at(begin), loop)
        except BadInput:  # `loop` says so when it sounds
            return loop.number, []

    def shaped(self, function: str, phrase: Phrase, begin: Beats) -> None:
        """A performer's function gave this for the loop that begins there."""
        self._own.setdefault(function, Steps(None)).set(begin, phrase)

    def forget(self, until: Beats) -> None:
        """Drop what no beat from there on needs."""
        self.turns.forget(until)
        self.key.forget(until)
        for given in self._own.values():
            given.forget(until)

    def between(self, lane: Lane, begin: Beats, end: Beats, played: Callable[[Phrase], Phrase]) -> Iterator[Note]:
        """Yield the notes that start in [begin, end), in which the same transforms hold, at their beats.

        `played` is what an instrument plays of a loop.
        """
        if not self.turns.at(begin):
            self.trouble = ""
            for note in played(lane.phrase).between(begin - lane.origin, end - lane.origin):
                yield replace(note, onset=note.onset + lane.origin)
            return
        for start, stop in self.loops(lane, begin, end):
            shift = lane.origin + lane.loop_at(start) * lane.phrase.length
            for note in played(self.loop(lane, start)).between(start - shift, stop - shift):
                yield replace(note, onset=note.onset + shift)

    def loops(self, lane: Lane, begin: Beats, end: Beats) -> Iterator[tuple[Beats, Beats]]:
        """Yield where in [begin, end) each loop begins and ends, the first and the last perhaps in part."""
        while begin < end:
            until = min(end, lane.origin + (lane.loop_at(begin) + 1) * lane.phrase.length)
            yield begin, until
            begin = until

    def _turned(self, phrase: Phrase, turns: tuple[Turn, ...], loop: Loop) -> Phrase:
        own = tuple(map(id, loop.own.values()))
        known = (id(phrase), id(turns), loop, own)  # to hash a phrase takes longer than to find what it became
        if known not in self._made:
            while len(self._made) >= _KEPT:
                del self._made[next(iter(self._made))]
            self._made[known] = _tried(phrase, turns, loop)
        made = self._made[known]
        self.trouble = made.trouble
        return made.phrase


def _with(turn: Turn, had: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """This one too, in the place of one that it replaces."""
    if any(map(turn.replaces, had)):
        return tuple(turn if turn.replaces(other) else other for other in had)
    return (*had, turn)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a loop became, or why it did not; and from what, which is held so that no other gets its id."""

    phrase: Phrase
    trouble: str
    source: object


def _tried(phrase: Phrase, turns: tuple[Turn, ...], loop: Loop) -> _Made:
    """With all of them, or as it is if that cannot be."""
    source = (phrase, turns, loop.own)
    if len(phrase.notes) > MOST_NOTES:
        many = f"its loop has {len(phrase.notes)} notes, and {MOST_NOTES} are the most"
        return _Made(phrase, f"plays without its transforms: {many}", source)
    try:
        return _Made(turned(phrase, turns, loop), "", source)
    except BadInput as error:
        return _Made(phrase, f"plays a loop without its transforms: {error}", source)
