"""The process that a performer types in, for `midi_load.py`: `load.py WHAT inline|process SECONDS` prints what it found.

WHAT is notes, cost or commands; what it found is one line of JSON.
"""

# ruff: noqa: T201

import itertools
import json
import os
import random
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import stages
from workload import BPM, DENSE_BAR, DENSE_PARTS, DENSE_PITCHES, VOICES

import livecode as lc


def notes(stage: lc.Stage, seconds: float) -> dict[str, object]:
    """Many notes, for whole bars."""
    step = Fraction(4, DENSE_BAR)
    run = [lc.Note(place * step, step / 2, place % DENSE_PITCHES, 64) for place in range(DENSE_BAR)]
    stages.play_on(stage, [lc.Phrase(tuple(run), lc.Beats(4))] * DENSE_PARTS)
    time.sleep(seconds)
    stage.hush()
    stages.wait_for(lambda: all(part.doing == "stopped" for part in stage.snapshot().parts))
    time.sleep(1.0)
    return {"status": next(line for line in stage.status() if line.startswith("output"))}


def cost(stage: lc.Stage, seconds: float) -> dict[str, object]:
    """What two parts cost: share of one core, and memory in MB, of the process that plays."""
    stages.play_on(stage, [stages.sixteenths(voice) for voice in range(VOICES)])
    time.sleep(2.0)
    process = stages.engine_pid(stage)
    before, begun = cpu_seconds(process), time.monotonic()
    time.sleep(seconds)
    return {"core": (cpu_seconds(process) - before) / (time.monotonic() - begun), "megabytes": megabytes(process)}


def commands(stage: lc.Stage, seconds: float) -> dict[str, object]:
    """How long each command took, in ms, from the call until it returned: the engine has taken it. Two parts play meanwhile."""
    stages.play_on(stage, [stages.sixteenths(voice) for voice in range(VOICES)])
    time.sleep(2.0)
    part, phrase, chance = stage.part("voice0"), stages.sixteenths(0), random.Random(1)
    words: list[Callable[[], object]] = [
        lambda: part.set(gain=0.9),
        lambda: part.mute(),
        lambda: part.unmute(),
        lambda: part >> phrase,
    ]
    typed = itertools.cycle(words)
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.01, 0.03))
        command = next(typed)
        begun = time.monotonic()
        command()
        took.append(1000 * (time.monotonic() - begun))
    return {"took": took}


def cpu_seconds(process: int) -> float:
    """Of all its threads, since it began."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def megabytes(process: int) -> float:
    """Resident memory."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main(what: str, where: str, seconds: float) -> None:
    with stages.opened(inline=where == "inline", bpm=BPM) as stage:
        found = {"notes": notes, "cost": cost, "commands": commands}[what](stage, seconds)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
