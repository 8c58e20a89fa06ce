"""What phrases can be made into: told as scores, and what holds for all of them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import livecode as lc
from livecode.errors import BadInput, UnknownName
from livecode.music import Note, Phrase, pitch_name
from livecode.scales import SCALES, Key


def score(phrase: Phrase) -> list[tuple[float, str]]:
    return [(float(note.onset), pitch_name(note.pitch)) for note in phrase.notes]


TUNE = lc.notes("C4 E4 G4 .")

a_note = st.builds(
    Note,
    st.integers(0, 31).map(lambda place: Fraction(place, 4)),
    st.integers(1, 4).map(lambda n: Fraction(n, 4)),
    st.integers(30, 90),
    st.integers(1, 127),
)
phrases = st.builds(Phrase, st.lists(a_note, max_size=12).map(tuple), st.just(Fraction(8)))


def test_a_tune_transposed_inverted_and_backwards() -> None:
    assert score(TUNE.transpose(12)) == [(0, "C5"), (1, "E5"), (2, "G5")]
    assert score(TUNE.invert()) == [(0, "C4"), (1, "G#3"), (2, "F3")]
    assert score(TUNE.invert(64)) == [(0, "G#4"), (1, "E4"), (2, "C#4")]
    assert score(TUNE.reverse()) == [(1, "G4"), (2, "E4"), (3, "C4")]


def test_a_pitch_beyond_midi_comes_back_by_octaves() -> None:
    assert score(lc.notes("G9 C-1").transpose(2)) == [(0, "A8"), (1, "D-1")]
    assert score(lc.notes("C-1 C4").transpose(-1)) == [(0, "B-1"), (1, "B3")]


def test_a_tune_later_and_longer_and_faster() -> None:
    assert score(TUNE.rotate(1)) == [(1, "C4"), (2, "E4"), (3, "G4")]
    assert score(TUNE.rotate(-1)) == [(0, "E4"), (1, "G4"), (3, "C4")]
    assert (score(TUNE.stretch(2)), TUNE.stretch(2).length) == ([(0, "C4"), (2, "E4"), (4, "G4")], 8)
    assert (score(TUNE.stretch(0.5)), TUNE.stretch(0.5).length) == ([(0, "C4"), (0.5, "E4"), (1, "G4")], 2)


def test_a_sloppy_tune_on_the_grid_and_halfway_there() -> None:
    sloppy = Phrase((Note("1/16", 1, 60), Note("15/16", 1, 64), Note("31/8", "1/8", 67)), Fraction(4))
    assert score(sloppy.quantise()) == [(0, "C4"), (0, "G4"), (1, "E4")]
    assert [note.onset for note in sloppy.quantise(1, strength="1/2").notes] == [
        Fraction(1, 32),
        Fraction(31, 32),
        Fraction(63, 16),
    ]


def test_a_chord_as_an_arpeggio() -> None:
    chord = lc.notes("C4,E4,G4 _ C5")
    assert score(chord.arpeggiate("1/2")) == [(0, "C4"), (0.5, "E4"), (1, "G4"), (1.5, "C4"), (2, "C5")]
    assert score(chord.arpeggiate("1/2", "down")) == [(0, "G4"), (0.5, "E4"), (1, "C4"), (1.5, "G4"), (2, "C5")]
    assert score(chord.arpeggiate("1/2", "updown")) == [(0, "C4"), (0.5, "E4"), (1, "G4"), (1.5, "E4"), (2, "C5")]


def test_layers_and_slices() -> None:
    both = TUNE.layer(lc.notes("C3 G3"))
    assert score(both) == [(0, "C3"), (0, "C4"), (1, "G3"), (1, "E4"), (2, "C3"), (2, "G4"), (3, "G3")]
    assert (score(TUNE.slice(1, 3)), TUNE.slice(1, 3).length) == ([(0, "E4"), (1, "G4")], 2)


def test_the_weakest_notes_go_first() -> None:
    assert score(lc.notes("C4 D4 E4 F4", dur="1/2").thin(1)) == [(0, "C4"), (1, "E4")]


def test_notes_move_into_a_key() -> None:
    assert score(lc.notes("C#4 D#4 F#4 B4").to_scale("C major")) == [(0, "C4"), (1, "D4"), (2, "F4"), (3, "B4")]
    assert score(lc.notes("C4 F4").to_scale("A major pentatonic")) == [(0, "B3"), (1, "E4")]


def test_a_human_hand_is_never_exact_and_always_the_same() -> None:
    human = TUNE.humanise(seed=3)
    assert human == TUNE.humanise(seed=3)
    assert human != TUNE.humanise(seed=4)
    assert human.notes != TUNE.notes
    assert [note.pitch for note in human.notes] == [note.pitch for note in TUNE.notes]
    assert TUNE.humanise(0, 0) == TUNE


def test_drums_keep_their_drums() -> None:
    drums = lc.beat(kick="x..x", hat="xxxx")
    assert drums.transpose(5) == drums.invert() == drums.to_scale("C minor") == drums
    assert len(drums.layer(lc.beat(snare="..x.")).notes) == len(drums.notes) + 1


@given(phrases, st.integers(-20, 20))
def test_what_goes_up_comes_down(phrase: Phrase, semitones: int) -> None:
    assert phrase.transpose(semitones).transpose(-semitones) == phrase
    assert phrase.invert(60).invert(60) == phrase


@given(phrases)
def test_backwards_twice_is_forwards(phrase: Phrase) -> None:
    assert phrase.reverse().reverse() == phrase


@given(phrases, st.integers(1, 8), st.sampled_from([Fraction(1, 2), Fraction(2), Fraction(3, 2)]))
def test_whatever_is_stretched_or_turned_comes_back(phrase: Phrase, by: int, factor: Fraction) -> None:
    assert phrase.stretch(factor).stretch(1 / factor) == phrase
    turned = phrase.rotate(by).rotate(-by)
    assert {(note.onset, note.pitch) for note in turned.notes} == {(note.onset, note.pitch) for note in phrase.notes}
    assert phrase.slice(0, phrase.length) == phrase


@given(phrases, st.sampled_from(sorted(SCALES)), st.sampled_from("ABCDEFG"))
def test_what_is_in_a_key_stays_and_the_rest_comes_into_it(phrase: Phrase, scale: str, tonic: str) -> None:
    moved = phrase.to_scale(f"{tonic} {scale}")
    assert {note.pitch % 12 for note in moved.notes} <= set(Key.of(f"{tonic} {scale}").pitch_classes)
    assert moved.to_scale(f"{tonic} {scale}") == moved


@given(phrases, st.fractions(Fraction(1, 8), 4))
def test_a_thinned_phrase_has_so_many_notes_at_most(phrase: Phrase, most: Fraction) -> None:
    assert len(phrase.thin(most).notes) <= max(most * phrase.length, 0)
    assert set(phrase.thin(most).notes) <= set(phrase.notes) or len(phrase.thin(most).notes) < len(phrase.notes)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (lambda: TUNE.transpose("up"), r"transpose\('up'\) cannot be: give a whole number of semitones"),
        (lambda: TUNE.stretch(0), "To stretch by 0 cannot be"),
        (lambda: TUNE.stretch(10**9), "cannot be played: give it"),
        (lambda: TUNE.quantise(0), "To quantise to 0 cannot be"),
        (lambda: TUNE.quantise(1, 2), "A strength of 2 cannot be"),
        (lambda: TUNE.humanise(-1), "timing=-1 and velocity=8 cannot be"),
        (lambda: TUNE.arpeggiate(1, "sideways"), "order='sideways' cannot be"),
        (lambda: TUNE.arpeggiate("1/1000000"), "is too short for an arpeggio"),
        (lambda: TUNE.layer("C4"), "'C4' cannot be laid over a phrase"),
        (lambda: TUNE.layer(lc.beat(kick="x")), "Drums and notes cannot be one phrase"),
        (lambda: TUNE.slice(3, 9), r"slice\(3, 9\) lies outside a phrase of 4 beats"),
        (lambda: TUNE.to_scale("H minor"), "'H minor' is no key"),
        (lambda: TUNE.thin(0), "To thin to 0 cannot be"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(verb, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        verb()


def test_a_scale_that_nobody_knows_says_which_are_near() -> None:
    with pytest.raises(UnknownName, match="There is no scale 'dorain': did you mean 'dorian'"):
        TUNE.to_scale("D dorain")
