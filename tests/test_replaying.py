"""A session that was recorded sounds the same again, to the bit."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import msgspec
from hypothesis import Phase, given, settings
from rig import a_model
from sessions import OPENED, Session, Step, heard, midi, run_again, steps

import livecode as lc
from livecode.commands import Act, Action, Adjust, Assign, Continue, Mute, On, Pause, Pick, Play, Propose
from livecode.facts import Answered, Taken
from livecode.journal import Journal, Opened
from livecode.music import Beats
from livecode.notation import notes
from livecode.offline import OfflineEngine
from livecode.recording import Recording

BOTH: list[Step] = [(0.5, Assign(part=part, model=a_model()), 0.4, 0.0) for part in ("a", "b")]


@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(steps)
def test_the_facts_of_a_session_tell_what_sounded(script: list[Step]) -> None:
    session = Session(script)
    told = OfflineEngine(OPENED)
    told.retell(session.recording.facts, session.end)
    assert told.tempo() == session.rig.sequencer.time.tempo
    again = heard(told.tape, told.tempo(), session.end)
    assert midi(again, told.tempo(), session.end) == midi(session.events(), told.tempo(), session.end)


@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(steps)
def test_the_commands_of_a_session_and_its_answers_sound_the_same_again(script: list[Step]) -> None:
    session = Session(script)
    again = run_again(OfflineEngine(OPENED, session.recording, exact=True), session.recording, session.end)
    assert [sentence for sentence in again.missing if "candidates" not in sentence] == []
    assert again.tempo() == session.rig.sequencer.time.tempo
    events = heard(again.tape, again.tempo(), session.end)
    assert midi(events, again.tempo(), session.end) == midi(session.events(), again.tempo(), session.end)


def answers(facts: tuple[object, ...], part: str) -> list[Answered]:
    return [fact for fact in facts if isinstance(fact, Answered) and fact.part == part]


def test_an_answer_that_was_late_is_late_again() -> None:
    session = Session([(0.5, Assign(part="a", model=a_model()), 5.0, 0.0), (9.0, Mute(part="b", muted=True), 0.1, 0.0)])
    again = run_again(OfflineEngine(OPENED, session.recording, exact=True), session.recording, session.end)
    late = answers(session.recording.facts, "a")[0]
    assert late.at - late.asked > 8
    assert answers(again.facts, "a") == answers(session.recording.facts, "a")


def test_with_one_command_removed_the_other_parts_answers_are_found_and_what_is_not_there_is_said() -> None:
    stop = Act(part="a", action=Action.STOP, on=On.BAR)
    session = Session([*BOTH, (5.0, stop, 0.4, 0.0), (8.0, Adjust(part="b", gain=0.5), 0.4, 0.0)])
    recorded = session.recording
    said = tuple(fact for fact in recorded.facts if not (isinstance(fact, Taken) and fact.command == stop))
    again = run_again(OfflineEngine(OPENED, recorded, exact=True), Recording(OPENED, said), session.end)
    assert answers(again.facts, "b") == answers(recorded.facts, "b")
    assert answers(again.facts, "a") == answers(recorded.facts, "a") != []
    assert "a: the recording has no such bars for bar 5 from attention_rnn" in again.missing
    assert all(sentence.startswith("a: ") for sentence in again.missing)


def test_candidates_are_there_again_to_be_picked_by_their_number() -> None:
    script: list[Step] = [*BOTH, (2.0, Propose(part="a", n=3), 0.4, 0.0), (2.0, Pick(part="a", number=2), 0.4, 0.0)]
    session = Session(script)
    said = [fact for fact in session.recording.facts if isinstance(fact, Taken)]
    picked = next(fact for fact in said if fact.now and isinstance(fact.command, Play))
    again = OfflineEngine(OPENED, session.recording, exact=True)
    for fact in said:
        again.run_to(fact.now)
        again.submit(Pick(part="a", number=2) if fact is picked else fact.command)
    assert picked in again.facts


def test_a_pause_that_was_over_at_once_still_ends_what_rings() -> None:
    engine = OfflineEngine(OPENED)
    engine.submit(Play(part="pad", phrase=notes("C4 _ _ _ _ _ _ _")))
    engine.run_to(Beats(1))
    engine.submit(Pause())
    engine.run_to(Beats(4))
    engine.submit(Continue())
    engine.run_to(Beats(6))
    assert [(note.beat, note.end_beat) for note in engine.tape.notes()] == [(0, 4)]


AGAIN = """
import sys
from pathlib import Path
for heavy in ("tensorflow", "onnxruntime", "magenta", "note_seq"):
    sys.modules[heavy] = None
from livecode.models import hand
hand.Process = None  # no worker can be started
sys.path.insert(0, {tests!r})
from livecode import journal
from livecode.offline import OfflineEngine
from sessions import heard, midi, run_again
recording = journal.read(Path("a.jsonl")).recording
engine = run_again(OfflineEngine(recording.opening, recording, exact=True), recording, recording.end)
assert engine.missing == (), engine.missing
Path("again.mid").write_bytes(midi(heard(engine.tape, engine.tempo(), recording.end), engine.tempo(), recording.end))
engine.close()
"""


def test_what_models_made_is_there_again_in_another_process_without_any_model_and_made_anew_is_the_same(tmp_path: Path) -> None:
    end = Beats(24)
    opening = msgspec.structs.replace(OPENED, seed=7)
    first = OfflineEngine(opening)
    first.submit(Assign(part="lead", model=lc.melody_rnn("attention_rnn", bars=1)))
    first.submit(Assign(part="drums", model=lc.drums_rnn(bars=2)))
    first.run_to(Fraction("9.125"))
    first.submit(Mute(part="drums", muted=True))
    first.end(end)
    first.close()
    recording = Recording(opening, first.facts)
    sounded = midi(heard(first.tape, first.tempo(), end), first.tempo(), end)
    assert len(answers(first.facts, "lead")) > 4

    anew = run_again(OfflineEngine(opening, recording, regenerate=True), recording, end)
    anew.close()
    assert anew.differences == ()
    assert midi(heard(anew.tape, anew.tempo(), end), anew.tempo(), end) == sounded

    journal = Journal(tmp_path / "a.jsonl")
    journal.start()
    for line in (Opened(name="main", time=1.0, opening=opening), *recording.facts):
        journal.write(line)
    journal.close()
    code = AGAIN.format(tests=str(Path(__file__).parent))
    root = str(Path(lc.__file__).parent.parent)
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONHASHSEED": "42", "PYTHONPATH": root}, check=True
    )
    assert (tmp_path / "again.mid").read_bytes() == sounded
