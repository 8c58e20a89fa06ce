"""Pianoroll RNN-NADE, which runs on Magenta only: the contract of a model, and seeds where a bundle's graph draws."""

from fractions import Fraction

import pytest
from model_pieces import rock, tune

from livecode.errors import BadInput
from livecode.models import bundles, compiled
from livecode.models.specs import pianoroll_rnn_nade
from livecode.music import Note, Phrase, silence

pytestmark = pytest.mark.magenta


@pytest.fixture(scope="session")
def pianorolls(compiler, tmp_path_factory):
    """The folder of small untrained bundles: `pianorolls / "rnn-nade.mag"`."""
    folder = tmp_path_factory.mktemp("pianorolls")
    compiler(pianorolls=str(folder))
    return folder


BUNDLES = [*bundles.FAMILIES["pianoroll_rnn_nade"], "drawing"]


@pytest.fixture(params=BUNDLES)
def key(request, pianorolls):
    return pianoroll_rnn_nade(pianorolls / f"{request.param}.mag").key


@pytest.mark.parametrize(
    ("primer_beats", "beats", "meter"), [(0, 8, (4, 4)), (3, 6, (3, 4)), (8, "7/2", (7, 8)), (4, "1/2", (4, 4))]
)
def test_it_fills_exactly_the_bars_that_were_asked_for(magenta, key, primer_beats, beats, meter):
    primer = tune(primer_beats) if primer_beats else None
    phrase = magenta.phrase(key, primer, beats=beats, meter=meter)
    assert phrase.length == Fraction(beats)
    assert [note for note in phrase.notes if note.onset % Fraction(1, 4)] == []
    assert {note.velocity for note in phrase.notes} <= {100}
    assert all(21 <= note.pitch <= 108 for note in phrase.notes)
    assert len(phrase.notes) > len({note.onset for note in phrase.notes}) or beats == "1/2" or not primer  # voices


def test_the_same_request_gives_the_same_phrase(magenta, key):
    first = magenta.phrase(key, tune(4), seed=7)
    others = [magenta.phrase(key, tune(4), seed=seed) for seed in (8, 9)]
    assert magenta.phrase(key, tune(4), seed=7) == first
    if key.path.stem == "drawing":
        assert first not in others
        assert others[0] != others[1]
    else:
        assert others == [first, first]  # nothing is drawn


def test_it_hears_its_primer_and_silence_is_like_nothing(magenta, key):
    low = Phrase(tuple(Note(note.onset, note.duration, note.pitch - 24) for note in tune(4).notes), Fraction(4))
    assert magenta.phrase(key, low) != magenta.phrase(key, tune(4))
    for nothing in (silence(Fraction(4)), rock()):
        assert magenta.phrase(key, nothing) == magenta.phrase(key, None)
    outside = Phrase((Note(Fraction(0), Fraction(1), 127), Note(Fraction(1), Fraction(1), 3)), Fraction(4))
    assert magenta.phrase(key, outside).length == 8


def test_a_search_is_taken(magenta, key):
    phrase = magenta.phrase(key, tune(4), beats=4, beam_size=2, branch_factor=2)
    assert phrase == magenta.phrase(key, tune(4), beats=4, beam_size=2, branch_factor=2)


def test_what_is_typed_is_kept_or_refused(pianorolls):
    model = pianoroll_rnn_nade(pianorolls / "rnn-nade.mag", bars=2)
    assert (model.key.engine, model.key.config, model.bars) == ("magenta", "rnn-nade", 2)
    with pytest.raises(BadInput, match="Pianoroll RNN-NADE is not compiled: leave engine out"):
        pianoroll_rnn_nade(pianorolls / "rnn-nade.mag", engine="compiled")
    with pytest.raises(Exception, match="rnn-nade cannot be compiled yet: ask for it with engine='magenta'"):
        compiled.load(bundles.find("pianoroll_rnn_nade", pianorolls / "rnn-nade.mag"))
