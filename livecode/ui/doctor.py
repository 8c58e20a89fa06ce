"""What this machine has and lacks for a performance: one line each, and what to do about what is missing."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from ..errors import LivecodeError
from ..models.bundles import BUILT_IN, FAMILIES, find
from ..outputs import audio, ports, soundfonts
from ..outputs.fluidlib import Library
from ..outputs.midi import be_punctual
from ..places import running, state_folder


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` is empty if nothing need be done."""

    what: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        mark = "!" if self.advice else "ok"
        return f"{mark:3}{self.what}: {self.found}{'. ' + self.advice if self.advice else ''}"


def findings(about: Collection[str] | None = None) -> Iterator[Finding]:
    """Look at everything, or at these things alone; what fails is a finding, too."""
    for what, look in _CHECKS.items():
        if about is not None and what not in about:
            continue
        try:
            yield look()
        except LivecodeError as error:
            yield Finding(what, "missing", str(error))


def _python() -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    return Finding(
        "Python", found, "" if sys.version_info[:2] == (3, 11) else "Magenta needs Python 3.11: make a new environment."
    )


def _magenta() -> Finding:
    try:
        found = ", ".join(f"{name} {version(name)}" for name in ("magenta", "note-seq", "onnxruntime"))
    except PackageNotFoundError as error:
        return Finding("Magenta", "missing", f"{error}: run make venv.")
    return Finding("Magenta", found)


def _fluidsynth() -> Finding:
    return Finding("FluidSynth", f"installed, with the drivers {', '.join(Library().drivers())}")


def _audio() -> Finding:
    built = Library().drivers()
    found = [driver for driver in audio.drivers() if driver in built]
    if found:
        return Finding("audio device", f"FluidSynth would play on {found[0]}")
    looked = f"none (looked for {audio.looked_for()})"
    advice = "Connect one or start its server: stages play on it as soon as it is there, till then to the tape and to MIDI ports."
    return Finding("audio device", looked, advice)


def _soundfont() -> Finding:
    return Finding("soundfont", str(soundfonts.find()))


def _midi() -> Finding:
    names = ports.outputs()
    apis = ", ".join(ports.apis()) or "none"
    if names:
        return Finding("MIDI ports", f"{', '.join(names)} (API: {apis})")
    advice = "Connect a device; where none of these systems runs, start one (ALSA's sequencer, or JACK)."
    return Finding("MIDI ports", f"none (API: {apis})", advice)


def _realtime() -> Finding:
    permitted: list[bool] = []
    thread = threading.Thread(target=lambda: permitted.append(be_punctual()), name="livecode doctor")
    thread.start()
    thread.join()
    if permitted == [True]:
        return Finding("real-time priority", "permitted")
    advice = "On Linux, put '@audio - rtprio 95' into /etc/security/limits.d/audio.conf, join the group audio, log in again."
    return Finding("real-time priority", "not permitted", advice)


def _sessions() -> Finding:
    folder, least = state_folder(), 200_000_000
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = "Make it yours (chown), or set XDG_STATE_HOME to a folder that is."
        return Finding("journals", f"{folder} cannot be written to", advice)
    free = shutil.disk_usage(folder)[2]
    advice = "" if free >= least else "Make room: without it sessions are not kept, though the music goes on."
    return Finding("journals", f"in {folder}, {free / 1e9:.1f} GB free", advice)


def _bundles() -> Finding:
    families = {config: family for family, configs in FAMILIES.items() for config in configs}
    return Finding("built-in models", ", ".join(str(find(families[config], config)) for config in BUILT_IN))


def _engines() -> Finding:
    names = running()
    return Finding("engines", f"{', '.join(names)} (livecode attach, livecode stop)" if names else "none runs")


_CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": _python,
    "Magenta": _magenta,
    "FluidSynth": _fluidsynth,
    "audio device": _audio,
    "soundfont": _soundfont,
    "MIDI ports": _midi,
    "real-time priority": _realtime,
    "journals": _sessions,
    "built-in models": _bundles,
    "engines": _engines,
}
