"""A sequencer on virtual time with a tape, and models that answer when the test says so."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from livecode.agenda import no_passage
from livecode.clock import VirtualClock
from livecode.commands import Act, Action, AnyCommand, Assign, Play
from livecode.facts import CameBack, Fact
from livecode.models.wire import Model, ModelKey, Reply, Request
from livecode.music import Phrase
from livecode.notation import notes
from livecode.outputs import Output
from livecode.outputs.tape import Tape
from livecode.sequencer import Outcome, Sequencer
from livecode.tempo import Meter

COMMIT = 0.2
STEP = 0.025


def a_model(
    bars: int = 1, *, seed: int | None = None, primer: Phrase | str | None = "last", drums: bool = False, temperature: float = 1.0
) -> Model:
    key = ModelKey("drums_rnn", "drum_kit", "d.mag") if drums else ModelKey("melody_rnn", "attention_rnn", "m.mag")
    return Model(key, bars, {"temperature": temperature}, primer, seed)


class Asked:
    """The models' side of the sequencer: keeps what was asked until the test answers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.forgotten: list[str] = []

    def prepare(self, key: ModelKey) -> None:
        pass

    def ask(self, request: Request) -> None:
        self.requests.append(request)

    def forget(self, request_id: str) -> None:
        self.forgotten.append(request_id)


class Rig:
    def __init__(
        self,
        *,
        bpm: int = 120,
        meter: str = "4/4",
        seed: int = 0,
        outputs: Sequence[Output] = (),
        now: float = 100.0,
        passages: Any = no_passage,
    ) -> None:
        self.clock = VirtualClock(now=now)
        self.facts: list[Fact] = []
        self._opened: dict[str, Any] = {"bpm": bpm, "meter": meter, "seed": seed, "passages": passages}
        self._answered: list[str] = []
        self.tape = Tape()
        self.models = Asked()
        self.log: list[str] = []
        self.sequencer = Sequencer(
            self.clock,
            outputs,
            self.tape,
            self.models,
            bpm=Fraction(bpm),
            meter=Meter.of(meter),
            seed=seed,
            lead_in=0.1,
            note=self.log.append,
            record=self.facts.append,
            passages=passages,
        )

    def after_a_crash(self, *, down: float = 0.0, facts: Sequence[Fact] | None = None, outputs: Sequence[Output] = ()) -> "Rig":
        """What comes back, so many seconds later, from nothing but the facts: its own, or all since the beginning."""
        rig = Rig(now=self.clock.now() + down, outputs=outputs, **self._opened)
        rig.sequencer.past.recall(self.facts if facts is None else facts, self.clock.now())
        return rig

    def retold(self, back: "Rig") -> Tape:
        """What the facts say of the time before `back` came back."""
        rig = Rig(now=back.clock.now(), **self._opened)
        facts = [*self.facts, *back.facts]
        last = max(place for place, fact in enumerate(facts) if isinstance(fact, CameBack))
        for _ in rig.sequencer.past.retell(facts[: last + 1]):
            pass
        back.sequencer.past.remember(rig.sequencer.past)
        return rig.tape

    def obey(self, command: AnyCommand) -> Outcome:
        return self.sequencer.obey(command)

    def plays(self, part: str, text: str | Phrase) -> Outcome:
        return self.obey(Play(part=part, phrase=notes(text) if isinstance(text, str) else text))

    def models_of(self, part: str, model: Model) -> Outcome:
        return self.obey(Assign(part=part, model=model))

    def does(self, part: str, action: Action) -> Outcome:
        return self.obey(Act(part=part, action=action))

    def answer(self, text: str | Phrase, number: int = -1) -> None:
        """Answer the newest request, or the one of that number, as often as it wants."""
        phrase, request = notes(text) if isinstance(text, str) else text, self.models.requests[number]
        alone, several = (None, (phrase,) * len(request.seeds)) if request.seeds else (phrase, ())
        self.sequencer.receive(Reply(request.id, alone, None, 0.1, several))

    def propose(self, *texts: str, number: int = -1) -> None:
        """Answer the newest request, or the one of that number, with candidates."""
        phrases = tuple(notes(text) for text in texts)
        self.sequencer.receive(Reply(self.models.requests[number].id, None, None, 0.1, phrases))

    def play_answering(self, *, until: float | Fraction) -> None:
        """Let time go on; requests are answered within a sixteenth: "D2 . . ." at a temperature of 1, else "E2 . . ."."""
        here = Fraction(round(16 * self.sequencer.time.beat()), 16)
        while here < until:
            self.play(until=here)
            due = [request.id for request in self.models.requests]
            here += Fraction(1, 4)
            self.play(until=min(here, Fraction(until)))
            for request in self.models.requests:
                if request.id in due and request.id not in (*self.models.forgotten, *self._answered):
                    self._answered.append(request.id)
                    phrase = notes("D2 . . ." if request.knobs["temperature"] == 1 else "E2 . . .")
                    self.sequencer.receive(Reply(request.id, phrase, None, 0.1))

    def refuse(self, why: str, number: int = -1) -> None:
        self.sequencer.receive(Reply(self.models.requests[number].id, None, why, 0.1))

    def play(self, *, until: float | Fraction) -> None:
        """Let time go on to this beat, as the planner does: in small steps, a commit ahead."""
        end = self.clock.now() if self.sequencer.time.started is None else None
        self.sequencer.advance(self.clock.now() + COMMIT)
        while self.sequencer.time.started is not None:
            end = self.sequencer.time.started + self.sequencer.time.tempo.seconds_at(Fraction(until))
            if self.clock.now() >= end - 1e-9:
                break
            self.clock.wait_until(min(end, self.clock.now() + STEP))
            self.sequencer.advance(self.clock.now() + COMMIT)

    def score(self, part: str | None = None, *, until: float | None = None) -> list[tuple[float, str]]:
        """What is on the tape up to where we are."""
        here = float(self.sequencer.time.beat()) if until is None else until
        return [(beat, name) for beat, name in self.tape.onsets(part) if beat < here - 1e-6]
