"""Undo and redo: told as scores. That a crash changes nothing of it is tested with everything else that can be typed."""

import pytest
from rig import Rig, a_model

import livecode as lc
from livecode.commands import Act, Action, Adjust, Fade, Hush, Mute, On, Play, Safe, Solo, Undo, UndoLast
from livecode.errors import BadInput
from livecode.music import ControlEvent
from livecode.notation import notes


def undo(rig: Rig, part: str = "lead", *, redo: bool = False) -> str:
    return rig.obey(Undo(part=part, redo=redo)).words


def test_what_was_played_before_comes_back_at_the_end_of_the_loop() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 . . .")
    rig.play(until=1)
    rig.plays("lead", "D4 . . .")
    rig.play(until=5)
    assert undo(rig) == "lead: 'plays 1 bar from bar 2' is undone from bar 3"
    rig.play(until=9)
    assert undo(rig, redo=True) == "lead: 'plays 1 bar from bar 2' is redone from bar 4"
    rig.play(until=13)
    assert rig.score(until=13) == [(0, "C4"), (4, "D4"), (8, "C4"), (12, "D4")]


def test_what_was_typed_a_moment_ago_never_comes() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4 G4 A4 B4 C5")
    rig.play(until=1)
    rig.plays("lead", "D4 . . .")
    undo(rig)
    rig.play(until=9)
    assert rig.score(until=9)[-2:] == [(7, "C5"), (8, "C4")]


def test_a_mute_a_solo_and_a_gain_are_taken_back_at_once() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.plays("bass", "C2 D2 E2 F2")
    rig.play(until=0.5)
    rig.obey(Adjust(part="lead", gain=0.25))
    rig.obey(Mute(part="lead", muted=True))
    rig.play(until=2.5)
    undo(rig)
    rig.obey(Solo(part="lead", soloed=True))
    rig.play(until=4.5)
    undo(rig)
    undo(rig)
    rig.play(until=6.5)
    assert [beat for beat, _ in rig.score("lead", until=6.5)] == [0, 3, 4, 5, 6]
    assert [beat for beat, _ in rig.score("bass", until=6.5)] == [0, 1, 2, 5, 6]
    assert [event.value for event in rig.tape.events() if isinstance(event, ControlEvent)] == [50, 100]


def test_a_mute_that_was_to_come_does_not_come() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    rig.obey(Mute(part="lead", muted=True, on=On.BAR))
    rig.obey(Fade(part="lead", level=0.0, bars=2))  # type: ignore[arg-type]
    undo(rig)
    undo(rig)
    rig.play(until=8)
    assert len(rig.score("lead", until=8)) == 8
    assert not [event for event in rig.tape.events() if isinstance(event, ControlEvent) and event.value != 127]


def test_a_model_comes_back_with_the_seeds_that_come_next() -> None:
    rig = Rig(bpm=120, seed=3)
    rig.models_of("lead", a_model(seed=5))
    rig.play(until=0)
    rig.answer("C4 . . .")
    rig.play(until=2)
    rig.plays("lead", "D4 . . .")
    rig.play(until=5)
    undo(rig)
    rig.play(until=9)
    rig.answer("E4 . . .")
    rig.play(until=13)
    assert rig.score(until=13) == [(0, "C4"), (4, "D4"), (8, "C4"), (12, "E4")]
    assert len({request.seed for request in rig.models.requests[:3]}) == 3


def test_the_stage_takes_back_what_was_done_last_wherever() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.plays("bass", "C2 D2 E2 F2")
    rig.play(until=1)
    rig.obey(Hush())
    rig.play(until=5)
    assert rig.obey(UndoLast()).words == "'all parts stop at bar 2' is undone from bar 3"
    rig.obey(UndoLast())
    rig.play(until=11)
    assert [beat for beat, _ in rig.score("lead", until=11)] == [0, 1, 2, 3, 8, 9, 10]
    assert [beat for beat, _ in rig.score("bass", until=11)] == [0, 1, 2, 3]
    rig.obey(UndoLast(redo=True))
    rig.play(until=13)
    assert rig.score("bass", until=13)[-1] == (12, "C2")


def test_of_safe_and_hush_only_what_they_changed_is_undone() -> None:
    rig = Rig(bpm=120)
    rig.plays("pad", "C4 . . .")
    rig.plays("lead", "E4 . . .")
    rig.play(until=1)
    rig.plays("pad", "D4 . . .")
    rig.models_of("lead", a_model())
    rig.does("lead", Action.GENERATE)
    rig.play(until=5)
    assert rig.obey(Safe()).words == "safe: lead loops on"
    assert undo(rig, "pad") == "pad: 'plays 1 bar from bar 2' is undone from bar 3"
    rig.play(until=9)
    rig.does("pad", Action.STOP)
    rig.play(until=13)
    rig.obey(Hush())
    assert undo(rig, "pad") == "pad: 'stops at bar 4' is undone from bar 5"
    rig.play(until=20)
    assert rig.score("pad", until=20) == [(0, "C4"), (4, "D4"), (8, "C4"), (16, "C4")]


def test_a_hush_that_stops_nothing_is_not_what_was_done_last() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 . . .")
    rig.play(until=1)
    rig.obey(Hush())
    rig.play(until=5)
    rig.obey(Hush())
    assert rig.obey(UndoLast()).words == "'all parts stop at bar 2' is undone from bar 3"


def test_a_new_command_to_a_part_ends_what_could_be_redone_of_it() -> None:
    rig = Rig(bpm=120)
    for part in ("lead", "bass"):
        rig.plays(part, "C4 D4 E4 F4")
        rig.obey(Mute(part=part, muted=True))
        undo(rig, part)
    rig.obey(Act(part="lead", action=Action.STOP))
    with pytest.raises(BadInput, match="There is nothing to redo of lead"):
        undo(rig, redo=True)
    assert undo(rig, "bass", redo=True).endswith("bass: 'muted now' is redone from bar 1")


def test_what_was_refused_is_nothing_to_undo() -> None:
    rig = Rig(bpm=120)
    with pytest.raises(BadInput, match="There is nothing to undo of lead"):
        undo(rig)
    with pytest.raises(BadInput, match="There is nothing to undo"):
        rig.obey(UndoLast())
    with pytest.raises(BadInput):
        rig.does("lead", Action.GENERATE)
    with pytest.raises(BadInput, match="There is nothing to undo of lead"):
        undo(rig)


def test_the_first_notes_of_all_are_undone_to_silence() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=2)
    undo(rig)
    rig.play(until=7)
    assert [beat for beat, _ in rig.score(until=7)] == [0, 1, 2, 3]
    rig.obey(Play(part="lead", phrase=notes("E4 . . .")))
    rig.play(until=9)
    assert rig.score(until=9)[-1] == (8, "E4")


def test_takes_are_played_again_by_their_numbers() -> None:
    with lc.Stage(offline=True, bpm=120) as stage:
        lead = stage.part("lead")
        lead >> lc.notes("C4 . . .")
        stage.run(bars=0.5)
        for pitch in ("D4", "E4"):
            lead >> lc.notes(f"{pitch} . . .")
            stage.run(bars=1)
        lead.take(-2)
        stage.run(bars=1)
        lead.take(2)
        stage.run(bars=1)
        assert [name for _, name in stage.tape.onsets()] == ["C4", "D4", "E4", "C4", "D4"]
        for number in (0, -9, 6, "x"):
            with pytest.raises(BadInput, match=f"lead has no take {number!r}: give -1 to -4, or 1 to 5"):
                lead.take(number)  # type: ignore[arg-type]


def test_the_last_bars_are_a_phrase() -> None:
    with lc.Stage(offline=True, bpm=120) as stage:
        lead, drums = stage.part("lead"), stage.part("drums")
        lead >> lc.notes("C4 D4 E4 F4 G4 A4 B4 C5")
        drums >> lc.beat(kick="x...x...x...x...")
        with pytest.raises(BadInput, match="no whole bar to grab yet: time runs from the first notes of a part on, or"):
            lead.grab(2)
        stage.run(bars=3)
        with pytest.raises(BadInput, match="bass played no notes in the last 2 bars"):
            stage.part("bass").grab(2)
        assert lead.grab(1) == lc.notes("C4 D4 E4 F4")
        assert lead.grab(2) == lc.notes("G4 A4 B4 C5 C4 D4 E4 F4")
        assert drums.grab(1) == lc.beat(kick="x...x...x...x...")
        assert stage.grab(1) == lc.notes("C4 D4 E4 F4")
        assert lead.grab(100).length == 12
        with pytest.raises(lc.UnknownName, match="There is no part 'led': did you mean 'lead'"):
            stage.grab(1, "led")


def test_a_part_that_plays_no_input_says_so_when_it_is_to_play_none() -> None:
    with lc.Stage(offline=True) as stage:
        assert str(stage.part("lead").unthru()) == "lead: played no input"
