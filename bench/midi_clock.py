"""How steady a clock livecode sends, and how well it follows one, beside the loops that one would write, in one run.

    python bench/midi_clock.py [--seconds 30]

Sent: ticks at 121.3 bpm beside sixteenths, through RtMidi's JACK backend to a receiver in C on JACK's dummy server (48 kHz,
periods of 16 samples, 0.33 ms). The error is the time, in ms, from the straight line through all ticks to the tick: as stamped
when RtMidi had it (`midi/stamped`), and as stamped by the receiver, which sees a period at a time. Drift is that line's slope
beside the tempo, in ppm. A sender in C (`midi/master.c`) does the same; what it sends is stamped by the receiver only. The
columns on the right leave out the ticks that were due while the machine stood still for more than 3 ms.

Followed: a master in C (`midi/master.c`) sends Start and ticks at 121.3 bpm, exactly or up to 2 and 5 ms too early or too late;
who follows plays a note on each beat. The error, in ms, is from the beat as the master meant it to the note's stamp, from the
third bar on; `lock` is the beat from which on no note was farther off than 5 ms.

The targets, without stalls: ticks sent with a p99 of 0.5 ms and 10 ppm of drift; followed at 5 ms of jitter with a p95 of 3 ms,
locked within two bars, at 40, 121.3 and 240 bpm.
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
import jack
import jackd
import native
import numpy as np
from workload import PORT

PROGRAMS = Path(__file__).parent / "midi"
BPM = 121.3
PERIOD = 16
TICK, NOTE = 0xF8, 0x90
SETTLED = 8
"""Beats that are not counted: two bars."""

CLOSE = 0.005

MOST_OFF, MOST_DRIFT, MOST_AWAY = 0.5, 10.0, 3.0
"""The targets: ms of ticks that are sent (p99), ppm, ms of notes that follow at 5 ms of jitter (p95)."""


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
        print(f"sent{'':30}p50     p95     p99     max    drift   ticks     p50     p95     p99     max")
        for player in ("livecode", "mido loop"):
            stamped, heard = sent(folder, player, seconds)
            stood = figures.stalls(folder / "stood")
            print(f"  {player:12} as sent     {line(stamped, stood)}{verdict(stamped, stood)}", flush=True)
            print(f"  {player:12} as received {line(heard, stood)}", flush=True)
        heard = sent_by_c(folder, seconds)
        print(f"  {'C':12} as received {line(heard, figures.stalls(folder / 'stood'))}", flush=True)
        print(f"followed{'':26}p50     p95     p99     max     lock   notes")
        for jitter in (0.0, 0.002, 0.005):
            for player in ("livecode", "mido loop"):
                print(f"  {player:12} {1000 * jitter:g} ms jitter  {followed(folder, player, seconds, jitter, BPM)}", flush=True)
        for bpm in (40.0, 240.0):
            print(f"  {'livecode':12} {bpm:3g} bpm, 5 {followed(folder, 'livecode', seconds, 0.005, bpm)}", flush=True)
        lengths = [1000 * (until - since) for since, until in figures.stalls(folder / "stood")]
        print(f"{len(lengths)} stalls of the machine of more than 3 ms" + (f", {max(lengths):.1f} ms at most" if lengths else ""))


def run(folder: Path, player: str, doing: str, seconds: float, bpm: float = BPM) -> "subprocess.Popen[str]":
    """Have this one begin; what it sends is stamped."""
    stamps = folder / "stamps"
    stamps.mkdir(exist_ok=True)
    for old in stamps.iterdir():
        old.unlink()
    paths = filter(None, [str(PROGRAMS / "stamped"), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, str(PROGRAMS / "clock_players.py"), player, doing, str(seconds), str(bpm)],
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


def sent_by_c(folder: Path, seconds: float) -> figures.Floats:
    """Ticks of the sender in C, as they arrived."""
    with native.ear(folder, folder / "heard"), master(folder, seconds, 0.0, BPM) as process:
        cables = jack.Client("cables", no_start_server=True)
        cables.connect("master:out", PORT)
        process.communicate("\n")
        cables.close()
    heard = figures.stamps([folder / "heard"])
    return np.array([float(stamp["seconds"]) for stamp in heard if stamp["status"] == TICK])


def master(folder: Path, seconds: float, jitter: float, bpm: float) -> "subprocess.Popen[str]":
    """The master in C, which waits for a line."""
    command = [str(folder / "master"), str(folder / "due"), str(seconds), str(bpm), str(jitter)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    return process


def errors(ticks: figures.Floats, stood: figures.Stalls) -> tuple[figures.Floats, figures.Floats, float]:
    """Errors in ms from the straight line through all ticks, of all and without stalls, and its slope beside the tempo in ppm."""
    places = np.arange(len(ticks))
    slope, begin = np.polyfit(places, ticks, 1)
    due = begin + slope * places
    off: figures.Floats = 1000 * np.abs(ticks - due)
    calm = np.array([not any(since <= moment <= until + figures.COMING_BACK for since, until in stood) for moment in due])
    return off, off[calm], (slope * 24 * BPM / 60 - 1) * 1e6


def line(ticks: figures.Floats, stood: figures.Stalls) -> str:
    off, calm, drift = errors(ticks, stood)
    every, steady = ("".join(f"{figures.share_of(each, share):8.2f}" for share in (0.5, 0.95, 0.99, 1)) for each in (off, calm))
    return f"{every}{drift:6.1f} ppm{len(ticks):6}{steady}"


def verdict(ticks: figures.Floats, stood: figures.Stalls) -> str:
    _, calm, drift = errors(ticks, stood)
    kept = figures.share_of(calm, 0.99) <= MOST_OFF and abs(drift) <= MOST_DRIFT
    return f"  targets {'kept' if kept else 'MISSED'}"


def followed(folder: Path, player: str, seconds: float, jitter: float, bpm: float) -> str:
    """Errors of notes on beats, as the master meant them, and whether the targets are kept."""
    with (
        native.ear(folder, folder / "heard"),
        master(folder, seconds, jitter, bpm) as ticking,
        run(folder, player, "follow", seconds, bpm) as process,
    ):
        assert ticking.stdin
        assert ticking.stdout
        assert process.stdout
        process.stdout.readline()
        ticking.stdin.write("\n")
        ticking.stdin.flush()
        origin = float(ticking.stdout.readline())
        ticking.wait()
        process.communicate()
    beats = origin + np.arange(int(seconds * bpm / 60)) * 60 / bpm
    notes = moments(folder, NOTE)
    off = np.array([min(np.abs(notes - beat), default=np.inf) for beat in beats[:-1]])
    far = np.flatnonzero(off > CLOSE)
    shares = [1000 * figures.share_of(off[SETTLED:], share) for share in (0.5, 0.95, 0.99, 1)]
    lock = f"beat {far[-1] + 1 if len(far) else 0}" if not len(far) or far[-1] + 1 < len(off) else "never"
    kept = shares[1] <= MOST_AWAY and lock != "never" and (not len(far) or far[-1] + 1 <= SETTLED)
    said = f"  targets {'kept' if kept else 'MISSED'}" if jitter == 0.005 else ""
    return "".join(f"{value:8.2f}" for value in shares) + f"{lock:>9}{len(off) - SETTLED:6}{said}"


if __name__ == "__main__":
    main()
