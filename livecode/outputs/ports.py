"""MIDI output ports by plain names, and a client that is connected to one of them, on every API that rtmidi was built with.

python-rtmidi is used directly, always with its API named: mido's ports on top of it can say who sends only for virtual ports.
"""

import contextlib
import ctypes
import re
from collections.abc import Sequence
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_ulong, c_void_p, cast
from dataclasses import dataclass
from typing import Any

from ..errors import OutputError, UnknownName

_APIS = {
    "alsa": "API_LINUX_ALSA",
    "jack": "API_UNIX_JACK",
    "coremidi": "API_MACOSX_CORE",
    "winmm": "API_WINDOWS_MM",
}
_NUMBERS = {
    "alsa": re.compile(r"\s+\d+:\d+$"),  # RtMidi adds client and port: "Digitone:Digitone MIDI 1 20:0"
    "jack": re.compile(
        r"\s+\[\d+\](?= \((?:playback|capture)\))"
    ),  # a2jmidid adds ALSA's client: "a2j:Digitone [20] (playback): ..."
    "winmm": re.compile(r"\s+\d+$"),  # RtMidi adds the device's number: "Digitone 3"
}
_OURS = re.compile(r"livecode[^:]*:(to|from) ")
"""Ends of livecode's own connections, which bear the names of the ports at the other end."""

_OF_LIVECODE = re.compile(r"livecode(?:-\d+)?:(?P<port>.+)")
"""Virtual ports of engines, as JACK and ALSA name them; Core MIDI does not tell whose they are."""

_THROUGH = re.compile(r"midi through", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """A port that is there: its plain name, and the API that has it."""

    api: str
    name: str


def apis() -> list[str]:
    """What rtmidi was built with here, as plain names: "alsa", "jack", "coremidi", "winmm"."""
    rtmidi = _rtmidi()
    built = set(rtmidi.get_compiled_api())
    return [name for name, constant in _APIS.items() if getattr(rtmidi, constant) in built]


def outputs(api: str | None = None, kind: "type[Client] | None" = None) -> list[str]:
    """The plain names of the ports that notes can be sent to, of one API or of all. An API that does not run has none.

    Virtual ports of livecode's own engines are left out: they are there for other programs. `kind` is the client that connects
    to them, None for one that sends. Raises UnknownName for an API that rtmidi was not built with.
    """
    return list(dict.fromkeys(place.name for place in _offered(_places(api, kind or Client))))


def find(name: str | None, api: str | None = None, kind: "type[Client] | None" = None) -> Place:
    """The port of this name: exactly, else whatever the case, else the only one with the name in it. None: the only one there is.

    A virtual port of livecode's own is found only by the whole name that it was given. Raises UnknownName with the closest names,
    or OutputError if nothing was named and there is no port.
    """
    places = _places(api, kind or Client)
    if name is None:
        return _only(places)
    folded = name.casefold()
    alike = sorted((place for place in places if folded in _names_of(place)), key=lambda place: place.name != name)
    if alike:
        return alike[0]
    offered = _offered(places)
    partly = [place for place in offered if folded in place.name.casefold()]
    names = list(dict.fromkeys(place.name for place in partly))
    if len(names) == 1 and folded.strip():
        return partly[0]
    if names:
        raise UnknownName(f"There are several MIDI ports with {name!r}: say which, {_either(names)}.")
    raise UnknownName.of("MIDI port", name, [place.name for place in offered])


def plain(raw: str, api: str) -> str:
    """A port's name without the numbers that change when it is plugged in again.

    >>> plain("Digitone:Digitone MIDI 1 20:0", "alsa"), plain("FLUID Synth (12):Synth input port 128:0", "alsa")
    ('Digitone MIDI 1', 'FLUID Synth (12):Synth input port')
    >>> plain("a2j:Digitone [20] (playback): MIDI 1", "jack"), plain("Digitone 3", "winmm")
    ('a2j:Digitone (playback): MIDI 1', 'Digitone')
    """
    name = _NUMBERS[api].sub("", raw) if api in _NUMBERS else raw
    device, _, port = name.partition(":")
    return port if api == "alsa" and port.startswith(device) else name


def plain_names(raw: Sequence[str], api: str) -> dict[str, int]:
    """Plain names with their places in the list. Of several alike, the second becomes "name (2)".

    >>> plain_names(["Synth:Synth MIDI 1 20:0", "Synth:Synth MIDI 1 24:0"], "alsa")
    {'Synth MIDI 1': 0, 'Synth MIDI 1 (2)': 1}
    """
    named: dict[str, int] = {}
    for index, given in enumerate(raw):
        name = stem = plain(given, api)
        count = 1
        while name in named:
            count += 1
            name = f"{stem} ({count})"
        named[name] = index
    return named


class Client:
    """Our end at one API: lists the ports there and is connected to at most one of them, or owns a virtual one.

    RtMidi notices neither a port that vanishes nor a JACK server that dies; `connected` does. Its JACK backend waits for ever,
    with Python's lock, once a dead server has left its buffer full (2,340 messages), so `send` looks at the server first.
    The server is asked first by a call that lets go of Python's lock: where JACK hangs, only the thread that asks does.
    Raises OutputError if the API does not run.
    """

    _to = "to"
    """How the connection to a port is called."""

    def __init__(self, api: str, name: str = "livecode") -> None:
        rtmidi = _rtmidi()
        self.api = api
        self._server = _JackServer(f"{name}-watch") if api == "jack" else None
        try:
            self._midi = self._made(rtmidi, getattr(rtmidi, _APIS[api]), name)
        except (rtmidi.RtMidiError, OSError) as error:
            if self._server is not None:
                self._server.close()
            raise OutputError(f"MIDI by {api} does not run here ({error}): start it, or name another API.") from error
        self._failures = (rtmidi.RtMidiError, OSError, ValueError)
        self._port = self._own = ""
        self._links: frozenset[str] = frozenset()

    def _made(self, rtmidi: Any, api: int, name: str) -> Any:
        return rtmidi.MidiOut(rtapi=api, name=name)

    @property
    def dead(self) -> bool:
        """Whether the server died under this client, which is then of no use any more."""
        return self._server is not None and self._server.died

    def names(self) -> list[str]:
        """Plain names of the ports that can be connected to."""
        return list(plain_names(self._raw(), self.api))

    def connect(self, port: str) -> None:
        """Connect to the port of exactly this plain name. Raises OutputError."""
        raw = self._raw()
        place = plain_names(raw, self.api).get(port)
        if place is None:
            raise OutputError(f"There is no MIDI port {port!r} any more: connect it again.")
        before = self._links_of(raw[place])
        self._open(lambda: self._midi.open_port(place, name=f"{self._to} {port}"), port)
        self._port = raw[place]
        self._links = self._links_of(self._port) - before

    def own(self, port: str) -> None:
        """Make a virtual port of this name. Raises OutputError."""
        before = self._sources(port)
        self._open(lambda: self._midi.open_virtual_port(port), port)
        self._own = next(iter(self._sources(port) - before), "")

    def connected(self) -> bool:
        """Whether what we are connected to is still there. Takes some 0.1 ms."""
        if self.dead:
            return False
        if not self._port:
            return bool(self._midi.is_port_open())
        return self._port in self._raw() and self._links <= self._links_of(self._port)

    def receivers(self) -> frozenset[str] | None:
        """Who is connected to our virtual port; None where the API does not tell, which only JACK does."""
        return self._links_of(self._own) if self._own else None

    def send(self, message: Sequence[int]) -> None:
        """Send one message, as bytes. Raises OutputError."""
        if self.dead:
            raise OutputError("the JACK server died")
        try:
            self._midi.send_message(message)
        except self._failures as error:
            raise OutputError(str(error)) from error

    def disconnect(self) -> None:
        """Let the port go, once what was sent has left; the client stays."""
        self._port, self._links = "", frozenset()
        if self.dead:
            return
        with contextlib.suppress(*self._failures):
            self._midi.close_port()

    def close(self) -> None:
        """Let the port and the API go.

        libjack crashes when a client is closed whose server died, so such a client is kept for ever: a few KB a death.
        """
        if self.dead:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._midi))
            return
        self.disconnect()
        self._midi.delete()
        if self._server is not None:
            self._server.close()

    def _raw(self) -> list[str]:
        try:
            return list(self._midi.get_ports())
        except self._failures:
            return []

    def _links_of(self, raw: str) -> frozenset[str]:
        return self._server.links(raw) if self._server is not None else frozenset()

    def _sources(self, port: str) -> frozenset[str]:
        return self._server.sources(port) if self._server is not None else frozenset()

    def _open(self, action: Any, port: str) -> None:
        try:
            action()
        except (*self._failures, NotImplementedError) as error:
            raise OutputError(f"MIDI port {port!r} does not open ({error}): see that nothing else holds it.") from error


class _JackServer:
    """Says whether the JACK server lives, and who is linked to a port: what RtMidi's JACK backend does not tell.

    A client that is never activated takes no part in the server's periods. Its shutdown callback is C's `sem_post` on a
    semaphore of our own: Python there would wait for Python's lock. Source: jack/jack.h.
    """

    def __init__(self, name: str) -> None:
        no_start_server = 0x01
        self._library = _foreign()
        self._semaphore = (c_int * 16)()  # at least as large as a sem_t; zeroed, it is one that counts from 0
        post = cast(ctypes.CDLL(None).sem_post, c_void_p)
        self._client = self._library.jack_client_open(name.encode(), no_start_server, None)
        if not self._client:
            raise OutputError("There is no JACK server: start one, or name another API.")
        self._library.jack_on_shutdown(self._client, post, self._semaphore)

    @property
    def died(self) -> bool:
        return self._semaphore[0] != 0

    def links(self, port: str) -> frozenset[str]:
        """Full names of the ports that are connected to this one."""
        there = None if self.died else self._library.jack_port_by_name(self._client, port.encode())
        return self._names(self._library.jack_port_get_all_connections(self._client, there) if there else None)

    def sources(self, port: str) -> frozenset[str]:
        """Full names of the MIDI ports of this name that others can listen to, whosever they are."""
        is_output = 0x2
        listed = None if self.died else self._library.jack_get_ports(self._client, None, b"8 bit raw midi", is_output)
        return frozenset(name for name in self._names(listed) if name.partition(":")[2] == port)

    def _names(self, listed: Any) -> frozenset[str]:
        """What libjack lists, which is freed."""
        if not listed:
            return frozenset()
        found: list[str] = []
        while listed[len(found)] is not None:
            found.append(listed[len(found)].decode())
        self._library.jack_free(listed)
        return frozenset(found)

    def close(self) -> None:
        """Let the server go, if it lives."""
        if not self.died:
            self._library.jack_client_close(self._client)


def _places(api: str | None, kind: type[Client]) -> list[Place]:
    built = apis()
    if api is not None and api not in built:
        raise UnknownName.of("MIDI API", api, built)
    places = []
    for name in [api] if api is not None else built:
        with contextlib.suppress(OutputError):
            client = kind(name, "livecode-probe")
            places += [Place(name, port) for port in client.names() if not _OURS.match(port)]
            client.close()
    return places


def _offered(places: Sequence[Place]) -> list[Place]:
    """Without livecode's own: an output that is heard, or an input that is played to, makes a loop."""
    return [place for place in places if not _OF_LIVECODE.fullmatch(place.name)]


def _names_of(place: Place) -> list[str]:
    """By what it can be called, in small letters."""
    own = _OF_LIVECODE.fullmatch(place.name)
    return [place.name.casefold(), *([own["port"].casefold()] if own else [])]


def _only(places: Sequence[Place]) -> Place:
    real = [place for place in _offered(places) if not _THROUGH.search(place.name)]
    if not real:
        raise OutputError("There is no MIDI port here: connect a device, or make a virtual port for others to connect to.")
    names = list(dict.fromkeys(place.name for place in real))
    if len(names) > 1:
        raise UnknownName(f"There are several MIDI ports: say which, {_either(names)}.")
    return real[0]


def _either(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names)[:4]) + (" or another" if len(names) > 4 else "")


def _rtmidi() -> Any:
    """python-rtmidi, loaded when first asked for, so that `import livecode` stays light; its libraries made quiet."""
    import rtmidi  # type: ignore[import-untyped]

    library = _foreign()
    nothing = cast(ctypes.pythonapi.Py_IsInitialized, c_void_p)  # a C function that does nothing and needs no lock
    for setter in ("jack_set_error_function", "jack_set_info_function", "snd_lib_error_set_handler"):
        with contextlib.suppress(AttributeError):
            function = CFUNCTYPE(None, c_void_p)((setter, library))
            function(nothing)
    return rtmidi


def _foreign() -> Any:
    """The libraries that rtmidi's extension is linked with: its wheel brings a libjack of its own beside the system's."""
    import rtmidi

    library = ctypes.CDLL(rtmidi._rtmidi.__file__)
    with contextlib.suppress(AttributeError):
        library.jack_client_open.restype = c_void_p
        library.jack_client_open.argtypes = [c_char_p, c_int, c_void_p]
        library.jack_client_close.argtypes = [c_void_p]
        library.jack_on_shutdown.argtypes = [c_void_p, c_void_p, c_void_p]
        library.jack_on_shutdown.restype = None
        library.jack_port_by_name.argtypes = [c_void_p, c_char_p]
        library.jack_port_by_name.restype = c_void_p
        library.jack_port_get_all_connections.argtypes = [c_void_p, c_void_p]
        library.jack_port_get_all_connections.restype = POINTER(c_char_p)
        library.jack_get_ports.argtypes = [c_void_p, c_char_p, c_char_p, c_ulong]
        library.jack_get_ports.restype = POINTER(c_char_p)
        library.jack_free.argtypes = [c_void_p]
        library.jack_free.restype = None
    return library
