"""Polyphony RNN and Performance RNN: what they make of notes and of knobs, and that their answers end."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_pieces import rock, tune

from livecode.errors import ModelRefused
from livecode.models import bundles, compiled, configs, polyphony, wire
from livecode.models.families import CONFIGS
from livecode.models.grid import Placed
from livecode.models.pitches import weights
from livecode.models.step import Made
from livecode.music import Note, Phrase, silence

VOICES = {
    config: CONFIGS[config]
    for family in ("polyphony_rnn", "performance_rnn")
    for config in bundles.FAMILIES[family]
    if configs.CONFIGS[config].on_magenta
}
KEEPS_TALKING, WAITS = 63, 256 + 99


class Says:
    """A network that says one class for ever, and how often it did."""

    def __init__(self, config: str, label: int) -> None:
        encoding = CONFIGS[config].encoding()
        self.made = Made(
            format=2,
            config=config,
            bundle="",
            batch=1,
            input=encoding.input,
            classes=(encoding.classes,),
            layers=(),
            attention=0,
            states=(),
            versions="",
        )
        self.label, self.times = label, 0

    def __call__(self, told, state, temperature):
        self.times += 1
        softmax = np.zeros((*told.shape[:2], self.made.classes[0]), np.float32)
        softmax[..., self.label] = 1.0
        return softmax, state

    def zeros(self, rows):
        return ()


def asked(primer=None, *, beats=8, bpm=120, seeds=(), **knobs) -> wire.Request:
    key = wire.ModelKey("", "", "")
    return wire.Request("", key, primer, Fraction(beats), Fraction(bpm), (4, 4), 1, knobs, seeds=seeds)


def ask(config: str, label: int, primer=None, **how) -> Phrase:
    return compiled.Compiled(Says(config, label), CONFIGS[config]).continue_(asked(primer, **how))


def sounded(phrase: Phrase) -> list[tuple[Fraction, int]]:
    return [(note.onset, note.pitch) for note in phrase.notes]


# What the encodings are


@pytest.mark.magenta
@pytest.mark.parametrize("config", VOICES)
def test_models_are_told_what_magenta_tells_them(compiler, tmp_path, config):
    family = VOICES[config]
    knobs, controls, heeds = {}, [], configs.CONFIGS[config].heeds
    if "density" in heeds:
        knobs["density"] = 7.5
        controls.append(7.5)
    if "pitch_classes" in heeds:
        knobs["pitch_classes"] = "D F# A A"
        controls.append(weights("D F# A A"))
    for free in (False, True) if config.startswith("optional") else (False,):
        told = [free, controls] if config.startswith("optional") else controls
        compiler(rows=config, controls=told, into=str(tmp_path / "rows.npy"))
        ours = family.opening(asked(tune(4), **({} if free else knobs))).track.encoding.rows
        assert np.array_equal(ours, np.load(tmp_path / "rows.npy"))


placed = st.builds(
    lambda begin, length, pitch: Placed(begin, begin + length, pitch), st.integers(0, 15), st.integers(1, 20), st.integers(0, 127)
)


@pytest.mark.magenta
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(notes=st.lists(placed | placed.map(lambda note: note._replace(pitch=60)), min_size=1, max_size=12))
def test_notes_become_the_events_that_magenta_makes_of_them(compiler, notes):
    steps = polyphony.heard(notes, 16)
    ours = [polyphony.START, *(event for step in steps for event in (*step, polyphony.STEP_END))]
    assert ours == compiler(heard=[note[:3] for note in notes], start=16)["events"]


labels = st.lists(
    st.sampled_from([0, 1, 2, 2, 2]) | st.sampled_from([3, 130, 63, 64, 65, 191, 192, 193]) | st.integers(0, 258), max_size=60
)


@pytest.mark.magenta
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(events=labels)
def test_events_become_the_notes_that_magenta_makes_of_them(compiler, events):
    steps = max(1, events.count(polyphony.STEP_END))
    events = [polyphony.START, *events, polyphony.STEP_END]
    ours = sorted(list(note) for note in polyphony.notes(events, 0, steps))
    assert ours == compiler(sung=events, steps=steps)["notes"]


# Knobs


@pytest.mark.magenta
def test_a_primer_that_is_kept_sounds_in_the_new_bars_from_their_first_beat(untrained):
    model = compiled.load(bundles.find("polyphony_rnn", untrained / "polyphony.mag"))
    melody = tune(3)
    for how in ({"continue_primer": False}, {}):
        with_it = model.continue_(asked(melody, beats=4, keep_primer=True, **how))
        assert set(sounded(melody)) <= set(sounded(with_it))
        assert len(with_it.notes) > 3


@pytest.mark.magenta
def test_a_primer_neither_continued_nor_kept_is_nothing(untrained):
    model = compiled.load(bundles.find("polyphony_rnn", untrained / "polyphony.mag"))
    assert model.continue_(asked(tune(4), continue_primer=False)) == model.continue_(asked(None))
    assert model.continue_(asked(tune(4))) != model.continue_(asked(None))


@pytest.mark.magenta
@pytest.mark.parametrize(("knob", "one", "other"), [("density", 1.0, 40.0), ("pitch_classes", "C", "F#")])
def test_a_conditioned_model_hears_its_knob(untrained, knob, one, other):
    config = "optional_multiconditioned_performance_with_dynamics"
    model = compiled.load(bundles.find("performance_rnn", untrained / f"{config}.mag"))
    phrases = [model.continue_(asked(tune(4), **how)) for how in ({}, {knob: one}, {knob: other})]
    assert len(set(phrases)) == 3


def test_the_steps_of_a_performance_are_hundredths_of_a_second_at_the_tempo_of_the_request():
    opening = CONFIGS["performance"].opening(asked(tune(2), bpm=75, beats=3))
    begins, waits = [60, 62], 256 + 79
    assert opening.track.events == [begins[0], waits, 128 + begins[0], begins[1], waits, 128 + begins[1]]
    assert (opening.track.steps, opening.track.goal) == (160, 160 + 240)  # a beat lasts 0.8 s
    for event in (64, 256 + 49, 128 + 64, 67):
        opening.track.grow(event)
    assert opening.phrase(opening.track).notes == (
        Note(Fraction(0), Fraction(5, 8), 64),
        Note(Fraction(5, 8), Fraction(19, 8), 67),  # is never let go: it is held to the end
    )


def test_no_note_of_a_performance_is_longer_than_five_seconds():
    opening = CONFIGS["performance"].opening(asked(None, bpm=60, beats=8))
    for event in (64, *[WAITS] * 8):
        opening.track.grow(event)
    assert opening.phrase(opening.track).notes == (Note(Fraction(0), Fraction(5), 64),)


def test_a_performance_hears_the_dynamics_and_the_last_thirty_seconds_of_its_primer():
    loud = Phrase((Note(Fraction(0), Fraction(1), 60, 127), Note(Fraction(39), Fraction(1), 61, 3)), Fraction(40))
    events = CONFIGS["performance_with_dynamics"].opening(asked(loud, bpm=60)).track.events
    assert events == [*[WAITS] * 29, 356, 61, WAITS, 128 + 61]


@pytest.mark.parametrize("config", VOICES)
def test_drums_and_silence_are_nothing_to_them(config):
    nothing = VOICES[config].opening(asked(None)).track.events
    for primer in (rock(), silence(Fraction(4))):
        assert VOICES[config].opening(asked(primer)).track.events == nothing


# Answers end


def test_a_model_that_never_ends_a_step_is_given_up_in_a_sentence():
    for how in ({}, {"beam_size": 2, "branch_factor": 2}):
        with pytest.raises(ModelRefused, match="played more than 20 notes a step and came to no end"):
            ask("polyphony", KEEPS_TALKING, tune(4), **how)


def test_a_performance_that_never_waits_ends_after_the_events_that_magenta_draws():
    step = Says("performance", KEEPS_TALKING)
    phrase = compiled.Compiled(step, CONFIGS["performance"]).continue_(asked(None, beats=4))
    assert sounded(phrase) == [(0, KEEPS_TALKING)]
    assert step.times == 4 * 15 * 2  # four events for each of fifteen notes a second, and nothing to hear first


def test_nothing_is_drawn_after_the_bars_are_full():
    step = Says("performance", WAITS)
    assert compiled.Compiled(step, CONFIGS["performance"]).continue_(asked(None, beats=4)) == silence(Fraction(4))
    assert step.times == 2


def test_an_answer_that_would_take_too_long_is_refused_in_a_sentence():
    with pytest.raises(ModelRefused) as refused:
        ask("density_conditioned_performance_with_dynamics", WAITS, beats=64, bpm=40, density=64.0)
    assert str(refused.value) == (
        "64 beats at 40 bpm would be 24576 events of Performance RNN, and 8192 are the most: "
        "ask for fewer bars, or turn down density, beam_size or branch_factor."
    )


def test_candidates_that_would_take_too_long_are_refused_in_a_sentence():
    model = compiled.Compiled(Says("performance", WAITS), CONFIGS["performance"])
    assert len(model.candidates(asked(beats=32, seeds=tuple(range(8))), range(8))) == 8
    with pytest.raises(ModelRefused) as refused:
        model.candidates(asked(beats=32, seeds=tuple(range(9))), range(9))
    assert str(refused.value) == (
        "9 candidates of 32 beats at 120 bpm would be 8640 events of Performance RNN, and 8192 are the most: "
        "ask for fewer candidates or bars, or turn down density, beam_size or branch_factor."
    )


class SaysNan(Says):
    """A network whose sums have run over."""

    def __call__(self, told, state, temperature):
        softmax, state = super().__call__(told, state, temperature)
        return softmax * np.float32("nan"), state


def test_a_model_that_says_nan_is_refused_in_a_sentence():
    for config in ("polyphony", "performance"):
        with pytest.raises(ModelRefused, match="The model says nan where a probability belongs: turn its temperature towards 1"):
            compiled.Compiled(SaysNan(config, WAITS - 256), CONFIGS[config]).continue_(asked(tune(4)))
