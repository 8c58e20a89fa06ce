"""The clocks that an engine can follow: those that arrive at its inputs, and Link."""

import contextlib
import threading
from collections.abc import Callable

from .errors import BadInput
from .inputs.midi import MidiInput
from .links import LinkMaster
from .masters import MidiMaster


class Clocks:
    """One for each input, by its name; an input that is opened again goes on with the clock that it had."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._of: dict[str, MidiMaster] = {}
        self.link = LinkMaster()

    def of(self, name: str) -> MidiMaster:
        """The clock that arrives at the input of this name."""
        return self._of.setdefault(name, MidiMaster(self._wake))

    def hear(self, source: MidiInput) -> None:
        """Have the clock of this input hear what arrives there."""
        source.on_clock(self.of(source.name).hear)

    def join_later(self, bpm: float) -> None:
        """Take part in Link as soon as can be: to find the others takes its time."""
        threading.Thread(target=self._join, args=(bpm,), name="livecode Link", daemon=True).start()

    def _join(self, bpm: float) -> None:
        with contextlib.suppress(BadInput):
            self.link.join(bpm)

    def close(self) -> None:
        """Leave Link."""
        self.link.leave()
