"""A stage that plays to MIDI ports, heard by an independent receiver."""

import pytest
from midi_ear import Ear, hanging, ons
from waiting import wait_until

import livecode as lc

pytestmark = pytest.mark.jack


def test_parts_go_to_the_port_they_are_sent_to_and_leave_nothing_hanging(jack_server: None) -> None:
    with Ear("digitone") as synth, lc.Stage(bpm=480, outputs=[]) as stage:
        assert stage.midi("digi", api="jack") == "output digitone:in is open"
        lead, pad = stage.part("lead", channel=3, program="Violin", bank=(121, 3), cc={74: 100}), stage.part("pad", channel=4)
        lead.output = pad.output = "digitone:in"
        lead >> lc.notes("C4 D4 E4 F4")
        pad >> lc.notes("C3 _ _ _ _ _ _ _")
        wait_until(lambda: len(ons(synth.messages())) > 12, "a dozen notes")
        settings = [message for message in synth.messages() if message[0] in (0xB2, 0xC2)]
        assert settings == [(0xB2, 74, 100), (0xB2, 0, 121), (0xB2, 32, 3), (0xC2, 40)]
        pad.mute()
        lead.stop(on="now")
        wait_until(lambda: hanging(synth.messages()) == set(), "silence")
        lead.loop(on="bar")
        here = len(ons(synth.messages()))
        wait_until(lambda: len(ons(synth.messages())) > here + 2, "the lead again")
        assert "output digitone:in" in repr(stage.status())
        stage.close()
        wait_until(lambda: hanging(synth.messages()) == set(), "silence after the end")
        lead_notes = [message[1] for message in synth.messages() if message[0] == 0x92]
        assert lead_notes[:4] == [60, 62, 64, 65]


def test_a_stage_without_an_audio_device_plays_on_the_first_port(jack_server: None) -> None:
    with Ear("synth") as synth, lc.Stage(bpm=480, outputs=[]) as stage:
        stage.midi("synth:in", api="jack")
        stage.part("lead") >> lc.notes("C4")
        wait_until(lambda: len(ons(synth.messages())) > 3, "notes")


def test_ports_are_refused_in_a_sentence(jack_server: None) -> None:
    with Ear("synth"), lc.Stage(outputs=[]) as stage:
        with pytest.raises(lc.UnknownName, match="There is no MIDI port 'sinth:in': did you mean 'synth:in'"):
            stage.midi("sinth:in", api="jack")
        stage.midi("synth", api="jack")
        with pytest.raises(lc.BadInput, match="There is an output 'synth:in' already"):
            stage.midi("synth", api="jack")
        with pytest.raises(lc.UnknownName, match="There is no output 'sinth'"):
            stage.part("lead").output = "sinth"
        stage.part("lead").output = "synth"
        assert stage.part("lead").output == "synth:in"
    with lc.Stage(offline=True) as stage, pytest.raises(lc.BadInput, match="plays to the tape only"):
        stage.midi("synth")
