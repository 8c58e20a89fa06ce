"""Whether what is passed on comes back by a cable from the output to the input. Pure; it sends nothing itself.

What arrives as it was passed on a moment ago may be a hand's: pressure trembles, pads repeat. That only raises a suspicion, which
a ping proves or not: the end of a key that nobody holds. Instruments do nothing then, and every cable carries it.
"""

from collections import deque

from ..music import Seconds
from . import Message
from .messages import NOTE_OFF, lifts

WITHIN: Seconds = 0.25
"""What comes back does so within this time: on JACK with its longest periods after 0.2 s."""

ALIKE = 16
"""So many messages in a second that arrive as they were passed on raise a suspicion: a loop goes round 20 times and more."""

PROOFS = 3
"""So many pings in a row that come back, each another key, are proof."""

LOWEST, HIGHEST = 120, 127
"""The keys of pings: above a piano's, and above what hands play."""

MOST_SENT = 1024
"""So many different messages are known as passed on: a wheel that is turned into a loop makes hundreds go round."""


class Echoes:
    """What comes back of one output, whose pings go to this channel (0-15).

    >>> echoes = Echoes(0)
    >>> for _ in range(PROOFS):
    ...     came_back = echoes.returned(echoes.ping(1.0))
    >>> echoes.looping
    True
    """

    def __init__(self, channel: int) -> None:
        self.looping = False
        """Whether it leads back, as far as is known."""
        self._channel, self._key = channel, LOWEST
        self._sent: dict[Message, Seconds] = {}
        self._alike: deque[Seconds] = deque(maxlen=ALIKE)
        self._pinged: Seconds | None = None
        """When the ping was sent that is on its way."""
        self._back = 0
        """How many pings came back in a row."""

    def sent(self, message: Message, now: Seconds) -> None:
        """This was passed on."""
        self._sent.pop(message, None)
        self._sent[message] = now
        if len(self._sent) > MOST_SENT:
            del self._sent[next(iter(self._sent))]

    def suspects(self, message: Message, now: Seconds) -> bool:
        """Whether this, which has arrived to be passed on, is one too many that was passed on before: time for a ping."""
        if now - self._sent.get(message, -1e9) > WITHIN:
            return False
        self._alike.append(now)
        return len(self._alike) == ALIKE and now - self._alike[0] < 1.0 and self._pinged is None

    def ping(self, now: Seconds) -> Message:
        """What to send, to see whether it comes back."""
        self._key = self._key - 1 if self._key > LOWEST else HIGHEST
        self._pinged = now
        return (NOTE_OFF | self._channel, self._key, 64)

    def returned(self, message: Message) -> bool:
        """Whether this is a ping that came back."""
        if self._pinged is None or not lifts(message) or (message[0] & 0x0F, message[1]) != (self._channel, self._key):
            return False
        self._pinged = None
        self._back += 1
        self.looping = self._back >= PROOFS
        return True

    def look(self, now: Seconds) -> bool:
        """A ping that has not come back until now will not; whether it is time for another."""
        if self._pinged is not None and now - self._pinged > WITHIN:
            self.looping, self._pinged, self._back = False, None, 0
            self._alike.clear()
        return self.looping and self._pinged is None
