"""What a session with performances undid, recalled and froze, as what came of it: who said what before is known in it no more."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from .commands import (
    Act,
    Action,
    Adjust,
    AnyCommand,
    Assign,
    Equip,
    InKey,
    Mute,
    Nudge,
    Plain,
    Play,
    Recall,
    Route,
    Safe,
    SetKey,
    Shape,
    Solo,
    Sweep,
    Thru,
    Undo,
    UndoLast,
)
from .facts import Fact, Performing, Taken, Typed
from .journal import Story
from .music import Beats, Phrase
from .offline import OfflineEngine
from .parts import PAN, PROGRAM, VOLUME, Memory, Mode, Part, pan_of, volume_of


def plainly_said(story: Story) -> list[Fact | Typed]:
    """The lines of a session in which every undo, every scene and every safe is said as what came of it.

    The cells that said such are as if they had failed: their other commands are known from what came of them.
    """
    engine, became = OfflineEngine(story.opened.opening), dict[int, list[Taken]]()

    def watched(facts: Iterable[Fact], parts: Mapping[str, Part], key: Callable[[], str]) -> Iterator[Fact]:
        for fact in facts:
            if not _depends(fact):
                yield fact
                continue
            was, key_was = {name: part.memory() for name, part in parts.items()}, key()
            yield fact
            became[id(fact)] = [said for name in was for said in _said(fact, parts[name], was[name])]
            if isinstance(fact, Taken) and key() != key_was:
                became[id(fact)].append(replace(fact, command=SetKey(key=key())))

    facts = [line for line in story.session if not isinstance(line, Typed)]
    try:
        engine.retell(facts, max((fact.now for fact in facts if isinstance(fact, Taken)), default=Beats(0)), watched)
    finally:
        engine.close()
    cells = {fact.id.rpartition("-")[0] for fact in facts if isinstance(fact, Taken) and id(fact) in became}
    return [said for line in story.session for said in _lines(line, became, cells)]


def _depends(fact: Fact) -> bool:
    """Whether what comes of it depends on what was said before, and by whom."""
    return isinstance(fact, Performing) or (isinstance(fact, Taken) and isinstance(fact.command, Undo | UndoLast | Recall | Safe))


def _lines(line: Fact | Typed, became: Mapping[int, list[Taken]], cells: Iterable[str]) -> Iterator[Fact | Typed]:
    if isinstance(line, Typed):
        yield (
            replace(line, error="its commands are spelt out, for some go back to what a replay had changed")
            if (line.id in cells and not line.error)
            else line
        )
        return
    yield from became.get(id(line), ())
    if isinstance(line, Performing) or id(line) not in became:
        yield line


def _said(fact: Fact, part: Part, was: Memory) -> Iterator[Taken]:
    """What could have been said to a part instead; of a replay that begins, that the parts it takes are as new ones."""
    so = part.memory()
    if so == was:
        return
    if isinstance(fact, Taken):
        turned = part.turned(fact.at)
        for command in _differences(part.name, was, so, turned):
            late = isinstance(command, Play | Act) and (not isinstance(command, Act) or command.action is Action.STOP)
            yield replace(fact, at=fact.at if late else min(fact.now, fact.at), command=command)
    elif isinstance(fact, Performing):
        new = Part(part.name, part.own_channel, fact.now).memory()
        for command in _differences(part.name, was, new, None):
            yield Taken(now=fact.now, at=fact.now, command=command, place=1)


def _differences(name: str, was: Memory, so: Memory, turned: Phrase | None) -> Iterator[AnyCommand]:
    """What makes a part that was one way be another; `turned` is what it repeats then."""
    if so.muted != was.muted:
        yield Mute(part=name, muted=so.muted)
    if so.soloed != was.soloed:
        yield Solo(part=name, soloed=so.soloed)
    for heard in sorted({*was.thrus, *so.thrus}):
        if so.thrus.get(heard) != was.thrus.get(heard):
            yield so.thrus.get(heard) or Thru(part=name, input=heard, off=True)
    if (so.instrument, so.route) != (was.instrument, was.route):
        yield Equip(part=name, instrument=so.instrument) if so.instrument else Route(part=name, output=so.route)
    yield from _settings(name, was, so)
    if so.key != was.key:
        yield InKey(part=name, key=so.key)
    if so.turns != was.turns:
        yield Plain(part=name)
        yield from (Shape(part=name, turn=turn) for turn in so.turns)
    yield from _plays(name, was, so, turned)


def _settings(name: str, was: Memory, so: Memory) -> Iterator[AnyCommand]:
    """What sets its sound, and the limits on what its model may play, as they are to be."""
    rest = {"gain": 1.0, "pan": 0.0, "program": 0}
    had, has = ({key: value for key, value in {**rest, **memory.settings}.items() if key != "nudge"} for memory in (was, so))
    changed: dict[str, Any] = {key: value for key, value in has.items() if value != had.get(key)}
    bank = so.bank if so.bank != was.bank else None
    if changed or bank or had.keys() - has.keys():
        yield Adjust(part=name, **changed, bank=bank, free=frozenset(had.keys() - has.keys()))
    if so.settings.get("nudge", 0) != was.settings.get("nudge", 0):
        yield Nudge(part=name, ms=so.settings.get("nudge", 0))
    there = {**was.controls, **({VOLUME: volume_of(has["gain"])} if "gain" in changed else {})}
    there |= {PAN: pan_of(has["pan"])} if "pan" in changed else {}
    for control, value in so.controls.items():
        if control != PROGRAM and value is not None and value != there.get(control):
            yield Sweep(part=name, control=control, value=value)


def _plays(name: str, was: Memory, so: Memory, turned: Phrase | None) -> Iterator[AnyCommand]:
    if so.mode in (Mode.STOPPED, Mode.COUNTING):
        yield Act(part=name, action=Action.STOP)
        return
    if so.phrase != was.phrase and turned is not None:
        yield Play(part=name, phrase=turned)
    if so.model is not None and so.model != was.model:
        yield Assign(part=name, model=so.model)
    if so.prime is not None and so.prime != was.prime:
        yield so.prime
    if so.mode is Mode.RESPOND and so.respond is not None:
        yield so.respond
    elif so.mode in (Mode.GENERATE, Mode.GENERATE_ONCE):
        yield Act(part=name, action=Action.GENERATE if so.mode is Mode.GENERATE else Action.GENERATE_ONCE)
    elif turned is None or so.phrase == was.phrase:
        yield Act(part=name, action=Action.LOOP)
