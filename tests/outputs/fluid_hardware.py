"""A synth for tests to play: FluidSynth in a process of its own (this file, run as a script), with JACK MIDI in and audio out.

It is asked how it stands: what it has understood counts, not what was sent.
"""

import os
import subprocess
import sys
from types import TracebackType


class Hardware:
    """Runs until the block ends, with the MIDI port `hardware:midi_00`."""

    def __enter__(self) -> "Hardware":
        quiet = {name: value for name, value in os.environ.items() if name != "CI"}  # where pyfluidsynth prints
        self._process = subprocess.Popen(
            [sys.executable, __file__], env=quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        if (said := self._process.stdout.readline()) != "ready\n":
            self._process.communicate()
            raise RuntimeError(f"The synth did not start: it said {said!r}.")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()

    def controller(self, channel: int, control: int) -> int:
        """What a controller stands at, on a channel (0-15)."""
        return self._ask("cc", channel, control)

    def program(self, channel: int) -> int:
        """The program (0-127) of a channel."""
        return self._ask("program", channel)

    def bend(self, channel: int) -> int:
        """The pitch bend of a channel, 0 to 16383."""
        return self._ask("bend", channel)

    def bend_range(self, channel: int) -> int:
        """In semitones."""
        return self._ask("range", channel)

    def voices(self) -> int:
        """How many sound."""
        return self._ask("voices")

    def _ask(self, *words: object) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _run() -> None:
    import ctypes

    import fluidsynth

    from livecode.outputs import soundfonts

    synth = fluidsynth.Synth(samplerate=48000.0)
    for name in ("audio.jack.id", "midi.jack.id"):
        synth.setting(name, "hardware")
    synth.setting("audio.jack.autoconnect", 0)
    synth.start(driver="jack", midi_driver="jack")
    synth.sfload(str(soundfonts.find(None)))

    def whole(function: str, channel: int) -> int:
        value = ctypes.c_int()
        fluidsynth.cfunc(function, ctypes.c_int, ("s", ctypes.c_void_p, 1), ("c", ctypes.c_int, 1), ("v", ctypes.c_void_p, 1))(
            synth.synth, channel, ctypes.byref(value)
        )
        return value.value

    answers = {
        "cc": synth.get_cc,
        "program": lambda channel: synth.channel_info(channel)[2],
        "bend": lambda channel: whole("fluid_synth_get_pitch_bend", channel),
        "range": lambda channel: whole("fluid_synth_get_pitch_wheel_sens", channel),
        "voices": synth.get_active_voice_count,
    }
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        word, *numbers = line.split()
        print(answers[word](*map(int, numbers)), flush=True)  # noqa: T201
    synth.delete()


if __name__ == "__main__":
    _run()
