"""What the sequencer hears: an ear for every input, what of it goes to the tape, and where what is played goes at once."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from .ears import Ear, Played, Said, on_the_grid
from .errors import UnknownName
from .inputs import Arrival, Through
from .inputs.messages import CONTROL, PEDAL, lifts
from .inputs.through import Way
from .music import Beats, ControlEvent, Event, NoteEvent
from .naming import nearest
from .outputs import Output
from .parts import Part
from .transport import Transport

FIRST_MODE = 120
"""The first of the controllers that are channel modes. Source: MIDI 1.0."""


class Hearing:
    """The ears of a stage, by the names of their inputs."""

    def __init__(self, time: Transport) -> None:
        self.ears: dict[str, Ear] = {}
        self._time = time

    def open(self, name: str) -> bool:
        """There is such an input; False if there was."""
        return name not in self.ears and bool(self.ears.setdefault(name, Ear(name)))

    def named(self, name: str) -> str:
        """The whole name of the input of which this is an unmistakable part. Raises UnknownName."""
        near = nearest(name, self.ears)
        if len(near) == 1:
            return near[0]
        if near:
            raise UnknownName(f"There are several inputs with {name!r}: say which, {' or '.join(map(repr, near[:4]))}.")
        if not self.ears:
            raise UnknownName(f"There is no input {name!r}: open it first, stage.input({name!r}).")
        raise UnknownName.of("input", name, self.ears)

    def said(self, arrivals: Iterable[Arrival]) -> list[Said]:
        """What arrived, in beats as notes are written (without swing). While time stands still only ends count, at that place."""
        time = self._time
        if not time.running:
            return [(on_the_grid(time.held), arrival.message) for arrival in arrivals if _ends(arrival)]
        beats = (max(Beats(0), time.beat_at(arrival.moment)) for arrival in arrivals)
        return [(on_the_grid(time.tempo.unswung(beat)), arrival.message) for beat, arrival in zip(beats, arrivals, strict=True)]

    def hear(self, name: str, said: Iterable[Said]) -> Iterator[Event]:
        """Let the ear of this input hear it; yields what is now known for the tape: notes that ended, and controllers."""
        ear = self.ears.setdefault(name, Ear(name))
        for beat, message in said:
            yield from (self._event(name, note) for note in ear.hear(beat, message))
            if message[0] & 0xF0 == CONTROL and message[1] < FIRST_MODE:
                yield ControlEvent(name, beat, self._time.sounds_at(beat), message[0] & 0x0F, message[1], message[2])

    def held(self, now: Beats) -> list[Event]:
        """The notes that are held, as if they ended now."""
        return [self._event(ear.name, note) for ear in list(self.ears.values()) for note in ear.held(now)]

    def let_go(self, now: Beats, names: Container[str] | None = None) -> list[Event]:
        """Everything that is held ends here, on these inputs or on all."""
        ears = [ear for name, ear in self.ears.items() if names is None or name in names]
        return [self._event(ear.name, note) for ear in ears for note in ear.let_go(now)]

    def _event(self, name: str, note: Played) -> NoteEvent:
        begins, ends = (self._time.sounds_at(beat) for beat in (note.begin, note.end))
        return NoteEvent(name, note.begin, begins, note.channel, note.pitch, note.velocity, note.end, ends)

    def ways(self, parts: Iterable[Part], outputs: Sequence[Output], now: Beats) -> Mapping[str, tuple[Way, ...]]:
        """Where what is played on each input goes at once, to the parts that may be heard."""
        found: dict[str, tuple[Way, ...]] = dict.fromkeys(self.ears, ())
        for part in parts:
            output = next((other for other in outputs if other.name == part.route.at(now)), outputs[0] if outputs else None)
            for name, thru in part.thrus.items():
                if output is not None and isinstance(output, Through):
                    channel = part.channel_by_hand(now)
                    way = Way(part.name, output, channel, thru.channel, thru.low, thru.high, thru.transpose)
                    found[name] = (*found.get(name, ()), way)
        return found


def _ends(arrival: Arrival) -> bool:
    """Whether something goes up."""
    status, *data = arrival.message
    return lifts(arrival.message) or (status & 0xF0 == CONTROL and data[0] == PEDAL and data[1] < 64)
