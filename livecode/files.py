"""Paths as people type them, and files and folders that appear whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    with whole_files(target) as (hidden,):
        yield hidden


@contextmanager
def whole_files(*targets: Path) -> Iterator[list[Path]]:
    """The same of several files: they take their names one right after the other, when all are whole."""
    hidden = [target.with_name(f".{os.getpid()}-{target.name}") for target in targets]
    try:
        yield hidden
        if folder := next((target for target in targets if target.is_dir()), None):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder))
        for whole, target in zip(hidden, targets, strict=True):
            whole.replace(target)
    except OSError as error:
        names = " and ".join(repr(str(target)) for target in targets)
        raise OutputError(f"{names} cannot be written ({error.strerror or error}): choose another place.") from error
    finally:
        for path in hidden:
            with suppress(OSError):  # such as that its folder is none
                path.unlink(missing_ok=True)


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target, which takes the target's name when the block has ended without an error.

    Raises BadInput if the target is there already and has something in it, OutputError if it cannot be written.
    """
    whole = target.absolute()
    hidden = whole.with_name(f".{os.getpid()}-{whole.name}")
    try:
        if target.is_file() or (target.is_dir() and any(target.iterdir())):
            raise BadInput(f"{str(target)!r} is there already and is no empty folder: name a new one, or empty it.")
        hidden.mkdir()
        yield hidden
        if target.is_dir():
            whole.rmdir()
        hidden.rename(whole)
    except OSError as error:
        raise OutputError(f"{str(target)!r} cannot be written ({error.strerror or error}): choose another place.") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
