"""Tab offers the MIDI ports that are there, without opening any."""

import pytest
from midi_ear import Ear

from livecode.ui.completion import Matcher, place
from livecode.ui.watch import Sight

pytestmark = pytest.mark.jack


def test_tab_offers_the_ports_that_are_there(jack_server: None) -> None:
    words = Matcher(lambda: Sight(None, 0.0, ""), {})
    with Ear("Digitone", "in") as ear:
        assert words.offers(place('stage.midi("digi')) == [ear.port]
        assert words.offers(place("stage.midi(port='tone")) == [ear.port]
        assert ear.messages() == []
