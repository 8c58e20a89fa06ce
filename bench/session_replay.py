"""How long three recorded hours take to open, to begin again exactly, and to render exactly.

    python bench/session_replay.py [--minutes 180]

16 parts at 140 bpm ask for new bars every 4 bars, and get 32 notes; a performer says 2,000 things, and plays sixteenths on a
keyboard all the time, with the pedal. The music is made up, by chance. Beside it stands `json.loads` of the same lines, which
gives texts and numbers, and no notes.
"""

# ruff: noqa: T201

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from livecode import journal
from livecode.agenda import Agenda, before
from livecode.clock import VirtualClock
from livecode.commands import Adjust, Assign, Mute, Play
from livecode.facts import Answered, Asked, Fact, Heard, InputOpened, Moved, Over, Taken
from livecode.models.wire import Model, ModelKey, Request
from livecode.music import Beats, Note, Phrase
from livecode.offline import OfflineEngine
from livecode.outputs.tape import Tape
from livecode.packing import packed
from livecode.protocol import Opening
from livecode.sequencer import Sequencer
from livecode.tempo import Meter

T = TypeVar("T")
PARTS = [f"part{number}" for number in range(1, 17)]
BPM, LOOP, COMMANDS = 140, Beats(16), 2000
MODEL = Model(ModelKey("melody_rnn", "attention_rnn", "attention_rnn.mag"), 4, {"temperature": 1.0})
OPENING = Opening(
    bpm=Fraction(BPM),
    meter=Meter(4, 4),
    seed=0,
    soundfont="",
    driver=None,
    gain=0.6,
    reverb=True,
    chorus=False,
    audio=True,
    require_audio=False,
    patience=30.0,
)


def a_phrase(chance: random.Random) -> Phrase:
    """32 notes in 4 bars, on sixteenths, a few velocities."""
    onsets = [Fraction(chance.randrange(64), 4) for _ in range(32)]
    lengths = [Fraction(chance.randint(1, 6), 4) for _ in range(32)]
    notes = [Note(on, by, chance.randint(40, 80), chance.choice((80, 100))) for on, by in zip(onsets, lengths, strict=True)]
    return Phrase(tuple(notes), LOOP)


def said(chance: random.Random, now: Beats) -> Taken:
    """Something that a performer says: mostly how loud a part is, at times a phrase of one's own."""
    part = chance.choice(PARTS)
    kind = chance.random()
    at = now + 1
    if kind < 0.1:
        return Taken(now=now, at=at, command=Play(part=part, phrase=a_phrase(chance)))
    if kind < 0.3:
        return Taken(now=now, at=at, command=Mute(part=part, muted=chance.random() < 0.3))
    return Taken(now=now, at=at, command=Adjust(part=part, gain=round(chance.uniform(0.2, 1), 2)))


def played(chance: random.Random, now: Beats) -> Iterator[Heard]:
    """What hands play in a loop: sixteenths, never quite in time, and the pedal in each bar. A line has one message."""
    said = [(Beats(4 * bar), f"b040{value:02x}") for bar in range(4) for value in (0, 127)]
    for place in range(64):
        begin, key = Beats(place, 4) + Beats(chance.randrange(60), 960), chance.randint(40, 80)
        end = begin + Beats(chance.randint(60, 240), 960)
        said += [(begin, f"90{key:02x}{chance.randint(40, 100):02x}"), (end, f"80{key:02x}40")]
    for beat, message in sorted(said):
        yield Heard(now=now + beat + Beats(1, 20), name="keys", said=((now + beat, message),))


def hours(minutes: float) -> Iterator[Fact]:
    """Everything that was said and answered, in order."""
    chance, end = random.Random(1), Beats(int(minutes * BPM))
    yield Moved(started=0.0, held=Beats(0), paused=False, pause_at=None)
    yield InputOpened(now=Beats(0), name="keys", api="jack", virtual=False)
    for part in PARTS:
        yield Taken(now=Beats(0), at=Beats(0), command=Play(part=part, phrase=a_phrase(chance)))
        yield Taken(now=Beats(0), at=Beats(0), command=Assign(part=part, model=MODEL))
    number, loops = 0, int(end / LOOP)
    for loop in range(loops):
        now = loop * LOOP
        for place, part in enumerate(PARTS):
            number += 1
            asked, request = now + Beats(place + 1, 16), f"{chance.getrandbits(64):016x}"
            yield Asked(now=asked, part=part, asks_ever=loop + 1, request=request)
            answer = {"asked": asked, "asks": loop + 1, "asks_ever": loop + 1, "request": request}
            text = packed(a_phrase(chance))
            yield Answered(now=asked + Beats(1, 20), at=now + LOOP, part=part, packed=text, **answer)
        for place in range(loop * COMMANDS // loops, (loop + 1) * COMMANDS // loops):
            yield said(chance, now + 4 + Beats(place % 4, 3))
        yield from played(chance, now)
    yield Over(now=end)


class Nobody:
    """Models that never answer."""

    def prepare(self, key: ModelKey) -> None:
        pass

    def ask(self, request: Request) -> None:
        pass

    def forget(self, request_id: str) -> None:
        pass


def recall(facts: Sequence[Fact], end: Beats) -> None:
    """What an engine does after a crash before it plays on."""
    crashed = float(60 * end / BPM)
    clock = VirtualClock(crashed + 1)
    Sequencer(clock, [], Tape(), Nobody(), bpm=OPENING.bpm, meter=OPENING.meter).past.recall(facts, crashed)


def seconds(what: str, do: Callable[[], T]) -> T:
    """Print how long it takes."""
    begun = time.perf_counter()
    done = do()
    print(f"{what:62}{time.perf_counter() - begun:8.2f} s", flush=True)
    return done


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=180)
    minutes = options.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "hours.jsonl")
        facts = list(hours(minutes))
        path.write_bytes(journal.encoded([journal.Opened(name="main", time=0.0, opening=OPENING), *facts]))
        answers = sum(isinstance(fact, Answered) for fact in facts)
        print(f"{minutes:g} minutes, {len(facts)} facts, {answers} answers of 32 notes: {path.stat().st_size / 1e6:.1f} MB")
        del facts
        seconds("json.loads of the lines", lambda: [json.loads(line) for line in path.read_bytes().splitlines()])
        needed = seconds("journal.read, what the next engine needs after a crash", lambda: journal.read(path, skim=True)).facts
        seconds(f"then, to recall these {len(needed)} facts", lambda: recall(needed, needed[-1].now))
        recording = seconds("journal.read", lambda: journal.read(path)).recording
        seconds("then, an exact replay to begin", lambda: OfflineEngine(OPENING, recording, exact=True))
        half = Beats(int(recording.end / 2) // 4 * 4)
        seconds("or, to perform it live: its agenda", lambda: Agenda.of(recording, begin=Beats(0), shift=Beats(8), fresh=False))
        seconds("or, from its middle on: what is so there", lambda: before(recording, half))
        engine = OfflineEngine(OPENING)
        seconds("to render it exactly", lambda: engine.retell(recording.facts, recording.end))
        print(f"{sum(1 for _ in engine.tape.notes())} notes on the tape")


if __name__ == "__main__":
    main()
