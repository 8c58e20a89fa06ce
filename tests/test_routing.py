"""Which output a part plays on: tapes stand for synthesizers."""

import re

import pytest
from rig import Rig

from livecode.commands import Adjust, FollowClock, Panic, Route, Thru
from livecode.errors import BadInput, UnknownName
from livecode.masters import MidiMaster
from livecode.music import ProgramEvent
from livecode.outputs.tape import Tape


class Synth(Tape):
    """A tape with a name of its own."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


@pytest.fixture
def synths() -> tuple[Synth, Synth]:
    return Synth("synth"), Synth("hardware")


@pytest.fixture
def rig(synths: tuple[Synth, Synth]) -> Rig:
    return Rig(outputs=synths)


def test_parts_play_on_the_first_output_until_they_are_sent_to_another(rig: Rig, synths: tuple[Synth, Synth]) -> None:
    synth, hardware = synths
    rig.plays("drums", "C2 . . .")
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1.5)
    rig.obey(Route(part="lead", output="hardware"))
    rig.play(until=4)
    assert [onset for onset in synth.onsets() if onset[0] < 4] == [(0, "C2"), (0, "C4"), (1, "D4")]
    assert [onset for onset in hardware.onsets() if onset[0] < 4] == [(2, "E4"), (3, "F4")]
    assert rig.score("lead") == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4")]
    rig.obey(Route(part="lead", output=""))
    rig.play(until=8)
    assert [onset for onset in synth.onsets("lead") if 5 <= onset[0] < 8] == [(5, "D4"), (6, "E4"), (7, "F4")]


def test_what_rings_ends_on_the_output_that_a_part_leaves(rig: Rig, synths: tuple[Synth, Synth]) -> None:
    rig.plays("pad", "C4 _ _ _ _ _ _ _")
    rig.play(until=1)
    left = rig.obey(Route(part="pad", output="hardware")).beat
    rig.play(until=4)
    assert [note.end_beat for note in synths[0].notes()] == [left]


def test_settings_come_along_to_the_other_output(rig: Rig, synths: tuple[Synth, Synth]) -> None:
    rig.obey(Adjust(part="lead", program=5))
    rig.plays("lead", "C4")
    rig.play(until=1.5)
    rig.obey(Route(part="lead", output="hardware"))
    rig.play(until=4)
    for synth in synths:
        assert [event.program for event in synth.events() if isinstance(event, ProgramEvent)] == [5]


def test_panic_reaches_every_output(rig: Rig, synths: tuple[Synth, Synth]) -> None:
    rig.obey(Route(part="b", output="hardware"))
    rig.plays("a", "C4 _ _ _")
    rig.plays("b", "C3 _ _ _")
    rig.play(until=1)
    rig.obey(Panic())
    rig.play(until=4)
    assert [note.end_beat for synth in synths for note in synth.notes()] == [1, 1]


def test_an_unknown_output_is_refused_with_the_closest_names(rig: Rig) -> None:
    with pytest.raises(UnknownName, match="There is no output 'hardwear': did you mean 'hardware'"):
        rig.obey(Route(part="lead", output="hardwear"))
    with pytest.raises(BadInput, match="There is an output 'synth' already"):
        rig.sequencer.add_output(Synth("synth"))


def test_who_is_meant_by_a_name_is_the_same_for_outputs_inputs_and_clocks() -> None:
    names = ["Digitone", "Digitone B"]
    rig = Rig(outputs=[Synth(name) for name in names])
    for name in names:
        rig.sequencer.add_input(name)
        rig.sequencer.offer(name, MidiMaster())
    for meant, said in zip(names, ("digitone", "tone b"), strict=True):
        words = [
            rig.obey(command).words
            for command in (Route(part="lead", output=said), Thru(part="lead", input=said), FollowClock(source=said))
        ]
        assert [re.findall("Digitone(?: B)?", sentence)[0] for sentence in words] == [meant] * 3
    for command in (Route(part="lead", output="digi"), Thru(part="lead", input="digi"), FollowClock(source="digi")):
        with pytest.raises(UnknownName, match="Digitone"):
            rig.obey(command)


def test_an_output_may_come_while_music_plays(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    late = Synth("late")
    rig.sequencer.add_output(late)
    rig.obey(Route(part="lead", output="late"))
    rig.play(until=4)
    assert [onset for onset in late.onsets() if onset[0] < 4] == [(2, "E4"), (3, "F4")]


def test_the_first_output_that_comes_hears_of_the_settings() -> None:
    rig, late = Rig(), Synth("late")
    rig.obey(Adjust(part="lead", program=11))
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1.5)
    rig.sequencer.add_output(late)
    rig.play(until=4)
    assert [event.program for event in late.events() if isinstance(event, ProgramEvent)] == [11]
    assert [onset for onset in late.onsets() if onset[0] < 4] == [(2, "E4"), (3, "F4")]
