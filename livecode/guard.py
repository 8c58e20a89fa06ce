"""The engine's side of its supervisor: tells it that all is well, and starts another if it is gone."""

import contextlib
import json
import os
import subprocess
import sys
import time

from . import supervisor
from .music import Seconds
from .places import Place
from .protocol import Start, encode

SIGN_EVERY: Seconds = 1.0


def engine_command(start: Start) -> list[str]:
    """What to run for an engine's process."""
    return [sys.executable, "-P", "-m", "livecode.server", encode(start).decode()]


class Guard:
    """A supervisor that starts `again` should this process crash or hang. One thread calls it.

    `in_a_row` counts the crashes just before this engine.
    """

    def __init__(self, again: Start, place: Place, in_a_row: int) -> None:
        self._again, self._place, self._in_a_row = again, place, in_a_row
        self._process: subprocess.Popen[bytes] | None = None
        self._turns, self._next_sign = -1, 0.0
        self.trouble = ""

    @property
    def pid(self) -> int | None:
        """The supervisor's process."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it. What keeps it from starting is in `trouble`, and it is tried again."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", supervisor.__file__],  # as a file: it needs none of this package
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            self._place.watched_by(self._process.pid)
            self.trouble = ""
        except OSError as error:
            self.trouble = f"there is no supervisor ({error.strerror or error}): a crash would end the music"
        orders = {"pid": os.getpid(), "command": engine_command(self._again), "in_a_row": self._in_a_row}
        self._say(json.dumps(orders))

    def look(self, turns: int) -> None:
        """Say that all is well if the planner has gone on, and start another supervisor if this one is gone."""
        now = time.monotonic()
        if now < self._next_sign:
            return
        self._next_sign = now + SIGN_EVERY
        if self._process is None or self._process.poll() is not None:
            self._let_go()
            self.start()
        if turns != self._turns:
            self._turns = turns
            self._say("-")

    def say_goodbye(self) -> None:
        """This process is about to end as it should; the supervisor stays until it has."""
        self._say(supervisor.BYE)

    def _say(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(line.encode() + b"\n")
                self._process.stdin.flush()

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.wait()
        self._process = None
