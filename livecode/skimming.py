"""Facts without what others have replaced, so that hours are gone through in a moment. Pure."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from .commands import (
    Adjust,
    AnyCommand,
    Declare,
    Equip,
    Fade,
    Nudge,
    Propose,
    Route,
    SetMeter,
    SetSwing,
    Sweep,
    Tempo,
    ToPart,
    TurnKnob,
    Undo,
    UndoLast,
)
from .ears import REMEMBERS
from .facts import Answered, Asked, Fact, Heard, Shaped, Taken
from .inputs.messages import CONTROL, PEDAL, SOUND_OFF, lifts, strikes
from .music import Beats

_MODELS_OWN = ("density", "temperature")
"""Knobs that say what a model is to play: they count for the bars that come while they stand so."""


def skimmed(facts: Sequence[Fact], *, undone: int) -> list[Fact]:
    """The facts without the answers that two more follow, with nothing else that is about their part or about all parts; without
    knobs that were turned again, if no undo and no scene goes back to between; without what models were asked, and what was
    played so long ago that no ear remembers it.

    undone: so many commands may be undone after the last fact.
    """
    first = _first_to_parts(facts)
    skim = _Skim(undone)
    return [fact for fact in reversed(facts) if skim.matters(fact) or id(fact) in first][::-1]


class _Skim:
    """What is known of what follows, going back in time."""

    def __init__(self, undone: int) -> None:
        self._following: Counter[tuple[str, str]] = Counter()
        self._set = defaultdict[str, set[Hashable]](set)
        """What is set again of each part before anybody goes back to between."""
        self._undone = undone
        """So many commands are undone later."""
        self._done: Counter[tuple[str, bool]] = Counter()
        """How many of those can be one's own to each part, or what is performed of it."""
        self._played = defaultdict[str, _Played](_Played)

    def matters(self, fact: Fact) -> bool:
        """Whether anything to come depends on it."""
        match fact:
            case Asked():
                return False
            case Heard(name=name):
                return self._played[name].matters(fact)
            case Answered(part=part):
                self._set[part] -= {(performed, TurnKnob, knob) for performed in (False, True) for knob in _MODELS_OWN}
                return self._seldom(part, "")
            case Shaped(part=part, function=function):
                return self._seldom(part, function)
            case Taken():
                return self._said(fact)
        return True

    def _seldom(self, part: str, function: str) -> bool:
        self._following[part, function] += 1
        return self._following[part, function] <= 2

    def _said(self, fact: Taken) -> bool:
        command, performed = fact.command, fact.place > 0
        self._undone += isinstance(command, Undo | UndoLast)
        if not isinstance(command, ToPart):
            self._following.clear()
            if not isinstance(command, Tempo | SetMeter | SetSwing):
                self._set.clear()
            return True
        known, what = self._set[command.part], _sets(command)
        goes_back = self._done[command.part, performed] < self._undone
        if what and ((isinstance(command, TurnKnob) and command.by) or not goes_back):
            if (performed, *what) in known:
                return False
            if fact.at <= fact.now and not getattr(command, "bars", 0):
                known.add((performed, *what))
            return True
        for whose in [whose for whose in self._following if whose[0] == command.part]:
            del self._following[whose]
        if goes_back or isinstance(command, Undo | Equip | Route):  # how the part was before it may be so again
            known.clear()
        self._done[command.part, performed] += goes_back and not isinstance(command, Declare | Propose | Undo)
        return True


def _first_to_parts(facts: Sequence[Fact]) -> set[int]:
    """The ids of the facts with which parts come into being."""
    first: dict[str, int] = {}
    for fact in facts:
        if isinstance(fact, Taken) and isinstance(fact.command, ToPart):
            first.setdefault(fact.command.part, id(fact))
    return set(first.values())


def _sets(command: AnyCommand) -> tuple[Hashable, ...]:
    """What it sets of how its part sounds, whatever that was before; () for nothing of the kind."""
    match command:
        case TurnKnob(knob=what) | Sweep(control=what):
            return type(command), what
        case Nudge() | Fade():
            return (type(command),)
        case Adjust() if not command.free and command.bank is None and command.given().keys() <= {"gain", "pan"}:
            return Adjust, *command.given(), *command.controls
    return ()


class _Played:
    """What still matters of what was played on an input, going back in time: all of the last while; and of what lies before, what
    tells which keys and pedals were down then."""

    def __init__(self) -> None:
        self._since: Beats | None = None
        self._known: set[tuple[bool, int, int]] = set()

    def matters(self, heard: Heard) -> bool:
        """Whether this does."""
        self._since = heard.now - REMEMBERS if self._since is None else self._since
        if heard.now >= self._since:
            return True
        try:
            told = [self._tells(tuple(bytes.fromhex(spelt))) for _, spelt in reversed(heard.said)]
        except (ValueError, IndexError):
            return True  # to be noted by who finds that it cannot be
        return any(told)

    def _tells(self, message: tuple[int, ...]) -> bool:
        """Whether it is the last strike or the last lift of its key, lies after all that let its pedal go, or is a mode."""
        control, channel = message[0] & 0xF0 == CONTROL, message[0] & 0x0F
        if control and message[1] != PEDAL:
            return message[1] >= SOUND_OFF
        if not (control or strikes(message) or lifts(message)):
            return False
        kind = (strikes(message), channel, -1 if control else message[1])
        known = kind in self._known
        if not control or message[2] < 64:
            self._known.add(kind)
        return not known
