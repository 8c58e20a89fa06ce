"""Something to play with and to listen by: FluidSynth on JACK, recorded, and notes written by steps of a tenth of a second.

A step is a beat, at 600 beats a minute.
"""

import threading
import time
from collections.abc import Callable, Iterable
from fractions import Fraction

import jackd
import numpy as np

from livecode.clock import SystemClock
from livecode.music import Beats, ControlEvent, NoteEvent, ProgramEvent, ReleaseEvent
from livecode.outputs import Output
from livecode.outputs.fluid import FluidOutput

STEP = 0.1
DRUMS = 9
CLAVES = 75
ORGAN = 16
ATTACK = 79
"""Frames from the claves' note-on to a tenth of its peak."""


class Score:
    """Events by step, from a moment of the clock on."""

    def __init__(self, begin: float) -> None:
        self.begin = begin

    def at(self, step: float) -> float:
        return self.begin + step * STEP

    def note(self, part: str, step: float, *, channel: int = DRUMS, pitch: int = CLAVES, steps: float = 0.5) -> NoteEvent:
        begin, end = Fraction(step), Fraction(step) + Fraction(steps)
        return NoteEvent(part, begin, self.at(step), channel, pitch, 110, end, self.at(step + steps))

    def notes(self, part: str, steps: Iterable[float]) -> list[NoteEvent]:
        return [self.note(part, step) for step in steps]

    def control(self, part: str, step: float, control: int, value: int, *, channel: int = DRUMS) -> ControlEvent:
        return ControlEvent(part, Fraction(step), self.at(step), channel, control, value)

    def release(self, part: str, step: float) -> ReleaseEvent:
        return ReleaseEvent(part, Fraction(step), self.at(step))

    def program(self, part: str, step: float, program: int, *, channel: int = 0) -> ProgramEvent:
        return ProgramEvent(part, Fraction(step), self.at(step), channel, program)


def play(output: Output, score: Score, steps: float, actions: dict[float, Callable[[], object]]) -> None:
    """Let time go on to a step; the output follows its device, and each action is done when its step has come."""
    waiting, pause = sorted(actions.items()), threading.Event()
    while time.monotonic() < score.at(steps):
        while waiting and time.monotonic() >= score.at(waiting[0][0]):
            waiting.pop(0)[1]()
        output.follow()
        pause.wait(0.01)


class Performance:
    """An open output that is recorded. `play` goes on in real time; what was heard is asked after it.

    output: one that may be open already; None for a new one. period, rate: the JACK server's.
    """

    def __init__(self, output: FluidOutput | None = None, *, period: int = 64, rate: int = jackd.SAMPLE_RATE) -> None:
        self.output = output or FluidOutput(SystemClock(), driver="jack", reverb=False, chorus=False)
        self._period, self._rate = period, rate

    def __enter__(self) -> "Performance":
        self.output.open()
        self._recorder = jackd.Recorder("livecode", 15, self._period, self._rate)
        self._recorder.__enter__()
        self.score = Score(time.monotonic() + 0.4)
        self._finished = False
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()
        self.output.close()

    def play(self, steps: float, actions: dict[float, Callable[[], object]] | None = None) -> None:
        """Let time go on to a step, following the device; each action is done when its step has come."""
        play(self.output, self.score, steps, actions or {})

    def heard(self) -> list[int]:
        """The steps, rounded, at which a sound began. Ends the recording."""
        self._finish()
        seconds = self._recorder.seconds_at(np.array(jackd.onsets(self._recorder.audio)))
        return [round(float(second - self.score.begin) / STEP) for second in seconds]

    def loudness(self, step: float) -> float:
        """The peak around a step, until well before the next. Ends the recording."""
        self._finish()
        begin = int(np.searchsorted(self._recorder.stamps, self.score.at(step - 0.2))) * self._recorder.period
        return float(np.abs(self._recorder.audio[begin : begin + int(0.8 * STEP * self._rate)]).max())

    def falls_silent(self) -> bool:
        """Whether every voice ends within a few seconds."""
        deadline, pause = time.monotonic() + 5, threading.Event()
        while self.output.sounding() and time.monotonic() < deadline:
            pause.wait(0.01)
        return self.output.sounding() == 0

    def _finish(self) -> None:
        if not self._finished:
            self._finished = True
            self._recorder.__exit__()


def beat(number: int) -> Beats:
    return Fraction(number)
