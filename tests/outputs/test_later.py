"""FluidSynth where there is no device yet: it keeps its place among the outputs, says so, and plays as soon as there is one."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import jackd
import numpy as np
import psutil
import pulse
import pytest
from engines import comes_back, ended, kill
from midi_ear import Ear, ons
from waiting import wait_until

import livecode as lc
from livecode.clock import SystemClock
from livecode.outputs import audio, fluid, reopening
from livecode.outputs.fluid import FluidOutput

pytestmark = pytest.mark.fluidsynth

SCORE = lc.beat(stick="x.x.x.x.")
WANTING = "there is no audio device (looked for JACK, PipeWire, PulseAudio and ALSA): connect one or start its server; it plays"


@pytest.fixture
def no_device(libfluidsynth: None, no_jack: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    jackd.need(not Path("/proc/asound/cards").exists(), "This machine has a sound card, which cannot be hidden.")


def said(stage: lc.Stage, words: str) -> int:
    """How many sentences of the log have these words."""
    return sum(words in str(line) for line in stage.log(1000))


def strokes(recorder: jackd.Recorder) -> int:
    return len(jackd.onsets(np.array(recorder.audio)))


@pytest.mark.jack
def test_a_stage_that_was_opened_without_a_device_plays_as_soon_as_there_is_one(
    no_device: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with lc.Stage(bpm=300, reverb=False, inline=True) as stage:
        assert capfd.readouterr().err.startswith(f"livecode: FluidSynth: {WANTING}")
        stage.part("drums", gain=0.5) >> SCORE
        wait_until(lambda: stage.snapshot().beats > 4, "four beats")
        assert any(line.startswith("output FluidSynth: 0 notes played") and WANTING in line for line in stage.status())
        with jackd.server(name="comes"):
            wait_until(lambda: said(stage, "FluidSynth plays now: FluidSynth (jack)") == 1, "the sound")
            assert WANTING not in repr(stage.status())
            assert "opened again" not in repr(stage.status())
            with jackd.Recorder("livecode", 10) as recorder:
                wait_until(lambda: strokes(recorder) > 4, "strokes")
            stage.close()
        assert said(stage, WANTING) == 1
        assert capfd.readouterr() == ("", "")


@pytest.fixture
def pulseaudio(no_device: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pulse.Place:
    jackd.need(pulse.installed(), "PulseAudio's server is not installed: `apt install pulseaudio`, but not beside PipeWire's.")
    place = pulse.Place(tmp_path)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return place


def sounds(recorder: pulse.Recorder) -> bool:
    return recorder.frames > 0 and np.abs(recorder.audio[-4800:]).max() > 0.01


def test_an_engine_plays_to_pulseaudio_whenever_that_comes_and_goes(pulseaudio: pulse.Place, tmp_path: Path) -> None:
    plays = "FluidSynth plays now: FluidSynth (pulseaudio)"
    with ended("main"), lc.Stage(bpm=300, inline=False) as stage:
        stage.part("drums") >> SCORE
        wait_until(lambda: WANTING in repr(stage.status()), "the status")
        for times in (1, 2):
            with pulseaudio.server(), pulse.Recorder("one", tmp_path / f"heard {times}") as heard:
                wait_until(lambda: said(stage, plays) == times, "the sound")  # noqa: B023
                wait_until(lambda: sounds(heard), "a stroke")
            wait_until(lambda: "FluidSynth (pulseaudio)" in repr(stage.status()) and "gone" in repr(stage.status()), "its end")
        assert stage.engine is not None
        kill(stage.engine.pid)
        wait_until(lambda: WANTING in repr(stage.status()), "an engine without a device")
        with pulseaudio.server(), pulse.Recorder("one", tmp_path / "heard 3") as heard:
            wait_until(lambda: sounds(heard), "a stroke of the next engine")


def test_an_engine_that_crashes_while_the_sound_server_hangs_is_back_without_it(pulseaudio: pulse.Place, tmp_path: Path) -> None:
    with pulseaudio.server() as server, ended("main"), lc.Stage(bpm=480, inline=False) as stage:
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: stage.snapshot().beats > 4, "four beats")
        crash = stage.snapshot().beats
        server.send_signal(signal.SIGSTOP)
        assert stage.engine is not None
        kill(stage.engine.pid)
        comes_back(stage, crash)
        assert "(it does not answer); it plays as soon as one is there" in repr(stage.status())
        server.send_signal(signal.SIGCONT)
        with pulse.Recorder("one", tmp_path / "one") as heard:
            wait_until(lambda: sounds(heard), "the sound")
        stage.close()


def test_a_stage_that_is_opened_while_its_server_hangs_plays_when_that_goes_on(
    pulseaudio: pulse.Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fluid, "ANSWERS_IN", 1.0)
    with pulseaudio.server() as server:
        server.send_signal(signal.SIGSTOP)
        with pytest.raises(lc.OutputError, match=r"The audio driver 'pulseaudio' has no device.*\(it does not answer\)"):
            lc.Stage(driver="pulseaudio", inline=True)
        with lc.Stage(bpm=300, inline=True) as stage:
            stage.part("drums") >> SCORE
            wait_until(lambda: stage.snapshot().beats > 4, "four beats")
            assert "(it does not answer); it plays as soon as one is there" in repr(stage.status())
            server.send_signal(signal.SIGCONT)
            with pulse.Recorder("one", tmp_path / "one") as heard:
                wait_until(lambda: sounds(heard), "the sound")


@pytest.fixture
def stage(libfluidsynth: None) -> Iterator[lc.Stage]:
    jackd.need(jackd.installed(), "JACK is not installed: `apt install jackd2` and `pip install jack-client`.")
    with ExitStack() as stack:
        stack.enter_context(ended("main"))
        with jackd.server(name="both") as server, Ear("hardware"):
            stage = stack.enter_context(lc.Stage(bpm=300, driver="jack", reverb=False, inline=False))
            answer = stage.midi("hardware", api="jack")
            assert answer == "output hardware:in is open: part.output = 'hardware:in' sends a part there"
            stage.part("drums") >> SCORE
            wait_until(lambda: stage.snapshot().beats > 4, "four beats")
            assert stage.engine is not None
            kill(stage.engine.pid)
            kill(server.pid)
            server.wait()
        yield stage


@pytest.mark.jack
def test_an_engine_killed_together_with_jack_opens_it_by_itself_later(stage: lc.Stage) -> None:
    wanting = "the audio driver 'jack' has no device: connect it or start its server; it plays as soon as one is there"
    wait_until(lambda: wanting in repr(stage.status()), "an engine without a device")
    here = stage.snapshot().beats
    wait_until(lambda: stage.snapshot().beats > here + 8, "two bars")
    with jackd.server(name="both"), Ear("hardware") as hardware:
        wait_until(lambda: said(stage, "FluidSynth plays now: FluidSynth (jack)") == 1, "FluidSynth")
        wait_until(lambda: said(stage, "hardware:in plays now") == 1, "the port")
        with jackd.Recorder("livecode.*", 10) as recorder:  # the port's client may have been the first of that name
            wait_until(lambda: strokes(recorder) > 4, "strokes")
        assert ons(hardware.messages()) == []
        assert said(stage, wanting) == 1
        stage.parts["drums"].output = "hardware:in"
        wait_until(lambda: len(ons(hardware.messages())) > 4, "the port, when it is asked for")
        stage.close()


def test_with_a_driver_named_or_audio_required_the_refusal_stays(no_device: None) -> None:
    with pytest.raises(lc.OutputError, match="There is no JACK server: start one, or leave the driver to livecode"):
        lc.Stage(driver="jack", inline=True)
    with pytest.raises(lc.OutputError, match="There is no audio device here"):
        lc.Stage(require_audio=True, inline=True)


def test_looking_for_ever_leaves_nothing_behind_and_prints_nothing(
    no_device: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, drivers = [], audio.drivers

    def look() -> list[str]:
        looks.append(1)
        return drivers()

    monkeypatch.setattr(audio, "drivers", look)
    monkeypatch.setattr(reopening, "TRY_EVERY", 0.001)
    process, output = psutil.Process(), FluidOutput(SystemClock())
    output.open(later=True)
    wait_until(lambda: len(looks) > 50, "some looks")
    files, threads, memory = process.num_fds(), process.num_threads(), process.memory_info().rss
    wait_until(lambda: len(looks) > 650, "hundreds of looks")
    assert process.num_fds() < files + 10  # a look in progress has some
    assert process.num_threads() < threads + 5
    assert process.memory_info().rss - memory < 2**21
    output.close()
    assert capfd.readouterr() == ("", "")
