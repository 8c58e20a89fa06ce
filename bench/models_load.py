"""What the models carry in real time: sixteen parts at 140 bpm, each of which wants a new bar every bar.

    python bench/models_load.py [--bars 200] [--parts 16] [--bpm 140]

Half of the parts play drum_kit, half attention_rnn, both compiled, a bar at a time, on an engine process that plays to the tape.
A bar is late if no answer was there for it, so that the part repeated the last one. Times are from asking to having, as the
journal tells them, waiting for other parts' answers included: p50, p95 and longest, in ms. CPU is the share of one core, over
the whole run, of the engine and of its workers; memory is resident, in MB.
"""

# ruff: noqa: T201

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import psutil

import livecode as lc
from livecode.facts import Answered, Fact
from livecode.journal import read

BAR = 4
SETTLED = 4
"""So many bars after all parts have had their first answer, the count begins."""

BEAT = lc.beat(kick="x...x...x...x...", snare="....x.......x...", hat="x.x.x.x.x.x.x.x.")
TUNE = lc.notes("C4 E4 G4 E4 A4 G4 E4 D4", dur="1/2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=int, default=200, help="how many bars are counted")
    parser.add_argument("--parts", type=int, default=16)
    parser.add_argument("--bpm", type=int, default=140)
    chosen = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {chosen.parts} parts, {chosen.bars} bars at {chosen.bpm} bpm")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        begin = perform(chosen.parts, chosen.bars, chosen.bpm)
        facts = read(next(Path(folder).rglob("*.jsonl"))).facts
    count(facts, chosen.parts, begin, chosen.bars, chosen.bpm)


def perform(parts: int, bars: int, bpm: int) -> int:
    """Play, print what it costs, and return the bar from which on it counts."""
    with lc.Stage(bpm=bpm, name="bench", seed=1, inline=False, outputs=[]) as stage:
        for number in range(parts):
            part = stage.part(f"part{number}")
            part >> (TUNE if number % 2 else BEAT)
            part >> (lc.melody_rnn(bars=1) if number % 2 else lc.drums_rnn(bars=1))
        wait_for(lambda: all(len(part.takes) > 1 for part in stage.parts.values()))
        begin = stage.snapshot().bar + SETTLED
        wait_for(lambda: stage.snapshot().bar >= begin)
        assert stage.engine is not None
        engine = psutil.Process(stage.engine.pid)
        workers = [child for child in engine.children() if any("models.worker" in word for word in child.cmdline())]
        before, begun = [cpu(process) for process in (engine, *workers)], time.monotonic()
        wait_for(lambda: stage.snapshot().bar >= begin + bars)
        took = time.monotonic() - begun
        for process, earlier in zip((engine, *workers), before, strict=True):
            name = "engine" if process is engine else "worker"
            memory = process.memory_info().rss / 2**20
            print(f"{name}: {100 * (cpu(process) - earlier) / took:.1f} % of a core, {memory:.0f} MB")
        for line in stage.status():
            if line.startswith("model"):
                print(line)
    return begin


def count(facts: tuple[Fact, ...], parts: int, begin: int, bars: int, bpm: int) -> None:
    """Print how many bars were late, and how long answers took."""
    counted = range(BAR * (begin - 1), BAR * (begin - 1 + bars), BAR)
    answers = [fact for fact in facts if isinstance(fact, Answered)]
    entered = {(answer.part, answer.at) for answer in answers}
    late = sum((f"part{number}", Fraction(beat)) not in entered for number in range(parts) for beat in counted)
    print(f"late bars: {late} of {parts * bars}")
    for name, odd in (("drum_kit", 0), ("attention_rnn", 1)):
        took = sorted(
            float(answer.now - answer.asked) * 60_000 / bpm
            for answer in answers
            if answer.at in counted and int(answer.part.removeprefix("part")) % 2 == odd
        )
        if took:
            p50, p95 = (took[int(share * (len(took) - 1))] for share in (0.5, 0.95))
            print(f"{name}, from asking to having: p50 {p50:.0f}, p95 {p95:.0f}, longest {took[-1]:.0f} ms ({len(took)} answers)")


def cpu(process: psutil.Process) -> float:
    """Seconds since it began, over all its threads."""
    times = process.cpu_times()
    return float(times.user + times.system)


def wait_for(so: Callable[[], bool]) -> None:
    """Look ten times a second: the stage plays in another process."""
    while not so():
        time.sleep(0.1)


if __name__ == "__main__":
    main()
