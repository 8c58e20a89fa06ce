"""How exactly FluidSynth's notes sound, measured in recorded audio.

    python bench/fluid_onsets.py [--notes 600] [--period 64] [--load COMMAND]

JACK's server runs on its dummy driver. Notes, 83.37 ms apart and so at all phases of a millisecond and of a block, are
handed over 0.2 s ahead; a recorder beside FluidSynth hears them. Onsets are found in the samples; a sample becomes a moment
by the clock stamps of the recorder's periods. The table says, in ms, the error after the median is taken away, and the
median itself, which holds the sound's own attack (1.6 ms for the claves) and is the same for every note.

`lost` is what the dummy server lost in xruns (and by drift), `jumps` how often FluidSynth's mapping of time was moved by
more than 1 ms after one: until then, 30 to 60 ms, notes are off by what was lost, as they would be on a card.

`--load` is a command that runs beside it, split at blanks; the default is a Python process that only counts.
"""

# ruff: noqa: T201

import argparse
import shlex
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "outputs"))

import jackd

from livecode.clock import SystemClock
from livecode.music import NoteEvent
from livecode.outputs.fluid import FluidOutput

CLAVES = 75
DRUMS = 9
SPACING = Fraction("0.08337")
AHEAD = 0.2
BUSY = f"{sys.executable} -c while(True):pass"


def a_take(notes: int, period: int) -> tuple[np.ndarray, FluidOutput, float]:
    """Play and record; returns the errors of the onsets in ms, and the output with its counters, ms lost."""
    clock, pause = SystemClock(), threading.Event()
    output = FluidOutput(clock, driver="jack", reverb=False, chorus=False)
    output.open()
    seconds = float(notes * SPACING)
    with jackd.Recorder("livecode", seconds + 4, period) as recorder:
        begin = clock.now() + 1.0
        waiting = [a_note(index * SPACING, begin) for index in range(notes)]
        asked = np.array([note.seconds for note in waiting])
        while clock.now() < begin + seconds + 0.5:
            horizon = clock.now() + AHEAD
            due = [note for note in waiting if note.seconds < horizon]
            del waiting[: len(due)]
            output.schedule(due)
            pause.wait(0.03)
    output.close()
    heard = recorder.seconds_at(np.array(jackd.onsets(recorder.audio)))
    if len(heard) != notes:
        raise SystemExit(f"{len(heard)} of {notes} notes were found in the recording.")
    latency = output.latency - (period - 64) / jackd.SAMPLE_RATE  # from the recorder's period to the loudspeaker
    return (heard + latency - asked) * 1000, output, recorder.lost() * 1000


def a_note(second: Fraction, begin: float) -> NoteEvent:
    end = second + Fraction(1, 20)
    return NoteEvent("claves", second, begin + float(second), DRUMS, CLAVES, 110, end, begin + float(end))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=int, default=600)
    parser.add_argument("--period", type=int, default=64)
    parser.add_argument("--load", default=BUSY)
    chosen = parser.parse_args()
    print(f"{chosen.notes} notes, {float(SPACING) * 1000:.2f} ms apart, period of {chosen.period} samples; ms")
    print(f"{'':8}{'p50':>7}{'p95':>7}{'p99':>7}{'max':>7}{'median':>9}{'late':>6}{'dropped':>9}{'jumps':>7}{'lost':>8}")
    with jackd.server(chosen.period):
        for label in ("idle", "busy"):
            load = subprocess.Popen(shlex.split(chosen.load)) if label == "busy" else None
            try:
                errors, output, lost = a_take(chosen.notes, chosen.period)
            finally:
                if load is not None:
                    load.kill()
                    load.wait()
            median = float(np.median(errors))
            spread = np.percentile(np.abs(errors - median), [50, 95, 99, 100])
            figures = "".join(f"{value:7.2f}" for value in spread)
            print(f"{label:8}{figures}{median:9.2f}{output.late:6}{output.dropped:9}{output.jumps:7}{lost:8.2f}")


if __name__ == "__main__":
    main()
