"""Keeps model workers alive and busy: starts them, asks them, times them, and restarts what dies or hangs.

Callers put commands into one queue and read frozen states; one thread, the host's, does everything else: see `keeper`. Whatever
happens to a worker, every request is answered in the end, if only with a refusal.
"""

import queue
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..errors import StageClosed
from .keeper import WORKERS, Keeper, Limits
from .known import ModelState
from .process import Inbox
from .wire import ModelKey, Reply, Request

WORKER = (str(Path(__file__).with_name("alone.py")), "livecode.models.worker")
"""What Python is told to run, ours or that of another environment: this livecode's own worker."""


class Host:
    """Model workers for whoever asks. Starts nothing until it is asked for something; `close` it, or use `with`.

    `on_reply` gets every Reply, `on_event` a sentence for the log whenever something went wrong. Both are called from the
    host's thread, which waits for them: they should only put things into queues, and never raise.

    `python` runs the workers of models that name no interpreter of their own; `program` are its arguments. `workers` is how many
    compiled models have at most.
    """

    def __init__(
        self,
        on_reply: Callable[[Reply], None],
        on_event: Callable[[str], None],
        *,
        python: str = sys.executable,
        program: Sequence[str] = WORKER,
        limits: Limits | None = None,
        workers: int = WORKERS,
    ) -> None:
        self._inbox: Inbox = queue.SimpleQueue()
        self._keeper = Keeper(python, program, workers, self._inbox, on_reply, on_event, limits or Limits())
        self._thread = threading.Thread(target=self._keeper.serve, name="livecode models host", daemon=True)
        self._lock = threading.Lock()
        self._started = self._closed = False

    def prepare(self, key: ModelKey) -> None:
        """Have a model loaded, because somebody will ask it soon. One that was refused is tried again."""
        self._tell(partial(self._keeper.prepare, key))

    def ask(self, request: Request) -> None:
        """Ask for a phrase. The most urgent request goes first, by `needed_by`, then by arrival."""
        self._tell(partial(self._keeper.ask, request))

    def forget(self, request_id: str) -> None:
        """Drop a request: it will not be asked, or its reply will be ignored."""
        self._tell(partial(self._keeper.forget, request_id))

    def states(self) -> tuple[ModelState, ...]:
        """The models that were asked for, in that order, as they are now."""
        return self._keeper.states

    def log_tail(self) -> tuple[str, ...]:
        """The last lines that the workers wrote to stderr, tracebacks among them."""
        return tuple(self._keeper.tail)

    def close(self) -> None:
        """End the workers, within two seconds. Requests that were not answered never will be."""
        with self._lock:
            running, self._closed = self._started and not self._closed, True
        if running:
            self._inbox.put(self._keeper.close)
            self._thread.join()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _tell(self, command: Callable[[], None]) -> None:
        with self._lock:
            if self._closed:
                raise StageClosed("The models' host is closed: start another to ask models again.")
            if not self._started:
                self._thread.start()
                self._started = True
            self._inbox.put(command)
