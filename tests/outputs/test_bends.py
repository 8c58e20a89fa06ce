"""Pitch bend and parameters as FluidSynth plays them: heard in a render."""

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from livecode.controls import BEND, NAMES
from livecode.music import ControlEvent, Event, NoteEvent, ProgramEvent
from livecode.outputs.render import Sound, render_wav

A4 = 69


def pitch_of(path: Path, *events: Event) -> float:
    """The frequency in Hz, of a flute's A4 that begins after these events, one second in."""
    note = NoteEvent("lead", Fraction(1), 0.5, 0, A4, 100, Fraction(4), 2.0)
    render_wav(path, [ProgramEvent("lead", Fraction(0), 0.0, 0, 73), *events, note], sound=Sound(reverb=False))
    with wave.open(str(path)) as take:
        samples = np.frombuffer(take.readframes(take.getnframes()), "<i2").reshape(-1, 2)[:, 0].astype(float)
        rate = take.getframerate()
    heard = samples[rate : rate + 32768] * np.hanning(32768)
    spectrum = np.abs(np.fft.rfft(heard))
    loud = np.flatnonzero(spectrum > 0.3 * spectrum.max())
    return float(loud[0] * rate / 32768)


def said(control: int, value: int) -> ControlEvent:
    return ControlEvent("lead", Fraction(0), 0.1, 0, control, value)


@pytest.mark.usefixtures("libfluidsynth")
def test_a_bend_raises_the_pitch_by_two_semitones_or_by_the_range_that_was_set(tmp_path: Path) -> None:
    plain = pitch_of(tmp_path / "plain.wav")
    bent = pitch_of(tmp_path / "bent.wav", said(BEND, 16383))
    wide = pitch_of(tmp_path / "wide.wav", said(NAMES["bend_range"], 12), said(BEND, 16383))
    assert plain == pytest.approx(440, rel=0.01)
    assert bent / plain == pytest.approx(2 ** (2 / 12), rel=0.01)
    assert wide / plain == pytest.approx(2, rel=0.01)
