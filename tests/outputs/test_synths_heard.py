"""Instruments on real ports, heard by an independent receiver."""

import pytest
from fluid_hardware import Hardware
from midi_ear import Ear, hanging, ons
from waiting import wait_until

import livecode as lc

pytestmark = pytest.mark.jack


def test_a_synth_is_opened_and_hears_its_program_ramps_and_parameters(jack_server: None) -> None:
    with Ear("Digitone") as synth, lc.Stage(bpm=480, outputs=[]) as stage:
        digi = stage.synth("digitone", channel=3, program=12, voices=1, names={"drive": 23}, latency=12, api="jack")
        assert stage.synth("Digi", channel=4).output == digi.output == "Digitone:in"
        lead = stage.part("lead", on=digi)
        lead.cc("bend_range").to(12)
        lead >> lc.notes("C4,E4 D4 E4 F4")
        lead.cc("drive").to(4, start=0, bars=1)
        lead.nrpn(1, 8, fine=True).to(200)
        lead.bend.to(1)
        heard = synth.wait_for((0xB2, 23, 4), (0xB2, 38, 72), (0xE2, 127, 127), (0x92, 65, 100))
        assert [message[2] for message in heard if message[:2] == (0xB2, 23)] == [0, 1, 2, 3, 4]
        assert heard.index((0xC2, 11)) < heard.index((0x92, 64, 100))
        begin = heard.index((0xB2, 99, 1))
        chosen = [(0xB2, 99, 1), (0xB2, 98, 8), (0xB2, 6, 1), (0xB2, 38, 72), (0xB2, 101, 127), (0xB2, 100, 127)]
        assert heard[begin : begin + 6] == chosen
        assert 60 not in ons(heard)
        assert "told 12 ms early" in repr(stage.status())
        stage.close()
        wait_until(lambda: hanging(synth.messages()) == set(), "silence after the end")


def test_a_port_that_comes_back_is_told_bends_and_parameters_again(jack_server: None) -> None:
    with lc.Stage(bpm=480, outputs=[]) as stage:
        with Ear("mortal") as synth:
            lead = stage.part("lead", on=stage.synth("mortal", channel=1, api="jack"))
            lead >> lc.notes("C4 D4")
            lead.rpn(0, 0).to(12)
            lead.bend.to(-1)
            synth.wait_for((0xE0, 0, 0), (0xB0, 6, 12))
        wait_until(lambda: "the port is gone" in repr(stage.status()), "the loss")
        with Ear("mortal") as again:
            heard = again.wait_for((0xE0, 0, 0), (0xB0, 6, 12))
            place = heard.index((0xB0, 6, 12))
            assert heard[place - 2 : place + 1] == [(0xB0, 101, 0), (0xB0, 100, 0), (0xB0, 6, 12)]


def test_a_synth_that_is_not_there_is_refused_with_the_closest(jack_server: None) -> None:
    with Ear("Digitone"), lc.Stage(outputs=[]) as stage:
        with pytest.raises(lc.UnknownName, match="There is no MIDI port 'Digitine:in': did you mean 'Digitone:in'"):
            stage.synth("Digitine:in", api="jack")
        with pytest.raises(lc.BadInput, match="There is no channel 17"):
            stage.synth("Digitone", channel=17)
        with pytest.raises(lc.BadInput, match="voices=0 cannot be"):
            stage.synth("Digitone", voices=0)
        with pytest.raises(lc.BadInput, match="None names no instrument"):
            stage.synth(None)  # type: ignore[arg-type]
        with pytest.raises(lc.UnknownName, match="There is no output 'zz'"):
            stage.latency("zz", 5)
        assert stage.report().outputs == ()


def test_another_synthesizer_understands_what_it_is_told(jack_server: None) -> None:
    with Hardware() as hardware, lc.Stage(bpm=480, outputs=[]) as stage:
        lead = stage.part("lead", on=stage.synth("hardware:midi_00", channel=3, program="Violin", latency=5, api="jack"))
        lead >> lc.notes("C4 _ _ _")
        lead.cc("bend_range").to(12)
        lead.cc("cutoff").to(100, bars=1)
        lead.bend.to(1, bars=1)
        wait_until(lambda: hardware.bend(2) == 16383, "the bend")
        assert (hardware.program(2), hardware.bend_range(2), hardware.controller(2, 74)) == (40, 12, 100)
        wait_until(lambda: hardware.voices() > 0, "sound")
        lead.bend.to(0)
        lead.stop(on="now")
        wait_until(lambda: hardware.voices() == 0, "silence")
        assert hardware.bend(2) == 8192
