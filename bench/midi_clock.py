"""How steady a clock livecode sends, and how well it follows one, beside the loops that one would write, in one run.

    python bench/midi_clock.py [--seconds 30]

Sent: ticks at 121.3 bpm beside sixteenths, through RtMidi's JACK backend to a receiver in C on JACK's dummy server (48 kHz,
periods of 16 samples, 0.33 ms). The error is the time, in ms, from the straight line through all ticks to the tick: as stamped
when RtMidi had it (`midi/stamped`), and as stamped by the receiver, which sees a period at a time. Drift is that line's slope
beside the tempo, in ppm.

Followed: a master in C (`midi/master.c`) sends Start and ticks at 121.3 bpm, exactly or up to 2 and 5 ms too early or too late;
who follows plays a note on each beat. The error, in ms, is from the beat as the master meant it to the note's stamp, from the
third bar on; `lock` is the beat from which on no note was farther off than 5 ms.
"""

# ruff: noqa: T201

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "outputs"))
sys.path.insert(0, str(Path(__file__).parent / "midi"))

import figures
import jackd
import native
import numpy as np

PROGRAMS = Path(__file__).parent / "midi"
BPM = 121.3
PERIOD = 16
TICK, NOTE = 0xF8, 0x90
SETTLED = 8
"""Beats that are not counted: two bars."""

CLOSE = 0.005


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each plays")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        native.build(folder)
        stack.enter_context(jackd.server(PERIOD))
        stack.enter_context(native.stalls(folder, folder / "stood"))
        print(f"{seconds:g} s each; ms")
        print(f"sent{'':30}p50     p95     p99     max    drift   ticks")
        for player in ("livecode", "mido loop"):
            stamped, heard = sent(folder, player, seconds)
            print(f"  {player:12} as sent     {line(stamped)}", flush=True)
            print(f"  {player:12} as received {line(heard)}", flush=True)
        print(f"followed{'':26}p50     p95     p99     max     lock   notes")
        for jitter in (0.0, 0.002, 0.005):
            for player in ("livecode", "mido loop"):
                print(f"  {player:12} {1000 * jitter:g} ms jitter  {followed(folder, player, seconds, jitter)}", flush=True)
        lengths = [1000 * (until - since) for since, until in figures.stalls(folder / "stood")]
        print(f"{len(lengths)} stalls of the machine of more than 3 ms" + (f", {max(lengths):.1f} ms at most" if lengths else ""))


def run(folder: Path, player: str, doing: str, seconds: float) -> "subprocess.Popen[str]":
    """Have this one begin; what it sends is stamped."""
    stamps = folder / "stamps"
    stamps.mkdir(exist_ok=True)
    for old in stamps.iterdir():
        old.unlink()
    paths = filter(None, [str(PROGRAMS / "stamped"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(PROGRAMS / "clock_players.py"), player, doing, str(seconds), str(BPM)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "LIVECODE_BENCH_STAMPS": str(stamps)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def moments(folder: Path, status: int) -> figures.Floats:
    """When what has this status was sent, in order."""
    found = figures.stamps((folder / "stamps").iterdir())
    return np.array([float(seconds) for seconds, kind, *_ in found if (kind if kind >= 0xF0 else kind & 0xF0) == status])


def sent(folder: Path, player: str, seconds: float) -> tuple[figures.Floats, figures.Floats]:
    """Ticks as they were sent, and as they arrived."""
    with native.ear(folder, folder / "heard"), run(folder, player, "send", seconds) as process:
        process.communicate()
    heard = figures.stamps([folder / "heard"])
    return moments(folder, TICK), np.array([float(stamp["seconds"]) for stamp in heard if stamp["status"] == TICK])


def line(ticks: figures.Floats) -> str:
    """Errors from the straight line through all ticks, and its slope beside the tempo."""
    places = np.arange(len(ticks))
    slope, begin = np.polyfit(places, ticks, 1)
    off = 1000 * np.abs(ticks - (begin + slope * places))
    shares = [figures.share_of(off, share) for share in (0.5, 0.95, 0.99, 1)]
    drift = (slope * 24 * BPM / 60 - 1) * 1e6
    return "".join(f"{value:8.2f}" for value in shares) + f"{drift:6.1f} ppm{len(ticks):6}"


def followed(folder: Path, player: str, seconds: float, jitter: float) -> str:
    """Errors of notes on beats, as the master meant them."""
    command = [str(folder / "master"), str(folder / "due"), str(seconds), str(BPM), str(jitter)]
    with (
        native.ear(folder, folder / "heard"),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as master,
        run(folder, player, "follow", seconds) as process,
    ):
        assert master.stdin
        assert master.stdout
        assert process.stdout
        master.stdout.readline()
        process.stdout.readline()
        master.stdin.write("\n")
        master.stdin.flush()
        origin = float(master.stdout.readline())
        master.wait()
        process.communicate()
    beats = origin + np.arange(int(seconds * BPM / 60)) * 60 / BPM
    notes = moments(folder, NOTE)
    off = np.array([min(np.abs(notes - beat), default=np.inf) for beat in beats[:-1]])
    far = np.flatnonzero(off > CLOSE)
    shares = [1000 * figures.share_of(off[SETTLED:], share) for share in (0.5, 0.95, 0.99, 1)]
    lock = f"beat {far[-1] + 1 if len(far) else 0}" if not len(far) or far[-1] + 1 < len(off) else "never"
    return "".join(f"{value:8.2f}" for value in shares) + f"{lock:>9}{len(off) - SETTLED:6}"


if __name__ == "__main__":
    main()
