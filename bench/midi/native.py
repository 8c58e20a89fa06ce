"""The programs in C beside this file: compiled when they are needed, and run for as long as a block lasts."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
LIBJACK = "libjack.so.0"
"""What every JACK has; the name without the number comes with its headers, which are not needed here."""


def build(folder: Path) -> None:
    """Compile them into this folder."""
    for name in ("control", "ear", "master", "stalls"):
        compiler = os.environ.get("CC", "cc")
        source, program = str(HERE / f"{name}.c"), str(folder / name)
        subprocess.run([compiler, "-std=gnu11", "-O2", "-o", program, source, f"-l:{LIBJACK}", "-pthread"], check=True)


@contextlib.contextmanager
def ear(programs: Path, heard: Path) -> Iterator[None]:
    """Listen on `workload.PORT`; what arrived is in the file `heard` afterwards."""
    with _running(programs / "ear", heard):
        yield


@contextlib.contextmanager
def stalls(programs: Path, found: Path) -> Iterator[bool]:
    """Watch for moments in which the machine stands still; the value says whether with priority over everything else."""
    with _running(programs / "stalls", found) as said:
        yield said == "1"


@contextlib.contextmanager
def _running(program: Path, file: Path) -> Iterator[str]:
    """Run it until the block ends; the value is the first line that it says."""
    with subprocess.Popen([program, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        said = process.stdout.readline().strip()
        if not said:
            raise SystemExit(f"{program.name} did not begin (exit code {process.wait()}).")
        yield said
        process.stdin.close()
        if process.wait(20) != 0:
            raise SystemExit(f"{program.name} failed (exit code {process.returncode}).")
