"""Calibrates an output: sends notes there, and hears on an input how long they take. It knows ports, and no part."""

import threading
from collections.abc import Iterable, Sequence

from .calibration import NOTES, WAITS, Measured, came_back, is_of, measured, probe
from .clock import Clock
from .errors import BadInput, UnknownName
from .inputs import Arrival
from .inputs.rack import Inputs
from .music import NoteEvent, Seconds
from .naming import nearest
from .outputs import Output
from .outputs.midi import MidiOutput
from .protocol import Calibrate

_LOOK_EVERY: Seconds = 0.03


class Calibrating:
    """The calibrations of an engine. Nobody else hears the notes that come back, and what is played meanwhile goes through to
    nothing."""

    def __init__(self, clock: Clock, inputs: Inputs) -> None:
        self._clock, self._inputs = clock, inputs
        self._tapped: dict[str, tuple[list[NoteEvent], list[Arrival]]] = {}
        """The notes whose return is waited for at inputs, and what has arrived there since."""

    def taps(self, name: str) -> bool:
        """Whether the input of this name is at a calibration."""
        return name in self._tapped

    def hear(self, name: str, arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
        """These have arrived at an input; returns those that are no calibration's."""
        if (tapped := self._tapped.get(name)) is None:
            return arrivals
        sent, heard = tapped
        heard += arrivals
        return [arrival for arrival in arrivals if not is_of(sent, arrival.message)]

    def measure(self, asked: Calibrate, outputs: Iterable[Output], used: Iterable[int]) -> tuple[str, Measured]:
        """The whole name of the output, and how long notes take from there to the input, on a channel (0-15) that is not in use.

        Any thread may call it; it takes two seconds. Raises BadInput or UnknownName.
        """
        output, heard = _probed(asked.output, outputs), self._probing(asked.input)
        free = sorted(set(range(16)).difference(used))
        sent = probe(self._clock.now() + WAITS / 2, free[-1] if free else 15)
        arrivals: list[Arrival] = []
        self._tapped[heard] = (sent, arrivals)
        try:
            output.schedule(sent)
            pause, until = threading.Event(), sent[-1].seconds + WAITS
            while self._clock.now() < until and len(came_back(sent, arrivals)) < NOTES:
                pause.wait(_LOOK_EVERY)
        finally:
            del self._tapped[heard]
        return output.name, measured(sent, arrivals)

    def _probing(self, name: str) -> str:
        """The input that is to hear what comes back, and that is not at it already."""
        there = [each.name for each in self._inputs]
        near = nearest(name, there) if name else there
        if not there or (not name and len(near) > 1):
            also = f" You have {', '.join(map(repr, there))}." if there else ""
            raise BadInput(
                f'Which input hears what comes back? Open one and name it: stage.calibrate("Digitone", "KeyStep").{also}'
            )
        if len(near) != 1:
            raise UnknownName.of("input", name, near or there)
        if near[0] in self._tapped:
            raise BadInput(f"{near[0]} is used for a calibration at this moment: wait two seconds.")
        return near[0]


def _probed(name: str, outputs: Iterable[Output]) -> MidiOutput:
    """The MIDI output of this name, or of an unmistakable part of it."""
    there = {output.name: output for output in outputs if isinstance(output, MidiOutput)}
    near = nearest(name, there)
    if len(near) != 1:
        raise UnknownName.of("MIDI output", name, near or there)
    if there[near[0]].trouble:
        raise BadInput(f"{near[0]} cannot be calibrated: {there[near[0]].trouble}.")
    return there[near[0]]
