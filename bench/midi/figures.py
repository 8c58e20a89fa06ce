"""From stamps to figures: which notes were due, when they were sent, what arrived, and when the machine stood still."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from workload import DENSE_BAR, DENSE_PARTS, DENSE_PITCHES, STEP, STEPS, VOICES

STAMP = np.dtype([("seconds", "<f8"), ("status", "u1"), ("pitch", "u1"), ("velocity", "u1"), ("nothing", "V5")])
"""As `stamped/sitecustomize.py` and `common.h` write it."""

COMING_BACK = 0.001
"""Seconds after a stall in which others may still have to wait for the processor."""

Floats = NDArray[np.float64]
Stalls = Sequence[tuple[float, float]]


def stamps(files: Iterable[Path]) -> NDArray[np.void]:
    """All that these files hold, in order of time."""
    read = [np.fromfile(file, STAMP) for file in files]
    together = np.concatenate(read) if read else np.empty(0, STAMP)
    together = together[together["status"] >= 0x80]
    in_order: NDArray[np.void] = together[np.argsort(together["seconds"], kind="stable")]
    return in_order


def stalls(file: Path) -> Stalls:
    """From when to when the machine, or one of its processors, stood still."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return [(float(line[0]), float(line[1])) for line in lines if len(line) == 3]


def sent(notes: NDArray[np.void]) -> dict[tuple[int, int], float]:
    """When each (voice, step) was sent. Pitches count the steps, so one that is missing is noticed."""
    when: dict[tuple[int, int], float] = {}
    step = [-1] * VOICES
    for note in notes[notes["status"] & 0xF0 == 0x90]:
        voice, place = divmod(int(note["pitch"]), STEPS)
        step[voice] += (place - step[voice]) % STEPS
        when[voice, step[voice]] = float(note["seconds"])
    return when


def hanging(messages: NDArray[np.void]) -> int:
    """How many keys are down at the end."""
    down: set[tuple[int, int]] = set()
    for _, status, pitch, velocity, _ in messages:
        key = (int(status) & 0x0F, int(pitch))
        if status & 0xF0 == 0x90 and velocity:
            down.add(key)
        elif status & 0xF0 in (0x80, 0x90):
            down.discard(key)
    return len(down)


def dense(messages: NDArray[np.void]) -> tuple[int, int, list[float]]:
    """Of the 2,048 notes a second: how many arrived, how many are missing of the bars that each part began, and after which
    tenths of seconds from the first note."""
    notes = messages[messages["status"] & 0xF0 == 0x90]
    missing, gaps = 0, set()
    for channel in range(DENSE_PARTS):
        own = notes[notes["status"] & 0x0F == channel]
        ahead = (np.diff(own["pitch"].astype(int), prepend=-1) - 1) % DENSE_PITCHES
        steps = int(ahead.sum()) + len(own)
        missing += max(1, -(-steps // DENSE_BAR)) * DENSE_BAR - len(own)
        before = np.flatnonzero(ahead[1:])
        gaps.update(np.round(own["seconds"][before] - notes["seconds"][0], 1).tolist())
    return len(notes), missing, sorted(gaps)


@dataclass(frozen=True)
class Spread:
    """p50, p95, p99 and the largest error in ms after the median is taken away, and the median. A lost note is late for ever."""

    p50: float
    p95: float
    p99: float
    most: float
    median: float

    def errors(self) -> tuple[float, ...]:
        """In this order, for a table."""
        return (self.p50, self.p95, self.p99, self.most)

    @classmethod
    def of(cls, rounds: Sequence[Floats]) -> "Spread":
        """Of how many seconds after their moments notes were sent, in each round; each has a median of its own."""
        medians = [share_of(late, 0.5) for late in rounds]
        off: Floats = np.concatenate([_off(late, median) for late, median in zip(rounds, medians, strict=True)])
        shares = (share_of(off, share) for share in (0.5, 0.95, 0.99, 1))
        return cls(*shares, 1000 * share_of(np.array(medians), 0.5))


@dataclass(frozen=True)
class Window:
    """When step 0 was due, and from when to when notes count: monotonic seconds."""

    origin: float
    begin: float
    end: float


@dataclass(frozen=True)
class Round:
    """How many seconds late each note was that was due, whether the machine stood still then, what did not arrive, what hung."""

    late: Floats
    calm: NDArray[np.bool_]
    lost: int
    hanging: int


@dataclass(frozen=True)
class Cell:
    """One player in one condition: how late its notes were, with and without those in a stall; what did not arrive, what hung."""

    all: Spread
    steady: Spread
    stalled: int
    lost: int
    hanging: int

    @classmethod
    def of(cls, rounds: Sequence[Round]) -> "Cell":
        """What came of all rounds together."""
        return cls(
            Spread.of([each.late for each in rounds]),
            Spread.of([each.late[each.calm] for each in rounds]),
            sum(int((~each.calm).sum()) for each in rounds),
            sum(each.lost for each in rounds),
            sum(each.hanging for each in rounds),
        )


def a_round(window: Window, sent_notes: NDArray[np.void], heard: NDArray[np.void], stood: Stalls) -> Round:
    """From what was stamped at emission and what arrived at the receiver."""
    first, last = (int(np.ceil((moment - window.origin) / STEP)) for moment in (window.begin, window.end))
    due = [(voice, step) for step in range(first, last) for voice in range(VOICES)]
    when, arrived = sent(sent_notes), sent(heard)
    moments = np.array([window.origin + step * STEP for _, step in due])
    late = np.array([when.get(note, np.inf) for note in due]) - moments
    calm = np.array([not any(since <= moment <= until + COMING_BACK for since, until in stood) for moment in moments])
    lost = sum(note not in arrived for note in due)
    return Round(late, calm, lost, hanging(heard))


def _off(late: Floats, median: float) -> Floats:
    """How far from the median, in ms."""
    return 1000 * np.abs(late - median) if np.isfinite(median) else np.full(len(late), np.inf)


def share_of(values: Floats, share: float) -> float:
    """The smallest value that so many of them do not pass; nan of none."""
    if not len(values):
        return float("nan")
    return float(np.sort(values)[max(0, int(np.ceil(share * len(values))) - 1)])
