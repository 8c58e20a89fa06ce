"""How long the five-minute set takes from its script: to a MIDI file with its models asked anew, exactly from its recording, and
to a WAV file. Each in a process of its own, workers included; the median of three.

    python bench/session_render.py [sessions/set.py]
"""

# ruff: noqa: T201

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SET = Path(__file__).parent.parent / "sessions" / "set.py"
LIVECODE = "from livecode.ui.cli import main; raise SystemExit(main())"
RUNS = 3


def took(*arguments: str) -> tuple[float, float]:
    """Seconds that `livecode render` takes, and seconds of processor."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", LIVECODE, "render", *arguments], check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    script = sys.argv[1] if len(sys.argv) > 1 else str(SET)
    with tempfile.TemporaryDirectory() as folder:
        for what, ending, options in (
            ("MIDI, models asked anew", "mid", ["--regenerate"]),
            ("MIDI, exactly as recorded", "mid", ["--exact"]),
            ("WAV, models asked anew", "wav", ["--regenerate"]),
        ):
            runs = [took(script, str(Path(folder, f"take.{ending}")), *options) for _ in range(RUNS)]
            seconds, cpu = (statistics.median(values) for values in zip(*runs, strict=True))
            print(f"{what}: {seconds:.1f} s ({cpu:.1f} s of processor; longest {max(run[0] for run in runs):.1f} s)")


if __name__ == "__main__":
    main()
