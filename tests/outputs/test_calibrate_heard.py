"""A calibration over a real loop: an output of ours, connected to an input of ours on a JACK server."""

import re
from concurrent.futures import ThreadPoolExecutor

import jackd
import pytest
from midi_ear import Ear
from midi_hand import Hand
from waiting import wait_until

import livecode as lc

pytestmark = pytest.mark.jack


def plug(source: str, target: str) -> None:
    """Connect two ports, as at a patch bay."""
    import jack

    with jack.Client("patchbay", no_start_server=True) as bay:
        wait_until(lambda: bay.get_ports(source, is_output=True) and bay.get_ports(target, is_input=True), "the ports")
        bay.connect(bay.get_ports(source, is_output=True)[0], bay.get_ports(target, is_input=True)[0])


def test_a_loop_of_cable_is_measured_and_half_of_it_is_the_latency(jack_server: None) -> None:
    assert jackd.installed()
    with lc.Stage(outputs=[]) as stage:
        stage.midi("Loop out", api="jack", virtual=True)
        stage.input("Loop in", api="jack", virtual=True)
        plug(".*:Loop out", ".*:Loop in")
        lead = stage.part("lead")
        lead.thru("Loop in")
        said = stage.calibrate("loop")
        found = re.fullmatch(
            r"Loop out: (\d+) of 16 notes came back after ([\d.]+) ms \([\d.]+ to [\d.]+\): "
            r"played ([\d.]+) ms early, as its synth sounds late",
            said,
        )
        assert found is not None, said
        assert 8 <= int(found[1]) <= 16
        assert float(found[3]) == pytest.approx(float(found[2]) / 2, abs=0.1)
        assert f"told {float(found[3]):g} ms early" in repr(stage.status()) or float(found[3]) == 0
        assert stage.tape.notes("Loop in") == []
        assert "it hears what it sends" not in repr(stage.status())


def test_what_is_held_ends_while_a_calibration_listens(jack_server: None) -> None:
    with lc.Stage(bpm=480, outputs=[]) as stage, Ear("synth") as synth:
        stage.midi("synth", api="jack")
        stage.part("clock", channel=2) >> lc.notes("C2 _ _ _")
        keys = stage.input("In", api="jack", virtual=True)
        stage.part("lead", channel=1).thru(keys)
        with Hand("guest", to="livecode.*:In") as guest:
            wait_until(lambda: stage.snapshot().beats > 1, "the music")
            guest.strike(60, 64)
            synth.wait_for((0x90, 60, 100), (0x90, 64, 100))
            with ThreadPoolExecutor(1) as aside:
                refused = aside.submit(stage.calibrate, "synth")
                wait_until(lambda: (0x9F, 40, 1) in synth.messages(), "the first note of the probe")
                guest.lift(60)
                guest.strike(67)
                with pytest.raises(lc.BadInput, match="0 of 16 notes came back"):
                    refused.result()
            guest.lift(64, 67)
        synth.wait_for((0x80, 60, 64), (0x80, 64, 64))
        wait_until(lambda: {note.pitch for note in stage.tape.notes("In")} == {60, 64, 67}, "all ends")
        lengths = {note.pitch: note.end_beat - note.beat for note in stage.tape.notes("In")}
        assert lengths[60] < lengths[64]


def test_a_calibration_without_a_cable_or_ports_is_refused(jack_server: None) -> None:
    with Ear("synth"), lc.Stage(outputs=[]) as stage:
        stage.midi("synth", api="jack")
        with pytest.raises(lc.BadInput, match="Open one and name it"):
            stage.calibrate("synth")
        stage.input("Unplugged", api="jack", virtual=True)
        with pytest.raises(lc.UnknownName, match="There is no MIDI output 'sinth:in': did you mean 'synth:in'"):
            stage.calibrate("sinth:in")
        with pytest.raises(lc.UnknownName, match="There is no input 'Unpluged': did you mean 'Unplugged'"):
            stage.calibrate("synth", "Unpluged")
        with pytest.raises(lc.BadInput, match="0 of 16 notes came back: connect the output to the input"):
            stage.calibrate("synth")
        assert "early" not in repr(stage.status())
    with lc.Stage(offline=True) as stage, pytest.raises(lc.BadInput, match="An offline stage has no ports to measure"):
        stage.calibrate("synth")
