"""How long until livecode is there: import, prompt, first note, first bars of a model.

    python bench/startup.py

Each figure is the median of five fresh processes (two for the models' worker). Beside it stands what one would do instead:
import Magenta in the prompt, and generate there.
"""

# ruff: noqa: T201

import statistics
import subprocess
import sys

IMPORT = "import livecode"
IMPORT_MAGENTA = "from magenta.models.drums_rnn import drums_rnn_sequence_generator"
FIRST_NOTE = """
import livecode as lc
stage = lc.Stage(bpm=80, outputs=[])
stage.part("drums") >> lc.beat(kick="x...")
while not stage.snapshot().running or stage.snapshot().beats <= 0: pass
"""
FIRST_BARS = """
import livecode as lc
with lc.Stage(bpm=80, offline=True) as stage:
    stage.part("drums") >> lc.drums_rnn(bars=2)
    stage.run(bars=1)
    assert stage.tape.onsets()
"""
FIRST_BARS_OF_MAGENTA = """
from magenta.models.drums_rnn import drums_rnn_sequence_generator
from magenta.models.shared import sequence_generator_bundle
from note_seq.protobuf import generator_pb2, music_pb2
from livecode.models.bundles import find
bundle = sequence_generator_bundle.read_bundle_file(str(find("drums_rnn", "drum_kit").path))
generator = drums_rnn_sequence_generator.get_generator_map()["drum_kit"](checkpoint=None, bundle=bundle)
options = generator_pb2.GeneratorOptions()
options.generate_sections.add(start_time=0, end_time=8)
primer = music_pb2.NoteSequence()
primer.tempos.add(qpm=60)
assert generator.generate(primer, options).notes
"""

TIMED = """
import os, time
begun = time.perf_counter()
{code}
print("seconds", time.perf_counter() - begun, flush=True)
os._exit(0)
"""


def seconds(code: str, runs: int) -> tuple[float, float]:
    """Median and longest of so many runs of the code in fresh processes."""
    took = []
    for _ in range(runs):
        said = subprocess.run([sys.executable, "-c", TIMED.format(code=code)], capture_output=True, text=True, check=True)
        took.append(float(said.stdout.split("seconds")[-1]))
    return statistics.median(took), max(took)


def main() -> None:
    rows = [
        ("import", IMPORT, 5, IMPORT_MAGENTA, 2),
        ("first note of one's own on its way", FIRST_NOTE, 5, None, 0),
        ("first two bars of drum_kit", FIRST_BARS, 2, FIRST_BARS_OF_MAGENTA, 2),
    ]
    print(f"{'seconds':38}{'median':>8}{'max':>8}{'Magenta in the prompt':>24}{'ratio':>8}")
    for label, code, runs, peer, peer_runs in rows:
        middle, longest = seconds(code, runs)
        beside = seconds(peer, peer_runs)[0] if peer else None
        compared = f"{beside:24.2f}{beside / middle:8.1f}" if beside else ""
        print(f"{label:38}{middle:8.2f}{longest:8.2f}{compared}")


if __name__ == "__main__":
    main()
