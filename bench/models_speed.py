"""How long models take: compiled, and beside it on Magenta's own generators, in one run.

    python bench/models_speed.py [--requests 60]

Two workers, one for each engine, are asked the same requests in turns, so that what else the machine does meets both. Times are
of the worker, from the request read to the phrase ready: median, p95 and longest, in ms. Beside the built-in bundles stand
untrained ones of the sizes that Magenta's configs have by default, with attention. Then what a worker costs: seconds from
starting its process to its first bars, and its memory after all requests.
"""

# ruff: noqa: T201

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from itertools import count
from pathlib import Path

from livecode.models import bundles, wire
from livecode.models.chords import chords
from livecode.models.host import WORKER
from livecode.music import Note, Phrase

STARTS = 5
ENGINES = ("compiled", "magenta")

BIG = {
    "drum_kit": "drums_rnn",
    "attention_rnn": "melody_rnn",
    "chord_pitches_improv": "improv_rnn",
    "attention_improv": "improv_rnn",
    "polyphony": "polyphony_rnn",
    "performance_with_dynamics": "performance_rnn",
    "multiconditioned_performance_with_dynamics": "performance_rnn",
}
"""The configs of which untrained bundles are asked, and their families."""

UNTRAINED = f"""
import sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
sys.path.insert(0, {str(Path(__file__).parents[1] / "tests" / "models")!r})
import tensorflow.compat.v1 as tf, tiny
for config in {list(BIG)!r}:
    tiny.make(tf, tiny.all_makers()[config], Path(sys.argv[1], config + ".mag"), "batch_size=1", loud=1.0)
tiny.make(tf, tiny.all_makers()["attention_rnn"], Path(sys.argv[1], "batch.mag"), "batch_size=128", loud=1.0)
"""


class Worker:
    """A worker of its own, without the host between."""

    def __init__(self) -> None:
        self._ids = count()
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._heard()

    def _heard(self) -> wire.FromWorker:
        assert self.process.stdout
        return wire.decode_for_host(self.process.stdout.readline())

    def ask(self, message: wire.ToWorker) -> wire.FromWorker:
        assert self.process.stdin
        self.process.stdin.write(wire.encode(message))
        self.process.stdin.flush()
        return self._heard()

    def load(self, key: wire.ModelKey) -> None:
        loaded = self.ask(wire.Load(key))
        assert isinstance(loaded, wire.Loaded)
        assert loaded.refusal is None, loaded.refusal

    def seconds(
        self,
        key: wire.ModelKey,
        primer: Phrase | None,
        beats: int,
        seed: int,
        chords: wire.Chords | None = None,
        **knobs: wire.Knob,
    ) -> float:
        name, length = str(next(self._ids)), Fraction(beats)
        said = self.ask(wire.Request(name, key, primer, length, Fraction(120), (4, 4), seed, knobs, chords=chords))
        assert isinstance(said, wire.Reply)
        assert said.phrase is not None, said.refusal
        return said.seconds

    def memory(self) -> tuple[int, int]:
        """Resident memory now and at most, in MB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "VmHWM"))}
        return kilobytes["VmRSS"] // 1024, kilobytes["VmHWM"] // 1024

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def tune(length: int) -> Phrase:
    pitches = (60, 62, 64, 65, 67, 65, 64, 62)
    return Phrase(tuple(Note(Fraction(beat), Fraction(1), pitches[beat % 8]) for beat in range(length)), Fraction(length))


def rock(length: int) -> Phrase:
    hits = [(Fraction(beat), 36 if beat % 2 == 0 else 38) for beat in range(length)]
    hits += [(Fraction(eighth, 2), 42) for eighth in range(2 * length)]
    return Phrase(tuple(Note(onset, Fraction(1, 4), pitch) for onset, pitch in hits), Fraction(length), drums=True)


def figures(seconds: list[float]) -> str:
    ordered = sorted(1000 * value for value in seconds)
    return f"{statistics.median(ordered):8.1f}{ordered[int(0.95 * len(ordered))]:8.1f}{ordered[-1]:8.1f}"


def compare(folder: Path, requests: int) -> None:
    drums, melody = ("drums_rnn", "drum_kit"), ("melody_rnn", "attention_rnn")
    big = {config: (family, folder / f"{config}.mag") for config, family in BIG.items()}
    played, conditioned = big["performance_with_dynamics"], big["multiconditioned_performance_with_dynamics"]
    around, chord = {"keep_primer": True, "continue_primer": False}, {"density": 8.0, "pitch_classes": "C E G"}
    search = {"beam_size": 4, "branch_factor": 2, "steps_per_iteration": 4}
    over = tuple((Fraction(4 * bar), symbol) for bar, symbol in enumerate(("G", "Am", "F", "C", "G"), -1))
    rows = [
        ("melody, 4 bars after 1", melody, tune(4), 16, {}),
        ("melody, 4 bars after 4", melody, tune(16), 16, {}),
        ("melody, 4 bars from nothing", melody, None, 16, {}),
        ("melody, 4 bars after 1, 4 x 2 paths", melody, tune(4), 16, search),
        ("drum_kit, 2 bars after 1", drums, rock(4), 8, {}),
        ("drum_kit, 2 bars after 2", drums, rock(8), 8, {}),
        ("drum_kit, 2 bars after 1, 4 x 2 paths", drums, rock(4), 8, search),
        ("melody 2x128, attention 40, 4 bars after 1", big["attention_rnn"], tune(4), 16, {}),
        ("the same, exported at a batch size of 128", ("melody_rnn", folder / "batch.mag"), tune(4), 16, {}),
        ("drum_kit 3x256, attention 32, 2 bars after 1", big["drum_kit"], rock(4), 8, {}),
        ("chord_pitches_improv 3x256, 4 bars after 1", big["chord_pitches_improv"], tune(4), 16, {"chords": over}),
        ("attention_improv 3x128, attention 40, 4 after 1", big["attention_improv"], tune(4), 16, {"chords": over}),
        ("the same over what a part plays", big["attention_improv"], tune(4), 16, {"chords": chords("G Am F C G")}),
        ("polyphony 3x256, 4 bars after 1", big["polyphony"], tune(4), 16, {}),
        ("polyphony 3x256, 4 bars around a tune", big["polyphony"], tune(16), 16, around),
        ("performance 3x512, dynamics, 4 bars after 1", played, tune(4), 16, {}),
        ("performance 3x512, conditioned, 4 bars after 1", conditioned, tune(4), 16, chord),
    ]
    workers = {engine: Worker() for engine in ENGINES}
    print(f"{'ms':50}{'compiled':>8}{'p95':>8}{'max':>8}{'Magenta':>8}{'p95':>8}{'max':>8}{'ratio':>8}")
    for label, (family, model), primer, beats, knobs in rows:
        keys = {engine: bundles.find(family, model, engine) for engine in ENGINES}
        took: dict[str, list[float]] = {engine: [] for engine in ENGINES}
        for engine, key in keys.items():
            workers[engine].load(key)
        for seed in range(requests // 3 if knobs or "3x" in label or "batch" in label else requests):
            for engine, key in keys.items():
                took[engine].append(workers[engine].seconds(key, primer, beats, seed, **knobs))
        ratio = statistics.median(took["magenta"]) / statistics.median(took["compiled"])
        print(f"{label:50}{figures(took['compiled'])}{figures(took['magenta'])}{ratio:8.1f}")
    print()
    print(f"{'MB resident, all models loaded':50}{'now':>8}{'most':>8}")
    for engine in ENGINES:
        now, most = workers[engine].memory()
        print(f"{engine:50}{now:8}{most:8}")
        workers[engine].close()


def starts() -> None:
    print()
    print(f"{'seconds from starting a worker to 2 bars':50}{'median':>8}{'max':>8}{'MB':>8}")
    for engine in ENGINES:
        took = []
        for _ in range(STARTS):
            worker = Worker()
            key = bundles.find("drums_rnn", "drum_kit", engine)
            worker.load(key)
            worker.seconds(key, None, 8, 1)
            took.append(time.perf_counter() - worker.begun)
            megabytes = worker.memory()[0]
            worker.close()
        print(f"{engine:50}{statistics.median(took):8.2f}{max(took):8.2f}{megabytes:8}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=60, help="how often each row is asked; the slow ones a third as often")
    requests = parser.parse_args().requests
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {requests} requests a row")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        subprocess.run([sys.executable, "-c", UNTRAINED, folder], check=True, capture_output=True)
        compare(Path(folder), requests)
    starts()


if __name__ == "__main__":
    main()
