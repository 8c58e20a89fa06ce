"""A MIDI port as an input: one thread hears it, stamps what arrives, and passes it straight on."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction

from ..clock import Clock
from ..errors import LivecodeError, OutputError, UnknownName
from ..music import Seconds, counted
from ..outputs.midi import LOOK_EVERY, be_punctual
from ..outputs.ports import apis
from . import Arrival, Message
from .messages import CLOCK, CONTROL, NOTE_OFF, PEDAL, SYSEX, Parser, lifts, strikes
from .ports import Source, find
from .through import Passing, Way

EAGER: Seconds = 0.0005
IDLE: Seconds = 0.001
"""How often the port is asked for messages, while somebody plays and else. Stamps are better than that: see `Stamps`."""

EAGER_FOR: Seconds = 10.0

OPENS_IN: Seconds = 0.5
"""A port that may come later is not said to be gone before it has had this time to be opened."""

MOST_AT_ONCE = 256
"""So many messages are taken before the thread rests: a burst of garbage must not keep the others from the processor."""

MOST_WAITING = 16384
"""So many messages wait for the planner; what is beyond is lost, and counted. What lets go of a key that is down never is."""

GONE = "the port is gone: connect it again, it is heard again by itself"
LOOPS = "it hears what it sends: its thru is off for as long as it does; look where the cables go"

ClockListener = Callable[[Seconds, Message], None]
"""Is told of clock messages (`messages.CLOCK`), with the moment of arrival, by the input's thread: it must not wait."""


class Stamps:
    """When messages arrived, from the moments at which they were looked at and the driver's own intervals between them.

    A look is late by as long as the thread slept, never early; so the earliest look of all says how the driver's clock lies. Of
    an interval that the driver swallowed (it drops system exclusive messages with theirs) we know by `not_before`. On JACK
    stamps are steady to 0.1 ms (p99), beside a thread that computes, where looks are up to 3 ms late.

    >>> stamps = Stamps()
    >>> stamps.at(5.001, 0.0, 5.0), stamps.at(6.25, 1.0, 6.0)
    (5.001, 6.001)
    """

    def __init__(self) -> None:
        self._sum: Seconds = 0.0
        self._begin = float("inf")

    def at(self, looked: Seconds, since_last: Seconds, not_before: Seconds) -> Seconds:
        """The moment of the message that came `since_last` seconds after the one before it: in [not_before, looked]."""
        self._sum += max(0.0, since_last)
        self._begin = max(min(self._begin, looked - self._sum), not_before - self._sum)
        return self._begin + self._sum


class MidiInput:
    """Hears the MIDI port with this name, or an unmistakable part of it (None: the only one there is).

    api: one of `outputs.ports.apis()`; None for any. virtual: make a port of that name, for others to connect to. A port that
    vanishes is looked for every second and heard again by itself; what was held ends. Any thread may call any method.
    """

    def __init__(
        self, clock: Clock, port: str | None = None, *, api: str | None = None, virtual: bool = False, client: str = "livecode"
    ) -> None:
        self._clock, self._client_name, self._virtual = clock, client, virtual
        self._port = (port or client) if virtual else port
        self._api = api
        self._listener: _Listener | None = None

    @property
    def name(self) -> str:
        """The port's plain name; before it is open, what was asked for."""
        return self._listener.port if self._listener else self._port or "MIDI"

    @property
    def api(self) -> str:
        """The system that the port belongs to, such as "jack"."""
        return self._listener.api if self._listener else self._api or ""

    @property
    def trouble(self) -> str:
        """That the port is gone, or that it hears itself; "" for nothing."""
        return self._listener.trouble if self._listener else ""

    @property
    def ways(self) -> tuple[Way, ...]:
        """Where what is played goes at once."""
        return self._listener.passing.ways if self._listener else ()

    @property
    def ignored(self) -> int:
        """Messages that mean nothing here, and bytes that are none."""
        return self._listener.parser.ignored if self._listener else 0

    @property
    def lost(self) -> int:
        """Messages that came faster than they could be taken in."""
        return self._listener.lost if self._listener else 0

    def __str__(self) -> str:
        heard = self._listener.struck if self._listener else 0
        said = [f"{self.name}: {counted(Fraction(heard), 'note')} heard"]
        said += [f"{counted(Fraction(self.ignored), 'message')} ignored"] if self.ignored else []
        said += [f"{self.lost} lost in a burst"] if self.lost else []
        return " · ".join([*said, self.trouble] if self.trouble else said)

    def open(self, *, later: bool = False) -> None:
        """Connect to the port and begin to hear. Raises UnknownName or OutputError.

        later: a port that is not there, or whose server does not answer, is heard as soon as it is, and nobody waits for it; its
        name and its API must be given in full.
        """
        if self._listener is not None:
            return
        source: Source | None = None
        if later and self._port and self._api:
            port, api = self._port, self._api
        else:
            source, port = self._virtual_port() if self._virtual else self._found_port()
            api = source.api
        self._listener = _Listener(self._clock, source, port, api, self._client_name, virtual=self._virtual)
        self._listener.start()

    def take(self, most: int) -> list[Arrival]:
        """What has arrived since, at most so many, in order."""
        waiting = self._listener.waiting if self._listener else deque[Arrival]()
        taken: list[Arrival] = []
        with contextlib.suppress(IndexError):
            while len(taken) < most:
                taken.append(waiting.popleft())
        return taken

    def lead_to(self, ways: Sequence[Way]) -> None:
        """From now on, what is played goes there."""
        if self._listener is not None:
            self._listener.passing.ways = tuple(ways)

    def on_clock(self, listener: ClockListener | None) -> None:
        """Have `listener` told of clock, start, stop, continue and song position; None for nobody."""
        if self._listener is not None:
            self._listener.clock_listener = listener

    def close(self) -> None:
        """Let go of the keys that are held, then of the port. Closing twice is harmless."""
        if self._listener is not None and self._listener.is_alive():
            self._listener.finish()
            self._listener.join(10)

    def _found_port(self) -> tuple[Source, str]:
        try:
            place = find(self._port, self._api)
        except UnknownName as error:
            raise UnknownName(str(error).replace("MIDI port", "MIDI input")) from None
        source = Source(place.api, self._client_name)
        try:
            source.connect(place.name)
        except OutputError:
            source.close()
            raise
        return source, place.name

    def _virtual_port(self) -> tuple[Source, str]:
        name, refusals = self._port or self._client_name, []
        for api in [self._api] if self._api else apis():
            try:
                source = Source(api, self._client_name)
                try:
                    source.own(name)
                except OutputError:
                    source.close()
                    raise
                return source, name
            except OutputError as error:
                refusals.append(str(error))
        raise OutputError(" ".join(refusals) or "There is no MIDI here: rtmidi was built with no API.")


class _Listener(threading.Thread):
    """The thread that owns the port: takes messages, stamps them, passes them on, and keeps them for the planner."""

    def __init__(self, clock: Clock, source: Source | None, port: str, api: str, client_name: str, *, virtual: bool) -> None:
        super().__init__(name=f"livecode MIDI from {port}", daemon=True)
        self.port, self.api = port, api
        self.parser, self.passing = Parser(), Passing()
        self.waiting: deque[Arrival] = deque()
        self.clock_listener: ClockListener | None = None
        self.struck = self.lost = 0
        self.gone = "" if source else GONE
        self._clock, self._source, self._client_name, self._virtual = clock, source, client_name, virtual
        self._stamps = Stamps()
        self._down: set[Message] = set()
        self._there = source is not None
        self._next_look: Seconds = clock.now() + (LOOK_EVERY if source else 0.0)
        self._opened_by: Seconds = clock.now() + OPENS_IN
        self._played_at: Seconds = 0.0
        self._empty_at: Seconds = clock.now()
        """When nothing waited: what has come since is no older."""
        self._finished = threading.Event()

    @property
    def trouble(self) -> str:
        gone = self.gone if self._clock.now() > self._opened_by else ""
        return gone or (LOOPS if self.passing.looping else "")

    def finish(self) -> None:
        """Have it end soon."""
        self._finished.set()

    def run(self) -> None:
        be_punctual()
        while not self._finished.is_set():
            try:
                taken = self._take()
                if self._clock.now() >= self._next_look:
                    self._look()
            except Exception as error:  # whatever happens here, what is played later is heard
                taken = 0
                self._lose(str(error) if isinstance(error, OutputError) else repr(error))
            eager = self._clock.now() - self._played_at < EAGER_FOR
            time.sleep(0.0 if taken == MOST_AT_ONCE else EAGER if eager else IDLE)  # precise, unlike an event's wait
        self._let_go()
        if self._source is not None:
            self._source.close()

    def _take(self) -> int:
        """Hear what has arrived, up to a limit; how much it was."""
        for taken in range(MOST_AT_ONCE):
            looked = self._clock.now()
            found = self._source.receive() if self._there and self._source else None
            if found is None:
                self._empty_at = looked
                return taken
            moment = self._stamps.at(self._clock.now(), found[1], self._empty_at)
            for message in self.parser.feed(found[0]):
                self._hear(message, moment)
        return MOST_AT_ONCE

    def _hear(self, message: Message, moment: Seconds) -> None:
        if message[0] >= SYSEX:
            if self.clock_listener is not None and message[0] in CLOCK:
                self.clock_listener(moment, message)
            return
        if self.passing.returned(message, moment):
            return
        self._played_at = moment
        self.struck += strikes(message)
        self.passing.play(message, moment)
        if self._keep(message) or len(self.waiting) < MOST_WAITING:
            self.waiting.append(Arrival(moment, message))
        else:
            self.lost += 1

    def _keep(self, message: Message) -> bool:
        """Know which keys and pedals are down, as the messages that lift them. Whether one of them has gone up."""
        up: Message = (NOTE_OFF | message[0] & 0x0F, message[1], 64)
        if message[0] & 0xF0 == CONTROL and message[1] == PEDAL:
            up = (message[0], PEDAL, 0)
            down = message[2] >= 64
        elif strikes(message) or lifts(message):
            down = strikes(message)
        else:
            return False
        was_down = up in self._down
        (self._down.add if down else self._down.discard)(up)
        return was_down and not down

    # The port

    def _look(self) -> None:
        now = self._clock.now()
        self._next_look = now + LOOK_EVERY
        self.passing.look(now)
        if self._there and (self._source is None or not self._source.connected()):
            self._lose("")
        elif not self._there:
            self._try_again()

    def _lose(self, why: str) -> None:
        self._there = False
        self.gone = GONE.replace(":", f" ({why}):", 1) if why else GONE
        self._let_go()
        if self._source is not None:
            self._source.disconnect()

    def _let_go(self) -> None:
        """Whatever is held on an instrument that is gone goes up."""
        self.passing.let_go()
        now = self._clock.now()
        self.waiting.extend(Arrival(now, up) for up in sorted(self._down))
        self._down.clear()

    def _try_again(self) -> None:
        if self._source is not None and (self._source.dead or not self._virtual):
            self._source.close()  # RtMidi would go on waiting for the end of a system exclusive message that was begun
            self._source = None
        with contextlib.suppress(LivecodeError):
            self._source = self._source or Source(self.api, self._client_name)
            if self._virtual:
                self._source.own(self.port)
            else:
                self._source.connect(self.port)
            self._begin_anew()
            self._there, self.gone = True, ""

    def _begin_anew(self) -> None:
        """What was half heard before the port went is over."""
        ignored = self.parser.ignored
        self.parser, self._stamps = Parser(), Stamps()
        self.parser.ignored = ignored
