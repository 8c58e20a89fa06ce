"""A worker's process and its pipes, carried by threads so that neither a full pipe nor an empty one holds anybody up."""

import os
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import IO, TypeAlias

from ..music import Seconds
from .wire import ToWorker, encode

Inbox: TypeAlias = "queue.SimpleQueue[Callable[[], None]]"
"""What the host's thread is to do next."""


def foreign() -> dict[str, str]:
    """The environment variables for an interpreter of another environment: without those that say where ours finds modules."""
    ours = {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in ours}


class Process:
    """One run of the worker's program: a process, and three threads that carry lines to it and from it."""

    def __init__(self, command: Sequence[str], inbox: Inbox, tail: deque[str], environment: dict[str, str] | None = None) -> None:
        self._command, self._inbox, self._tail, self._environment = command, inbox, tail, environment
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []
        self.last_words = "nothing"
        """The last line that it wrote to stderr; to be read when it has ended."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, on_line: Callable[["Process", bytes], None], on_end: Callable[["Process"], None]) -> None:
        """Start the process. Its lines, and its end, come through the inbox. Raises OSError."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
            # Out of the terminal's group: Ctrl-C at the prompt interrupts the cell, not the models.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin
        assert stdout
        assert stderr
        for name, work in (
            ("in", partial(self._feed, stdin)),
            ("out", partial(self._read, stdout, on_line, on_end)),
            ("err", partial(self._drain, stderr)),
        ):
            thread = threading.Thread(target=work, name=f"livecode models {name} {self._process.pid}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def send(self, message: ToWorker) -> None:
        self._outbox.put(encode(message))

    def dismiss(self) -> None:
        """Close its stdin, once it has read all that was sent: a worker ends by itself then."""
        self._outbox.put(None)

    def end(self, grace: Seconds) -> int:
        """Close its stdin, kill it if it is not gone after so many seconds, and return its exit code."""
        assert self._process
        self.dismiss()
        try:
            code = self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for thread in self._threads:
            thread.join()
        return code

    def _feed(self, stdin: IO[bytes]) -> None:
        # A pipe whose reader died raises at the write, and once more at the close: the other pipe's end tells the host.
        with suppress(OSError), stdin:
            for line in iter(self._outbox.get, None):
                stdin.write(line)
                stdin.flush()

    def _read(self, stdout: IO[bytes], on_line: Callable[["Process", bytes], None], on_end: Callable[["Process"], None]) -> None:
        with stdout:
            for line in stdout:
                if line.endswith(b"\n"):  # else the process died in the middle of it
                    self._inbox.put(partial(on_line, self, line))
        self._inbox.put(partial(on_end, self))

    def _drain(self, stderr: IO[bytes]) -> None:
        with stderr:
            for line in stderr:
                words = line.decode(errors="replace").rstrip()
                self._tail.append(words)
                self.last_words = words.strip() or self.last_words
