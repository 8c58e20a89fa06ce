"""A stage that follows the clock of others: on real ports, over Link, and of another engine."""

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction

import pytest
from clock_ear import Receiver
from engines import ended, kill
from midi_ear import Ear
from midi_master import Clock
from waiting import wait_until

import livecode as lc

jack = pytest.mark.jack


@pytest.fixture
def keystep(jack_server: None) -> Iterator[Clock]:
    with Clock(bpm=121.3) as keystep:
        yield keystep


def beat_at(stage: lc.Stage, moment: float) -> float:
    """Where the music was, or is, at a moment of the clock."""
    here = stage.snapshot()
    tempo = stage._engine.tempo()
    started = here.at - tempo.seconds_at(here.beats)
    return float(tempo.beat_at(moment - started))


@jack
def test_a_clock_is_followed_started_stopped_and_lost(keystep: Clock) -> None:
    with lc.Stage(bpm=90, outputs=[]) as stage:
        assert stage.follow_clock("keystep") == "follows the clock of keystep:out"
        keystep.say("stop")
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: "stopped" in stage.snapshot().follows, "stop")
        assert not stage.snapshot().running
        first = keystep.say("start")
        wait_until(lambda: stage.snapshot().running, "the start")
        wait_until(lambda: " bpm, locked, phase " in stage.snapshot().follows, "the lock")
        wait_until(lambda: stage.snapshot().beats > 8, "two bars")
        assert "follows keystep:out: 121.3 bpm, locked, phase " in stage.status()[0]
        with pytest.raises(lc.BadInput, match="The tempo follows keystep:out"):
            stage.bpm = 100
        assert stage.bpm == pytest.approx(121.3, rel=0.05)
        assert beat_at(stage, first) == pytest.approx(0, abs=0.2)
        keystep.say("stop")
        wait_until(lambda: stage.snapshot().paused, "the stop")
        keystep.say("continue")
        wait_until(lambda: stage.snapshot().running, "the music again")
        beats = [beat for beat, _ in stage.tape.onsets("lead")]
        assert beats == [float(place) for place in range(len(beats))]
        keystep.__exit__(None, None, None)
        wait_until(lambda: any("its clock has ended, the music goes on" in line for line in stage.log()), "the end of it")
        assert stage.snapshot().running
        stage.bpm = 100


@jack
def test_an_engine_that_crashes_follows_again(keystep: Clock) -> None:
    with ended("main"), lc.Stage(bpm=90, inline=False, outputs=[]) as stage:
        stage.follow_clock("keystep")
        keystep.say("start")
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: "locked" in stage.snapshot().follows and stage.snapshot().beats > 4, "the lock")
        assert stage.engine is not None
        kill(stage.engine.pid)
        here = stage.snapshot().beats
        wait_until(lambda: stage.snapshot().beats > here + 8, "the music again")
        assert stage.snapshot().follows.startswith("follows keystep:out: 12")


@jack
def test_one_engine_follows_the_other(jack_server: None) -> None:
    with ended("left"), ended("right"), lc.Stage(bpm=140, name="left", inline=False, outputs=[]) as left, Ear("ear") as ear:
        left.midi("Left", api="jack", virtual=True)
        left.clock("Left")
        with lc.Stage(bpm=90, name="right", inline=False, outputs=[]) as right:
            right.follow_clock("Left")
            right.midi("ear", api="jack")
            right.clock("ear")
            right.part("bass") >> lc.notes("C2 D2 E2 F2")
            left.part("lead") >> lc.notes("C4 D4 E4 F4")
            wait_until(lambda: "locked" in right.snapshot().follows and right.snapshot().running, "the lock")
            here = left.snapshot().beats
            wait_until(lambda: left.snapshot().beats > here + 8, "two bars")
            assert float(right.snapshot().bpm) == pytest.approx(140, rel=0.1)
            moment = right.snapshot().at
            bars = (beat_at(left, moment) - beat_at(right, moment)) % 4
            assert min(bars, 4 - bars) < 0.5
            left.pause()
            wait_until(lambda: right.snapshot().paused, "the pause of both")
            wait_until(lambda: not Receiver().hear(ear.messages()).running, "the stop at the end of the chain")
            left.go_on()
            wait_until(lambda: right.snapshot().running, "both again")


PEER = """
import sys, time, livecode as lc
with lc.Stage(bpm=97, name="peer", inline=True, outputs=[]) as stage:
    stage.part("lead") >> lc.notes("C4 D4 E4 F4")
    stage.link()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.startswith("bpm"):
            stage.bpm = float(line.split()[1])
        if line.strip() in ("pause", "go_on"):
            getattr(stage, line.strip())()
        here = stage.snapshot()
        print(float(here.bpm), float(here.beat), here.at, int(here.paused), flush=True)
"""


def test_two_stages_share_tempo_and_bar_line_over_link() -> None:
    pytest.importorskip("link", reason="Link is not installed here: pip install 'livecode[link]'.")
    with subprocess.Popen([sys.executable, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None

        def ask(words: str = "where") -> tuple[float, float, float, float]:
            assert peer.stdin is not None
            assert peer.stdout is not None
            peer.stdin.write(f"{words}\n")
            peer.stdin.flush()
            bpm, beat, at, paused = (float(word) for word in peer.stdout.readline().split())
            return bpm, beat, at, paused

        assert peer.stdout.readline() == "ready\n"
        with lc.Stage(bpm=140, outputs=[]) as stage:
            stage.part("bass") >> lc.notes("C2 D2 E2 F2")
            assert stage.link() == "follows the clock of Link"
            wait_until(lambda: "1 other peer" in stage.snapshot().follows, "the other peer")
            wait_until(lambda: abs(stage.bpm - 97) < 1, "the tempo that was there first")

            def apart() -> float:
                bpm, beat, at, _ = ask()
                here = stage.snapshot()
                bars = (float(here.beat) - beat - (float(here.at) - at) * bpm / 60) % 4
                return min(bars, 4 - bars)

            wait_until(lambda: apart() < 0.1, "the bar line")
            assert ask("bpm 120")[1] >= 1
            wait_until(lambda: abs(stage.bpm - 120) < 1, "the tempo of the other")
            stage.bpm = Fraction(110)
            wait_until(lambda: abs(ask()[0] - 110) < 1, "our tempo there")
            wait_until(lambda: apart() < 0.1, "the bar line, still")
            with pytest.raises(lc.BadInput, match="knows no ramps"):
                stage.ramp(140)
            stage.pause()
            wait_until(lambda: ask()[3] == 1 and stage.snapshot().paused, "the pause of both")
            ask("go_on")
            wait_until(lambda: ask()[3] == 0 and stage.snapshot().running, "both again")
            wait_until(lambda: apart() < 0.1, "the bar line after the pause")
            ask("pause")
            wait_until(lambda: stage.snapshot().paused, "the other's pause")
            stage.go_on()
            wait_until(lambda: ask()[3] == 0 and stage.snapshot().running, "both once more")
        peer.stdin.close()


def test_without_the_extra_link_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "link", None)
    with lc.Stage(outputs=[]) as stage, pytest.raises(lc.BadInput, match=r"pip install 'livecode\[link\]'"):
        stage.link()


@pytest.mark.parametrize("source", ["nobody", ""])
def test_a_clock_that_nobody_sends_is_refused(source: str) -> None:
    with lc.Stage(outputs=[]) as stage, pytest.raises((lc.UnknownName, lc.OutputError)):
        stage.follow_clock(source or "nothing")


def test_offline_stages_follow_nobody() -> None:
    with lc.Stage(offline=True) as stage:
        with pytest.raises(lc.BadInput, match="hears no MIDI"):
            stage.follow_clock("KeyStep")
        with pytest.raises(lc.BadInput, match="in no network"):
            stage.link()
