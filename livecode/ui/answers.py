"""What the commands of a cell are answered with: shown once each, in their order."""

import threading
from collections import deque
from typing import Any

from ..stage import Answer

MOST_SHOWN = 12


class Answers:
    """Collects the answers of the cell that runs. What its last line shows includes those before it; others follow the cell.

    Answers to commands of other threads are kept by the log alone: threads never print.
    """

    def __init__(self) -> None:
        self._waiting: deque[Answer] = deque(maxlen=MOST_SHOWN)
        self._count = 0
        self._cell: int | None = None

    def begin(self, *_: Any) -> None:
        """A cell begins, in this thread."""
        self._cell = threading.get_ident()
        self._take()

    def heard(self, answer: Answer) -> None:
        """A command was answered."""
        if threading.get_ident() == self._cell:
            self._waiting.append(answer)
            self._count += 1

    def show(self, answer: Answer) -> str:
        """What is shown for an answer that the cell ends with: those before it, and itself."""
        waiting = self._take()
        if answer not in waiting:
            waiting.append(answer)
        return "\n".join(waiting)

    def end(self, *_: Any) -> None:
        """The cell has ended: print what has not been shown."""
        self._cell = None
        if waiting := self._take():
            print("\n".join(waiting))  # noqa: T201

    def _take(self) -> list[str]:
        hidden, waiting = self._count - len(self._waiting), [str(answer) for answer in self._waiting]
        self._waiting.clear()
        self._count = 0
        return [f"({hidden} answers more: stage.log())", *waiting] if hidden else waiting
