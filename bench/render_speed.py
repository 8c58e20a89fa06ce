"""How many times faster than real time a take is rendered: 16 bars of 4/4 at 80 bpm, two parts, the median of five.

    python bench/render_speed.py

Beside it stands what one would use instead: pretty_midi's `fluidsynth` on the same take as a MIDI file, with the same soundfont.
"""

# ruff: noqa: T201

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import livecode as lc
from livecode.outputs import soundfonts

RUNS = 5


def a_piece() -> lc.Stage:
    """Drums in sixteenths and four-note chords in quarters."""
    stage = lc.Stage(bpm=80, offline=True)
    stage.part("drums") >> lc.beat(kick="x.......", hat="xxxxxxxx")
    stage.part("chords", program="Electric Piano 1") >> lc.notes("C3,E3,G3,B3 D3,F3,A3,C4 E3,G3,B3,D4 F3,A3,C4,E4")
    stage.run(bars=16)
    return stage


def factor(render: Callable[[], object], seconds: float) -> float:
    """Times real time, median of the runs."""
    factors = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        render()
        factors.append(seconds / (time.perf_counter() - begun))
    return statistics.median(factors)


def main() -> None:
    warnings.simplefilter("ignore")
    import pretty_midi

    with a_piece() as stage, tempfile.TemporaryDirectory() as folder:
        wav, midi = Path(folder, "take.wav"), Path(folder, "take.mid")
        stage.export(midi)
        print(stage.export(wav).split(": ", 1)[1])
        song = pretty_midi.PrettyMIDI(str(midi))
        ours = factor(lambda: stage.export(wav), 51.0)
        theirs = factor(lambda: song.fluidsynth(fs=48000, sf2_path=str(soundfonts.find())), 49.0)
        print(f"livecode {ours:.0f} times real time, pretty_midi {theirs:.0f} (in memory): {ours / theirs:.1f}")


if __name__ == "__main__":
    main()
