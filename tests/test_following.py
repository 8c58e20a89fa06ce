"""Following another clock, on virtual time: a master ticks as the test says, and musical time goes along."""

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import COMMIT, Rig

from livecode.commands import Continue, FollowClock, On, Pause, Restart, SetMeter, Tempo
from livecode.errors import BadInput, UnknownName
from livecode.facts import Steered
from livecode.masters import MidiMaster, State
from livecode.tempo import Meter

START, CONTINUE, STOP, TICK = (0xFA,), (0xFB,), (0xFC,), (0xF8,)


class KeyStep(Rig):
    """A rig that hears a clock named KeyStep."""

    def __init__(self, *, bpm: int = 120, now: float = 100.0, master: MidiMaster | None = None) -> None:
        super().__init__(bpm=bpm, now=now)
        self.master = master or MidiMaster()
        self.sequencer.offer("KeyStep", self.master)
        self.played = 0
        """Ticks since start."""
        self._next_tick = now
        self._noise = random.Random(1)

    def follow(self) -> str:
        return self.obey(FollowClock(source="key")).words

    def say(self, *messages: tuple[int, ...]) -> None:
        for message in messages:
            self.master.hear(self.clock.now(), message)

    def tick_for(self, beats: float, bpm: float, *, jitter: float = 0.0) -> None:
        """The master sends so many beats of ticks at this tempo; the planner goes round every 10 ms."""
        for _ in range(round(beats * 24)):
            self._go(self._next_tick)
            self.master.hear(self._next_tick + self._noise.uniform(-jitter, jitter), TICK)
            self.played += 1
            self._next_tick += 60 / 24 / bpm
        self._go(self._next_tick - 1e-4)

    def start(self) -> None:
        self.say(START)
        self.played = 0

    def quiet_for(self, seconds: float) -> None:
        self._go(self.clock.now() + seconds)
        self._next_tick = max(self._next_tick, self.clock.now())

    def _go(self, end: float) -> None:
        while self.clock.now() < end - 1e-9:
            self.sequencer.advance(self.clock.now() + COMMIT)
            self.clock.wait_until(min(end, self.clock.now() + 0.01))
        self.sequencer.advance(self.clock.now() + COMMIT)

    def off(self) -> float:
        """By how many seconds the beat that sounds differs from the master's; whole bars count as nothing."""
        time = self.sequencer.time
        theirs = self.played / 24 - 1 / 24 + (self.clock.now() - self._next_tick) / 60 * self.bpm() + 1 / 24
        bars = (float(time.beat()) - theirs) % float(time.bar(time.beat()))
        return min(bars, float(time.bar(time.beat())) - bars) * 60 / self.bpm()

    def bpm(self) -> float:
        return float(self.sequencer.time.tempo.bpm_at(self.sequencer.time.beat()))

    def follows(self) -> str:
        return self.sequencer.snapshot().follows

    def steered(self) -> int:
        return sum(isinstance(fact, Steered) for fact in self.facts)


@pytest.fixture
def rig() -> KeyStep:
    rig = KeyStep()
    rig.follow()
    return rig


def test_start_puts_beat_0_at_the_first_tick(rig: KeyStep) -> None:
    rig.tick_for(4, 100)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.quiet_for(0.0)
    assert rig.sequencer.time.running  # a clock that ticks and was never stopped is taken to run
    rig = KeyStep()
    rig.follow()
    rig.plays("lead", "C4 D4 E4 F4")
    rig.sequencer.time.started = None
    rig.start()
    rig.tick_for(8, 100)
    assert rig.off() < 0.002
    assert [name for _, name in rig.score()][:4] == ["C4", "D4", "E4", "F4"]


def test_the_first_beat_is_where_the_first_tick_is() -> None:
    rig = KeyStep(bpm=90)
    rig.follow()
    rig.say(START)
    rig.say(STOP)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.quiet_for(2)
    assert not rig.sequencer.time.running
    rig.start()
    first = rig.clock.now()
    rig.tick_for(0.2, 90)
    assert rig.sequencer.time.started == pytest.approx(first, abs=1e-6)
    rig.tick_for(8, 90)
    assert rig.off() < 0.001
    assert rig.score()[:5] == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4"), (4, "C4")]


@pytest.mark.parametrize("bpm", [40, 96.7, 121.3, 240])
def test_it_is_in_phase_within_two_bars(rig: KeyStep, bpm: float) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(8, bpm, jitter=0.005)
    for _ in range(16):
        rig.tick_for(1, bpm, jitter=0.005)
        assert rig.off() < 0.004
    assert rig.bpm() == pytest.approx(bpm, rel=0.01)
    assert rig.follows().startswith("follows KeyStep: ")
    assert " bpm, locked, phase " in rig.follows()


def test_a_steady_clock_is_steered_to_once_and_left_alone(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(8, 121.3)
    before = rig.steered()
    rig.tick_for(80, 121.3)
    assert rig.steered() - before <= 4
    assert rig.off() < 0.001


def test_a_jump_of_tempo_is_made_good_without_a_jump_of_notes(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(8, 120)
    rig.tick_for(12, 150)
    assert rig.off() < 0.002
    beats = [beat for beat, _ in rig.score("lead")]
    assert beats == [float(place) for place in range(len(beats))]


def test_a_lost_tick_is_not_felt(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(8, 120)
    rig._next_tick += 60 / 24 / 120
    rig.played += 1
    rig.tick_for(4, 120)
    assert rig.off() < 0.002


def test_stop_and_continue_in_the_middle_of_a_bar(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(6.5, 120)
    rig.say(STOP)
    rig.quiet_for(3)
    assert rig.sequencer.time.paused
    assert float(rig.sequencer.time.held) == pytest.approx(6.5, abs=0.1)
    assert "stopped" in rig.follows()
    rig.say(CONTINUE)
    rig.tick_for(6, 120)
    assert rig.off() < 0.002
    assert float(rig.sequencer.time.beat()) == pytest.approx(12.5, abs=0.01)
    assert [beat for beat, _ in rig.score()] == [float(place) for place in range(13)]


def test_a_song_position_goes_on_at_the_same_place_of_a_bar(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(6, 120)
    rig.say(STOP)
    rig.quiet_for(1)
    rig.say((0xF2, 4 * 4 + 3 * 4, 0), CONTINUE)  # the fourth beat of bar 2
    rig.played = 7 * 24
    rig.tick_for(5, 120)
    assert rig.off() < 0.002
    assert float(rig.sequencer.time.beat()) == pytest.approx(12, abs=0.01)


def test_start_while_it_plays_begins_all_loops_anew(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4 G4 A4 B4 C5")
    rig.start()
    rig.tick_for(6, 120)
    rig.say(STOP)
    rig.quiet_for(1)
    rig.start()
    rig.tick_for(9, 120)
    assert rig.off() < 0.002
    assert [name for beat, name in rig.score() if beat >= 8][:8] == ["C4", "D4", "E4", "F4", "G4", "A4", "B4", "C5"]


def test_a_clock_that_ends_leaves_the_music_at_the_last_tempo(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(12, 133)
    rig.quiet_for(4)
    assert rig.log[-1] == "KeyStep: its clock has ended, the music goes on at the last tempo."
    assert rig.follows() == "follows KeyStep: its clock has ended, the music goes on"
    assert rig.bpm() == pytest.approx(133, rel=0.005)
    assert rig.sequencer.time.running
    rig.obey(Tempo(bpm=Fraction(90)))  # there is nobody to ask any more
    rig.quiet_for(4)
    assert rig.bpm() == 90
    rig.tick_for(12, 140)
    assert rig.bpm() == pytest.approx(140, rel=0.005)


@pytest.mark.parametrize("bpm", [0.1, 3000])
def test_a_clock_at_no_tempo_is_ignored_and_said(rig: KeyStep, bpm: float) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(0.2 if bpm < 1 else 20, bpm)
    assert rig.bpm() == 120
    sentence = f"KeyStep: its clock runs at {bpm} bpm, and what is not within 10 to 999 is ignored."
    assert sentence in rig.log


@pytest.mark.parametrize(("bpm", "seconds"), [(3000, 3), (1500, 2)])
def test_ticks_that_were_ignored_are_no_places(rig: KeyStep, bpm: float, seconds: float) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(8, 120)
    rig.tick_for(seconds * bpm / 60, bpm)
    rig.tick_for(8, 120)
    for _ in range(16):
        rig.tick_for(1, 120)
        assert rig.bpm() == pytest.approx(120, rel=0.005)
    assert rig.follows() == "follows KeyStep: 120.0 bpm, locked, tempo only, until it is started, phase 0.0 ms"
    said = f"KeyStep: its clock runs at {bpm:.0f} bpm, and what is not within 10 to 999 is ignored."
    assert [sentence for sentence in rig.log if "ignored" in sentence] == [said]


def test_a_master_that_starts_after_a_silence_is_not_taken_for_a_slow_one(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(8, 120)
    rig.say(STOP)
    rig.quiet_for(3)
    rig.start()
    rig.tick_for(8, 120)
    assert rig.off() < 0.002
    assert not [sentence for sentence in rig.log if "ignored" in sentence]


def test_a_second_clock_is_said_and_ignored(rig: KeyStep) -> None:
    other = MidiMaster()
    rig.sequencer.offer("Digitone", other)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    for _ in range(40):
        rig.tick_for(0.25, 120)
        for place in range(6):
            other.hear(rig.clock.now() + place / 100, TICK)
    assert rig.log.count("Digitone sends a clock, too: KeyStep is followed.") == 1
    assert rig.follows().endswith("; the clock of Digitone is ignored")
    assert rig.bpm() == pytest.approx(120, rel=0.002)
    rig.tick_for(4, 120)
    assert "Digitone" not in rig.follows()  # it has ended
    assert rig.off() < 0.002


def test_the_tempo_is_the_masters_while_it_ticks(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(4, 120)
    with pytest.raises(BadInput, match=r"The tempo follows KeyStep: turn it there, or stage\.follow_clock\(None\) comes first"):
        rig.obey(Tempo(bpm=Fraction(90)))
    assert rig.obey(FollowClock(source="")).words == "KeyStep is not followed any more: the tempo stays"
    rig.obey(Tempo(bpm=Fraction(90)))
    rig.tick_for(8, 120)
    assert rig.bpm() == 90


def test_who_pauses_and_goes_on_is_at_the_masters_place_of_the_bar_again(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(4, 120)
    rig.obey(Pause(on=On.BEAT))
    rig.tick_for(5.3, 120)
    assert rig.sequencer.time.paused
    rig.obey(Continue())
    rig.tick_for(8, 120)
    assert rig.off() < 0.002


def test_who_pauses_waits_for_a_master_that_stands_still(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(4, 120)
    rig.say(STOP)
    rig.quiet_for(1)
    said = r"KeyStep stands still, and the music waits for it: start it there, or stage\.follow_clock\(None\) first"
    with pytest.raises(BadInput, match=said):
        rig.obey(Continue())
    rig.quiet_for(1)
    assert rig.sequencer.time.paused
    rig.say(CONTINUE)
    rig.tick_for(4, 120)
    assert rig.off() < 0.002
    rig.say(STOP)
    rig.quiet_for(1)
    rig.obey(FollowClock(source=""))
    rig.obey(Continue())
    rig.quiet_for(2)
    assert rig.sequencer.time.running
    assert [beat for beat, _ in rig.score()] == [float(place) for place in range(len(rig.score()))]


def test_first_notes_under_a_running_clock_begin_on_its_bar() -> None:
    rig = KeyStep()
    rig.follow()
    rig.start()
    rig.tick_for(5.2, 120)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.tick_for(8, 120)
    assert rig.off() < 0.002
    assert rig.score()[0] == (0, "C4")


def test_other_meters_are_in_phase_bar_by_bar(rig: KeyStep) -> None:
    rig.obey(SetMeter(meter=Meter(7, 8)))
    rig.plays("lead", "C4 D4 E4")
    rig.start()
    rig.tick_for(14, 120)
    rig.obey(Restart())
    rig.tick_for(7, 120)
    assert rig.off() < 0.002


def test_who_is_not_there_cannot_be_followed() -> None:
    with pytest.raises(UnknownName, match="There is no clock 'Key': there are none yet"):
        Rig().obey(FollowClock(source="Key"))
    with pytest.raises(UnknownName, match="There is no clock 'KayStep': did you mean 'KeyStep'"):
        KeyStep().obey(FollowClock(source="KayStep"))


def test_what_was_steered_is_so_again_after_a_crash_to_the_bit(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    for bpm in (118, 121, 133, 96):
        rig.tick_for(7, bpm, jitter=0.004)
    rig.say(STOP)
    rig.quiet_for(1)
    rig.start()
    rig.tick_for(9, 100, jitter=0.004)
    back = KeyStep(now=rig.clock.now() + 0.5)
    back.sequencer.past.recall(rig.facts, rig.clock.now())
    assert back.sequencer.time.tempo == rig.sequencer.time.tempo
    assert back.follows().startswith("follows KeyStep")
    told = rig.retold(back)
    here = min(rig.sequencer.time.beat(), back.facts[0].now) - 1
    live = [(event.beat, event.seconds) for event in rig.tape.notes() if event.beat < here]
    assert [(event.beat, event.seconds) for event in told.notes() if event.beat < here] == live


@settings(max_examples=12, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["tick", "tick", "stop", "start", "gap"]), st.floats(1, 6), st.floats(60, 200)),
        min_size=1,
        max_size=7,
    )
)
def test_whatever_a_master_does_parts_stay_together_and_time_goes_on(script: list[tuple[str, float, float]]) -> None:
    rig = KeyStep()
    rig.follow()
    rig.plays("lead", "C4 D4 E4 F4")
    rig.plays("bass", "C2 D2 E2 F2")
    rig.start()
    for what, beats, bpm in script:
        before = rig.sequencer.time.reachable()
        if what == "stop":
            rig.say(STOP)
            rig.quiet_for(beats / 4)
            rig.say(CONTINUE)
        elif what == "start":
            rig.start()
        elif what == "gap":
            rig.quiet_for(beats / 4)
        rig.tick_for(beats, bpm, jitter=0.003)
        assert rig.sequencer.time.reachable() >= before
    lead, bass = ([beat for beat, _ in rig.score(part)] for part in ("lead", "bass"))
    assert lead == bass
    assert lead == sorted(set(lead))


def test_the_journal_of_three_hours_stays_small(rig: KeyStep) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.start()
    rig.tick_for(8, 140, jitter=0.005)
    before = rig.steered()
    rig.tick_for(128, 140, jitter=0.005)
    assert (rig.steered() - before) / 128 * 140 * 180 < 25_000


def test_music_that_runs_waits_for_the_bar_of_a_clock_that_was_started() -> None:
    rig = KeyStep()
    rig.plays("lead", "C4 D4 E4 F4")
    rig.quiet_for(0.7)
    rig.start()
    rig.tick_for(5.3, 120)
    rig.follow()
    rig.tick_for(14, 120)
    assert rig.off() < 0.002
    assert "KeyStep has its bar lines elsewhere: the music waits for the next" in rig.log
    beats = [beat for beat, _ in rig.score()]
    assert beats == [float(place) for place in range(len(beats))]


def test_notes_that_come_right_after_start_wait_until_the_tempo_is_known() -> None:
    rig = KeyStep()
    rig.follow()
    rig.start()
    rig.tick_for(0.2, 133)
    rig.plays("lead", "C4 D4 E4 F4")
    assert not rig.sequencer.time.running
    rig.tick_for(12, 133)
    assert rig.off() < 0.002
    assert rig.score()[0] == (0, "C4")


def test_a_clock_that_cannot_be_looked_at_keeps_nothing_else_from_being_shown() -> None:
    class Broken(MidiMaster):
        def state(self, now: float) -> State:
            raise OSError("no network")

    rig = KeyStep(master=Broken())
    rig.plays("lead", "C4")
    rig.follow()
    shown = rig.sequencer.snapshot()
    assert shown.follows == "follows KeyStep: failed (OSError('no network'))"
    assert [part.name for part in shown.parts] == ["lead"]
