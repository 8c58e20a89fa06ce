"""Which audio drivers have a device on this machine, found without noise and without starting anything."""

import contextlib
import ctypes
import ctypes.util
import functools
import os
import sys
from ctypes import POINTER, byref, c_char_p, c_int, c_long, c_uint32, c_ulong, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOKED_FOR = {
    "linux": "JACK, PipeWire, PulseAudio and ALSA",
    "darwin": "Core Audio",
    "win32": "WASAPI and DirectSound",
}
"""What `drivers` looks for, by platform, in words."""


def drivers() -> list[str]:
    """FluidSynth's names of the drivers that have a device here, the best first.

    A running JACK server comes first: somebody started it on purpose. PipeWire and PulseAudio are found by their sockets,
    ALSA by its list of cards. On macOS and Windows the system's own are named without a look.
    """
    if sys.platform == "darwin":
        return ["coreaudio"]
    if sys.platform == "win32":
        return ["wasapi", "dsound"]
    probes = {"jack": jack_server, "pipewire": _pipewire, "pulseaudio": _pulseaudio, "alsa": _alsa}
    return [name for name, found in probes.items() if found()]


def looked_for() -> str:
    """The kinds of audio that `drivers` looks for on this platform."""
    return LOOKED_FOR.get(sys.platform, LOOKED_FOR["linux"])


def _runtime_folder() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")


def _pipewire() -> bool:
    return (_runtime_folder() / os.environ.get("PIPEWIRE_REMOTE", "pipewire-0")).exists()


def _pulseaudio() -> bool:
    return bool(os.environ.get("PULSE_SERVER")) or (_runtime_folder() / "pulse" / "native").exists()


def _alsa() -> bool:
    try:
        cards = Path("/proc/asound/cards").read_text()
    except OSError:
        return False
    return any(line.strip()[:1].isdigit() for line in cards.splitlines())


@dataclass(frozen=True, slots=True)
class JackServer:
    """What a running JACK server plays at: samples per second, samples per period, samples until a period is heard."""

    sample_rate: int
    period: int
    latency: int


def jack_server() -> JackServer | None:
    """The JACK server that runs, if one does. It is never started."""
    watch = watch_jack("livecode-probe")
    if watch is None:
        return None
    watch.close()
    return watch.server


def watch_jack(name: str = "livecode-watch") -> "JackWatch | None":
    """A watch on the JACK server that runs, if one does. It is never started (JackNoStartServer)."""
    no_start_server, status = 0x01, c_int()
    library = _libjack()
    client = library.jack_client_open(name.encode(), no_start_server, byref(status)) if library is not None else None
    return JackWatch(library, client) if client else None


class JackWatch:
    """A client that takes no part in the server's periods: it knows what these are, and whether the server has died since.

    libjack lets go the clients of a dead server by itself as soon as another one is opened. To close one after that, this or
    FluidSynth's, is a crash then or later. So once the server `died`, what was its client must not be closed any more.
    Source: jack/jack.h, jack/types.h; jack2, common/JackLibGlobals.h, JackLibGlobals::Init.
    """

    def __init__(self, library: Any, client: int) -> None:
        self._library, self._client = library, client
        period = int(library.jack_get_buffer_size(client))
        latency = _playback_latency(library, client) or 2 * period
        self.server = JackServer(int(library.jack_get_sample_rate(client)), period, latency)
        # The callback is C's `time`, which writes the hour of death: Python there would wait for Python's lock.
        self._died = (c_long * 2)()
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._died))  # libjack may write for as long as the process lives
        library.jack_on_shutdown(client, ctypes.cast(ctypes.CDLL(None).time, c_void_p), self._died)

    @property
    def died(self) -> bool:
        """Whether the server died."""
        return self._died[0] != 0

    def close(self) -> None:
        """Let the server go, if it lives."""
        if not self.died:
            self._library.jack_client_close(self._client)


def _playback_latency(library: Any, client: int) -> int:
    """Samples from the beginning of a period to its sound, as the first physical output reports; 0 if it does not."""
    is_input, is_physical, playback = 0x1, 0x4, 1
    ports = library.jack_get_ports(client, None, b"32 bit float mono audio", is_input | is_physical)
    if not ports:
        return 0
    least_and_most = (c_uint32 * 2)()
    port = library.jack_port_by_name(client, ports[0])
    library.jack_port_get_latency_range(port, playback, least_and_most)
    library.jack_free(ports)
    return least_and_most[1]


@functools.cache
def _libjack() -> Any:
    """libjack, None where there is none: looked for once, for the look runs other programs, such as ldconfig and gcc."""
    name = ctypes.util.find_library("jack")
    try:
        library = ctypes.CDLL(name) if name else None
    except OSError:
        library = None
    if library is not None:
        library.jack_client_open.restype = c_void_p
        library.jack_client_open.argtypes = [c_char_p, c_int, POINTER(c_int)]
        library.jack_client_close.argtypes = [c_void_p]
        library.jack_on_shutdown.argtypes = [c_void_p, c_void_p, c_void_p]
        library.jack_on_shutdown.restype = None
        library.jack_get_buffer_size.argtypes = library.jack_get_sample_rate.argtypes = [c_void_p]
        library.jack_get_ports.restype = POINTER(c_char_p)
        library.jack_get_ports.argtypes = [c_void_p, c_char_p, c_char_p, c_ulong]
        library.jack_port_by_name.restype = c_void_p
        library.jack_port_by_name.argtypes = [c_void_p, c_char_p]
        library.jack_port_get_latency_range.argtypes = [c_void_p, c_int, c_void_p]
        library.jack_port_get_latency_range.restype = None
        library.jack_free.argtypes = [c_void_p]
        for setter in (library.jack_set_error_function, library.jack_set_info_function):
            setter.argtypes = [c_void_p]
            setter(_do_nothing())
    return library


@functools.cache
def hush_alsa() -> None:
    """Keep ALSA's library from printing over the prompt when a device does not open."""
    name = ctypes.util.find_library("asound")
    if name:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(name).snd_lib_error_set_handler(_do_nothing())


def _do_nothing() -> c_void_p:
    """The address of a C function that ignores what it is called with, does nothing, and needs no lock.

    Printers of JACK and ALSA are replaced by it: a Python function there would wait for Python's lock in the audio thread.
    """
    return ctypes.cast(ctypes.pythonapi.Py_IsInitialized, c_void_p)
