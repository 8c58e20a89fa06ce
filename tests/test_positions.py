"""Where things are said: beats in decimals, to which virtual time comes exactly."""

from collections.abc import Iterator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_invariants import perform, scripts
from test_journal import OPENING

from livecode.clock import VirtualClock
from livecode.commands import Continue, Declare, Mute, Pause, Play, SetMeter, Tempo
from livecode.errors import BadInput
from livecode.facts import Answered, Asked, Moved, Taken
from livecode.music import Beats
from livecode.notation import notes
from livecode.offline import OfflineEngine
from livecode.tempo import Meter, TempoMap
from livecode.transport import GRID, REACTION, Transport


@pytest.fixture
def engine() -> Iterator[OfflineEngine]:
    engine = OfflineEngine(OPENING)
    yield engine
    engine.close()


def in_decimals(beat: Beats) -> bool:
    return (beat * GRID).denominator == 1


@settings(deadline=None, max_examples=20)
@given(scripts)
def test_whatever_is_said_or_becomes_known_has_its_place_in_decimals(script: list) -> None:
    rig = perform(script, 0.03)
    said = [fact for fact in rig.facts if isinstance(fact, Taken | Answered | Asked)]
    assert all(in_decimals(fact.now) for fact in said)
    assert all(in_decimals(fact.at) for fact in said if not isinstance(fact, Asked))
    assert [fact.now for fact in said] == sorted(fact.now for fact in said)
    assert all(fact.pause_at is None or in_decimals(fact.pause_at) for fact in rig.facts if isinstance(fact, Moved))


@settings(deadline=None, max_examples=200)
@given(
    place=st.integers(0, 180_000_000),
    bpm=st.integers(10_000, 999_000),
    ramp=st.integers(10_000, 999_000),
    since=st.floats(0, 1e7),
    buffered=st.floats(0, 0.3),
)
def test_every_place_on_the_grid_is_come_to(place: int, bpm: int, ramp: int, since: float, buffered: float) -> None:
    clock, beat = VirtualClock(since), Fraction(place, GRID)
    tempo = TempoMap.steady(Fraction(bpm, 1000)).with_bpm(Fraction(8), Fraction(ramp, 1000), Fraction(1000))
    time = Transport(clock, tempo, lead_in=0.1, buffered=lambda: buffered)
    time.run()
    clock.wait_until(time.moment_before(beat))
    assert time.reachable() == beat
    assert time.reachable() - time.sounding() <= (REACTION + buffered) * Fraction(999, 60) + Fraction(2, GRID)


def test_what_is_said_has_the_beat_that_virtual_time_was_run_to(engine: OfflineEngine) -> None:
    engine.submit(Play(part="lead", phrase=notes("C4 D4 E4")))
    engine.submit(Tempo(bpm=Fraction(317, 3)))
    for beat in ("2.381", "2.381", "2.382", "7", "700.001"):
        engine.run_to(Fraction(beat))
        engine.submit(Mute(part="lead", muted=True))
    assert [float(fact.now) for fact in engine.facts if isinstance(fact, Taken)] == [0, 0, 2.381, 2.381, 2.382, 7, 700.001]


def test_a_beat_between_the_lines_is_the_next_line(engine: OfflineEngine) -> None:
    engine.run_to(Fraction(4, 3))
    engine.submit(Declare(part="lead"))
    assert [fact.now for fact in engine.facts if isinstance(fact, Taken)] == [Fraction("1.334")]


def test_a_rest_at_the_beginning_is_a_rest(engine: OfflineEngine) -> None:
    engine.submit(SetMeter(meter=Meter(4, 4)))
    engine.run_to(Beats(8))
    engine.submit(Play(part="lead", phrase=notes("C4 D4 E4 F4")))
    engine.run_to(Beats(12))
    assert [onset for onset in engine.tape.onsets() if onset[0] < 12] == [(8, "C4"), (9, "D4"), (10, "E4"), (11, "F4")]


def test_what_has_passed_cannot_be_run_to(engine: OfflineEngine) -> None:
    engine.submit(SetMeter(meter=Meter(4, 4)))
    engine.run_to(Fraction("9.5"))
    with pytest.raises(BadInput, match=r"^Bar 2 has passed: it is bar 3, beat 2\.5 already\.$"):
        engine.run_to(Beats(4))


def test_what_never_comes_is_said(engine: OfflineEngine) -> None:
    engine.submit(SetMeter(meter=Meter(4, 4)))
    engine.submit(Play(part="lead", phrase=notes("C4 D4 E4 F4")))
    engine.run_to(Beats(2))
    engine.submit(Pause())
    with pytest.raises(BadInput, match=r"^Bar 3 never comes, for the music is paused at bar 2: let it go on before"):
        engine.run_to(Beats(8))
    engine.submit(Continue())
    engine.run_to(Beats(8))
    assert [beat for beat, _ in engine.tape.onsets() if beat < 8] == [0, 1, 2, 3, 4, 5, 6, 7]
