"""A worker that generates all the time: livecode's own, asked again as soon as it has answered."""

import contextlib
import threading
from collections.abc import Iterator
from fractions import Fraction

import livecode as lc
from livecode.models.host import Host
from livecode.models.wire import Reply, Request

BARS = 4


@contextlib.contextmanager
def generating() -> Iterator[None]:
    """Four bars of drums after four bars of drums, from the first answer until the block ends."""
    key, answered, numbers = lc.drums_rnn(bars=BARS).key, threading.Event(), iter(range(1_000_000))
    over = False

    def ask() -> None:
        number = next(numbers)
        knobs = {"temperature": 1.0, "beam_size": 1, "branch_factor": 1, "steps_per_iteration": 1}
        primer = lc.beat(kick="x...", hat="x.x.")
        host.ask(Request(str(number), key, primer, Fraction(4 * BARS), Fraction(120), (4, 4), number, knobs))

    def on_reply(reply: Reply) -> None:
        if reply.refusal:
            print(reply.refusal)  # noqa: T201
        answered.set()
        if not over:
            with contextlib.suppress(lc.StageClosed):
                ask()

    with Host(on_reply, lambda event: print(event)) as host:  # noqa: T201
        ask()
        ask()
        answered.wait()
        yield
        over = True
