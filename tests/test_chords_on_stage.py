"""What a part that improvises is asked to play over: a progression on the stage's bars, or what another part is to play."""

from fractions import Fraction

import pytest
from rig import Rig

import livecode as lc
from livecode.commands import Assign, CountIn, SetMeter
from livecode.models.chords import chords, given
from livecode.models.wire import Model, ModelKey
from livecode.music import silence
from livecode.notation import notes
from livecode.tempo import Meter

KEY = ModelKey("improv_rnn", "chord_pitches_improv", "i.mag")


def improviser(over, *, bars: int = 2) -> Model:
    return Model(KEY, bars, {}, "last", None, given(over))


def asked_over(rig: Rig, number: int = -1) -> list[tuple[float, str]]:
    return [(float(beat), symbol) for beat, symbol in rig.models.requests[number].chords]


def test_a_progression_longer_than_the_bars_goes_on_in_the_next_answer(rig):
    rig.models_of("lead", improviser("Am F C G"))
    rig.play(until=0)
    assert asked_over(rig) == [(-4, "G"), (0, "Am"), (4, "F")]
    rig.answer("A4 C5 E5 C5 F4 A4 C5 A4")
    rig.play(until=7)
    assert asked_over(rig) == [(-8, "Am"), (-4, "F"), (0, "C"), (4, "G")]
    rig.answer("C5 E5 G5 E5 G4 B4 D5 B4")
    rig.play(until=15)
    assert asked_over(rig) == [(-8, "C"), (-4, "G"), (0, "Am"), (4, "F")]


def test_a_progression_lies_on_the_stages_bars_whenever_it_is_typed(rig):
    rig.plays("keys", chords("Am F C G"))
    rig.play(until=5)
    rig.models_of("lead", improviser("Am F | C G | Em"))
    rig.play(until=5.5)
    assert rig.models.requests[-1].needed_by == 8
    assert asked_over(rig) == [(-4, "C"), (-2, "G"), (0, "Em"), (4, "Am"), (6, "F")]


def test_in_another_meter_a_chord_has_another_length(rig):
    rig.obey(SetMeter(meter=Meter.of("3/4")))
    rig.models_of("lead", improviser("Am F C"))
    rig.play(until=0)
    assert [(beat, symbol) for beat, symbol in asked_over(rig) if beat >= 0] == [(0, "Am"), (3, "F")]


def test_another_parts_bars_to_come_go_with_the_request(rig):
    rig.plays("keys", chords("Am F"))
    rig.play(until=1)
    rig.models_of("lead", improviser("part:keys"))
    rig.play(until=2)
    assert (rig.models.requests[-1].needed_by, rig.models.requests[-1].chords) == (4, chords("Am F Am"))
    rig.answer("A4 C5 E5 C5 F4 A4 C5 A4")
    rig.plays("keys", chords("C G"))  # from beat 8 on
    rig.play(until=5)
    assert (rig.models.requests[-1].needed_by, rig.models.requests[-1].chords) == (12, chords("F C G C"))


def test_a_count_in_with_which_the_music_begins_uses_up_no_chord(rig):
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=1))
    rig.models_of("lead", improviser("Am F C G", bars=2))
    rig.play(until=1)
    assert rig.models.requests[-1].needed_by == 4
    assert asked_over(rig) == [(-4, "G"), (0, "Am"), (4, "F")]
    rig.obey(CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=1))  # from bar 2 on: it changes no harmony
    rig.models_of("lead", improviser("Am F C G", bars=2))
    rig.play(until=2)
    assert rig.models.requests[-1].needed_by == 8
    assert asked_over(rig) == [(-4, "Am"), (0, "F"), (4, "C")]


def test_a_chord_that_rings_since_long_ago_is_heard(rig):
    rig.plays("keys", chords("Am F", bar=16))
    rig.play(until=5)
    rig.models_of("lead", improviser("part:keys", bars=1))
    rig.play(until=6)
    assert (rig.models.requests[-1].needed_by, rig.models.requests[-1].chords) == (8, chords("Am", bar=8))
    rig.models_of("lead", improviser("part:keys", bars=3))
    rig.play(until=7)
    assert rig.models.requests[-1].chords == chords("Am F", bar=12).slice(0, 16)


def test_a_primer_that_is_longer_than_the_set_so_far_lies_on_no_chords(rig):
    for key in ("Am", "F", "C"):
        rig.plays("keys", chords(key))
        rig.play(until=4 * len(rig.sequencer.takes("keys")) + 5)
    rig.models_of("lead", Model(KEY, 1, {}, silence(Fraction(32)), None, "keys"))
    rig.play(until=rig.sequencer.snapshot().beats + 1)
    request = rig.models.requests[-1]
    heard = request.chords
    assert heard.length == 36
    assert heard.notes[0].onset == 32 - request.needed_by


def test_a_part_that_is_silent_or_is_not_there_means_no_chord(rig):
    rig.models_of("lead", improviser("part:keys"))
    rig.play(until=0)
    assert rig.models.requests[-1].chords == silence(Fraction(12))
    said = "lead is to hear chords from 'keys', and there is no such part yet: until there is, it hears none"
    assert rig.log == [said]
    rig.plays("keys", chords("Am F"))
    rig.models_of("lead", improviser("part:keys"))
    rig.models_of("lead", improviser("Am F"))
    assert rig.log == [said]


def test_drums_are_heard_as_drums(rig):
    rig.plays("drums", lc.beat(kick="x...x..."))
    rig.models_of("lead", improviser("part:drums"))
    rig.play(until=1)
    assert rig.models.requests[-1].chords.drums


def test_a_first_answer_for_chords_that_are_over_is_asked_again_with_the_same_seed(rig):
    rig.plays("keys", chords("Am F C G"))
    rig.models_of("lead", improviser("Am F C G", bars=1))
    rig.play(until=2)
    rig.play(until=9)  # the model has taken two bars to load
    rig.answer("A4 C5 E5 A5")
    rig.play(until=9.5)
    first, second = rig.models.requests
    assert (first.needed_by, second.needed_by, first.seed) == (0, 12, second.seed)
    assert asked_over(rig) == [(-4, "C"), (0, "G")]
    rig.answer("G4 B4 D5 B4")
    rig.play(until=16)
    assert rig.score("lead") == [(12, "G4"), (13, "B4"), (14, "D5"), (15, "B4")]


def test_a_later_answer_that_is_late_enters_all_the_same(rig):
    rig.plays("keys", chords("Am F C G"))
    rig.models_of("lead", improviser("Am F C G", bars=1))
    rig.play(until=0.5)
    rig.answer("A4 C5 E5 C5")
    rig.play(until=5)
    late = rig.models.requests[-1]
    rig.play(until=late.needed_by + 1)
    rig.answer("F4 A4 C5 A4")
    rig.play(until=late.needed_by + 8)
    assert (float(late.needed_by) + 4, "F4") in rig.score("lead")


def test_a_model_over_chords_comes_back_after_a_crash(rig):
    rig.plays("keys", chords("Am F C G"))
    rig.obey(Assign(part="lead", model=improviser("Am F C G")))
    rig.play(until=3)
    again = rig.after_a_crash(down=1.0)
    again.play(until=9)
    assert again.models.requests[-1].chords is not None


@pytest.mark.parametrize("how", ["keys", "part:keys"])
def test_a_performer_names_a_part_by_its_handle_or_its_name(how, tmp_path):
    with lc.Stage(offline=True) as stage:
        keys = stage.part("keys")
        assert given(keys if how == "keys" else how) == "keys"
