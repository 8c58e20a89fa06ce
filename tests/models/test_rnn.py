"""The contract of every model, on both engines: with the built-in bundles, and with untrained ones of every config."""

import os
import signal
from fractions import Fraction

import pytest
from model_pieces import rock, tune

from livecode.errors import ModelRefused
from livecode.models import bundles, families, polyphony, rnn
from livecode.models.wire import Request
from livecode.music import Note, Phrase, silence

pytestmark = pytest.mark.magenta

CONFIGS = [(family, config) for family, configs in bundles.FAMILIES.items() for config in configs if config in families.CONFIGS]
MODELS = [(family, config, config) for family, config in CONFIGS if config in bundles.BUILT_IN]
MODELS += [(family, config, "untrained") for family, config in CONFIGS]
ON_MAGENTA = [model for model in MODELS if model[2] != "untrained" or model[1] in ("polyphony", "performance")]
"""Duels compare both engines in every config: one of each family will do here, for Magenta takes minutes."""
ASKED = [("compiled", *model) for model in MODELS] + [("magenta", *model) for model in ON_MAGENTA]

SEVERAL_VOICES = ("polyphony_rnn", "performance_rnn")

KIT = {36, 38, 42, 45, 46, 48, 49, 50, 51}
"""What drum_kit can play. Source: the first pitch of each drum in DEFAULT_DRUM_TYPE_PITCHES of note_seq."""


@pytest.fixture(params=["compiled", "magenta"])
def engine(request):
    return request.param


@pytest.fixture(params=ASKED, ids=lambda model: " ".join((*model[2:], model[0])))
def key(request, untrained):
    engine, family, config, which = request.param
    return bundles.find(family, config if which == config else untrained / f"{config}.mag", engine)


@pytest.fixture
def drum_kit(engine):
    return bundles.find("drums_rnn", "drum_kit", engine)


@pytest.fixture
def attention_rnn(engine):
    return bundles.find("melody_rnn", "attention_rnn", engine)


def primer_for(key, length: int) -> Phrase | None:
    if not length:
        return None
    return rock(bars=2).last(Fraction(length)) if key.family == "drums_rnn" else tune(length)


def check(phrase: Phrase, key, beats) -> None:
    """Whole, on the grid, and of notes that the model can play."""
    grid = {"one_drum": Fraction(1, 2)}.get(key.config, Fraction(1, 50) if key.family == "performance_rnn" else Fraction(1, 4))
    assert phrase.length == beats
    assert phrase.drums == (key.family == "drums_rnn")
    assert [note.onset % grid for note in phrase.notes] == [0] * len(phrase.notes)
    if key.family != "performance_rnn" or key.config == "performance":
        assert {note.velocity for note in phrase.notes} <= {100}
    else:
        assert {note.velocity for note in phrase.notes} <= {100, *range(1, 128, 4)}  # as nothing was said, and 32 bins
    if phrase.drums:
        assert {note.pitch for note in phrase.notes} <= ({39} if key.config == "one_drum" else KIT)
    else:
        if key.family not in SEVERAL_VOICES:
            assert len({note.onset for note in phrase.notes}) == len(phrase.notes)
        assert [note for note in phrase.notes if note.duration % grid and note.end != beats] == []


@pytest.mark.parametrize("primer_beats", [0, 1, 3, 4, 8])
def test_a_model_fills_exactly_the_bars_that_were_asked_for(magenta, key, primer_beats):
    primer = primer_for(key, primer_beats)
    phrases = [magenta.phrase(key, primer, beats=8, seed=seed) for seed in range(6 if key.engine == "compiled" else 3)]
    for phrase in phrases:
        check(phrase, key, 8)
    if not key.config.endswith("note_encoding"):  # whose notes fall where they will
        assert any(note.onset == 0 for phrase in phrases for note in phrase.notes)  # not a step late
    assert any(note.onset >= 7 for phrase in phrases for note in phrase.notes)


def test_the_same_request_gives_the_same_phrase_and_another_seed_another(magenta, key):
    primer = primer_for(key, 4)
    first = magenta.phrase(key, primer, seed=2**32 - 1)
    others = [magenta.phrase(key, primer, seed=seed) for seed in range(4)]
    assert magenta.phrase(key, primer, seed=2**32 - 1) == first
    assert [other for other in others if other != first]


@pytest.mark.parametrize(("meter", "beats"), [((3, 4), 6), ((7, 8), 7), ((7, 8), "7/2"), ((15, 16), "15/4"), ((4, 4), "1/3")])
def test_any_meter_gets_its_length(magenta, key, meter, beats):
    for primer in (None, primer_for(key, 3)):
        check(magenta.phrase(key, primer, beats=beats, meter=meter), key, Fraction(beats))


def test_the_knobs_are_accepted(magenta, key):
    for knobs in ({"beam_size": 2}, {"branch_factor": 2}, {"beam_size": 2, "branch_factor": 2, "steps_per_iteration": 16}):
        check(magenta.phrase(key, primer_for(key, 4), beats=4, temperature=1.5, **knobs), key, 4)


@pytest.mark.parametrize("temperature", [0.01, 10])
def test_the_coldest_and_the_hottest(magenta, key, temperature):
    if key.config == "polyphony" and temperature == 10:
        magenta.ask(key, primer_for(key, 4), beats=4, temperature=10)
        assert magenta.reply().refusal == polyphony.ENDLESS  # one of 259 classes is the end of a step
        return
    check(magenta.phrase(key, primer_for(key, 4), beats=4, temperature=temperature), key, 4)


def test_silence_is_like_nothing(magenta, key):
    empty = silence(Fraction(8), drums=key.family == "drums_rnn")
    assert magenta.phrase(key, empty) == magenta.phrase(key, None)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8])
def test_the_new_bars_start_on_the_beat_wherever_the_primer_began(magenta, drum_kit, length):
    bars = magenta.phrase(drum_kit, rock(bars=2).last(Fraction(length)), temperature=0.05, beats=4)
    assert {note.onset for note in bars.notes if note.pitch == 36} >= {0, 2}
    assert {note.onset for note in bars.notes if note.pitch == 38} == {1, 3}


def test_a_primer_off_the_grid_still_ends_where_the_bars_begin(magenta, drum_kit, attention_rnn):
    late = Phrase((Note(Fraction(0), Fraction(1, 4), 36), Note(Fraction(31, 16), Fraction(1, 16), 38)), Fraction(2), drums=True)
    check(magenta.phrase(drum_kit, late), drum_kit, 8)
    only = Phrase((Note(Fraction(127, 64), Fraction(1, 64), 60),), Fraction(2))  # rounds to the first step of the new bars
    assert magenta.phrase(attention_rnn, only) == magenta.phrase(attention_rnn, None)
    odd = Phrase((Note(Fraction(1, 7), Fraction(40, 7), 60), Note(Fraction(1, 3), Fraction(1, 9), 64)), Fraction(41, 7))
    check(magenta.phrase(attention_rnn, odd), attention_rnn, 8)


def test_only_the_end_of_a_very_long_primer_is_heard(magenta, attention_rnn):
    primer = tune(200)
    assert magenta.phrase(attention_rnn, primer) == magenta.phrase(attention_rnn, primer.last(Fraction(128)))


def test_a_melody_model_takes_drums_for_silence(magenta, attention_rnn):
    assert magenta.phrase(attention_rnn, rock()) == magenta.phrase(attention_rnn, None)


def test_the_melody_stays_near_its_primer(magenta, attention_rnn):
    high = Phrase(tuple(Note(note.onset, note.duration, note.pitch + 24) for note in tune(8).notes), Fraction(8))
    assert min(note.pitch for note in magenta.phrase(attention_rnn, high).notes) >= 84 - 18


def test_neither_the_order_nor_the_worker_matters(magenta, engine, drum_kit, attention_rnn):
    asked = [(drum_kit, rock(), 1), (attention_rnn, tune(8), 1), (drum_kit, None, 2), (attention_rnn, None, 2)]
    before = [magenta.phrase(key, primer, seed=seed) for key, primer, seed in asked]
    if engine == "compiled":  # another process of Magenta's takes ten seconds, and another environment's is compared
        os.kill(magenta.state(drum_kit).pid, signal.SIGKILL)
    after = [magenta.phrase(key, primer, seed=seed) for key, primer, seed in reversed(asked)]
    assert after == before[::-1]


class Slow:
    """A generator that takes its time: as many seconds of a test's clock as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, takes: float) -> None:
        self.now, self._takes = 0.0, takes
        monkeypatch.setattr(rnn, "monotonic", lambda: self.now)
        monkeypatch.setattr(rnn.Rnn, "continue_", self._play)

    def _play(self, request: Request) -> Phrase:
        self.now += self._takes
        return silence(Fraction(4))


def test_candidates_that_would_take_magenta_too_long_are_refused_after_the_first(monkeypatch, attention_rnn):
    request = Request("", attention_rnn, None, Fraction(4), Fraction(120), (4, 4), 1, {})
    model = rnn.Rnn(None, "melody_rnn", 4)
    slow = Slow(monkeypatch, 6.0)
    with pytest.raises(ModelRefused) as refused:
        model.candidates(request, range(8))
    assert slow.now == 6.0
    assert str(refused.value) == (
        "8 candidates would take 48 s on Magenta's engine, which makes one after the other, and 20 s are the most: "
        "ask for 3 at most."
    )
    assert len(model.candidates(request, range(3))) == 3
