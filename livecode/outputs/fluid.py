"""FluidSynth as a live output: events wait in its own sequencer, which counts the samples that the card has asked for."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event as Waiter

from ..clock import Clock
from ..errors import NoAudio, OutputError, UnknownName
from ..music import Beats, Event, NoteEvent, Seconds
from . import MOST_LATE, audio, soundfonts
from .fluidlib import BLOCK, PLANNED, Kind, Library, Synth
from .follower import Follower
from .voices import Voice, Voices

SAMPLE_RATE = 48000
GAIN = 0.6
"""Loud enough beside other programs; a dozen voices at full velocity stay below clipping."""

RESEND_AFTER: Seconds = 0.001
"""When the mapping of time jumps by more than this, what was handed over is handed over again."""


class FluidOutput:
    """Plays through libfluidsynth and one of its audio drivers (None: the first of this machine's that opens).

    `sample_rate` is a wish; JACK's server decides for itself. An event sounds at its `seconds`: it is queued `latency`
    seconds of audio earlier, so hand it over at least that long before. Times fall on FluidSynth's blocks of 64 samples
    (half a block of error, 0.67 ms at 48 kHz), plus what `Follower` states.

    All methods are called by one thread. The audio thread never runs Python.
    """

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
        self._wanted = driver
        self._gain, self._reverb, self._chorus = gain, reverb, chorus
        self._sample_rate = sample_rate or SAMPLE_RATE
        self._driver = ""
        self._synth: Synth | None = None
        self._voices: Voices | None = None
        self._follower = Follower(0.0)
        self._latency: Seconds = 0.0
        self._period: Seconds = 0.0
        self.played = 0
        self.late = 0
        self.dropped = 0
        self.jumps = 0

    @property
    def name(self) -> str:
        """'FluidSynth', and the driver once it is open."""
        return f"FluidSynth ({self._driver})" if self._driver else "FluidSynth"

    def __str__(self) -> str:
        said = [f"{self.name}: {self.played} notes played, {self.late} late, {self.dropped} dropped"]
        return " · ".join([*said, self.trouble] if self.trouble else said)

    @property
    def trouble(self) -> str:
        """A device that has stopped, or programs that the soundfont lacks."""
        if self.standing:
            return "the device has stopped asking for audio: see that it is there, then open the stage again"
        lacking = ", ".join(f"{program + 1} for {part}" for part, program in sorted(self.missing_programs))
        return f"the soundfont has no program {lacking}: another one plays instead" if lacking else ""

    @property
    def latency(self) -> Seconds:
        """From the moment at which the card asks for audio to the moment at which it is heard, as the driver states it."""
        return self._latency

    @property
    def standing(self) -> bool:
        """Whether the card has stopped asking for audio: the device is gone, or the machine hangs."""
        return self._follower.standing

    @property
    def missing_programs(self) -> frozenset[tuple[str, int]]:
        """Parts and programs (0-127) for which the soundfont has no preset; they play its first one instead."""
        return frozenset(self._voices.missing) if self._voices else frozenset()

    def sounding(self) -> int:
        """How many voices sound at this moment."""
        return self._synth.voices() if self._synth else 0

    def open(self) -> None:
        """Load the soundfont and start the audio. Raises OutputError, or UnknownName for the soundfont or the driver."""
        if self._synth is not None:
            return
        library = Library()
        soundfont = soundfonts.find(self._soundfont)
        refusals = []
        for driver in self._candidates(library):
            try:
                self._open_on(driver, library, soundfont)
            except NoAudio as error:
                refusals.append(str(error))
            else:
                return
        raise NoAudio(" ".join(refusals))

    def _candidates(self, library: Library) -> list[str]:
        built_in = library.drivers()
        if self._wanted is not None:
            if self._wanted not in built_in:
                raise UnknownName.of("audio driver", self._wanted, built_in)
            return [self._wanted]
        found = [driver for driver in audio.drivers() if driver in built_in]
        if not found:
            raise NoAudio(
                f"There is no audio device here (looked for {audio.looked_for()}): connect one or start its server, "
                "name a driver, or render to a file."
            )
        return found

    def _open_on(self, driver: str, library: Library, soundfont: Path) -> None:
        jack = audio.jack_server() if driver == "jack" else None
        if driver == "jack" and jack is None:
            raise NoAudio("There is no JACK server: start one, or leave the driver to livecode.")
        if driver == "alsa":
            audio.hush_alsa()
        rate = jack.sample_rate if jack else self._sample_rate
        synth = Synth(library, soundfont, sample_rate=rate, gain=self._gain, reverb=self._reverb, chorus=self._chorus)
        try:
            period, periods = synth.buffer()
            buffered = jack.latency if jack else period * periods
            period = jack.period if jack else period
            synth.play_on(driver, {"id": "livecode", "autoconnect": 1} if jack else {})
        except OutputError:
            synth.close()
            raise
        self._synth, self._voices, self._driver = synth, Voices(synth), driver
        # The counter shows the last block of a period that has just been rendered, hence the period on top.
        self._latency = (buffered + period - BLOCK) / rate
        self._period = period / rate
        self._follower = Follower(self._period)
        self._watch(0.1, 0.001)

    def _watch(self, seconds: Seconds, every: Seconds) -> None:
        """Look at the counter often for a moment, so that its line is good before anything is scheduled by it."""
        pause, until = Waiter(), self._clock.now() + seconds
        for _ in range(round(seconds / every)):
            self._look()
            if self._clock.now() >= until:
                return
            pause.wait(every)

    def _look(self) -> Seconds:
        """One look at the card's counter; returns how far it moved the line.

        The clock is read after the counter: if the thread is held up between them, the counter only looks late.
        """
        synth = self._opened()
        rendered = synth.rendered(synth.tick())
        return self._follower.observe(self._clock.now(), rendered)

    def follow(self) -> None:
        """Look at the card's counter; the engine calls this about every 30 ms, and `schedule` does by itself.

        After a jump (an xrun) it looks closer for at most 4 ms, and what waits is queued again.
        """
        jumped = abs(self._look()) > RESEND_AFTER
        if jumped:
            self.jumps += 1
            self._watch(min(2 * self._period, 0.004), 0.0002)
        assert self._voices is not None
        tick = self._opened().tick()
        for voice in self._voices.which(None):
            self._settle(voice, tick)
            if jumped and voice.pending:
                self._plan_again(voice, [event for _, event in self._withdrawn(voice)])

    def schedule(self, events: Sequence[Event]) -> None:
        """Queue these. A note more than 50 ms late is dropped; programs and controls never are, for what they set lasts."""
        self.follow()
        voices = self._voices
        assert voices is not None
        for event in events:
            self._plan_again(voices.of(event.part), [event])

    def withdraw(self, part: str | None, since: Beats) -> None:
        """Take back what is at or after `since` and not yet due.

        FluidSynth removes by source and type only, so everything planned goes and what lies before `since` is queued again.
        A note that becomes due in the microseconds between is taken for played: never doubled, at worst lost.
        """
        self._opened()
        assert self._voices is not None
        for voice in self._voices.which(part):
            for due, event in self._withdrawn(voice):
                if event.beat < since:
                    self._queue(voice, event, due)

    def silence(self, part: str | None, at: Beats) -> None:
        """Keys and pedals up on the part's channels; for None every sound is cut."""
        synth = self._opened()
        assert self._voices is not None
        for voice in self._voices.which(part):
            synth.remove(voice.source, Kind.NOTE_OFF)  # they would end notes that begin later
            for channel in voice.channels.values():
                synth.release(channel)
                if part is None:
                    synth.cut(channel)

    def close(self) -> None:
        """Silence everything and let the device go. Closing twice is harmless."""
        if self._synth is None:
            return
        self.withdraw(None, Beats(0))
        self.silence(None, Beats(0))
        self._synth.close()
        self._synth = self._voices = None

    def _opened(self) -> Synth:
        if self._synth is None:
            raise OutputError("FluidSynth is closed: open it before playing.")
        return self._synth

    def _plan_again(self, voice: Voice, events: Sequence[Event]) -> None:
        """Queue events at the ticks of their seconds, unless they are notes far too late."""
        synth, now = self._opened(), self._clock.now()
        for event in events:
            if isinstance(event, NoteEvent) and event.seconds < now:
                if event.seconds < now - MOST_LATE:
                    self.dropped += 1
                    continue
                self.late += 1
            self._queue(voice, event, max(self._tick_of(event.seconds), synth.tick() + 1))

    def _queue(self, voice: Voice, event: Event, due: int) -> None:
        assert self._voices is not None
        ends = self._tick_of(event.end_seconds) if isinstance(event, NoteEvent) else due
        self._voices.send(voice, event, due, ends)
        voice.pending.append((due, event))

    def _tick_of(self, seconds: Seconds) -> int:
        return self._opened().tick_at(self._follower.rendered_at(seconds - self._latency))

    def _withdrawn(self, voice: Voice) -> list[tuple[int, Event]]:
        """Take back all that is planned for a voice; returns what had not been due."""
        synth = self._opened()
        synth.remove(voice.source, *PLANNED)
        self._settle(voice, synth.tick())
        taken, voice.pending = voice.pending, []
        return taken

    def _settle(self, voice: Voice, tick: int) -> None:
        """Forget, and count, what has been due."""
        due = [event for moment, event in voice.pending if moment <= tick]
        self.played += sum(isinstance(event, NoteEvent) for event in due)
        voice.pending = [(moment, event) for moment, event in voice.pending if moment > tick]
