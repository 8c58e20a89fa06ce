"""What the keeper knows of a model, and how the status shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..music import Seconds
from .hand import Ask, Hand, Home
from .took import Took
from .wire import ModelKey


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model as the status shows it.

    `state` is "starting", "loading", "compiling", "ready", "generating" or "refused: <sentence>". `waiting` counts the requests
    that are not answered; p50 and p95, in seconds, are of the last 20 that were. `pid` is of the worker that has it; `restarts`
    counts those of all workers that it may be asked of, and `trouble` is what went wrong with one of them since its last answer
    ("" for nothing).
    """

    key: ModelKey
    state: str
    waiting: int
    p50: Seconds | None
    p95: Seconds | None
    pid: int | None
    restarts: int
    trouble: str

    def __str__(self) -> str:
        said = [f"{self.key}: {self.state}"]
        if self.p50 is not None and self.p95 is not None:
            said.append(f"answers in {self.p50:.2f} s (p95 {self.p95:.2f} s)")
        if self.waiting:
            said.append(f"{self.waiting} waiting")
        if self.restarts:
            said.append(f"restarted {self.restarts} time{'' if self.restarts == 1 else 's'}")
        if self.trouble:
            said.append(f"trouble: {self.trouble}")
        return " · ".join(said)


@dataclass(slots=True)
class Record:
    """What is known of a model."""

    home: Home
    raw: bool = False
    """Whether it must be compiled before it can be loaded."""
    failures: int = 0
    refusal: str = ""
    took: Took = field(default_factory=Took)

    def compiler(self) -> Home:
        """Where it is compiled."""
        return replace(self.home, compiling=True)

    def next_home(self) -> Home:
        """Where something must be done before it can answer."""
        return self.compiler() if self.raw else self.home


def shown(key: ModelKey, record: Record, hands: Sequence[Hand], waiting: int) -> ModelState:
    """How a model is: `hands` are the workers that it may be asked of, `waiting` requests are with none of them."""
    asked = [hand for hand in hands if isinstance(hand.flight, Ask) and hand.flight.request.key == key]
    able = [hand for hand in hands if key in hand.loaded]
    if record.refusal:
        state = f"refused: {record.refusal}"
    elif asked:
        state = "generating"
    elif able:
        state = "ready"
    elif record.raw:
        state = "compiling"
    else:
        state = "loading" if any(hand.ready for hand in hands) else "starting"
    return ModelState(
        key=key,
        state=state,
        waiting=waiting + len(asked),
        p50=record.took.p50,
        p95=record.took.p95,
        pid=next((hand.pid for hand in [*asked, *able, *hands]), None),
        restarts=sum(hand.restarts for hand in hands),
        trouble=next((hand.trouble for hand in hands if hand.trouble), ""),
    )
