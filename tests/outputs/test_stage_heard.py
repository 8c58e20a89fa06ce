"""The whole way: what is typed on a stage is heard in recorded audio."""

import jackd
import numpy as np
import pytest
from waiting import wait_until

import livecode as lc

pytestmark = [pytest.mark.fluidsynth, pytest.mark.jack]


def test_what_is_typed_is_heard_on_the_grid_and_mute_is_silence(jack_server: None) -> None:
    with lc.Stage(bpm=120, driver="jack", reverb=False) as stage, jackd.Recorder("livecode", 30) as recorder:
        drums = stage.part("drums")
        drums >> lc.beat(stick="x.x.x.x.")
        wait_until(lambda: stage.snapshot().beats >= 6, "six beats")
        drums.mute()
        muted = recorder.frames
        wait_until(lambda: recorder.frames > muted + jackd.SAMPLE_RATE, "a second of silence")
        drums.unmute()
        here = stage.snapshot().beats
        wait_until(lambda: stage.snapshot().beats >= here + 4, "four more beats")
        assert " notes played, " in repr(stage.status())
    onsets = np.array(jackd.onsets(recorder.audio))
    before, after = onsets[onsets < muted], onsets[onsets > muted + jackd.SAMPLE_RATE // 2]
    assert len(before) >= 12
    assert len(after) >= 7
    seconds = recorder.seconds_at(onsets)
    eighths = (seconds - seconds[0]) / 0.25
    assert np.abs(eighths - np.round(eighths)).max() < 0.2  # on the grid, also after the mute
    assert len(set(np.round(eighths))) == len(onsets)  # and none twice
    quiet = recorder.audio[muted + jackd.SAMPLE_RATE // 2 : muted + jackd.SAMPLE_RATE]
    assert np.abs(quiet).max() < 0.01 * np.abs(recorder.audio).max()


def test_after_panic_and_close_nothing_sounds(jack_server: None) -> None:
    with lc.Stage(bpm=120, driver="jack", reverb=False) as stage, jackd.Recorder("livecode", 30) as recorder:
        stage.part("pad", program="String Ensemble 1") >> lc.notes("C3,E3,G3 _ _ _ _ _ _ _")
        wait_until(lambda: recorder.frames > 0 and np.abs(recorder.audio[-4800:]).max() > 0.01, "the chord")
        stage.panic()
        silent = recorder.frames + jackd.SAMPLE_RATE // 2
        wait_until(lambda: recorder.frames > silent + 4800, "what comes after")
        assert np.abs(recorder.audio[silent:]).max() < 0.001
