"""What phrases, parts and stages look like."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import livecode as lc
from livecode.music import pitch_name
from livecode.ui.pictures import MOST_ROWS, choice, plot, roll, svg, svg_plot

Cell = Callable[[str], str]


def test_a_melody_is_a_piano_roll(cell: Cell) -> None:
    assert cell('notes("C4 E4 . E4 E4,G4 _")').splitlines() == [
        "6 beats, 5 notes",
        " G4                 ████████",
        "F#4",
        " F4",
        " E4     ████    ███▌████████",
        "D#4",
        " D4",
        "C#4",
        " C4 ████",
        "    1   2   3   4   5   6",
    ]


def test_drums_are_shown_as_they_are_written(cell: Cell) -> None:
    assert cell('beat(kick="x...x..o", hat="x.X.x.X.")').splitlines() == [
        "2 beats, 7 strokes",
        " hat x.X.|x.X.",
        "kick x...|x..o",
        "     1    2",
    ]


def test_silence_is_said(cell: Cell) -> None:
    assert cell("lc.silence(4)") == "4 beats of silence"


def test_what_is_too_long_is_shown_from_its_beginning() -> None:
    drawn = roll(lc.notes("C4 E4 " * 40), 60)
    assert drawn.startswith("80 beats, 80 notes (shown: the first 12 beats)")
    assert max(len(line) for line in drawn.splitlines()) <= 60


def test_a_wide_range_takes_several_pitches_a_row() -> None:
    scale = lc.notes(" ".join(f"{name}{octave}" for octave in range(1, 8) for name in "CDEFGAB"))
    assert len(roll(scale).splitlines()) <= MOST_ROWS + 2


def test_over_a_wide_range_there_are_rows_for_what_sounds() -> None:
    rows = roll(lc.notes("C2 G2 E5 C5")).splitlines()[1:-1]
    assert [row.split()[0] for row in rows] == ["E5", "C5", "G2", "C2"]


def test_without_unicode_there_are_letters_only() -> None:
    assert roll(lc.notes("C4 C4"), ascii_only=True).splitlines()[1] == "C4 ###=####"


def test_a_plot_shows_every_pitch_and_all_beats_and_how_loud_they_are(cell: Cell) -> None:
    drawn = cell('notes("C3 . C6 . " * 8).plot()').splitlines()
    assert drawn[0] == "32 beats, 16 notes"
    assert [row.split()[0] for row in drawn[1:38]] == [pitch_name(pitch) for pitch in range(84, 47, -1)]
    assert drawn[38].split() == ["7"] * 8
    assert drawn[39].split() == [str(beat) for beat in range(1, 17)]
    assert drawn[40] == ""
    assert drawn[-1].split()[0] == "17"


def test_a_plot_of_drums_keeps_all_its_lines() -> None:
    drawn = plot(lc.beat(kick="x...", hat="..x." * 8).plot(), 40).splitlines()
    assert [row.split()[0] for row in drawn if row and not row.strip()[0].isdigit()] == ["hat", "kick"] * 2


phrases = st.builds(
    lambda notes, drums: lc.Phrase(tuple(notes), Fraction(8), drums),
    st.lists(
        st.builds(
            lc.Note,
            st.fractions(0, Fraction(63, 8), max_denominator=24),
            st.fractions(Fraction(1, 24), 9, max_denominator=24),
            st.integers(0, 127),
            st.integers(1, 127),
        ),
        max_size=40,
    ),
    st.booleans(),
)


@given(phrases, st.integers(1, 120))
@settings(max_examples=150, deadline=None)
def test_any_phrase_fits_any_width(phrase: lc.Phrase, width: int) -> None:
    for drawn in (roll(phrase, width), plot(phrase.plot(), width)):
        assert all(len(row) <= max(width, 24) for row in drawn.splitlines()[1:])
    ElementTree.fromstring(svg_plot(phrase.plot()))


@given(phrases)
@settings(max_examples=50, deadline=None)
def test_a_plot_leaves_no_pitch_out(phrase: lc.Phrase) -> None:
    melody = lc.Phrase(phrase.notes, phrase.length)
    rows = [row.split(maxsplit=1) for row in plot(melody.plot(), 30).splitlines()[1:] if "█" in row]
    drawn = {name for name, _ in rows}
    assert {pitch_name(note.pitch) for note in melody.notes} <= drawn


def test_a_part_plots_what_it_has_played(shell: Any, cell: Cell) -> None:
    cell('lead >> notes("C4 E4")')
    shell.user_ns["stage"].run(bars=2)
    assert cell("lead.plot(1)").splitlines() == [
        "4 beats, 4 notes",
        " E4     ████    ████",
        "D#4",
        " D4",
        "C#4",
        " C4 ████    ████",
        "    7   7   7   7",
        "    1   2   3   4",
    ]


@given(st.lists(phrases, min_size=1, max_size=9), st.integers(24, 200))
@settings(max_examples=50, deadline=None)
def test_any_candidates_fit_any_width_and_show_where_they_begin(found: list[lc.Phrase], width: int) -> None:
    rows = choice(found, width).splitlines()
    assert max(map(len, rows)) <= width
    drawn = sum(row.count("█") for row in rows)
    assert drawn >= sum(bool(phrase.notes) for phrase in found)


def test_candidates_are_shown_with_the_number_to_pick(cell: Cell) -> None:
    shown = cell("lead >> melody_rnn(bars=1, primer=None, seed=3)\nlead.candidates(3)").splitlines()
    heads = " ".join(row for row in shown if "note" in row and "|" not in row)
    assert all(f" {number} " in heads for number in (1, 2, 3))


def test_a_part_shows_its_state_and_its_notes(shell: Any, cell: Cell) -> None:
    cell('lead >> notes("C4 E4")')
    shell.user_ns["stage"].run(bars=1)
    assert cell("lead").splitlines() == [
        "lead: loops 1/2 bar",
        "  2 beats, 2 notes",
        "   E4     ████",
        "  D#4",
        "   D4",
        "  C#4",
        "   C4 ████",
        "      1   2",
    ]


def test_a_stage_shows_a_table_of_its_parts(shell: Any, cell: Cell) -> None:
    cell('drums >> beat(kick="x...")\nlead >> notes("C4 E4")\nlead.set(program="Vibraphone", gain=0.5)\nlead.mute()')
    shell.user_ns["stage"].run(bars=1)
    assert cell("stage").splitlines() == [
        "bar 2, beat 1 · 120 bpm · 4/4",
        "part   does           sound",
        "drums  loops 1/4 bar",
        "lead   loops 1/2 bar  muted, Vibraphone, gain 0.5",
        "output: the tape only",
    ]


def test_repr_stays_short_in_logs_and_within_other_things(shell: Any, cell: Cell) -> None:
    assert cell('[notes("C4")]') == "[<phrase of 1 beats: 0 C4>]"
    assert repr(lc.notes("C4")) == "<phrase of 1 beats: 0 C4>"
    assert cell('repr(notes("C4"))') == "'<phrase of 1 beats: 0 C4>'"


def test_notebooks_get_a_picture(shell: Any) -> None:
    shown, _ = shell.display_formatter.format(lc.beat(kick="x...", hat="xxxx"))
    drawing = ElementTree.fromstring(shown["image/svg+xml"])
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawing.findall(f"{space}rect")) == 5
    assert [text.text for text in drawing.findall(f"{space}text")] == ["1", "kick", "hat"]


@pytest.mark.parametrize("length", [4096])
def test_half_an_hour_of_notes_is_drawn_in_part(length: int) -> None:
    long = lc.Phrase(tuple(lc.Note(Fraction(beat), Fraction(1), 60) for beat in range(length)), Fraction(length))
    assert len(svg(long)) < 200_000
    assert len(roll(long)) < 500
