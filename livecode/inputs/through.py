"""What is played on an input goes straight through to parts' outputs: pure bookkeeping of who struck what where."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import LivecodeError
from ..music import Seconds
from . import Cabled, Message, Through
from .echoes import Echoes
from .messages import BEND, CONTROL, NOTE_OFF, NOTES_OFF, PEDAL, POLY_PRESSURE, PRESSURE, SOUND_OFF, lifts, strikes

_PEDALS = (PEDAL, 66)


@dataclass(frozen=True, slots=True)
class Way:
    """Where an input's notes go: to this output, as this part's, on its channel (0-15).

    `hears` is the one channel of the input that counts, None for all; only keys `low` to `high` do, which sound `transpose`
    semitones higher.
    """

    part: str
    output: Through
    channel: int
    hears: int | None = None
    low: int = 0
    high: int = 127
    transpose: int = 0

    def out(self, message: Message) -> Message | None:
        """The message as it leaves; None if it is not for this way. Programs and channel modes are left out."""
        kind = message[0] & 0xF0
        if self.hears not in (None, message[0] & 0x0F):
            return None
        if kind in (BEND, PRESSURE) or (kind == CONTROL and message[1] < SOUND_OFF and message[1] not in (0, 32)):
            return (kind | self.channel, *message[1:])
        if kind == POLY_PRESSURE or strikes(message):
            pitch = message[1] + self.transpose
            if self.low <= message[1] <= self.high and 0 <= pitch <= 127:
                return (kind | self.channel, pitch, message[2])
        return None


class Passing:
    """Passes messages on. A key or pedal that went down somewhere goes up there, wherever the ways lead by then.

    An output that leads back here gets nothing for as long as it does. One thread plays and looks; `ways` may be replaced by any.
    """

    def __init__(self) -> None:
        self.ways: tuple[Way, ...] = ()
        self._down: dict[tuple[int, ...], list[tuple[Way, Message]]] = {}
        self._echoes: dict[Through, Echoes] = {}

    @property
    def looping(self) -> bool:
        """Whether what is passed on comes back."""
        return any(echoes.looping for echoes in list(self._echoes.values()))

    def play(self, message: Message, now: Seconds) -> None:
        """A channel message has arrived."""
        if lifts(message):
            self._lift(_key(message))
        elif message[0] & 0xF0 == CONTROL and message[1] in (NOTES_OFF, SOUND_OFF):
            self._lift(*(key for key in self._down if key[0] == message[0] & 0x0F))
        else:
            before = self._down.pop(_key(message), []) if _lets_go(message) else []
            played = [way for way in self.ways if self._pass_on(way, message, now)]
            self._end(held for held in before if held[0] not in played)

    def returned(self, message: Message, now: Seconds) -> bool:
        """Whether it is nothing that anybody played, but shows that an output leads back here."""
        for output, echoes in self._echoes.items():
            if echoes.returned(message):
                if echoes.looping:
                    self.let_go()
                else:
                    self._ping(output, echoes, now)
                return True
        return False

    def look(self, now: Seconds) -> None:
        """See whether what leads back still does. To be called every second."""
        for output, echoes in self._echoes.items():
            if echoes.look(now):
                self._ping(output, echoes, now)

    def let_go(self) -> None:
        """All keys and pedals that are down go up."""
        self._lift(*self._down)

    def _pass_on(self, way: Way, message: Message, now: Seconds) -> bool:
        """Whether the message went this way."""
        out = way.out(message)
        if out is None:
            return False
        echoes = self._echoes.setdefault(way.output, Echoes(way.channel))
        if echoes.suspects(message, now):
            self._ping(way.output, echoes, now)
        if echoes.looping or not way.output.pass_on(way.part, out):
            return False
        echoes.sent(out, now)
        held = self._down.setdefault(_key(message), []) if _holds(message) else []
        held[:] = [*(other for other in held if other[0] != way), (way, _end_of(out))]
        return True

    def _lift(self, *keys: tuple[int, ...]) -> None:
        self._end(held for key in keys for held in self._down.pop(key, []))

    def _end(self, held: Iterable[tuple[Way, Message]]) -> None:
        for way, off in held:
            way.output.pass_on(way.part, off)

    def _ping(self, output: Through, echoes: Echoes, now: Seconds) -> None:
        if isinstance(output, Cabled):
            with contextlib.suppress(LivecodeError):  # closed: nothing can come back
                output.show(echoes.ping(now))


def _key(message: Message) -> tuple[int, ...]:
    """The key or pedal that a message is about, as `_down` knows it."""
    return (message[0] & 0x0F, message[1], message[0] & 0xF0 == CONTROL)


def _is_pedal(message: Message) -> bool:
    return message[0] & 0xF0 == CONTROL and message[1] in _PEDALS


def _lets_go(message: Message) -> bool:
    """Whether it is a pedal on its way up, of which there may be many: synths hear half-pedalling, too."""
    return _is_pedal(message) and message[2] < 64


def _holds(message: Message) -> bool:
    """Whether something is down after it."""
    return strikes(message) or (_is_pedal(message) and message[2] > 0)


def _end_of(message: Message) -> Message:
    """What ends it."""
    return (NOTE_OFF | message[0] & 0x0F, message[1], 64) if strikes(message) else (*message[:2], 0)
