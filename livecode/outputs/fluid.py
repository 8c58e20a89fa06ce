"""FluidSynth as a live output: events wait in its own sequencer, which counts the samples that the card has asked for."""

import contextlib
import threading
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

from ..clock import Clock
from ..errors import NoAudio, OutputError
from ..music import Beats, ControlEvent, Event, NoteEvent, ProgramEvent, Seconds, counted
from . import MOST_LATE, soundfonts
from .device import CLOSING, Device, Opener, Partings
from .fluidlib import PLANNED, Kind, Library
from .reopening import Reopening
from .voices import Settings, Voice

SAMPLE_RATE = 48000
GAIN = 0.6
"""Loud enough beside other programs; a dozen voices at full velocity stay below clipping."""

OPENS_IN: Seconds = 3.0
"""For so long a device that may come later is waited for: a sound server that hangs must not hold up the rest."""

ANSWERS_IN: Seconds = 6.0
"""For so long one is waited for that must be there now."""

RESEND_AFTER: Seconds = 0.001
"""When the mapping of time jumps by more than this, what was handed over is handed over again."""


class FluidOutput:
    """Plays through libfluidsynth and one of its audio drivers (None: the first of this machine's that opens).

    `sample_rate` is a wish; JACK's server decides for itself. An event sounds at its `seconds`: it is queued `latency`
    seconds of audio earlier, so hand it over at least that long before. Times fall on FluidSynth's blocks of 64 samples
    (half a block of error, 0.67 ms at 48 kHz), plus what `Follower` states.

    A device that asks for no audio any more is opened again: on the driver that was named, or on the first that plays.
    So is one that is not there at first, if `open` is told so. Until one plays, notes are counted as dropped; programs and
    controllers are set when it is there.

    One thread at a time calls methods, and only `open` and `close` wait for a device; any thread may look at what it says of
    itself. The audio thread never runs Python.
    """

    name = "FluidSynth"
    """The same whichever driver it plays to, for parts are routed by it."""

    def __init__(
        self,
        clock: Clock,
        *,
        soundfont: str | Path | None = None,
        driver: str | None = None,
        gain: float = GAIN,
        reverb: bool = True,
        chorus: bool = False,
        sample_rate: int | None = None,
    ) -> None:
        self._clock = clock
        self._soundfont = soundfont
        self._partings = Partings(clock)
        self._an_opener = partial(
            Opener,
            clock=clock,
            driver=driver,
            gain=gain,
            reverb=reverb,
            chorus=chorus,
            sample_rate=sample_rate or SAMPLE_RATE,
            partings=self._partings,
        )
        self._opener: Opener | None = None
        self._device: Device | None = None
        self._reopening: Reopening | None = None
        self._by_hand = threading.Lock()
        """Whoever plays by hand holds it, and whoever lets a device go or takes another."""
        self._waiting: list[Event] = []
        self._settings = Settings()
        self._driver = ""
        self._latency: Seconds = 0.0
        self.played = 0
        self.late = 0
        self.dropped = 0
        self.jumps = 0
        self.reopened = 0

    def __str__(self) -> str:
        on = f"{self.name} ({self.driver})" if self.driver else self.name
        said = [f"{on}: {counted(Fraction(self.played), 'note')} played, {self.late} late, {self.dropped} dropped"]
        if self.reopened:
            said.append(f"opened again {counted(Fraction(self.reopened), 'time')}")
        return " · ".join([*said, self.trouble] if self.trouble else said)

    @property
    def trouble(self) -> str:
        """A device that is gone or was never there, or programs that the soundfont lacks."""
        if (reopening := self._reopening) is not None:
            why = f" ({reopening.why})" if reopening.why else ""
            if not self._driver:
                return f"{reopening.wanting}{why}; it plays as soon as one is there"
            return f"the device is gone{why}: it is opened again by itself as soon as it is back"
        lacking = ", ".join(f"{program + 1} for {part}" for part, program in sorted(self.missing_programs))
        return f"the soundfont has no program {lacking}: another one plays instead" if lacking else ""

    @property
    def driver(self) -> str:
        """FluidSynth's name of the audio driver that it plays to, or last did; "" before it is open."""
        return self._driver

    @property
    def latency(self) -> Seconds:
        """From the moment at which the card asks for audio to the moment at which it is heard, as the driver states it."""
        return self._latency

    @property
    def standing(self) -> bool:
        """Whether no card asks for audio: the device is gone or was never there, or the machine hangs."""
        device = self._device
        return self._reopening is not None or (device is not None and device.standing)

    @property
    def missing_programs(self) -> frozenset[tuple[str, int]]:
        """Parts and programs (0-127) for which the soundfont has no preset; they play its first one instead."""
        device = self._device
        return (
            frozenset((part, program) for (part, _), program in device.voices.lacking.copy().items()) if device else frozenset()
        )

    def sounding(self) -> int:
        """How many voices sound at this moment."""
        device = self._device
        return device.synth.voices() if device else 0

    def open(self, *, later: bool = False) -> None:
        """Load the soundfont and start the audio. Raises OutputError, or UnknownName for the soundfont or the driver.

        later: a device that is not there, or takes long to open, is played to as soon as it is. NoAudio is raised then only for
        a missing library; else for a device that is not there, or does not open within six seconds, too.
        """
        if self._device is not None or self._reopening is not None:
            return
        self._opener = self._an_opener(library=Library(), soundfont=soundfonts.find(self._soundfont))
        self._reopening = reopening = Reopening(self._opener, None, any_device=not later)
        reopening.start()
        reopening.wait(OPENS_IN if later else ANSWERS_IN)
        self._look_for_device(reopening)
        if refusal := reopening.refusal or (None if later or self._device else self._missing(reopening)):
            self.close()
            raise refusal

    def _missing(self, reopening: Reopening) -> NoAudio:
        return reopening.missing or NoAudio(f"{reopening.wanting[0].upper()}{reopening.wanting[1:]} ({reopening.why}).")

    def _play_on(self, device: Device) -> None:
        with self._by_hand:
            self._device, self._driver, self._latency = device, device.driver, device.latency

    def follow(self) -> None:
        """Look at the card's counter; the engine calls this about every 30 ms, and `schedule` does by itself.

        After a jump (an xrun) it looks closer for at most 4 ms, and what waits is queued again.
        """
        if self._reopening is not None:
            self._look_for_device(self._reopening)
            return
        device = self._opened()
        jumped = abs(device.look()) > RESEND_AFTER
        if device.lost:
            self._lose(device)
            return
        if jumped:
            self.jumps += 1
            device.watch(min(2 * device.period, 0.004), 0.0002)
        tick = device.synth.tick()
        for voice in device.voices.which(None):
            self._settle(voice, tick)
            if jumped and voice.pending:
                self._plan_again(voice, [event for _, event in self._withdrawn(voice)])

    def schedule(self, events: Sequence[Event]) -> None:
        """Queue these. A note more than 50 ms late is dropped; programs and controls never are, for what they set lasts."""
        self.follow()
        if self._device is None:
            self._waiting += events
            return
        for event in events:
            self._plan_again(self._device.voices.of(event.part), [event])

    def withdraw(self, part: str | None, since: Beats) -> None:
        """Take back what is at or after `since` and not yet due.

        FluidSynth removes by source and type only, so everything planned goes and what lies before `since` is queued again.
        A note that becomes due in the microseconds between is taken for played: never doubled, at worst lost.
        """
        if self._reopening is not None:
            self._waiting = [event for event in self._waiting if part not in (None, event.part) or event.beat < since]
            return
        for voice in self._opened().voices.which(part):
            for due, event in self._withdrawn(voice):
                if event.beat < since:
                    self._queue(voice, event, due)

    def silence(self, part: str | None, at: Beats) -> None:
        """Keys and pedals up on the part's channels; for None every sound there is is cut, too."""
        self._settings.lift_pedals(part)
        if self._reopening is not None:
            return
        device = self._opened()
        for voice in device.voices.which(part):
            device.synth.remove(voice.source, Kind.NOTE_OFF)  # they would end notes that begin later
            for channel in voice.every_channel():
                device.synth.release(channel)
        if part is None:
            device.synth.cut(-1)

    def pass_on(self, part: str, message: tuple[int, ...]) -> bool:
        """Play a channel message of the part's now, from the next block of audio on; False if there is no device.

        Any thread may call it. A key has one voice: a note-off ends what sounds on it.
        """
        with self._by_hand:
            if self._device is None:
                return False
            with contextlib.suppress(OutputError):  # no channel is left: the planner says so
                self._device.voices.play(part, message)
                return True
            return False

    def close(self) -> None:
        """Silence everything and let the device go; one that hangs is not waited for. Closing twice is harmless."""
        until = self._clock.now() + CLOSING
        if self._reopening is not None:
            self._reopening.cancel(CLOSING)
        if self._device is not None:
            self.withdraw(None, Beats(0))
            self.silence(None, Beats(0))
            closing = self._device
            with self._by_hand:
                self._device = None
            self._partings.begin(closing)
        self._partings.wait(until)
        self._device = self._reopening = None
        self._waiting, self._settings = [], Settings()

    def _opened(self) -> Device:
        if self._device is None:
            raise OutputError("FluidSynth is closed: open it before playing.")
        return self._device

    # A device that is gone, or not there yet

    def _lose(self, device: Device) -> None:
        """Let the device go and look for another; what it has not played waits."""
        for voice in device.voices.which(None):
            self._waiting += [event for _, event in self._withdrawn(voice)]
        with self._by_hand:
            self._device = None
        for voice in device.voices.which(None):
            device.voices.end(voice)  # it may wake, and sound beside the new one, before it is closed
        assert self._opener is not None
        self._reopening = Reopening(self._opener, device)
        self._reopening.start()

    def _look_for_device(self, reopening: Reopening) -> None:
        """Go on with a new device if there is one: set what holds, queue what waits."""
        self._let_pass()
        device = reopening.take()
        if device is None:
            return
        self._reopening = None
        self.reopened += bool(self._driver)
        self._play_on(device)
        device.look()
        for held in self._settings.events():
            device.voices.set(held)
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            self._plan_again(device.voices.of(event.part), [event])

    def _let_pass(self) -> None:
        """Of what waits for a device, forget what is over: notes are dropped, programs and controllers will be set."""
        now = self._clock.now()
        over = [event for event in self._waiting if event.seconds < now - MOST_LATE]
        self._waiting = [event for event in self._waiting if event.seconds >= now - MOST_LATE]
        for event in over:
            self.dropped += isinstance(event, NoteEvent)
            self._hold(event)

    def _hold(self, event: Event) -> None:
        if isinstance(event, ControlEvent | ProgramEvent):
            self._settings.hold(event)

    # A device that plays

    def _plan_again(self, voice: Voice, events: Sequence[Event]) -> None:
        """Queue events at the ticks of their seconds, unless they are notes far too late."""
        device, now = self._opened(), self._clock.now()
        for event in events:
            if isinstance(event, NoteEvent) and event.seconds < now:
                if event.seconds < now - MOST_LATE:
                    self.dropped += 1
                    continue
                self.late += 1
            self._queue(voice, event, max(device.tick_of(event.seconds), device.synth.tick() + 1))

    def _queue(self, voice: Voice, event: Event, due: int) -> None:
        device = self._opened()
        ends = device.tick_of(event.end_seconds) if isinstance(event, NoteEvent) else due
        device.voices.send(voice, event, due, ends)
        voice.pending.append((due, event))

    def _withdrawn(self, voice: Voice) -> list[tuple[int, Event]]:
        """Take back all that is planned for a voice; returns what had not been due."""
        synth = self._opened().synth
        synth.remove(voice.source, *PLANNED)
        self._settle(voice, synth.tick())
        taken, voice.pending = voice.pending, []
        return taken

    def _settle(self, voice: Voice, tick: int) -> None:
        """Forget, and count, what has been due."""
        for moment, event in voice.pending:
            if moment <= tick:
                self.played += isinstance(event, NoteEvent)
                self._hold(event)
        voice.pending = [(moment, event) for moment, event in voice.pending if moment > tick]
