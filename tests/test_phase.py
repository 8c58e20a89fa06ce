"""The filter over another clock's ticks: where it stands, from ticks that arrive when they like."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livecode.phase import LOST_AFTER, TickFilter

BAR = 96
"""Ticks to the bar."""


class Heard:
    """A filter that hears a clock: `off` is by how many seconds it is wrong about each tick."""

    def __init__(self) -> None:
        self.filter = TickFilter()
        self.off: list[float] = []
        self.now = 100.0
        self._count = 0
        self._before = 0.0

    def ticks(
        self, count: int, bpm: float, *, jitter: float = 0.0, seed: int = 0, lost: Iterable[int] = (), shape: str = "even"
    ) -> "Heard":
        """So many ticks, each up to `jitter` seconds (a deviation, if it is "bell" shaped) too early or too late."""
        noise = random.Random(seed)
        for place in range(count):
            self.now += 60 / 24 / bpm
            late = noise.uniform(-jitter, jitter) if shape == "even" else noise.gauss(0, jitter)
            self._before = max(self._before + 1e-5, self.now + late)
            if place not in lost:
                self.filter.hear(self._before)
                heading = self.filter.heading()
                self.off.append(float("inf") if heading is None else heading.moment_of(self._count / 24) - self.now)
            self._count += 1
        return self

    def p95(self, last: int) -> float:
        return sorted(abs(off) for off in self.off[-last:])[int(0.95 * last)]


@settings(max_examples=60, deadline=None)
@given(st.floats(40, 240), st.floats(0, 0.005), st.integers(0, 2**32), st.integers(4, 12))
def test_a_jittery_clock_is_locked_within_two_bars(bpm: float, jitter: float, seed: int, bars: int) -> None:
    heard = Heard().ticks(2 * BAR, bpm, jitter=jitter, seed=seed)
    assert heard.filter.locked
    heard.ticks(bars * BAR, bpm, jitter=jitter, seed=seed + 1)
    assert heard.p95(bars * BAR) <= 0.003
    assert heard.filter.bpm == pytest.approx(bpm, rel=0.003)


@settings(max_examples=40, deadline=None)
@given(st.floats(40, 240), st.floats(0, 0.0025), st.integers(0, 2**32))
def test_jitter_with_tails_is_no_new_tempo(bpm: float, jitter: float, seed: int) -> None:
    heard = Heard().ticks(12 * BAR, bpm, jitter=jitter / 2.5, seed=seed, shape="bell")
    assert heard.p95(10 * BAR) <= 0.003


@settings(max_examples=40, deadline=None)
@given(st.floats(40, 240), st.floats(0, 0.2), st.integers(0, 2**32), st.integers(1, 3))
def test_lost_ticks_move_nothing(bpm: float, jitter: float, seed: int, count: int) -> None:
    """With jitter of up to a fifth of a tick, 2 ms at 240 bpm; beyond, what is lost cannot always be told from what is late."""
    late = jitter * 60 / 24 / bpm
    heard = Heard().ticks(4 * BAR, bpm, jitter=late, seed=seed, lost=range(200, 200 + count))
    assert abs(heard.off[-1]) < max(0.001, late)


@settings(max_examples=40, deadline=None)
@given(st.floats(60, 160), st.floats(0.6, 1.5), st.floats(0, 0.001), st.integers(0, 2**32))
def test_a_new_tempo_is_locked_within_two_bars(bpm: float, factor: float, jitter: float, seed: int) -> None:
    heard = Heard().ticks(3 * BAR, bpm, jitter=jitter, seed=seed)
    heard.ticks(2 * BAR, bpm * factor, jitter=jitter, seed=seed)
    heard.ticks(2 * BAR, bpm * factor, jitter=jitter, seed=seed)
    assert heard.p95(2 * BAR) <= 0.003


def test_a_ramp_is_gone_along_with() -> None:
    heard = Heard().ticks(4 * BAR, 100)
    for step in range(200):
        heard.ticks(3, 100 + step / 10, jitter=0.0005, seed=step)
    assert heard.p95(500) < 0.004


def test_a_single_tick_that_comes_late_is_no_news() -> None:
    heard = Heard().ticks(4 * BAR, 120)
    heard.now += 0.012
    heard.ticks(1, 120)
    heard.now -= 0.012
    heard.ticks(BAR, 120)
    assert abs(heard.off[-1]) < 0.001


@pytest.mark.parametrize("stood", [0.03, 0.07, 0.12, 0.2, 0.4, 0.8])
def test_ticks_that_a_machine_which_stood_still_hands_over_in_a_burst_are_no_new_tempo(stood: float) -> None:
    heard = Heard().ticks(4 * BAR, 121.3, jitter=0.0005)
    back = heard.now + stood
    for place in range(BAR):
        heard.now += 60 / 24 / 121.3
        heard.filter.hear(max(heard.now, back + place * 1e-4))
        heading = heard.filter.heading()
        assert heading is not None
        assert heading.bpm == pytest.approx(121.3, rel=0.02)
        assert abs(heading.moment_of((4 * BAR + place) / 24) - heard.now) < 0.002


def test_start_counts_from_0_on_whatever_grid_it_comes() -> None:
    heard = Heard().ticks(4 * BAR, 120)
    heard.filter.next_is(0)
    heard._count = 0
    heard.now += 0.007
    heard.ticks(BAR, 120, jitter=0.001)
    assert heard.filter.count == BAR - 1
    assert heard.p95(BAR - 24) < 0.002


@pytest.mark.parametrize("bpm", [0.1, 1, 9])
def test_a_clock_that_is_too_slow_is_refused(bpm: float) -> None:
    heard = Heard().ticks(30, bpm)
    assert (heard.filter.refused, heard.filter.heading()) == (True, None)
    assert heard.filter.bpm == pytest.approx(bpm)


@pytest.mark.parametrize("bpm", [1100, 3000, 20000])
def test_a_clock_that_is_too_fast_is_refused(bpm: float) -> None:
    heard = Heard().ticks(200, bpm)
    assert (heard.filter.refused, heard.filter.heading()) == (True, None)
    assert heard.filter.bpm == pytest.approx(bpm)


def test_a_clock_ends_and_begins_anew_at_another_tempo() -> None:
    heard = Heard().ticks(BAR, 120)
    assert not heard.filter.ended(heard.now + LOST_AFTER / 2)
    assert heard.filter.ended(heard.now + LOST_AFTER * 1.1)
    heard.now += 30
    heard.ticks(2 * BAR, 90)
    assert heard.filter.bpm == pytest.approx(90)
    assert heard.filter.locked


@given(st.lists(st.one_of(st.floats(0, 3), st.just(0.0), st.floats(0, 1e-6)), max_size=300))
def test_no_ticks_whatever_are_too_strange(gaps: list[float]) -> None:
    heard, now = TickFilter(), 0.0
    for gap in gaps:
        now += gap
        heard.hear(now)
        heading = heard.heading()
        assert heading is None or 10 <= heading.bpm <= 999
