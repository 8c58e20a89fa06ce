"""What parts ask their models: when, with which seed, and whose reply it is. It knows no thread."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from typing import Protocol, TypeAlias

import msgspec

from .clock import Clock
from .ears import Ear
from .exchange import Call, going_round, heard_by
from .facts import Asked, Proposed
from .models.took import Took
from .models.wire import INPUT, LONGEST_PRIMER, Chords, Model, ModelKey, Progression, Reply, Request, to_json
from .music import Beats, Phrase, Seconds, silence
from .naming import nearest
from .packing import packed
from .parts import Mode, Part
from .tempo import TempoMap

MARGIN: Seconds = 0.3
"""A model is asked this much earlier than its slowest answers need, for the bars to be with the outputs in time."""

LAST_MOMENT: Seconds = 0.05
"""So much is enough for bars to come in time, taking back what the outputs have of the loop's repeat: the planner's period, and
as much again."""

IN_TIME: Seconds = 0.15
"""An answer to what is played is asked for so much earlier than it needs: one that is late is silent for a bar."""

RETRY: Seconds = 3.0
"""A part whose model refused asks again after this long at the earliest."""


Later: TypeAlias = Callable[[str, int, Beats, Beats], bool]
"""Whether a part's request of this number is not to be sent at this beat, for bars that enter at the other, for it is to come
later or never: see `ask_again`."""


class Models(Protocol):
    """Where the sequencer asks for bars."""

    def prepare(self, key: ModelKey) -> None:
        """This model will be asked soon."""
        ...

    def ask(self, request: Request) -> None:
        """Have this request answered; the reply comes to `Sequencer.receive`."""
        ...

    def forget(self, request_id: str) -> None:
        """The reply is no longer wanted."""
        ...


_encoder = msgspec.json.Encoder(enc_hook=to_json, order="deterministic")


def fingerprint(request: Request) -> str:
    """Sixteen letters that say what was asked. The same wish to the same model has the same in any process on any machine,
    whoever runs the model, whenever its answer is needed."""
    key, asked = request.key, request
    wish = (key.family, key.config, key.path.name, asked.primer, asked.beats, asked.bpm, asked.meter, asked.seed)
    said = _encoder.encode((*wish, asked.knobs, asked.do, asked.seeds, asked.chords))
    return hashlib.sha256(said).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Ask:
    """A request that is out: whose, when it was sent, on the clock and as a fact, and what was asked."""

    part: Part
    sent: Seconds
    fact: Asked
    request: Request

    def passed(self, now: Beats) -> bool:
        """Whether it asked for bars over chords of a moment that is over."""
        return self.request.chords is not None and self.request.needed_by is not None and self.request.needed_by < now


class Asking:
    """The requests of all parts. A request's seed comes from the session's seed, the part's name and a counter; or, if the
    model has a seed of its own, from that and a counter that begins anew with every `part >> model`."""

    def __init__(
        self, clock: Clock, models: Models, seed: int, parts: Mapping[str, Part], ears: Mapping[str, Ear], later: Later
    ) -> None:
        self._clock, self._models, self._seed, self._parts, self._later = clock, models, seed, parts, later
        self._ears = ears
        self._ids = count(1)
        self._asked: dict[str, _Ask] = {}
        self._not_before: dict[str, Seconds] = {}
        self._took: dict[ModelKey, Took] = {}
        self.first = Beats(0)
        """The beat at which progressions begin with their first bar."""

    def prepare(self, part: str, model: Model) -> None:
        """The part has this model now, which will be asked soon."""
        self._not_before.pop(part, None)
        self._models.prepare(model.key)

    def waiting(self) -> bool:
        """True while a request is out."""
        return bool(self._asked)

    def forget(self, request_id: str) -> None:
        """The reply is no longer wanted."""
        if self._asked.pop(request_id, None) is not None:
            self._models.forget(request_id)

    def ask_if_due(self, part: Part, sounding: Beats, here: Beats, now: Beats, tempo: TempoMap) -> Asked | None:
        """Send the part's next request if it is time: late enough for knobs to feel immediate, early enough for the answer.

        `sounding` is the beat that sounds, `here` the first that a command can reach, `now` the first at which new bars may
        enter. Returns that it was asked, if it was.
        """
        if part.model is None or self._not_before.get(part.name, 0.0) > self._clock.now():
            return None
        if part.mode is Mode.RESPOND:
            return self._answer_if_due(part, part.model, sounding, here, now, tempo)
        entry = part.asks_for(now, tempo, self._lead(part.model.key, now - sounding, tempo.bpm_at(now)))
        if entry is None or self._later(part.name, part.asks_ever + 1, here, entry):
            return None
        return self._ask(part, part.model, entry, here, tempo)

    def ask_again(self, part: Part, fact: Asked, now: Beats, tempo: TempoMap) -> Asked | None:
        """Send the part's request as in this fact, if the part would ask; what it has asked before was never answered."""
        if part.asked:
            key = self._asked[part.asked].request.key
            self.forget(part.asked)
            if part.asks_ever == fact.asks_ever:
                part.unask()
                self._took.setdefault(key, Took())
            part.asked = ""
        if part.mode is Mode.RESPOND and part.model is not None:
            return self._answer_again(part, part.model, fact, now, tempo)
        entry = part.asks_for(now, tempo, None)
        if part.model is None or entry is None or part.asks_ever + 1 != fact.asks_ever:
            return None
        return self._ask(part, part.model, entry, fact.now, tempo)

    def _answer_again(self, part: Part, model: Model, fact: Asked, now: Beats, tempo: TempoMap) -> Asked | None:
        exchange = part.exchange
        ear = self._ears.get(exchange.said.source) if exchange else None
        call = exchange.due(ear, fact.now, now, tempo, LONGEST_PRIMER) if exchange and ear and part.listens() else None
        if call is None or part.asks_ever + 1 != fact.asks_ever:
            return None
        return self._ask(part, model, call.entry, fact.now, tempo, call)

    def _answer_if_due(self, part: Part, model: Model, sounding: Beats, here: Beats, now: Beats, tempo: TempoMap) -> Asked | None:
        """Ask for an answer to what was played on an input, as late as it can be."""
        exchange = part.exchange
        ear = self._ears.get(exchange.said.source) if exchange else None
        if exchange is None or ear is None or not part.listens():
            return None
        slowest = self._slowest(model.key)
        lead = Beats(1) if slowest is None else Fraction(1.5 * slowest + IN_TIME) * tempo.bpm_at(now) / 60
        call = exchange.due(ear, sounding, now, tempo, lead)
        if call is None or self._later(part.name, part.asks_ever + 1, here, call.entry):
            return None
        if _heard(ear.excerpt(call.begin, call.entry), model) is None:
            part.refused("it hears drums, and its model plays notes: give it drums_rnn(), or play on another channel than 10")
            return None
        return self._ask(part, model, call.entry, here, tempo, call)

    def _ask(self, part: Part, model: Model, entry: Beats, here: Beats, tempo: TempoMap, call: Call | None = None) -> Asked:
        for other in self._parts.values():  # it hears what has sounded up to the same beat whenever it is asked again
            other.settle(here)
        request = self._request(part, model, entry, here, tempo, call)
        part.ask(request.id)
        return self._send(part, request, here)

    def propose(self, part: Part, n: int, here: Beats, now: Beats, tempo: TempoMap) -> None:
        """Ask the part's model for so many candidates for its next bars, which nobody is in a hurry for."""
        assert part.model
        self.forget(part.proposal)
        request = self._request(part, part.model, part.entry(now, tempo), here, tempo)
        source = part.name if part.model.seed is None else ""
        session = self._seed if part.model.seed is None else part.model.seed
        seeds = tuple(_seed(f"{session}/{source}/candidates/{part.proposals}/{number}") for number in range(n))
        request = msgspec.structs.replace(request, needed_by=None, seeds=seeds)
        part.proposes(request.id)
        self._send(part, request, here)

    def _request(self, part: Part, model: Model, entry: Beats, here: Beats, tempo: TempoMap, call: Call | None = None) -> Request:
        meter = tempo.meter_at(entry)
        primer = self._primer(part, model, entry, here, tempo, call)
        return Request(
            id=f"{part.name}-{next(self._ids)}",
            key=model.key,
            primer=primer,
            beats=call.beats if call else model.bars * meter.bar,
            bpm=tempo.bpm_at(entry),
            meter=(meter.count, meter.unit),
            seed=self._seed_of(part, model),
            knobs=model.knobs,
            needed_by=entry,
            chords=self._chords(model, entry, entry - primer.length if primer else entry, tempo),
        )

    def _primer(self, part: Part, model: Model, entry: Beats, here: Beats, tempo: TempoMap, call: Call | None) -> Phrase | None:
        """What is continued: a call, what another part or an input sounded last, or the part's own bars.

        What is asked for more than a beat ahead continues the whole bars that an input has played by then.
        """
        heard, bar = None, tempo.meter_at(entry).bar
        if call is not None and part.exchange is not None:
            heard = self._ears[part.exchange.said.source].excerpt(call.begin, entry)
        elif part.prime is not None:
            ahead = self._ear(part.prime.source) is not None and entry - here > 1
            end = tempo.line_before(here) if ahead else entry
            heard = self._sounded(part.prime.source, end - part.prime.bars * bar, end)
        found = _heard(heard, model) if heard is not None else None
        return found or part.primer(entry, bar)

    def _sounded(self, source: str, begin: Beats, end: Beats) -> Phrase | None:
        """What a part or an input sounds in [begin, end), as far as is known; None if there is none of that name."""
        ear, part = self._ear(source), self._parts.get(source)
        return ear.excerpt(begin, end) if ear else part.excerpt(begin, end) if part else None

    def _ear(self, source: str) -> Ear | None:
        """The ear of "input:NAME", where NAME is an unmistakable part of an input's; None for anything else."""
        near = nearest(source.removeprefix(INPUT), self._ears) if source.startswith(INPUT) else []
        return self._ears[near[0]] if len(near) == 1 else None

    def _send(self, part: Part, request: Request, here: Beats) -> Asked:
        fact = Asked(now=here, part=part.name, asks_ever=part.asks_ever, request=fingerprint(request))
        self._asked[request.id] = _Ask(part, self._clock.now(), fact, request)
        self._models.ask(request)
        return fact

    def _chords(self, model: Model, entry: Beats, begin: Beats, tempo: TempoMap) -> Chords | None:
        """What the bars from `entry` on are played over, and the primer from `begin` on: in whole bars of 4/4, one at least."""
        if model.chords is None:
            return None
        bar = tempo.meter_at(entry).bar
        back, beats = max(1, math.ceil((entry - begin) / 4)) * 4, model.bars * bar
        if isinstance(model.chords, Progression):
            here = tempo.bar_at(entry) - tempo.bar_at(self.first)
            changes = model.chords.between(here - back / bar, Fraction(here + model.bars))
            return tuple(((at - here) * bar, symbol) for at, symbol in changes)
        if (ear := self._ear(model.chords)) is not None:
            return going_round(ear, entry, Beats(back), beats)
        other = self._parts.get(model.chords)
        return other.excerpt(entry - back, entry + beats) if other else silence(back + beats)

    def proposed(self, reply: Reply, here: Beats) -> Proposed | None:
        """The candidates that this reply brings; None if it brings none. The part is told what came of its wish."""
        ask = self._asked.get(reply.id)
        if ask is None or ask.part.proposal != reply.id:
            return None
        ask.part.proposed(reply)
        if not reply.phrases:
            return None
        return Proposed(now=here, part=ask.part.name, packed=tuple(map(packed, reply.phrases)), request=ask.fact.request)

    def landed(self, reply: Reply, now: Beats) -> tuple[Part, Asked] | None:
        """Whose next bars this is, that may enter from `now` on, and what was asked; None if nobody waits for them. A refusal
        is told to the part.

        A model's first answer has waited for it to load: if it was made for chords that are over, the part asks again.
        """
        ask = self._asked.pop(reply.id, None)
        if ask is None or ask.part.asked != reply.id:
            return None
        key = ask.request.key
        if reply.phrase is None:
            ask.part.refused(reply.refusal or "the model gave no notes")
            self._not_before[ask.part.name] = self._clock.now() + RETRY
        elif key in self._took:
            self._took[key].add(self._clock.now() - ask.sent)
        else:
            self._took[key] = Took()  # the first answer waited for the model to load
            if ask.passed(now):
                ask.part.unask()
                return None
        return ask.part, ask.fact

    def _lead(self, key: ModelKey, passed: Beats, bpm: Fraction) -> Beats | None:
        """How long before bars are to enter their model must be asked; None if nobody knows yet.

        Not before the last beat begins, so that a knob that is turned till then is heard, unless an answer takes longer than
        that leaves. `passed` is how much of the beat is beyond change when it sounds.
        """
        slowest = self._slowest(key)
        if slowest is None:
            return None
        needed, easy = (Fraction(1.5 * slowest + margin) * bpm / 60 for margin in (LAST_MOMENT, MARGIN))
        return max(needed, min(easy, 1 - passed))

    def _slowest(self, key: ModelKey) -> Seconds | None:
        """How long an answer takes, from asking to having it, other parts' requests before it included: p95 of the last 20."""
        took = self._took.get(key)
        return took.p95 if took else None

    def _seed_of(self, part: Part, model: Model) -> int:
        source = f"{self._seed}/{part.name}/{part.asks_ever}" if model.seed is None else f"{model.seed}/{part.asks}"
        return _seed(source)


def _heard(phrase: Phrase, model: Model) -> Phrase | None:
    return heard_by(phrase, drums=model.key.family == "drums_rnn")


def _seed(source: str) -> int:
    return int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big")
