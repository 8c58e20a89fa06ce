"""What happens of itself: models answer, inputs are played, another clock steers; and how a fact has it so again."""

from collections.abc import Callable, Iterable, Sequence

from .chasing import Chase
from .ears import Said
from .facts import (
    Answered,
    Asked,
    CameBack,
    Fact,
    Heard,
    InputOpened,
    Looped,
    PortOpened,
    Proposed,
    Shaped,
    Slept,
    Steered,
)
from .hearing import Hearing
from .models.wire import Reply
from .music import Beats
from .outputs.tape import Tape
from .parts import Part
from .plan import Plan


class Happenings:
    """Has what is no command be so. `welcome` lets an output of that name play from a beat on."""

    def __init__(
        self,
        plan: Plan,
        tape: Tape,
        parts: dict[str, Part],
        hearing: Hearing,
        chase: Chase,
        *,
        welcome: Callable[[str, Beats], None],
    ) -> None:
        self._plan, self._tape, self._parts, self._hearing, self._chase = plan, tape, parts, hearing, chase
        self._welcome, self.time = welcome, plan.time

    def open_ear(self, name: str) -> bool:
        """There is an input of this name; False if there was."""
        self._tape.enter(name)
        return self._hearing.open(name)

    def hear(self, name: str, said: Iterable[Said]) -> None:
        """This was played on an input, in beats."""
        for event in self._hearing.hear(name, said):
            self._tape.insert(event)

    def overhear(self, facts: Sequence[Heard], now: Beats) -> None:
        """This was played before, and is on no tape: who listens knows it, and from here on no key of it is down."""
        for fact in facts:
            for _ in self._hearing.hear(fact.name, _said(fact)):
                pass
            self._tape.enter(fact.name)
        self._hearing.let_go(now, {fact.name for fact in facts})

    def again(self, fact: Fact) -> None:
        """Have be so again what this fact says."""
        match fact:
            case PortOpened(now=now, name=name):
                self._welcome(name, now)
            case InputOpened(name=name):
                self.open_ear(name)
            case Heard(name=name):
                self.hear(name, _said(fact))
            case Asked(now=now):
                for part in self._parts.values():
                    part.settle(now)
            case Steered(at=at, bpm=bpm):
                self._chase.steer(at, bpm)
            case Slept(begin=begin, end=end, part=name):
                self._tape.leave_out(name or None, begin, end)
            case CameBack():
                self._cut_off(fact)
            case Answered(part=name) | Shaped(part=name) | Looped(part=name) | Proposed(part=name) if name in self._parts:
                self._given_again(self._parts[name], fact)

    def _given_again(self, part: Part, fact: Answered | Shaped | Looped | Proposed) -> None:
        """What a model, a performer's function or a hand gave."""
        match fact:
            case Proposed(phrases=phrases):
                part.proposed(Reply("", None, None, 0.0, phrases))
                return
            case Shaped(at=at, function=function, phrase=phrase):
                part.settle(fact.now)
                part.turning.shaped(function, phrase, at)
            case Answered(at=at, phrase=phrase, asks=asks, asks_ever=asks_ever):
                part.settle(fact.now)
                part.answer(phrase, at)
                part.asks, part.asks_ever = asks, asks_ever
            case Looped(at=at, phrase=phrase):
                part.settle(fact.now)
                part.looped(phrase, at)
                part.capture = None
        self._plan.replan([part], max(fact.now, fact.at))

    def _cut_off(self, fact: CameBack) -> None:
        """A crash cut off what sounded; what the tape has of after it was not heard."""
        self._plan.withdraw(None, fact.crashed)
        self._plan.silence(None, fact.crashed)
        for event in self._hearing.let_go(fact.crashed):
            self._tape.insert(event)
        self.come_back(fact.now)

    def come_back(self, now: Beats) -> None:
        """Hand over events from here on, and notes from the next bar on."""
        self._plan.handed, self._plan.silent_until = now, self.time.tempo.line_after(now) if self.time.running else now
        for part in self._parts.values():
            part.settle(now)
            part.come_back(now)
            self._plan.settle_hands(part)
        self._plan.ticking.go(self._plan.silent_until)


def _said(fact: Heard) -> list[Said]:
    return [(beat, tuple(bytes.fromhex(spelt))) for beat, spelt in fact.said]
