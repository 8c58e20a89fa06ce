"""The models' side of an offline engine: what a recording has is said again at its beats, and models are asked the rest."""

import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .asking import Models, fingerprint
from .commands import AnyCommand, Mute, Panic, Solo
from .facts import Answered, Asked, Fact, Looped
from .models.wire import ModelKey, Reply, Request
from .music import Beats
from .recording import Cue, Library, Recording, Sayings, cues, silences


@dataclass(frozen=True, slots=True)
class Difference:
    """A model answered something else than in the recording: to which part, for its bars from which beat on."""

    part: str
    at: Beats


class Replay:
    """Answers requests from a recording, or has `models` do it, whose replies come through `replies` from another thread.

    exact: no model is asked; what the recording has not is refused in a sentence, which `missing` keeps. regenerate: models are
    asked everything again, and answer at the recorded beats; what they say otherwise is in `differences`.
    """

    def __init__(self, recorded: Recording | None, *, exact: bool, regenerate: bool) -> None:
        facts = () if recorded is None else recorded.facts
        self.sayings = Sayings(facts)
        last = None if recorded is None else recorded.over if recorded.over is not None or exact else recorded.end
        self._last = Beats(0) if recorded is None else last
        """Up to here parts ask what they asked then, and nothing else; None: always."""
        self.replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        self.differences: list[Difference] = []
        self.missing: list[str] = []
        self._eager, self._exact, self._regenerate = recorded is None, exact, regenerate
        self._models: Models | None = None
        self._place: Callable[[Beats], str] = str
        self._library = Library(facts)
        self._cues = cues(facts, accidents=exact)
        self._silences = silences(facts)
        self._to_come: dict[tuple[str, int], list[Beats]] = {}
        for cue in self._cues:
            if isinstance(cue.fact, Asked | Looped):
                self._to_come.setdefault(_numbered(cue.fact), []).append(cue.now)
        self._answered = {(fact.part, fact.asks_ever, fact.request) for fact in facts if isinstance(fact, Answered)}
        self._unasked = _unasked(facts)
        self._cued: Asked | None = None
        """What the recording has a part ask in this moment."""
        self._held: dict[tuple[str, int, str], str] = {}
        """The ids of the requests whose answers come at their cue, by part, number and what was asked."""
        self._early: dict[str, Reply] = {}
        """What models have answered before its cue."""
        self._waited: set[str] = set()
        """The requests that virtual time stands still for."""

    def over(self, models: Models, place: Callable[[Beats], str]) -> None:
        """Have these models asked; `place` puts beats into words."""
        self._models, self._place = models, place

    # What comes by itself

    def next(self) -> Cue | None:
        """What comes next."""
        return self._cues[0] if self._cues else None

    def pop(self) -> None:
        """It has come."""
        fact = self._cues.popleft().fact
        if isinstance(fact, Asked | Looped):
            del self._to_come[_numbered(fact)][0]

    def cue(self, asked: Asked | None) -> None:
        """This is what a part asks now; None: nothing more."""
        self._cued = asked

    def later(self, part: str, number: int, now: Beats, entry: Beats) -> bool:
        """Whether the part is not to ask by itself now, for bars that enter there: because nothing else is said to it than in the
        recording, or because the recording has its request of this number later, but in time."""
        if self._eager or (self._last is not None and now > self._last):
            return False
        beats = self._to_come.get((part, number), [])
        return not self.sayings.edited(part, now) or (bool(beats) and beats[0] <= entry)

    def silence(self, now: Beats, command: AnyCommand) -> Beats | None:
        """The beat from which on this command, said there, silenced something in the recording; None if it did not."""
        return self._silences.get((now, command)) if isinstance(command, Mute | Solo | Panic) else None

    def answer(self, fact: Answered) -> Reply | None:
        """The answer that comes now, if what it answers was asked. A model that is asked again is waited for."""
        request = self._held.pop((fact.part, fact.asks_ever, fact.request), None)
        if request is None or not self._regenerate:
            return None if request is None else Reply(request, fact.phrase, None, 0.0)
        while request not in self._early:
            reply = self.replies.get()
            self._early[reply.id] = reply
        reply = self._early.pop(request)
        if reply.phrase != fact.phrase:
            self.differences.append(Difference(fact.part, fact.at))
        return reply

    def given(self, fact: Answered) -> bool:
        """Whether this comes though nobody asks: where a performance began within a recording, it was there already."""
        return (fact.part, fact.now, fact.asks_ever) in self._unasked and not self.sayings.edited(fact.part, fact.now)

    # What is answered at once

    def waits(self) -> bool:
        """Whether a request is out whose answer may not take time."""
        return bool(self._waited)

    def reply(self) -> Reply:
        """The next reply to such a request; waited for."""
        while True:
            found = next((request for request in self._waited if request in self._early), None)
            reply = self.replies.get() if found is None else self._early.pop(found)
            if reply.id in self._waited:
                self._waited.discard(reply.id)
                return reply
            self._early[reply.id] = reply

    def prepare(self, key: ModelKey) -> None:
        """Without a recording, this model will be asked soon."""
        if self._eager and self._models:
            self._models.prepare(key)

    def ask(self, request: Request) -> None:
        """Have it answered: at its cue if the recording has it here, else at once."""
        asked, cued = fingerprint(request), self._cued
        if cued is not None and cued.place and not self.sayings.edited(cued.part, cued.now):
            asked = cued.request  # a session that was performed had a seed of its own
        if cued is None or cued.request != asked:
            self._waited.add(request.id)
            self._ask_at_once(request, asked)
        elif (key := (cued.part, cued.asks_ever, asked)) in self._answered:
            self._held[key] = request.id
            if self._regenerate and self._models:
                self._models.ask(request)
        elif self.sayings.edited(cued.part, cued.now):  # what kept it from being answered may not come
            self._waited.add(request.id)
            self._ask_at_once(request, asked)

    def _ask_at_once(self, request: Request, asked: str) -> None:
        phrase, candidates = self._library.answer(asked), self._library.candidates(asked)
        if not self._regenerate and (phrase or candidates):
            self.replies.put(Reply(request.id, None if request.seeds else phrase, None, 0.0, candidates))
        elif self._exact:
            self.replies.put(Reply(request.id, None, self._refusal(request), 0.0))
        elif self._models:
            self._models.ask(request)

    def _refusal(self, request: Request) -> str:
        what = "no such candidates" if request.seeds else f"no such bars for {self._place(request.needed_by or Beats(0))}"
        part, _, _ = request.id.rpartition("-")
        self.missing.append(f"{part}: the recording has {what} from {request.key}")
        return f"the recording has {what}, and no model is asked in an exact replay"

    def forget(self, request_id: str) -> None:
        """Nobody waits for it any more."""
        self._waited.discard(request_id)
        self._held = {key: request for key, request in self._held.items() if request != request_id}
        self._early.pop(request_id, None)
        if self._models and not self._exact:
            self._models.forget(request_id)


def _unasked(facts: Iterable[Fact]) -> set[tuple[str, Beats, int]]:
    """The answers to nothing that was asked before: whose, when, and to which of the requests."""
    asked, found = set[tuple[str, int, str]](), set[tuple[str, Beats, int]]()
    for fact in facts:
        if isinstance(fact, Asked):
            asked.add((fact.part, fact.asks_ever, fact.request))
        elif isinstance(fact, Answered):
            key = fact.part, fact.asks_ever, fact.request
            if key not in asked:
                found.add((fact.part, fact.now, fact.asks_ever))
            asked.discard(key)
    return found


def _numbered(fact: Asked | Looped) -> tuple[str, int]:
    """Whose it is, and which of its requests; a loop of what was played is 0."""
    return fact.part, fact.asks_ever if isinstance(fact, Asked) else 0
