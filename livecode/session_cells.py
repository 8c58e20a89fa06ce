"""Cells: what is typed at a prompt, kept in the journal with the ids of the commands that come of it."""

import contextlib
import itertools
import os
import queue
import threading
from collections.abc import Callable
from types import TracebackType

from .errors import LivecodeError
from .music import Seconds
from .protocol import KeepCell

LONGEST = 16_384
"""Of a cell that is longer, in characters, only so much is kept."""


class Cell:
    """A cell while it runs: what its thread says meanwhile has come of it. It begins as it is made; it ends once, with `end`."""

    def __init__(self, id: str, source: str, clock: Callable[[], Seconds], keep: Callable[[KeepCell], None]) -> None:  # noqa: A002
        self._id, self._source, self._clock, self._keep = id, source, clock, keep
        self._began, self._thread = clock(), threading.get_ident()
        self.over = False
        """Whether it has ended."""

    def command(self) -> str:
        """An id for a command of this cell; "" in another thread, or when the cell is over."""
        if self.over or threading.get_ident() != self._thread:
            return ""
        return f"{self._id}-{os.urandom(4).hex()}"

    def end(self, error: str = "", failed_at: tuple[int, int] | None = None) -> None:
        """It is over, and has failed with this unless it is "", at this line and column: have it kept."""
        if self.over:
            return
        self.over = True
        source, error = (
            text.encode(errors="backslashreplace").decode() for text in (self._source, error)
        )  # halves of characters
        if len(source) > LONGEST:
            error = f"{error}; " if error else ""
            error += f"only {LONGEST:,} of its {len(source):,} characters were kept"
            source = source[:LONGEST]
        self._keep(KeepCell(id=self._id, source=source, began=self._began, error=error, failed_at=failed_at))

    def __enter__(self) -> "Cell":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end("" if error is None else first_line(error))


class Cells:
    """The cells of one prompt, numbered in their order."""

    def __init__(self, clock: Callable[[], Seconds], keep: Callable[[KeepCell], None]) -> None:
        self._prompt, self._numbers = os.urandom(4).hex(), itertools.count(1)
        self._clock, self._keep = clock, keep
        self._open: list[Cell] = []
        """Those that have not ended, one within the other."""

    def begin(self, source: str) -> Cell:
        """A cell begins, in this thread."""
        self._open.append(Cell(f"{self._prompt}.{next(self._numbers)}", source, self._clock, self._keep))
        return self._open[-1]

    def command(self) -> str:
        """An id for a command that is said now, of the cell that it comes of if there is one, else ""."""
        while self._open and self._open[-1].over:
            self._open.pop()
        return self._open[-1].command() if self._open else ""


def first_line(error: BaseException) -> str:
    """An error in one line, as Python says it: "ZeroDivisionError: division by zero"."""
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0]}" if said else type(error).__name__


class Outbox:
    """Sends cells to an engine in their order, in a thread of its own: nobody waits for one that hangs. Threads print nothing."""

    def __init__(self, send: Callable[[KeepCell], object]) -> None:
        self._send = send
        self._waiting: queue.SimpleQueue[KeepCell] = queue.SimpleQueue()
        self._sent = threading.Condition()
        self._left = 0
        self._thread: threading.Thread | None = None

    def put(self, cell: KeepCell) -> None:
        """Have a cell sent."""
        with self._sent:
            self._left += 1
        self._waiting.put(cell)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="livecode cells", daemon=True)
            self._thread.start()

    def flush(self, patience: Seconds) -> bool:
        """Wait until all are sent; False if they are not within so many seconds."""
        with self._sent:
            return self._sent.wait_for(lambda: not self._left, patience)

    def _run(self) -> None:
        while True:
            cell = self._waiting.get()
            with contextlib.suppress(LivecodeError):  # the engine is gone: so is its journal
                self._send(cell)
            with self._sent:
                self._left -= 1
                self._sent.notify_all()
