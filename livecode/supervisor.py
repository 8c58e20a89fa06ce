"""Watches one engine: if it crashes or hangs, starts the next one, which goes on from the journal. Standard library only.

It is the engine's child, and hears it on standard input: first a line of JSON that says which process it is, what to start
after a crash and how many crashes there were; then a line for every sign of life; "bye" when all is well. The pipe's end
without that is a crash, however it came about. The next engine starts a supervisor of its own.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

HANGS = 10.0
"""An engine without a sign of life for so many seconds is ended, and started again."""

BYE = "bye"
STEADY = 60.0
"""An engine that lived so many seconds crashed for the first time."""


def watch() -> None:
    """Wait for the end of the engine; after a crash, start the next one."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)
    orders = json.loads(sys.stdin.readline())
    began = time.monotonic()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    crashed = _crashed(lines, orders["pid"])
    if crashed is not None:
        crashes = 1 if time.monotonic() - began > STEADY else orders["crashes"]
        time.sleep(min(30.0, 2.0 ** (crashes - 3)) if crashes >= 3 else 0.0)  # never spin, but be quick at first
        _start([*orders["command"], str(crashed)])


def _crashed(lines: "queue.SimpleQueue[str]", pid: int) -> float | None:
    """Wait until the engine is gone. Returns when it was last alive; None if it said goodbye. One that hangs is killed."""
    silent, goodbye, alive = 0, False, time.monotonic()
    while (line := _next(lines)) != "":
        goodbye = goodbye or line == BYE
        silent = silent + 1 if line is None else 0
        alive = alive if silent else time.monotonic()
        if silent == 2:  # one silence may be a machine that slept
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    if goodbye:
        return None
    return alive if silent else time.monotonic()


def _listen(lines: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line.strip() or "-")
    lines.put("")


def _next(lines: "queue.SimpleQueue[str]") -> str | None:
    """A line, "" for the end, None for silence."""
    try:
        return lines.get(timeout=HANGS / 2)
    except queue.Empty:
        return None


def _start(command: list[str]) -> None:
    subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


if __name__ == "__main__":
    watch()
