"""What a session performed of others, as if it had been said in it: so a saved session holds all that it needs."""

import dataclasses
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from . import journal
from .agenda import before
from .commands import (
    Act,
    Action,
    AnyCommand,
    Assign,
    Continue,
    Declare,
    Hush,
    InKey,
    Panic,
    Pause,
    Play,
    SetKey,
    SetMeter,
    SetSwing,
    Tempo,
    ToPart,
)
from .errors import LivecodeError
from .facts import Answered, Fact, Performing, Taken, Typed
from .journal import Story
from .music import Beats, Phrase
from .packing import packed
from .protocol import Opening
from .recording import Recording
from .session_undone import plainly_said
from .tempo import Meter

Timing: TypeAlias = Tempo | SetMeter | SetSwing | Pause | Continue
"""What a recording says about everybody's time."""


def as_said(story: Story) -> Story:
    """The same without performances: what held where one began is said there, and what came of it is the session's own.

    A recording that cannot be read any more counts as a line that cannot.
    """
    if not any(isinstance(line, Performing) and line.path for line in story.session):
        return story
    session, bad = list[Fact | Typed](), story.bad
    fresh, parts, here = True, set[str](), Beats(0)
    """Whether nothing else played when the last began, what of it nobody has taken over, and how far it had come: it comes a
    moment before it sounds, so what is said then is said after it."""
    for line in plainly_said(story):
        if isinstance(line, Performing) and line.path:
            fresh = line.fresh
            try:
                recording = journal.read(Path(line.path)).recording
                parts = _parts(recording.facts)
                session += _held(line, recording, story.opened.opening)
            except LivecodeError:
                bad += 1
        elif isinstance(line, Taken) and line.place and not fresh and not isinstance(line.command, ToPart | Timing):
            session += _to_parts(line, sorted(parts))
        elif isinstance(line, Taken) and not line.place:
            parts -= _parts([line])
            session.append(replace(line, now=max(here, line.now)))
        elif not isinstance(line, Performing):
            here = max(here, line.now) if isinstance(line, Taken) else here
            session.append(line)
    facts = tuple(line for line in session if not isinstance(line, Typed))
    return dataclasses.replace(story, session=tuple(session), facts=facts, bad=bad)


def _to_parts(fact: Taken, parts: Iterable[str]) -> Iterator[Taken]:
    """What was about all performed parts, beside others, as said to each; scenes and undo cannot be, and are left out."""
    for part in parts:
        match fact.command:
            case Hush() | Panic():
                yield replace(fact, command=Act(part=part, action=Action.STOP))
            case SetKey(key=key):
                yield replace(fact, command=InKey(part=part, key=key))


def _parts(facts: Iterable[Fact]) -> set[str]:
    """To whom something is said."""
    commands = [fact.command for fact in facts if isinstance(fact, Taken)]
    return {command.part for command in commands if isinstance(command, ToPart) and not isinstance(command, Declare)}


def _held(performing: Performing, recording: Recording, opening: Opening) -> Iterator[Fact]:
    """What held when a performance began: tempo, meter and swing, and how its parts were, their loops as far as they had come."""
    now, begin, tempo = performing.now, performing.begin, recording.tempo
    earlier = _sounding_last(before(recording, begin))
    if performing.fresh:
        had = recording.opening
        yield from _time(Beats(0), had.bpm, had.meter) if (had.bpm, had.meter) != (opening.bpm, opening.meter) else ()
        yield from (replace(fact, id="", place=1) for fact in earlier if isinstance(fact, Taken) and _about_time(fact))
    else:
        yield from _time(now, tempo.bpm_at(begin), tempo.meter_at(begin))
        target, rest = tempo.ramp_at(begin)
        yield from [_taken(now, Tempo(bpm=target, bars=rest / tempo.meter_at(begin).bar))] if rest else []
        yield _taken(now, SetSwing(swing=tempo.swing_at(begin)))
    for fact in earlier:
        if isinstance(fact, Taken | Answered):
            gone, at = max(Beats(0), begin - fact.at), now + max(Beats(0), fact.at - begin)
        if isinstance(fact, Answered) and gone <= now:
            yield replace(fact, now=now, at=now + fact.at - begin)  # it goes round from where it began
        elif isinstance(fact, Answered):
            yield replace(fact, now=now, at=at, packed=packed(_later(fact.phrase, gone)))
        elif isinstance(fact, Taken) and isinstance(fact.command, Play):
            yield _taken(now, replace(fact.command, phrase=_later(fact.command.phrase, gone)), at)
        elif isinstance(fact, Taken) and not _about_time(fact) and (performing.fresh or isinstance(fact.command, ToPart)):
            yield _taken(now, fact.command, at)


def _sounding_last(facts: Iterable[Fact]) -> list[Fact]:
    """The same with what leaves an answer sounding before it: said on its very beat it would take it back."""
    ordered: list[Fact] = []
    for fact in facts:
        place = len(ordered)
        if isinstance(fact, Taken) and isinstance(fact.command, Assign | Act) and _keeps(fact.command):
            said = fact.command.part
            answers = [index for index, other in enumerate(ordered) if isinstance(other, Answered) and other.part == said]
            place = answers[-1] if answers and ordered[answers[-1]].at <= fact.now else place  # type: ignore[union-attr]
        ordered.insert(place, fact)
    return ordered


def _keeps(command: Assign | Act) -> bool:
    """Whether what sounds goes on."""
    return isinstance(command, Assign) or command.action in (Action.LOOP, Action.GENERATE, Action.GENERATE_ONCE)


def _time(now: Beats, bpm: Fraction, meter: Meter) -> Iterator[Taken]:
    return (_taken(now, command) for command in (SetMeter(meter=meter), Tempo(bpm=bpm)))


def _about_time(fact: Taken) -> bool:
    return isinstance(fact.command, Tempo | SetMeter | SetSwing)


def _taken(now: Beats, command: AnyCommand, at: Beats | None = None) -> Taken:
    return Taken(now=now, at=now if at is None else at, command=command, place=1)


def _later(phrase: Phrase, gone: Beats) -> Phrase:
    """A loop from where it is after so many beats."""
    return phrase.rotate(-gone) if gone else phrase
