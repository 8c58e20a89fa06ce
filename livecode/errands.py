"""What performers' own functions are asked: which loop of which part they are to transform. It knows no thread.

A function lives in the prompt that defined it. The engine keeps errands for it, which that prompt fetches; what comes back in
time is heard, and where nothing does the part repeats what the function gave last.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

import msgspec

from .music import Beats, Phrase
from .parts import Part
from .transforms import MOST_NOTES, owned


class Errand(msgspec.Struct, frozen=True):
    """Give this phrase to the function of this id: it is the loop of a part, counted from 0 since the music began."""

    id: str
    function: str
    part: str
    loop: int
    phrase: Phrase


class HandIn(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What a function gave for an errand; or, in a sentence, why it gave nothing."""

    errand: str
    phrase: Phrase | None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Out:
    """An errand, whose it is, and where its loop begins."""

    errand: Errand
    part: Part
    begin: Beats


class Errands:
    """The errands of all parts: one at a time for each."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._out: dict[str, Out] = {}
        self._done: dict[tuple[str, str], tuple[Beats, Phrase]] = {}

    def open(self) -> tuple[Errand, ...]:
        """The errands that wait for a function. Any thread may ask."""
        return tuple(out.errand for out in tuple(self._out.values()))

    def look(self, part: Part, reachable: Beats) -> None:
        """Have the part's functions asked for the next loop that begins at or after this beat, if they were not."""
        if not any(map(owned, part.turning.turns.final())):
            self._out.pop(part.name, None)
            part.turning.lacks = ""
            return
        out = self._out.get(part.name)
        if out is not None and out.begin < reachable:
            self._fail(out, "has not answered in time")
            out = None
        found = part.next_loop(reachable)
        if found is None:
            return
        begin, number, given = found
        for function, phrase in given:
            if self._done.get((part.name, function)) != (begin, phrase):
                if out is None or (out.errand.function, out.begin, out.errand.phrase) != (function, begin, phrase):
                    errand = Errand(f"{part.name}-{next(self._ids)}", function, part.name, number, phrase)
                    self._out[part.name] = Out(errand, part, begin)
                return
        self._out.pop(part.name, None)

    def landed(self, hand: HandIn, reachable: Beats) -> Out | None:
        """Whose loop this is, if it can still be heard; None if not, or if the function gave nothing that could be played."""
        out = next((out for out in self._out.values() if out.errand.id == hand.errand), None)
        if out is None:
            return None
        if hand.phrase is None or hand.phrase.drums != out.errand.phrase.drums:
            self._fail(out, hand.trouble or "gave drums for notes, or notes for drums")
        elif len(hand.phrase.notes) > MOST_NOTES:
            self._fail(out, f"gave {len(hand.phrase.notes)} notes, and {MOST_NOTES} are the most")
        elif out.begin < reachable:
            self._fail(out, "has not answered in time")
        else:
            self._close(out)
            out.part.turning.lacks = ""
            return out
        return None

    def give_up(self, errands: Iterable[Errand], why: str) -> None:
        """Nobody will answer these; "" says that this is no trouble."""
        for out in [out for out in self._out.values() if out.errand in errands]:
            if why:
                self._fail(out, why)
            else:
                self._close(out)

    def _fail(self, out: Out, why: str) -> None:
        self._close(out)
        out.part.turning.lacks = f"repeats its last loop: {out.errand.function.partition('/')[0]} {why}"

    def _close(self, out: Out) -> None:
        self._done[out.part.name, out.errand.function] = (out.begin, out.errand.phrase)
        del self._out[out.part.name]
