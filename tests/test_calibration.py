"""What notes that come back say about the way they went."""

import pytest

from livecode.calibration import ENOUGH, NOTES, measured, probe
from livecode.errors import BadInput
from livecode.inputs import Arrival


def back(*late: float, channel: int = 15) -> list[Arrival]:
    """The first notes of a probe, each so many ms late."""
    sent = probe(10.0, 15)
    return [Arrival(note.seconds + ms / 1000, (0x90 | channel, note.pitch, 1)) for note, ms in zip(sent, late, strict=False)]


def test_the_median_counts_and_the_spread_is_said() -> None:
    found = measured(probe(10.0, 15), back(*[2.0] * 10, 1.0, 40.0))
    assert str(found) == "12 of 16 notes came back after 2.0 ms (1.0 to 40.0)"


def test_other_keys_channels_and_ends_are_somebody_elses() -> None:
    others = [Arrival(10.0, (0x90, 40, 1)), Arrival(10.0, (0x9F, 100, 1)), Arrival(10.0, (0x8F, 40, 64)), Arrival(10.0, (0xFF,))]
    assert measured(probe(10.0, 15), [*others, *back(*[5.0] * NOTES), *back(*[99.0] * NOTES)]).most == pytest.approx(0.005)


@pytest.mark.parametrize("notes", [0, ENOUGH - 1])
def test_too_few_are_not_believed(notes: int) -> None:
    with pytest.raises(BadInput, match=f"{notes} of 16 notes came back: connect the output to the input with a cable"):
        measured(probe(10.0, 15), back(*[2.0] * notes))
