"""The stagehand: puts all parts back as they were, or has them stop: undo and redo, scenes, the stage's key, safe, hush."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeAlias

from .asking import Asking
from .commands import AnyCommand, Hush, Mute, Panic, Recall, Restart, Safe, SetKey, Solo, Store, ToPart, Undo, UndoLast
from .errors import BadInput
from .music import Beats, counted
from .parts import Memory, Mode, Part
from .plan import Plan
from .scenes import House
from .states import when
from .undoing import Done, History

ToAll: TypeAlias = Hush | Panic | Restart | Safe | SetKey | Store | Recall | UndoLast
"""What is said to all parts together."""


@dataclass(slots=True)
class Kept:
    """The key and the scenes: the stage's, or those of a recording that is performed beside what plays."""

    house: House = field(default_factory=House)


class Stagehand:
    """Knows how parts were before each command that went through it, and how they are in each scene.

    among: the names of those it is the stagehand of; None for all parts.
    """

    def __init__(
        self, plan: Plan, asking: Asking, parts: Mapping[str, Part], kept: Kept, *, among: Container[str] | None = None
    ) -> None:
        self._plan, self._asking, self._parts, self.time = plan, asking, parts, plan.time
        self.kept, self.history, self._among = kept, History(), among

    def of(self, kept: Kept, among: Container[str]) -> "Stagehand":
        """One of only these parts, who keeps this."""
        return Stagehand(self._plan, self._asking, self._parts, kept, among=among)

    def _mine(self) -> list[Part]:
        return [part for name, part in self._parts.items() if self._among is None or name in self._among]

    def about(self, command: AnyCommand) -> Iterable[str]:
        """The parts that will be otherwise once this is said, but for those that only stop."""
        match command:
            case ToPart():
                return (command.part,)
            case Safe():
                return [part.name for part in self._mine() if part.generates()]
            case Recall():
                return [part.name for part in self._mine() if part.mode is not Mode.COUNTING]
            case UndoLast(redo=redo):
                return self.history.last(redo=redo)
        return ()

    def tell(self, command: ToAll, now: Beats, at: Beats) -> str:
        """Have this so from beat `at` on; `now` is the first that can be reached. Returns a sentence. Raises BadInput."""
        match command:
            case Hush():
                before = self.now(*self._mine())
                self._stop_all(now, at)
                return self.did(self._changed(before), f"all parts stop at {self.time.place(at)}")
            case Panic():
                self._stop_all(now, at)
                for name in [None] if self._among is None else [part.name for part in self._mine()]:
                    self._plan.withdraw(name, at)
                    self._plan.silence(name, at)
                return "all parts stopped, all notes off"
            case Restart():
                for part in self._mine():
                    part.begin_anew(at)
                if self._among is None:
                    self._plan.ticking.begin_anew(at)
                return f"all loops begin anew at {self.time.place(at)}"
            case Safe():
                return self._freeze(now)
            case UndoLast():
                return self.undo(self._among, command, now, at)
            case SetKey() | Store() | Recall():
                parts = self._mine() if isinstance(command, Recall) else ()  # what is stored is the house's own
                before = replace(self.now(*parts), house=self.kept.house)
                return self.did(before, self._set_house(command, at))

    def now(self, *parts: Part) -> Done:
        """How these parts are, to be undone to."""
        return Done("", {part.name: part.memory() for part in parts})

    def did(self, before: Done, words: str) -> str:
        """These words, under which what was done, if anything was, can be undone."""
        if before.before or before.house is not None:
            self.history.did(replace(before, words=words))
        return words

    def _changed(self, before: Done) -> Done:
        """The same of only those parts that are otherwise by now."""
        return replace(
            before, before={name: memory for name, memory in before.before.items() if self._parts[name].memory() != memory}
        )

    def undo(self, parts: Container[str] | None, command: Undo | UndoLast, now: Beats, at: Beats) -> str:
        """Undo or redo what was done last to any of these parts; None: to anything. Raises BadInput if there is nothing."""
        kept, redo = self.kept, command.redo
        done = self.history.pop(parts, house=isinstance(command, UndoLast), redo=redo)
        if done is None:
            of_part = f" of {command.part}" if isinstance(command, Undo) else ""
            raise BadInput(f"There is nothing to {'redo' if redo else 'undo'}{of_part}.")
        so_now = {name: self._parts[name].memory() for name in done.before}
        if not done.replay:
            self.history.push(Done(done.words, so_now, done.house and kept.house), redone=redo)
        self._move_into(done.house or kept.house, at)
        for name, memory in done.before.items():
            self._put_back(self._parts[name], memory, now, at)
        return f"{done.words!r} is {'redone' if redo else 'undone'} from {self.time.place(at)}"

    def give_way(self, other: "Stagehand", parts: Iterable[str], words: str, now: Beats) -> None:
        """These parts are a replay's from beat `now` on, and begin as new ones; that can be undone under these words."""
        theirs = [self._parts[name] for name in sorted(parts) if name in self._parts]
        self.history.did(replace(self.now(*theirs), words=words, replay=True))
        for part in theirs:
            new = Part(part.name, part.own_channel, now).memory()
            if part.memory() != new:
                other._put_back(part, new, now, now)

    def _put_back(self, part: Part, memory: Memory, now: Beats, at: Beats) -> None:
        self._asking.forget(part.asked)
        part.put_back(memory, now, at, self.time.bar(at), self.kept.house.key)
        self.time.counted = max(other.counted() for other in self._parts.values())
        self._plan.replan([part], min(now, at))
        if (part.muted.at(now), part.muted.final()) != (memory.muted, memory.muted):
            self.gate(part, Mute(part=part.name, muted=memory.muted), now, now)
        if (part.soloed.at(now), part.soloed.final()) != (memory.soloed, memory.soloed):
            self.gate(part, Solo(part=part.name, soloed=memory.soloed), now, now)

    def gate(self, part: Part, command: Mute | Solo, now: Beats, at: Beats) -> str:
        """Mute or solo it, or no more. Returns a sentence."""
        if isinstance(command, Mute):
            part.muted.set(at, command.muted)
            words = "muted" if command.muted else "heard again"
        else:
            part.soloed.set(at, command.soloed)
            part.solo_among = self._among
            self._plan.soloists = [other for other in self._parts.values() if any(other.soloed.values())]
            words = "solo" if command.soloed else "out of solo"
        for other in self._parts.values():
            if self._plan.audible(other, at):
                self._plan.replan([other], max(at, now))
            else:
                self._plan.replan([other], at)
                if at < now or (at == now and other.thrus):  # keys that are held are in no plan
                    self._plan.silence(other.name, at)
        return f"{words} {when(command.on, at, self.time)}"

    def _stop_all(self, now: Beats, at: Beats) -> None:
        mine = self._mine()
        self.time.counted = max((part.counted() for part in self._parts.values() if part not in mine), default=Beats(0))
        for part in mine:
            self._asking.forget(part.asked)
            self._plan.replan([part], part.changes_from(now, at))
            part.stop(at, self.time.bar(at))

    def _freeze(self, now: Beats) -> str:
        before = self.now(*self._mine())
        frozen = []
        for part in self._mine():
            asked = part.asked
            if part.freeze(now):
                self._asking.forget(asked)
                frozen.append(part.name)
        if not frozen:
            return "safe: nothing generates"
        return self.did(self._changed(before), f"safe: {', '.join(frozen)} {'loops' if len(frozen) == 1 else 'loop'} on")

    # Key and scenes

    def _set_house(self, command: SetKey | Store | Recall, at: Beats) -> str:
        match command:
            case SetKey(key=key):
                self._move_into(replace(self.kept.house, key=key), at)
                return f"{f'in {key}' if key else 'in no key'} from {self.time.place(at)}"
            case Store(scene=name):
                again = " again, the earlier one is gone (undo brings it back)" if name in self.kept.house.scenes else ""
                parts = {part.name: part.memory() for part in self._mine() if part.mode is not Mode.COUNTING}
                self.kept.house = self.kept.house.with_scene(name, parts)
                return f"scene {name} stored{again}: {counted(Fraction(len(parts)), 'part')}"
            case Recall(scene=name):
                return self._set_scene(name, at)

    def _move_into(self, house: House, at: Beats) -> None:
        """Have this key and these scenes."""
        if house.key != self.kept.house.key:
            for part in self._mine():
                part.in_key(at, house=house.key)
        self.kept.house = house

    def _set_scene(self, name: str, at: Beats) -> str:
        scene = self.kept.house.scene(name)
        self._move_into(replace(self.kept.house, key=scene.key), at)
        for part in self._mine():
            if part.mode is not Mode.COUNTING:
                self._put_back(part, scene.of(part.name, part.memory()), at, at)
                part.begin_anew(at)
        return f"scene {name} from {self.time.place(at)}"
