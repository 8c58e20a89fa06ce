"""A performer's own functions in the loops of a part: asked a loop ahead, heard if they answer in time."""

import sys
import threading
from collections.abc import Callable
from fractions import Fraction

import pytest
from engines import client, comes_back, ended, kill, plays_on
from rig import Rig, a_model
from waiting import wait_until

import livecode as lc
from livecode.commands import Plain, Play, Recall, Shape, Store
from livecode.errands import Errand, HandIn
from livecode.errors import BadInput, EngineGone
from livecode.facts import Shaped
from livecode.functions import Functions
from livecode.music import Note, Phrase
from livecode.notation import beat, notes
from livecode.offline import OfflineEngine
from livecode.recording import Recording
from livecode.transforms import OWN, Transform, Turn, transpose


def gives(rig: Rig, text: str | Phrase | None, trouble: str = "") -> None:
    """The function that is asked gives this."""
    (errand,) = rig.sequencer.errands()
    rig.sequencer.hand_in(HandIn(errand=errand.id, phrase=notes(text) if isinstance(text, str) else text, trouble=trouble))


def maps(rig: Rig, *names: str, every: int = 1) -> str:
    turn = Turn(tuple(Transform(OWN, (f"{name}/1",)) for name in names), every)
    return rig.obey(Shape(part="lead", turn=turn)).words


def named(function: Callable[[Phrase], Phrase], name: str) -> Callable[[Phrase], Phrase]:
    function.__name__ = name
    return function


def begins(rig: Rig) -> None:
    """Let the planner look once, before the first beat."""
    rig.sequencer.advance(rig.clock.now() + 0.2)


def bars(rig: Rig, count: int) -> list[str]:
    score = rig.score("lead", until=4 * count)
    return [" ".join(name for place, name in score if 4 * bar <= place < 4 * bar + 4) for bar in range(count)]


def test_it_is_asked_one_loop_ahead_and_heard_if_it_answers_in_time() -> None:
    rig = Rig()
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    assert maps(rig, "wobble") == "lead: wobble from bar 2"
    rig.play(until=2)
    (errand,) = rig.sequencer.errands()
    assert (errand.function, errand.loop, errand.phrase) == ("wobble/1", 1, notes("C4 D4 E4 F4"))
    gives(rig, "G4 A4")
    rig.play(until=5)
    gives(rig, "B4 . . .")
    rig.play(until=12)
    assert bars(rig, 3) == ["C4 D4 E4 F4", "G4 A4 G4 A4", "B4"]


def test_what_it_gave_last_goes_on_when_it_is_late_and_the_status_says_so() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    maps(rig, "wobble")
    begins(rig)
    gives(rig, "G4 . . .")
    rig.play(until=1)
    (late,) = rig.sequencer.errands()
    rig.play(until=8.5)
    rig.sequencer.hand_in(HandIn(errand=late.id, phrase=notes("B4 . . .")))
    rig.play(until=11)
    assert bars(rig, 3) == ["G4"] * 3
    assert rig.log == ["lead repeats its last loop: wobble has not answered in time"]
    assert rig.sequencer.snapshot().parts[0].trouble == "repeats its last loop: wobble has not answered in time"
    gives(rig, "A4 . . .")
    rig.play(until=20)
    assert bars(rig, 5)[3:] == ["A4", "A4"]


def test_one_that_raises_or_gives_drums_for_notes_leaves_the_last_loop() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    maps(rig, "wobble")
    begins(rig)
    gives(rig, None, "raised ValueError: no")
    rig.play(until=1)
    gives(rig, beat(kick="x..."))
    rig.play(until=12)
    assert bars(rig, 3) == ["C4"] * 3
    assert rig.log[:2] == [
        "lead repeats its last loop: wobble raised ValueError: no",
        "lead repeats its last loop: wobble gave drums for notes, or notes for drums",
    ]


def test_one_that_gives_thousands_of_notes_leaves_the_last_loop() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    maps(rig, "wobble")
    rig.obey(Shape(part="lead", turn=Turn((transpose(12),))))
    begins(rig)
    gives(rig, Phrase(tuple(Note(Fraction(place, 100), Fraction(1, 100), 60) for place in range(4096)), Fraction(41)))
    rig.play(until=4)
    assert bars(rig, 1) == ["C5"]
    assert rig.log[0] == "lead repeats its last loop: wobble gave 4096 notes, and 1000 are the most"


def test_every_fourth_loop_only_is_asked_for() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    maps(rig, "wobble", every=4)
    rig.play(until=7)
    assert rig.sequencer.errands() == ()
    rig.play(until=9)
    gives(rig, "G4 . . .")
    rig.play(until=20)
    assert bars(rig, 5) == ["C4", "C4", "C4", "G4", "C4"]


def test_a_models_new_bars_are_given_to_it_as_soon_as_they_have_come() -> None:
    rig = Rig()
    rig.models_of("lead", a_model())
    maps(rig, "wobble")
    rig.play(until=0)
    rig.answer("C4 . . .")
    rig.play(until=1)
    gives(rig, "G4 . . .")
    rig.play(until=3.2)
    rig.answer("D4 . . .")
    rig.play(until=3.3)
    (errand,) = rig.sequencer.errands()
    assert errand.phrase == notes("D4 . . .")
    gives(rig, "A4 . . .")
    rig.play(until=8)
    assert bars(rig, 2) == ["C4", "A4"]


def test_two_are_asked_one_after_the_other() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    maps(rig, "one", "two")
    rig.obey(Shape(part="lead", turn=Turn((transpose(12),))))
    rig.play(until=1)
    gives(rig, "D4 . . .")
    rig.play(until=1.2)
    assert [errand.phrase for errand in rig.sequencer.errands()] == [notes("D4 . . .")]
    gives(rig, "E4 . . .")
    rig.play(until=8)
    assert bars(rig, 2) == ["C5", "E5"]


def test_after_a_crash_and_when_it_is_told_again_no_function_runs() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    maps(rig, "wobble")
    begins(rig)
    gives(rig, "G4 . . .")
    rig.play(until=1)
    gives(rig, "A4 . . .")
    rig.play(until=6)
    assert [fact.at for fact in rig.facts if isinstance(fact, Shaped)] == [0, 4]
    back = rig.after_a_crash()
    back.play(until=12)
    assert back.score(until=12) == [(8, "A4")]
    assert rig.retold(back).onsets()[:2] == [(0, "G4"), (4, "A4")]
    assert back.sequencer.takes("lead")[:2] == (notes("G4 . . ."), notes("A4 . . ."))


def test_plain_and_scenes_have_it_as_they_have_other_transforms() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    maps(rig, "wobble")
    begins(rig)
    gives(rig, "G4 . . .")
    rig.obey(Store(scene="wild"))
    rig.play(until=1)
    rig.obey(Plain(part="lead"))
    rig.play(until=5)
    assert rig.sequencer.errands() == ()
    rig.obey(Recall(scene="wild"))
    rig.play(until=12)
    assert bars(rig, 3) == ["G4", "C4", "G4"]


def test_a_function_typed_at_the_prompt() -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> notes("C4 D4 E4 F4")
        heard = []

        def up(phrase: Phrase) -> Phrase:
            heard.append(threading.current_thread() is threading.main_thread())
            return phrase.transpose(12)

        lead.map(up)
        lead.every(2, lambda phrase: phrase.reverse())
        assert lead.state().transforms == ("up", "every 2: lambda")
        stage.run(bars=2)
        assert lead.grab(2) == notes("C5 D5 E5 F5 F5 E5 D5 C5")
        assert heard
        assert not any(heard)
        lead.map(max)
        stage.run(bars=1)
        assert "max raised TypeError" in lead.state().trouble or "gave" in lead.state().trouble
        with pytest.raises(BadInput, match="7 is no transform"):
            lead.map(7)


class Crashed:
    """An engine that is gone for one call, and then asks everything at once."""

    def __init__(self) -> None:
        self.closed = False
        self.given: list[HandIn] = []
        self.gone = True

    def errands(self, functions: tuple[str, ...]) -> tuple[Errand, ...]:
        if self.gone:
            raise EngineGone("The engine is gone.")
        return tuple(Errand(f"lead-{place}", name, "lead", 0, notes("C4")) for place, name in enumerate(functions))

    def hand_in(self, hand: HandIn) -> None:
        self.given.append(hand)

    def note(self, sentence: str) -> None:
        pass


def test_functions_run_although_the_engine_was_gone_when_the_first_was_typed() -> None:
    engine = Crashed()
    functions = Functions(engine, here=True, alone=True)
    with pytest.raises(EngineGone):
        functions.transform(lambda phrase: phrase)
    engine.gone = False
    functions.transform(lambda phrase: phrase.transpose(12))
    wait_until(lambda: notes("C5") in [hand.phrase for hand in engine.given], "the function to run")
    engine.closed = True


def test_lines_that_were_typed_leave_no_threads_behind() -> None:
    def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("livecode lambda/")]

    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> notes("C4 D4 E4 F4")
        for _ in range(20):
            lead.plain()
            lead.map(lambda phrase: phrase.transpose(12))
            stage.run(bars=1)
        assert {name for beat, name in stage.tape.onsets("lead") if beat >= 4} == {"C5", "D5", "E5", "F5"}
        wait_until(lambda: not threads(), "the end of their threads")


@pytest.mark.parametrize(
    "nonsense", [lambda phrase: 3, lambda phrase: None, lambda phrase: 1 / 0, lambda: 3, lambda phrase: exit()]
)
def test_nonsense_leaves_the_loop_as_it_is(nonsense) -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> notes("C4 D4 E4 F4")
        lead.map(nonsense)
        stage.run(bars=2)
        assert lead.grab(2) == notes("C4 D4 E4 F4 C4 D4 E4 F4")
        assert lead.state().trouble.startswith("repeats its last loop: lambda ")


def test_what_a_function_prints_is_in_the_log_once_and_never_at_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    def ghost(phrase: Phrase) -> Phrase:
        print("I am\na ghost")  # noqa: T201
        print("oh", file=sys.stderr)  # noqa: T201
        return phrase.transpose(-12)

    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> notes("C4 . . .")
        lead.map(ghost)
        stage.run(bars=3)
        assert lead.grab(3) == notes("C3 . . . C3 . . . C3 . . .")
        lead.plain()
        lead.map(print)
        stage.run(bars=1)
        logged = [entry.sentence for entry in stage.log_entries() if " printed: " in entry.sentence]
        assert logged == ["ghost printed: I am a ghost oh", "print printed: <phrase of 4 beats: 0 C4>"]
        print("mine")  # noqa: T201
    assert capsys.readouterr() == ("mine\n", "")
    assert not hasattr(sys.stdout, "asides")


def test_a_function_that_never_ends_holds_up_nobody() -> None:
    """On a live stage: its own loop is repeated, the other function and the music go on."""
    over = threading.Event()

    def forever(phrase: Phrase) -> Phrase:
        over.wait()
        return phrase

    with lc.Stage(outputs=[], bpm=400) as stage:
        lead = stage.part("lead") >> notes("C4 D4 E4 F4")
        bass = stage.part("bass") >> notes("C2 D2 E2 F2")
        lead.map(forever)
        bass.map(lambda phrase: phrase.transpose(12))
        wait_until(lambda: "C3" in [name for _, name in stage.tape.onsets("bass")], "the other function to be heard")
        wait_until(lambda: "not answered in time" in lead.state().trouble, "the status to say so")
        wait_until(lambda: len(stage.tape.onsets("lead")) > 8, "its own loop to go on")
        assert {name for _, name in stage.tape.onsets("lead")} == {"C4", "D4", "E4", "F4"}
        over.set()
        lead.plain()
        wait_until(lambda: not lead.state().trouble, "the trouble to be over")


def test_a_prompt_and_an_engine_that_die_leave_what_the_function_gave_last() -> None:
    code = """
import threading
import livecode as lc
stage = lc.Stage(bpm=480, name="wobble", inline=False, outputs=[])
lead = stage.part("lead") >> lc.notes("C4 D4 E4 F4")
lead.map(lambda phrase: phrase.transpose(12))
while (6.0, "E5") not in {(beat % 8, name) for beat, name in stage.tape.onsets("lead")}: pass
print("ready", flush=True)
threading.Event().wait()
"""

    def last(stage: lc.Stage) -> set[str]:
        here = stage.snapshot().beats
        return {name for beat, name in stage.tape.onsets("lead") if here - 4 < beat < here}

    with ended("wobble"):
        with client(code) as typist:
            kill(typist.pid)
            typist.wait()
        stage = lc.Stage.attach("wobble")
        plays_on(stage)
        assert last(stage) <= {"C5", "D5", "E5", "F5"}
        assert "lambda has not answered in time" in stage.parts["lead"].state().trouble
        crash = stage.snapshot().beats
        kill(stage.engine and stage.engine.pid)
        comes_back(stage, crash)
        assert last(stage) <= {"C5", "D5", "E5", "F5"}
        stage.close()


def test_an_exact_replay_runs_no_function() -> None:
    def played(recorded: Recording | None, up: Callable[[Phrase], Phrase]) -> tuple[list[tuple[float, str]], OfflineEngine]:
        with lc.Stage(offline=True, seed=1) as stage:
            engine = stage._engine  # what a script is run on has no other door here
            assert isinstance(engine, OfflineEngine)
            if recorded is not None:
                engine = OfflineEngine(engine.opening, recorded, exact=True)
            functions = Functions(engine, here=True, alone=True)
            engine.submit(Play(part="lead", phrase=notes("C4 D4 E4 F4")))
            engine.submit(Shape(part="lead", turn=Turn((functions.transform(up),))))
            engine.run_to(Fraction(9))
            engine.end(Fraction(12))
            return engine.tape.onsets(), engine

    def up(phrase: Phrase) -> Phrase:
        return phrase.transpose(12)

    first, engine = played(None, up)
    assert {name for _, name in first} == {"C5", "D5", "E5", "F5"}
    ran = []
    again, _ = played(Recording(engine.opening, engine.facts), named(lambda phrase: ran.append(phrase) or phrase, "up"))
    assert again == first
    assert not ran
