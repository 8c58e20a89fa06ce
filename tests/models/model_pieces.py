"""What the models' tests are made of: primers, the bytes of bundles, and a desk to ask a host at."""

import importlib.util
import queue
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import count

import pytest

from livecode.models.host import WORKER, Host
from livecode.models.keeper import WORKERS, Limits
from livecode.models.known import ModelState
from livecode.models.wire import ModelKey, Reply, Request
from livecode.music import Note, Phrase

PATIENCE = 120


def rock(*, bars: int = 1) -> Phrase:
    """Kick on 1 and 3, snare on 2 and 4, hats on eighths."""
    hits = [(Fraction(beat), 36 if beat % 2 == 0 else 38) for beat in range(4 * bars)]
    hits += [(Fraction(eighth, 2), 42) for eighth in range(8 * bars)]
    return Phrase(tuple(Note(onset, Fraction(1, 4), pitch) for onset, pitch in hits), Fraction(4 * bars), drums=True)


def tune(length: int) -> Phrase:
    """Quarters up and down from C4, the last of them ringing to the very end."""
    pitches = (60, 62, 64, 65, 67, 65, 64, 62)
    return Phrase(tuple(Note(Fraction(beat), Fraction(1), pitches[beat % 8]) for beat in range(length)), Fraction(length))


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    size, length = len(content), b""
    while size > 127:
        size, length = size >> 7, length + bytes([size & 127 | 128])
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def fields(message: bytes) -> dict[int, bytes]:
    """The length-delimited fields of a protobuf message, by number."""
    found, at = {}, 0
    while at < len(message):
        number, at, size, shift = message[at] >> 3, at + 1, 0, 0
        while True:
            byte, at = message[at], at + 1
            size, shift = size | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        found[number], at = message[at : at + size], at + size
    return found


ROUNDING = 1e-5
"""How far apart two engines' probabilities may be: 32-bit roundings, carried from step to step. The built-in models': 2e-6."""


def flipped(theirs, ours, points) -> str:
    """Why one draw fell differently: the two distributions of the first that did, and the point in [0, 1) between them.

    Each is a sequence, draw by draw, of probabilities. Empty if distributions further apart than rounding are to blame.
    """
    for draw, (their, our, point) in enumerate(zip(theirs, ours, points, strict=False)):
        apart = float(abs(their - our).max())
        if apart > ROUNDING:
            return ""
        took = [int((row.astype("d").cumsum() / row.astype("d").sum() <= point).sum()) for row in (their, our)]
        if took[0] != took[1]:
            return (
                f"draw {draw}: at {point!r} Magenta took {took[0]} of {their.tolist()}, compiled took {took[1]} of {our.tolist()}"
            )
    return ""


EXCUSED = 3
"""So many duels of a run may end unequal because a rounding flipped a draw."""


class Judge:
    """Takes the verdicts of a run's duels."""

    def __init__(self) -> None:
        self.excused: list[str] = []

    def take(self, verdict: dict) -> None:
        """Fails unless the notes are equal, or a draw fell between two distributions that differ in the last place: seldom."""
        assert verdict["equal"] or verdict["why"], verdict
        if not verdict["equal"]:
            self.excused.append(verdict["why"])
        assert len(self.excused) <= EXCUSED, self.excused


def bundle_of(config: str, *, checkpoint: bytes = b"weights", metagraph: bytes = b"graph") -> bytes:
    """A GeneratorBundle. Source: note_seq/protobuf/generator.proto."""
    return field(1, field(1, config.encode())) + field(2, checkpoint) + field(3, metagraph)


class Desk:
    """A host, and what it says: replies and events, as queues."""

    def __init__(self, program=WORKER, *, python=sys.executable, limits: Limits | None = None, workers: int = WORKERS):
        self.replies: queue.Queue[Reply] = queue.Queue()
        self.events: queue.Queue[str] = queue.Queue()
        self.host = Host(self.replies.put, self.events.put, python=python, program=program, limits=limits, workers=workers)
        self._ids = count(1)

    def ask(
        self, key: ModelKey, primer: Phrase | None = None, *, beats=8, seed=1, meter=(4, 4), needed_by=None, seeds=(), **knobs
    ) -> str:
        name = f"{key}-{next(self._ids)}"
        needed_by = None if needed_by is None else Fraction(needed_by)
        self.host.ask(Request(name, key, primer, Fraction(beats), Fraction(120), meter, seed, knobs, needed_by, seeds=seeds))
        return name

    def reply(self) -> Reply:
        return self.replies.get(timeout=PATIENCE)

    def event(self) -> str:
        return self.events.get(timeout=PATIENCE)

    def phrase(self, key: ModelKey, primer: Phrase | None = None, **how) -> Phrase:
        name = self.ask(key, primer, **how)
        reply = self.reply()
        assert (reply.id, reply.refusal) == (name, None)
        assert reply.phrase is not None
        return reply.phrase

    def state(self, key: ModelKey) -> ModelState:
        return next(state for state in self.host.states() if state.key == key)

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, *exception: object) -> None:
        self.host.close()


def real_desks() -> Iterator[Desk]:
    """One desk on the real worker, for a fixture. A worker that hangs is killed after 10 s."""
    if importlib.util.find_spec("magenta") is None:
        pytest.skip("magenta is not installed")
    with Desk(limits=Limits(reply=10)) as desk:
        yield desk
