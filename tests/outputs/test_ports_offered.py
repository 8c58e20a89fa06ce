"""Which MIDI ports are offered: those of other programs that are there. None is opened."""

import pytest
from midi_ear import Ear
from midi_hand import Hand
from waiting import wait_until

import livecode as lc
from livecode.ui.cli import main
from livecode.ui.completion import Matcher, place
from livecode.ui.watch import Sight

pytestmark = pytest.mark.jack


def test_tab_offers_the_ports_that_are_there(jack_server: None) -> None:
    words = Matcher(lambda: Sight(None, 0.0, ""), {})
    with Ear("Digitone", "in") as ear:
        assert words.offers(place('stage.midi("digi')) == [ear.port]
        assert words.offers(place("stage.midi(port='tone")) == [ear.port]
        assert ear.messages() == []


def test_outputs_and_inputs_are_listed_apart(jack_server: None, capsys: pytest.CaptureFixture[str]) -> None:
    with Ear("Digitone", "in"), Hand("KeyStep"):
        assert main(["ports"]) == 0
        assert capsys.readouterr().out == "Outputs, to play on:\n  Digitone:in\nInputs, to hear:\n  KeyStep:out\n"
    assert main(["ports"]) == 0
    assert "Outputs, to play on:\n  none: connect a device, or make a port for" in capsys.readouterr().out


def test_our_own_ports_are_not_offered_and_only_their_whole_name_finds_them(jack_server: None) -> None:
    tab = Matcher(lambda: Sight(None, 0.0, ""), {})
    with lc.Stage(outputs=[]) as stage, Hand("KeyStep"):
        stage.midi("Looper", api="jack", virtual=True)
        stage.input("Keys", api="jack", virtual=True)
        wait_until(lambda: tab.offers(place('stage.input("')) == ["KeyStep:out"], "the only one")
        assert tab.offers(place('stage.midi("')) == []
        with pytest.raises(lc.UnknownName, match="There is no MIDI input 'loop': "):
            stage.input("loop", api="jack")
        assert stage.input("key", api="jack").name == "KeyStep:out"  # which is ours alone in part
        assert stage.input("looper", api="jack").name.endswith(":Looper")
        assert stage.input(api="jack").name == "KeyStep:out"  # the only one there is
