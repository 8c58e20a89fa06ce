"""FluidSynth's device dies, hangs, comes back, or is replaced by another: real servers, and what they would have played."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import jackd
import numpy as np
import pulse
import pytest
from performance import ORGAN, STEP, Performance, Score, beat, play
from waiting import wait_until

import livecode as lc
from livecode.clock import SystemClock
from livecode.outputs import audio, device, reopening
from livecode.outputs.fluid import FluidOutput

pytestmark = pytest.mark.fluidsynth

GONE = "the device is gone: it is opened again by itself as soon as it is back"


@pytest.fixture
def jack(libfluidsynth: None) -> None:
    jackd.need(jackd.installed(), "JACK is not installed: `apt install jackd2` and `pip install jack-client`.")


@pytest.fixture
def pulseaudio(libfluidsynth: None, no_jack: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pulse.Place:
    jackd.need(pulse.installed(), "PulseAudio's server is not installed: `apt install pulseaudio`, but not beside PipeWire's.")
    place = pulse.Place(tmp_path)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return place


@contextmanager
def opened(driver: str | None) -> Iterator[FluidOutput]:
    output = FluidOutput(SystemClock(), driver=driver, reverb=False)
    output.open()
    try:
        yield output
    finally:
        output.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for in these tests is waited for less long."""
    monkeypatch.setattr(device, "LOST_AFTER", 0.5)
    monkeypatch.setattr(reopening, "TRY_EVERY", 0.2)


def follow_until(output: FluidOutput, so: Callable[[], bool], what: str) -> None:
    """Let the output look after its device, as the engine does, until it is so."""

    def _followed() -> bool:
        output.follow()
        return so()

    wait_until(_followed, what)


def strike(output: FluidOutput, steps: int) -> Score:
    """Play a stroke every second step, and wait until all are over."""
    score = Score(time.monotonic() + 0.2)
    output.schedule(score.notes("drums", range(0, steps, 2)))
    play(output, score, steps, {})
    return score


def even(audio: np.ndarray, strokes: int) -> bool:
    """Whether so many strokes were heard, two steps apart. A busy processor may tear holes into PulseAudio's sound."""
    heard = np.array(jackd.onsets(audio)) / jackd.SAMPLE_RATE / STEP
    near = [all(np.abs(heard - first - 2 * place).min() < 0.5 for place in range(strokes)) for first in heard]
    return any(near) and len(heard) <= 2 * strokes


# JACK


@pytest.mark.jack
def test_a_server_that_is_killed_and_comes_back_is_played_to_on_the_beat_as_before(jack: None, impatient: None) -> None:
    with ExitStack() as stack:
        with jackd.server(name="killed") as server:
            output = stack.enter_context(opened("jack"))
            latency = output.latency
            score = Score(time.monotonic() + 0.2)
            output.schedule([score.program("organ", 0, ORGAN), score.control("soft", 0, 7, 40), score.control("soft", 1, 7, 50)])
            output.schedule(score.notes("drums", range(0, 400, 2)))
            play(output, score, 4, {})
            server.kill()
            server.wait()
            follow_until(output, lambda: bool(output.trouble), "trouble")
            assert output.trouble == GONE
            assert output.standing
            assert str(output).endswith(GONE)
            output.schedule([score.control("loud", 0, 7, 127), score.note("loud", 500)])
            output.silence("loud", beat(0))
            output.withdraw("loud", beat(450))
        with jackd.server(name="killed", period=128, rate=44100):
            follow_until(output, lambda: not output.trouble, "the server")
            now = audio.jack_server()
            assert now is not None
            assert latency == 64 / 48000
            assert output.latency == (now.latency + 128 - 64) / 44100
            with Performance(output, period=128, rate=44100) as heard:
                here = 2 * int((time.monotonic() - score.begin) / STEP / 2 + 3)
                heard.score = Score(score.at(here))
                output.withdraw("drums", beat(here + 8))
                output.schedule([heard.score.note("organ", 9, channel=0, pitch=96, steps=8)])
                output.schedule([*heard.score.notes("soft", (18, 20)), *heard.score.notes("loud", (19, 21))])
                heard.play(22)
                steps = heard.heard()
                assert [step for step in steps if step >= 0] == [0, 2, 4, 6, 9, 18, 19, 20, 21]
                assert all(step % 2 == 0 for step in steps if step < 0)
                assert heard.loudness(16) > 0.5 * heard.loudness(10)  # so high on a piano, it would have died away
                assert heard.loudness(18) < 0.25 * heard.loudness(19)
    assert output.played + output.dropped == (here + 8) / 2 + 5
    assert output.dropped >= 2
    assert "opened again 1 time" in str(output)


@pytest.mark.jack
def test_what_a_dead_server_left_is_closed_by_nobody_but_libjack(jack: None, impatient: None) -> None:
    with jackd.server(name="dead"):
        output, other = (FluidOutput(SystemClock(), driver="jack") for _ in range(2))
        for one in (output, other):
            one.open()
    with jackd.server(name="dead"):
        assert audio.jack_server() is not None  # libjack has closed what was open
        output.close()
        follow_until(other, lambda: bool(other.trouble), "trouble")
        follow_until(other, lambda: not other.trouble, "the server")
        output.open()
        strike(output, 2)
        strike(other, 2)
        assert (output.played, other.played) == (1, 1)
        output.close()
        other.close()
        assert audio.jack_server() is not None


@pytest.mark.jack
def test_a_server_that_hangs_holds_nobody_up(jack: None, impatient: None) -> None:
    before = set(threading.enumerate())
    with jackd.server(name="hangs") as server, opened("jack") as output:
        server.send_signal(signal.SIGSTOP)
        try:
            follow_until(output, lambda: bool(output.trouble), "trouble")
            output.schedule(Score(time.monotonic()).notes("drums", range(5)))
            output.withdraw("drums", beat(3))
            output.silence(None, beat(0))
            follow_until(output, lambda: output.dropped == 3, "what is over")
        finally:
            server.send_signal(signal.SIGCONT)
        follow_until(output, lambda: not output.trouble, "the server")
        strike(output, 6)
        assert output.played == 3
        wait_until(lambda: len(clients()) == 1, "the client that was given up to go")
        server.send_signal(signal.SIGSTOP)
        try:
            follow_until(output, lambda: bool(output.trouble), "trouble")
            output.close()
            assert not output.trouble
        finally:
            server.send_signal(signal.SIGCONT)
        wait_until(lambda: set(threading.enumerate()) <= before, "all threads to end")


def clients() -> set[str]:
    """Who has ports on the JACK server, beside the card."""
    import jack

    with jack.Client("looks", no_start_server=True) as look:
        return {port.name.split(":")[0] for port in look.get_ports(is_output=True)} - {"system"}


@pytest.mark.jack
def test_the_other_outputs_play_on_and_the_log_tells_what_happened(jack: None, impatient: None) -> None:
    with ExitStack() as stack:
        with jackd.server(name="stage") as server:
            stage = stack.enter_context(lc.Stage(bpm=300, driver="jack", inline=True))
            stage.part("drums", gain=0.5) >> lc.beat(stick="x.x.")
            wait_until(lambda: stage.snapshot().beats > 2, "two beats")
            server.kill()
            server.wait()
            wait_until(lambda: any(GONE in str(line) for line in stage.log()), "the log")
            assert GONE in repr(stage.status())
        with jackd.server(name="stage"):
            wait_until(lambda: "plays now" in str(stage.log()[-1]), "the sound")
            here = stage.snapshot().beats
            wait_until(lambda: stage.snapshot().beats > here + 4, "four beats")
            stage.close()
    said = [str(line) for line in stage.log()]
    assert sum("FluidSynth: the device is gone" in line for line in said) == 1
    assert sum("FluidSynth plays now: FluidSynth (jack): " in line for line in said) == 1
    assert not any("failed" in line or "met an error" in line or "stood still" in line for line in said)
    onsets = [onset for onset, _ in stage.tape.onsets("drums")]
    assert onsets == [step / 2 for step in range(len(onsets))]


@contextmanager
def playing(program: str) -> Iterator["subprocess.Popen[str]"]:
    """Another Python that runs this program, from when it says that it plays."""
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "plays\n"
        yield process
    finally:
        process.kill()
        process.communicate()


HELD_UP = """
import sys
import livecode as lc
with lc.Stage(bpm=150, driver="jack", reverb=False, inline=True) as stage:
    stage.part("drums") >> lc.beat(stick="x.x.x.x.")
    print("plays", flush=True)
    sys.stdin.readline()
    print(*stage.log(), sep="\\n")
"""


@pytest.mark.jack
def test_a_process_that_was_stopped_goes_on_with_the_beat_and_without_a_burst(jack_server: None) -> None:
    with playing(HELD_UP) as process, jackd.Recorder("livecode", 30) as recorder:
        wait_until(lambda: recorder.frames > 0.8 * jackd.SAMPLE_RATE, "the beat")
        process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        wait_until(lambda: time.monotonic() > begun + 1.2, "a while, in which JACK waits for it, too")
        stood = recorder.frames
        process.send_signal(signal.SIGCONT)
        went_on = time.monotonic()
        wait_until(lambda: recorder.frames > stood + 1.3 * jackd.SAMPLE_RATE, "the beat again")
        said, _ = process.communicate("\n")
    assert "the machine stood still" in said
    assert "gone" not in said
    seconds = recorder.seconds_at(np.array(jackd.onsets(recorder.audio)))
    beats = (seconds - seconds[2]) / 0.2
    off = (seconds > begun) & (np.abs(beats - np.round(beats)) > 0.1)
    assert off.sum() <= 1  # what was due in the very moment in which it was stopped
    assert np.all(seconds[off] < went_on + 0.1)
    after = np.round(beats[(seconds > went_on) & ~off])
    assert len(after) >= 5
    assert np.all(np.diff(after) == 1)


# PulseAudio, and from one to another


def test_another_default_sink_gets_the_sound_from_pulseaudio_itself(pulseaudio: pulse.Place, tmp_path: Path) -> None:
    with pulseaudio.server(), ExitStack() as stack:
        with pulse.Recorder("one", tmp_path / "one") as one:  # a recorder of the default sink would follow the default, too
            output = stack.enter_context(opened(None))
            strike(output, 6)
        with pulse.Recorder("two", tmp_path / "two") as two:
            pulse.pactl("set-default-sink", "two")
            strike(output, 6)
    assert even(one.audio, 3)
    assert even(two.audio, 3)
    assert (output.driver, output.played, output.reopened) == ("pulseaudio", 6, 0)
    assert output.latency == (2 * 1024 - 64) / 48000


def test_a_sink_that_is_suspended_is_waited_for(pulseaudio: pulse.Place, tmp_path: Path, impatient: None) -> None:
    with pulseaudio.server(), pulse.Recorder("one", tmp_path / "one") as one, opened("pulseaudio") as output:
        pulse.pactl("suspend-sink", "one", "1")
        follow_until(output, lambda: bool(output.trouble), "trouble")
        pulse.pactl("suspend-sink", "one", "0")
        follow_until(output, lambda: not output.trouble, "the sink")
        strike(output, 6)
        wait_until(lambda: pulse.pactl("list", "short", "sink-inputs").count("\n") == 1, "the stream given up to go")
    assert even(one.audio, 3)


@pytest.mark.jack
def test_without_a_driver_asked_for_it_goes_to_another(
    jack: None, pulseaudio: pulse.Place, tmp_path: Path, impatient: None
) -> None:
    with ExitStack() as stack:
        with pulseaudio.server() as server, pulse.Recorder("one", tmp_path / "before") as before:
            with jackd.server(name="leaves"):
                output = stack.enter_context(opened(None))
                assert output.driver == "jack"
                strike(output, 4)
            follow_until(output, lambda: bool(output.trouble), "trouble")
            follow_until(output, lambda: not output.trouble, "another driver")
            assert (output.name, output.driver) == ("FluidSynth", "pulseaudio")
            strike(output, 6)
            server.kill()
            server.wait()
            follow_until(output, lambda: bool(output.trouble), "trouble")
        with pulseaudio.server(), pulse.Recorder("one", tmp_path / "after") as after:
            follow_until(output, lambda: not output.trouble, "PulseAudio")
            strike(output, 6)
    assert even(before.audio, 3)
    assert even(after.audio, 3)
    assert (output.played, output.dropped, output.reopened) == (8, 0, 2)
