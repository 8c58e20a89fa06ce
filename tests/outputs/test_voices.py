"""Which of the synthesizer's presets the parts play."""

from typing import Any

from livecode.music import Beats, ProgramEvent
from livecode.outputs.voices import Voices


class Piano:
    """A synthesizer whose soundfont has programs 0 and 4 alone."""

    presets = frozenset({(0, 0), (0, 4)})

    def __init__(self) -> None:
        self.selected: list[tuple[int, int]] = []

    def client(self, part: str) -> int:
        return 0

    def select(self, channel: int, *preset: int) -> None:
        pass

    def program(self, source: int, due: int, channel: int, *preset: int) -> None:
        self.selected.append((preset[0], preset[1]))


def test_a_program_that_is_missing_is_no_trouble_once_another_plays() -> None:
    synth: Any = Piano()
    voices = Voices(synth)
    lacking = []
    for program in (9, 4):
        voices.send(voices.of("lead"), ProgramEvent("lead", Beats(0), 0.0, 0, program), 0, 0)
        lacking.append(voices.lacking.copy())
    assert synth.selected == [(0, 0), (0, 4)]
    assert lacking == [{("lead", False): 9}, {}]
    assert voices.missing == {("lead", 9)}
