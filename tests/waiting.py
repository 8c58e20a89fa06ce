"""Waiting for something to become so, in tests with real threads and processes."""

import threading
import time
from collections.abc import Callable

PATIENCE = 60.0


def wait_until(so: Callable[[], bool], what: str = "it") -> None:
    """Return as soon as it is so; fail after a minute."""
    deadline = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not so():
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s for {what} in vain"
        pause.wait(0.01)
