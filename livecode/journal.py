"""The journal: every fact of an engine's life, appended to a file by a thread of its own, so that a crash loses nothing.

A journal is lines of JSON. The first says what the engine was opened with; the others are facts, in order. Phrases are texts in
them, as `packing` has them, and are not unpacked before somebody wants their notes: three hours are read in about a second.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

import msgspec

from .errors import OutputError
from .facts import Fact, Typed
from .models.wire import from_json, to_json
from .music import Seconds
from .protocol import LogEntry, Opening
from .recording import Recording

VERSION = 2
"""Of these lines: one of another version is not read."""

PAUSE: Seconds = 0.1
"""How often what nobody settled is written, what was written brought to the disk, and a disk that was full tried again."""

_LAST_LINE = 100
"""Bytes at a journal's end in which its last line stands if it says that the engine ended."""

KEPT = 50
"""Journals of engines that have ended, the newest first, that are not removed."""


class Opened(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The first line: which engine, when (Unix time), and with what."""

    name: str
    time: float
    opening: Opening
    version: int = VERSION


class Ended(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The engine ended as it was told to (Unix time)."""

    time: float


class Saved(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """These lines were saved as the recording of a script with this sha256, by this version of livecode.

    `sounding` is the sha256 of the MIDI file that was saved with them, "" if there was none.
    """

    script: str
    version: str
    sounding: str = ""


Line: TypeAlias = Opened | Saved | Ended | LogEntry | Typed | Fact

_encoder = msgspec.json.Encoder(enc_hook=to_json)
_lines: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line, dec_hook=from_json)


class _First(msgspec.Struct, frozen=True, tag="Opened"):
    version: int = 1


_first = msgspec.json.Decoder(_First)


class Journal:
    """Appends to a file. `write` never waits; `trouble` says what keeps the file from taking lines, which are kept till then.

    A thread writes now and then; `settle` does for whoever wants to be sure. Nothing is opened before `start`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble = ""
        self._inbox: deque[bytes] = deque()
        self._out: IO[bytes] | None = None
        self._left = b""
        self._unsafe = False
        """Whether lines are in the file that may not be on the disk."""
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="livecode journal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def write(self, line: Line) -> None:
        """Have this written. Any thread may call it."""
        self._inbox.append(_encoder.encode(line) + b"\n")

    def settle(self, patience: Seconds) -> bool:
        """Have all that was given before in the file; False if it is not, because the disk is full.

        Also False after so many seconds in which somebody else wrote; this thread writes for as long as the disk takes.
        """
        if not self._writing.acquire(timeout=patience):
            return False
        try:
            return self._written()
        finally:
            self._writing.release()

    def close(self) -> None:
        """Write what is left, unless the disk does not take it, and end."""
        if self._thread.is_alive():
            self._closing.set()
            self._thread.join(5)

    def _run(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(PAUSE)
            with self._writing:
                self._written()
            if self._unsafe and self._out:
                self._brought_to_disk(self._out)
        if self._out is not None:
            self._out.close()

    def _brought_to_disk(self, out: IO[bytes]) -> None:
        self._unsafe = False
        try:
            os.fsync(out.fileno())
        except OSError as error:
            self._unsafe = True
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        self.trouble = f"the journal cannot be written ({error.strerror or error}): free some space in {self.path.parent}"

    def _written(self) -> bool:
        """Whether the file has taken all that waits. Whoever calls it holds the lock."""
        while self._inbox:
            self._left += self._inbox.popleft()
        try:
            self._out = self._out or self._opened()
            while self._left:
                self._left = self._left[self._out.write(self._left) :]
                self._unsafe = True
        except OSError as error:
            self._complain(error)
            return False
        self.trouble = self.trouble if self._unsafe else ""
        return True

    def _opened(self) -> IO[bytes]:
        """The file, at its end; a line that a crash cut off there gets its end."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = self.path.open("ab", buffering=0)
        if out.tell() and not self.path.read_bytes().endswith(b"\n"):
            out.write(b"\n")
        return out


@dataclass(frozen=True, slots=True)
class Story:
    """A journal that was read: what the engine was opened with, its facts and its log, how it ended, how many lines were none.

    `session` has the facts again, and among them, in their order, the cells that were typed.
    """

    opened: Opened
    facts: tuple[Fact, ...]
    log: tuple[LogEntry, ...]
    ended: bool
    bad: int
    session: tuple[Fact | Typed, ...] = ()
    saved: Saved | None = None
    """Whose recording it is, if it is one."""

    @property
    def recording(self) -> Recording:
        """What can be played again."""
        return Recording(self.opened.opening, self.facts)


def read(path: Path) -> Story:
    """Read a journal. A line that was cut or that cannot be read is left out and counted.

    Raises OutputError for none at all, and for one of another version.
    """
    try:
        raw = [line for line in path.read_bytes().split(b"\n") if line]
    except OSError as error:
        raise OutputError(f"The journal {path} cannot be read ({error.strerror or error}): begin a new stage.") from error
    _refuse_another_version(path, raw[0] if raw else b"")
    lines = [_decoded(line) for line in raw]
    good = [line for line in lines if line is not None]
    opened = next((line for line in good if isinstance(line, Opened)), None)
    if opened is None:
        raise OutputError(f"{path} is no journal: its first line does not say what was opened. Begin a new stage.")
    session = tuple(line for line in good if not isinstance(line, Opened | Saved | Ended | LogEntry))
    facts = tuple(line for line in session if not isinstance(line, Typed))
    log = tuple(line for line in good if isinstance(line, LogEntry))
    saved = next((line for line in good if isinstance(line, Saved)), None)
    return Story(opened, facts, log, isinstance(good[-1], Ended), len(lines) - len(good), session, saved)


def glance(path: Path) -> tuple[Opened, bool]:
    """What a journal is of, and whether its engine ended as it was told to, without reading all of it. Raises OutputError."""
    try:
        with path.open("rb") as file:
            line = file.readline()
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_LINE))
            ended = b'"type":"Ended"' in file.read()
    except OSError as error:
        raise OutputError(f"The journal {path} cannot be read ({error.strerror or error}).") from error
    _refuse_another_version(path, line)
    first = _decoded(line)
    if not isinstance(first, Opened):
        raise OutputError(f"{path} is no journal: its first line does not say what was opened.")
    return first, ended


def recorded(story: Story, saved: Saved | None = None) -> bytes:
    """A story as a journal without its log; `saved` says whose recording it is."""
    return encoded([story.opened, *([saved] if saved else []), *story.session])


def encoded(lines: Iterable[Line]) -> bytes:
    """Lines as a journal has them."""
    return b"".join(_encoder.encode(line) + b"\n" for line in lines)


def told(opening: Opening, lines: Iterable[Fact | Typed | LogEntry]) -> Story:
    """The same of an engine that plays in this process and keeps no journal."""
    kept = list(lines)
    session = tuple(line for line in kept if not isinstance(line, LogEntry))
    facts = tuple(line for line in session if not isinstance(line, Typed))
    log = tuple(line for line in kept if isinstance(line, LogEntry))
    opened = Opened(name="", time=log[0].time if log else time.time(), opening=opening)
    return Story(opened, facts, log, ended=False, bad=0, session=session)


def _refuse_another_version(path: Path, first: bytes) -> None:
    try:
        version = _first.decode(first).version
    except msgspec.MsgspecError:  # no journal, or a line that bytes have flipped in
        return
    if version != VERSION:
        raise OutputError(
            f"{path} was recorded in version {version}, and this livecode reads {VERSION}: use the livecode that wrote it."
        )


def _decoded(line: bytes) -> Line | None:
    try:
        return _lines.decode(line)
    except msgspec.MsgspecError:
        return None


def new_path(folder: Path, name: str) -> Path:
    """Where the journal of an engine that begins now is to be; those that have ended, beyond the newest 50, are removed."""
    old = sorted(folder.glob("*.jsonl"), key=lambda path: path.name)
    for path in old[:-KEPT]:
        if b'"Ended"' in path.read_bytes()[-_LAST_LINE:]:
            path.unlink(missing_ok=True)
    return folder / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}-{name}.jsonl"
