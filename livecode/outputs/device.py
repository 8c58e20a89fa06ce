"""An audio device that is open: a synthesizer, the driver that asks it for audio, and how far the card has got."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..clock import Clock
from ..errors import NoAudio, OutputError, UnknownName
from ..music import Seconds
from . import audio
from .fluidlib import BLOCK, Library, Synth
from .follower import LONGEST_LOOK, Follower
from .voices import Voices

PULSE_PERIOD = 1024
"""Samples at a time for PulseAudio, which keeps one period whatever FluidSynth's number of periods: with its usual 64 samples
the sound breaks up as soon as the processor is busy."""

LOST_AFTER: Seconds = 1.5
"""A card that has asked for no audio for so long is given up: an xrun, and a card that wakes from a suspend, take less."""

SLOWEST_START: Seconds = 4.0
"""A card that never asked for audio yet is given so long: an idle sink of PulseAudio may wake after two seconds."""

CLOSING: Seconds = 1.0
"""How long closing a device is waited for. It may hang for as long as its driver waits for the card."""

MOST_CLOSING = 4
"""While so many devices hang in being closed, no other is opened."""


class Device:
    """A synthesizer that plays to a driver. One thread at a time uses it; the audio thread never runs Python."""

    def __init__(
        self,
        clock: Clock,
        synth: Synth,
        driver: str,
        *,
        latency: Seconds,
        period: Seconds,
        jack: audio.JackWatch | None = None,
    ) -> None:
        self.synth, self.voices = synth, Voices(synth)
        self.driver, self.latency, self.period = driver, latency, period
        self._clock, self._jack = clock, jack
        self._follower = Follower(period)
        self._looked = clock.now()

    @property
    def started(self) -> bool:
        """Whether the card plays: it has asked for more audio than its buffers take in while it stands."""
        return self.synth.tick() > 1000 * (2 * self.latency + self.period)

    @property
    def standing(self) -> bool:
        """Whether the card has stopped asking for audio."""
        return self._follower.standing

    @property
    def lost(self) -> bool:
        """Whether the card has stood for too long to come back by itself."""
        stood = self._follower.stood
        return stood > LOST_AFTER and (stood > SLOWEST_START or self.started)

    def look(self) -> Seconds:
        """A look at the card's counter, twice if the last one was long ago; returns how far it moved the line.

        One look alone that is late moves nothing. After a pause two are asked for: perhaps the card was held up, too, and what
        was queued before it must not sound now.
        """
        before, moved = self._looked, self._look()
        return moved + self._look() if self._looked > before + LONGEST_LOOK else moved

    def _look(self) -> Seconds:
        """The clock is read after the counter: if the thread is held up between them, the counter only looks late."""
        rendered = self.synth.rendered(self.synth.tick())
        self._looked = self._clock.now()
        return self._follower.observe(self._looked, rendered)

    def watch(self, seconds: Seconds, every: Seconds) -> None:
        """Look at the counter often for a moment, so that its line is good before anything is scheduled by it."""
        pause, until = threading.Event(), self._clock.now() + seconds
        for _ in range(round(seconds / every)):
            self.look()
            if self._clock.now() >= until:
                return
            pause.wait(every)

    def tick_of(self, seconds: Seconds) -> int:
        """The tick at which an event must be queued to be heard at this moment of the clock."""
        return self.synth.tick_at(self._follower.rendered_at(seconds - self.latency))

    @property
    def jack_died(self) -> bool:
        """Whether it played to a JACK server that died."""
        return self._jack is not None and self._jack.died

    def may_be_closed(self) -> bool:
        """False for a client of a JACK server that died or hangs, which might die before it answers.

        libjack closes the clients of a dead server by itself, as soon as anybody opens another; a second time would crash.
        """
        return self._jack is None or not (self._jack.died or self.standing)

    def close(self) -> None:
        """Stop the audio thread and free everything. May hang for as long as the driver waits for the card."""
        self.synth.close()
        if self._jack is not None:
            self._jack.close()

    def free(self) -> None:
        """Free what no audio thread uses any more, and keep the driver, which must not be closed."""
        self.synth.forget_driver()
        self.synth.close()


class Partings:
    """Closes devices in threads of their own, so that none that hangs or is gone holds anybody up. Any thread may call it.

    One that must not be closed is left as it is, and looked at again when another has been opened.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads: list[threading.Thread] = []
        self._left: list[tuple[Device, int]] = []
        self._lock = threading.RLock()

    def begin(self, device: Device) -> None:
        """Close this one, some time."""
        with self._lock:
            if not device.may_be_closed():
                self._left.append((device, device.synth.tick()))
                return
            thread = threading.Thread(target=device.close, name=f"livecode closes {device.driver}", daemon=True)
            thread.start()
            self._threads = [*self._hanging(), thread]

    def wait(self, until: Seconds) -> bool:
        """Wait until all are closed, but no longer than until this time of the clock; False if too many hang."""
        for thread in self._hanging():
            thread.join(max(0.0, until - self._clock.now()))
        return len(self._hanging()) < MOST_CLOSING

    def look_again(self, *, jack: bool) -> None:
        """Close those whose server was not dead after all. If a new client of `jack` is open, free those of a dead one.

        For then libjack has ended their threads. A synthesizer that is kept takes 9 MB.
        """
        with self._lock:
            left, self._left = self._left, []
            for device, tick in left:
                if device.synth.tick() != tick:
                    device.look()
                    self.begin(device)
                elif jack and device.jack_died:
                    device.free()
                else:
                    self._left.append((device, tick))

    def _hanging(self) -> list[threading.Thread]:
        return [thread for thread in self._threads if thread.is_alive()]


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens a device on the driver that was asked for (None: the first of this machine's that opens), as often as needed.

    `sample_rate` is a wish; JACK's server decides for itself.
    """

    clock: Clock
    library: Library
    soundfont: Path
    driver: str | None
    gain: float
    reverb: bool
    chorus: bool
    sample_rate: int
    partings: Partings

    @property
    def wanting(self) -> str:
        """What is missing where nothing opens, and what to do."""
        if self.driver is not None:
            return f"the audio driver {self.driver!r} has no device: connect it or start its server"
        return f"there is no audio device (looked for {audio.looked_for()}): connect one or start its server"

    def open(self, suits: Callable[[Device], bool] = lambda device: True) -> Device:
        """The first device that suits. Raises OutputError or, for the name of the driver, UnknownName."""
        refusals = []
        for driver in self._candidates():
            try:
                device = self._open_on(driver)
            except NoAudio as error:
                refusals.append(str(error))
                continue
            if suits(device):
                return device
            self.partings.begin(device)
            refusals.append(f"The audio driver {driver!r} opens but asks for no audio.")
        raise NoAudio(" ".join(refusals))

    def _candidates(self) -> list[str]:
        built_in = self.library.drivers()
        if self.driver is not None:
            if self.driver not in built_in:
                raise UnknownName.of("audio driver", self.driver, built_in)
            return [self.driver]
        found = [driver for driver in audio.drivers() if driver in built_in]
        if not found:
            raise NoAudio(
                f"There is no audio device here (looked for {audio.looked_for()}): connect one or start its server, "
                "name a driver, or render to a file."
            )
        return found

    def _open_on(self, driver: str) -> Device:
        jack = audio.watch_jack() if driver == "jack" else None
        if driver == "jack" and jack is None:
            raise NoAudio("There is no JACK server: start one, or leave the driver to livecode.")
        if driver == "alsa":
            audio.hush_alsa()
        try:
            return self._play_on(driver, jack)
        except OutputError:
            if jack is not None:
                jack.close()
            raise

    def _play_on(self, driver: str, jack: audio.JackWatch | None) -> Device:
        rate = jack.server.sample_rate if jack else self.sample_rate
        synth = Synth(self.library, self.soundfont, sample_rate=rate, gain=self.gain, reverb=self.reverb, chorus=self.chorus)
        try:
            period, buffered = self._buffer(driver, synth, jack)
            synth.play_on(driver, {"id": "livecode", "autoconnect": 1} if jack else {})
        except OutputError:
            synth.close()
            raise
        # The counter shows the last block of a period that has just been rendered, hence the period on top.
        latency = (buffered + period - BLOCK) / rate
        return Device(self.clock, synth, driver, latency=latency, period=period / rate, jack=jack)

    def _buffer(self, driver: str, synth: Synth, jack: audio.JackWatch | None) -> tuple[int, int]:
        """Samples in a period, and samples that wait before one that is rendered is heard."""
        if jack is not None:
            return jack.server.period, jack.server.latency
        if driver == "pulseaudio":
            synth.set_period(PULSE_PERIOD)
            return PULSE_PERIOD, PULSE_PERIOD
        period, periods = synth.buffer()
        return period, period * periods
