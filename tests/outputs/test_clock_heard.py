"""MIDI clock out on real ports, heard by an independent receiver."""

from collections.abc import Iterator

import pytest
from clock_ear import Receiver
from engines import ended, kill
from midi_ear import Ear
from waiting import wait_until

import livecode as lc

pytestmark = pytest.mark.jack


@pytest.fixture
def drums(jack_server: None) -> Iterator[Ear]:
    with Ear("drums") as drums:
        yield drums


def follows(ear: Ear) -> Receiver:
    """Where who listens there stands."""
    return Receiver().hear(ear.messages())


def test_a_receiver_starts_pauses_goes_on_and_stops_with_the_music(drums: Ear) -> None:
    with lc.Stage(bpm=480, outputs=[]) as stage:
        stage.midi("drums", api="jack")
        assert stage.clock("drums") == "drums:in gets MIDI clock, 24 ticks a beat, with start, stop and song position"
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: len(follows(drums).history) > 100, "a bar of ticks")
        stage.pause()
        wait_until(lambda: stage.snapshot().paused, "the pause")
        held = stage.snapshot().beats
        wait_until(lambda: not follows(drums).running, "stop")
        ticks = len(follows(drums).history)
        assert ticks == held * 24
        stage.go_on()
        wait_until(lambda: len(follows(drums).history) > ticks + 24, "more ticks")
        assert follows(drums).history[ticks] == held
        assert drums.messages().count((0xFA,)) == 1
    wait_until(lambda: not follows(drums).running, "stop at the end")


def test_an_engine_that_is_killed_continues_the_receiver_on_the_bar(drums: Ear) -> None:
    with ended("main"), lc.Stage(bpm=480, inline=False, outputs=[]) as stage:
        stage.midi("drums", api="jack")
        stage.clock("drums")
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: len(follows(drums).history) > 50, "ticks")
        assert stage.engine is not None
        kill(stage.engine.pid)
        wait_until(lambda: (0xFB,) in drums.messages(), "continue")
        ticks = len(Receiver().hear(drums.messages()[: drums.messages().index((0xFB,))]).history)
        wait_until(lambda: len(follows(drums).history) > ticks + 24, "ticks again")
        back = follows(drums).history[ticks]
        assert back % 4 == 0
        assert back > follows(drums).history[ticks - 1]


def test_a_receiver_that_is_pulled_out_and_comes_back_is_where_the_music_is(drums: Ear) -> None:
    with lc.Stage(bpm=240, outputs=[]) as stage:
        stage.midi("drums", api="jack")
        stage.clock("drums")
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: len(follows(drums).history) > 24, "ticks")
        drums.kill()
        wait_until(lambda: "the port is gone" in repr(stage.status()), "the loss")
        with Ear("drums") as again:
            wait_until(lambda: len(follows(again).history) > 48, "ticks again")
            here = stage.snapshot().beats
            wait_until(lambda: (follows(again).place or 0) > here, "the place")
            assert (follows(again).place or 0) < stage.snapshot().beats + 1
