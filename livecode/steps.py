"""A value that changes at beats: what parts are made of. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Generic, TypeVar

from .music import Beats

Value = TypeVar("Value")


class Steps(Generic[Value]):
    """A step function over beats: some first value, and changes, each holding until the next.

    >>> steps = Steps("a")
    >>> steps.set(Beats(4), "b")
    >>> steps.at(Beats(3)), steps.at(Beats(4)), steps.before(Beats(4))
    ('a', 'b', 'a')
    """

    def __init__(self, first: Value) -> None:
        self._first = first
        self._beats: list[Beats] = []
        self._values: list[Value] = []

    def set(self, beat: Beats, value: Value) -> None:
        """From `beat` on, `value`; whatever was to change later is dropped."""
        self.cut(beat)
        self.add(beat, value)

    def add(self, beat: Beats, value: Value) -> None:
        """From `beat` on, `value`; `beat` lies after every change so far."""
        self._beats.append(beat)
        self._values.append(value)

    def keep(self, beat: Beats, value: Value) -> None:
        """From `beat` on, `value`, for good; nothing changes if that is so already."""
        if self.at(beat) != value or self.next(beat) is not None:
            self.set(beat, value)

    def final(self) -> Value:
        """The value that all changes lead to."""
        return self._values[-1] if self._values else self._first

    def insert(self, beat: Beats, value: Value) -> None:
        """From `beat` on, `value`, until the change that was to come next; what changes at `beat` already stays."""
        place = bisect_left(self._beats, beat)
        if place == len(self._beats) or self._beats[place] != beat:
            self._beats.insert(place, beat)
            self._values.insert(place, value)

    def cut(self, since: Beats) -> None:
        """Drop every change at or after `since`."""
        place = bisect_left(self._beats, since)
        del self._beats[place:], self._values[place:]

    def forget(self, until: Beats) -> None:
        """Drop the history that no beat from `until` on needs, but for one change before it."""
        if len(self._beats) < 2:  # most never change: this is asked of all, many times a second
            return
        place = bisect_right(self._beats, until) - 2
        if place >= 0:
            self._first = self._values[place]
            del self._beats[: place + 1], self._values[: place + 1]

    def at(self, beat: Beats) -> Value:
        """The value at this beat."""
        place = bisect_right(self._beats, beat)
        return self._values[place - 1] if place else self._first

    def before(self, beat: Beats) -> Value:
        """The value just before this beat."""
        place = bisect_left(self._beats, beat)
        return self._values[place - 1] if place else self._first

    def began(self, beat: Beats) -> Beats:
        """Where the value at this beat began; beat 0 for the first one."""
        place = bisect_right(self._beats, beat)
        return self._beats[place - 1] if place else Beats(0)

    def next(self, beat: Beats) -> Beats | None:
        """The first change after this beat."""
        place = bisect_right(self._beats, beat)
        return self._beats[place] if place < len(self._beats) else None

    def first(self, beat: Beats) -> Beats | None:
        """The first change at this beat or after it."""
        place = bisect_left(self._beats, beat)
        return self._beats[place] if place < len(self._beats) else None

    def last(self) -> Beats | None:
        """The last change of all; None if there is none."""
        return self._beats[-1] if self._beats else None

    def values(self) -> list[Value]:
        """Every value that is not forgotten, in order."""
        return [self._first, *self._values]

    def changes(self, begin: Beats, end: Beats) -> Iterator[tuple[Beats, Value]]:
        """The changes in [begin, end), in order."""
        if not self._beats or self._beats[-1] < begin:
            return iter(())
        first, last = bisect_left(self._beats, begin), bisect_left(self._beats, end)
        return iter(list(zip(self._beats[first:last], self._values[first:last], strict=True)))
