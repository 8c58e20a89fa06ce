"""The past: a sequencer is again what it was, from the facts of its journal."""

from collections.abc import Callable, Iterable, Iterator

from .asking import Asking
from .commands import Continue, Pause
from .facts import CameBack, Comes, Fact, Moved, Over, Performing, Slept, Taken
from .happenings import Happenings
from .hearing import Hearing
from .music import Beats, Seconds
from .outputs.tape import Tape
from .parts import Part
from .performing import Performance, Player
from .plan import Plan
from .stagehand import Stagehand

_STRETCH = Beats(16)
"""So many beats are retold at a time."""


class Past:
    """What was said and what happened is so again: at once after a crash, or in its order on a tape."""

    def __init__(
        self,
        plan: Plan,
        player: Player,
        tape: Tape,
        parts: dict[str, Part],
        hearing: Hearing,
        asking: Asking,
        happenings: Happenings,
        performance: Performance,
        hand: Stagehand,
        *,
        note: Callable[[str], None],
        record: Callable[[Fact], None],
    ) -> None:
        self._plan, self._player, self._tape, self._parts, self.time = plan, player, tape, parts, plan.time
        self._hearing, self._asking, self._note, self._record = hearing, asking, note, record
        self._happenings, self._performance, self._hand = happenings, performance, hand

    def recall(self, facts: Iterable[Fact], crashed: Seconds) -> CameBack:
        """Be as after these facts, up to a crash at that time, and play on from the next bar, on the beats of before.

        To be called before anything else, with all outputs that the facts name. What no longer can be is noted and left out.
        The tape begins here: `retell` says what sounded before. Returns the fact that the engine is back.
        """
        moved = self._plan.moved
        for fact in facts:
            match fact:
                case Moved():
                    moved = fact
                case Slept(place=place) | CameBack(place=place):
                    self._performance.skip(place)
                case Taken(place=place, command=Pause() | Continue()) if place:  # `Moved` says it
                    self._performance.skip(place)
                case _:
                    self._again(fact)
        self.time.move(moved)
        self._plan.moved = self.time.moved()
        ended = max(self.time.held, self.time.beat_at(crashed))
        self._plan.pause_if_due()
        now = self.time.reachable()
        self._happenings.come_back(now)
        self._hearing.let_go(min(ended, now))
        self._tape.withdraw(None, Beats(0))
        back = CameBack(crashed=min(ended, now), now=now)
        self._record(back)
        for part in self._parts.values():
            if part.model is not None:
                self._asking.prepare(part.name, part.model)
        return back

    def retell(self, facts: Iterable[Fact]) -> Iterator[None]:
        """Put on the tape what sounded up to the crash that these facts end with; the parts then have all their takes.

        To be called instead of anything else, with outputs that nobody hears of all names that the facts have. It takes its
        time, and yields every few bars.
        """
        for fact in facts:
            match fact:
                case Moved():
                    yield from self._told(fact.held)
                    if fact.started is not None:
                        self._plan.forget_pause()
                    self.time.move(fact)
                case Slept():
                    yield from self._told(fact.end)
                    self.relive(fact)
                case CameBack():
                    yield from self._told(fact.crashed)
                    self.relive(fact)
                case Over():
                    yield from self._told(fact.now)
                case _:
                    yield from self._told(fact.now)
                    self._again(fact)

    def relive(self, fact: Fact) -> None:
        """Let happen again what happened of itself, what was played on inputs included, and have it in the journal."""
        self._again(fact)
        self._record(fact)

    def remember(self, told: "Past") -> None:
        """Have the takes from before a crash, which were retold."""
        for name, part in told._parts.items():
            if name in self._parts:
                self._parts[name].remember(part.takes)

    def _again(self, fact: Fact) -> None:
        """Have this so again. What no longer can be is noted."""
        try:
            if isinstance(fact, Comes) and fact.place:
                self._performance.again(fact, fact.place)
            elif isinstance(fact, Taken):
                self._take_again(fact)
            elif isinstance(fact, Performing):
                self._performance.take_up(fact)
            else:
                self._happenings.again(fact)
        except Exception as error:  # it must come back with all that can be had
            self._note(f"left out after the crash: {error}")

    def _take_again(self, fact: Taken) -> None:
        about = self._hand.about(fact.command)
        if not isinstance(fact.command, Pause | Continue):  # `Moved` says it
            self._player.settle(fact.command, min(fact.now, fact.at))
            self._player.do(fact.command, fact.now, fact.at)
        self._performance.take_over(fact.command, about)

    def _told(self, end: Beats) -> Iterator[None]:
        """Put on the tape what was handed over up to this beat."""
        pause = self.time.pause_at
        end = end if pause is None else min(end, pause)
        while self._plan.handed < end or (end == pause and not self.time.pause_planned):
            self._tape.schedule(self._plan.planned(Beats(0), min(end, self._plan.handed + _STRETCH)))
            yield
