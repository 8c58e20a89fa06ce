"""Performance RNN with note encoding, which Magenta's own generator cannot play: against Magenta's model and encoder."""

from fractions import Fraction

import numpy as np
import pytest
from model_pieces import bundle_of, rock, tune

from livecode.errors import BundleError
from livecode.models import bundles, compiled
from livecode.models.families import CONFIGS
from livecode.models.grid import Laid, Placed
from livecode.models.notewise import NoteEncoding, NoteTrack, heard
from livecode.models.search import Knobs, Search
from livecode.models.wire import ModelKey, Request
from livecode.music import Phrase, silence

CONFIG = "performance_with_dynamics_and_note_encoding"
NOTES = [Placed(0, 40, 60, 80), Placed(0, 120, 67, 3), Placed(37, 38, 72, 127), Placed(140, 200, 48, 64)]


def asked(primer: Phrase | None = None, *, beats=4, bpm=60, seed=1, **knobs) -> Request:
    key = ModelKey("performance_rnn", CONFIG, "")
    return Request("", key, primer, Fraction(beats), Fraction(bpm), (4, 4), seed, knobs)


def laid(notes: list[Placed]) -> Laid:
    return Laid(notes, 200, 400, Fraction(4), Fraction(100))


@pytest.mark.magenta
@pytest.mark.parametrize("search", [{}, {"temperature": 0.5}, {"beam_size": 3, "branch_factor": 2, "steps_per_iteration": 4}])
def test_the_notes_that_are_drawn_are_those_that_magentas_model_draws(compiler, untrained, search):
    model = compiled.load(bundles.find("performance_rnn", untrained / f"{CONFIG}.mag"))
    encoding = NoteEncoding()
    for seed in range(3):
        track = NoteTrack(encoding, heard(laid(NOTES), encoding), 10**9)
        mine = Search(model.step, track, Knobs.of(search), [np.random.RandomState(seed)])
        mine.run(30)
        how = {"notes": NOTES, "events": 30, "seed": seed, "search": search}
        theirs = compiler(noted=str(untrained / f"{CONFIG}.ckpt"), **how)["events"]
        first = np.cumsum([0, *encoding.sizes[:-1]])
        assert [(np.array(event) - first).tolist() for event in mine.tracks[0].events] == theirs
        assert len({tuple(event) for event in theirs[4:]}) > 10


@pytest.mark.magenta
def test_it_fills_the_bars_that_are_asked_for_and_no_more(untrained):
    model = compiled.load(bundles.find("performance_rnn", untrained / f"{CONFIG}.mag"))
    for primer in (None, tune(4)):
        phrase = model.continue_(asked(primer))
        assert phrase.length == 4
        assert any(note.onset >= 2 for note in phrase.notes)
        assert model.candidates(asked(primer), range(4)) == [model.continue_(asked(primer, seed=seed)) for seed in range(4)]
    searched = model.continue_(asked(tune(4), beats=1, beam_size=2, branch_factor=2))
    assert searched.length == 1


def test_a_primer_is_told_note_by_note_and_comes_back():
    encoding = NoteEncoding()
    track = NoteTrack(encoding, heard(laid(NOTES), encoding), 600)
    assert [encoding.decoded(event) for event in track.events] == [
        (0, 60, 77, 40), (0, 67, 1, 120), (37, 72, 125, 1), (103, 48, 61, 60)
    ]  # fmt: skip
    assert (track.steps, track.full) == (140, False)
    track.grow(encoding.encoded(60, 50, 100, 7))
    track.grow(encoding.encoded(400, 51, 100, 7))
    assert track.full
    assert track.placed()[-2:] == [Placed(200, 207, 50, 97), Placed(600, 607, 51, 97)]
    vector = track.vector()
    assert (vector.sum(), len(vector)) == (6, sum(encoding.sizes))


def test_pauses_and_notes_of_more_than_ten_seconds_are_told_as_ten():
    encoding = NoteEncoding()
    long = heard(Laid([Placed(1500, 2900, 60)], 3000, 400, Fraction(4), Fraction(100)), encoding)
    assert encoding.decoded(long[0]) == (1000, 60, 97, 1000)


def test_from_nothing_or_drums_it_is_told_magentas_default_event():
    family = CONFIGS[CONFIG]
    for primer in (None, rock(), silence(Fraction(4))):
        opening = family.opening(asked(primer))
        assert opening.track.events == [NoteEncoding().default()]
        assert opening.phrase(opening.track) == silence(Fraction(4))


def test_it_does_not_play_on_magenta_and_says_so(tmp_path):
    path = tmp_path / "mine.mag"
    path.write_bytes(bundle_of(CONFIG))
    with pytest.raises(
        BundleError, match=f"Magenta's own generator fails for {CONFIG}: leave out engine='magenta', and it plays"
    ):
        bundles.find("performance_rnn", path, "magenta")
    assert bundles.find("performance_rnn", path).config == CONFIG
