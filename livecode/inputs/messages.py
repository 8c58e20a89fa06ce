"""Bytes become MIDI messages: pure, bounded, and never at a loss. Source: MIDI 1.0, detailed specification."""

from collections.abc import Iterable

from . import Message

NOTE_OFF, NOTE_ON, POLY_PRESSURE, CONTROL, PROGRAM, PRESSURE, BEND = 0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0
SYSEX, SYSEX_END, ACTIVE_SENSING, RESET = 0xF0, 0xF7, 0xFE, 0xFF

POSITION, TICK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC
CLOCK = (POSITION, TICK, START, CONTINUE, STOP)
"""What says where another machine's music is: song position pointer, clock, start, continue, stop."""

PEDAL, SOUND_OFF, NOTES_OFF = 64, 120, 123

_CHANNEL_DATA = {NOTE_OFF: 2, NOTE_ON: 2, POLY_PRESSURE: 2, CONTROL: 2, PROGRAM: 1, PRESSURE: 1, BEND: 2}
_COMMON_DATA = {0xF1: 1, POSITION: 2, 0xF3: 1, 0xF6: 0}


class Parser:
    """Finds the messages in bytes, whole or in pieces, with running status, and real-time bytes in their midst.

    `ignored` counts system exclusive messages, halves of messages, and bytes that belong to none.

    >>> parser = Parser()
    >>> parser.feed([0x90, 60, 100, 64, 0xF8, 100]), parser.feed([0x40, 0xF0, 1, 2, 0xF7, 0x41]), parser.ignored
    ([(144, 60, 100), (248,), (144, 64, 100)], [], 3)
    """

    def __init__(self) -> None:
        self.ignored = 0
        self._status = 0
        self._data: list[int] = []
        self._in_sysex = False

    def feed(self, data: Iterable[int]) -> list[Message]:
        """The messages that these bytes (0-255) complete, in order. Active sensing and reset are left out."""
        found: list[Message] = []
        for byte in data:
            if byte > SYSEX_END:
                self._real_time(byte, found)
            elif byte >= NOTE_OFF:
                self._begin(byte, found)
            elif not self._in_sysex:
                self._add(byte, found)
        return found

    def _real_time(self, byte: int, found: list[Message]) -> None:
        if byte in CLOCK:
            found.append((byte,))
        elif byte not in (ACTIVE_SENSING, RESET):
            self.ignored += 1

    def _begin(self, status: int, found: list[Message]) -> None:
        self.ignored += bool(self._data)
        self._data = []
        if status == SYSEX_END and self._in_sysex:
            self._in_sysex = False
            return
        self._in_sysex = status == SYSEX
        known = status < SYSEX or status in _COMMON_DATA
        self._status = status if known else 0
        self.ignored += not known
        if self._status and not _length(status):
            found.append((status,))
            self._status = 0

    def _add(self, byte: int, found: list[Message]) -> None:
        if not self._status:
            self.ignored += 1
            return
        self._data.append(byte)
        if len(self._data) == _length(self._status):
            found.append((self._status, *self._data))
            self._data = []
            self._status = self._status if self._status < SYSEX else 0


def _length(status: int) -> int:
    """How many data bytes belong to it."""
    return _CHANNEL_DATA[status & 0xF0] if status < SYSEX else _COMMON_DATA[status]


def strikes(message: Message) -> bool:
    """Whether it is a key that goes down: a note-on of velocity 0 is a note-off."""
    return message[0] & 0xF0 == NOTE_ON and message[2] > 0


def lifts(message: Message) -> bool:
    """Whether it is a key that goes up."""
    return message[0] & 0xF0 == NOTE_OFF or (message[0] & 0xF0 == NOTE_ON and message[2] == 0)
