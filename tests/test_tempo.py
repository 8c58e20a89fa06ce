from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livecode.errors import BadInput
from livecode.tempo import Meter, Swing, TempoMap, exact_bpm

bpms = st.integers(10_000, 999_000).map(lambda thousandths: Fraction(thousandths, 1000))
moments = st.integers(0, 4000).map(lambda place: Fraction(place, 16))


@st.composite
def tempo_maps(draw: st.DrawFn) -> TempoMap:
    tempo = TempoMap.steady(draw(bpms), Meter(draw(st.integers(1, 13)), draw(st.sampled_from([2, 4, 8, 16]))))
    for _ in range(draw(st.integers(0, 4))):
        at = tempo.line_after(draw(moments))
        match draw(st.integers(0, 3)):
            case 0:
                tempo = tempo.with_bpm(at, draw(bpms))
            case 1:
                tempo = tempo.with_bpm(at, draw(bpms), Fraction(draw(st.integers(1, 64))))
            case 2:
                tempo = tempo.with_meter(at, Meter(draw(st.integers(1, 13)), draw(st.sampled_from([2, 4, 8, 16]))))
            case 3:
                tempo = tempo.with_swing(at, Swing(draw(st.fractions(Fraction(1, 2), Fraction(3, 4))), Fraction(1, 4)))
    return tempo


@given(tempo_maps(), moments)
def test_beats_to_seconds_and_back(tempo: TempoMap, beat: Fraction) -> None:
    assert abs(tempo.beat_at(tempo.seconds_at(beat)) - beat) <= Fraction(2, 1_000_000)


@given(tempo_maps(), moments, moments)
def test_later_beats_sound_later_with_any_swing(tempo: TempoMap, one: Fraction, other: Fraction) -> None:
    first, second = sorted((one, other))
    assert tempo.seconds_at(first) <= tempo.seconds_at(second)
    assert tempo.sounds_at(first) <= tempo.sounds_at(second)
    assert tempo.swung(first) >= first


@given(tempo_maps(), moments)
def test_every_beat_lies_in_its_bar(tempo: TempoMap, beat: Fraction) -> None:
    line = tempo.line_before(beat)
    assert line <= beat < line + tempo.meter_at(beat).bar
    assert tempo.bar_at(line) == tempo.bar_at(beat)
    assert tempo.line_after(beat) in (line, line + tempo.meter_at(beat).bar)


def test_a_ramp_takes_the_time_of_its_integral() -> None:
    tempo = TempoMap.steady(Fraction(60)).with_bpm(Fraction(0), Fraction(120), Fraction(8))
    # The integral of 60 / (60 + 7.5 x) over [0, 8] is 8 ln 2.
    assert tempo.seconds_at(Fraction(8)) == pytest.approx(5.545177444479562)
    assert tempo.seconds_at(Fraction(10)) == pytest.approx(5.545177444479562 + 1)
    assert tempo.bpm_at(Fraction(4)) == 90


def test_bars_are_counted_through_changes_of_meter() -> None:
    tempo = TempoMap.steady(Fraction(120)).with_meter(Fraction(8), Meter(7, 8)).with_meter(Fraction(15), Meter(3, 4))
    assert [tempo.bar_at(Fraction(beat)) for beat in (0, 4, 8, Fraction(23, 2), 15, 18)] == [0, 1, 2, 3, 4, 5]
    assert tempo.line_after(Fraction(9)) == Fraction(23, 2)


def test_what_was_planned_after_a_change_is_dropped() -> None:
    tempo = TempoMap.steady(Fraction(120)).with_bpm(Fraction(8), Fraction(60)).with_bpm(Fraction(4), Fraction(90))
    assert tempo.bpm_at(Fraction(100)) == 90


def test_the_triplet_swing() -> None:
    swing = Swing(Fraction(2, 3), Fraction(1, 2))
    moved = [swing.moved(Fraction(eighth, 2), Fraction(4)) for eighth in range(5)]
    assert moved == [0, Fraction(2, 3), 1, Fraction(5, 3), 2]


def test_a_pair_that_the_bar_line_cuts_stays_straight() -> None:
    swing = Swing(Fraction(2, 3), Fraction(1, 2))
    assert swing.moved(Fraction(13, 4), Fraction(7, 2)) == Fraction(13, 4)


def test_a_ramp_is_written_in_steps_as_fine_as_it_is_steep() -> None:
    tempo = (
        TempoMap.steady(Fraction(60)).with_bpm(Fraction(1), Fraction(120), Fraction(1)).with_bpm(Fraction(8), Fraction(122), 16)
    )
    marks = tempo.marks(Fraction(0), Fraction(100))
    assert marks[:3] == [0, 1, 1 + Fraction(1, 64)]
    assert marks[64:] == [2 - Fraction(1, 64), 2, *range(8, 25)]


@pytest.mark.parametrize("bpm", [0, -1, float("nan"), float("inf"), 10**9, "fast", None, True, 9.9994])
def test_a_bpm_that_cannot_be_played_is_refused(bpm: object) -> None:
    with pytest.raises(BadInput, match="cannot be played: give a number from 10 to 999"):
        exact_bpm(bpm)  # type: ignore[arg-type]


@pytest.mark.parametrize("meter", ["4", "4/5", "0/4", "65/4", "a/b", "4/4/4", "", "-3/4", "⁴/4"])
def test_a_meter_that_nobody_writes_is_refused(meter: str) -> None:
    with pytest.raises(BadInput, match="such as"):
        Meter.of(meter)


@pytest.mark.parametrize("swing", [(0.4, 0.25), (0.8, 0.25), (0.6, 2), (0.6, 0)])
def test_a_swing_that_cannot_be_felt_is_refused(swing: tuple[float, float]) -> None:
    with pytest.raises(BadInput, match="cannot be felt"):
        Swing(Fraction(swing[0]), Fraction(swing[1]))
