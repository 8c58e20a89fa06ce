"""livecode's stages as the benchmarks open them: one MIDI port on JACK, no synthesizer."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from workload import BPM, PORT, STEP, STEPS, pitch

import livecode as lc

T = TypeVar("T")
STEP_BEATS = Fraction(STEP) * BPM / 60


@contextlib.contextmanager
def opened(*, inline: bool, bpm: float) -> Iterator[lc.Stage]:
    """A stage that plays to the receiver, in this process or from an engine of its own, which is gone afterwards."""
    named = {} if inline else {"name": f"bench{os.getpid()}"}
    with lc.Stage(bpm=bpm, inline=inline, outputs=[], **named) as stage:  # type: ignore[arg-type]
        stage.midi(PORT, api="jack")
        engine = engine_pid(stage)
        yield stage
    if engine != os.getpid():
        wait_for(lambda: not runs(engine))


def engine_pid(stage: lc.Stage) -> int:
    """The process that plays."""
    return getattr(getattr(stage, "engine", None), "pid", None) or os.getpid()


def runs(process: int) -> bool:
    """Whether it is there, and not only waits to be buried by its parent."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def sixteenths(voice: int) -> lc.Phrase:
    """One voice of the workload."""
    return lc.Phrase(
        tuple(lc.Note(step * STEP_BEATS, STEP_BEATS / 2, pitch(voice, step), 64) for step in range(STEPS)), STEPS * STEP_BEATS
    )


def play_on(stage: lc.Stage, phrases: Sequence[lc.Phrase]) -> None:
    """Each on a part and a channel of its own, together from beat 0."""
    parts = [stage.part(f"voice{place}", channel=place + 1) for place in range(len(phrases))]
    for part in parts:
        part.output = PORT
    for part, phrase in zip(parts, phrases, strict=True):
        part >> phrase


def wait_for(something: Callable[[], T]) -> T:
    """What it returns, as soon as that is true or not empty."""
    deadline = time.monotonic() + 10
    while not (found := something()):
        if time.monotonic() > deadline:
            raise SystemExit("The stage did not do what it was told within 10 s.")
        time.sleep(0.02)
    return found
