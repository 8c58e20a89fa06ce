"""Phrases as text: exact, the same for the same phrase, and of nonsense what can be played."""

import re
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.music import Beats, Note, Phrase
from livecode.notation import beat, notes
from livecode.packing import Packed, packed, unpacked

lengths = st.one_of(
    st.sampled_from([Beats(1), Beats(4), Beats(7, 2), Beats(16)]), st.fractions(Beats(1, 16), Beats(40), max_denominator=10**9)
)
placed = st.builds(
    Note,
    st.one_of(st.integers(0, 15).map(lambda place: Beats(place, 4)), st.fractions(0, 40, max_denominator=10**9)),
    st.one_of(st.sampled_from([Beats(1, 4), Beats(1, 3)]), st.fractions(Fraction(1, 10**9), 9, max_denominator=10**9)),
    st.integers(0, 127),
    st.one_of(st.just(100), st.integers(1, 127)),
)


@st.composite
def phrases(draw: st.DrawFn) -> Phrase:
    length = draw(lengths)
    drawn = draw(st.lists(placed, max_size=int(min(12, 128 * length))))
    return Phrase(tuple(note for note in drawn if note.onset < length), length, draw(st.booleans()))


checked = msgspec.json.Decoder(Packed)


@given(phrases())
def test_what_is_packed_is_unpacked_exactly(phrase: Phrase) -> None:
    text = packed(phrase)
    assert checked.decode(msgspec.json.encode(text)) == text
    assert unpacked(text) == phrase


def test_a_text_is_short_and_can_be_read() -> None:
    assert packed(notes("C4 E4 _ .", dur="1/2")) == "4/2: 0 60 1, 1 64 2"
    assert packed(beat(kick="x...", hat="o.X.")) == "4/4 drums: 0 36 1, 0 42 1 60, 2 42 1 120"
    assert packed(Phrase((), Beats(4))) == "4/1:"
    odd = Phrase((Note(Beats(1, 1009), Beats(1, 7), 60), Note(Beats(1, 997), Beats(1), 61)), Beats(4))
    assert packed(odd) == "4/1: 1/1009 60 1/7, 1/997 61 1"


@given(phrases(), st.data())
def test_of_a_text_in_which_bytes_have_flipped_there_is_a_phrase_or_it_is_refused(phrase: Phrase, data: st.DataObject) -> None:
    text = list(packed(phrase))
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] = data.draw(st.sampled_from("0123456789/,: dr") | st.characters(max_codepoint=127))
    try:
        whole = checked.decode(msgspec.json.encode("".join(text)))
    except msgspec.ValidationError:
        return
    assert isinstance(unpacked(whole), Phrase)


NONSENSE = (
    *("", "4", "4/0:", "0/1:", "4/1", "4/1: 0 60", "4/1: 0 128 1", "4/1: 0 60 0", "4/1: 0 60 1 0", "4/1: 0 60 1 128"),
    *("4/1: 0 60 1,", "4/1: -1 60 1", "4/1: 0 60 1\n", "4/1: 0 60 1/0", "4/1: 0 60 " + "9" * 41, "4/1 drum: 0 60 1"),
    "4/1: 0 60 1,0 60 1",
)


@pytest.mark.parametrize("text", NONSENSE)
def test_what_is_no_phrase_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=re.escape("Expected `str` matching regex")):
        checked.decode(msgspec.json.encode(text))
