"""How exactly note-ons leave: livecode, its peers and a sender in C, playing the same, in the same conditions, in one run.

    python bench/midi_timing.py [--seconds 12] [--rounds 1] [--players livecode C ...]

Sixteenths at 120 bpm on two voices go through RtMidi's JACK backend to a receiver on JACK's dummy server (48 kHz, periods of
32 samples). Every player in Python sends through python-rtmidi; a subclass of its port writes down the monotonic clock after
each note-on (`midi/stamped`), and the sender in C (`midi/control.c`) its own. The error is the time, in ms, from when a note
was due to that moment, after the median is taken away; `median` is what was taken away. A note that never left is late for
ever (`inf`).

livecode plays from an engine process of its own, with and without real-time priority, and inline. Beside it: isobar (in an
environment of its own, made with pip in the user's cache), the player of Magenta's midi_hub, a loop that sleeps until each
note and sends it with mido, and the sender in C, which sleeps with clock_nanosleep, with SCHED_FIFO and without.

Machines have better and worse minutes: with more rounds than one the players take turns, and each plays as often as that.

Each plays in the process that a performer would type in (livecode's engine and C in one of their own beside it), in four
conditions: the prompt idle; the same while a worker generates drums all the time; the prompt busy with bursts of pure Python
(0.2 s, then 0.05 s of rest); the prompt sorting two million numbers again and again, which keeps Python's lock for about a
second at a time.

`lost` are notes that were due and did not arrive at the receiver, `hang` keys that are down at the end (isobar's `stop` lifts
all keys before it stops its clock). Virtual machines stand still now and then: a watcher on each processor (`midi/stalls.c`),
with the highest priority, writes down when it wakes up more than 3 ms late. The columns on the right leave out the notes that
were due in such a moment, `out` of them, whoever played.

The target, for the p99: with real-time priority 0.3 ms, or twice that of C in the same condition, whichever is more; without,
twice that of C without, and 0.5 ms.
"""

# ruff: noqa: T201

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "outputs"))
sys.path.insert(0, str(Path(__file__).parent / "midi"))

import figures
import isobar_home
import jackd
import native
import numpy as np
from generating import generating

PROGRAMS = Path(__file__).parent / "midi"
PERIOD = 32
PATIENCE = 120.0
"""Seconds that a player may take beside those it plays."""

OURS, OURS_PLAIN, CONTROL, CONTROL_PLAIN = "livecode", "livecode, no priority", "C", "C, no priority"
PLAYERS = (OURS, OURS_PLAIN, "livecode, inline", "isobar", "midi_hub", "sleep and send", CONTROL, CONTROL_PLAIN)
CONDITIONS = {"idle": "idle", "worker generating": "idle", "prompt in bursts": "bursts", "prompt sorting": "sorting"}
"""What they are called, and what the prompt does in them."""

COLUMNS = ("p50", "p95", "p99", "max", "median", "lost", "hang", "p50", "p95", "p99", "max", "out")
WIDTHS = [5 if column in ("lost", "hang", "out") else 9 for column in COLUMNS]


@dataclass(frozen=True)
class Bench:
    """Where the programs are and what they write down goes, and for how long each plays."""

    folder: Path
    seconds: float

    def measure(self, player: str, doing: str) -> figures.Round:
        """Have this one play, in a process of its own."""
        stamps, heard = self.folder / "stamps", self.folder / "heard"
        stamps.mkdir(exist_ok=True)
        for old in stamps.iterdir():
            old.unlink()
        with native.ear(self.folder, heard):
            command, environment = self._command(player, doing), self._environment(stamps)
            said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=self.seconds + PATIENCE)
        if said.returncode != 0:
            raise SystemExit(f"{player} failed:\n{said.stdout}{said.stderr}")
        window = figures.Window(**json.loads(said.stdout.splitlines()[-1]))
        stood = figures.stalls(self.folder / "stood")
        return figures.a_round(window, figures.stamps(stamps.iterdir()), figures.stamps([heard]), stood)

    def _command(self, player: str, doing: str) -> list[str]:
        python = isobar_home.python() if player == "isobar" else sys.executable
        without = [python, str(PROGRAMS / "without_priority.py")] if player == OURS_PLAIN else []
        name = OURS if player == OURS_PLAIN else player
        return [*without, python, str(PROGRAMS / "play.py"), name, doing, str(self.seconds)]

    def _environment(self, stamps: Path) -> dict[str, str]:
        paths = [str(PROGRAMS / "stamped"), os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "LIVECODE_BENCH_STAMPS": str(stamps),
            "LIVECODE_BENCH_CONTROL": str(self.folder / "control"),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=12.0, help="how long each plays in each condition")
    parser.add_argument("--rounds", type=int, default=1, help="how often they take turns in each condition")
    parser.add_argument("--players", nargs="+", choices=PLAYERS, default=PLAYERS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        native.build(folder)
        stack.enter_context(jackd.server(PERIOD))
        watcher = stack.enter_context(native.stalls(folder, folder / "stood"))
        print_heading(chosen.seconds, chosen.rounds, watcher)
        players = [player for player in chosen.players if plays(player, realtime=watcher)]
        for condition, doing in CONDITIONS.items():
            print(condition)
            with generating() if condition == "worker generating" else contextlib.nullcontext():
                cells = measured(Bench(folder, chosen.seconds), players, doing, chosen.rounds)
            for player, cell in cells.items():
                print(f"  {player:22}{row(cell)}")
            print_targets(cells)
        print_stalls(figures.stalls(folder / "stood"))


def plays(player: str, *, realtime: bool) -> bool:
    """Whether it has a row: where nobody gets real-time priority, with it and without are the same."""
    return realtime or player not in (OURS_PLAIN, CONTROL)


def measured(bench: Bench, players: list[str], doing: str, rounds: int) -> dict[str, figures.Cell]:
    """One after the other, and again."""
    played: dict[str, list[figures.Round]] = {player: [] for player in players}
    for _ in range(rounds):
        for player in players:
            played[player].append(bench.measure(player, doing))
    return {player: figures.Cell.of(each) for player, each in played.items()}


def print_heading(seconds: float, rounds: int, realtime: bool) -> None:
    times = f" {rounds} times" if rounds > 1 else ""
    print(f"{seconds:g} s each{times}; errors of note-ons in ms; real-time priority is {'' if realtime else 'not '}permitted")
    if not realtime:
        print("(so the watcher may take other processes for stalls)")
    print(f"{'':24}{'  all notes':<56}  without stalls of more than 3 ms")
    print(f"{'':24}" + "".join(f"{column:>{width}}" for column, width in zip(COLUMNS, WIDTHS, strict=True)))


def print_stalls(stood: figures.Stalls) -> None:
    lengths = np.array([1000 * (until - since) for since, until in stood])
    said = f", {np.median(lengths):.1f} ms at the median, {lengths.max():.1f} ms at most" if len(lengths) else ""
    print(f"{len(lengths)} stalls{said}")


def row(cell: figures.Cell) -> str:
    values = (*cell.all.errors(), cell.all.median, cell.lost, cell.hanging, *cell.steady.errors(), cell.stalled)
    return "".join(
        f"{value:{width}.2f}" if isinstance(value, float) else f"{value:{width}}"
        for value, width in zip(values, WIDTHS, strict=True)
    )


def print_targets(cells: Mapping[str, figures.Cell]) -> None:
    """Whether livecode's p99 is within what the sender in C allows, with all notes and without those in stalls."""
    for ours, control in ((OURS, CONTROL if CONTROL in cells else CONTROL_PLAIN), (OURS_PLAIN, CONTROL_PLAIN)):
        if ours in cells and control in cells:
            mine, theirs = cells[ours], cells[control]
            everything, calm = verdict(mine.all, control, theirs.all), verdict(mine.steady, control, theirs.steady)
            print(f"  p99 of {ours}: {everything}; without stalls {calm}", flush=True)


def verdict(mine: figures.Spread, control: str, theirs: figures.Spread) -> str:
    target = max(0.3, 2 * theirs.p99) if control == CONTROL else 2 * theirs.p99 + 0.5
    return f"{mine.p99:.2f} ms, target {target:.2f} {'kept' if mine.p99 <= target else 'MISSED'}"


if __name__ == "__main__":
    main()
