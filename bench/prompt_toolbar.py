"""What the line under the prompt costs: CPU time of an idle `livecode` prompt while music plays, with the line and without it.

    python bench/prompt_toolbar.py

Each figure is of 20 s: the prompt's process and the engine's, as shares of a core. Without the line (%unload_ext livecode)
nobody asks the engine how it is. The terminal is one that answers where the cursor is and otherwise swallows what it is sent.
"""

# ruff: noqa: T201

import contextlib
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import psutil

SECONDS = 20.0
PROMPT = r"\]: "
SET = (
    'drums >> beat(kick="x...x...", hat="x.x.x.x.")',
    'lead >> notes("C4 E4 G4 .")',
    "print('engine', stage.engine.pid, 'runs')",
)


class Cursor:
    """Answers where the cursor is, as a terminal does."""

    def __init__(self, child: pexpect.spawn) -> None:
        self._child = child

    def write(self, said: str) -> None:
        """What the child wrote."""
        for _ in range(said.count("\x1b[6n")):
            self._child.send("\x1b[1;1R")

    def flush(self) -> None:
        """Nothing is kept."""


def share(child: pexpect.spawn, engine: int) -> str:
    """What both processes need of a core over 20 s, in per cent; the terminal is read meanwhile."""
    processes = [psutil.Process(child.pid), psutil.Process(engine)]
    before, begun = [process.cpu_times() for process in processes], time.monotonic()
    while time.monotonic() - begun < SECONDS:
        with contextlib.suppress(pexpect.TIMEOUT):
            child.read_nonblocking(100_000, 0.2)
    passed = time.monotonic() - begun
    now = [process.cpu_times() for process in processes]
    used = [(new.user + new.system - old.user - old.system) / passed for new, old in zip(now, before, strict=True)]
    return f"prompt {100 * used[0]:5.2f} %   engine {100 * used[1]:5.2f} %"


def measure(bpm: int, folder: str) -> None:
    """Two rows: with the line, and without it."""
    around = os.environ | dict.fromkeys(("HOME", "IPYTHONDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"), folder)
    around |= {"TERM": "xterm-256color", "JACK_DEFAULT_SERVER": "livecode-nobody-runs-this"}
    livecode = str(Path(sys.executable).with_name("livecode"))
    child = pexpect.spawn(livecode, ["--bpm", str(bpm)], env=around, encoding="utf-8", timeout=60, dimensions=(50, 160))
    child.logfile_read = Cursor(child)
    child.expect("waits for notes")
    for line in SET:
        child.sendline(line)
        child.expect(PROMPT)
    child.expect(r"engine (\d+) runs")
    engine = int(re.sub(r"\D", "", child.match[1]))
    print(f"{bpm:4} bpm, with the line     {share(child, engine)}", flush=True)
    child.sendline("%unload_ext livecode")
    time.sleep(1)
    print(f"{bpm:4} bpm, without it        {share(child, engine)}", flush=True)
    child.sendline("stage.shut_down()")
    child.sendline("exit")
    child.expect(pexpect.EOF)


def main() -> None:
    """The whole table."""
    for bpm in (60, 120, 180, 300):
        with tempfile.TemporaryDirectory() as folder:
            measure(bpm, folder)


if __name__ == "__main__":
    main()
