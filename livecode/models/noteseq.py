"""note_seq's modules, one by one. Runs only in a worker.

Importing note_seq runs its `__init__`, which imports bokeh, pandas and librosa: 2 to 5 s and 200 MB. The modules with the
encoders need none of that: 0.2 s and 17 MB. So the package is entered here without running its `__init__`, which is run when
somebody asks the package itself for a name, as magenta does.
"""

import importlib
import importlib.util
import sys
from functools import partial
from types import ModuleType
from typing import Any


def module(name: str) -> Any:
    """note_seq.<name>, without the rest of note_seq."""
    if "note_seq" not in sys.modules:
        spec = importlib.util.find_spec("note_seq")
        if spec is None:
            raise ModuleNotFoundError("No module named 'note_seq'")
        package = importlib.util.module_from_spec(spec)
        package.__dict__["__getattr__"] = partial(_complete, package)
        sys.modules["note_seq"] = package
    return importlib.import_module(f"note_seq.{name}")


def _complete(package: ModuleType, name: str) -> Any:
    """Called for a name that the package has not: if it is none of its modules, run its `__init__` and look again."""
    if name.startswith("__") or importlib.util.find_spec(f"note_seq.{name}"):
        raise AttributeError(f"module 'note_seq' has no attribute {name!r}")
    del package.__dict__["__getattr__"]
    assert package.__spec__
    assert package.__spec__.loader
    package.__spec__.loader.exec_module(package)
    return getattr(package, name)
