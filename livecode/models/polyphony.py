"""Polyphony RNN: several voices, note by note within each sixteenth.

Magenta's classes for it import TensorFlow, so what they do is written here; tests compare the two. Events are their classes:
the start, the end (which the model was taught to say, and means nothing here), the end of a step, 128 new notes and 128 that
go on. What was sounding and does not go on, ends.
Source: polyphony_lib.py, polyphony_encoder_decoder.py and polyphony_sequence_generator.py in magenta/models/polyphony_rnn.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import ModelRefused
from ..music import Phrase
from .encodings import Table
from .grid import Laid, Placed
from .knobs import Knob
from .step import Floats
from .tracks import TimedTrack, Track
from .wire import Request

START, END, STEP_END, NEW, CONTINUED = 0, 1, 2, 3, 131
"""Classes; those of notes are of pitch 0."""

CLASSES = 259

GUESSED = 5
"""Magenta draws so many events for each step that is missing, and looks again."""

MOST = 20
"""So many events may be drawn for each step asked for: the start of a note or its going on is one, the end of a step another."""

ENDLESS = (
    f"Polyphony RNN played more than {MOST} notes a step and came to no end: "
    "turn its temperature towards 1, or give it another primer."
)

CONTINUE, KEEP = "continue_primer", "keep_primer"
"""Knobs: whether the new bars go on from the primer (so without the knob), and whether its notes sound in them (not so)."""


class PolyphonyTrack(TimedTrack):
    """Polyphony events, and a melody that is put into them: at the beginning of each step from `since` on the events of one."""

    __slots__ = ("_melody", "_since")

    def __init__(
        self, encoding: Table, events: Iterable[int], goal: int, melody: Sequence[Sequence[int]] = (), since: int = 0
    ) -> None:
        self._melody, self._since = melody, since
        super().__init__(encoding, events, goal)

    def append(self, event: int) -> None:
        super().append(event)
        if event == STEP_END or len(self.events) == 1:
            place = self.steps - self._since
            if 0 <= place < len(self._melody):
                self.events += self._melody[place]


@dataclass(frozen=True, slots=True)
class Voices:
    """The opening of a request to Polyphony RNN. The track begins with the step `origin`."""

    track: PolyphonyTrack
    laid: Laid
    origin: int
    controls: Floats | None = None
    rounds: bool = True

    def more(self, track: Track, drawn: int) -> int:
        assert isinstance(track, PolyphonyTrack)
        if track.full:
            return 0
        return allowed(GUESSED * (track.goal - track.steps), drawn, self.laid.steps)

    def phrase(self, track: Track) -> Phrase:
        assert isinstance(track, PolyphonyTrack)
        return self.laid.phrase(notes(track.events, self.origin, track.goal))


@dataclass(frozen=True, slots=True)
class Polyphony:
    """Polyphony RNN's config."""

    rate: int = 4

    def encoding(self) -> Table:
        lasts = [0] * CLASSES
        lasts[STEP_END] = 1
        return Table(np.eye(CLASSES, dtype=np.float32), lasts)

    def laid(self, request: Request) -> Laid:
        """How a request lies on the model's steps."""
        return Laid.of(request, Fraction(self.rate), silent=1)

    def opening(self, request: Request) -> Voices:
        laid = self.laid(request)
        continues, keeps = _knobs(laid, request)
        steps = heard(laid.heard, laid.start) if laid.heard else []
        before = [event for step in steps for event in (*step, STEP_END)] if continues else []
        since = len(steps) if continues else 0
        track = PolyphonyTrack(self.encoding(), [START, *before], since + laid.steps, steps if keeps else (), since)
        return Voices(track, laid, 0 if continues else laid.start)

    def options(self, request: Request) -> Mapping[str, Knob]:
        """What Magenta's generator is told beside the knobs that all have."""
        continues, keeps = _knobs(self.laid(request), request)
        return {"condition_on_primer": continues, "no_inject_primer_during_generation": not keeps}


def allowed(wanted: int, drawn: int, steps: int) -> int:
    """How many events may be drawn, of so many that are wanted, for the new bars' steps. Raises ModelRefused for none."""
    left = MOST * steps - drawn
    if left <= 0:
        raise ModelRefused(ENDLESS)
    return min(wanted, left)


def heard(placed: Sequence[Placed], start: int) -> list[list[int]]:
    """The events of each step before `start`, without their ends: from the highest pitch to the lowest.

    >>> heard([Placed(0, 2, 60), Placed(1, 2, 64)], 2)
    [[63], [67, 191]]
    """
    begins, ends = defaultdict(list), defaultdict(list)
    for note in placed:
        begins[note.begin].append(note.pitch)
        ends[min(note.end, start)].append(note.pitch)
    steps, sounding = [], list[int]()
    for step in range(start):
        for pitch in ends[step]:
            sounding.remove(pitch)
        events = [(pitch, CONTINUED) for pitch in sounding] + [(pitch, NEW) for pitch in begins[step]]
        sounding += begins[step]
        steps.append([kind + pitch for pitch, kind in sorted(events, key=_pitch, reverse=True)])
    return steps


def notes(events: Sequence[int], origin: int, steps: int) -> list[Placed]:
    """The notes of the first so many steps, which begin with the step `origin`; what sounds at the end of them ends there.

    >>> notes([START, 63, STEP_END, 191, 67, STEP_END], 0, 2)
    [Placed(begin=0, end=2, pitch=60, velocity=100), Placed(begin=1, end=2, pitch=64, velocity=100)]
    """
    placed, sounding, ending, step = list[Placed](), list[tuple[int, int]](), list[int](), 0
    for event in events:
        if step == steps:
            break
        if event >= CONTINUED:
            if event - CONTINUED in ending:
                ending.remove(event - CONTINUED)
        elif event >= NEW:
            sounding.append((step, event - NEW))
        elif event == STEP_END:
            for note in list(sounding):
                if note[1] in ending:
                    ending.remove(note[1])
                    sounding.remove(note)
                    placed.append(Placed(origin + note[0], origin + step, note[1]))
            step += 1
            ending = [pitch for _, pitch in sounding]
    return placed + [Placed(origin + begin, origin + step, pitch) for begin, pitch in sounding]


def _knobs(laid: Laid, request: Request) -> tuple[bool, bool]:
    """Whether the new bars go on from what was heard, and whether they keep it."""
    any_heard = bool(laid.heard)
    return any_heard and bool(request.knobs.get(CONTINUE, True)), any_heard and bool(request.knobs.get(KEEP, False))


def _pitch(event: tuple[int, int]) -> int:
    return event[0]
