"""What the models' host does in its thread: keeps workers alive and busy, and answers every request in the end.

Compiled models have two workers, Magenta's own engine has one, and so has every other interpreter that a model names. Each
does one thing at a time. A bundle that must be compiled first has a worker of its own for so long: what takes seconds never
holds up what takes milliseconds.
"""

import queue
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from time import monotonic

import msgspec

from ..music import Seconds
from .hand import Ask, Hand, Home
from .known import ModelState, Record, shown
from .process import Inbox, Process
from .wire import FromWorker, Load, Loaded, ModelKey, Ready, Reply, Request, decode_for_host

WORKERS = 2
"""The most workers that compiled models have.

Measured with bench/models_load.py on two busy cores, with sixteen parts that want a bar every bar at 140 bpm: from asking to
having, p95 was 360 to 400 ms with one worker, and 0 to 8 of 480 bars were late; 150 to 270 ms with two, 140 ms with three, and
no bar late. Each takes 2 to 6 % of a core and 90 MB. So the second keeps the music from waiting for what the first is at, and a
third gains little.
"""

TRIES = 2
"""A request that failed with its worker is asked once more, then refused: it may be what the worker dies of."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a worker may take, in seconds, before it is killed and restarted: to start, to load a model, which may mean to
    start TensorFlow and compile it, and to answer a request."""

    start: Seconds = 60.0
    load: Seconds = 180.0
    reply: Seconds = 30.0


class Keeper:
    """All workers and all requests. The host's thread calls everything but `states` and `tail`, which are there to be read."""

    def __init__(
        self,
        python: str,
        program: Sequence[str],
        workers: int,
        inbox: Inbox,
        on_reply: Callable[[Reply], None],
        on_event: Callable[[str], None],
        limits: Limits,
    ) -> None:
        self.states: tuple[ModelState, ...] = ()
        self.tail: deque[str] = deque(maxlen=50)
        self._python, self._program, self._workers = python, program, workers
        self._inbox, self._limits = inbox, limits
        self._on_reply, self._on_event = on_reply, on_event
        self._models: dict[ModelKey, Record] = {}
        self._hands: list[Hand] = []
        self._asks: list[Ask] = []
        self._arrivals = 0
        self._said: list[Callable[[], None]] = []  # replies and events, until the states are published
        self._closing = False

    def serve(self) -> None:
        """Do what the inbox says, and watch the workers' deadlines, until closed."""
        while not self._closing:
            try:
                self._turn()
            except Exception:
                self.tail.extend(traceback.format_exc().splitlines())
                for hand in self._hands:
                    hand.trouble = "the host met an error and goes on; see log(worker=True)"
        for hand in self._hands:
            hand.dismiss()
        until = monotonic() + 1.0
        for hand in self._hands:
            hand.end(grace=max(0.0, until - monotonic()) if hand.idle else 0.0)
        self._publish()

    def _turn(self) -> None:
        due = min((hand.due() for hand in self._hands), default=inf)
        with suppress(queue.Empty):
            self._inbox.get(timeout=None if due == inf else max(0.0, due - monotonic()))()
        for hand in self._hands:
            if hand.runs() and monotonic() >= hand.due():
                self._overdue(hand)
        self._proceed()
        self._publish()

    # What it is told

    def close(self) -> None:
        self._closing = True

    def prepare(self, key: ModelKey) -> None:
        record = self._record(key)
        record.refusal, record.failures = "", 0
        for hand in self._hands:
            hand.unable.discard(key)

    def ask(self, request: Request) -> None:
        self._record(request.key)
        self._arrivals += 1
        self._asks.append(Ask(request, self._arrivals))

    def forget(self, request_id: str) -> None:
        self._asks = [ask for ask in self._asks if ask.request.id != request_id]
        for hand in self._hands:
            if isinstance(hand.flight, Ask) and hand.flight.request.id == request_id:
                hand.flight.forgotten = True

    def _record(self, key: ModelKey) -> Record:
        return self._models.setdefault(key, Record(Home(key.python or self._python, bool(key.python), key.engine)))

    # Who does what

    def _proceed(self) -> None:
        """Have as many workers as there is work for, and give every one that has nothing to do something."""
        for ask in [ask for ask in self._asks if self._models[ask.request.key].refusal]:
            self._asks.remove(ask)
            self._refuse(ask, self._models[ask.request.key].refusal)
        if self._closing:
            return
        homes = list(dict.fromkeys(record.home for record in self._models.values()))
        for home in homes:
            self._settle(home)
            self._settle_compiler(replace(home, compiling=True))
        for hand in self._hands:
            if not hand.runs() and monotonic() >= hand.due():
                self._start(hand)

    def _settle(self, home: Home) -> None:
        """Give its workers what is most urgent, have those that are left load what they lack; if all are busy, have another."""
        hands = self._hands_of(home)
        for ask in self._waiting(home):
            if ask.hurried or not self._occupied(home):
                self._give(ask, hands)
        for hand in hands:
            missing = [key for key in self._wanted(home) if key not in hand.loaded | hand.unable] if hand.idle else []
            if missing:
                hand.send(missing[0], Load(missing[0], compiling=False), self._limits.load)
        loading = [hand.flight for hand in hands]
        held_up = any(ask.request.key not in loading for ask in self._waiting(home))
        if not hands or (held_up and len(hands) < self._most(home) and all(hand.ready for hand in hands)):
            self._hands.append(Hand(home, self._program, self._inbox, self.tail))

    def _give(self, ask: Ask, hands: Sequence[Hand]) -> None:
        """Give a request to a worker that has its model; or have one load it, if none has it or is about to."""
        key, idle = ask.request.key, [hand for hand in hands if hand.idle]
        able = next((hand for hand in idle if key in hand.loaded), None)
        if able is not None:
            self._asks.remove(ask)
            able.send(ask, ask.request, self._limits.reply)
        elif idle and not any(key in hand.loaded or hand.flight == key for hand in hands):
            least = min(idle, key=lambda hand: len(hand.loaded))
            least.send(key, Load(key, compiling=False), self._limits.load)

    def _settle_compiler(self, home: Home) -> None:
        """Have a worker compile what must be, one bundle at a time, and let it go afterwards."""
        hand = next(iter(self._hands_of(home)), None)
        raw = [key for key, record in self._models.items() if record.raw and not record.refusal and record.next_home() == home]
        if raw and hand is None:
            self._hands.append(Hand(home, self._program, self._inbox, self.tail))
        elif raw and hand and hand.idle:
            hand.send(raw[0], Load(raw[0]), self._limits.load)
        elif not raw and hand:
            self._hands.remove(hand)
            hand.end(grace=0.0)

    def _hands_of(self, home: Home) -> list[Hand]:
        return [hand for hand in self._hands if hand.home == home]

    def _waiting(self, home: Home) -> list[Ask]:
        """The requests that the workers of a home could answer, the most urgent first."""
        able = set(self._loadable(home))
        return sorted((ask for ask in self._asks if ask.request.key in able), key=Ask.urgency)

    def _wanted(self, home: Home) -> list[ModelKey]:
        """The models that the workers of a home are to have, those that are asked for first."""
        return list(dict.fromkeys([ask.request.key for ask in self._waiting(home)] + self._loadable(home)))

    def _loadable(self, home: Home) -> list[ModelKey]:
        return [key for key, record in self._models.items() if record.home == home and not record.refusal and not record.raw]

    def _occupied(self, home: Home) -> bool:
        """Whether a worker of several is at something that the music does not wait for: one such at a time."""
        flights = [hand.flight for hand in self._hands_of(home)]
        return self._most(home) > 1 and any(isinstance(flight, Ask) and not flight.hurried for flight in flights)

    def _most(self, home: Home) -> int:
        return self._workers if home.engine == "compiled" and not home.compiling else 1

    def _start(self, hand: Hand) -> None:
        try:
            hand.start(self._limits.start, partial(self._heard, hand), partial(self._ended, hand))
        except OSError as error:
            self._failed(hand, f"cannot be started ({error})")

    # What workers say

    def _heard(self, hand: Hand, run: Process, line: bytes) -> None:
        if not hand.runs(run):
            return
        try:
            self._take(hand, decode_for_host(line))
        except msgspec.MsgspecError as error:
            self._say(f"The worker of {self._names(hand)} wrote a line that is no message ({error}): it was ignored.")

    def _take(self, hand: Hand, message: FromWorker) -> None:
        match message, hand.flight:
            case Ready(), _:
                hand.is_ready()
            case Loaded(), ModelKey() as key if message.key == key:
                hand.landed()
                self._loaded(hand, message)
            case Reply(), Ask() as ask if message.id == ask.request.id:
                if not ask.request.seeds:
                    self._models[ask.request.key].took.add(monotonic() - hand.sent)
                hand.landed()
                if not ask.forgotten:
                    self._reply(message)

    def _loaded(self, hand: Hand, message: Loaded) -> None:
        record, done = self._models[message.key], message.compiled and not message.refusal
        record.failures = 0
        if message.refusal:
            self._say(message.refusal)
        if not done and self._had_by_another(hand, message.key):
            hand.unable.add(message.key)
            return
        record.refusal = message.refusal or ""
        if done and not hand.home.compiling:
            hand.loaded.add(message.key)
        elif not message.refusal:
            record.raw = not done

    def _had_by_another(self, hand: Hand, key: ModelKey) -> bool:
        """Whether another worker of the same home has the model: then what this one cannot load is refused to nobody."""
        return any(key in other.loaded for other in self._hands_of(hand.home) if other is not hand)

    # What becomes of them

    def _ended(self, hand: Hand, run: Process) -> None:
        if not hand.runs(run):
            return
        code = run.end(grace=1.0)
        if code < 0:
            self._failed(hand, f"was killed (signal {-code})")
        else:
            self._failed(hand, f"ended by itself (exit code {code}, its last words: {run.last_words[:160]})")

    def _overdue(self, hand: Hand) -> None:
        why = f"gave no answer for {hand.limit:g} s and was killed"
        hand.end(grace=0.0)
        self._failed(hand, why)

    def _failed(self, hand: Hand, why: str) -> None:
        """A worker is gone: decide what becomes of what it was doing, and when the next one starts."""
        was_ready, flight = hand.ready, hand.flight
        pause = hand.lost()
        then = f"it is restarted in {pause:g} s" if pause else "it is restarted"
        match flight:
            case Ask():
                self._again(hand, flight, f"The worker of {flight.request.key} {why} in the middle of a request", then)
            case ModelKey():
                self._load_failed(hand, flight, f"The worker of {flight} {why} while loading it", then)
            case _:
                self._complain(hand, f"The worker of {self._names(hand)} {why}: {then}.")
                if not was_ready and not any(other.ready for other in self._hands_of(hand.home)):
                    self._not_started(hand, why)

    def _again(self, hand: Hand, ask: Ask, what: str, then: str) -> None:
        ask.failures += 1
        if ask.forgotten:
            self._complain(hand, f"{what}, which nobody waits for: {then}.")
        elif ask.failures < TRIES:
            self._complain(hand, f"{what}: {then} and the request asked again.")
            self._asks.append(ask)
        else:
            self._complain(hand, f"{what} for the second time: {then} and the request refused.")
            self._refuse(ask, f"{what} for the second time: the part repeats; ask for fewer bars, or another model.")

    def _load_failed(self, hand: Hand, key: ModelKey, what: str, then: str) -> None:
        record = self._models[key]
        record.failures += 1
        self._complain(hand, f"{what}: {then}.")
        if record.failures >= TRIES and not self._had_by_another(hand, key):
            record.refusal = f"{what} for the second time: the part repeats; give another bundle than {key.bundle}."

    def _not_started(self, hand: Hand, why: str) -> None:
        mine = [ask for ask in self._asks if self._models[ask.request.key].next_home() == hand.home]
        for ask in mine:
            ask.failures += 1
        for ask in [ask for ask in mine if ask.failures >= TRIES]:
            self._asks.remove(ask)
            self._refuse(ask, f"The worker of {ask.request.key} {why}: the part repeats; see that {hand.home.python} runs.")

    def _refuse(self, ask: Ask, sentence: str) -> None:
        self._reply(Reply(ask.request.id, None, sentence, 0.0))

    def _reply(self, reply: Reply) -> None:
        self._said.append(partial(self._on_reply, reply))

    def _complain(self, hand: Hand, sentence: str) -> None:
        hand.trouble = sentence
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._said.append(partial(self._on_event, sentence))

    def _names(self, hand: Hand) -> str:
        names = [str(key) for key, record in self._models.items() if hand.home in (record.home, record.compiler())]
        return " and ".join(names) or "the models"

    # What is shown

    def _publish(self) -> None:
        """Show the states, and only then speak: whoever gets a reply finds the states that belong to it."""
        self.states = tuple(self._state(key, record) for key, record in self._models.items())
        said, self._said = self._said, []
        for speak in said:
            speak()

    def _state(self, key: ModelKey, record: Record) -> ModelState:
        hands = self._hands_of(record.home) + self._hands_of(record.compiler())
        return shown(key, record, hands, waiting=sum(ask.request.key == key for ask in self._asks))
