"""Another environment's Python for a model to run in: asked at once whether it can."""

import os
import subprocess

import msgspec

from ..errors import BadInput
from ..files import expanded
from ..music import Seconds
from .alone import OLDEST
from .process import foreign
from .wire import Engine, ModelKey

NEEDED: dict[Engine, tuple[str, ...]] = {
    "compiled": ("msgspec", "note_seq", "numpy", "onnxruntime", "platformdirs"),
    "magenta": ("magenta", "msgspec", "note_seq", "numpy", "tensorflow"),
}
"""What a worker imports for each engine. livecode itself it takes from here."""

ANSWERS_IN: Seconds = 20.0

_PROBE = """
import sys
from importlib.util import find_spec
print("livecode asked", "%d.%d" % sys.version_info[:2], *[name for name in sys.argv[1:] if not find_spec(name)])
"""

_ADVICE = "give the path of an environment's interpreter, such as python='~/magenta/bin/python'."


def placed(key: ModelKey, python: str | os.PathLike[str] | None) -> ModelKey:
    """The same model, run by this interpreter; None is livecode's own. Runs it for a moment, to see that it can be.

    Raises BadInput for what is no Python, is older than livecode, or lacks what the model's engine needs.
    """
    if python is None:
        return key
    if not isinstance(python, str | os.PathLike) or not os.fspath(python):
        raise BadInput(f"python={python!r} cannot be: {_ADVICE}")
    # Not resolved: the interpreter of an environment is a link to the one that it was made with.
    path = os.path.abspath(expanded(python))
    version, missing = _asked(path, NEEDED[key.engine])
    if version < OLDEST:
        older, oldest = (".".join(map(str, numbers)) for numbers in (version, OLDEST))
        raise BadInput(f"{path} is Python {older}, and a model's worker needs {oldest}: make that environment anew.")
    if missing:
        raise BadInput(f"The environment of {path} lacks {' and '.join(missing)}: install that there, or name another.")
    return msgspec.structs.replace(key, python=path)


def _asked(path: str, needed: tuple[str, ...]) -> tuple[tuple[int, ...], list[str]]:
    """Which version of Python this is, and what of the needed it lacks."""
    if not os.path.isfile(path):
        raise BadInput(f"There is no Python {path}: {_ADVICE}")
    try:
        done = subprocess.run(
            [path, "-c", _PROBE, *needed],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=ANSWERS_IN,
            env=foreign(),
            cwd=os.path.dirname(path),
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{path} gave no answer for {ANSWERS_IN:g} s, so it is no Python: {_ADVICE}") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be run ({error.strerror or error}): {_ADVICE}") from error
    said = done.stdout.decode(errors="replace").split()
    if done.returncode or said[:2] != ["livecode", "asked"]:
        words = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise BadInput(f"{path} is no Python that works (its last words: {words[-1][:160]}): {_ADVICE}")
    return tuple(int(number) for number in said[2].split(".")), said[3:]
