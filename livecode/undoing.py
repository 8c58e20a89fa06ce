"""What can be undone: how parts were before each command, and how they were before that was undone."""

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import BadInput
from .parts import Memory
from .scenes import House

MOST_UNDONE = 200
"""So many commands can be undone."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command, in the words that it was answered with, and how the parts were that it changed; `house` is how the stage's key
    and scenes were, if it changed those."""

    words: str
    before: Mapping[str, Memory]
    house: House | None = None


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
            self._undone = [kept for other in self._undone if (kept := _without(other, name))]

    def pop(self, part: str, *, redo: bool) -> Done:
        """The last command to a part ("" is any), or the last that was undone. Raises BadInput if there is none."""
        found = self._undone if redo else self._done
        for place in reversed(range(len(found))):
            done = found[place]
            if not part:
                del found[place]
                return done
            if part in done.before:
                found[place : place + 1] = [kept] if (kept := _without(done, part)) else []
                return Done(done.words, {part: done.before[part]})
        raise BadInput(f"There is nothing to {'redo' if redo else 'undo'}{f' of {part}' if part else ''}.")

    def push(self, done: Done, *, redone: bool) -> None:
        """It was undone, or redone, and can be redone, or undone: `done` says how the parts were before that."""
        (self._done if redone else self._undone).append(done)


def _without(done: Done, part: str) -> Done | None:
    """The same without this part; None if that was all."""
    left = {name: memory for name, memory in done.before.items() if name != part}
    return Done(done.words, left, done.house) if left or done.house else None
