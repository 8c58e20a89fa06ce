"""Scenes, keys and safety: told as scores."""

from fractions import Fraction

import msgspec
import pytest
from rig import Rig, a_model

import livecode as lc
from livecode.commands import Adjust, Fade, Hush, InKey, Mute, Recall, Safe, SetKey, Shape, Solo, Store, Tempo, Undo, UndoLast
from livecode.errors import BadInput, UnknownName
from livecode.models.wire import Progression
from livecode.music import ControlEvent
from livecode.notation import beat, notes
from livecode.transforms import Turn, to_scale, transpose


def bars(rig: Rig, count: int, part: str = "lead") -> list[str]:
    score = rig.score(part, until=4 * count)
    return [" ".join(name for place, name in score if 4 * bar <= place < 4 * bar + 4) for bar in range(count)]


# Scenes


def test_a_scene_comes_back_on_the_bar_with_all_loops_from_their_beginning() -> None:
    rig = Rig()
    rig.plays("lead", "C4 D4 E4 F4 G4 A4 B4 C5")
    rig.plays("bass", "C2 . . .")
    rig.play(until=1)
    assert rig.obey(Store(scene="verse")).words == "scene verse stored: 2 parts"
    rig.plays("bass", "G2 . . .")
    rig.play(until=9)
    assert rig.obey(Recall(scene="verse")).words == "scene verse from bar 4"
    rig.play(until=20)
    assert bars(rig, 5) == ["C4 D4 E4 F4", "G4 A4 B4 C5", "C4 D4 E4 F4", "C4 D4 E4 F4", "G4 A4 B4 C5"]
    assert bars(rig, 5, "bass") == ["C2", "G2", "G2", "C2", "C2"]


def test_mutes_sounds_fades_and_transforms_are_in_it_and_tempo_is_not() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    rig.plays("bass", "C2 . . .")
    rig.obey(Mute(part="bass", muted=True))
    rig.obey(Adjust(part="lead", gain=0.25))
    rig.obey(Shape(part="lead", turn=Turn((transpose(12),))))
    rig.obey(Store(scene="verse"))
    rig.play(until=1)
    rig.obey(Mute(part="bass", muted=False))
    rig.obey(Adjust(part="lead", gain=1.0))
    rig.obey(Fade(part="lead", level=0.0, bars=1))  # type: ignore[arg-type]
    rig.obey(Shape(part="lead", turn=Turn((transpose(5),))))
    rig.obey(Tempo(bpm=240))  # type: ignore[arg-type]
    rig.play(until=9)
    rig.obey(Recall(scene="verse"))
    rig.play(until=16)
    assert bars(rig, 4) == ["C5", "F4", "F4", "C5"]
    assert bars(rig, 4, "bass") == ["", "C2", "C2", ""]
    last = {event.control: event.value for event in rig.tape.events() if isinstance(event, ControlEvent)}
    assert last == {7: 50, 11: 127}
    assert {event.beat for event in rig.tape.events() if isinstance(event, ControlEvent) and event.beat > 9} == {12}
    assert rig.sequencer.snapshot().bpm == 240


def test_a_part_that_came_later_falls_silent_and_undo_has_it_back() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    rig.obey(Store(scene="verse"))
    rig.plays("bass", "C2 . . .")
    rig.obey(Solo(part="bass", soloed=True))
    rig.play(until=1)
    rig.obey(Recall(scene="verse"))
    rig.play(until=5)
    assert rig.obey(UndoLast()).words == "'scene verse from bar 2' is undone from bar 3"
    rig.play(until=12)
    assert (bars(rig, 3), bars(rig, 3, "bass")) == (["", "C4", ""], ["C2", "", "C2"])


def test_a_scene_with_a_model_goes_on_generating() -> None:
    rig = Rig()
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.answer("C4 . . .")
    rig.play(until=1)
    rig.obey(Store(scene="verse"))
    rig.obey(Hush())
    rig.play(until=9)
    rig.obey(Recall(scene="verse"))
    rig.play(until=12.5)
    rig.answer("D4 . . .")
    rig.play(until=20)
    assert bars(rig, 5) == ["C4", "", "", "C4", "D4"]


def test_storing_over_a_scene_is_said_and_undone() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    rig.obey(Store(scene="verse"))
    rig.plays("lead", "D4 . . .")
    assert rig.obey(Store(scene="verse")).words == (
        "scene verse stored again, the earlier one is gone (undo brings it back): 1 part"
    )
    assert rig.obey(UndoLast()).words.startswith("'scene verse stored again")
    rig.obey(Recall(scene="verse"))
    rig.play(until=4)
    assert bars(rig, 1) == ["C4"]


def test_to_undo_a_store_and_a_key_leaves_what_parts_play_alone() -> None:
    rig = Rig()
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.answer("C4 . . .")
    rig.play(until=1)
    rig.obey(Store(scene="verse"))
    rig.obey(SetKey(key="A minor"))
    rig.play(until=2)
    rig.answer("D4 . . .")
    rig.play(until=7)
    assert rig.obey(UndoLast()).words == "'in A minor from bar 2' is undone from bar 3"
    assert rig.obey(UndoLast()).words == "'scene verse stored: 1 part' is undone from bar 3"
    rig.answer("E4 . . .")
    rig.play(until=12)
    assert bars(rig, 3) == ["C4", "D4", "E4"]
    assert rig.models.forgotten == []
    assert (rig.sequencer.snapshot().key, rig.sequencer.snapshot().scenes) == ("", ())


def test_a_part_has_nothing_to_undo_of_a_store_and_of_a_key() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    rig.obey(Store(scene="verse"))
    rig.obey(SetKey(key="A minor"))
    assert rig.obey(Undo(part="lead")).words == "lead: 'plays 1 bar from bar 1' is undone from bar 1"
    assert (rig.sequencer.snapshot().key, rig.sequencer.snapshot().scenes) == ("A minor", ("verse",))


def test_scenes_and_the_key_survive_a_crash() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    rig.obey(SetKey(key="A minor"))
    rig.obey(Store(scene="verse"))
    rig.plays("lead", "D4 . . .")
    rig.obey(SetKey(key=""))
    rig.play(until=5)
    back = rig.after_a_crash()
    back.play(until=9)
    back.obey(Recall(scene="verse"))
    back.play(until=16)
    assert back.score(until=16)[-1] == (12, "C4")
    assert (back.sequencer.snapshot().key, back.sequencer.snapshot().scenes) == ("A minor", ("verse",))


def test_a_count_in_counts_on_whatever_scene_comes() -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> notes("C4 . . .")
        stage.store("verse")
        stage.run(bars=0.5)
        stage.count_in(2)
        stage.scene("verse")
        stage.run(bars=4)
        assert len(stage.tape.notes("count")) == 8
        assert lead.state().doing == "loops 1 bar"


def test_scenes_that_cannot_be_are_one_sentence() -> None:
    with lc.Stage(offline=True) as stage:
        with pytest.raises(UnknownName, match=r'There is no scene \'verse\': there are none yet. store\("verse"\) first stores'):
            stage.scene("verse")
        stage.store("verse")
        with pytest.raises(UnknownName, match="There is no scene 'vers': did you mean 'verse'"):
            stage.scene("vers")
        for name in ("", " ", "x" * 41, 3, None, "a\nb"):
            with pytest.raises(BadInput, match="cannot name a scene"):
                stage.store(name)  # type: ignore[arg-type]
        assert stage.scenes == ("verse",)
        assert "scenes: verse" in stage.status()


# Keys


def test_what_a_model_makes_comes_into_the_key_and_own_notes_do_not() -> None:
    rig = Rig()
    rig.plays("bass", "C#2 . . .")
    rig.models_of("lead", a_model())
    assert rig.obey(SetKey(key="C major")).words == "in C major from bar 1"
    rig.play(until=0)
    rig.answer("C#4 D#4 F#4 B4")
    rig.play(until=8)
    assert bars(rig, 2) == ["", "C4 D4 F4 B4"]
    assert bars(rig, 2, "bass") == ["C#2", "C#2"]
    assert rig.models.requests[-1].primer == notes("C4 D4 F4 B4")


def test_bars_that_have_come_but_do_not_sound_yet_come_into_it_too_and_out_of_it() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.answer("C#4 D#4 F#4 B4")
    rig.obey(SetKey(key="C"))
    rig.play(until=2)
    rig.obey(UndoLast())
    rig.obey(InKey(part="lead", key="E"))
    rig.play(until=8)
    assert bars(rig, 2)[1] == "C#4 D#4 F#4 B4"


def test_a_part_has_a_key_of_its_own_and_what_is_played_over_chords_keeps_to_those() -> None:
    rig = Rig()
    rig.obey(SetKey(key="C"))
    rig.models_of("lead", a_model())
    rig.models_of("own", a_model())
    over = Progression(((Fraction(0), "C#"),), 1)
    rig.models_of("over", msgspec.structs.replace(a_model(), chords=over))
    rig.obey(InKey(part="own", key="C# major"))
    rig.play(until=0)
    for request in (0, 1, 2):
        rig.answer("C4 C#4 D4 D#4", number=request)
    rig.play(until=8)
    assert {"C4 C4 D4 D4"} & set(bars(rig, 2))
    assert {"C4 C#4 C#4 D#4"} & set(bars(rig, 2, "own"))
    assert {"C4 C#4 D4 D#4"} & set(bars(rig, 2, "over"))


def test_drums_have_no_key() -> None:
    rig = Rig()
    rig.obey(SetKey(key="C"))
    rig.models_of("drums", a_model(drums=True))
    rig.play(until=0)
    rig.answer(beat(kick="x...", snare="..x."))
    rig.play(until=1)
    assert {note.pitch for note in rig.tape.notes()} == {36, 38}


def test_own_notes_come_into_the_key_when_asked_and_follow_it() -> None:
    rig = Rig()
    rig.obey(SetKey(key="C major"))
    rig.plays("lead", "C#4 . F#4 .")
    rig.obey(Shape(part="lead", turn=Turn((to_scale(),))))
    rig.play(until=1)
    rig.obey(SetKey(key="E major"))
    rig.play(until=5)
    rig.obey(SetKey(key=""))
    rig.play(until=12)
    assert bars(rig, 3) == ["C4 F4", "C#4 F#4", "C#4 F#4"]


def test_keys_read_and_are_refused_with_the_closest() -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead")
        stage.key = " A minor "
        lead.key = "C dorian"
        assert (stage.key, lead.key) == ("A minor", "C dorian")
        assert stage.status()[0].endswith("A minor")
        assert "in C dorian" in repr(lead)
        for wrong, words in {"A dorain": "did you mean 'dorian'", "H": "'H' is no key", 3: "key=3 is no key"}.items():
            with pytest.raises(BadInput, match=words):
                stage.key = wrong  # type: ignore[assignment]
            with pytest.raises(BadInput, match=words):
                lead.key = wrong
        stage.key = None
        lead.key = ""
        assert (stage.key, lead.key) == ("", "")


# Safe


def test_safe_loops_what_there_is_and_drops_what_was_to_come_and_undo_generates_again() -> None:
    rig = Rig()
    rig.plays("bass", "C2 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.answer("C4 . . .")
    rig.play(until=7.5)
    rig.answer("D4 . . .")
    assert rig.obey(Safe()).words == "safe: lead loops on"
    rig.play(until=16)
    assert (bars(rig, 4), bars(rig, 4, "bass")) == (["", "C4", "C4", "C4"], ["C2"] * 4)
    assert len(rig.models.requests) == 2
    assert rig.obey(Safe()).words == "safe: nothing generates"
    rig.obey(UndoLast())
    rig.play(until=23.5)
    rig.answer("E4 . . .")
    rig.play(until=28)
    assert bars(rig, 7)[4:] == ["C4", "D4", "E4"]


def test_safe_drops_the_request_that_is_out() -> None:
    rig = Rig()
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.obey(Safe())
    rig.answer("C4 . . .")
    rig.play(until=4)
    assert rig.models.forgotten == [rig.models.requests[0].id]
    assert rig.score() == []
