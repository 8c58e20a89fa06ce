"""What the commands of a cell are answered with: shown once each, in their order."""

import threading
from collections import deque
from typing import Any

from ..shown import Answer

MOST_SHOWN = 12


class Answers:
    """Collects the answers of the cell that runs. What its last line shows includes those before it; others follow the cell.

    Answers to commands of other threads are kept by the log alone: threads never print.
    """

    def __init__(self) -> None:
        self._waiting: deque[str] = deque(maxlen=MOST_SHOWN)
        self._times: deque[int] = deque(maxlen=MOST_SHOWN)
        self._different = 0
        self._cell: int | None = None

    def begin(self, *_: Any) -> None:
        """A cell begins, in this thread."""
        self._cell = threading.get_ident()
        self._take()

    def heard(self, answer: Answer) -> None:
        """A command was answered."""
        if threading.get_ident() != self._cell:
            return
        if self._waiting and self._waiting[-1] == answer:
            self._times[-1] += 1
        else:
            self._waiting.append(str(answer))
            self._times.append(1)
            self._different += 1

    def show(self, answer: Answer) -> str:
        """What is shown for an answer that the cell ends with: those before it, and itself."""
        known = answer in self._waiting
        return "\n".join([*self._take(), *([] if known else [answer])])

    def end(self, *_: Any) -> None:
        """The cell has ended: print what has not been shown."""
        self._cell = None
        if waiting := self._take():
            print("\n".join(waiting))  # noqa: T201

    def _take(self) -> list[str]:
        hidden = self._different - len(self._waiting)
        said = [f"({hidden} more: stage.log())"] if hidden else []
        said += [
            f"{answer} ({times} times)" if times > 1 else answer for answer, times in zip(self._waiting, self._times, strict=True)
        ]
        self._waiting.clear()
        self._times.clear()
        self._different = 0
        return said
