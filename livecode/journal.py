"""The journal: every fact of an engine's life, appended to a file by a thread of its own, so that a crash loses nothing.

A journal is lines of JSON. The first says what the engine was opened with; the others are facts, in order.
"""

import os
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

import msgspec

from .errors import OutputError
from .facts import Answered, Fact, Moved, PortOpened, Taken
from .models.wire import from_json, to_json
from .music import Seconds
from .protocol import Opening

PAUSE: Seconds = 0.5
"""After so long without a fact, those that were written are brought to the disk; and a disk that was full is tried again."""

KEPT = 50
"""Journals of engines that have ended, the newest first, that are not removed."""


class Opened(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The first line: which engine, when (Unix time), and with what."""

    name: str
    time: float
    opening: Opening


class Resumed(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The engine had crashed and goes on (Unix time)."""

    time: float


class Ended(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The engine ended as it was told to (Unix time)."""

    time: float


Line: TypeAlias = Opened | Resumed | Ended | Taken | Answered | Moved | PortOpened

_encoder = msgspec.json.Encoder(enc_hook=to_json)
_lines: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line, dec_hook=from_json)


class Journal:
    """Appends to a file. `write` never waits; `trouble` says what keeps the file from taking lines, which are kept till then.

    Nothing is opened before `start`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._inbox: queue.SimpleQueue[bytes | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="livecode journal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def write(self, line: Line) -> None:
        """Have this written. Any thread may call it."""
        self._inbox.put(_encoder.encode(line) + b"\n")

    def settle(self, patience: Seconds) -> bool:
        """Wait until all that was given before is in the file; False if it is not after so many seconds."""
        done = threading.Event()
        self._inbox.put(done)
        return done.wait(patience)

    def close(self) -> None:
        """Write what is left, unless the disk does not take it, and end."""
        if self._thread.is_alive():
            self._inbox.put(None)
            self._thread.join(5)

    def _run(self) -> None:
        out: IO[bytes] | None = None
        left, unsafe, closing = b"", False, False
        while not closing:
            lines, waiting, closing = self._next(hurry=bool(left) or unsafe)
            left += lines
            try:
                out = out or self._opened()
                unsafe = unsafe or bool(left)
                while left:
                    left = left[out.write(left) :]
                self.trouble = ""
                for event in waiting:
                    event.set()
                if unsafe and not lines:
                    os.fsync(out.fileno())
                    unsafe = False
            except OSError as error:
                self.trouble = f"the journal cannot be written ({error.strerror or error}): free some space in {self.path.parent}"
        if out is not None:
            out.close()

    def _opened(self) -> IO[bytes]:
        """The file, at its end; a line that a crash cut off there gets its end."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = self.path.open("ab", buffering=0)
        if out.tell() and not self.path.read_bytes().endswith(b"\n"):
            out.write(b"\n")
        return out

    def _next(self, *, hurry: bool) -> tuple[bytes, list[threading.Event], bool]:
        """All that waits to be written, who waits for it, and whether that is all; nothing after a pause, if there is a hurry."""
        lines, waiting = b"", []
        try:
            item = self._inbox.get(timeout=PAUSE if hurry else None)
            while item is not None:
                if isinstance(item, bytes):
                    lines += item
                else:
                    waiting.append(item)
                item = self._inbox.get_nowait()
        except queue.Empty:
            return lines, waiting, False
        return lines, waiting, True


@dataclass(frozen=True, slots=True)
class Story:
    """A journal that was read: what the engine was opened with, its facts, how it ended, and how many lines were no lines."""

    opened: Opened
    facts: tuple[Fact, ...]
    ended: bool
    bad: int


def read(path: Path, *, all_answers: bool = True) -> Story:
    """Read a journal. A line that was cut or that cannot be read is left out and counted. Raises OutputError for none at all.

    all_answers: without, the answers of a model are left out that others of the same part have replaced before anything was
    said to it; three hours are then read in a moment.
    """
    try:
        raw = [line for line in path.read_bytes().split(b"\n") if line]
    except OSError as error:
        raise OutputError(f"The journal {path} cannot be read ({error.strerror or error}): begin a new stage.") from error
    lines = [_decoded(line) for line in (raw if all_answers else _latest(raw))]
    good = [line for line in lines if line is not None]
    opened = next((line for line in good if isinstance(line, Opened)), None)
    if opened is None:
        raise OutputError(f"{path} is no journal: its first line does not say what was opened. Begin a new stage.")
    facts = tuple(line for line in good if not isinstance(line, Opened | Resumed | Ended))
    return Story(opened, facts, isinstance(good[-1], Ended), len(lines) - len(good))


def _decoded(line: bytes) -> Line | None:
    try:
        return _lines.decode(line)
    except msgspec.MsgspecError:
        return None


class _Command(msgspec.Struct, frozen=True):
    part: str = ""


class _Glance(msgspec.Struct, frozen=True):
    """What a look at a line shows: its kind, and the part that it is about."""

    type: str
    part: str = ""
    command: _Command = _Command()


_glances = msgspec.json.Decoder(_Glance)


def _latest(raw: list[bytes]) -> list[bytes]:
    """The lines without the answers that two more follow, with nothing else that is about their part or about all parts."""
    kept, following = [], dict[str, int]()
    for line in reversed(raw):
        try:
            glance = _glances.decode(line)
        except msgspec.MsgspecError:
            kept.append(line)  # to be counted
            continue
        if glance.type == "Answered":
            following[glance.part] = following.get(glance.part, 0) + 1
            if following[glance.part] > 2:
                continue
        elif glance.type == "Taken" and glance.command.part:
            following[glance.command.part] = 0
        elif glance.type == "Taken":
            following.clear()
        kept.append(line)
    return kept[::-1]


def new_path(folder: Path, name: str) -> Path:
    """Where the journal of an engine that begins now is to be; those that have ended, beyond the newest 50, are removed."""
    old = sorted(folder.glob("*.jsonl"), key=lambda path: path.name)
    for path in old[:-KEPT]:
        if b'"Ended"' in path.read_bytes()[-100:]:
            path.unlink(missing_ok=True)
    return folder / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}-{name}.jsonl"
