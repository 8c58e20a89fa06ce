"""MIDI clock out, on virtual time: a receiver stands where the music does, whatever happens."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from clock_ear import Receiver
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import Rig

from livecode.clock import VirtualClock
from livecode.commands import (
    AnyCommand,
    Continue,
    Hush,
    On,
    Panic,
    Pause,
    Restart,
    SendClock,
    SetMeter,
    SetSwing,
    Tempo,
)
from livecode.errors import BadInput, UnknownName
from livecode.music import Beats, Event
from livecode.outputs.pulse import ClockEvent, Pulse
from livecode.outputs.tape import Tape
from livecode.tempo import Meter, Swing


class Port:
    """A MIDI port on virtual time that keeps every message with its moment."""

    name = "Digitone"
    latency = 0.0
    trouble = ""

    def __init__(self) -> None:
        self.sent: list[tuple[float, tuple[int, ...]]] = []
        self._pulse = Pulse()
        self._clock: VirtualClock | None = None

    def pulse(self, events: Sequence[ClockEvent]) -> None:
        self._pulse.add(events)

    def withdraw_pulse(self, since: Beats) -> None:
        self._pulse.withdraw(since)

    def send_until(self, now: float) -> None:
        while (moment := self._pulse.next_moment()) is not None and moment <= now:
            self.sent += [(moment, message) for message in self._pulse.due(moment)]

    def was_away(self) -> None:
        self._pulse.rejoin()

    def messages(self) -> list[tuple[int, ...]]:
        return [message for _, message in self.sent]

    def schedule(self, events: Iterable[Event]) -> None:
        pass

    def withdraw(self, part: str | None, since: Beats) -> None:
        pass

    def silence(self, part: str | None, at: Beats) -> None:
        pass

    def follow(self) -> None:
        pass

    def close(self) -> None:
        pass


class Clocked(Rig):
    """A rig with a clocked port beside its tape."""

    def __init__(self, *, bpm: int = 120, now: float = 100.0, port: Port | None = None) -> None:
        self.port = port or Port()
        super().__init__(bpm=bpm, now=now, outputs=[self.port])

    def clock_out(self) -> None:
        self.obey(SendClock(output="digi"))

    def go_for(self, seconds: float) -> None:
        """Let time pass, as the planner does; the port sends what is due."""
        end = self.clock.now() + seconds
        while self.clock.now() < end - 1e-9:
            self.sequencer.advance(self.clock.now() + 0.2)
            self.clock.wait_until(min(end, self.clock.now() + 0.02))
            self.port.send_until(self.clock.now())

    def until(self, beat: float) -> None:
        self.sequencer.advance(self.clock.now() + 0.2)
        time = self.sequencer.time
        assert time.started is not None
        self.go_for(time.started + time.tempo.seconds_at(Fraction(beat)) - self.clock.now() + 1e-6)

    def receiver(self) -> Receiver:
        return Receiver().hear(self.port.messages())

    def ticks_of(self, beat: float) -> float:
        """When this beat falls, on the clock."""
        assert self.sequencer.time.started is not None
        return self.sequencer.time.started + self.sequencer.time.tempo.seconds_at(Fraction(beat))


@pytest.fixture
def rig() -> Clocked:
    rig = Clocked()
    rig.clock_out()
    return rig


START, CONTINUE, STOP, TICK = (0xFA,), (0xFB,), (0xFC,), (0xF8,)


def position(sixteenths: int) -> tuple[int, ...]:
    return (0xF2, sixteenths % 128, sixteenths // 128)


def test_the_first_tick_after_start_is_beat_0(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4")
    rig.until(2)
    assert rig.port.messages() == [STOP, START, *[TICK] * 49]
    assert [moment for moment, message in rig.port.sent if message == TICK] == [
        pytest.approx(rig.ticks_of(place / 24)) for place in range(49)
    ]
    assert rig.port.sent[1][0] == pytest.approx(rig.ticks_of(0) - 0.005)


def test_swing_does_not_bend_the_clock(rig: Clocked) -> None:
    rig.obey(SetSwing(swing=Swing(Fraction(2, 3), Fraction(1, 2))))
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(4)
    moments = [moment for moment, message in rig.port.sent if message == TICK]
    assert [later - earlier for earlier, later in pairwise(moments)] == [pytest.approx(0.5 / 24)] * 96


def test_a_ramp_moves_the_ticks_that_were_handed_over(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(3.9)
    rig.obey(Tempo(bpm=Fraction(60), bars=Fraction(1)))
    rig.until(12)
    moments = [moment for moment, message in rig.port.sent if message == TICK]
    assert moments == [pytest.approx(rig.ticks_of(place / 24)) for place in range(12 * 24 + 1)]
    assert rig.port.messages().count(START) == 1


def test_a_pause_stops_and_going_on_continues_at_the_place(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(3)
    rig.obey(Pause())
    rig.go_for(5)
    assert rig.port.messages() == [STOP, START, *[TICK] * 96, STOP]
    rig.obey(Continue())
    rig.until(4.5)
    assert rig.port.messages()[99:] == [position(16), CONTINUE, *[TICK] * 13]


def test_a_pause_that_is_called_off_is_never_heard(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(3.7)
    rig.obey(Pause())
    rig.go_for(0.05)
    rig.obey(Continue())
    rig.until(6)
    assert rig.port.messages() == [STOP, START, *[TICK] * (6 * 24 + 1)]


def test_after_a_pause_off_the_grid_the_receiver_goes_on_at_the_next_sixteenth(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(3.06)
    rig.obey(Pause(on=On.NOW))
    rig.go_for(1)
    held = rig.sequencer.time.held
    assert 3 < held < Fraction(13, 4)
    rig.obey(Continue())
    rig.until(4)
    at = rig.port.messages().index(STOP, 2)
    assert rig.port.messages()[at + 1 :] == [position(13), CONTINUE, *[TICK] * 19]
    assert rig.port.sent[at + 3][0] == pytest.approx(rig.ticks_of(3.25))


def test_restart_starts_the_receiver_anew_on_the_bar(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(5)
    rig.obey(Restart())
    rig.until(9)
    assert rig.port.messages() == [STOP, START, *[TICK] * (8 * 24), STOP, START, *[TICK] * 25]
    rig.obey(Pause())
    rig.go_for(5)
    rig.obey(Continue())
    rig.until(12.25)
    assert rig.port.messages()[-9:-7] == [position(16), CONTINUE]


def test_who_stops_or_panics_keeps_the_clock(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(1)
    rig.obey(Panic())
    rig.until(2)
    rig.obey(Hush())
    rig.until(6)
    assert rig.port.messages() == [STOP, START, *[TICK] * (6 * 24 + 1)]


def test_a_port_that_comes_late_joins_on_the_next_sixteenth() -> None:
    rig = Clocked()
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(1.1)
    rig.clock_out()
    rig.until(3)
    status, low, high = rig.port.messages()[1]
    assert (rig.port.messages()[0], status, rig.port.messages()[2]) == (STOP, 0xF2, CONTINUE)
    begun = Fraction(low + 128 * high, 4)
    assert 1 < begun < 2
    assert rig.receiver().history == [begun + Fraction(place, 24) for place in range(int((3 - begun) * 24) + 1)]


def test_a_clock_that_is_ended_stops_and_begins_again_at_the_place(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(1)
    assert rig.obey(SendClock(output="Digitone", off=True)).words == "Digitone gets no clock any more"
    rig.until(2)
    assert rig.port.messages() == [STOP, START, *[TICK] * 25, STOP]
    rig.clock_out()
    rig.until(4)
    assert rig.receiver().place == 4


def test_a_port_that_was_away_and_is_back_goes_on_at_the_right_place(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(2.1)
    rig.port.was_away()
    rig.until(5)
    assert rig.receiver().place == 5
    assert rig.receiver().history[51] == Fraction(9, 4)


def test_a_machine_that_stood_still_sends_no_burst(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(2)
    rig.clock.wait_until(rig.clock.now() + 3)  # nobody sends, nobody plans
    before = len(rig.port.sent)
    rig.port.sent += [(rig.clock.now(), message) for message in rig.port._pulse.due(rig.clock.now())]
    assert rig.port.messages()[before:] == [STOP]
    rig.until(10)
    assert rig.receiver().place == 10
    assert len(rig.receiver().history) < 4.5 * 24


def test_an_engine_that_comes_back_continues_on_the_bar(rig: Clocked) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.until(5)
    rig.obey(Restart())
    rig.until(10)
    back = Clocked(now=rig.clock.now() + 1.0)
    back.sequencer.past.recall(rig.facts, rig.clock.now())
    back.until(20)
    assert back.port.messages()[:3] == [STOP, position(32), CONTINUE]
    assert back.receiver().history[0] == 8
    assert back.receiver().place == 12


def test_song_positions_begin_anew_after_14_bits() -> None:
    rig = Clocked(bpm=960)
    rig.clock_out()
    rig.plays("lead", "C4")
    rig.sequencer.time.run()
    rig.sequencer.time.started = rig.clock.now() - 4097 * 60 / 960
    rig.go_for(1)
    assert rig.receiver().history[0] < 2
    assert rig.receiver().place == rig.receiver().history[0] + Fraction(len(rig.receiver().history) - 1, 24)


@pytest.mark.parametrize("output", ["", "nothing", "Digitone 2"])
def test_what_takes_no_clock_is_refused(output: str) -> None:
    with pytest.raises((BadInput, UnknownName)):
        Rig().obey(SendClock(output=output))


def test_an_output_without_a_clock_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadInput, match=r"tape takes no clock: name a MIDI port, opened with stage\.midi"):
        Rig(outputs=[Tape("tape")]).obey(SendClock(output="tape"))


COMMANDS: st.SearchStrategy[AnyCommand] = st.one_of(
    st.builds(Tempo, bpm=st.integers(40, 300).map(Fraction), bars=st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(3)])),
    st.builds(Pause, on=st.sampled_from([On.NOW, On.BEAT, On.BAR])),
    st.just(Continue()),
    st.builds(Restart, on=st.sampled_from([On.BEAT, On.BAR])),
    st.builds(SetMeter, meter=st.sampled_from([Meter(3, 4), Meter(7, 8), Meter(4, 4)])),
    st.just(Panic()),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 3), COMMANDS), max_size=8))
def test_a_receiver_is_never_anywhere_else(script: list[tuple[float, AnyCommand]]) -> None:
    """Whatever is typed when, it stands and runs where the music does, and so at the end."""
    rig = Clocked()
    rig.clock_out()
    rig.plays("lead", "C4 D4 E4")
    begun: list[Beats] = [Beats(0)]
    for seconds, command in script:
        rig.go_for(seconds)
        try:
            outcome = rig.obey(command)
        except BadInput:
            continue
        if isinstance(command, Restart):
            begun.append(outcome.beat)
    rig.go_for(5)
    time = rig.sequencer.time
    receiver = rig.receiver()
    assert receiver.running == (time.started is not None)
    if time.started is not None:
        here = time.beat_at(rig.clock.now())
        origin = max(beat for beat in begun if beat <= here)
        place = receiver.place
        assert place is not None
        assert abs(here - origin - place) < Fraction(1, 23)
