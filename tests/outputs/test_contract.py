"""What every output promises, told once for all of them: the tape, FluidSynth as recorded, a MIDI port as received."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from midi_ear import Ear, hanging, ons
from performance import CLAVES, DRUMS, Performance, Score, beat, play

from livecode.clock import SystemClock
from livecode.music import NoteEvent
from livecode.outputs import Output
from livecode.outputs.midi import MidiOutput
from livecode.outputs.tape import Tape

Actions = dict[float, Callable[[], object]]


class OnTape:
    """What is on the tape."""

    def __init__(self) -> None:
        self.output: Output = Tape()
        self.score = Score(time.monotonic())

    def strikes(self, part: str, *steps: int) -> list[NoteEvent]:
        return self.score.notes(part, steps)

    def play(self, steps: float, actions: Actions) -> None:
        for _, action in sorted(actions.items()):
            action()

    def heard(self) -> list[int]:
        assert isinstance(self.output, Tape)
        return [int(note.beat) for note in self.output.notes()]


class OnFluidSynth(OnTape):
    """What was recorded."""

    def __init__(self, performance: Performance) -> None:
        self._performance = performance
        self.output, self.score = performance.output, performance.score

    def play(self, steps: float, actions: Actions) -> None:
        self._performance.play(steps, actions)

    def heard(self) -> list[int]:
        return self._performance.heard()


class OnMidi(OnTape):
    """What an independent receiver heard: each step is a pitch of its own."""

    def __init__(self, output: MidiOutput, ear: Ear) -> None:
        self.output, self._ear = output, ear
        self.score = Score(time.monotonic() + 0.4)

    def strikes(self, part: str, *steps: int) -> list[NoteEvent]:
        return [self.score.note(part, step, channel=DRUMS, pitch=CLAVES - 30 + step) for step in steps]

    def play(self, steps: float, actions: Actions) -> None:
        play(self.output, self.score, steps, actions)

    def heard(self) -> list[int]:
        messages = self._ear.messages()
        assert hanging(messages) == set()
        return [pitch - CLAVES + 30 for pitch in ons(messages)]


@contextmanager
def a_player(kind: str, request: pytest.FixtureRequest) -> Iterator[OnTape]:
    if kind == "tape":
        yield OnTape()
    elif kind == "fluidsynth":
        yield OnFluidSynth(request.getfixturevalue("performance"))
    else:
        request.getfixturevalue("jack_server")
        output = MidiOutput(SystemClock(), "ear:in", api="jack")
        with Ear() as ear:
            output.open()
            yield OnMidi(output, ear)
            output.close()


@pytest.fixture(
    params=[
        "tape",
        pytest.param("fluidsynth", marks=[pytest.mark.fluidsynth, pytest.mark.jack]),
        pytest.param("midi", marks=pytest.mark.jack),
    ]
)
def player(request: pytest.FixtureRequest) -> Iterator[OnTape]:
    with a_player(request.param, request) as player:
        yield player


def test_every_note_once_and_in_order(player: OnTape) -> None:
    player.output.schedule(player.strikes("a", 0, 1, 2))
    player.play(6, {1.5: lambda: player.output.schedule(player.strikes("a", 3, 4))})
    assert player.heard() == [0, 1, 2, 3, 4]


def test_what_is_withdrawn_is_not_played_and_nothing_else_goes(player: OnTape) -> None:
    output = player.output
    output.schedule(player.strikes("a", 0, 1, 4, 5, 6))
    output.schedule(player.strikes("b", 3, 7))
    player.play(9, {2.5: lambda: output.withdraw("a", beat(5))})
    assert player.heard() == [0, 1, 3, 4, 7]


def test_what_is_withdrawn_may_be_planned_anew(player: OnTape) -> None:
    output = player.output
    output.schedule(player.strikes("a", 0, 1, 4, 5))

    def again() -> None:
        output.withdraw("a", beat(3))
        output.schedule(player.strikes("a", 3, 5, 6))

    player.play(8, {2: again})
    assert player.heard() == [0, 1, 3, 5, 6]


def test_withdrawing_from_all_and_silence_leave_an_output_that_plays_on(player: OnTape) -> None:
    output = player.output
    output.schedule([*player.strikes("a", 0, 5), *player.strikes("b", 1, 6)])

    def panic() -> None:
        output.withdraw(None, beat(3))
        output.silence(None, beat(3))
        output.schedule(player.strikes("a", 7))

    player.play(9, {3: panic})
    assert player.heard() == [0, 1, 7]


def test_it_has_a_name_a_line_for_the_status_and_no_trouble(player: OnTape) -> None:
    assert player.output.name in str(player.output)
    assert player.output.trouble == ""
    assert player.output.latency >= 0
