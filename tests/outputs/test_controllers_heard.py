"""Knobs of an independent program on a real JACK server: what they turn, and what an engine of its own does with them."""

from collections.abc import Iterator

import pytest
from engines import ended, kill
from midi_ear import Ear
from midi_hand import Hand
from waiting import wait_until

import livecode as lc

pytestmark = pytest.mark.jack


@pytest.fixture
def nano(jack_server: None) -> Iterator[Hand]:
    with Hand("nanoKONTROL2") as nano:
        yield nano


@pytest.fixture
def synth(jack_server: None) -> Iterator[Ear]:
    with Ear("hardware") as synth:
        yield synth


def test_a_preset_knob_turns_a_synth_and_is_still_bound_after_a_crash(nano: Hand, synth: Ear) -> None:
    with ended("main"), lc.Stage(bpm=480, inline=False, outputs=[]) as stage:
        lead = stage.part("lead", on=stage.synth("hardware", channel=3, names={"drive": 23}, api="jack"))
        lead >> lc.notes("C4 D4 E4 F4")
        knobs = stage.controller("nanoKONTROL2", api="jack")
        said = knobs.map("slider 1", lead.cc("drive"), pickup=False)
        assert said == "cc 0 of nanoKONTROL2:out turns lead.drive"
        knobs.map("mute 1", lead.mute)
        nano.send((0xB0, 0, 77))
        synth.wait_for((0xB2, 23, 77))
        nano.send((0xB0, 48, 127), (0xB0, 48, 0))
        wait_until(lambda: lead.state().muted, "the mute")
        here = stage.snapshot().beats
        wait_until(lambda: stage.snapshot().beats > here + 8, "two bars, for the journal to be written")
        assert stage.engine is not None
        kill(stage.engine.pid)
        assert "knob cc 0 of nanoKONTROL2:out: lead.drive" in repr(stage.status())
        assert lead.state().muted

        def turned() -> bool:
            nano.send((0xB0, 0, 78))
            return (0xB2, 23, 78) in synth.messages()

        wait_until(turned, "the knob after the crash")


def test_a_knob_is_learnt_and_a_burst_is_few_changes(nano: Hand, synth: Ear) -> None:
    with lc.Stage(bpm=480, outputs=[]) as stage:
        lead = stage.part("lead", on=stage.synth("hardware", channel=1, api="jack"))
        lead >> lc.notes("C4 D4 E4 F4")
        with pytest.raises(lc.BadInput, match="No input is heard that could have knobs"):
            stage.learn("lead.cutoff")
        stage.input("nano", api="jack")
        stage.learn("lead.cutoff", pickup=False)
        assert "move a knob or hit a pad: it will be lead.cutoff" in repr(stage.status())
        nano.send((0xB4, 30, 1))
        wait_until(lambda: stage.mappings == ("cc 30 channel 5 of nanoKONTROL2:out: lead.cutoff",), "the knob to be learnt")
        for begin in range(0, 2000, 100):
            nano.send(*((0xB4, 30, place % 100) for place in range(begin, begin + 100)))
        nano.send((0xB4, 30, 125))
        synth.wait_for((0xB0, 74, 125))
        assert len([message for message in synth.messages() if message[:2] == (0xB0, 74)]) < 1000
        assert stage.unmap() == "nothing is mapped any more: cc 30 channel 5 of nanoKONTROL2:out"


def test_lights_show_how_things_stand_and_again_when_they_are_back(jack_server: None) -> None:
    with Ear("lights") as lights, lc.Stage(bpm=480, outputs=[]) as stage:
        stage.midi("lights", api="jack")
        drums = stage.part("drums") >> lc.beat(kick="x...")
        stage.map(note=36, to=drums.mute, feedback="lights")
        stage.map(cc=7, to="drums.gain", range=(0, 1.27), feedback="lights:in")
        lights.wait_for((0x90, 36, 0), (0xB0, 7, 100))
        drums.mute()
        lights.wait_for((0x90, 36, 127))
        lights.kill()
        wait_until(lambda: "the port is gone" in repr(stage.status()), "the loss")
        with Ear("lights") as again:
            again.wait_for((0x90, 36, 127), (0xB0, 7, 100))
