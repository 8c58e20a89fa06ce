"""The line through the card's counter, on staircases made here: no clock, no card."""

import math
import random
from dataclasses import dataclass, field

import pytest

from livecode.outputs.follower import Follower


@dataclass
class Card:
    """Renders a period at a time, drifts, and wakes late but never early; `lost` is what xruns cost it."""

    period: float
    drift: float = 0.0
    lateness: float = 0.0
    lost: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def truly_rendered(self, now: float) -> float:
        return now * (1 + self.drift) - self.lost

    def counter(self, now: float) -> float:
        late = self.chance.expovariate(1 / self.lateness) if self.lateness else 0.0
        return math.floor(self.truly_rendered(now - late) / self.period) * self.period


def followed(card: Card, follower: Follower, begin: float, end: float) -> tuple[list[float], list[float]]:
    """Observe about every 30 ms; returns the errors of a look 0.2 s ahead, and how far the line moved each time."""
    errors, moves, now = [], [], begin
    while now < end:
        moves.append(follower.observe(now, card.counter(now)))
        errors.append(follower.rendered_at(now + 0.2) - card.truly_rendered(now + 0.2))
        now += 0.03 * card.chance.uniform(0.9, 1.3)
    return errors, moves


@pytest.mark.parametrize("drift", [-0.00025, -0.0001, 0.0, 0.0001, 0.00025])
@pytest.mark.parametrize("period", [64 / 48000, 256 / 44100, 1024 / 48000])
def test_it_follows_a_drifting_card_through_its_staircase(period: float, drift: float) -> None:
    card, follower = Card(period, drift, lateness=0.0003), Follower(period)

    followed(card, follower, 0, 8)
    errors, moves = followed(card, follower, 8, 60)

    assert max(map(abs, errors)) < 0.0005 + period / 5
    assert max(map(abs, moves)) < 0.0005 + period / 5


def test_it_is_right_from_the_first_tenth_of_a_second() -> None:
    card, follower = Card(64 / 48000), Follower(64 / 48000)
    for millisecond in range(100):
        follower.observe(millisecond / 1000, card.counter(millisecond / 1000))

    assert follower.rendered_at(0.3) == pytest.approx(card.truly_rendered(0.3), abs=0.0003)


def test_an_xrun_is_followed_within_about_a_second() -> None:
    card, follower = Card(64 / 48000, lateness=0.0003), Follower(64 / 48000)
    followed(card, follower, 0, 10)
    card.lost += 0.005

    followed(card, follower, 10, 11.5)
    errors, _ = followed(card, follower, 11.5, 20)

    assert max(map(abs, errors)) < 0.0005


@pytest.mark.parametrize("lost", [0.3, 5.0, -0.3, -3600.0])
def test_a_jump_is_followed_at_once(lost: float) -> None:
    card, follower = Card(1024 / 48000), Follower(1024 / 48000)
    followed(card, follower, 0, 10)
    card.lost += lost

    _, moves = followed(card, follower, 10, 10.3)
    errors, _ = followed(card, follower, 10.3, 20)

    assert sum(moves) == pytest.approx(-lost, abs=0.02)
    assert max(map(abs, errors)) < 0.01


def test_a_single_late_look_moves_nothing() -> None:
    card, follower = Card(64 / 48000), Follower(64 / 48000)
    followed(card, follower, 0, 10)

    moved = follower.observe(11.0, card.counter(10.5))

    assert abs(moved) < 0.0003


def test_a_standing_counter_is_known_and_left_behind_when_it_moves() -> None:
    card, follower = Card(64 / 48000), Follower(64 / 48000)
    followed(card, follower, 0, 10)
    for step in range(100):
        follower.observe(10 + step * 0.03, card.counter(10))
    assert follower.standing

    card.lost += 3.0
    errors, _ = followed(card, follower, 13, 15)

    assert not follower.standing
    assert max(map(abs, errors[2:])) < 0.002


def test_a_pause_between_two_looks_is_no_long_standstill() -> None:
    card, follower = Card(64 / 48000), Follower(64 / 48000)
    followed(card, follower, 0, 10)

    follower.observe(10.1, card.counter(10))
    follower.observe(15, card.counter(10))

    assert 0 < follower.stood < 0.3
