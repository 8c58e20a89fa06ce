"""Pausing, going on, beginning anew: told as scores."""

from fractions import Fraction
from itertools import pairwise

import pytest
from rig import Rig, a_model

from livecode.commands import Adjust, Continue, On, Pause, Restart
from livecode.errors import BadInput
from livecode.tempo import Taps


def lets_time_pass(rig: Rig, seconds: float) -> None:
    """In which nothing plays."""
    until = rig.clock.now() + seconds
    while rig.clock.now() < until:
        rig.sequencer.advance(rig.clock.now() + 0.2)
        rig.clock.wait_until(rig.clock.now() + 0.025)


def test_a_pause_is_on_the_bar_and_music_goes_on_from_there(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4 G4 A4 B4 C5")
    rig.play(until=1)
    assert rig.obey(Pause()).words == "pauses at bar 2"
    lets_time_pass(rig, 5)
    assert rig.tape.onsets() == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4")]
    assert (rig.sequencer.snapshot().paused, rig.sequencer.snapshot().bar) == (True, 2)
    rig.obey(Continue())
    rig.play(until=8)
    assert rig.score() == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4"), (4, "G4"), (5, "A4"), (6, "B4"), (7, "C5")]
    seconds = [note.seconds for note in rig.tape.notes()][:8]
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    assert gaps[:3] == pytest.approx([0.5] * 3)
    assert gaps[3] > 3
    assert gaps[4:] == pytest.approx([0.5] * 3)


def test_going_on_never_shows_an_earlier_beat(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    rig.obey(Pause())
    lets_time_pass(rig, 5)
    rig.obey(Continue())
    assert rig.sequencer.snapshot().beats == 4


def test_a_pause_now_ends_what_sounds(rig: Rig) -> None:
    rig.plays("pad", "C4 _ _ _ _ _ _ _")
    rig.play(until=1)
    at = rig.obey(Pause(on=On.NOW)).beat
    lets_time_pass(rig, 2)
    assert [note.end_beat for note in rig.tape.notes()] == [at]


def test_what_is_typed_in_a_pause_is_heard_after_it(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.play(until=1)
    rig.obey(Pause())
    lets_time_pass(rig, 3)
    rig.plays("lead", "D4 . . .")
    rig.obey(Continue())
    rig.play(until=8)
    assert rig.score() == [(0, "C4"), (4, "D4")]


def test_going_on_before_the_pause_has_come_calls_it_off(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.play(until=1)
    rig.obey(Pause())
    rig.obey(Continue())
    rig.play(until=8)
    assert rig.score() == [(0, "C4"), (4, "C4")]
    with pytest.raises(BadInput, match="Nothing is paused"):
        rig.obey(Continue())


def test_loops_begin_anew_together(rig: Rig) -> None:
    rig.plays("a", "C4 . . . D4 . . . E4 . . .")
    rig.plays("b", "C2 . . . D2 . . .")
    rig.play(until=5)
    rig.obey(Restart())
    rig.play(until=12)
    assert rig.score("a") == [(0, "C4"), (4, "D4"), (8, "C4")]
    assert rig.score("b") == [(0, "C2"), (4, "D2"), (8, "C2")]


def test_taps_make_a_tempo_and_a_long_gap_begins_anew() -> None:
    taps = Taps()
    assert [taps.hit(moment) for moment in (0, 0.6, 1.2, 1.81)] == [None, None, None, Fraction(100)]
    assert taps.hit(10) is None
    assert taps.count == 1


def test_a_pause_within_the_lead_in_is_a_pause(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.obey(Pause())
    lets_time_pass(rig, 2)
    assert rig.sequencer.snapshot().paused
    rig.obey(Adjust(part="lead", gain=0.5))
    assert not rig.sequencer.snapshot().running
    rig.obey(Continue())
    rig.play(until=4)
    assert rig.score() == [(0, "C4")]


def test_a_pause_called_off_at_the_last_moment_ends_nothing(rig: Rig) -> None:
    rig.plays("pad", "C4 _ _ _ _ _ _ _")
    rig.play(until=1)
    rig.obey(Pause())
    rig.play(until=3.8)  # the outputs know of it already
    rig.obey(Continue())
    rig.play(until=8)
    assert rig.tape.notes()[0].end_beat == 8


def test_takes_are_kept_once_over_a_pause(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.play(until=1)
    rig.plays("lead", "D4 . . .")
    rig.obey(Pause())
    lets_time_pass(rig, 3)
    rig.obey(Continue())
    rig.play(until=12)
    assert [take.notes[0].pitch for take in rig.sequencer.takes("lead")] == [60, 62]


def test_beginning_anew_loses_nothing_that_is_to_come(rig: Rig) -> None:
    rig.plays("a", "C4 . . . D4 . . .")
    rig.models_of("a", a_model())
    rig.play(until=1)
    rig.answer("G4 . . .")
    rig.obey(Restart())
    rig.play(until=12)
    assert rig.score("a") == [(0, "C4"), (4, "C4"), (8, "G4")]
