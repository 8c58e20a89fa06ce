"""What can be undone: how parts were before each command, and how they were before that was undone."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from .parts import Memory
from .scenes import House

MOST_UNDONE = 200
"""So many commands can be undone."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command, in the words that it was answered with, and how the parts were that it changed; `house` is how the stage's key
    and scenes were, if it changed those. `replay`: a recording began to be performed, which took over these parts."""

    words: str
    before: Mapping[str, Memory]
    house: House | None = None
    replay: bool = False


class History:
    """The commands that can be undone, and those that can be redone."""

    def __init__(self) -> None:
        self._done: list[Done] = []
        self._undone: list[Done] = []

    def did(self, done: Done) -> None:
        """A command was obeyed: what was undone of these parts before cannot be redone any more."""
        self._done = [*self._done[1 - MOST_UNDONE :], done]
        if done.house is not None:
            self._undone = [other for other in self._undone if other.house is None]
        for name in done.before:
            self._undone = [kept for other in self._undone if (kept := _without(other, Done("", {name: done.before[name]})))]

    def last(self, *, redo: bool) -> Iterable[str]:
        """The parts that the last command was about, or the last that was undone."""
        found = self._undone if redo else self._done
        return found[-1].before if found else ()

    def ends_replay(self) -> bool:
        """Whether the last command began a replay."""
        return bool(self._done) and self._done[-1].replay

    def over(self) -> None:
        """What was performed last is over: there is nothing of it to undo but the parts that it took."""
        self._done = [other for other in self._done if other.before or not other.replay]

    def pop(self, parts: Container[str] | None, *, house: bool = False, redo: bool) -> Done | None:
        """The last command to any of these parts (None: to anything), or the last that was undone; None if there is none.

        As far as it is about these parts; and about the stage's key and scenes, if `house`.
        """
        found = self._undone if redo else self._done
        for place in reversed(range(len(found))):
            if mine := _about(found[place], parts, house=house):
                found[place : place + 1] = [kept] if (kept := _without(found[place], mine)) else []
                return mine
        return None

    def push(self, done: Done, *, redone: bool) -> None:
        """It was undone, or redone, and can be redone, or undone: `done` says how the parts were before that."""
        (self._done if redone else self._undone).append(done)


def _about(done: Done, parts: Container[str] | None, *, house: bool) -> Done | None:
    """What of it is about these; None if nothing is."""
    if parts is None:
        return done
    before = {name: memory for name, memory in done.before.items() if name in parts}
    own = done.house if house else None
    return Done(done.words, before, own) if before or (own and not done.before) else None


def _without(done: Done, other: Done) -> Done | None:
    """The same without what the other is about; None if that was all."""
    left = {name: memory for name, memory in done.before.items() if name not in other.before}
    house = None if other.house else done.house
    return Done(done.words, left, house, done.replay) if left or house or (done.replay and not other.replay) else None
