"""What the engine carries on a MIDI port, what it costs, and how soon it takes a command.

    python bench/midi_load.py [--seconds 15] [--notes 60]

Many notes: 16 parts, each on a channel of its own, play 2,048 notes a second for a minute of whole bars, into a receiver in C
that shares nothing with them (`midi/ear.c`, on JACK's dummy server, periods of 256 samples). The pitches of a part go up
through all 128 again and again, so that one that is missing is seen. `hang` are keys that are down at the end.

Cost: two parts in sixteenths at 120 bpm; resident memory, and the share of one core over all threads, of the process that
plays, JACK's own thread in it among them.

Commands: while these two parts play, a command every 10 to 30 ms (gain, mute, unmute, new notes); ms from the call until
it returns, which is when the engine has taken it. Once with nothing else to do, once while a worker generates drums all the time.
"""

# ruff: noqa: T201

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "outputs"))
sys.path.insert(0, str(Path(__file__).parent / "midi"))

import figures
import jackd
import native
import numpy as np
from generating import generating

LOAD = Path(__file__).parent / "midi" / "load.py"
PERIOD = 256
MOST_MEMORY, MOST_CORE, MOST_P99 = 150.0, 0.05, 5.0
"""The targets: MB, share of a core, ms."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="for how long cost and commands are measured")
    parser.add_argument("--notes", type=float, default=60.0, help="for how many seconds 2,048 notes a second are played")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, jackd.server(PERIOD):
        folder = Path(name)
        native.build(folder)
        for variant in ("process", "inline"):
            print("livecode, an engine process of its own" if variant == "process" else "livecode, inline")
            print_notes(folder, variant, chosen.notes)
            print_cost(folder, variant, chosen.seconds)
            print_commands(folder, variant, chosen.seconds)


def print_notes(folder: Path, variant: str, seconds: float) -> None:
    status = client(folder, "notes", variant, seconds)["status"]
    heard = figures.stamps([folder / "heard"])
    arrived, missing, gaps = figures.dense(heard)
    at = f" (after {', '.join(f'{gap:g}' for gap in gaps[:8])} s)" if gaps else ""
    print(f"  2,048 notes a second for {seconds:g} s: {arrived} heard, {missing} lost{at}, {figures.hanging(heard)} hang")
    print(f"    {status}", flush=True)


def print_cost(folder: Path, variant: str, seconds: float) -> None:
    found = client(folder, "cost", variant, seconds)
    print(f"  two parts: {found['megabytes']:.0f} MB{of(found['megabytes'], MOST_MEMORY, 'MB')}, ", end="")
    print(f"{100 * found['core']:.1f} % of a core{of(100 * found['core'], 100 * MOST_CORE, '%')}", flush=True)


def print_commands(folder: Path, variant: str, seconds: float) -> None:
    for condition in ("idle", "worker generating"):
        with generating() if condition == "worker generating" else contextlib.nullcontext():
            took = np.array(client(folder, "commands", variant, seconds)["took"])
        p50, p99, most = (figures.share_of(took, share) for share in (0.5, 0.99, 1))
        print(f"  command until taken, {condition}: p50 {p50:.2f}, p99 {p99:.2f}, max {most:.2f} ms", end="")
        print(f" ({len(took)} commands){of(p99, MOST_P99, 'ms')}", flush=True)


def client(folder: Path, what: str, variant: str, seconds: float) -> dict[str, Any]:
    """Run a stage in a process of its own, with the receiver beside it."""
    with native.ear(folder, folder / "heard"):
        said = subprocess.run([sys.executable, str(LOAD), what, variant, str(seconds)], capture_output=True, text=True)
    if said.returncode != 0:
        raise SystemExit(f"{what} failed:\n{said.stdout}{said.stderr}")
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found


def of(value: float, most: float, unit: str) -> str:
    return f" (target {most:g} {unit}: {'kept' if value <= most else 'MISSED'})"


if __name__ == "__main__":
    main()
