"""Transforms over time: told as scores. That a crash changes nothing of them is tested with everything else that can be typed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import Rig, a_model

import livecode as lc
from livecode.commands import Act, Action, On, Plain, Play, Propose, Shape, Undo
from livecode.errors import BadInput, UnknownName
from livecode.music import Note, Phrase
from livecode.notation import beat, notes
from livecode.transforms import (
    Loop,
    Transform,
    Turn,
    arpeggiate,
    humanise,
    layer,
    reverse,
    said,
    stretch,
    thin,
    to_scale,
    transpose,
    turned,
)


def every(rig: Rig, n: int, *transforms: object, part: str = "lead", on: On = On.LOOP) -> str:
    return rig.obey(Shape(part=part, turn=Turn(said(transforms), n), on=on)).words


def bars(rig: Rig, count: int, part: str = "lead") -> list[str]:
    """What sounded in each bar, as words."""
    score = rig.score(part, until=4 * count)
    return [" ".join(name for place, name in score if 4 * bar <= place < 4 * bar + 4) for bar in range(count)]


def test_every_fourth_bar_is_backwards() -> None:
    rig = Rig()
    rig.plays("lead", "C4 D4 E4 F4")
    assert every(rig, 4, reverse()) == "lead: every 4: reverse() from bar 4"
    rig.play(until=32)
    assert bars(rig, 8) == ["C4 D4 E4 F4"] * 3 + ["F4 E4 D4 C4"] + ["C4 D4 E4 F4"] * 3 + ["F4 E4 D4 C4"]


def test_it_begins_at_the_end_of_the_loop_and_ends_there() -> None:
    rig = Rig()
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    every(rig, 1, transpose(12))
    rig.play(until=9)
    assert rig.obey(Plain(part="lead")).words == "lead: plain from bar 4"
    rig.play(until=16)
    assert bars(rig, 4) == ["C4 D4 E4 F4", "C5 D5 E5 F5", "C5 D5 E5 F5", "C4 D4 E4 F4"]


def test_what_is_to_come_and_what_is_to_go_does_so_where_it_was_said_whatever_comes_before() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . . D4 . . . E4 . . .")
    rig.play(until=1)
    assert every(rig, 1, transpose(12)) == "lead: transpose(12) from bar 4"
    assert every(rig, 1, "rotate", 1, on=On.BAR) == "lead: rotate(1) from bar 2"
    rig.play(until=13)
    assert rig.obey(Plain(part="lead")).words == "lead: plain from bar 7"
    assert every(rig, 1, transpose(5), on=On.BAR) == "lead: transpose(5) from bar 5"
    rig.play(until=28)
    assert bars(rig, 7) == ["C4", "D4", "E4", "C5", "G4", "A4", "F4"]


def test_a_transform_now_cuts_what_rings_and_goes_on_in_the_same_place() -> None:
    rig = Rig(bpm=60)
    rig.plays("lead", "C4 _ _ F4")
    rig.play(until=0.5)
    every(rig, 1, transpose(12), on=On.BEAT)
    rig.play(until=4.5)
    assert [(note.beat, note.end_beat, note.pitch) for note in rig.tape.notes()][:3] == [(0, 1, 60), (3, 4, 77), (4, 7, 72)]


def test_parts_of_the_same_length_turn_together_whenever_it_was_typed() -> None:
    rig = Rig()
    rig.plays("lead", "C4 D4 E4 F4")
    every(rig, 4, reverse())
    rig.play(until=5)
    rig.plays("bass", "C2 D2 E2 F2")
    assert every(rig, 4, reverse(), part="bass") == "bass: every 4: reverse() from bar 4"
    rig.play(until=16)
    assert bars(rig, 4, "bass") == ["", "", "C2 D2 E2 F2", "F2 E2 D2 C2"]
    assert bars(rig, 4)[3] == "F4 E4 D4 C4"


def test_map_and_every_stack_and_the_same_verbs_again_get_other_arguments() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    every(rig, 1, transpose(2))
    every(rig, 2, transpose(12))
    every(rig, 1, transpose(4))
    rig.play(until=16)
    assert bars(rig, 4) == ["E4", "E5", "E4", "E5"]
    assert rig.sequencer.snapshot().parts[0].transforms == ("transpose(4)", "every 2: transpose(12)")


def test_half_time_goes_on_in_the_next_loop_and_double_time_fills_it() -> None:
    rig = Rig()
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    every(rig, 1, stretch(2))
    rig.play(until=13)
    every(rig, 1, stretch("1/2"))
    rig.play(until=20)
    assert bars(rig, 5) == ["C4 D4 E4 F4", "C4 D4", "E4 F4", "C4 D4", "C4 D4 E4 F4 C4 D4 E4 F4"]


def test_a_models_bars_are_transformed_and_it_goes_on_from_its_own() -> None:
    rig = Rig()
    rig.models_of("lead", a_model())
    every(rig, 1, transpose(12))
    rig.play(until=0)
    rig.answer("C4 D4 E4 F4")
    rig.play(until=4)
    assert bars(rig, 1) == ["C5 D5 E5 F5"]
    assert rig.models.requests[-1].primer == notes("C4 D4 E4 F4")


def test_takes_are_what_sounded_and_play_again_as_they_did() -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> notes("C4 D4 E4 F4")
        lead.every(2, reverse())
        stage.run(bars=3.5)
        up, down = notes("C4 D4 E4 F4"), notes("F4 E4 D4 C4")
        assert lead.takes == (up, down, up, down)
        lead.take(2)
        stage.run(bars=3)
        assert lead.grab(2) == notes("F4 E4 D4 C4 F4 E4 D4 C4")
        assert lead.state().transforms == ()


def test_what_sounds_is_kept_with_what_transforms_made_of_it() -> None:
    with lc.Stage(offline=True, seed=5) as stage:
        lead = stage.part("lead")
        with pytest.raises(BadInput, match="lead has played nothing yet that could be kept"):
            lead.keep()
        lead >> notes("C4 D4 E4 F4")
        lead.map(humanise())
        stage.run(bars=2.5)
        riff = lead.keep()
        assert riff == lead.takes[-1] != lead.takes[-2]
        stage.run(bars=3)
        assert stage.grab(1) == riff
        lead.undo()
        assert lead.state().transforms == ("humanise('1/32', 8)",)


def test_no_two_loops_are_humanised_alike_and_the_same_seed_gives_the_same() -> None:
    scores = []
    for seed in (1, 1, 2):
        rig = Rig(seed=seed)
        rig.plays("lead", "C4 D4 E4 F4")
        every(rig, 1, humanise())
        rig.play(until=16)
        notes_of = [[note for note in rig.tape.notes() if 4 * bar - 1 < note.beat < 4 * bar + 3] for bar in (1, 2)]
        assert [note.velocity for note in notes_of[0]] != [note.velocity for note in notes_of[1]]
        scores.append([(note.beat, note.velocity) for note in rig.tape.notes()])
    assert scores[0] == scores[1] != scores[2]


def test_undo_and_redo_cover_them() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    every(rig, 1, transpose(12))
    rig.play(until=1)
    assert rig.obey(Undo(part="lead")).words == "lead: 'transpose(12) from bar 1' is undone from bar 2"
    rig.play(until=5)
    rig.obey(Undo(part="lead", redo=True))
    rig.play(until=12)
    assert bars(rig, 3) == ["C5", "C4", "C5"]


def test_a_stop_and_a_loop_bring_back_the_plain_notes_with_their_transforms_once() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    every(rig, 1, transpose(12))
    rig.play(until=1)
    rig.obey(Act(part="lead", action=Action.STOP))
    rig.play(until=5)
    rig.obey(Act(part="lead", action=Action.LOOP))
    rig.play(until=12)
    assert bars(rig, 3) == ["C5", "", "C5"]


def test_who_listens_hears_what_sounds() -> None:
    rig = Rig()
    rig.plays("keys", "C4,E4,G4 _ _ _")
    every(rig, 1, transpose(2), part="keys")
    rig.play(until=4)
    part = rig.sequencer._parts["keys"]  # what a model over chords is given has no other door
    assert [note.pitch for note in part.excerpt(Fraction(0), Fraction(4)).notes] == [62, 66, 69]


def test_what_cannot_be_done_in_a_loop_leaves_it_as_it_is_and_says_so() -> None:
    rig = Rig()
    rig.plays("lead", "C4 D4 E4 F4 G4 A4 B4 C5")
    every(rig, 1, "slice", 4, 8)
    rig.play(until=9)
    rig.plays("lead", "C3 . . .")
    rig.play(until=24)
    assert bars(rig, 6) == ["G4 A4 B4 C5"] * 4 + ["C3", "C3"]
    assert rig.log == [
        "lead plays a loop without its transforms: slice(4, 8) lies outside a phrase of 4 beats: give beats from 0 to its length."
    ]
    assert rig.sequencer.snapshot().parts[0].trouble.startswith("plays a loop without its transforms")
    rig.obey(Plain(part="lead"))
    rig.play(until=30)
    assert rig.sequencer.snapshot().parts[0].trouble == ""


def test_a_loop_of_thousands_of_notes_is_left_as_it_is() -> None:
    rig = Rig()
    many = Phrase(tuple(Note(Fraction(place, 32), Fraction(1, 32), 60) for place in range(1100)), Fraction(36))
    rig.plays("lead", "C4")
    every(rig, 1, transpose(12))
    rig.play(until=1)
    rig.plays("lead", many)
    rig.play(until=5)
    assert rig.score("lead")[-1][1] == "C4"
    assert rig.log == ["lead plays without its transforms: its loop has 1100 notes, and 1000 are the most"]
    with pytest.raises(BadInput, match="A loop of 1100 notes is too long for transforms"):
        every(rig, 1, reverse())


def a_roll(beats: int) -> Phrase:
    """100 notes a beat."""
    return Phrase(tuple(Note(Fraction(place, 100), Fraction(1, 100), 60) for place in range(100 * beats)), Fraction(beats))


@pytest.mark.parametrize(
    ("transforms", "words"),
    [
        ((stretch(512), arpeggiate("1/64")), "An arpeggio of 131072 notes is too long: 1000 are the most"),
        ((stretch(1024), arpeggiate("1/128"), humanise()), "An arpeggio of 524288 notes is too long"),
        ((stretch(512), layer(notes("C2 D2", dur="1/8")), thin(1)), "Layers of more than 1000 notes are too long"),
    ],
)
def test_what_would_have_thousands_of_notes_on_the_way_is_refused_before_it_is_made(
    transforms: tuple[Transform, ...], words: str
) -> None:
    """Made, the longest of them would stop all parts for 22 seconds."""
    rig = Rig()
    rig.plays("lead", "C4,E4 _ _ _")
    with pytest.raises(BadInput, match=words):
        every(rig, 1, *transforms)
    rig.play(until=1)
    assert rig.score("lead", until=1) == [(0, "C4"), (0, "E4")]


def test_what_would_be_repeated_thousands_of_times_to_fill_the_loop_is_refused() -> None:
    rig = Rig()
    rig.plays("lead", Phrase(notes("C4 D4 E4 F4").notes, Fraction(2000)))
    with pytest.raises(BadInput, match="A loop of 2000 beats has no room for so many repeats: 1000 notes are the most"):
        every(rig, 1, "slice", 0, 1)


def test_a_layer_of_too_many_notes_is_refused_where_it_is_typed() -> None:
    with pytest.raises(BadInput, match="Layers of more than 1000 notes"):
        layer(a_roll(11))


def test_a_loop_that_would_have_thousands_of_notes_later_plays_as_it_is() -> None:
    rig = Rig()
    rig.plays("lead", "C4 . . .")
    every(rig, 1, stretch(512), arpeggiate("1/64"))
    rig.play(until=1)
    rig.plays("lead", "C4,E4 _ _ _")
    rig.play(until=5)
    assert rig.score("lead", until=5)[-2:] == [(4, "C4"), (4, "E4")]
    many = "An arpeggio of 131072 notes is too long: 1000 are the most, so give a longer step."
    assert rig.log == [f"lead plays a loop without its transforms: {many}"]


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (lambda lead: lead.every(4, "revers"), "There is no transform 'revers': did you mean 'reverse'"),
        (lambda lead: lead.every(4, reverse), r"^reverse is no transform: give reverse\(\)"),
        (lambda lead: lead.every(4), "There is nothing to do in the loops"),
        (lambda lead: lead.map(), "There is nothing to do in the loops"),
        (lambda lead: lead.every(0, reverse()), r"every\(0, ...\) cannot be: give a whole number"),
        (lambda lead: lead.every(reverse(), 4), r"every\(reverse\(\), ...\) cannot be|is no transform"),
        (lambda lead: lead.map("transpose"), "missing 1 required positional argument: 'semitones'"),
        (lambda lead: lead.map("transpose", "up"), r"transpose\('up'\) cannot be"),
        (lambda lead: lead.map(7), "7 is no transform: give transforms"),
        (lambda lead: lead.map("slice", 0, 9), r"slice\(0, 9\) lies outside a phrase of 4 beats"),
        (lambda lead: lead.map(layer(beat(kick="x"))), "Drums and notes cannot be one phrase"),
        (lambda lead: lead.map(to_scale()), r"to_scale\(\) needs a key"),
        (lambda lead: lead.map(to_scale("A mino")), "There is no scale 'mino': did you mean 'minor'"),
        (lambda lead: [lead.every(n, reverse()) for n in range(1, 18)], "16 transforms are as many as a part may have"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_changes_nothing(verb, words: str) -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> notes("C4 D4 E4 F4")
        with pytest.raises((BadInput, UnknownName), match=words):
            verb(lead)
        stage.run(bars=1)
        assert stage.tape.onsets()[0] in [(0, "C4"), (0, "F4")]


a_note = st.builds(
    Note, st.integers(0, 15).map(lambda place: Fraction(place, 4)), st.integers(1, 8).map(lambda n: Fraction(n, 4)),
    st.integers(40, 90),
)  # fmt: skip
phrases = st.builds(Phrase, st.lists(a_note, max_size=8).map(tuple), st.just(Fraction(4)))
verbs: list[list[object]] = [["reverse"], ["stretch", "3/2"], ["slice", 0, 1], ["humanise"], ["thin", 1], ["rotate", "1/3"]]
turns = st.sampled_from([Turn(said(words), n) for n in (1, 3) for words in verbs])


@given(phrases, st.lists(turns, max_size=4), st.integers(0, 20), st.integers(0, 20))
def test_whatever_is_done_a_loop_stays_as_long_as_it_was_and_is_the_same_whenever_asked(
    phrase: Phrase, chain: list[Turn], number: int, repeat: int
) -> None:
    loop = Loop(number, repeat, "7/lead", "")
    made = turned(phrase, chain, loop)
    assert made.length == phrase.length
    assert made == turned(phrase, chain, loop)


def test_a_candidate_and_a_play_of_plain_notes_take_them_off_or_not() -> None:
    rig = Rig()
    rig.models_of("lead", a_model())
    rig.obey(Propose(part="lead", n=1))
    every(rig, 1, transpose(12))
    rig.obey(Play(part="lead", phrase=notes("C4 . . ."), plain=True))
    rig.play(until=1)
    rig.play(until=4)
    assert bars(rig, 1) == ["C4"]
