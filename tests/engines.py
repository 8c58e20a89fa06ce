"""Engines in processes of their own, and clients that come to grief: what the tests of faults are made of."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from waiting import wait_until

import livecode as lc
from livecode.places import Place


@contextlib.contextmanager
def client(code: str, *, then: str = "ready") -> Iterator["subprocess.Popen[str]"]:
    """Another Python that runs this code, which prints `then` when it is where it should be; killed at the end."""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = next((line for line in process.stdout if line.strip() == then), "")
        assert said, f"the client never came to {then!r}"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def ended(name: str) -> Iterator[None]:
    """Whatever happens inside, no engine of this name runs afterwards."""
    try:
        yield
    finally:
        with contextlib.suppress(lc.UnknownName):
            lc.Stage.attach(name).shut_down()


def gone(name: str) -> bool:
    """Whether no process holds the place of this engine."""
    return not Place.of(name).held()


def kill(pid: int | None) -> None:
    """As the system does when memory runs out: at once, without a word."""
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def plays_on(stage: lc.Stage, part: str = "lead") -> None:
    """Wait until two bars have gone by; every beat of them has its note of this part."""
    here = stage.snapshot().beats
    wait_until(lambda: stage.snapshot().beats > here + 8, "two bars")
    onsets = [beat for beat, _ in stage.tape.onsets(part) if here < beat < here + 8]
    assert onsets == [float(int(here) + 1 + place) for place in range(len(onsets))]
    assert len(onsets) >= 7


def comes_back(stage: lc.Stage, crash: Fraction, part: str = "lead") -> None:
    """Wait until the part plays again after a crash later than that beat; it must from a bar line on, and play on."""

    def gaps() -> list[float]:
        onsets = [0.0, *(beat for beat, _ in stage.tape.onsets(part))]
        return [later for earlier, later in pairwise(onsets) if later > max(earlier + 1, crash)]

    wait_until(lambda: bool(gaps()), "the music after a gap")
    back = gaps()[0]
    assert back % 4 == 0
    wait_until(lambda: stage.snapshot().beats >= back, "the bar")
    plays_on(stage, part)
