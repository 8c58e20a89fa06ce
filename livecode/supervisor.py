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
"""An engine that lived so many seconds had come up well: a crash after that is the first in a row."""

GIVES_UP = 10
"""So many crashes in a row, and it is left alone."""


def watch() -> None:
    """Wait for the end of the engine; after a crash, start the next one, until one is up."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)
    orders = json.loads(sys.stdin.readline())
    began = time.monotonic()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    crashed = _crashed(lines, orders["pid"])
    if crashed is None:
        return
    in_a_row = 1 if time.monotonic() - began > STEADY else orders["in_a_row"] + 1
    while in_a_row <= GIVES_UP:
        time.sleep(min(16.0, 2.0 ** (in_a_row - 3)) if in_a_row >= 3 else 0.0)  # never spin, but be quick at first
        if _is_up([*orders["command"], str(crashed), str(in_a_row)]):
            return
        in_a_row += 1


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


def _is_up(command: list[str]) -> bool:
    """Start an engine; whether it says that it plays. From then on it has a supervisor of its own."""
    engine = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert engine.stdout is not None
    with engine.stdout:
        said = engine.stdout.readline()
    return b'"Welcome"' in said


if __name__ == "__main__":
    watch()
