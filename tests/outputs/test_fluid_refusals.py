"""What FluidSynth's output refuses, in one sentence, and what it never prints."""

import os
import subprocess
import sys

import pytest

from livecode.clock import SystemClock
from livecode.errors import OutputError, UnknownName
from livecode.music import Beats
from livecode.outputs import audio
from livecode.outputs.fluid import FluidOutput

WITHOUT_LIBRARY = """
import ctypes.util
ctypes.util.find_library = lambda name: None
from livecode.clock import SystemClock
from livecode.errors import OutputError
from livecode.outputs.fluid import FluidOutput
try:
    FluidOutput(SystemClock()).open()
except OutputError as error:
    print(error)
"""

IMPORTED = "import sys, livecode.outputs.fluid, livecode.outputs.render; print('fluidsynth' in sys.modules)"


def said_by(program: str) -> str:
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_missing_library_is_refused_with_what_to_install() -> None:
    said = said_by(WITHOUT_LIBRARY)

    assert said.startswith("FluidSynth is not installed: ")
    assert "apt install libfluidsynth3" in said
    assert "brew install fluid-synth" in said


def test_nothing_foreign_is_loaded_by_an_import() -> None:
    assert said_by(IMPORTED) == "False"


def test_a_closed_output_refuses_to_play() -> None:
    output = FluidOutput(SystemClock())

    with pytest.raises(OutputError, match="closed: open it"):
        output.schedule([])
    with pytest.raises(OutputError, match="closed: open it"):
        output.withdraw(None, Beats(0))
    output.close()


@pytest.mark.fluidsynth
@pytest.mark.usefixtures("libfluidsynth", "no_jack")
class TestWithTheLibrary:
    def test_an_unknown_driver_gets_the_closest_names(self) -> None:
        with pytest.raises(UnknownName, match="There is no audio driver 'jak': did you mean 'jack'"):
            FluidOutput(SystemClock(), driver="jak").open()

    def test_an_unknown_soundfont_gets_the_closest_names(self) -> None:
        with pytest.raises(UnknownName, match="There is no soundfont 'TimGM6': did you mean 'TimGM6mb'"):
            FluidOutput(SystemClock(), soundfont="TimGM6").open()

    def test_no_device_is_refused_quietly(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(audio, "drivers", list)

        with pytest.raises(OutputError, match="There is no audio device here"):
            FluidOutput(SystemClock()).open()
        assert capfd.readouterr() == ("", "")

    def test_a_driver_that_does_not_open_is_refused_quietly(self, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(OutputError, match="There is no JACK server"):
            FluidOutput(SystemClock(), driver="jack").open()
        with pytest.raises(OutputError, match="cannot open the audio driver 'oss'"):
            FluidOutput(SystemClock(), driver="oss").open()
        assert capfd.readouterr() == ("", "")
