"""Where this user's engines are found: a private folder that holds a socket, a key and a lock for each of them."""

import contextlib
import getpass
import hashlib
import os
import secrets
import stat
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil
from filelock import FileLock, Timeout

from .errors import BadInput, OutputError
from .music import Seconds

MAIN = "main"
"""The engine that is meant when none is named."""

COMES_BACK_IN: Seconds = 60.0
"""An engine that has crashed, and has a supervisor, is waited for so long."""

LONGEST_ADDRESS = 103
"""Unix sockets have paths of so many bytes at most. Source: sun_path in macOS's unix(4); Linux has four more."""


def runtime_folder() -> Path:
    """The private folder, made if there is none. Raises OutputError if others may enter it, or if it cannot be made."""
    folder = _runtime_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}): set XDG_RUNTIME_DIR to a folder of yours.") from error
    if sys.platform != "win32" and not (
        stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
    ):
        raise OutputError(f"{folder} is not yours alone: remove it, or set XDG_RUNTIME_DIR to a folder of yours.")
    return folder


def _runtime_folder() -> Path:
    """Source: the XDG base directory specification; where there is no such folder, a user's own among the temporary ones."""
    user = getpass.getuser() if sys.platform == "win32" else str(os.getuid())
    given = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user}"
    return Path(given) / "livecode" if Path(given).is_dir() else Path(tempfile.gettempdir()) / f"livecode-{user}"


def state_folder() -> Path:
    """Where journals and the engines' own logs are kept. Raises OutputError if it cannot be made."""
    folder = Path(platformdirs.user_state_dir("livecode", appauthor=False))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}): set XDG_STATE_HOME to a folder of yours.") from error
    return folder


@dataclass(frozen=True, slots=True)
class Place:
    """Where the engine of this name is found."""

    name: str
    folder: Path

    @classmethod
    def of(cls, name: str) -> "Place":
        """Raises BadInput for a name that is none."""
        if not (isinstance(name, str) and name.isidentifier() and len(name) <= 40):
            raise BadInput(f"{name!r} cannot name an engine: use letters, digits and _, such as 'main' or 'left'.")
        place = cls(name, runtime_folder())
        if sys.platform != "win32" and len(os.fsencode(place.address)) > LONGEST_ADDRESS:
            raise BadInput(
                f"{place.address} is too long for a socket: give a shorter name, or set XDG_RUNTIME_DIR to a shorter path."
            )
        return place

    @property
    def address(self) -> str:
        """What clients connect to: a Unix socket, or on Windows a named pipe."""
        if sys.platform == "win32":
            return rf"\\.\pipe\livecode-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]}-{self.name}"
        return str(self.folder / f"{self.name}.sock")

    def lock(self) -> "Claim":
        """What the engine holds as long as it lives."""
        return Claim(self._file("lock"), self.name, patience=2.0)

    def held(self) -> bool:
        """Whether an engine holds the lock. Those who ask do not see each other."""
        if sys.platform == "win32":
            return self.lock().taken()
        import fcntl  # is not there on Windows

        with contextlib.suppress(FileNotFoundError), self._file("lock").open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def new_key(self) -> bytes:
        """Write a key that only this user can read; whoever connects must have it."""
        key, file = secrets.token_bytes(32), self._file("key")
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(key)
        return key

    def key(self) -> bytes:
        """The key of the engine that runs. Raises OSError if there is none."""
        return self._file("key").read_bytes()

    def watched_by(self, pid: int) -> None:
        """Write down which process starts the next engine after a crash."""
        self._file("supervisor").write_text(str(pid))

    def lives(self) -> bool:
        """Whether an engine runs here; one that has crashed is waited for, if its supervisor is about to start it again."""
        deadline, pause = time.monotonic() + COMES_BACK_IN, threading.Event()
        while not self.held():
            if not self._watched() or time.monotonic() > deadline:
                return self.held()
            pause.wait(0.05)
        return True

    def _watched(self) -> bool:
        try:
            return bool(psutil.pid_exists(int(self._file("supervisor").read_text())))
        except (OSError, ValueError):
            return False

    def clear(self) -> None:
        """Remove what an engine that has ended left behind."""
        for ending in ("sock", "key", "supervisor"):
            self._file(ending).unlink(missing_ok=True)

    def _file(self, ending: str) -> Path:
        return self.folder / f"{self.name}.{ending}"


def running() -> list[str]:
    """The names of the engines that run."""
    places = [Place(path.stem, path.parent) for path in sorted(runtime_folder().glob("*.key"))]
    return [place.name for place in places if place.lives()]


class Claim:
    """What one process holds at a time: a locked file that says who holds it. The system lets go of it however that process ends.

    The file is removed when it is released, while it is still locked: whoever had opened it before gets a lock on a file without
    a name, sees that (filelock does), and begins again. After a crash it stays, for the next holder. engine: "" for a stage that
    plays in its own process. patience: for how long `acquire` waits.
    """

    def __init__(self, file: Path, engine: str, *, patience: Seconds) -> None:
        self._file, self._engine = file, engine
        self._lock = FileLock(file, mode=0o600, timeout=patience, thread_local=False)

    def acquire(self) -> None:
        """Take it. Raises filelock.Timeout if somebody else holds it."""
        self._lock.acquire()
        with contextlib.suppress(OSError):  # Windows lets nobody write to it
            self._file.write_text(f"{os.getpid()} {self._engine}")

    def release(self) -> None:
        """Let go of it, if it is held."""
        if self._lock.is_locked and sys.platform != "win32":  # there, filelock removes it
            self._file.unlink(missing_ok=True)
        self._lock.release()

    def taken(self) -> bool:
        """Whether somebody else holds it; asked by taking it for a moment."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return True
        self.release()
        return False

    def holder(self) -> tuple[int, str] | None:
        """The process that holds it and the name of its engine; None if that cannot be known."""
        try:
            pid, _, engine = self._file.read_text().partition(" ")
            return int(pid), engine
        except (OSError, ValueError):
            return None

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exception: object) -> None:
        self.release()


def port_lock(api: str, port: str, engine: str) -> Claim:
    """What an engine holds as long as it plays on this MIDI port, so that no other opens it by accident."""
    system = f"jack {os.environ.get('JACK_DEFAULT_SERVER', '')}" if api == "jack" else api
    digest = hashlib.sha256(f"{system} {port}".encode()).hexdigest()[:16]
    return Claim(runtime_folder() / f"port-{digest}.lock", engine, patience=0.1)
