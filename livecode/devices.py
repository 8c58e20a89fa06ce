"""What an engine plays on: the synthesizer that it was opened with, and MIDI ports, each held by one engine at a time."""

from collections.abc import Iterable
from dataclasses import dataclass

from filelock import Timeout

from .clock import Clock
from .errors import BadInput, LivecodeError, NoAudio
from .facts import PortOpened
from .outputs import Output
from .outputs.fluid import FluidOutput
from .outputs.midi import OPENS_IN, MidiOutput
from .places import MAIN, Claim, port_lock
from .protocol import Opening, OpenPort


def synthesizer(opening: Opening, clock: Clock, *, later: bool = False) -> tuple[list[Output], str]:
    """FluidSynth, if it was asked for; if it is not installed, nothing and a sentence that says so.

    Without a device, or with a sound server that hangs, it is there all the same after three seconds, in trouble, and plays as
    soon as there is one: always if `later`, else if no driver was named and no audio is required. Raises OutputError, such as
    NoAudio.
    """
    if not opening.audio:
        return [], ""
    fluid = FluidOutput(
        clock,
        soundfont=opening.soundfont,
        driver=opening.driver,
        gain=opening.gain,
        reverb=opening.reverb,
        chorus=opening.chorus,
    )
    now = not later and (opening.require_audio or opening.driver is not None)
    try:
        fluid.open(later=not now)
    except NoAudio as error:
        if now:
            raise
        return [], f"{error} The tape plays instead: write it with stage.export, to 'take.wav' or 'take.mid'."
    return [fluid], ""


@dataclass(frozen=True, slots=True)
class Port:
    """A MIDI output that is open, and the claim that keeps other engines off it."""

    output: MidiOutput
    lock: Claim

    def close(self) -> None:
        """Let both go."""
        self.output.close()
        self.lock.release()


def open_port(asked: OpenPort, clock: Clock, taken: Iterable[str], engine: str) -> Port:
    """A port for the engine of this name. Raises UnknownName or OutputError, and BadInput for a name that is taken or a port that
    another engine plays on."""
    output = MidiOutput(clock, asked.port, api=asked.api, virtual=asked.virtual)
    output.open()
    port = Port(output, port_lock(output.api, output.name, engine))
    try:
        if output.name in taken:
            raise BadInput(f"There is an output {output.name!r} already: route parts to it, or open another port.")
        port.lock.acquire()
    except Timeout:
        port.close()
        raise BadInput(_in_use(output.name, port.lock.holder())) from None
    except LivecodeError:
        port.close()
        raise
    return port


def _in_use(port: str, holder: tuple[int, str] | None) -> str:
    """Who plays on the port, and what to do.

    >>> _in_use("Digitone", (1234, "main"))
    "The engine 'main' (process 1234) plays on 'Digitone' already: attach to it (livecode attach), or stop it (livecode stop)."
    """
    if holder is None:
        return f"Another engine plays on {port!r} already: livecode doctor names those that run; stop it, or open another port."
    pid, engine = holder
    if not engine:
        return f"A stage in process {pid} plays on {port!r} already: close that stage, or open another port."
    name = "" if engine == MAIN else f" {engine}"
    remedy = f"attach to it (livecode attach{name}), or stop it (livecode stop{name})"
    return f"The engine {engine!r} (process {pid}) plays on {port!r} already: {remedy}."


def open_again(ports: Iterable[PortOpened], clock: Clock, engine: str) -> tuple[list[Port], list[str]]:
    """After a crash: the ports that were open, also such as are not there now, and sentences about those that cannot be had."""
    opened, sentences = [], []
    for fact in ports:
        output = MidiOutput(clock, fact.name, api=fact.api, virtual=fact.virtual)
        lock = port_lock(fact.api, fact.name, engine)
        try:
            lock.acquire()
            output.open(later=True)
        except Timeout:
            sentences.append(_in_use(fact.name, lock.holder()))
        except LivecodeError as error:
            lock.release()
            sentences.append(f"{fact.name} cannot be opened again: {error}")
        else:
            opened.append(Port(output, lock))
    until = clock.now() + OPENS_IN
    for port in opened:
        port.output.wait_until_tried(until)
    return opened, sentences
