"""After a crash: an engine that knows only the facts goes on as if nothing had happened, from the next bar."""

from contextlib import suppress
from fractions import Fraction

from hypothesis import given, settings
from rig import Rig, a_model
from test_invariants import perform, scripts

from livecode.commands import Act, Action, Adjust, Continue, CountIn, Declare, Mute, On, Pause, Pick, Propose, Tempo
from livecode.errors import BadInput
from livecode.facts import Answered, CameBack
from livecode.music import ControlEvent, NoteEvent, ProgramEvent
from livecode.notation import notes
from livecode.outputs.tape import Tape


def go_on(rig: Rig, seconds: float) -> None:
    """Let time go on, as the planner does."""
    until = rig.clock.now() + seconds
    while rig.clock.now() < until - 1e-9:
        rig.sequencer.advance(rig.clock.now() + 0.2)
        rig.clock.wait_until(min(until, rig.clock.now() + 0.03))


@settings(deadline=None, max_examples=30)
@given(scripts)
def test_whatever_was_typed_and_answered_the_facts_bring_it_back(script: list) -> None:
    rig = perform(script, 0.03)
    back = rig.after_a_crash()
    with suppress(BadInput):
        rig.obey(Continue())
    with suppress(BadInput):
        back.obey(Continue())
    time = back.sequencer.time
    begin = time.tempo.line_after(max(time.reachable(), time.held)) + time.bar(time.held)
    go_on(rig, 8)
    go_on(back, 8)
    for part in ("a", "b"):
        scores = [
            [(note.beat, note.end_beat, note.pitch, note.channel, round(note.seconds, 6)) for note in one.tape.notes(part)]
            for one in (rig, back)
        ]
        went_on, came_back = ([entry for entry in score if begin <= entry[0]] for score in scores)
        assert came_back == went_on
    assert back.log == []


def test_a_candidate_that_was_picked_goes_on_and_the_next_are_others() -> None:
    rig = Rig(bpm=120)
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.answer("C4 D4 E4 F4")
    rig.obey(Propose(part="lead", n=2))
    rig.propose("G4 . . .", "A4 . . .")
    rig.play(until=1)
    rig.obey(Pick(part="lead", number=2))
    back = rig.after_a_crash()
    assert back.models.requests == []
    back.play(until=12)
    assert [entry for entry in back.score(until=12) if entry[0] >= 4] == [(4, "A4"), (8, "A4")]
    back.obey(Propose(part="lead", n=2))
    assert set(back.models.requests[-1].seeds).isdisjoint(rig.models.requests[1].seeds)


def test_it_comes_back_on_the_next_bar_and_on_the_same_beats() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=5.5)
    back = rig.after_a_crash(down=0.5)
    back.play(until=12)
    assert [entry for entry in back.score(until=12) if entry[0] > 5.5] == [(8, "C4"), (9, "D4"), (10, "E4"), (11, "F4")]
    begun = rig.sequencer.time.started
    assert begun is not None
    assert [note.seconds - begun for note in back.tape.notes() if 8 <= note.beat < 12] == [4, 4.5, 5, 5.5]


def heard(tape: Tape, end: Fraction) -> list[tuple[object, ...]]:
    """What sounded before this beat."""
    return sorted(
        (note.part, note.beat, min(note.end_beat, end), note.pitch, note.channel, round(note.seconds, 6))
        for note in tape.notes()
        if note.beat < end
    )


@settings(deadline=None, max_examples=30)
@given(scripts)
def test_what_sounded_before_can_be_told_again(script: list) -> None:
    rig = perform(script, 0.03)
    back = rig.after_a_crash()
    crash = back.facts[-1]
    assert isinstance(crash, CameBack)
    assert heard(rig.retold(back), crash.crashed) == heard(rig.tape, crash.crashed)
    assert back.sequencer.takes("a") == rig.sequencer.takes("a")


def test_a_mute_that_was_planned_and_taken_back_ends_nothing_when_it_is_told_again() -> None:
    rig = Rig(bpm=120)
    rig.plays("pad", "C4 _ _ _ _ _ _ _")
    rig.play(until=1)
    rig.obey(Mute(part="pad", muted=True, on=On.BAR))
    rig.play(until=2)
    rig.obey(Mute(part="pad", muted=False))
    rig.play(until=10)
    told = rig.retold(rig.after_a_crash())
    assert [(note.beat, note.end_beat) for note in told.notes()][:1] == [(0, 8)]


def test_a_crash_just_after_going_on_keeps_what_was_before_the_pause() -> None:
    rig = Rig(bpm=240)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=3)
    rig.obey(Pause())
    go_on(rig, 2)
    rig.obey(Continue())
    assert rig.retold(rig.after_a_crash()).onsets() == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4")]


def test_what_the_machine_slept_through_did_not_sound_and_is_not_told() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=3)
    rig.clock.wait_until(rig.clock.now() + 10)
    rig.play(until=25)
    assert rig.retold(rig.after_a_crash()).onsets() == rig.score(until=25)
    assert [beat for beat, _ in rig.score(until=25)] == [0, 1, 2, 3, 23, 24]


def test_a_part_that_was_muted_before_it_had_notes_leaves_nothing_on_the_new_tape() -> None:
    rig = Rig(bpm=120)
    rig.obey(Declare(part="lead"))
    rig.obey(Mute(part="lead", muted=True))
    rig.plays("lead", "C4 _ _ _")
    rig.play(until=3)
    back = rig.after_a_crash()
    rig.retold(back)
    back.obey(Mute(part="lead", muted=False))
    back.play(until=10)
    assert [(note.beat, note.end_beat) for note in back.tape.notes()] == [(4, 8), (8, 12)]


def test_what_sounded_between_two_crashes_is_told_again_and_what_did_not_is_not() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=3)
    once = rig.after_a_crash(down=1)
    once.play(until=13.5)
    rig.facts += once.facts
    twice = once.after_a_crash(down=0.5, facts=rig.facts)
    assert [beat for beat, _ in rig.retold(twice).onsets()] == [0, 1, 2, 8, 9, 10, 11, 12, 13]
    twice.play(until=17)
    assert twice.score(until=17) == [(16, "C4")]


def test_programs_and_controllers_are_said_again_before_the_notes() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.obey(Adjust(part="lead", program=40, gain=0.25))
    rig.play(until=5)
    back = rig.after_a_crash()
    back.play(until=9)
    crash = rig.sequencer.time.beat()
    later = [event for event in back.tape.events() if event.beat >= crash]
    assert {event.program for event in later if isinstance(event, ProgramEvent)} == {40}
    assert {event.control: event.value for event in later if isinstance(event, ControlEvent)} == {7: 50}
    assert isinstance(later[-1], NoteEvent)
    assert max(event.beat for event in later if not isinstance(event, NoteEvent)) < 8


def test_a_model_goes_on_inventing_with_the_seeds_that_come_next() -> None:
    seeds = []
    for crash in (False, True):
        rig = Rig(bpm=120, seed=7)
        rig.models_of("lead", a_model())
        rig.play(until=0)
        rig.answer("C4 D4 E4 F4")
        rig.play(until=4)
        if crash:
            facts, rig = rig.facts, rig.after_a_crash()
            assert facts
        rig.play(until=8)
        seeds.append([request.seed for request in rig.models.requests][-1])
    assert seeds[0] == seeds[1]


def test_a_mute_a_ramp_and_a_stop_that_are_to_come_still_come() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.plays("bass", "C2 C2 C2 C2")
    rig.play(until=1)
    rig.obey(Mute(part="lead", muted=True, on=On.BAR))
    rig.obey(Act(part="bass", action=Action.STOP, on=On.LOOP))
    rig.obey(Tempo(bpm=240, bars=1))  # type: ignore[arg-type]
    back = rig.after_a_crash()
    back.play(until=12)
    assert [entry for entry in back.score(until=12) if entry[0] >= 4] == []
    assert float(back.sequencer.time.tempo.bpm_at(back.sequencer.time.beat())) == 240


def test_a_standstill_stays_one_and_goes_on_where_it_was() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    rig.obey(Pause(on=On.BEAT))
    rig.play(until=2.5)
    back = rig.after_a_crash(down=5)
    go_on(back, 5)
    assert not back.sequencer.time.running
    back.obey(Continue())
    back.play(until=6)
    assert [entry for entry in back.score(until=6) if entry[0] >= 2] == [(2, "E4"), (3, "F4"), (4, "C4"), (5, "D4")]


def test_a_fact_that_no_longer_can_be_is_left_out_with_a_sentence() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    from livecode.commands import Route
    from livecode.facts import Taken
    from livecode.music import Beats

    rig.facts.append(Taken(now=Beats(1), at=Beats(1), command=Route(part="lead", output="Digitone")))
    back = rig.after_a_crash()
    back.play(until=6)
    assert (4, "C4") in back.score(until=6)
    assert len(back.log) == 1
    assert back.log[0].startswith("left out after the crash: There is no output 'Digitone'")


def test_two_crashes_are_as_one() -> None:
    rig = Rig(bpm=120)
    rig.obey(Adjust(part="lead", channel=4))
    rig.plays("lead", notes("C4 D4 E4 F4"))
    rig.play(until=3)
    once = rig.after_a_crash(down=1)
    once.play(until=9)
    again = Rig(now=once.clock.now())
    again.sequencer.past.recall([*rig.facts, *once.facts], once.clock.now())
    again.play(until=14)
    assert [entry for entry in again.score(until=14) if entry[0] >= 12] == [(12, "C4"), (13, "D4")]
    assert {note.channel for note in again.tape.notes()} == {4}


def test_a_pause_that_fell_due_while_the_engine_was_down_leaves_no_hole() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=3)
    rig.obey(Pause(on=On.BAR))
    back = rig.after_a_crash(down=1)
    assert not back.sequencer.time.running
    back.obey(Continue())
    back.play(until=8)
    assert [entry for entry in back.score(until=8) if entry[0] >= 4] == [(4, "C4"), (5, "D4"), (6, "E4"), (7, "F4")]
    assert rig.retold(back).onsets() == [(0, "C4"), (1, "D4"), (2, "E4")]


def test_what_sounded_in_a_count_in_is_a_take_after_a_crash_too() -> None:
    takes = []
    for crash in (False, True):
        rig = Rig(bpm=120)
        rig.models_of("lead", a_model())
        rig.play(until=0)
        rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=2))
        rig.play(until=3)
        rig.answer("C4 D4 E4 F4")
        rig.play(until=5)
        rig = rig.after_a_crash() if crash else rig
        rig.play(until=10)
        takes.append((rig.sequencer.takes("count"), rig.sequencer.takes("lead")))
    assert takes[0] == takes[1]
    assert len(takes[0][0]) == len(takes[0][1]) == 1


def test_new_bars_go_on_entering_where_they_would_have_although_earlier_answers_are_left_out() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4 G4 A4 B4 C5 D5 E5 F5 G5")  # three bars, so that new ones enter three bars in
    rig.models_of("lead", a_model(bars=2))
    for place in range(5):
        rig.play(until=11 + 8 * place)
        rig.answer("C4 . . . D4 . . .")
    rig.play(until=45)
    entered = [fact for fact in rig.facts if isinstance(fact, Answered)]
    assert [fact.at for fact in entered] == [12, 20, 28, 36, 44]
    kept = [fact for fact in rig.facts if fact not in entered[:-2]]
    back = rig.after_a_crash(facts=kept)
    back.play(until=60)
    rig.play(until=60)
    assert [entry for entry in back.score(until=60) if entry[0] >= 52] == [
        entry for entry in rig.score(until=60) if entry[0] >= 52
    ]


def test_coming_back_is_no_standing_still() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=5)
    back = rig.after_a_crash(down=0.5)
    back.clock.wait_until(back.clock.now() + 0.3)
    back.play(until=12)
    assert back.log == []
