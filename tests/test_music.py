import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import livecode as lc
from livecode.music import Note, Phrase, beats

sixteenths = st.integers(0, 63).map(lambda place: Fraction(place, 4))
a_note = st.builds(Note, sixteenths, st.integers(1, 32).map(lambda n: Fraction(n, 4)), st.integers(0, 127), st.integers(1, 127))
a_phrase = st.builds(Phrase, st.lists(a_note, max_size=20).map(tuple), st.just(Fraction(16)))


def score(phrase: Phrase) -> list[tuple[float, float, int]]:
    return [(float(note.onset), float(note.duration), note.pitch) for note in phrase.notes]


def test_a_phrase_sorts_its_notes_and_lets_none_ring_past_its_end_or_into_its_own_pitch() -> None:
    two = Fraction(2)
    phrase = Phrase((Note(two, two, 60), Note(Fraction(0), Fraction(3), 60), Note(Fraction(3), Fraction(9), 64)), Fraction(4))
    assert score(phrase) == [(0, 2, 60), (2, 2, 60), (3, 1, 64)]


def test_of_two_notes_at_once_on_one_pitch_the_longer_stays() -> None:
    phrase = Phrase((Note(Fraction(0), Fraction(1), 60), Note(Fraction(0), Fraction(3), 60)), Fraction(4))
    assert score(phrase) == [(0, 3, 60)]


@given(a_phrase, st.lists(sixteenths, max_size=8))
def test_between_is_half_open_no_note_twice_or_never(phrase: Phrase, cuts: list[Fraction]) -> None:
    marks = [Fraction(0), *sorted(cuts), Fraction(48)]
    pieces = [note for begin, end in itertools.pairwise(marks) for note in phrase.between(begin, end)]
    assert pieces == list(phrase.between(Fraction(0), Fraction(48)))
    assert len(pieces) == 3 * len(phrase.notes)


@given(a_phrase, st.integers(0, 64), st.integers(0, 48))
def test_within_a_range_pitch_classes_stay(phrase: Phrase, low: int, width: int) -> None:
    kept = phrase.within(low, low + 11 + width)
    assert all(low <= note.pitch <= low + 11 + width for note in kept.notes)
    assert {note.pitch % 12 for note in kept.notes} == {note.pitch % 12 for note in phrase.notes}


def test_beats_may_be_typed_as_numbers() -> None:
    phrase = Phrase((Note(0, 0.5, 60), Note(0.5, "1/3", 62)), 4)  # type: ignore[arg-type]
    assert all(type(beats) is Fraction for note in phrase.notes for beats in (note.onset, note.duration))
    assert type(phrase.length) is Fraction


def test_thinning_leaves_the_strong_beats() -> None:
    phrase = lc.notes("C4 D4 E4 F4 G4 A4 B4 C5", dur="1/2").thin(Fraction(1))
    assert [float(note.onset) for note in phrase.notes] == [0, 1, 2, 3]


def test_the_last_beats_of_a_phrase() -> None:
    assert score(lc.notes("C4 D4 E4 F4").last(Fraction(2))) == [(0, 1, 64), (1, 1, 65)]
    assert lc.notes("C4").last(Fraction(8)) == lc.notes("C4")


@pytest.mark.parametrize("value", ["x", None, float("nan"), float("inf"), "1/0", []])
def test_what_is_no_number_of_beats_is_refused(value: object) -> None:
    with pytest.raises(lc.BadInput, match="is no number of beats"):
        beats(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"onset": Fraction(-1)}, "beat -1"),
        ({"duration": Fraction(0)}, "lasts 0"),
        ({"pitch": 128}, "pitch 128"),
        ({"velocity": 0}, "velocity 0"),
        ({"velocity": 99.5}, "velocity 99.5"),
        ({"pitch": "C4"}, "pitch 'C4'"),
        ({"onset": "x"}, "'x' is no number of beats"),
    ],
)
def test_a_note_outside_midi_is_refused(change: dict[str, Fraction], words: str) -> None:
    with pytest.raises(lc.BadInput, match=words):
        Note(**{"onset": Fraction(0), "duration": Fraction(1), "pitch": 60, **change})


def test_a_phrase_without_length_or_with_a_note_beyond_it_is_refused() -> None:
    with pytest.raises(lc.BadInput, match="A phrase of 0 beats cannot be played"):
        Phrase((), Fraction(0))
    with pytest.raises(lc.BadInput, match="make the phrase longer"):
        Phrase((Note(Fraction(4), Fraction(1), 60),), Fraction(4))


# The notations


def test_notes_hold_rest_and_sound_together() -> None:
    assert score(lc.notes("C4,E4 _ | . G4")) == [(0, 2, 60), (0, 2, 64), (3, 1, 67)]


def test_rows_of_a_beat_repeat_until_they_meet() -> None:
    phrase = lc.beat(kick="x..", hat="x.", step="1/2")
    assert phrase.length == 3
    assert [float(note.onset) for note in phrase.notes if note.pitch == 36] == [0, 1.5]
    assert [float(note.onset) for note in phrase.notes if note.pitch == 42] == [0, 1, 2]


def test_accents_and_ghosts() -> None:
    assert [note.velocity for note in lc.beat(snare="Xxo.|").notes] == [120, 100, 60]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda: lc.notes("C4 H4"), r"Note 2 \(character 4\): 'H4' is no note"),
        (lambda: lc.notes("C4 E4,X G4"), r"Note 2 \(character 4\): 'X' is no note"),
        (lambda: lc.notes("C99"), r"Note 1 .* outside MIDI's pitches"),
        (lambda: lc.notes("  | "), "There are no notes"),
        (lambda: lc.notes(60), "60 is no text of notes"),
        (lambda: lc.beat(kick=5), "kick=5 is no pattern"),
        (lambda: lc.notes("C4", dur="1/100000"), "A phrase of 1/100000 beats cannot be played"),
        (lambda: lc.notes("C4", dur=1e9), "A phrase of 1000000000 beats cannot be played"),
        (lambda: lc.notes("C4 " * 1000, dur="1/500"), "1000 notes in 2 beats cannot be played"),
        (lambda: lc.notes("C4", dur=0), "is no length of a note"),
        (lambda: lc.beat(kick="x.z."), "kick='x.z.' has 'z' at character 3"),
        (lambda: lc.beat(kick=""), "has no steps"),
        (lambda: lc.beat(), "at least one drum"),
        (lambda: lc.beat(kik="x..."), "There is no drum 'kik': did you mean 'kick'"),
        (lambda: lc.beat(kick="x" * 101, hat="x" * 103), "bring their lengths closer"),
        (lambda: lc.beat(kick="x", step=-1), "is no length of a step"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(given, words: str) -> None:
    with pytest.raises(lc.BadInput, match=words) as refusal:
        given()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("violn", "did you mean 'Violin'"),
        ("piano", "could be any of"),
        (0, "from 1 to 128"),
        (129, "from 1 to 128"),
        (1.5, "neither"),
    ],
)
def test_an_unknown_program_is_refused_with_the_closest_names(program: object, words: str) -> None:
    from livecode.gm import program_number

    with pytest.raises(lc.BadInput, match=words):
        program_number(program)  # type: ignore[arg-type]
