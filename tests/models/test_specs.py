import math
from fractions import Fraction

import mido
import msgspec
import pytest

from livecode.errors import BadInput
from livecode.models.specs import drums_rnn, melody_rnn
from livecode.models.wire import Model
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
