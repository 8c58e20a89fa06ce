"""A recording that is performed beside one's own parts: it stops and changes none of them, and gives way to what is said."""

from fractions import Fraction

import pytest
from rig import Rig, a_model
from test_performing import Performance, Performing, plays, recorded

from livecode.commands import (
    Act,
    Action,
    Adjust,
    AnyCommand,
    Assign,
    Declare,
    Hush,
    InKey,
    Mute,
    Panic,
    Recall,
    Restart,
    Safe,
    SendClock,
    SetKey,
    Solo,
    Store,
    Tempo,
    Undo,
    UndoLast,
)
from livecode.errors import BadInput
from livecode.facts import Answered, CameBack, Fact, Heard, InputOpened, Looped, Slept, Steered, Taken
from livecode.facts import Performing as Replayed
from livecode.music import Beats
from livecode.notation import notes
from livecode.packing import packed


def says(command: AnyCommand, now: float, at: float) -> Taken:
    return Taken(now=Fraction(now), at=Fraction(at), command=command)


def played(now: float, *said: tuple[float, str], name: str = "KeyStep") -> Heard:
    return Heard(now=Fraction(now), name=name, said=tuple((Fraction(beat), message) for beat, message in said))


def answers(part: str, text: str, now: float, at: float) -> Answered:
    given = packed(notes(text))
    return Answered(now=Fraction(now), at=Fraction(at), part=part, packed=given, asked=Fraction(now), asks=1, asks_ever=1)


INPUT = InputOpened(now=Beats(0), name="KeyStep", api="jack", virtual=False)
STRUCK, LIFTED = "903c50", "803c40"


def beside(*facts: Fact, begin: int = 0, mine: str = "G5 . . .", end: int = 16) -> Performance:
    """A performance of these facts from bar 2 on, beside one's own part, which has played from bar 1 on."""
    return Performance(recorded(*facts, end=end), begin, before=mine)


def scores(rig: Rig, since: float, until: float) -> dict[str, list[tuple[float, str]]]:
    return {part: [entry for entry in rig.score(part, until=until) if entry[0] >= since] for part in ("mine", "lead", "bass")}


HUSHED = (plays("lead", "C4 . . ."), says(Hush(), 3, 4), plays("lead", "D4 . . .", 7, 8))


def test_a_recorded_hush_stops_only_what_is_performed_also_after_a_crash() -> None:
    performance = beside(*HUSHED)
    performance.go_on(until=Beats(9))
    back = performance.rig.after_a_crash(down=0.2)
    back.play(until=20)
    assert scores(back, 12, 20) == {"mine": [(12, "G5"), (16, "G5")], "lead": [(12, "D4"), (16, "D4")], "bass": []}
    told = performance.rig.retold(back)
    assert told.onsets("mine") == [(0, "G5"), (4, "G5"), (8, "G5")]


def test_a_recorded_panic_restart_or_stall_is_not_heard_in_ones_own_part() -> None:
    performance = beside(
        plays("lead", "C4 D4 E4 F4"),
        says(Restart(), 1, 2),
        Slept(begin=Fraction(5), end=Fraction(7)),
        CameBack(crashed=Fraction(9), now=Fraction(10)),
        says(Panic(), 13.5, 13.5),
        mine="G5 A5 B5 C6",
    )
    performance.go_on(until=Beats(20))
    assert [beat for beat, _ in performance.rig.score("mine", until=20)] == list(range(20))
    assert [beat for beat, _ in performance.rig.score("lead", until=20)] == [4, 5, 6, 7, 8, 11, 12, 16, 17]


def test_what_is_taken_over_is_not_stopped_by_a_recorded_hush() -> None:
    performance = Performance(recorded(plays("bass", "C2 . . ."), *HUSHED))
    performance.go_on(until=Beats(1))
    performance.rig.plays("bass", "E2 . . .")
    performance.go_on(until=Beats(9))
    assert performance.rig.score("bass", until=9) == [(0, "C2"), (4, "E2"), (8, "E2")]


def test_recorded_scenes_keys_and_undo_are_those_of_the_performed_parts() -> None:
    performance = beside(
        plays("lead", "C4 . . ."),
        says(Store(scene="verse"), 1, 1),
        plays("lead", "D4 . . .", 3, 4),
        says(UndoLast(), 7, 8),
        says(SetKey(key="A minor"), 7, 8),
        answers("lead", "C#4 . . .", 10, 12),
        says(Recall(scene="verse"), 15, 16),
        end=20,
    )
    performance.rig.obey(Store(scene="verse"))
    performance.rig.plays("mine", "B5 . . .")
    performance.go_on(until=Beats(24))
    assert scores(performance.rig, 0, 24) == {
        "mine": [(0, "G5"), *((beat, "B5") for beat in (4, 8, 12, 16, 20))],
        "lead": [(4, "C4"), (8, "D4"), (12, "C4"), (16, "C4"), (20, "C4")],
        "bass": [],
    }
    assert performance.rig.log == ["the replay is over at bar 7"]
    assert performance.sequencer.snapshot().key == ""
    performance.rig.obey(Recall(scene="verse"))
    performance.go_on(until=Beats(32))
    assert scores(performance.rig, 28, 32)["mine"] == [(28, "G5")]


def test_what_only_a_stage_of_its_own_can_do_is_left_out_with_a_sentence() -> None:
    performance = beside(plays("lead", "C4 . . ."), says(SendClock(output="KeyStep"), 1, 1))
    performance.go_on(until=Beats(8))
    assert performance.rig.log == ["left out of the replay, beside what plays: MIDI clock out"]


def test_from_a_later_bar_what_was_played_before_is_on_no_tape_and_no_key_of_it_is_down() -> None:
    performance = beside(
        INPUT,
        plays("lead", "C4 . . ."),
        played(1, (1, STRUCK)),
        played(2, (2, LIFTED)),
        played(7, (7, STRUCK)),
        played(9, (9, LIFTED)),
        played(10, (10, STRUCK)),
        played(11, (11, LIFTED)),
        begin=8,
    )
    performance.go_on(until=Beats(12))
    assert performance.rig.tape.onsets("KeyStep") == [(6, "C4")]


def test_what_was_played_answered_looped_and_steered_comes_once_although_the_engine_crashes() -> None:
    performance = beside(
        INPUT,
        plays("lead", "C4 . . ."),
        Steered(now=Fraction(1), at=Fraction(1), bpm=Fraction(100)),
        played(2, (2, STRUCK)),
        played(3, (3, LIFTED)),
        answers("lead", "D4 . . .", 3, 4),
        Looped(now=Fraction(7), at=Fraction(8), part="lead", packed=packed(notes("E4 . . .")), whole=True),
        end=32,
    )
    performance.go_on(until=Beats(13))
    back = performance.rig.after_a_crash(down=0.2)
    back.play(until=24)
    came = [fact for fact in back.facts if isinstance(fact, InputOpened | Heard | Answered | Looped | Steered)]
    assert came == []
    assert scores(back, 16, 24)["lead"] == [(16, "E4"), (20, "E4")]
    kinds = [type(fact) for fact in performance.rig.facts if getattr(fact, "place", 0)]
    assert kinds == [InputOpened, Taken, Steered, Heard, Heard, Answered, Looped]


def test_a_scene_takes_over_the_parts_that_it_changes_and_safe_none_that_loop() -> None:
    song = (
        plays("lead", "C4 . . ."),
        plays("bass", "C2 . . ."),
        Taken(now=Fraction(0), at=Fraction(0), command=Act(part="bass", action=Action.LOOP)),
        plays("lead", "D4 . . .", 11, 12),
        plays("bass", "D2 . . .", 11, 12),
    )
    performance = beside(*song, end=32)
    performance.go_on(until=Beats(6))
    assert performance.rig.obey(Safe()).words == "safe: nothing generates"
    performance.rig.obey(Store(scene="now"))
    words = performance.rig.obey(Recall(scene="now")).words
    assert words.endswith("; bass, lead are yours now: what the replay had for them is dropped")
    performance.go_on(until=Beats(20))
    assert scores(performance.rig, 16, 20) == {"mine": [(16, "G5")], "lead": [(16, "C4")], "bass": [(16, "C2")]}


def test_a_performed_part_that_generates_is_taken_over_by_safe() -> None:
    song = (
        Taken(now=Fraction(0), at=Fraction(0), command=Assign(part="lead", model=a_model())),
        answers("lead", "C4 . . .", 0, 0),
        answers("lead", "D4 . . .", 3, 8),
    )
    performance = beside(*song, end=32)
    performance.go_on(until=Beats(6))
    assert performance.rig.obey(Safe()).words == "safe: lead loops on; lead is yours now: what the replay had for it is dropped"
    performance.go_on(until=Beats(16))
    assert scores(performance.rig, 4, 16)["lead"] == [(4, "C4"), (8, "C4"), (12, "C4")]
    assert performance.rig.models.requests == []


TAKES_MINE = (plays("mine", "C4 . . ."), plays("lead", "D4 . . ."), plays("mine", "E4 . . .", 11, 12))


def test_a_part_of_ones_own_that_a_replay_takes_is_said_and_begins_as_in_the_recording() -> None:
    rig = Performing({"x.jsonl": recorded(*TAKES_MINE)})
    rig.plays("mine", "G5 . . .")
    rig.plays("other", "G3 . . .")
    rig.obey(Mute(part="mine", muted=True))
    rig.obey(Adjust(part="mine", gain=0.5))
    rig.play(until=2)
    words = rig.performs("x.jsonl")
    assert words == "performs x: 4 bars from bar 2 on; mine is the replay's now, undo gives it back"
    rig.play(until=9)
    assert [entry for entry in rig.score("mine", until=9) if entry[0] >= 4] == [(4, "C4"), (8, "C4")]
    assert next(part for part in rig.sequencer.snapshot().parts if part.name == "mine").settings == {}


@pytest.mark.parametrize("crash", [False, True])
def test_undo_ends_the_replay_that_was_begun_last_and_nothing_before_it(crash: bool) -> None:
    performance = beside(*TAKES_MINE, end=64)
    performance.go_on(until=Beats(6))
    rig = performance.rig.after_a_crash() if crash else performance.rig
    assert rig.obey(UndoLast()).words == "'the replay of x' is undone from bar 3"
    rig = rig.after_a_crash(facts=[*performance.rig.facts, *rig.facts]) if crash else rig
    rig.play(until=24)
    assert scores(rig, 12, 24) == {"mine": [(beat, "G5") for beat in (12, 16, 20)], "lead": [], "bass": []}
    assert rig.sequencer.snapshot().replays == ""
    rig.obey(UndoLast())
    rig.play(until=32)
    assert scores(rig, 28, 32)["mine"] == []


def test_what_a_recording_says_is_not_undone_as_ones_own() -> None:
    performance = Performance(
        recorded(
            plays("lead", "C4 . . ."), plays("bass", "C2 . . ."), plays("lead", "D4 . . .", 3, 4), plays("bass", "D2 . . .", 7, 8)
        )
    )
    performance.go_on(until=Beats(5))
    with pytest.raises(BadInput, match="nothing to undo of lead"):
        performance.rig.obey(Undo(part="lead"))
    performance.rig.plays("lead", "E4 . . .")
    performance.rig.obey(UndoLast())
    performance.go_on(until=Beats(13))
    assert scores(performance.rig, 8, 13) == {"mine": [], "lead": [(8, "D4"), (12, "D4")], "bass": [(8, "D2"), (12, "D2")]}
    performance.rig.obey(UndoLast())
    performance.go_on(until=Beats(20))
    assert scores(performance.rig, 16, 20)["bass"] == []


def test_a_part_that_a_replay_took_is_undone_alone_and_the_replay_goes_on() -> None:
    performance = beside(*TAKES_MINE, end=64)
    performance.go_on(until=Beats(6))
    words = performance.rig.obey(Undo(part="mine")).words
    assert words.endswith("; mine is yours now: what the replay had for it is dropped")
    performance.go_on(until=Beats(20))
    assert scores(performance.rig, 8, 17) == {
        "mine": [(8, "G5"), (12, "G5"), (16, "G5")],
        "lead": [(8, "D4"), (12, "D4"), (16, "D4")],
        "bass": [],
    }


def test_a_second_replay_begins_as_its_recording_does() -> None:
    performance = beside(
        plays("lead", "C4 . . ."),
        says(Mute(part="lead", muted=True), 1, 1),
        says(Adjust(part="lead", gain=0.5, high=60), 1, 1),
        says(InKey(part="lead", key="A minor"), 1, 1),
        end=64,
    )
    performance.go_on(until=Beats(7))
    performance.rig.recordings["y.jsonl"] = recorded(plays("lead", "A4 . . ."))
    assert performance.rig.performs("y.jsonl") == "performs y: 4 bars from bar 3 on"
    performance.go_on(until=Beats(13))
    assert scores(performance.rig, 8, 13)["lead"] == [(8, "A4"), (12, "A4")]
    state = next(part for part in performance.sequencer.snapshot().parts if part.name == "lead")
    assert (state.settings, state.muted, state.key) == ({}, False, "")


def test_a_recorded_solo_silences_performed_parts_only_and_ones_own_all() -> None:
    performance = beside(plays("lead", "C4 . . ."), plays("bass", "C2 . . ."), says(Solo(part="lead", soloed=True), 3, 4), end=64)
    performance.go_on(until=Beats(11))
    assert scores(performance.rig, 8, 11) == {"mine": [(8, "G5")], "lead": [(8, "C4")], "bass": []}
    performance.rig.obey(Solo(part="mine", soloed=True))
    performance.go_on(until=Beats(15))
    assert scores(performance.rig, 12, 15) == {"mine": [(12, "G5")], "lead": [], "bass": []}


def test_a_ramp_goes_on_where_a_recording_begins_within_it() -> None:
    ramp = says(Tempo(bpm=Fraction(60), bars=Fraction(4)), 0, 0)
    performance = beside(plays("lead", "C4 . . ."), ramp, begin=8, end=64)
    tempo = performance.sequencer.time.tempo
    assert [tempo.bpm_at(Fraction(beat)) for beat in (4, 8, 12, 16)] == [90, 75, 60, 60]


def test_what_is_performed_stops_where_something_else_is() -> None:
    performance = beside(plays("lead", "C4 . . ."), plays("bass", "C2 . . ."), end=64)
    performance.go_on(until=Beats(6))
    performance.rig.recordings["y.jsonl"] = recorded(plays("lead", "A4 . . ."))
    performance.rig.performs("y.jsonl", request="lost")
    assert [fact.id for fact in performance.rig.facts if isinstance(fact, Replayed)] == ["", "", "lost"]
    performance.go_on(until=Beats(18))
    assert scores(performance.rig, 0, 18) == {
        "mine": [(0, "G5"), (4, "G5"), (8, "G5"), (12, "G5"), (16, "G5")],
        "lead": [(4, "C4"), (8, "A4"), (12, "A4"), (16, "A4")],
        "bass": [(4, "C2")],
    }
    back = performance.rig.after_a_crash(down=0.2)
    back.play(until=28)
    assert scores(back, 20, 28) == {"mine": [(20, "G5"), (24, "G5")], "lead": [(20, "A4")], "bass": []}


def test_the_tempo_of_a_clock_that_was_followed_is_taken_over_like_any() -> None:
    steered = [Steered(now=Fraction(beat), at=Fraction(beat), bpm=Fraction(100 + beat)) for beat in range(1, 12)]
    performance = beside(plays("lead", "C4 . . ."), *steered, begin=4)
    assert performance.sequencer.time.tempo.bpm_at(Beats(4)) == 104
    assert performance.sequencer.time.tempo.bpm_at(Fraction(7, 2)) == 120
    performance.go_on(until=Beats(7))
    assert performance.sequencer.snapshot().bpm == 107
    assert performance.rig.obey(Tempo(bpm=Fraction(90))).given_way == "tempo is yours now: what the replay had for it is dropped"
    performance.go_on(until=Beats(11))
    assert performance.sequencer.snapshot().bpm == 90


def test_the_snapshot_says_which_bar_is_performed() -> None:
    performance = beside(plays("lead", "C4 . . ."), begin=8)
    assert performance.sequencer.snapshot().replays == "replay x: bar 3 of 4"
    performance.go_on(until=Beats(9))
    assert performance.sequencer.snapshot().replays == "replay x: bar 4 of 4"
    performance.rig.obey(Hush())
    assert performance.sequencer.snapshot().replays == ""


def test_that_a_part_is_yours_is_said_once_and_a_hush_ends_one_replay_only() -> None:
    performance = beside(plays("lead", "C4 . . ."), end=64)
    performance.go_on(until=Beats(5))
    performance.rig.plays("lead", "E4 . . .")
    performance.rig.obey(Hush())
    performance.go_on(until=Beats(9))
    performance.rig.performs("x.jsonl")
    performance.go_on(until=Beats(13))
    once = performance.rig.after_a_crash()
    assert [sentence for sentence in (*performance.rig.log, *once.log) if "yours" in sentence] == []
    twice = once.after_a_crash(facts=[*performance.rig.facts, *once.facts])
    assert twice.sequencer.snapshot().replays.startswith("replay x")


@pytest.mark.parametrize("command", [SetKey(key="C major"), Tempo(bpm=Fraction(90)), Store(scene="mine")])
def test_beside_what_was_said_to_the_stage_a_recording_keeps_to_itself(command: AnyCommand) -> None:
    song = recorded(says(Assign(part="lead", model=a_model()), 0, 0), answers("lead", "C#4 . . .", 0, 0))
    rig = Performing({"x.jsonl": song})
    rig.obey(command)
    rig.performs("x.jsonl")
    rig.play(until=8)
    assert [fact.fresh for fact in rig.facts if isinstance(fact, Replayed)] == [False]
    assert [name for _, name in rig.score("lead", until=8)][:1] == ["C#4"]


def test_what_was_refused_or_is_about_no_music_leaves_the_stage_fresh() -> None:
    rig = Performing({"x.jsonl": recorded(plays("lead", "C4 . . ."))})
    with pytest.raises(BadInput, match="nothing to undo"):
        rig.obey(Undo(part="lead"))
    rig.obey(Declare(part="lead"))
    rig.performs("x.jsonl")
    assert [fact.fresh for fact in rig.facts if isinstance(fact, Replayed)] == [True]


def test_what_safe_did_not_change_is_not_taken_over_by_its_undo() -> None:
    performance = Performance(
        recorded(
            plays("bass", "C2 . . ."),
            says(Assign(part="lead", model=a_model()), 0, 0),
            answers("lead", "C4 . . .", 0, 0),
            plays("bass", "E2 . . .", 14, 16),
            end=40,
        )
    )
    performance.go_on(until=Beats(6))
    performance.rig.obey(Safe())
    assert "bass" not in performance.rig.obey(UndoLast()).words
    performance.go_on(until=Beats(20))
    assert performance.rig.score("bass", until=20)[-1] == (16, "E2")


def test_what_cannot_be_again_and_again_is_said_once_for_each_part() -> None:
    performance = beside(*(says(Undo(part=part), beat, beat) for beat in (1, 2, 3) for part in ("lead", "bass")))
    performance.go_on(until=Beats(8))
    assert performance.rig.log == [f"left out of the replay: There is nothing to undo of {part}." for part in ("lead", "bass")]
