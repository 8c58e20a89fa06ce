"""MIDI input ports by plain names, on every API that rtmidi was built with."""

import contextlib
from typing import Any

from ..errors import OutputError
from ..music import Seconds
from ..outputs import ports
from . import Message

QUEUE = 16384
"""Messages that RtMidi keeps for us: 10,000 in a burst do not get lost."""

Place = ports.Place


class Source(ports.Client):
    """Our end at one API: hears at most one port there, or owns a virtual one for others to connect to.

    RtMidi keeps what arrives until it is asked for. Its callback is not used: on JACK it would run in the server's own thread
    and have all of JACK wait for Python's lock (up to 18 ms were measured beside a thread that computes).
    """

    _to = "from"

    def _made(self, rtmidi: Any, api: int, name: str) -> Any:
        midi = rtmidi.MidiIn(rtapi=api, name=name, queue_size_limit=QUEUE)
        # RtMidi collects a system exclusive message without end unless it is told to leave them out.
        midi.ignore_types(sysex=True, timing=False, active_sense=False)
        return midi

    def own(self, port: str) -> None:
        """Make a virtual port of this name. Raises OutputError."""
        self._open(lambda: self._midi.open_virtual_port(port), port)

    def receive(self) -> tuple[Message, Seconds] | None:
        """The next message, and how long after the one before it arrived; None for now. Raises OutputError."""
        if self.dead:
            raise OutputError("the JACK server died")
        with contextlib.suppress(*self._failures):
            found = self._midi.get_message()
            return None if found is None else (tuple(found[0]), found[1])
        return None


def inputs(api: str | None = None) -> list[str]:
    """The plain names of the ports that can be heard, of one API or of all. Raises UnknownName."""
    return ports.outputs(api, Source)


def find(name: str | None, api: str | None = None) -> Place:
    """The port of this name that can be heard, as `outputs.ports.find` does. Raises UnknownName or OutputError."""
    return ports.find(name, api, Source)
