"""How exactly FluidSynth's notes sound, measured in recorded audio.

    python bench/fluid_onsets.py [--notes 600] [--period 64]

JACK's server runs on its dummy driver. Notes, 83.37 ms apart and so at all phases of a millisecond and of a block, are
handed over 0.2 s ahead; a recorder beside FluidSynth hears them. Onsets are found in the samples; a sample becomes a moment
by the clock stamps of the recorder's periods. The table says, in ms, the error after the median is taken away, and the
median itself, which holds the sound's own attack (1.6 ms for the claves) and is the same for every note.

`steady` is the p99 of the notes with no loss in the tenth of a second before them: `lost` is what the dummy server lost in
xruns, `jumps` how often FluidSynth's mapping of time was moved after one; until then, 30 to 60 ms, notes are off by it.

Three conditions: idle; a Python process that only counts; a worker that generates all the time. Beside livecode stands what
one would write instead: a thread that sleeps until each note is due and calls pyfluidsynth's `noteon`.
"""

# ruff: noqa: T201

import argparse
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import fluidsynth
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "outputs"))

import jackd

from livecode.clock import SystemClock
from livecode.music import NoteEvent
from livecode.outputs import soundfonts
from livecode.outputs.fluid import FluidOutput

CLAVES = 75
DRUMS = 9
SPACING = Fraction("0.08337")
AHEAD = 0.2
BUSY = "print('begun', flush=True)\nwhile True: pass"
GENERATING = """
import livecode as lc
with lc.Stage(offline=True) as stage:
    stage.part("drums") >> lc.drums_rnn(bars=2)
    stage.run(bars=2)
    print("begun", flush=True)
    stage.run(bars=1_000_000)
"""
CONDITIONS = {"idle": None, "busy": BUSY, "generating": GENERATING}


@dataclass(frozen=True)
class Player:
    """Somebody who plays: the JACK client to record, and livecode's output if it is that."""

    client: str
    play: Callable[[list[NoteEvent]], None]
    output: FluidOutput | None


@dataclass(frozen=True)
class Take:
    """Errors of the onsets in ms; which notes had no loss just before them; the output with its counters; ms lost."""

    errors: np.ndarray
    steady: np.ndarray
    output: FluidOutput | None
    lost: float

    def figures(self) -> str:
        median = float(np.median(self.errors))
        off = np.abs(self.errors - median)
        spread = [*np.percentile(off, [50, 95, 99, 100]), np.percentile(off[self.steady], 99), median]
        output = self.output
        counts = (output.late, output.dropped, output.jumps) if output else ("", "", "")
        return "".join(f"{value:9.2f}" for value in spread) + "".join(f"{count:9}" for count in counts) + f"{self.lost:9.2f}"


@contextlib.contextmanager
def by_livecode() -> Iterator[Player]:
    """Hands the notes over 0.2 s ahead, as the planner does."""
    output, pause = FluidOutput(SystemClock(), driver="jack", reverb=False, chorus=False), threading.Event()

    def play(notes: list[NoteEvent]) -> None:
        waiting = list(notes)
        while time.monotonic() < notes[-1].end_seconds + 0.5:
            horizon = time.monotonic() + AHEAD
            due = [note for note in waiting if note.seconds < horizon]
            del waiting[: len(due)]
            output.schedule(due)
            pause.wait(0.03)

    output.open()
    yield Player("livecode", play, output)
    output.close()


@contextlib.contextmanager
def by_hand() -> Iterator[Player]:
    """Sleeps until each note is due, and strikes it: the loop that one would write."""
    synth = fluidsynth.Synth(samplerate=jackd.SAMPLE_RATE, gain=0.5)
    for setting, value in {"reverb.active": 0, "chorus.active": 0}.items():
        synth.setting(f"synth.{setting}", value)
    for setting, value in {"driver": "jack", "jack.id": "by-hand", "jack.autoconnect": 1}.items():
        synth.setting(f"audio.{setting}", value)

    def play(notes: list[NoteEvent]) -> None:
        for note in notes:
            time.sleep(max(0.0, note.seconds - time.monotonic()))
            synth.noteon(DRUMS, note.pitch, note.velocity)
        time.sleep(0.5)

    synth.program_select(DRUMS, synth.sfload(str(soundfonts.find())), 128, 0)
    synth.audio_driver = fluidsynth.new_fluid_audio_driver(synth.settings, synth.synth)
    yield Player("by-hand", play, None)
    synth.delete()


def a_take(player: Player, notes: int, period: int) -> Take:
    """Play and record."""
    seconds = float(notes * SPACING)
    with jackd.Recorder(player.client, seconds + 4, period) as recorder:
        begin = time.monotonic() + 1.0
        events = [a_note(index * SPACING, begin) for index in range(notes)]
        player.play(events)
    asked = np.array([note.seconds for note in events])
    heard = recorder.seconds_at(np.array(jackd.onsets(recorder.audio)))
    if len(heard) != notes:
        raise SystemExit(f"{len(heard)} of {notes} notes were found in the recording.")
    # From the recorder's period to the loudspeaker.
    latency = player.output.latency - (period - 64) / jackd.SAMPLE_RATE if player.output else 0.0
    losses = recorder.losses()
    steady = np.array([not any(0 <= moment - when < 0.1 for when, _ in losses) for moment in asked])
    return Take((heard + latency - asked) * 1000, steady, player.output, sum(size for _, size in losses) * 1000)


def a_note(second: Fraction, begin: float) -> NoteEvent:
    end = second + Fraction(1, 20)
    return NoteEvent("claves", second, begin + float(second), DRUMS, CLAVES, 110, end, begin + float(end))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--notes", type=int, default=600)
    parser.add_argument("--period", type=int, default=64)
    chosen = parser.parse_args()
    print(f"{chosen.notes} notes, {float(SPACING) * 1000:.2f} ms apart, period of {chosen.period} samples; errors in ms")
    columns = ("p50", "p95", "p99", "max", "steady", "median", "late", "dropped", "jumps", "lost")
    print(f"{'':28}" + "".join(f"{column:>9}" for column in columns))
    with jackd.server(chosen.period):
        for condition, load in CONDITIONS.items():
            for label, who in (("livecode", by_livecode), ("sleep and noteon", by_hand)):
                with beside(load), who() as player:
                    take = a_take(player, chosen.notes, chosen.period)
                print(f"{condition + ', ' + label:28}{take.figures()}", flush=True)


@contextlib.contextmanager
def beside(load: str | None) -> Iterator[None]:
    """Run this Python in a process of its own until the block ends, from when it says that it has begun."""
    if load is None:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", load], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    main()
