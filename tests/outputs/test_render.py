"""Takes as WAV files, rendered by the real FluidSynth."""

import wave
from fractions import Fraction
from pathlib import Path

import jackd
import numpy as np
import pytest
from performance import ATTACK, DRUMS, Score

from livecode.errors import BadInput, OutputError, UnknownName
from livecode.music import Event
from livecode.outputs.render import Sound, render_wav

pytestmark = [pytest.mark.fluidsynth, pytest.mark.usefixtures("libfluidsynth")]

BLOCK = 64


def samples_of(path: Path) -> np.ndarray:
    with wave.open(str(path)) as take:
        assert (take.getnchannels(), take.getsampwidth()) == (2, 2)
        return np.frombuffer(take.readframes(take.getnframes()), "<i2").reshape(-1, 2) / 32768


def off_the_grid(score: Score) -> list[Event]:
    """Claves at all phases of a millisecond."""
    return [score.note("drums", Fraction(index * 8337, 10000)) for index in range(40)]


@pytest.mark.parametrize("sample_rate", [44100, 48000])
def test_onsets_are_where_they_should_be_within_a_block(tmp_path: Path, sample_rate: int) -> None:
    events = off_the_grid(Score(100.0))

    render_wav(tmp_path / "take.wav", events, start=99.0, sound=Sound(reverb=False, sample_rate=sample_rate))

    found = np.array(jackd.onsets(samples_of(tmp_path / "take.wav")))
    asked = np.array([(event.seconds - 99.0) * sample_rate for event in events])
    assert len(found) == len(asked)
    assert np.abs(found - asked - ATTACK * sample_rate / 48000).max() <= BLOCK


def test_the_report_says_what_was_written(tmp_path: Path) -> None:
    report = render_wav(tmp_path / "take.wav", off_the_grid(Score(0.0)), tail=1.0)

    samples = samples_of(tmp_path / "take.wav")
    assert report.frames == len(samples)
    assert report.seconds == pytest.approx(len(samples) / 48000)
    assert report.peak == pytest.approx(np.abs(samples).max(), abs=0.001)
    assert 0.0 < report.peak < 1.0
    assert report.scale == 1.0
    assert list(tmp_path.iterdir()) == [tmp_path / "take.wav"]


def test_two_parts_on_one_channel_are_both_heard_each_where_it_is_panned(tmp_path: Path) -> None:
    score = Score(0.0)
    left = [score.control("left", 0, 10, 0), *score.notes("left", (1, 3, 5))]
    right = [score.control("right", 0, 10, 127), *score.notes("right", (2, 4))]

    render_wav(tmp_path / "take.wav", left + right, sound=Sound(reverb=False))

    samples = samples_of(tmp_path / "take.wav")
    onsets = jackd.onsets(samples)
    sides = [int(np.argmax(np.abs(samples[onset : onset + 480]).max(axis=0))) for onset in onsets]
    assert [round(onset / 4800) for onset in onsets] == [1, 2, 3, 4, 5]
    assert sides == [0, 1, 0, 1, 0]


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.wav", "two.wav"):
        render_wav(tmp_path / name, off_the_grid(Score(0.0)))

    assert (tmp_path / "one.wav").read_bytes() == (tmp_path / "two.wav").read_bytes()


def test_a_take_that_would_clip_is_turned_down_as_a_whole(tmp_path: Path) -> None:
    report = render_wav(tmp_path / "take.wav", off_the_grid(Score(0.0)), sound=Sound(gain=8.0))

    assert report.scale < 1.0
    assert np.abs(samples_of(tmp_path / "take.wav")).max() == pytest.approx(0.98, abs=0.001)
    assert "turned down" in str(report)


def test_a_program_the_soundfont_lacks_still_sounds_and_is_noted(tmp_path: Path) -> None:
    score = Score(0.0)

    report = render_wav(tmp_path / "take.wav", [score.program("drums", 0, 5, channel=DRUMS), score.note("drums", 1)])

    assert report.missing_programs == {("drums", 5)}
    assert report.peak > 0.01


def test_programs_sound_different(tmp_path: Path) -> None:
    score = Score(0.0)
    for program in (0, 40):
        note = score.note("lead", 1, channel=0, pitch=60, steps=5)
        render_wav(tmp_path / f"{program}.wav", [score.program("lead", 0, program), note])

    assert (tmp_path / "0.wav").read_bytes() != (tmp_path / "40.wav").read_bytes()


def test_no_events_are_silence_as_long_as_the_tail(tmp_path: Path) -> None:
    report = render_wav(tmp_path / "take.wav", [], tail=0.5)

    assert report.frames == 24000
    assert report.peak < 1e-6


def test_what_ends_before_the_start_is_left_out(tmp_path: Path) -> None:
    score = Score(0.0)

    render_wav(tmp_path / "take.wav", score.notes("drums", (0, 1, 12)), start=1.0, sound=Sound(reverb=False))

    assert [round(onset / 4800) for onset in jackd.onsets(samples_of(tmp_path / "take.wav"))] == [2]


def test_bad_places_and_names_are_refused_and_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    events = off_the_grid(Score(0.0))

    with pytest.raises(BadInput, match=r"ends in \.wav"):
        render_wav(tmp_path / "take.mp3", events)
    with pytest.raises(BadInput, match="12 samples per second"):
        render_wav(tmp_path / "take.wav", events, sound=Sound(sample_rate=12))
    with pytest.raises(OutputError, match="cannot be written"):
        render_wav(tmp_path / "nowhere" / "take.wav", events)
    with pytest.raises(OutputError, match="cannot be written"):
        render_wav(tmp_path / "file" / "take.wav", events)
    with pytest.raises(UnknownName, match="did you mean 'TimGM6mb'"):
        render_wav(tmp_path / "take.wav", events, sound=Sound("TimGM6"))
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_damaged_soundfont_is_refused_in_one_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sf2"
    broken.write_bytes(b"RIFF\x10\x00\x00\x00sfbk" + bytes(12))

    with pytest.raises(OutputError, match="cannot load the soundfont"):
        render_wav(tmp_path / "take.wav", [], sound=Sound(broken))
