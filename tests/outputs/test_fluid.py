"""FluidSynth live, on JACK's dummy driver: what was recorded is what would have been heard."""

import threading
from dataclasses import replace

import jackd
import pytest
from performance import ORGAN, Performance, Score, beat

from livecode.clock import SystemClock
from livecode.outputs.fluid import FluidOutput

pytestmark = [pytest.mark.fluidsynth, pytest.mark.jack]


def test_every_note_sounds_once_and_in_order(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule(score.notes("drums", range(10)))

    performance.play(11)

    assert performance.heard() == list(range(10))
    assert (output.played, output.dropped) == (10, 0)


def test_withdrawn_notes_are_not_heard_and_the_others_once(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule(score.notes("drums", range(14)))
    output.schedule(score.notes("other", (11,)))

    performance.play(15, {3.5: lambda: output.withdraw("drums", beat(8)), 4.5: lambda: output.withdraw("drums", beat(7))})

    assert performance.heard() == [0, 1, 2, 3, 4, 5, 6, 11]


def test_withdrawing_from_all_parts(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule(score.notes("drums", range(0, 10, 2)))
    output.schedule(score.notes("other", range(1, 10, 2)))

    performance.play(11, {2.5: lambda: output.withdraw(None, beat(5))})

    assert performance.heard() == [0, 1, 2, 3, 4]


def test_a_mute_and_a_new_plan(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule(score.notes("drums", range(12)))

    def mute_and_replan() -> None:
        output.withdraw("drums", beat(6))
        output.silence("drums", beat(5))
        output.schedule(score.notes("drums", (8, 9)))

    performance.play(13, {4.5: mute_and_replan})

    assert performance.heard() == [0, 1, 2, 3, 4, 5, 8, 9]


def test_a_sounding_note_keeps_its_own_end_after_a_withdraw(performance: Performance) -> None:
    score, output = performance.score, performance.output
    organ = [score.program("organ", -1, ORGAN), score.note("organ", 0, channel=0, pitch=60, steps=8)]
    output.schedule([*organ, score.note("organ", 17.5, channel=0, pitch=64, steps=2)])

    performance.play(20, {3: lambda: output.withdraw("organ", beat(1))})

    assert performance.loudness(6) > 0.01
    assert performance.loudness(18) < 0.0001
    assert performance.falls_silent()


def test_a_restruck_pitch_is_not_cut_by_the_end_of_the_note_before(performance: Performance) -> None:
    score, output = performance.score, performance.output
    first = score.note("organ", 0, channel=0, pitch=60, steps=5)
    second = score.note("organ", 3, channel=0, pitch=60, steps=9)
    output.schedule([score.program("organ", -1, ORGAN), first, second])

    performance.play(23)

    assert performance.loudness(9) > 0.5 * performance.loudness(1)
    assert performance.loudness(21) < 0.0001


def test_a_replanned_pitch_is_not_cut_by_the_end_of_the_note_before(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule([score.program("organ", -1, ORGAN), score.note("organ", 0, channel=0, pitch=60, steps=6)])

    def replan() -> None:
        output.withdraw("organ", beat(3))
        output.schedule([score.note("organ", 4, channel=0, pitch=60, steps=8)])

    performance.play(23, {2: replan})

    assert performance.loudness(9) > 0.5 * performance.loudness(1)
    assert performance.loudness(21) < 0.0001


def test_repeated_notes_of_one_pitch_are_all_heard(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule([score.note("drums", step, steps=2) for step in range(10)])

    performance.play(12)

    assert performance.heard() == list(range(10))


def test_silence_ends_what_sounds_and_leaves_what_is_planned(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule([score.program("organ", -1, ORGAN), score.note("organ", 0, channel=0, pitch=60, steps=12)])
    output.schedule([score.control("organ", 1, 64, 127, channel=0), score.note("organ", 9, channel=0, pitch=60, steps=5)])

    performance.play(16, {4: lambda: output.silence("organ", beat(4))})

    assert performance.loudness(2) > 0.01
    assert performance.loudness(7.5) < 0.0001
    assert performance.loudness(13) > 0.01  # the first note's planned end, at 12, does not cut this one


def test_a_release_ends_what_rings_but_not_what_begins_with_it(performance: Performance) -> None:
    score, output = performance.score, performance.output
    long = score.note("organ", 0, channel=0, pitch=60, steps=24)
    output.schedule([score.program("organ", -1, ORGAN), long])
    output.schedule([score.release("organ", 6), score.note("organ", 6, channel=0, pitch=64, steps=3)])

    performance.play(20)

    assert performance.loudness(4) > 0.01
    assert performance.loudness(8) > 0.01  # E4, which began with the release
    assert performance.loudness(18) < 0.0001  # and C4, which was to last longer, is over
    assert performance.falls_silent()


def test_a_release_of_one_pitch_ends_that_key_and_can_be_withdrawn(performance: Performance) -> None:
    score, output = performance.score, performance.output
    high, low = (score.note("organ", 0, channel=0, pitch=pitch, steps=24) for pitch in (67, 48))
    again = score.note("organ", 12, channel=0, pitch=67, steps=3)
    output.schedule([score.program("organ", -1, ORGAN), high])
    output.schedule([replace(score.release("organ", 3), pitch=67), replace(score.release("organ", 9), pitch=67), low])

    performance.play(16, {1: lambda: output.withdraw("organ", beat(8)), 11: lambda: output.schedule([again])})

    assert performance.loudness(2) > 1.2 * performance.loudness(6) > 0.01
    assert performance.loudness(13) > 1.2 * performance.loudness(10) > 0.01  # struck again, it is not cut


def test_a_withdrawn_release_ends_nothing(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule([score.program("organ", -1, ORGAN), score.note("organ", 0, channel=0, pitch=60, steps=10)])
    output.schedule([score.release("organ", 4)])

    performance.play(19, {2: lambda: output.withdraw("organ", beat(3))})

    assert performance.loudness(7) > 0.5 * performance.loudness(1)
    assert performance.loudness(18) < 0.0001


def test_panic_cuts_everything_at_once(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule([score.program("organ", -1, ORGAN), score.note("organ", 0, channel=0, pitch=60, steps=90)])
    output.schedule([score.note("piano", 1, channel=1, pitch=40, steps=90), score.control("piano", 1, 64, 127, channel=1)])

    def panic() -> None:
        output.withdraw(None, beat(0))
        output.silence(None, beat(4))

    performance.play(7, {4: panic})

    assert output.sounding() == 0
    assert performance.loudness(3) > 0.01
    assert performance.loudness(5) < 0.0001


def test_two_parts_on_the_drum_channel_have_each_their_volume(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule([score.control("soft", -1, 7, 50), score.control("loud", -1, 7, 127)])
    output.schedule([*score.notes("soft", (0, 2, 4)), *score.notes("loud", (1, 3, 5))])

    performance.play(7)

    assert performance.heard() == [0, 1, 2, 3, 4, 5]
    assert performance.loudness(2) < 0.25 * performance.loudness(3)


def test_a_part_may_change_between_drums_and_melody(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule([score.note("part", 0), score.note("part", 2, channel=0, pitch=100), score.note("part", 4)])

    performance.play(6)

    assert performance.heard() == [0, 2, 4]


def test_a_little_late_is_played_and_much_too_late_is_dropped(performance: Performance) -> None:
    score, output = performance.score, performance.output

    def come_late() -> None:
        output.schedule([score.note("drums", 1), score.note("drums", 3.875), score.note("drums", 6)])

    performance.play(8, {4: come_late})

    assert performance.heard() == [4, 6]
    assert (output.played, output.dropped) == (2, 1)


def test_what_is_planned_waits_no_longer_after_close(performance: Performance) -> None:
    score, output = performance.score, performance.output
    output.schedule(score.notes("drums", range(10)))

    performance.play(6, {2.5: output.close, 2.6: output.open})

    assert performance.heard() == [0, 1, 2]


def test_the_output_tells_its_name_and_its_latency(performance: Performance) -> None:
    assert (performance.output.name, performance.output.driver) == ("FluidSynth", "jack")
    assert str(performance.output).startswith("FluidSynth (jack): ")
    assert 0 < performance.output.latency < 0.1
    assert not performance.output.standing


@pytest.mark.usefixtures("libfluidsynth")
def test_a_device_that_is_gone_neither_raises_nor_blocks(capfd: pytest.CaptureFixture[str]) -> None:
    jackd.need(jackd.installed(), "JACK is not installed.")
    clock, pause = SystemClock(), threading.Event()
    output = FluidOutput(clock, driver="jack")
    with jackd.server(name="unplugged") as server:
        output.open()
        score = Score(clock.now())
        output.schedule(score.notes("drums", range(30)))
        server.terminate()
        server.wait(10)
    while not output.standing:
        output.follow()
        pause.wait(0.01)
    for _ in range(20):
        output.follow()
        pause.wait(0.01)

    output.schedule([score.note("drums", (clock.now() - score.begin) / 0.1 + 1)])
    output.withdraw("drums", beat(20))
    output.silence(None, beat(3))
    output.close()

    assert capfd.readouterr() == ("", "")
