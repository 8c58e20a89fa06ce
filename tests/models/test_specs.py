import math
from fractions import Fraction
from pathlib import Path

import mido
import msgspec
import pytest
from model_pieces import bundle_of

from livecode.errors import BadInput, BundleError
from livecode.models import bundles
from livecode.models.pitches import weights
from livecode.models.specs import drums_rnn, melody_rnn, performance_rnn, polyphony_rnn
from livecode.models.wire import Model, ModelKey, Request, decode_for_worker, encode
from livecode.music import Note, Phrase, silence

BEAT = Phrase((Note(Fraction(0), Fraction(1, 4), 36), Note(Fraction(1), Fraction(1, 4), 38)), Fraction(2), drums=True)


def said(constructor, **given) -> str:
    with pytest.raises(BadInput) as error:
        constructor(**given)
    return str(error.value)


def test_a_model_is_what_was_typed():
    model = drums_rnn(
        "drum_kit", bars=4, temperature=1.2, seed=7, primer=BEAT, beam_size=2, branch_factor=3, steps_per_iteration=16
    )
    assert (model.key.config, model.bars, model.seed, model.primer) == ("drum_kit", 4, 7, BEAT)
    assert model.knobs == {"temperature": 1.2, "beam_size": 2, "branch_factor": 3, "steps_per_iteration": 16}


def test_the_defaults_play_the_built_in_models():
    assert (repr(drums_rnn()), repr(melody_rnn())) == ("drums_rnn('drum_kit', bars=2)", "melody_rnn('attention_rnn', bars=4)")
    assert (drums_rnn().primer, melody_rnn().seed) == ("last", None)


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        (drums_rnn(bars=1, temperature=0.9, beam_size=2), "drums_rnn('drum_kit', bars=1, temperature=0.9, beam_size=2)"),
        (drums_rnn(primer=BEAT, seed=3), "drums_rnn('drum_kit', bars=2, seed=3, primer=<2 notes in 2 beats>)"),
        (drums_rnn(primer=None), "drums_rnn('drum_kit', bars=2, primer=None)"),
    ],
)
def test_a_model_shows_what_was_turned(model, shown):
    assert repr(model) == shown


def test_a_bundle_by_path_is_shown_by_path():
    path = melody_rnn().key.path
    assert repr(melody_rnn(path, bars=1)) == f"melody_rnn({str(path)!r}, bars=1)"


def test_a_model_goes_over_the_wire():
    def to_json(value):
        return str(value)

    def from_json(kind, value):
        return kind(value)

    for model in (drums_rnn(), melody_rnn(primer=None, seed=2**63 - 1), drums_rnn(primer=BEAT, temperature=0.3)):
        assert msgspec.json.decode(msgspec.json.encode(model, enc_hook=to_json), type=Model, dec_hook=from_json) == model


@pytest.mark.parametrize("temperature", [0.01, 0.5, 1, 10, Fraction(11, 10)])
def test_temperatures_that_work(temperature):
    assert drums_rnn(temperature=temperature).knobs["temperature"] == float(temperature)


@pytest.mark.parametrize("temperature", [0, 0.001, -1, 10.5, math.nan, math.inf, "hot", None, True])
def test_temperatures_that_do_not(temperature):
    assert said(drums_rnn, temperature=temperature).endswith(": give 0.01 to 10, where 1.0 is as it was trained.")


@pytest.mark.parametrize("name", ["bars", "beam_size", "branch_factor", "steps_per_iteration"])
@pytest.mark.parametrize("value", [0, -1, 1.0, "2", None, True, 5000])
def test_counts_are_whole_and_sane(name, value):
    assert said(melody_rnn, **{name: value}).startswith(f"{name}={value!r} cannot be: give a whole number from 1 to ")


def test_a_search_that_would_outlast_the_worker_is_refused():
    assert said(drums_rnn, bars=64, beam_size=8, branch_factor=2) == (
        "64 bars with beam_size=8 and branch_factor=2 would take too long: bars x beam_size x branch_factor may be 512."
    )
    assert drums_rnn(bars=64, beam_size=8).bars == 64


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "x", True])
def test_seeds_that_cannot_be(seed):
    assert "give a whole number from 0 to 2**63 - 1, or None" in said(drums_rnn, seed=seed)


@pytest.mark.parametrize("primer", [3, "first", "song.mp3", ["C4"]])
def test_primers_that_cannot_be(primer):
    assert (
        said(melody_rnn, primer=primer)
        == f"primer={primer!r} cannot be: give 'last', None, a phrase, or the path of a .mid file."
    )


def test_a_primer_longer_than_the_models_ever_saw_is_refused():
    assert said(drums_rnn, primer=silence(Fraction(129), drums=True)) == (
        "The primer is 129 beats long: a model hears at most 128, so give its end, such as primer.last(128)."
    )
    assert drums_rnn(primer=silence(Fraction(129), drums=True).last(Fraction(128))).bars == 2


def test_drums_are_no_primer_for_a_melody():
    assert "The primer is drums" in said(melody_rnn, primer=BEAT)


@pytest.mark.parametrize("name", ["tune.mid", "TUNE.MIDI"])
def test_a_primer_may_be_a_midi_file(tmp_path, monkeypatch, name):
    file = mido.MidiFile(ticks_per_beat=480)
    on, off = mido.Message("note_on", note=64, velocity=90), mido.Message("note_off", note=64, time=480)
    file.tracks.append(mido.MidiTrack([on, off]))
    file.save(tmp_path / name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for given in (tmp_path / name, str(tmp_path / name), f"~/{name}"):
        primer = melody_rnn(primer=given).primer
        assert isinstance(primer, Phrase)
        assert primer.notes == (Note(Fraction(0), Fraction(1), 64, 90),)


def test_a_midi_file_that_is_not_there_is_refused(tmp_path):
    assert "none.mid" in said(melody_rnn, primer=tmp_path / "none.mid")


@pytest.fixture
def mag(tmp_path):
    def written(config: str) -> Path:
        path = tmp_path / f"{config}.mag"
        path.write_bytes(bundle_of(config))
        return path

    return written


def test_voices_are_what_was_typed(mag):
    chorale, free = mag("polyphony"), mag("multiconditioned_performance_with_dynamics")
    model = polyphony_rnn(chorale, continue_primer=False, keep_primer=True, temperature=0.9)
    assert model.key == ModelKey("polyphony_rnn", "polyphony", str(chorale))
    assert repr(model) == (f"polyphony_rnn({str(chorale)!r}, bars=4, temperature=0.9, continue_primer=False, keep_primer=True)")
    model = performance_rnn(free, bars=2, density=1, pitch_classes="A minor")
    assert model.knobs["density"] == 1.0
    assert repr(model) == f"performance_rnn({str(free)!r}, bars=2, density=1.0, pitch_classes='A minor')"
    assert performance_rnn(free, pitch_classes=range(12)).knobs["pitch_classes"] == tuple(float(weight) for weight in range(12))
    assert set(polyphony_rnn(chorale).knobs) == {"temperature", "beam_size", "branch_factor", "steps_per_iteration"}


def test_knobs_of_every_kind_go_over_the_wire(mag):
    free = mag("multiconditioned_performance_with_dynamics")
    for model in (
        polyphony_rnn(mag("polyphony"), continue_primer=False),
        performance_rnn(free, density=3, pitch_classes="C E G"),
        performance_rnn(free, pitch_classes=[1] * 12),
    ):
        request = Request("1", model.key, None, Fraction(16), Fraction(120), (4, 4), 1, model.knobs)
        assert decode_for_worker(encode(request)) == request


@pytest.mark.parametrize("density", [-1, 64.5, math.nan, math.inf, "thick", True])
def test_densities_that_cannot_be(density):
    assert said(performance_rnn, density=density) == (
        f"density={density!r} cannot be: give a number of notes a second from 0 to 64."
    )


@pytest.mark.parametrize(
    "pitch_classes",
    [
        "",
        "H",
        "C H",
        "A minor seventh",
        "C4 E4",
        [1] * 11,
        [0] * 12,
        [-1] + [1] * 11,
        [math.nan] * 12,
        [True] * 12,
        3,
        ["C"] * 12,
    ],
)
def test_pitch_classes_that_cannot_be(pitch_classes):
    assert said(performance_rnn, pitch_classes=pitch_classes).startswith(
        f"pitch_classes={pitch_classes!r} cannot be: give names such as 'C E G', a key such as 'A minor', or twelve weights "
    )


def test_pitch_classes_as_performers_say_them():
    assert weights("C E G") == weights([1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0])
    assert weights("A minor") == weights("C major") == weights("C D E F G A B")
    assert weights("Cb f# B") == (0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2)
    assert weights("F#m") == weights("F# minor")
    assert weights("eb whole tone") == weights("Eb F G A B Db")


def test_a_knob_that_a_config_has_not_is_refused_with_those_that_have_it(mag):
    assert said(performance_rnn, model=mag("pitch_conditioned_performance_with_dynamics"), density=3) == (
        "pitch_conditioned_performance_with_dynamics has no density: leave it out, or give one of "
        "density_conditioned_performance_with_dynamics, multiconditioned_performance_with_dynamics, "
        "optional_multiconditioned_performance_with_dynamics."
    )
    assert said(performance_rnn, model=mag("performance"), pitch_classes="C").startswith("performance has no pitch_classes: ")


@pytest.mark.parametrize("name", ["continue_primer", "keep_primer"])
@pytest.mark.parametrize("value", [1, 0, None, "yes", math.nan])
def test_switches_are_true_or_false(name, value):
    assert said(polyphony_rnn, **{name: value}) == f"{name}={value!r} cannot be: give True or False."


def test_a_primer_that_is_to_be_kept_must_be_there():
    assert said(polyphony_rnn, keep_primer=True, primer=None).startswith("keep_primer=True needs a primer to keep: ")


@pytest.mark.parametrize("constructor", [polyphony_rnn, performance_rnn])
def test_voices_refuse_what_all_models_refuse(constructor):
    assert said(constructor, temperature=math.nan).endswith(": give 0.01 to 10, where 1.0 is as it was trained.")
    assert "The primer is drums" in said(constructor, primer=BEAT)
    assert "a model hears at most 128" in said(constructor, primer=silence(Fraction(129)))


def test_a_config_that_does_not_ship_says_what_to_do(mag):
    with pytest.raises(BundleError) as error:
        polyphony_rnn("polyphony")
    assert str(error.value) == (
        "There is no built-in bundle for polyphony: give the path of a .mag file that holds it, or take "
        "'magenta:polyphony_rnn', which is downloaded."
    )
    assert bundles.find("performance_rnn", mag("performance")).config == "performance"
