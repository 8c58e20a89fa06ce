"""What a part plays, told as scores: (beat, pitch)."""

from fractions import Fraction

import msgspec
import pytest
from rig import Rig, a_model

from livecode.commands import (
    Act,
    Action,
    Adjust,
    Assign,
    CountIn,
    Fade,
    Hush,
    Mute,
    On,
    Panic,
    Pick,
    Play,
    Propose,
    SetMeter,
    SetSwing,
    Solo,
    Tempo,
    TurnKnob,
)
from livecode.errors import BadInput
from livecode.models.wire import Model, ModelKey
from livecode.music import ControlEvent, NoteEvent, Phrase, ProgramEvent
from livecode.notation import beat, notes
from livecode.tempo import Meter, Swing


def test_the_music_starts_with_the_first_notes_and_repeats(rig: Rig) -> None:
    rig.plays("bass", "C2 . G2 .")
    rig.play(until=8)
    assert rig.score() == [(0, "C2"), (2, "G2"), (4, "C2"), (6, "G2")]


def test_a_part_repeats_itself_until_its_model_answers(rig: Rig) -> None:
    rig.plays("bass", "C2 . G2 .")
    rig.models_of("bass", a_model())
    rig.play(until=6)
    rig.answer("D2 . A2 .")
    rig.play(until=16)
    assert rig.score() == [
        (0, "C2"), (2, "G2"),
        (4, "C2"), (6, "G2"),  # no answer yet: the same again, never silence
        (8, "D2"), (10, "A2"),  # the answer enters on the boundary
        (12, "D2"), (14, "A2"),  # the next one is late: the same again
    ]  # fmt: skip


def test_a_model_is_asked_for_every_loop_and_continues_what_just_played(rig: Rig) -> None:
    rig.plays("bass", "C2 . . .")
    rig.models_of("bass", a_model())
    rig.play(until=1)
    rig.answer("D2 . . .")
    rig.play(until=7.5)
    assert len(rig.models.requests) == 2
    rig.answer("E2 . . .")
    rig.play(until=12)
    assert rig.score() == [(0, "C2"), (4, "D2"), (8, "E2")]
    first, second = rig.models.requests[:2]
    assert [(note.onset, note.pitch) for note in first.primer.notes] == [(0, 36)]
    assert [(note.onset, note.pitch) for note in second.primer.notes] == [(0, 38)]
    assert (first.needed_by, second.needed_by) == (4, 8)
    assert first.seed != second.seed


def test_a_known_model_is_asked_late_so_that_knobs_feel_immediate(rig: Rig) -> None:
    """At 120 bpm, answers that take half a beat are asked for when the loop's last beat begins."""
    rig.plays("bass", "C2 . . .")
    rig.models_of("bass", a_model())
    for bar in range(2):  # the first answer, which waits for the model to load, does not count; the second does
        rig.play(until=4 * bar + 0.5)
        rig.answer("D2 . . .")
    rig.play(until=10.9)
    assert len(rig.models.requests) == 2
    rig.play(until=11)
    assert len(rig.models.requests) == 3
    assert rig.models.requests[-1].needed_by == 12


def test_a_slow_model_is_asked_as_early_as_its_answers_need(rig: Rig) -> None:
    """At 120 bpm, answers that take one and a half beats (0.75 s) are asked for 1.5 x 0.75 + 0.05 s before: 2.35 beats."""
    rig.plays("bass", "C2 . . .")
    rig.models_of("bass", a_model())
    for bar in range(2):
        rig.play(until=4 * bar + 1.5)
        rig.answer("D2 . . .")
    rig.play(until=9.5)
    assert len(rig.models.requests) == 2
    rig.play(until=9.75)
    assert len(rig.models.requests) == 3


def test_limits_set_when_the_next_bars_have_come_leave_a_later_stop_as_it_is(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.answer("D4 . . .")
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=2))
    rig.does("lead", Action.STOP)
    rig.obey(Adjust(part="lead", low=60, high=72))
    rig.play(until=20)
    assert rig.score("lead") == [(0, "C4"), (4, "D4"), (8, "D4")]


@pytest.mark.parametrize("bpm", [60, 120, 180, 240])
def test_a_knob_turned_before_the_last_beat_of_the_loop_is_heard_in_the_next(bpm: int) -> None:
    rig = Rig(bpm=bpm)
    rig.plays("bass", "C2 . . .")
    rig.models_of("bass", a_model())
    rig.play_answering(until=18.9)
    rig.models_of("bass", a_model(temperature=1.4))
    rig.play_answering(until=24)
    assert rig.score() == [(0, "C2"), (4, "D2"), (8, "D2"), (12, "D2"), (16, "D2"), (20, "E2")]
    assert [request.needed_by for request in rig.models.requests] == [4, 8, 12, 16, 20, 24]  # it had not been asked yet


@pytest.mark.parametrize("turned", [19.2, 19.5])
def test_a_knob_turned_after_the_model_was_asked_is_heard_in_the_next_loop_if_the_answer_comes_in_time(turned: float) -> None:
    """At 240 bpm a beat is a quarter of a second. The model is asked on beat 19, and answers on 19.25."""
    rig = Rig(bpm=240)
    rig.plays("bass", "C2 . . .")
    rig.models_of("bass", a_model())
    rig.play_answering(until=turned)
    rig.models_of("bass", a_model(temperature=1.4))
    rig.play_answering(until=28)
    assert rig.score() == [(0, "C2"), (4, "D2"), (8, "D2"), (12, "D2"), (16, "D2"), (20, "E2"), (24, "E2")]
    assert [request.needed_by for request in rig.models.requests] == [4, 8, 12, 16, 20, 20, 24, 28]


def test_a_knob_turned_too_late_for_an_answer_repeats_the_loop_and_is_heard_in_the_one_after() -> None:
    rig = Rig(bpm=240)
    rig.plays("bass", "C2 . . .")
    rig.models_of("bass", a_model())
    rig.play_answering(until=19.85)
    rig.models_of("bass", a_model(temperature=1.4))
    rig.play_answering(until=28)
    assert rig.score()[4:] == [(16, "D2"), (20, "D2"), (24, "E2")]


def test_limits_set_when_the_next_bars_have_come_hold_for_these(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.answer("C2 . C6 .")
    rig.play(until=3.5)
    rig.obey(Adjust(part="lead", low=60, high=72))
    rig.play(until=8)
    rig.obey(Adjust(part="lead", free=frozenset({"low", "high"})))
    rig.play(until=12)
    assert rig.score() == [(0, "C4"), (4, "C4"), (6, "C5"), (8, "C4"), (10, "C5")]


def test_parts_that_wait_for_each_others_answers_ask_earlier(rig: Rig) -> None:
    for part in ("a", "b"):
        rig.plays(part, "C2 . . .")
        rig.models_of(part, a_model())
    rig.play(until=1.5)
    rig.answer("D2 . . .", number=0)
    rig.answer("D2 . . .", number=1)  # the second to be answered waited for the first, and that counts
    rig.play(until=5.25)
    assert len(rig.models.requests) == 2
    rig.play(until=5.5)
    assert len(rig.models.requests) == 4


def test_before_any_notes_the_first_answer_starts_the_music(rig: Rig) -> None:
    rig.models_of("lead", a_model())
    rig.play(until=8)
    assert not rig.sequencer.snapshot().running
    assert rig.models.requests[0].primer is None
    rig.answer("C4 . . .")
    rig.play(until=4)
    assert rig.score() == [(0, "C4")]


def test_half_a_bar_of_ones_own_primes_a_whole_bar(rig: Rig) -> None:
    rig.plays("drums", beat(kick="x...x...", hat="x.x.x.x."))
    rig.models_of("drums", a_model(drums=True))
    rig.play(until=1)
    primer = rig.models.requests[0].primer
    assert primer is not None
    assert (primer.length, primer.drums) == (4, True)
    assert [float(note.onset) for note in primer.notes if note.pitch == 36] == [0, 1, 2, 3]


def test_a_loop_shorter_than_a_bar_is_replaced_on_a_bar_line(rig: Rig) -> None:
    rig.plays("lead", "C4 E4 G4")
    rig.play(until=2)
    rig.plays("lead", "D4 . . .")
    rig.play(until=8)
    assert rig.score() == [(0, "C4"), (1, "E4"), (2, "G4"), (3, "C4"), (4, "D4")]


def test_loop_keeps_the_bars_even_if_new_ones_have_come(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.answer("D4 . . .")
    rig.play(until=3.8)  # the answer is with the outputs already
    rig.does("lead", Action.LOOP)
    rig.play(until=12)
    assert rig.score() == [(0, "C4"), (4, "C4"), (8, "C4")]


def test_generate_once_then_loops(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.does("lead", Action.LOOP)
    rig.does("lead", Action.GENERATE_ONCE)
    rig.play(until=1)
    rig.answer("D4 . . .")
    rig.play(until=16)
    assert rig.score() == [(0, "C4"), (4, "D4"), (8, "D4"), (12, "D4")]
    assert len(rig.models.requests) == 1


def test_reset_plays_empty_bars_and_loops_them(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=0.5)
    rig.does("lead", Action.RESET)
    rig.play(until=12)
    assert rig.score() == [(0, "C4")]
    assert [request.id for request in rig.models.requests] == rig.models.forgotten


def test_reset_generate_plays_empty_bars_then_new_ones_made_from_nothing(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=0.5)
    rig.does("lead", Action.RESET_GENERATE)
    rig.play(until=1)
    assert rig.models.requests[-1].primer is None
    assert rig.models.requests[-1].needed_by == 8
    rig.answer("D4 . . .")
    rig.play(until=16)
    assert rig.score() == [(0, "C4"), (8, "D4"), (12, "D4")]


def test_stop_is_at_the_boundary_and_loop_brings_the_last_take_back(rig: Rig) -> None:
    rig.plays("lead", "C4 . E4 .")
    rig.play(until=1)
    rig.does("lead", Action.STOP)
    rig.play(until=9)
    rig.does("lead", Action.LOOP)
    rig.play(until=16)
    assert rig.score() == [(0, "C4"), (2, "E4"), (12, "C4"), (14, "E4")]


def test_the_actions_in_a_row_leave_the_last_one(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    for action in Action:
        rig.does("lead", action)
    rig.play(until=12)
    assert rig.score() == [(0, "C4")]


def test_a_refusal_keeps_the_loop_and_is_said_once_and_asked_again(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.refuse("attention_rnn did not answer within 30 s; its worker was restarted.")
    rig.play(until=3)
    assert rig.sequencer.snapshot().parts[0].trouble.startswith("attention_rnn did not answer")
    assert len(rig.log) == 1
    assert len(rig.models.requests) == 1
    rig.play(until=16)
    assert rig.score() == [(0, "C4"), (4, "C4"), (8, "C4"), (12, "C4")]
    assert len(rig.models.requests) == 2
    rig.answer("D4 . . .")
    assert rig.sequencer.snapshot().parts[0].trouble == ""


def test_running_the_line_again_replaces_and_never_doubles(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.models_of("lead", a_model())
    rig.play(until=2)
    assert rig.models.forgotten == [rig.models.requests[0].id]
    rig.answer("E4 . . .", number=0)  # the old request's answer: nobody waits for it
    rig.answer("D4 . . .", number=1)
    rig.play(until=8)
    assert rig.score() == [(0, "C4"), (4, "D4")]


def test_the_same_seed_asks_the_same_and_another_does_not() -> None:
    def seeds(session: int, model_seed: int | None) -> list[int]:
        rig = Rig(seed=session)
        rig.plays("lead", "C4 . . .")
        rig.models_of("lead", a_model(seed=model_seed))
        for bar in range(3):
            rig.play(until=4 * bar + 3.5)
            rig.answer("D4 . . .")
        return [request.seed for request in rig.models.requests]

    assert seeds(1, None) == seeds(1, None)
    assert seeds(1, None) != seeds(2, None)
    assert seeds(1, 7) == seeds(2, 7)
    assert len(set(seeds(1, 7))) == 3


def test_mute_is_now_and_the_part_goes_on_underneath(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1.5)
    rig.obey(Mute(part="lead", muted=True))
    rig.play(until=5.5)
    rig.obey(Mute(part="lead", muted=False))
    rig.play(until=8)
    assert rig.score() == [(0, "C4"), (1, "D4"), (6, "E4"), (7, "F4")]
    assert rig.tape.notes()[1].end_beat == Fraction(3, 2)  # the sounding note ended with the mute


def test_mute_on_the_bar_cuts_what_rings(rig: Rig) -> None:
    rig.plays("pad", notes("C4 _ _ _ _ _ _ _"))
    rig.play(until=1)
    rig.obey(Mute(part="pad", muted=True, on=On.BAR))
    rig.plays("pad", "D4 _ _ _ _ _ _ _")
    rig.play(until=24)
    assert rig.score() == [(0, "C4")]
    assert rig.tape.notes()[0].end_beat == 4


@pytest.mark.parametrize(
    ("command", "ends"),
    [
        (Hush(), 4),
        (Act(part="pad", action=Action.STOP, on=On.BEAT), 2),
        (Play(part="pad", phrase=notes("C4 _ _ _ _ _ _ _"), on=On.BAR), 4),
        (Mute(part="pad", muted=True, on=On.BAR), 4),
        (Solo(part="other", soloed=True, on=On.BAR), 4),
        (Solo(part="other", soloed=True), 1),
        (Panic(), 1),
    ],
)
def test_a_note_that_rings_ends_where_its_part_falls_silent_or_is_replaced(rig: Rig, command, ends: int) -> None:
    rig.plays("pad", "C4 _ _ _ _ _ _ _")
    rig.play(until=1)
    rig.obey(command)
    rig.play(until=12)
    assert rig.tape.notes("pad")[0].end_beat == ends


@pytest.mark.parametrize("first_muted", [True, False])
def test_the_last_word_on_muting_counts(rig: Rig, first_muted: bool) -> None:
    rig.plays("a", "C4 D4 E4 F4")
    rig.play(until=1)
    rig.obey(Mute(part="a", muted=not first_muted))
    rig.play(until=3.5)
    rig.obey(Mute(part="a", muted=first_muted, on=On.BAR))
    rig.play(until=3.8)
    rig.obey(Mute(part="a", muted=not first_muted))
    rig.play(until=8)
    heard_at_the_end = [name for beat, name in rig.score() if beat >= 4]
    assert heard_at_the_end == (["C4", "D4", "E4", "F4"] if first_muted else [])


def test_mute_and_unmute_at_once_strike_nothing_twice(rig: Rig) -> None:
    rig.plays("a", "C4 D4 E4 F4")
    rig.play(until=0.95)
    rig.obey(Mute(part="a", muted=True))
    rig.obey(Mute(part="a", muted=False))
    rig.play(until=4)
    assert len(rig.score()) == len(set(rig.score()))
    assert rig.score()[-2:] == [(2, "E4"), (3, "F4")]


def test_now_counts_as_it_sounds_also_in_swing(rig: Rig) -> None:
    rig.obey(SetSwing(swing=Swing(Fraction(3, 4), Fraction(1))))
    rig.plays("a", "C4 D4 E4 F4")
    rig.play(until=1.2)  # D4, written on beat 1, sounds on 1.5
    rig.obey(Panic())
    rig.play(until=4)
    assert rig.score() == [(0, "C4")]


def test_a_part_without_notes_says_nothing_on_anybodys_channel(rig: Rig) -> None:
    rig.plays("lead", "C4")
    rig.play(until=1)
    rig.obey(Adjust(part="bass", program=40))
    rig.play(until=4)
    assert not any(isinstance(event, ProgramEvent) for event in rig.tape.events())
    rig.plays("bass", "C2")
    rig.play(until=9)
    said = [event for event in rig.tape.events() if isinstance(event, ProgramEvent)]
    assert [(event.beat, event.program, event.channel) for event in said] == [(8, 40, rig.tape.notes("bass")[0].channel)]


def test_loop_before_any_bars_have_come_loops_the_first_that_do(rig: Rig) -> None:
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.does("lead", Action.LOOP)
    rig.answer("C4 . . .")
    rig.play(until=8)
    assert rig.score() == [(0, "C4"), (4, "C4")]
    assert len(rig.models.requests) == 1


def test_a_new_model_does_not_wait_for_the_last_ones_refusal(rig: Rig) -> None:
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.refuse("it cannot be loaded.")
    rig.models_of("lead", a_model(bars=2))
    rig.play(until=0)
    assert [request.beats for request in rig.models.requests] == [4, 8]


def test_after_panic_a_part_comes_back_on_the_next_bar(rig: Rig) -> None:
    rig.plays("a", "C4 . . .")
    rig.play(until=9.5)
    rig.obey(Panic())
    rig.does("a", Action.LOOP)
    rig.play(until=16)
    assert rig.score() == [(0, "C4"), (4, "C4"), (8, "C4"), (12, "C4")]


def test_beats_are_counted_from_the_bar_line() -> None:
    rig = Rig(meter="7/8")
    rig.plays("a", "C4 . .")
    rig.play(until=4)
    assert rig.obey(Mute(part="a", muted=True, on=On.BEAT)).words == "a: muted from bar 2, beat 2"


def test_what_is_to_enter_moves_to_the_new_bar_lines(rig: Rig) -> None:
    rig.plays("a", "C4 . . . . . . .")
    rig.play(until=1)
    rig.plays("a", "D4 . .")
    rig.obey(SetMeter(meter=Meter(3, 4)))
    rig.play(until=12)
    assert rig.score() == [(0, "C4"), (8, "C4"), (10, "D4")]


def test_solo_is_reversible(rig: Rig) -> None:
    rig.plays("a", "C4 D4 E4 F4")
    rig.plays("b", "C2 D2 E2 F2")
    rig.play(until=0.5)
    rig.obey(Solo(part="a", soloed=True))
    rig.play(until=2.5)
    rig.obey(Solo(part="a", soloed=False))
    rig.play(until=4)
    assert rig.score("a") == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4")]
    assert rig.score("b") == [(0, "C2"), (3, "F2")]


def test_a_muted_part_stays_muted_in_solo(rig: Rig) -> None:
    rig.obey(Mute(part="a", muted=True))
    rig.obey(Solo(part="a", soloed=True))
    rig.plays("a", "C4 . . .")
    rig.plays("b", "C2 . . .")
    rig.play(until=4)
    assert rig.score() == []


def test_hush_stops_all_on_the_bar_and_panic_now(rig: Rig) -> None:
    rig.plays("a", "C4 D4 E4 F4 G4 A4 B4 C5")
    rig.play(until=2.5)
    rig.obey(Hush())
    rig.play(until=9)
    assert rig.score() == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4")]
    rig.does("a", Action.LOOP)
    rig.play(until=13.5)
    rig.obey(Panic())
    rig.play(until=20)
    assert rig.score()[4:] == [(12, "C4"), (13, "D4")]
    assert rig.tape.notes()[-1].end_beat == Fraction(27, 2)


def test_bpm_changes_on_the_next_bar_even_when_that_is_with_the_outputs(rig: Rig) -> None:
    rig.plays("a", "C4 D4 E4 F4")
    rig.play(until=3.8)  # at 120 bpm, 0.1 s before the bar line: its note is with the outputs
    rig.obey(Tempo(bpm=Fraction(60)))
    rig.play(until=8)
    seconds = [round(note.seconds - 100.1, 6) for note in rig.tape.notes()][:8]
    assert seconds == [0, 0.5, 1, 1.5, 2, 3, 4, 5]


def test_a_boundary_too_near_to_reach_is_left_for_the_next(rig: Rig) -> None:
    rig.plays("a", "C4 . . .")
    rig.play(until=3.99)
    rig.plays("a", "D4 . . .")
    rig.play(until=12)
    assert rig.score() == [(0, "C4"), (4, "C4"), (8, "D4")]


def test_a_ramp_reaches_its_tempo_evenly_in_beats(rig: Rig) -> None:
    rig.plays("a", "C4 . . .")
    rig.play(until=1)
    rig.obey(Tempo(bpm=Fraction(60), bars=Fraction(1)))
    rig.play(until=4)
    assert [rig.sequencer.time.tempo.bpm_at(Fraction(beat)) for beat in (4, 6, 8, 9)] == [120, 90, 60, 60]


def test_meter_and_swing_change_on_the_bar(rig: Rig) -> None:
    rig.plays("a", notes("C4 D4", dur="1/2"))
    rig.play(until=1)
    rig.obey(SetMeter(meter=Meter(3, 4)))
    rig.obey(SetSwing(swing=Swing(Fraction(2, 3), Fraction(1, 2))))
    rig.play(until=6)
    rig.plays("a", "E4 . .")
    rig.play(until=10)
    snapshot = rig.sequencer.snapshot()
    assert (snapshot.bar, snapshot.beat, snapshot.meter) == (4, 1, "3/4")
    assert rig.score()[-1] == (7, "E4")
    at = {float(note.beat): round(note.seconds - 100.1, 6) for note in rig.tape.notes()}
    assert (at[3.5], at[4.5]) == (1.75, round(2 + 1 / 3, 6))


def test_one_bar_of_a_model_is_as_long_as_the_meter_says() -> None:
    rig = Rig(meter="7/8")
    rig.models_of("lead", a_model(bars=2))
    rig.play(until=0)
    assert (rig.models.requests[0].beats, rig.models.requests[0].meter) == (7, (7, 8))


def test_settings_are_said_once_the_part_has_a_channel_and_before_its_notes(rig: Rig) -> None:
    rig.obey(Adjust(part="lead", gain=0.25, pan=-1.0, program=11))
    rig.plays("lead", "C4 . . .")
    rig.play(until=4)
    first, *rest = rig.tape.events()
    assert {(event.control, event.value) for event in (first, *rest) if isinstance(event, ControlEvent)} == {(7, 50), (10, 0)}
    assert [event.program for event in rest if isinstance(event, ProgramEvent)] == [11]
    assert isinstance(rig.tape.events()[3], NoteEvent)


def test_a_bank_goes_with_the_program_and_other_controllers_are_said_with_it(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.obey(Adjust(part="lead", program=11, controls={74: 100}))
    rig.play(until=2)
    words = rig.obey(Adjust(part="lead", bank=(121, 3))).words
    rig.play(until=4)
    said = [(event.program, event.bank) for event in rig.tape.events() if isinstance(event, ProgramEvent)]
    assert said == [(11, None), (11, (121, 3))]
    assert [(event.control, event.value) for event in rig.tape.events() if isinstance(event, ControlEvent)] == [(74, 100)]
    assert words == "lead: bank 121.3 set now"


def test_drums_are_on_channel_10_and_others_on_their_own(rig: Rig) -> None:
    rig.plays("drums", beat(kick="x..."))
    rig.plays("lead", "C4")
    rig.plays("bass", "C2")
    rig.obey(Adjust(part="bass", channel=14))
    rig.play(until=1)
    channels = {note.part: note.channel for note in rig.tape.notes()}
    assert channels["drums"] == 9
    assert channels["bass"] == 14
    assert channels["lead"] not in (9, 14)


def test_a_change_of_channel_says_the_settings_again(rig: Rig) -> None:
    rig.obey(Adjust(part="lead", program=5))
    rig.plays("lead", "C4")
    rig.play(until=2.5)
    rig.obey(Adjust(part="lead", channel=3))
    rig.play(until=4)
    said = [(event.channel, event.program) for event in rig.tape.events() if isinstance(event, ProgramEvent)]
    assert said == [(rig.tape.notes()[0].channel, 5), (3, 5)]


def test_a_fade_goes_evenly_to_its_level(rig: Rig) -> None:
    rig.plays("lead", "C4")
    rig.play(until=1)
    rig.obey(Fade(part="lead", level=0.0, bars=Fraction(1)))
    rig.play(until=9)
    fade = [(event.beat, event.value) for event in rig.tape.events() if isinstance(event, ControlEvent)]
    assert all(4 < when <= 8 for when, _ in fade)
    assert fade[-1] == (8, 0)
    values = [value for _, value in fade]
    assert values == sorted(values, reverse=True)
    halfway = next(value for when, value in fade if when == 6)
    assert halfway == round(127 * 0.5**0.5)


def test_limits_hold_what_a_model_may_play(rig: Rig) -> None:
    rig.obey(Adjust(part="lead", low=60, high=72, density=Fraction(1)))
    rig.models_of("lead", a_model())
    rig.play(until=0)
    rig.answer(notes("C2 D6 E4 F4 G4 A4 B4 C5", dur="1/2"))
    rig.play(until=4)
    assert rig.score() == [(0, "C4"), (1, "E4"), (2, "G4"), (3, "B4")]


def test_every_phrase_that_sounded_is_a_take(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.play(until=1)
    rig.plays("lead", "D4 . . .")
    rig.plays("lead", "E4 . . .")  # replaces what never sounded
    rig.play(until=5)
    assert [phrase.notes[0].pitch for phrase in rig.sequencer.takes("lead")] == [60, 64]


def test_a_stalled_clock_loses_no_place(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    rig.clock.wait_until(rig.clock.now() + 3600)
    rig.sequencer.advance(rig.clock.now() + 0.2)
    assert rig.sequencer.snapshot().bar == 1 + (3600 * 2 + 1) // 4
    assert len(rig.tape.notes()) < 8  # what nobody heard is not on the tape
    assert rig.log == ["the machine stood still: the notes of that time are left out"]


def test_what_is_due_sounds_even_if_asking_a_model_fails(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: object) -> None:
        raise RuntimeError("nobody is there to ask")

    rig.plays("bass", "C2 D2 E2 F2")
    rig.models_of("bass", a_model())
    monkeypatch.setattr(rig.models, "ask", fail)
    with pytest.raises(RuntimeError):
        rig.play(until=4)
    assert rig.score(until=4) == [(0, "C2")]


def test_of_several_candidates_one_is_picked_and_loops(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.answer("D4 . . .", number=0)
    rig.obey(Propose(part="lead", n=3))
    rig.play(until=2)
    asked = rig.models.requests[-1]
    assert (len(set(asked.seeds)), asked.needed_by) == (3, None)
    rig.propose("E4 . . .", "F4 . . .", "G4 . . .")
    rig.obey(Pick(part="lead", number=2))
    rig.play(until=12)
    assert rig.score() == [(0, "C4"), (4, "F4"), (8, "F4")]
    assert len(rig.sequencer.candidates("lead").phrases) == 3


def test_candidates_that_do_not_come_change_nothing(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.obey(Propose(part="lead", n=8))
    rig.answer("D4 . . .", number=0)
    with pytest.raises(BadInput, match="lead's candidates have not come yet"):
        rig.obey(Pick(part="lead", number=1))
    rig.refuse("its worker died.")
    rig.play(until=7)
    assert rig.score() == [(0, "C4"), (4, "D4")]
    found = rig.sequencer.candidates("lead")
    assert (found.phrases, found.waits, found.trouble) == ((), False, "its worker died.")
    assert rig.sequencer.snapshot().parts[0].trouble == ""


def test_the_same_seed_proposes_the_same_every_time_something_else_and_leaves_the_loops_as_they_are() -> None:
    def seeds(session: int, *, proposing: bool = True) -> tuple[list[tuple[int, ...]], list[int]]:
        rig = Rig(seed=session)
        rig.plays("lead", "C4 . . .")
        rig.models_of("lead", a_model())
        rig.play(until=1)
        for _ in range(2 if proposing else 0):
            rig.obey(Propose(part="lead", n=2))
        rig.answer("D4 . . .", number=0)
        rig.play(until=8)
        asked = rig.models.requests
        return [request.seeds for request in asked if request.seeds], [request.seed for request in asked if not request.seeds]

    assert seeds(1) == seeds(1)
    (first, second), loops = seeds(1)
    assert len({*first, *second}) == 4
    assert seeds(1, proposing=False)[1] == loops
    assert seeds(2)[0] != [first, second]


def test_asked_twice_the_last_candidates_count_and_limits_hold_for_them(rig: Rig) -> None:
    rig.plays("lead", "C4 . . .")
    rig.models_of("lead", a_model())
    rig.play(until=1)
    rig.obey(Propose(part="lead", n=2))
    rig.obey(Propose(part="lead", n=2))
    assert rig.models.forgotten == [rig.models.requests[1].id]
    rig.propose("E4", "F4", number=1)
    rig.propose("C2", "C6", number=2)
    rig.obey(Adjust(part="lead", low=60, high=72))
    assert [phrase.notes[0].pitch for phrase in rig.sequencer.candidates("lead").phrases] == [60, 72]


def searching(beams: float, bars: int = 1) -> Model:
    """A model that came over the wire with any beam_size."""
    return msgspec.structs.replace(a_model(bars), knobs={"beam_size": beams})


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (lambda: Act(part="x", action=Action.GENERATE), "x has no model yet"),
        (lambda: Propose(part="x", n=8), "x has no model yet: give it one first"),
        (lambda: Propose(part="x", n=0), "0 is no number of candidates: give a whole number from 1 to 64"),
        (lambda: Propose(part="x", n=65), "65 is no number of candidates"),
        (lambda: Propose(part="x", n=2.5), "2.5 is no number of candidates"),
        (lambda: Pick(part="x", number=1), "x has no candidates: ask its model for some first"),
        (lambda: Pick(part="x", number=1.0), "1.0 is no candidate's number"),
        (lambda: Assign(part="x", model=searching(2.5)), "beam_size=2.5 cannot be: give a whole number from 1 to 64"),
        (lambda: Assign(part="x", model=searching(0)), "beam_size=0 cannot be"),
        (lambda: Assign(part="x", model=searching(32, bars=17)), "too long: bars x beam_size x branch_factor may be 512"),
        (lambda: Act(part="x", action=Action.RESET_GENERATE), "x has no model yet"),
        (lambda: Act(part="x", action=Action.LOOP), "x has nothing to loop yet"),
        (lambda: Adjust(part="x", low=60, high=64), "less than an octave"),
        (lambda: Adjust(part="x", gain=9.0), "A gain of 9"),
        (lambda: Adjust(part="x", pan=float("nan")), "A pan of nan"),
        (lambda: Adjust(part="x", channel=16), "A channel .on the wire. of 16"),
        (lambda: Fade(part="x", level=2.0, bars=Fraction(1)), "A fade to 2"),
        (lambda: Play(part="my part", phrase=notes("C4")), "cannot name a part"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(rig: Rig, command, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refusal:
        rig.obey(command())
    assert str(refusal.value).count("\n") == 0
    assert rig.sequencer.snapshot().parts == ()


@pytest.mark.parametrize("number", [0, -1, 3])
def test_a_candidate_that_is_not_there_is_refused_in_a_sentence(rig: Rig, number: int) -> None:
    rig.models_of("lead", a_model())
    rig.obey(Propose(part="lead", n=2))
    rig.propose("E4", "F4")
    with pytest.raises(BadInput, match=f"lead has no candidate {number}: give a number from 1 to 2."):
        rig.obey(Pick(part="lead", number=number))


def test_candidates_that_would_take_too_long_are_refused_in_a_sentence(rig: Rig) -> None:
    rig.models_of("lead", a_model(bars=16))
    with pytest.raises(BadInput, match="would take too long: candidates x bars x beam_size x branch_factor may be"):
        rig.obey(Propose(part="lead", n=64))


def test_phrases_may_be_empty(rig: Rig) -> None:
    rig.plays("lead", Phrase((), Fraction(4)))
    rig.play(until=8)
    assert rig.score() == []


def test_a_part_that_comes_late_is_no_standstill(rig: Rig) -> None:
    rig.plays("a", "C4 . . .")
    rig.play(until=9)
    rig.plays("b", "C2 . . .")
    rig.play(until=16)
    assert rig.score("b") == [(12, "C2")]
    assert rig.log == []


@pytest.mark.parametrize("command", [Panic(), Hush(on=On.NOW), Act(part="lead", action=Action.STOP, on=On.NOW)])
def test_stopping_stops_also_what_is_still_to_enter(rig: Rig, command) -> None:
    rig.plays("drums", "C2 . . .")
    rig.play(until=1)
    rig.plays("lead", "C4 . . .")
    rig.play(until=2)
    rig.obey(command)
    rig.play(until=12)
    assert rig.score("lead") == []


def test_what_was_set_while_the_machine_stood_still_is_set(rig: Rig) -> None:
    rig.obey(Adjust(part="lead", program=11))
    rig.plays("drums", "C2 . . .")
    rig.play(until=1)
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=3.5)
    rig.clock.wait_until(rig.clock.now() + 0.9)
    rig.play(until=8)
    assert [event.program for event in rig.tape.events() if isinstance(event, ProgramEvent)] == [11]
    assert rig.score("lead") == [(6, "E4"), (7, "F4")]


def test_muting_in_slow_swing_is_no_standstill() -> None:
    rig = Rig(bpm=60)
    rig.obey(SetSwing(swing=Swing(Fraction(2, 3), Fraction(1, 2))))
    rig.plays("a", "C4 D4 E4 F4")
    rig.play(until=2.6)
    rig.obey(Mute(part="a", muted=True))
    rig.play(until=4)
    assert rig.log == []


def test_it_is_said_what_is_done_with_a_primer_of_pitches_that_the_model_does_not_know(rig: Rig) -> None:
    said = rig.models_of("lead", a_model(primer=notes("C-1 C4 G9"))).words
    assert said.endswith("what sounds goes on; notes of its primer outside C3 to B5 are heard in other octaves")
    assert rig.models_of("lead", a_model(primer=notes("C3 B5"))).words.endswith("what sounds goes on")


def test_it_is_said_what_is_done_with_a_part_s_last_bars_that_its_model_does_not_know(rig: Rig) -> None:
    rig.plays("lead", "C2 C4")
    assert rig.models_of("lead", a_model()).words.endswith("; notes of its last bars outside C3 to B5 are heard in other octaves")
    assert rig.models_of("lead", a_model(primer=None)).words.endswith("what sounds goes on")


def test_a_model_without_a_temperature_says_so(rig: Rig) -> None:
    rig.models_of("lead", Model(ModelKey("pianoroll_rnn_nade", "rnn-nade", "p.mag"), 1, {"beam_size": 1}))
    with pytest.raises(BadInput, match="has no temperature: it draws from its own probabilities"):
        rig.obey(TurnKnob(part="lead", knob="temperature", value=0.5))
    assert rig.sequencer.snapshot().parts[0].temperature is None
    rig.models_of("lead", a_model())
    with pytest.raises(BadInput, match=r"A temperature of 20\.0 cannot be: give 0\.01 to 10"):
        rig.obey(TurnKnob(part="lead", knob="temperature", value=20.0))


def test_a_count_in_begins_the_music_and_what_is_typed_meanwhile_enters_after_it() -> None:
    rig = Rig(bpm=120)
    count = rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=2))
    rig.play(until=1)
    lead = rig.plays("lead", "C4 D4 E4 F4")
    rig.models_of("bass", a_model())
    rig.play(until=2)
    rig.answer("C2 C2 C2 C2")
    rig.play(until=10)
    assert (count.words, lead.words) == ("count: counts 2 bars from bar 1", "lead: plays 1 bar from bar 3")
    assert rig.score("count", until=10) == [(float(beat), "C5") for beat in range(8)]
    assert rig.score("lead", until=10) == [(8, "C4"), (9, "D4")]
    assert rig.score("bass", until=10) == [(8, "C2"), (9, "C2")]


def test_nobody_s_solo_silences_a_count_in_but_a_mute_does() -> None:
    rig = Rig(bpm=120)
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=2))
    rig.plays("lead", "C4 D4 E4 F4")
    rig.obey(Solo(part="lead", soloed=True))
    rig.play(until=6.5)
    rig.obey(Mute(part="count", muted=True))
    rig.play(until=10)
    assert rig.score("count", until=10) == [(float(beat), "C5") for beat in range(7)]


def test_a_count_in_that_is_stopped_holds_nobody_back() -> None:
    rig = Rig(bpm=120)
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=8))
    rig.play(until=2)
    rig.obey(Act(part="count", action=Action.STOP, on=On.BAR))
    lead = rig.plays("lead", "C4 D4 E4 F4")
    assert lead.words == "lead: plays 1 bar from bar 2"


def test_only_the_count_in_of_a_part_is_heard_through_a_solo() -> None:
    rig = Rig(bpm=120)
    rig.plays("count", "C4 C4 C4 C4")
    rig.plays("lead", "E4 E4 E4 E4")
    rig.obey(Solo(part="lead", soloed=True))
    rig.play(until=1)
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=1))
    rig.play(until=10)
    assert rig.score("count", until=10) == [(4, "C5"), (5, "C5"), (6, "C5"), (7, "C5")]


def test_a_count_in_says_that_it_counts_until_it_has() -> None:
    rig = Rig(bpm=120)
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=1))
    said = []
    for until in (1, 3, 5):
        rig.play(until=until)
        said.append(rig.sequencer.snapshot().parts[0].doing)
    assert said == ["counts in 1 bar", "counts in 1 bar", "stopped"]


def test_a_count_in_over_music_that_plays_counts_from_the_next_bar() -> None:
    rig = Rig(bpm=120)
    rig.plays("bass", "C2 C2 C2 C2")
    rig.play(until=1)
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=1))
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=10)
    assert rig.score("count", until=10) == [(4, "C5"), (5, "C5"), (6, "C5"), (7, "C5")]
    assert rig.score("lead", until=10) == [(8, "C4"), (9, "D4")]
    assert rig.score("bass", until=10) == [(float(beat), "C2") for beat in range(10)]


def test_what_is_typed_in_a_count_in_enters_right_after_it_however_long_the_loop_is() -> None:
    rig = Rig(bpm=120)
    rig.plays("lead", "C4 _ _ _ D4 _ _ _ E4 _ _ _ F4 _ _ _ G4 _ _ _ A4 _ _ _ B4 _ _ _ C5 _ _ _")
    rig.play(until=1)
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=1))
    assert rig.plays("lead", "E4 . . .").words == "lead: plays 1 bar from bar 3"
    rig.play(until=16)
    assert rig.score("lead") == [(0, "C4"), (4, "D4"), (8, "E4"), (12, "E4")]


def test_a_panic_calls_a_count_in_off() -> None:
    rig = Rig(bpm=120)
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=16))
    rig.play(until=1)
    rig.obey(Panic())
    assert rig.plays("lead", "C4").words == "lead: plays 1/4 bar from bar 2"


def test_a_fade_from_any_level_over_any_bars_comes_to_silence() -> None:
    rig = Rig(bpm=240)
    rig.plays("lead", "C4 D4 E4 F4")
    for level in (0.48, 0.3, 0.7):
        for bars in (1, 3, 5, 7):
            rig.obey(Fade(part="lead", level=level, bars=Fraction(1)))
            rig.play(until=rig.sequencer.time.beat() + 12)
            rig.obey(Fade(part="lead", level=0, bars=Fraction(bars)))
            rig.play(until=rig.sequencer.time.beat() + 4 * bars + 8)
            assert [event.value for event in rig.tape.events() if isinstance(event, ControlEvent)][-1] == 0
