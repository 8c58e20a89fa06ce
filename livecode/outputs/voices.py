"""Parts on a synthesizer: each has channels and a source of its own, live and offline alike."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..controls import BEND, wire
from ..errors import OutputError
from ..gm import DRUM_CHANNEL
from ..music import ControlEvent, Event, NoteEvent, ProgramEvent, ReleaseEvent
from .fluidlib import CHANNELS, DRUM_BANK, PEDALS, Kind, Synth


@dataclass(slots=True)
class Voice:
    """One part: where its events come from, its channel for melody and its channel for drums, and what is not yet due.

    What is played by hand has channels of its own, which follow the part's settings: where a phrase gives way to another all
    keys of the part's channel go up, and those that are held must not.
    """

    part: str
    source: int
    channels: dict[bool, int] = field(default_factory=dict)
    by_hand: dict[bool, int] = field(default_factory=dict)
    pending: list[tuple[int, Event]] = field(default_factory=list)

    def every_channel(self) -> list[int]:
        """All that it may sound on."""
        return [*self.channels.values(), *self.by_hand.values()]

    def hands(self, drums: bool) -> list[int]:
        """The channel by hand, if there is one."""
        return [self.by_hand[drums]] if drums in self.by_hand else []


class Voices:
    """Gives every part its own channels of the synthesizer, whatever MIDI channels its events carry.

    So two parts on MIDI channel 10 have each their own volume. Drum kits are presets of bank 128, melodic ones of bank 0. A
    program that the soundfont lacks falls back on program 0, then on any preset, and is noted in `missing`.
    """

    def __init__(self, synth: Synth) -> None:
        self._synth = synth
        self._by_part: dict[str, Voice] = {}
        self._channels = 0
        self._making = threading.Lock()
        """Whoever plays by hand may want a part's channel at the same time as the planner."""
        self.missing: set[tuple[str, int]] = set()
        self.lacking: dict[tuple[str, bool], int] = {}
        """The same as it is now: the program that a part's notes, or its drums, lack."""

    def of(self, part: str) -> Voice:
        """The voice of a part, made if it is new."""
        with self._making:
            voice = self._by_part.get(part)
            if voice is None:
                voice = self._by_part[part] = Voice(part, self._synth.client(part))
            return voice

    def groups(self, parts: Sequence[str], groups: int) -> list[list[int]]:
        """In which of so many audio groups of the synthesizer each of these parts sounds so far."""
        return [[channel % groups for channel in self.of(part).channels.values()] for part in parts]

    def which(self, part: str | None) -> list[Voice]:
        """The voice of a part if it has one; all for None."""
        if part is None:
            return list(self._by_part.values())
        return [self._by_part[part]] if part in self._by_part else []

    def send(self, voice: Voice, event: Event, due: int, ends: int) -> None:
        """Queue an event at tick `due`; a note ends at tick `ends`."""
        if isinstance(event, ReleaseEvent):
            for channel in list(voice.channels.values()):
                # A tick early, for FluidSynth promises no order within one: the notes that begin here must stay. A key goes up
                # as a note of no velocity does, for that can be taken back: a queued key-up is the end of some note.
                if event.pitch is None:
                    self._synth.release_at(voice.source, max(0, due - 1), channel)
                else:
                    self._synth.note(voice.source, max(0, due - 2), channel, event.pitch, 0, 1)
            return
        drums = event.channel == DRUM_CHANNEL
        channel = self._channel(voice, drums)
        if isinstance(event, NoteEvent):
            self._synth.note(voice.source, due, channel, event.pitch, event.velocity, max(1, ends - due))
            return
        for each in (channel, *voice.hands(drums)):
            self._send_setting(voice, event, due, each)

    def _send_setting(self, voice: Voice, event: ControlEvent | ProgramEvent, due: int, channel: int) -> None:
        if isinstance(event, ProgramEvent):
            self._synth.program(voice.source, due, channel, *self._preset(voice, event))
        elif event.control == BEND:
            self._synth.bend(voice.source, due, channel, event.value)
        else:
            # A tick each, for FluidSynth promises no order within one: a parameter is chosen before it is set.
            for place, (_, control, value) in enumerate(wire(0, event.control, event.value)):
                self._synth.control(voice.source, due + place, channel, control, value)

    def play(self, part: str, message: tuple[int, ...]) -> None:
        """Play a channel message now; programs and channel modes are none of its business."""
        voice, drums = self.of(part), message[0] & 0x0F == DRUM_CHANNEL
        if drums not in voice.by_hand:
            own = self._channel(voice, drums)
            with self._making:
                made = self._free(part)
            self._synth.copy(own, made)
            voice.by_hand[drums] = made
        self._synth.play(message[0] & 0xF0, voice.by_hand[drums], *message[1:])

    def set(self, event: ControlEvent | ProgramEvent) -> None:
        """Set now what a controller or a program sets."""
        voice, drums = self.of(event.part), event.channel == DRUM_CHANNEL
        for channel in (self._channel(voice, drums), *voice.hands(drums)):
            if isinstance(event, ProgramEvent):
                self._synth.select(channel, *self._preset(voice, event))
            elif event.control == BEND:
                self._synth.set_bend(channel, event.value)
            else:
                for _, control, value in wire(0, event.control, event.value):
                    self._synth.set_control(channel, control, value)

    def end(self, voice: Voice) -> None:
        """End, now, every sound of a part, and take back all that is queued for it."""
        self._synth.remove(voice.source, *Kind)
        for channel in voice.every_channel():
            self._synth.release(channel)
            self._synth.cut(channel)

    def _channel(self, voice: Voice, drums: bool) -> int:
        with self._making:
            if drums not in voice.channels:
                channel = self._free(voice.part)
                self._synth.select(channel, *self._nearest(drums, 0))
                voice.channels[drums] = channel
            return voice.channels[drums]

    def _free(self, part: str) -> int:
        """A channel that nobody has. Raises OutputError."""
        if self._channels == CHANNELS:
            raise OutputError(f"Part {part!r} finds no free channel: all {CHANNELS} of FluidSynth are taken.")
        self._channels += 1
        return self._channels - 1

    def _preset(self, voice: Voice, event: ProgramEvent) -> tuple[int, int]:
        """A soundfont's banks go by controller 0 alone, as Roland's GS has it; drums have one of their own."""
        drums = event.channel == DRUM_CHANNEL
        bank = event.bank[0] if event.bank and not drums else 0
        preset = self._nearest(drums, event.program, bank)
        if preset != (DRUM_BANK if drums else bank, event.program):
            self.missing.add((voice.part, event.program))
            self.lacking[voice.part, drums] = event.program
        else:
            self.lacking.pop((voice.part, drums), None)
        return preset

    def _nearest(self, drums: bool, program: int, bank: int = 0) -> tuple[int, int]:
        """The preset of this program in this bank; else in the first, else the first program, else any."""
        first = DRUM_BANK if drums else 0
        presets = self._synth.presets
        wished = ((first if drums else bank, program), (first, program), (first, 0))
        found = next((preset for preset in wished if preset in presets), None)
        return found or min(presets, key=lambda preset: (preset[0] != first, preset))


class Settings:
    """The programs and controllers that hold for each part. They outlive a device: one that is opened anew is told them first."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, bool, int | None], ControlEvent | ProgramEvent] = {}

    def hold(self, event: ControlEvent | ProgramEvent) -> None:
        """This holds from now on."""
        what = event.control if isinstance(event, ControlEvent) else None
        self._held[event.part, event.channel == DRUM_CHANNEL, what] = event

    def lift_pedals(self, part: str | None) -> None:
        """No pedal of the part (None: of any) is down any more."""
        for held in list(self._held):
            if held[2] in PEDALS and part in (None, held[0]):
                del self._held[held]

    def events(self) -> list[ControlEvent | ProgramEvent]:
        """What holds."""
        return list(self._held.values())
