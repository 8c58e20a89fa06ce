"""How many times faster than real time a take is rendered: 16 bars of 4/4 at 80 bpm, two parts, the median of five.

python bench/render_speed.py
"""

# ruff: noqa: T201

import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

from livecode.music import Event, NoteEvent, ProgramEvent
from livecode.outputs.render import render_wav

BPM = 80
BEATS = 64


def a_piece() -> list[Event]:
    """Drums in sixteenths and four-note chords in quarters."""
    events: list[Event] = [ProgramEvent("chords", Fraction(0), 0.0, 0, 4)]
    for step in range(BEATS * 4):
        events.append(a_note("drums", Fraction(step, 4), Fraction(1, 4), 9, 36 if step % 8 == 0 else 42))
    for beat in range(BEATS):
        events += [a_note("chords", Fraction(beat), Fraction(1), 0, 48 + beat % 12 + interval) for interval in (0, 4, 7, 11)]
    return events


def a_note(part: str, onset: Fraction, duration: Fraction, channel: int, pitch: int) -> NoteEvent:
    begin, end = (float(beat) * 60 / BPM for beat in (onset, onset + duration))
    return NoteEvent(part, onset, begin, channel, pitch, 100, onset + duration, end)


def main() -> None:
    piece, factors = a_piece(), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(5):
            begun = time.perf_counter()
            report = render_wav(Path(folder) / "take.wav", piece)
            factors.append(report.seconds / (time.perf_counter() - begun))
    print(f"{report.seconds:.1f} s of audio, peak {report.peak:.2f}: {statistics.median(factors):.0f} times real time")


if __name__ == "__main__":
    main()
