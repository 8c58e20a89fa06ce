"""Growing sequences of events: what a search copies at every step."""

import numpy as np
import pytest

from livecode.models.families import CONFIGS, Melody
from livecode.models.tracks import NO_EVENT, NOTE_OFF, KeyMelodyTrack

TUNE = [NOTE_OFF, NO_EVENT, NOTE_OFF, 60, NO_EVENT, 64, NOTE_OFF, 67, 64, 60, NO_EVENT] * 3


@pytest.mark.parametrize("config", ["basic_rnn", "attention_rnn"])
def test_a_copy_of_a_melody_grows_on_its_own_and_says_what_a_melody_of_its_events_says(config):
    family = CONFIGS[config]
    assert isinstance(family, Melody)
    first = family.kind(family.encoding(), TUNE)
    second = first.copy()
    for track, event in ((first, 72), (second, 61), (first, 50), (second, NOTE_OFF)):
        track.append(event)
    for track, grown in ((first, [*TUNE, 72, 50]), (second, [NO_EVENT] * 3 + TUNE[3:] + [61, NOTE_OFF])):
        assert track.events == grown
        assert np.array_equal(track.vector(), family.kind(family.encoding(), grown).vector())


def test_a_copy_does_not_read_the_melody_again(monkeypatch):
    """A search of 64 bars copies eight melodies of up to a thousand events at each of a thousand steps."""
    track, read = KeyMelodyTrack(CONFIGS["attention_rnn"].encoding(), TUNE), []
    monkeypatch.setattr(KeyMelodyTrack, "append", lambda track, event: read.append(event))
    assert track.copy().events == [NO_EVENT] * 3 + TUNE[3:]
    assert read == []
