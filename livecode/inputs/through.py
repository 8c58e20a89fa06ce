"""What is played on an input goes straight through to parts' outputs: pure bookkeeping of who struck what where."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from ..music import Seconds
from . import Message, Through
from .messages import BEND, CONTROL, NOTE_OFF, NOTES_OFF, PEDAL, POLY_PRESSURE, PRESSURE, SOUND_OFF, lifts, strikes

ECHO_WITHIN: Seconds = 0.03
ECHOES = 50
"""So many messages in a second that arrive as they were passed on, each so soon after, are a loop of cables: it goes round at
200 a second and more, while no hand repeats a message in that time."""

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

    One thread plays; `ways` may be replaced by any.
    """

    def __init__(self) -> None:
        self.ways: tuple[Way, ...] = ()
        self.looping = False
        """Whether what was passed on came back as it was: nothing is passed on any more."""
        self._down: dict[tuple[int, ...], list[tuple[Way, Message]]] = {}
        self._sent: dict[Message, Seconds] = {}
        self._echoes: deque[Seconds] = deque(maxlen=ECHOES)

    def play(self, message: Message, now: Seconds) -> None:
        """A channel message has arrived."""
        up = self._goes_up(message)
        if up is not None:
            self._lift(up)
        elif not self.looping and self.ways:
            self._watch(message, now)
            for way in self.ways if not self.looping else ():
                out = way.out(message)
                if out is not None and way.output.pass_on(way.part, out):
                    self._note(message, out, way, now)

    def let_go(self) -> None:
        """All keys and pedals that are down go up."""
        for key in list(self._down):
            self._lift(key)

    def begin_anew(self) -> None:
        """Somebody has looked after the cables."""
        self.looping = False
        self._echoes.clear()

    def _goes_up(self, message: Message) -> tuple[int, ...] | None:
        """The key or pedal that a message lifts, as `_down` knows it."""
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if lifts(message):
            return (channel, message[1])
        if kind == CONTROL and message[1] in _PEDALS and message[2] < 64:
            return (channel, message[1], kind)
        if kind == CONTROL and message[1] in (NOTES_OFF, SOUND_OFF):
            for key in [key for key in self._down if key[0] == channel]:
                self._lift(key)
        return None

    def _note(self, message: Message, out: Message, way: Way, now: Seconds) -> None:
        """Remember what was passed on, for its end and for its echo."""
        if len(self._sent) > ECHOES:
            self._sent = {sent: moment for sent, moment in self._sent.items() if moment > now - ECHO_WITHIN}
        self._sent[out] = now
        if strikes(message):
            self._down.setdefault((message[0] & 0x0F, message[1]), []).append((way, (NOTE_OFF | way.channel, out[1], 64)))
        elif message[0] & 0xF0 == CONTROL and message[1] in _PEDALS:
            self._down.setdefault((message[0] & 0x0F, message[1], CONTROL), []).append((way, (*out[:2], 0)))

    def _lift(self, key: Iterable[int]) -> None:
        for way, off in self._down.pop(tuple(key), ()):
            way.output.pass_on(way.part, off)

    def _watch(self, message: Message, now: Seconds) -> None:
        """Look for echoes; a loop is broken."""
        if now - self._sent.get(message, -1e9) > ECHO_WITHIN:
            return
        self._echoes.append(now)
        if len(self._echoes) == ECHOES and now - self._echoes[0] < 1.0:
            self.looping = True
            self.let_go()
