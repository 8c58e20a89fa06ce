"""A MIDI port as a live output: one thread owns the port and sends every message at its moment."""

import contextlib
import ctypes
import os
import select
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from ..clock import Clock
from ..controls import wire
from ..errors import LivecodeError, OutputError
from ..gm import BANK_HIGH, BANK_LOW
from ..music import Beats, ControlEvent, Event, NoteEvent, ProgramEvent, ReleaseEvent, Seconds, counted
from . import MOST_LATE
from .ledger import Agenda, Key, Ledger, Sweep, due
from .ports import Client, apis, find
from .pulse import ClockEvent, Pulse

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
PEDAL, SOUND_OFF, NOTES_OFF = 64, 120, 123

LATE: Seconds = 0.005
"""A note sent later than this is counted as late."""

SPIN: Seconds = 0.0003
"""The last stretch before a deadline is spent looking at the clock: a sleeping thread wakes up to this late."""

LOOK_EVERY: Seconds = 1.0
"""How often the sender looks whether its port is still there, and, when it is not, whether it is back."""

LOOK_TAKES: Seconds = 0.002
"""A look is put off while something is due within this time."""

OPENS_IN: Seconds = 1.0
"""For so long ports that may come later are waited for, all together: a server that hangs must not hold up the rest."""

RECONNECTED_IN: Seconds = 2.0
"""After a crash, what listens to a virtual port is taken to be connected again after this time, where nobody can tell."""

PRIORITY = 5
"""Real-time priority of the sender: above every ordinary thread, below the audio server's."""

MOST_BY_HAND = 1024
"""So much of what is played by hand may wait for a port that blocks; what is struck beyond is left out."""

GONE = "the port is gone: connect it again, it reopens by itself"

REMEMBERED = 4096
"""Lateness is told over this many notes."""


class MidiOutput:
    """Plays to the MIDI port with this name, or an unmistakable part of it (None: the only one there is).

    api: one of `ports.apis()`; None for any. virtual: make a port of that name, for others to connect to. client: who sends,
    as other programs show it. A port that vanishes is looked for every second and opened again by itself; notes meanwhile are
    counted as dropped, controls and programs are sent when it is back. The clock must be the system's, or count like it.

    Any thread may call any method; what they ask for is done in the order in which they ask. Times of events are kept by a
    thread of its own, with real-time priority where the system permits it (`realtime`).
    """

    latency: Seconds = 0.0
    """What is not sent yet can always be taken back."""

    def __init__(
        self, clock: Clock, port: str | None = None, *, api: str | None = None, virtual: bool = False, client: str = "livecode"
    ) -> None:
        self._clock = clock
        self._port = (port or client) if virtual else port
        self._api, self._virtual, self._client_name = api, virtual, client
        self._sender: _Sender | None = None
        self._next_look: Seconds = 0.0

    @property
    def name(self) -> str:
        """The port's plain name; before it is open, what was asked for."""
        return self._sender.port if self._sender else self._port or "MIDI"

    @property
    def api(self) -> str:
        """The system that the port belongs to, such as "jack"; before it is open, what was asked for."""
        return self._sender.api if self._sender else self._api or ""

    @property
    def trouble(self) -> str:
        """That the port is gone."""
        return self._sender.trouble if self._sender else ""

    @property
    def realtime(self) -> bool:
        """Whether the system gave the sender real-time priority."""
        return self._sender is not None and self._sender.realtime

    @property
    def played(self) -> int:
        """Notes sent."""
        return self._sender.played if self._sender else 0

    @property
    def late(self) -> int:
        """Notes sent more than 5 ms after their moment."""
        return self._sender.late if self._sender else 0

    @property
    def dropped(self) -> int:
        """Notes left out: they came more than 50 ms late, or while the port was gone."""
        return self._sender.dropped if self._sender else 0

    @property
    def lateness(self) -> tuple[Seconds, Seconds, Seconds, Seconds]:
        """How long after their moments the last 4,096 notes at most were sent: p50, p95, p99 and the largest."""
        known = sorted(self._sender.lateness) if self._sender else []
        if not known:
            return (0.0, 0.0, 0.0, 0.0)
        p50, p95, p99 = (known[int(share * (len(known) - 1))] for share in (0.5, 0.95, 0.99))
        return (p50, p95, p99, known[-1])

    def __str__(self) -> str:
        said = [f"{self.name}: {counted(Fraction(self.played), 'note')} played, {self.late} late, {self.dropped} dropped"]
        if self.played:
            said.append("sent " + "/".join(f"{1000 * late:.2f}" for late in self.lateness) + " ms late (p50/p95/p99/max)")
        if self._sender:
            said.append("real-time" if self.realtime else "no real-time priority")
        return " · ".join([*said, self.trouble] if self.trouble else said)

    def open(self, *, later: bool = False) -> None:
        """Connect to the port, and start the thread that sends. Raises UnknownName or OutputError.

        later: a port that is not there, or whose server does not answer, is opened as soon as it is; its name and its API must
        be given in full.
        """
        if self._sender is not None and self._sender.is_alive():
            return
        client: Client | None = None
        if later and self._port and self._api:
            api, port = self._api, self._port
        else:
            client, port = self._virtual_port() if self._virtual else self._found_port()
            api = client.api
        self._sender = _Sender(self._clock, client, port, self._client_name, api=api, virtual=self._virtual)
        self._sender.start()

    def wait_until_tried(self, until: Seconds) -> None:
        """Wait until a port that may come later is open or known not to be there, but no longer than until then."""
        self._opened().tried.wait(max(0.0, until - self._clock.now()))

    def clean(self, channels: Iterable[int]) -> None:
        """End whatever an engine before this one may have left sounding on these channels (0-15): pedals, all sound, every key.

        On a virtual port this is done again for whoever connects to it later.
        """
        cleaned = tuple(channels)
        self._opened().ask(lambda sender: sender.inherit(cleaned))

    def schedule(self, events: Sequence[Event]) -> None:
        """Send these, each at its moment; a note more than 50 ms late is dropped, a control or a program never."""
        kept = tuple(events)
        self._opened().ask(lambda sender: sender.agenda.add(kept))

    def show(self, message: tuple[int, ...]) -> None:
        """Send this now, for a light of a controller: it is no note, and nothing will end it."""
        self._opened().ask(lambda sender: sender.show(message))

    def pass_on(self, part: str, message: tuple[int, ...]) -> bool:
        """Send a channel message now, as the part's: False if too much waits already, but key-ups are always taken.

        A note-off lifts only what was struck this way.
        """
        sender = self._sender
        if sender is None or not sender.is_alive() or (sender.crowded() and message[0] & 0xF0 != NOTE_OFF):
            return False
        sender.ask(lambda sender: sender.pass_on(part, message))
        return True

    def withdraw(self, part: str | None, since: Beats) -> None:
        """Take back what is at or after `since` and not sent yet. A note that sounds keeps its end."""
        self._opened().ask(lambda sender: sender.agenda.withdraw(part, since))

    def silence(self, part: str | None, at: Beats) -> None:
        """Note-offs, now, for what sounds of the part; for None all 16 channels are cut, whoever plays there.

        Then all their keys are lifted, within two seconds: some hardware ignores what cuts a channel.
        """
        if part is None:
            self._opened().ask(lambda sender: sender.panic())
        else:
            self._opened().ask(lambda sender: sender.lift(sender.ledger.release(part)))

    def pulse(self, events: Sequence[ClockEvent]) -> None:
        """Send these signals of a MIDI clock, each at its moment."""
        kept = tuple(events)
        self._opened().ask(lambda sender: sender.pulse.add(kept))

    def withdraw_pulse(self, since: Beats) -> None:
        """Take back the clock's signals at or after `since` that are not sent yet."""
        self._opened().ask(lambda sender: sender.pulse.withdraw(since))

    def follow(self) -> None:
        """Have the sender look, once a second at most, whether its port is there."""
        now = self._clock.now()
        if self._sender is not None and now >= self._next_look:
            self._next_look = now + LOOK_EVERY
            self._sender.ask(lambda sender: sender.look_soon())

    def close(self) -> None:
        """Note-offs for everything that sounds, then let the port go. Closing twice is harmless."""
        if self._sender is not None and self._sender.is_alive():
            self._sender.ask(lambda sender: sender.finish())
            self._sender.join(10)

    def _opened(self) -> "_Sender":
        if self._sender is None or not self._sender.is_alive():
            raise OutputError(f"MIDI port {self.name!r} is closed: open it before playing.")
        return self._sender

    def _found_port(self) -> tuple[Client, str]:
        place = find(self._port, self._api)
        return _reached(place.api, self._client_name, place.name, virtual=False), place.name

    def _virtual_port(self) -> tuple[Client, str]:
        name, refusals = self._port or self._client_name, []
        for api in [self._api] if self._api else apis():
            try:
                return _reached(api, self._client_name, name, virtual=True), name
            except OutputError as error:
                refusals.append(str(error))
        raise OutputError(" ".join(refusals) or "There is no MIDI here: rtmidi was built with no API.")


class _Sender(threading.Thread):
    """The thread that owns the port, what waits for it and what sounds on it. Others only `ask`."""

    def __init__(self, clock: Clock, client: Client | None, port: str, client_name: str, *, api: str, virtual: bool) -> None:
        super().__init__(name=f"livecode MIDI {port}", daemon=True)
        self.port, self.realtime = port, False
        self.trouble = "" if client else GONE
        self.agenda, self.ledger, self.pulse = Agenda(), Ledger(), Pulse()
        self.played = self.late = self.dropped = 0
        self.lateness: list[Seconds] = []
        self._clock = clock
        self._client: Client | None = client
        self.api, self._client_name, self._virtual = api, client_name, virtual
        self._there = client is not None
        self._receivers: frozenset[str] = frozenset()
        self._inherited = False
        self._clean_again_at: Seconds | None = None
        self._settings: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        self._channels: set[int] = set()
        self._inbox: deque[Callable[[_Sender], None]] = deque()
        self._sweep = Sweep()
        self._look_by: Seconds | None = None
        self._finished = False
        self.tried = threading.Event()
        """Whether the port has been opened, or was found not to be there."""
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)

    def ask(self, action: Callable[["_Sender"], None]) -> None:
        """Have this done by the sender, as soon as it can. Any thread may call it; it does not wait."""
        self._inbox.append(action)
        with contextlib.suppress(OSError):  # full: it is awake; closed: it has finished
            self._bell.send(b"\0")

    def run(self) -> None:
        self.realtime = be_punctual()
        try:
            if self._client is None:
                self._try_again()
            self.tried.set()
            while not self._finished:
                try:
                    self._turn()
                except Exception as error:  # whatever happens here, later notes are sent
                    self._lost(repr(error))
        finally:
            self._bell.close()
            self._ear.close()
            if self._client is not None:
                self._client.close()

    def _turn(self) -> None:
        while self._inbox:
            self._inbox.popleft()(self)
        now = self._clock.now()
        for message in self.pulse.due(now):
            self._send(message)
        for step in due(self.agenda, self.ledger, now):
            if isinstance(step, tuple):
                self.lift([step])
            else:
                self._play(step)
        if self._there:
            self.lift(key for key in self._sweep.due(now) if key not in self.ledger)
        if not self._finished and not self._inbox:
            self._look_or_wait()

    def _look_or_wait(self) -> None:
        now = self._clock.now()
        sweep = self._sweep.next_moment() if self._there else None
        moments = (self.agenda.next_moment(), self.ledger.next_end(), self.pulse.next_moment(), sweep)
        deadline = min((moment for moment in moments if moment is not None), default=None)
        if self._look_by is not None and (deadline is None or deadline - now > LOOK_TAKES or now > self._look_by):
            self._look_by = None
            self._look()
        else:
            self._wait(deadline)

    def _wait(self, deadline: Seconds | None) -> None:
        """Until the deadline or the bell: asleep, and for the last stretch looking at the clock."""
        patience = None if deadline is None else deadline - SPIN - self._clock.now()
        if patience is None or patience > 0:
            heard, _, _ = select.select([self._ear], [], [], patience)
            if heard:
                self._ear.recv(65536)
                return
        while deadline is not None and self._clock.now() < deadline:
            pass

    # What is asked for

    def look_soon(self) -> None:
        """Look at the port in the next pause between messages, or after half a second without one."""
        if self._look_by is None:
            self._look_by = self._clock.now() + LOOK_EVERY / 2

    def crowded(self) -> bool:
        """Whether so much waits that what is played by hand is left out. Any thread may ask."""
        return len(self._inbox) > MOST_BY_HAND

    def show(self, message: tuple[int, ...]) -> None:
        """Send a message that leaves nothing to be ended."""
        self._send(message)

    def pass_on(self, part: str, message: tuple[int, ...]) -> None:
        """Send what is played by hand: keys by way of the ledger, everything else as it is."""
        kind, key = message[0] & 0xF0, (message[0] & 0x0F, message[1])
        if kind == NOTE_ON and self._there:
            if self.ledger.hold(part, key):
                self.lift([key])
            self._channels.add(key[0])
            self._send(message)
        elif kind == NOTE_OFF:
            if self.ledger.let_go(part, key):
                self._send(message)
        elif kind != NOTE_ON:
            self._channels.add(key[0])
            self._send(message)

    def lift(self, keys: Iterable[Key]) -> None:
        """Send note-offs."""
        for channel, pitch in keys:
            self._send((NOTE_OFF | channel, pitch, 64))

    def panic(self) -> None:
        """End what sounds on this port, whoever plays it. What is our own ends first: on a cable the 48 controllers of 16
        channels take 46 ms, and 2,048 keys two seconds."""
        self.end_all()
        used = sorted(self._channels)
        others = [channel for channel in range(16) if channel not in self._channels]
        for channel in others:
            self._cut(channel)
        self._sweep.begin((channel, pitch) for channel in (*used, *others) for pitch in range(128))

    def end_all(self) -> None:
        """End what sounds on the channels in use, with note-offs for every key that was struck: some hardware ignores 123."""
        for channel in sorted(self._channels):
            self._cut(channel)
        self.lift(self.ledger.panic())

    def _cut(self, channel: int) -> None:
        """Pedals up, all notes off, all sound off."""
        for control in (PEDAL, NOTES_OFF, SOUND_OFF):
            self._send((CONTROL | channel, control, 0))
        self._settings.pop((channel, PEDAL), None)

    def inherit(self, channels: Iterable[int]) -> None:
        """All that an engine before this one may have left on these channels ends; if the port is not there, as soon as it is."""
        self._inherited, self._clean_again_at = True, self._clock.now() + RECONNECTED_IN
        self._channels.update(channels)
        self._clean()

    def _clean(self) -> None:
        """All that may sound on the channels in use ends, whoever struck it."""
        self.ledger.suspect((channel, pitch) for channel in self._channels for pitch in range(128))
        if self._there:
            self.end_all()

    def finish(self) -> None:
        """Leave silence, and end."""
        self.agenda.withdraw(None, Beats(0))
        for message in self.pulse.stopped():
            self._send(message)
        self.end_all()
        self._finished = True

    # What is sent

    def _play(self, event: Event) -> None:
        match event:
            case NoteEvent():
                self._strike(event)
            case ReleaseEvent():
                self.lift(self.ledger.release(event.part, event.beat, event.pitch))
            case ControlEvent():
                self._set(event.channel, event.control, wire(event.channel, event.control, event.value))
            case ProgramEvent():
                bank = zip((BANK_HIGH, BANK_LOW), event.bank or (), strict=False)
                chosen = [(CONTROL | event.channel, control, value) for control, value in bank]
                self._set(event.channel, -1, [*chosen, (PROGRAM | event.channel, event.program)])

    def _strike(self, note: NoteEvent) -> None:
        if not self._there or self._clock.now() - note.seconds > MOST_LATE:
            self.dropped += 1
            return
        if self.ledger.strike(note):
            self.lift([(note.channel, note.pitch)])
        self._channels.add(note.channel)
        if not self._send((NOTE_ON | note.channel, note.pitch, note.velocity)):
            self.dropped += 1
            return
        late = self._clock.now() - note.seconds
        if len(self.lateness) < REMEMBERED:
            self.lateness.append(late)
        else:
            self.lateness[self.played % REMEMBERED] = late
        self.played += 1
        self.late += late > LATE

    def _set(self, channel: int, what: int, messages: list[tuple[int, ...]]) -> None:
        """Send a setting (a control, or -1 for the program), and remember it for a port that comes back."""
        self._settings.pop((channel, what), None)  # they are said again in the order in which they were last said
        self._settings[channel, what] = messages
        self._channels.add(channel)
        for message in messages:
            self._send(message)

    def _send(self, message: tuple[int, ...]) -> bool:
        """Whether it went out."""
        if not self._there or self._client is None:
            return False
        try:
            self._client.send(message)
        except OutputError as error:
            self._lost(str(error))
            return False
        return True

    # The port

    def _look(self) -> None:
        if self._there and (self._client is None or not self._client.connected()):
            self._lost("")
        elif not self._there:
            self._try_again()
        elif self._virtual and self._client is not None:
            self._greet(self._client.receivers())

    def _greet(self, receivers: frozenset[str] | None) -> None:
        """Whoever has just connected knows no settings, and may hang on a note from before.

        To free it cuts what others hear, so that is done beside others only after a crash. Where nobody can tell who listens
        (None), both are done once, some time after a crash.
        """
        if receivers is None:
            due = self._clean_again_at is not None and self._clock.now() >= self._clean_again_at
            new, may_hang = due, due
        else:
            new = not receivers <= self._receivers
            may_hang = self._inherited or not self._receivers
            self._receivers = receivers
        if new:
            self._clean_again_at = None
            if may_hang:
                self._clean()
            self._send_settings()
            if may_hang:
                self.pulse.rejoin()
            else:
                self.pulse.welcome()

    def _lost(self, why: str) -> None:
        self._there = False
        self.ledger.lose()
        self.trouble = GONE.replace(":", f" ({why}):", 1) if why else GONE
        if self._client is not None:
            self._client.disconnect()

    def _try_again(self) -> None:
        if self._client is None or self._client.dead:
            self._let_go()
        with contextlib.suppress(LivecodeError):
            if self._client is None:
                self._client = Client(self.api, self._client_name)
            if self._virtual:
                self._client.own(self.port)
            else:
                self._client.connect(self.port)
            self._there, self.trouble, self._receivers = True, "", frozenset()
            self.end_all()
            self._send_settings()
            self.pulse.rejoin()

    def _send_settings(self) -> None:
        for messages in self._settings.values():
            for message in messages:
                self._send(message)

    def _let_go(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _reached(api: str, client_name: str, port: str, *, virtual: bool) -> Client:
    client = Client(api, client_name)
    try:
        if virtual:
            client.own(port)
        else:
            client.connect(port)
    except OutputError:
        client.close()
        raise
    return client


def be_punctual() -> bool:
    """Have this thread woken on time, as far as the system permits: True if with real-time priority."""
    if sys.platform != "linux":
        return False
    set_timer_slack, nanoseconds = 29, 1000
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_timer_slack, ctypes.c_ulong(nanoseconds), 0, 0, 0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
