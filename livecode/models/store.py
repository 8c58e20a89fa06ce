"""Where compiled files are: beside the bundle, as the built-in ones, or in the user's cache by the bundle's hash."""

import glob
import hashlib
import os
import subprocess
import sys
import traceback
from pathlib import Path

import platformdirs

from ..errors import BundleError, NotCompiled
from .step import FORMAT, Step
from .wire import ModelKey

COMPILER = (str(Path(__file__).with_name("alone.py")), "livecode.models.compile")
"""What Python is told to run, in a process of its own: TensorFlow and its 600 MB go when it ends."""

ATTENDED = "--attended"
"""Tells the compiler that it is to end when its standard input does."""


def stored(key: ModelKey, *, compiling: bool = True) -> Step:
    """The step of a model, compiled now if it was not. Raises BundleError for a bundle that cannot be compiled.

    Without `compiling`, raises NotCompiled instead of taking seconds.
    """
    digest = fingerprint(key.path)
    cache = cached(key.config, digest)
    for path in (key.path.with_suffix(".onnx"), cache):
        step = _opened(path)
        if step and (step.made.format, step.made.config, step.made.bundle) == (FORMAT, key.config, digest):
            return step
    if not compiling:
        raise NotCompiled(f"{key.path} has to be compiled first.")
    compile_apart(key.path, key.config, cache)
    return Step(cache)


def _opened(path: Path) -> Step | None:
    """The step in a file, or None if there is none that this livecode can read: then it is compiled anew."""
    if not path.exists():
        return None
    try:
        return Step(path)
    except Exception:
        traceback.print_exc()
        return None


def cached(config: str, digest: str) -> Path:
    """Where the compiled file of a bundle with this hash is, or will be."""
    folder = Path(platformdirs.user_cache_dir("livecode", appauthor=False)) / "compiled"
    return folder / f"{config}-{digest[:32]}-{FORMAT}.onnx"


def fingerprint(path: Path) -> str:
    """SHA-256 of a bundle, or of the files of a checkpoint, in hex. Raises BundleError if it cannot be read."""
    parts = [path] if path.exists() else [*sorted(path.parent.glob(f"{glob.escape(path.name)}.data-*")), Path(f"{path}.index")]
    try:
        return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}): give the path of a .mag file.") from error


def compile_apart(bundle: Path, config: str, target: Path) -> None:
    """Compile a bundle in a process of its own, into `target`, which ends when this one does.

    Raises BundleError with what that says.
    """
    reading, writing = os.pipe()  # nobody writes: it comes to its end with this process
    command = [sys.executable, *COMPILER, str(bundle), config, str(target), ATTENDED]
    try:
        done = subprocess.run(command, stdin=reading, capture_output=True, text=True, errors="replace")
    finally:
        os.close(reading)
        os.close(writing)
    sys.stderr.write(done.stderr)
    if done.returncode:
        said = done.stdout.strip().splitlines()
        raise BundleError(said[-1] if said else f"{bundle} could not be compiled: the compiler {_end_of(done)}.")


def _end_of(done: "subprocess.CompletedProcess[str]") -> str:
    """How a compiler ended that gave no reason, and what to do."""
    if done.returncode < 0:
        killed = f"was killed (signal {-done.returncode}); it takes 650 MB of memory"
        return f"{killed}: end other programs, then give the part its model again"
    words = done.stderr.strip().splitlines() or ["nothing"]
    return f"ended with {done.returncode} (its last words: {words[-1].strip()[:160]}): give another bundle"
