"""Stamps note-ons and clock ticks as they leave: Python loads this by itself where this folder is on PYTHONPATH.

`rtmidi.MidiOut`, through which all players in Python send, becomes a subclass that writes down the monotonic clock after
each of them, once RtMidi has it, into memory that is a file: so nothing is lost however the process ends. It costs each
message some 5 us, the same for everyone.
"""

import contextlib
import mmap
import os
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MOST = 65536
RECORD = struct.Struct("<d3B5x")


class _Stamps:
    """The file of this process, made when its first port is."""

    def __init__(self, folder: str) -> None:
        with Path(folder, f"{os.getpid()}.stamps").open("w+b") as file:
            file.write(bytes(MOST * RECORD.size))
            file.flush()
            self._memory = mmap.mmap(file.fileno(), 0)
        self._memory[:] = bytes(len(self._memory))  # the memory is there before the notes are
        self._place = 0

    def add(self, seconds: float, status: int, pitch: int, velocity: int) -> None:
        if self._place < len(self._memory):
            RECORD.pack_into(self._memory, self._place, seconds, status, pitch, velocity)
            self._place += RECORD.size


def _stamp_all(rtmidi: Any, folder: str) -> None:
    """Have every port that is made from now on stamp what it sends."""
    made: list[_Stamps] = []

    class MidiOut(rtmidi.MidiOut):  # type: ignore[misc]
        def __init__(self, *arguments: object, **named: object) -> None:
            if not made:
                made.append(_Stamps(folder))
            self._stamp = made[0].add

        def send_message(self, message: Sequence[int]) -> None:
            super().send_message(message)
            if message[0] & 0xF0 == 0x90:
                self._stamp(time.monotonic(), *message)
            elif message[0] == 0xF8:
                self._stamp(time.monotonic(), 0xF8, 0, 0)

    rtmidi.MidiOut = MidiOut


if FOLDER := os.environ.get("LIVECODE_BENCH_STAMPS"):
    with contextlib.suppress(ImportError):
        import rtmidi  # type: ignore[import-untyped]

        _stamp_all(rtmidi, FOLDER)
