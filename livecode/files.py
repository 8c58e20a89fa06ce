"""Paths as people type them, and files that appear whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BadInput, OutputError


def expanded(path: str | os.PathLike[str]) -> Path:
    """The path with ~ and ~somebody written out. Raises BadInput for a home that nobody has, and for what cannot be a path."""
    try:
        found = Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{os.fspath(path)!r} begins with a home folder that there is not: give the whole path.") from error
    if "\0" in str(found):
        raise BadInput(f"{os.fspath(path)!r} cannot be a path: it holds a null character.")
    return found


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """The path of a hidden file beside the target, which takes the target's name when the block has ended without an error.

    Raises OutputError if the folder cannot be written to.
    """
    hidden = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        yield hidden
        hidden.replace(target)
    except OSError as error:
        raise OutputError(f"{str(target)!r} cannot be written ({error.strerror or error}): choose another place.") from error
    finally:
        hidden.unlink(missing_ok=True)
