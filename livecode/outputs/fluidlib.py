"""The edge to libfluidsynth: every foreign call is made here, and every return code checked.

pyfluidsynth finds the library and declares most of it; what it lacks is declared beside it. Nothing is loaded before the
first `Library`.
"""

import contextlib
import ctypes
import io
from collections.abc import Iterator, Mapping, Sequence
from ctypes import byref, c_char_p, c_double, c_int, c_short, c_uint, c_void_p
from enum import IntEnum
from pathlib import Path
from typing import Any

from ..errors import NoAudio, OutputError

BLOCK = 64
"""Samples that FluidSynth renders at once (FLUID_BUFSIZE): events take effect at the beginning of a block."""

DRUM_BANK = 128
"""The bank that holds drum kits in a General MIDI soundfont."""

CHANNELS = 256
"""Channels of one synthesizer, the most that FluidSynth allows."""

PEDALS = (64, 66)
"""The controllers that hold notes which are over: the sustain and the sostenuto pedal."""

MOST_GROUPS = 128
"""Audio signals of one synthesizer, the most that FluidSynth allows."""

_LASTING = (1, 5, 7, 8, 10, 11, *range(70, 80), *range(91, 96))
"""The controllers that say how a channel sounds. Source: MIDI 1.0, table of controllers."""

_FAILED = -1
_LOG_LEVELS = range(5)
_LOG_ERRORS = range(3)


class Kind(IntEnum):
    """Types of sequencer events. Source: fluidsynth/event.h, fluid_seq_event_type."""

    NOTE = 0
    NOTE_OFF = 2
    ALL_NOTES_OFF = 4
    PROGRAM = 7
    BEND = 8
    CONTROL = 12


PLANNED = (Kind.NOTE, Kind.ALL_NOTES_OFF, Kind.PROGRAM, Kind.BEND, Kind.CONTROL)
"""What is sent ahead. NOTE_OFF is not: FluidSynth itself queues it when a NOTE begins to sound, under the source of that NOTE."""


class Library:
    """libfluidsynth's functions, loaded when this is made. Raises NoAudio if the library is not installed."""

    def __init__(self) -> None:
        self.functions = fs = _pyfluidsynth()
        self.set_log = fs.cfunc(
            "fluid_set_log_function", c_void_p, ("level", c_int, 1), ("fun", c_void_p, 1), ("data", c_void_p, 1)
        )
        self.foreach_option = fs.cfunc(
            "fluid_settings_foreach_option",
            None,
            ("settings", c_void_p, 1),
            ("name", c_char_p, 1),
            ("data", c_void_p, 1),
            ("func", _ON_OPTION, 1),
        )
        self.register_client = fs.cfunc(
            "fluid_sequencer_register_client",
            c_short,
            ("seq", c_void_p, 1),
            ("name", c_char_p, 1),
            ("callback", c_void_p, 1),
            ("data", c_void_p, 1),
        )
        self.remove_events = fs.cfunc(
            "fluid_sequencer_remove_events",
            None,
            ("seq", c_void_p, 1),
            ("source", c_short, 1),
            ("dest", c_short, 1),
            ("type", c_int, 1),
        )
        self.event_control = fs.cfunc(
            "fluid_event_control_change",
            None,
            ("evt", c_void_p, 1),
            ("channel", c_int, 1),
            ("control", c_short, 1),
            ("value", c_int, 1),
        )
        self.event_bend = fs.cfunc(
            "fluid_event_pitch_bend", None, ("evt", c_void_p, 1), ("channel", c_int, 1), ("value", c_int, 1)
        )
        self.bend = fs.cfunc("fluid_synth_pitch_bend", c_int, ("synth", c_void_p, 1), ("channel", c_int, 1), ("value", c_int, 1))
        self.event_all_notes_off = fs.cfunc("fluid_event_all_notes_off", None, ("evt", c_void_p, 1), ("channel", c_int, 1))
        self.event_program = fs.cfunc(
            "fluid_event_program_select",
            None,
            ("evt", c_void_p, 1),
            ("channel", c_int, 1),
            ("sfont_id", c_uint, 1),
            ("bank", c_short, 1),
            ("preset", c_short, 1),
        )
        self.write_float = fs.cfunc(
            "fluid_synth_write_float",
            c_int,
            *(("synth", c_void_p, 1), ("len", c_int, 1)),
            *(("left", c_void_p, 1), ("loff", c_int, 1), ("lincr", c_int, 1)),
            *(("right", c_void_p, 1), ("roff", c_int, 1), ("rincr", c_int, 1)),
        )
        self.process = fs.cfunc(
            "fluid_synth_process",
            c_int,
            *(("synth", c_void_p, 1), ("len", c_int, 1)),
            *(("nfx", c_int, 1), ("fx", c_void_p, 1), ("nout", c_int, 1), ("out", c_void_p, 1)),
        )
        self.iterate = fs.cfunc("fluid_sfont_iteration_start", None, ("sfont", c_void_p, 1))
        self.next_preset = fs.cfunc("fluid_sfont_iteration_next", c_void_p, ("sfont", c_void_p, 1))
        self.preset_bank = fs.cfunc("fluid_preset_get_banknum", c_int, ("preset", c_void_p, 1))
        self.preset_number = fs.cfunc("fluid_preset_get_num", c_int, ("preset", c_void_p, 1))
        on_channel = (("synth", c_void_p, 1), ("channel", c_int, 1))
        self.channel_pressure = fs.cfunc("fluid_synth_channel_pressure", c_int, *on_channel, ("value", c_int, 1))
        self.key_pressure = fs.cfunc("fluid_synth_key_pressure", c_int, *on_channel, ("key", c_int, 1), ("value", c_int, 1))
        self.get_control = fs.cfunc("fluid_synth_get_cc", c_int, *on_channel, ("control", c_int, 1), ("value", c_void_p, 1))
        self.get_program = fs.cfunc(
            "fluid_synth_get_program", c_int, *on_channel, ("font", c_void_p, 1), ("bank", c_void_p, 1), ("program", c_void_p, 1)
        )
        self.hush()

    def hush(self) -> None:
        """Throw away what FluidSynth would print. No Python function is set: it would run in the audio thread."""
        for level in _LOG_LEVELS:
            self.set_log(level, None, None)

    @contextlib.contextmanager
    def messages(self) -> Iterator[list[str]]:
        """Collect FluidSynth's errors and warnings meanwhile. Only for opening: the collector needs Python's lock."""
        said: list[str] = []
        collector = _ON_LOG(lambda _level, message, _data: said.append(message.decode(errors="replace").strip()))
        for level in _LOG_ERRORS:
            self.set_log(level, ctypes.cast(collector, c_void_p), None)
        try:
            yield said
        finally:
            self.hush()

    def drivers(self) -> list[str]:
        """The names of the audio drivers that this libfluidsynth was built with."""
        names: list[str] = []
        settings = self.functions.new_fluid_settings()
        self.foreach_option(
            settings, b"audio.driver", None, _ON_OPTION(lambda _data, _name, option: names.append(option.decode()))
        )
        self.functions.delete_fluid_settings(settings)
        return names


_ON_OPTION = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_char_p)
_ON_LOG = ctypes.CFUNCTYPE(None, c_int, c_char_p, c_void_p)


def _pyfluidsynth() -> Any:
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # under CI=true it prints where it found the library
            import fluidsynth
    except (ImportError, OSError, AttributeError) as error:
        raise NoAudio(
            "FluidSynth is not installed: install its library, on Debian or Ubuntu `apt install libfluidsynth3`, on macOS "
            "`brew install fluid-synth`, on Windows `choco install fluidsynth`."
        ) from error
    return fluidsynth


class Synth:
    """One synthesizer with one soundfont and a sequencer, which counts milliseconds of audio rendered.

    groups: how many audio signals there are, each with a reverb and a chorus of its own: channel n sounds in group n modulo
    `groups`. Raises OutputError if the soundfont does not load.
    """

    def __init__(
        self,
        library: Library,
        soundfont: Path,
        *,
        sample_rate: int,
        gain: float,
        reverb: bool,
        chorus: bool,
        groups: int = 1,
    ) -> None:
        self._library = library
        self._fs = library.functions
        self._settings: int | None = None
        self._synth: int | None = None
        self._sequencer: int | None = None
        self._driver: int | None = None
        self._event: int | None = None
        self.sample_rate = sample_rate
        self.presets: frozenset[tuple[int, int]] = frozenset()
        try:
            self._settings = _made(self._fs.new_fluid_settings(), "settings")
            self._set("synth.sample-rate", float(sample_rate))
            self._set("synth.gain", float(gain))
            self._set("synth.midi-channels", CHANNELS)
            self._set("synth.reverb.active", int(reverb))
            self._set("synth.chorus.active", int(chorus))
            for name in ("synth.audio-groups", "synth.audio-channels", "synth.effects-groups"):
                self._set(name, groups)
            self._synth = _made(self._fs.new_fluid_synth(self._settings), "synthesizer")
            self._soundfont = self._load(soundfont)
            self._sequencer = _made(self._fs.new_fluid_sequencer2(0), "sequencer")
            self._destination = _checked(
                self._fs.fluid_sequencer_register_fluidsynth(self._sequencer, self._synth), "registering the synthesizer"
            )
            self._event = _made(self._fs.new_fluid_event(), "event")
        except BaseException:
            self.close()
            raise

    def _load(self, soundfont: Path) -> int:
        with self._library.messages() as said:
            loaded: int = self._fs.fluid_synth_sfload(self._synth, str(soundfont).encode(), 1)
        if loaded == _FAILED:
            raise OutputError(f"FluidSynth cannot load the soundfont {str(soundfont)!r}{_because(said)}: give another one.")
        font = self._fs.fluid_synth_get_sfont_by_id(self._synth, loaded)
        self.presets = frozenset(self._presets_of(font))
        if not self.presets:
            raise OutputError(f"The soundfont {str(soundfont)!r} holds no instrument: give another one.")
        return loaded

    def _presets_of(self, font: int) -> Iterator[tuple[int, int]]:
        library = self._library
        library.iterate(font)
        while preset := library.next_preset(font):
            yield library.preset_bank(preset), library.preset_number(preset)

    def _set(self, name: str, value: str | int | float) -> None:
        fs, key = self._fs, name.encode()
        if isinstance(value, str):
            code = fs.fluid_settings_setstr(self._settings, key, value.encode())
        elif isinstance(value, int):
            code = fs.fluid_settings_setint(self._settings, key, value)
        else:
            code = fs.fluid_settings_setnum(self._settings, key, c_double(value))
        _checked(code, f"setting {name} to {value!r}")

    def _get(self, name: str) -> int:
        value = c_int()
        _checked(self._fs.fluid_settings_getint(self._settings, name.encode(), ctypes.byref(value)), f"reading {name}")
        return value.value

    def buffer(self) -> tuple[int, int]:
        """Period size in samples and number of periods that a driver will be asked for."""
        return self._get("audio.period-size"), self._get("audio.periods")

    def set_period(self, samples: int) -> None:
        """Have a driver ask for so many samples at a time."""
        self._set("audio.period-size", samples)

    def play_on(self, driver: str, settings: Mapping[str, str | int]) -> None:
        """Start the audio thread with settings of the driver. Raises NoAudio if the driver does not open."""
        for name, value in settings.items():
            self._set(f"audio.{driver}.{name}", value)
        self._set("audio.driver", driver)
        with self._library.messages() as said:
            self._driver = self._fs.new_fluid_audio_driver(self._settings, self._synth)
        if not self._driver:
            advice = "see that its device is there, or leave the driver to livecode."
            raise NoAudio(f"FluidSynth cannot open the audio driver {driver!r}{_because(said)}: {advice}")

    def tick(self) -> int:
        """Milliseconds of audio rendered, at the beginning of the block that was rendered last."""
        ticks: int = self._fs.fluid_sequencer_get_tick(self._sequencer)
        return ticks

    def rendered(self, tick: int) -> float:
        """Seconds of audio at the beginning of the first block in which a tick can be."""
        block = -(-tick * self.sample_rate // (1000 * BLOCK))
        return block * BLOCK / self.sample_rate

    def tick_at(self, seconds: float) -> int:
        """The tick at which an event must be queued to take effect at the block that begins nearest to `seconds` of audio.

        FluidSynth rounds the beginnings of blocks down to ms, then plays what is due. So at up to 64,000 samples per second
        every block can be hit, and the error is half a block (0.67 ms at 48 kHz); finer ticks, by
        fluid_sequencer_set_time_scale, would only multiply the same whole ms.
        """
        block = max(0, round(seconds * self.sample_rate / BLOCK))
        return block * BLOCK * 1000 // self.sample_rate

    def client(self, name: str) -> int:
        """A new source of events, by which they can be removed."""
        return _checked(self._library.register_client(self._sequencer, name.encode(), None, None), "registering a part")

    def note(self, source: int, tick: int, channel: int, pitch: int, velocity: int, duration: int) -> None:
        """Queue a note of `duration` ticks."""
        self._fs.fluid_event_note(self._event, channel, pitch, velocity, duration)
        self._send(source, tick)

    def control(self, source: int, tick: int, channel: int, control: int, value: int) -> None:
        """Queue a control change."""
        self._library.event_control(self._event, channel, control, value)
        self._send(source, tick)

    def bend(self, source: int, tick: int, channel: int, value: int) -> None:
        """Queue a pitch bend, 0 to 16383."""
        self._library.event_bend(self._event, channel, value)
        self._send(source, tick)

    def program(self, source: int, tick: int, channel: int, bank: int, number: int) -> None:
        """Queue the choice of a preset that the soundfont has."""
        self._library.event_program(self._event, channel, self._soundfont, bank, number)
        self._send(source, tick)

    def release_at(self, source: int, tick: int, channel: int) -> None:
        """Queue that every key of a channel goes up."""
        self._library.event_all_notes_off(self._event, channel)
        self._send(source, tick)

    def _send(self, source: int, tick: int) -> None:
        self._fs.fluid_event_set_source(self._event, source)
        self._fs.fluid_event_set_dest(self._event, self._destination)
        _checked(self._fs.fluid_sequencer_send_at(self._sequencer, self._event, tick, 1), "queueing an event")

    def remove(self, source: int, *kinds: Kind) -> None:
        """Take back queued events of a source."""
        for kind in kinds:
            self._library.remove_events(self._sequencer, source, -1, kind)

    def select(self, channel: int, bank: int, number: int) -> None:
        """Put a preset on a channel now."""
        code = self._fs.fluid_synth_program_select(self._synth, channel, self._soundfont, bank, number)
        _checked(code, f"selecting preset {bank}:{number}")

    def set_control(self, channel: int, control: int, value: int) -> None:
        """Set a controller of a channel now."""
        _checked(self._fs.fluid_synth_cc(self._synth, channel, control, value), f"setting controller {control}")

    def set_bend(self, channel: int, value: int) -> None:
        """Bend the pitch of a channel now, 0 to 16383."""
        _checked(self._library.bend(self._synth, channel, value), "bending the pitch")

    def play(self, kind: int, channel: int, first: int, second: int = 0) -> None:
        """Do now what a MIDI channel message says: its kind (0x80, 0x90, 0xA0, 0xB0, 0xD0, 0xE0) and its data bytes.

        A note-off for a key that is up is no failure, and neither is a controller that the synthesizer does not know.
        """
        fs, library = self._fs, self._library
        match kind:
            case 0x80:
                fs.fluid_synth_noteoff(self._synth, channel, first)
            case 0x90:
                fs.fluid_synth_noteon(self._synth, channel, first, second)
            case 0xA0:
                library.key_pressure(self._synth, channel, first, second)
            case 0xB0:
                fs.fluid_synth_cc(self._synth, channel, first, second)
            case 0xD0:
                library.channel_pressure(self._synth, channel, first)
            case 0xE0:
                fs.fluid_synth_pitch_bend(self._synth, channel, first + 128 * second)

    def copy(self, channel: int, to: int) -> None:
        """Have another channel sound like this one: its program, volume, pan, expression and other lasting controllers."""
        font, bank, program = c_int(), c_int(), c_int()
        got = self._library.get_program(self._synth, channel, byref(font), byref(bank), byref(program))
        if got != _FAILED:
            self._fs.fluid_synth_program_select(self._synth, to, font.value, bank.value, program.value)
        for control in _LASTING:
            value = c_int()
            if self._library.get_control(self._synth, channel, control, byref(value)) != _FAILED:
                self._fs.fluid_synth_cc(self._synth, to, control, value.value)

    def release(self, channel: int) -> None:
        """Pedals up and every key of the channel up, now."""
        for pedal in PEDALS:
            self.set_control(channel, pedal, 0)
        _checked(self._fs.fluid_synth_all_notes_off(self._synth, channel), "releasing the keys of a channel")

    def cut(self, channel: int) -> None:
        """Every sound of the channel (-1: of all) ends at once, without its release."""
        _checked(self._fs.fluid_synth_all_sounds_off(self._synth, channel), "cutting the sounds of a channel")

    def voices(self) -> int:
        """How many voices sound."""
        count: int = self._fs.fluid_synth_get_active_voice_count(self._synth)
        return count

    def write(self, frames: int, left: int, right: int) -> None:
        """Render into two buffers of float32, given by address. Only without a driver."""
        _checked(self._library.write_float(self._synth, frames, left, 0, 1, right, 0, 1), "rendering")

    def write_groups(self, frames: int, sides: Sequence[int]) -> None:
        """Render each group into two buffers of float32, given by address: left and right of the first, of the second ...

        What the buffers hold is added to. Only without a driver.
        """
        dry = (c_void_p * len(sides))(*sides)
        # Reverb and chorus of a group go where it goes itself.
        wet = [side for left, right in zip(sides[::2], sides[1::2], strict=True) for side in (left, right, left, right)]
        effects = (c_void_p * len(wet))(*wet)
        _checked(self._library.process(self._synth, frames, len(wet), effects, len(sides), dry), "rendering")

    def forget_driver(self) -> None:
        """Never close the driver: for one that would crash."""
        self._driver = None

    def close(self) -> None:
        """Stop the audio thread and free everything; the sequencer before the synthesizer that it knows."""
        for handle, delete in (
            (self._driver, self._fs.delete_fluid_audio_driver),
            (self._event, self._fs.delete_fluid_event),
            (self._sequencer, self._fs.delete_fluid_sequencer),
            (self._synth, self._fs.delete_fluid_synth),
            (self._settings, self._fs.delete_fluid_settings),
        ):
            if handle:
                delete(handle)
        self._driver = self._event = self._sequencer = self._synth = self._settings = None


def _made(handle: int | None, what: str) -> int:
    if not handle:
        raise OutputError(f"FluidSynth could not make its {what}: restart, or look at its version.")
    return handle


def _checked(code: int, what: str) -> int:
    if code == _FAILED:
        raise OutputError(f"FluidSynth refused: {what} failed.")
    return code


def _because(said: list[str]) -> str:
    return f" ({said[-1].rstrip('.')})" if said else ""
