"""A cable from an output back to an input, on time that the test counts; and what only looks like one."""

import heapq
from collections.abc import Callable, Iterable
from itertools import count

import pytest

from livecode.inputs import Message
from livecode.inputs.through import Passing, Way


class Output:
    """What is sent to it comes back to the input `way` seconds later, while it is plugged in. A strike lifts its key first."""

    def __init__(self, passing: Passing, *, way: float = 0.004, plugged: bool = True) -> None:
        self.way, self.plugged = way, plugged
        self.sent: list[Message] = []
        self.pings: list[Message] = []
        self.now = 0.0
        self._passing = passing
        self._coming: list[tuple[float, int, Message]] = []
        self._order = count()
        self._looked = 0.0

    def pass_on(self, part: str, message: Message) -> bool:
        self.sent.append(message)
        if message[0] & 0xF0 == 0x90:
            self._leave((0x80 | message[0] & 0x0F, message[1], 64))
        self._leave(message)
        return True

    def show(self, message: Message) -> None:
        self.pings.append(message)
        self._leave(message)

    def play(self, hand: Iterable[tuple[float, Message]], *, until: float) -> None:
        """What a hand plays, at these moments, and what comes back; the input looks every second."""
        for moment, message in hand:
            heapq.heappush(self._coming, (moment, next(self._order), message))
        while self._coming and self._coming[0][0] <= until:
            self.now, _, message = heapq.heappop(self._coming)
            while self.now > self._looked + 1:
                self._looked += 1
                self._passing.look(self._looked)
            if not self._passing.returned(message, self.now):
                self._passing.play(message, self.now)
        for moment in range(int(self._looked) + 1, int(until) + 1):
            self._looked = self.now = float(moment)
            self._passing.look(self.now)
            if self._coming:
                self.play([], until=min(until, moment + 0.999))

    def _leave(self, message: Message) -> None:
        if self.plugged:
            heapq.heappush(self._coming, (self.now + self.way, next(self._order), message))


def rig(*, way: float = 0.004, plugged: bool = True) -> tuple[Passing, Output]:
    passing = Passing()
    output = Output(passing, way=way, plugged=plugged)
    passing.ways = (Way("lead", output, 3),)
    return passing, output


@pytest.mark.parametrize("way", [0.001, 0.004, 0.045], ids=["quick", "usual", "slow"])
@pytest.mark.parametrize("message", [(0x93, 60, 100), (0xD3, 40), (0xB3, 1, 9), (0xE3, 0, 70), (0xB3, 64, 127)])
def test_whatever_goes_round_is_found_out_and_ended(way: float, message: Message) -> None:
    passing, output = rig(way=way)
    output.play([(0.1, message)], until=3)
    assert passing.looping
    assert len(output.sent) < 40
    assert [ping[0] & 0xF0 for ping in output.pings] == [0x80] * len(output.pings)


def test_nothing_hangs_when_a_loop_is_broken() -> None:
    _, output = rig()
    output.play([(0.1, (0x93, 60, 100)), (0.12, (0x93, 64, 100)), (2.0, (0x83, 60, 0))], until=3)
    for pitch in (60, 64):
        assert [message for message in output.sent if message[1] == pitch][-1] == (0x83, pitch, 64)


def test_the_alarm_ends_with_the_cable_and_the_next_key_sounds() -> None:
    passing, output = rig()
    output.play([(0.1, (0x93, 60, 100))], until=5.5)
    assert passing.looping
    output.play([(5.6, (0x93, 62, 100))], until=5.9)
    assert (0x93, 62, 100) not in output.sent
    output.plugged = False
    output.play([], until=8.5)
    assert not passing.looping
    output.play([(8.6, (0x93, 64, 100))], until=9)
    assert output.sent[-1] == (0x93, 64, 100)


def trembling(place: int) -> Message:
    return (0xD0, 60 + place % 3)


def repeated(place: int) -> Message:
    return (0x80, 60, 64) if place % 2 else (0x90, 60, 100)


@pytest.mark.parametrize("hand", [trembling, repeated])
def test_hands_are_no_cable_and_all_they_play_is_passed_on(hand: Callable[[int], Message]) -> None:
    passing, output = rig(plugged=False)
    played = [(place / 200, hand(place)) for place in range(1000)]  # 200 messages a second for five seconds
    output.play(played, until=6)
    assert not passing.looping
    assert [message[1:2] for message in output.sent] == [message[1:2] for _, message in played]
    assert len(output.pings) <= 6


def test_hands_that_tremble_into_a_loop_are_found_out_too() -> None:
    passing, output = rig()
    output.play([(place / 200, (0xD3, 60 + place % 3)) for place in range(400)], until=2.2)
    assert passing.looping


def test_ten_thousand_equal_messages_at_once_are_no_cable() -> None:
    passing, output = rig(plugged=False)
    output.play([(0.5, (0x90, 60, 100)), (0.5, (0x80, 60, 0))] * 5000, until=2)
    assert not passing.looping
    assert len(output.sent) == 10_000


def test_a_loop_of_one_output_leaves_the_other_alone() -> None:
    passing = Passing()
    cabled, other = Output(passing), Output(passing, plugged=False)
    passing.ways = (Way("lead", cabled, 0), Way("bass", other, 1))
    cabled.play([(0.1, (0x90, 60, 100)), (1.5, (0x90, 72, 80))], until=2)
    assert passing.looping
    assert (0x90, 72, 80) not in cabled.sent
    assert (0x91, 72, 80) in other.sent
