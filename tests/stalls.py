"""Whether the machine stood still: a process that does nothing but look at the clock says when it was kept from doing so.

What plays in real time cannot be judged on a machine that takes the processors away. A test that fails meanwhile is run again;
one that fails without that, or four times, has failed.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK = 0.005
LONG = 0.02
"""Seconds: between two looks at the clock, and how much longer than that is a stall."""


class MachineStoodStill(Exception):
    """A test has failed while the machine stood still: it says nothing."""


class Watch:
    """Watches until it is closed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name, "stalls")
        self._process = subprocess.Popen([sys.executable, "-S", __file__, self._path], stdin=subprocess.PIPE)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()

    @property
    def watching(self) -> bool:
        """Whether it has begun."""
        return self._path.exists()

    def stalls(self, since: float) -> list[float]:
        """How long (s) each stall was that ended since then (monotonic clock)."""
        if not self.watching:
            return []
        lines = (line.split() for line in self._path.read_text().splitlines())
        return [float(lasted) for ended, lasted in lines if float(ended) > since]

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Raise MachineStoodStill for what fails within while the machine stood still."""
        begun = time.monotonic()
        try:
            yield
        except Exception as error:
            if stalls := self.stalls(begun):
                worst = 1000 * max(stalls)
                raise MachineStoodStill(f"{len(stalls)} times meanwhile, for {worst:.0f} ms at worst") from error
            raise


def _look(path: str) -> None:
    import select

    last = time.monotonic()
    with open(path, "a", buffering=1) as out:
        while not select.select([sys.stdin], [], [], LOOK)[0]:
            now = time.monotonic()
            if now - last > LOOK + LONG:
                out.write(f"{now} {now - last - LOOK}\n")
            last = now


if __name__ == "__main__":
    _look(sys.argv[1])
