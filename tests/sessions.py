"""Sessions as they happen: commands at odd moments, models that answer quickly, late or not at all, a machine that stalls."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import strategies as st
from rig import Rig
from test_invariants import commands
from test_journal import OPENING

from livecode.asking import fingerprint
from livecode.commands import AnyCommand
from livecode.errors import BadInput
from livecode.facts import Taken
from livecode.formats import write_midi
from livecode.models.wire import Reply, Request
from livecode.music import Beats, Event, Note, Phrase
from livecode.notation import notes
from livecode.offline import OfflineEngine
from livecode.outputs.tape import Tape
from livecode.recording import Recording
from livecode.tempo import Meter, TempoMap

OPENED = msgspec.structs.replace(OPENING, bpm=Fraction(120), meter=Meter(4, 4), seed=0, audio=True)

Step = tuple[float, AnyCommand, float, float]
"""A pause, a command, how long models take from here on (more than 9 s: they refuse), and how long the machine stalls."""

pauses = st.integers(1, 40).map(lambda place: place * 0.1731)
thinking = st.sampled_from([0.0, 0.05, 0.4, 2.5, 5.0, 10.0])
stalls = st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.3, 1.7])
steps = st.lists(st.tuples(pauses, commands, thinking, stalls), min_size=1, max_size=14)


class Slow:
    """An output that holds sound in its buffers."""

    name, trouble = "FluidSynth", ""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.tape = Tape()
        self.schedule, self.withdraw, self.silence = self.tape.schedule, self.tape.withdraw, self.tape.silence

    def follow(self) -> None:
        pass

    def close(self) -> None:
        pass


def bars_for(request: Request) -> Phrase:
    """What a model says to this request: always the same."""
    number = int(fingerprint(request), 16)
    drawn = [number >> (8 * place) for place in range(4)]
    bars = [Note(Fraction(draw & 15, 4) % request.beats, Fraction(3, 2), 60 + (draw >> 4) % 12) for draw in drawn]
    return Phrase(tuple(bars), request.beats)


def replied(request: Request) -> Reply:
    several = tuple(bars_for(msgspec.structs.replace(request, seed=seed)) for seed in request.seeds)
    return Reply(request.id, None if several else bars_for(request), None, 0.1, several)


class Session:
    """A live sequencer on virtual time, looked at by a planner that wakes every 30 ms, unless the machine stalls."""

    def __init__(self, script: list[Step], *, latency: float = 0.06) -> None:
        self.rig = Rig(bpm=120, outputs=[Slow(latency)])
        self._due: list[tuple[float, Reply]] = []
        self._asked = 0
        self._thinks = 0.05
        for part in ("a", "b"):
            self.rig.plays(part, notes("C4 C#4 _ C4,D4", dur="1/2"))
        for pause, command, thinks, stall in script:
            self._play(pause)
            self._thinks = thinks
            self.rig.clock.wait_until(self.rig.clock.now() + stall)
            with suppress(BadInput):
                self.rig.obey(command)
        self._play(3)

    def _play(self, seconds: float) -> None:
        rig, until = self.rig, self.rig.clock.now() + seconds
        while rig.clock.now() < until:
            for due, reply in list(self._due):
                if due <= rig.clock.now():
                    self._due.remove((due, reply))
                    rig.sequencer.receive(reply)
            rig.sequencer.advance(rig.clock.now() + 0.26)
            for request in rig.models.requests[self._asked :]:
                reply = Reply(request.id, None, "it hung", 9.0) if self._thinks > 9 else replied(request)
                self._due.append((rig.clock.now() + min(self._thinks, 9), reply))
            self._asked = len(rig.models.requests)
            rig.clock.wait_until(min(until, rig.clock.now() + 0.03))

    @property
    def end(self) -> Beats:
        """Where it has come to."""
        return Fraction(int(1000 * self.rig.sequencer.snapshot().beats), 1000)

    @property
    def recording(self) -> Recording:
        return Recording(OPENED, tuple(self.rig.facts))

    def events(self) -> list[Event]:
        return heard(self.rig.tape, self.rig.sequencer.time.tempo, self.end)


def heard(tape: Tape, tempo: TempoMap, end: Beats) -> list[Event]:
    """What sounded before this beat, with the times it has without pauses."""
    return [tempo.timed(event) for event in tape.events(Beats(0), end)]


def midi(events: list[Event], tempo: TempoMap, end: Beats) -> bytes:
    """The bytes of the MIDI file."""
    with TemporaryDirectory() as folder:
        write_midi(Path(folder, "x.mid"), events, tempo, Beats(0), end)
        return Path(folder, "x.mid").read_bytes()


def run_again(engine: OfflineEngine, recording: Recording, end: Beats) -> OfflineEngine:
    """Say the same commands at the same beats."""
    for fact in recording.facts:
        if isinstance(fact, Taken):
            engine.run_to(fact.now)
            with suppress(BadInput):
                engine.submit(fact.command)
    engine.end(end)
    return engine
