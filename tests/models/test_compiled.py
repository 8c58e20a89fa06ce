"""Compiled models play what Magenta's own generators play, note for note, without TensorFlow."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_pieces import EXCUSED, Judge, flipped, rock, tune

from livecode.models import bundles, compiled, configs, families, wire
from livecode.models.chords import pitches, written
from livecode.music import Note, Phrase

pytestmark = pytest.mark.magenta

CONFIGS = [config for config in families.CONFIGS if configs.CONFIGS[config].on_magenta]
SHAPES = {
    "two layers": "lookback_rnn",
    "a short attention": "drum_kit",
    "residual": "basic_rnn",
    "residual attention": "attention_rnn",
    "batch of five": "attention_rnn",
    "chords in batches of three": "chord_pitches_improv",
    "compact": "performance_with_dynamics",
    "voices with attention": "polyphony",
    "voices in threes": "polyphony",
}
IMPROV = bundles.FAMILIES["improv_rnn"]


def asked(key, primer=None, *, beats=8, bpm=120, seed=1, meter=(4, 4), chords=None, **knobs) -> wire.Request:
    return wire.Request("", key, primer, Fraction(beats), Fraction(bpm), meter, seed, knobs, chords=chords)


@pytest.fixture(scope="module")
def check():
    """A function that takes the verdict of each duel here."""
    return Judge().take


def duels(examples: int) -> settings:
    """So many requests to both engines, always the same ones; LIVECODE_DUELS times as many if that is set (`make duels`)."""
    more = int(os.environ.get("LIVECODE_DUELS", "1"))
    return settings(max_examples=more * examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


grids = st.integers(0, 63).map(lambda step: Fraction(step, 4)) | st.fractions(0, 15, max_denominator=96)
lengths = st.sampled_from([Fraction(1, 16), Fraction(1, 4), Fraction(1, 3), Fraction(1), Fraction(9, 2)])
hits = st.builds(Note, grids, lengths, st.integers(0, 127), st.integers(1, 127))
primers = st.none() | st.builds(
    lambda notes, drums, length: Phrase(tuple(notes), Fraction(16), drums).last(length),
    st.lists(hits, max_size=40),
    st.booleans(),
    st.sampled_from([Fraction(16), Fraction(8), Fraction(7, 2), Fraction(1)]),
)
requests = st.fixed_dictionaries(
    {
        "primer": primers,
        "beats": st.sampled_from([1, 4, 8, 16, "7/2", "1/3"]),
        "seed": st.integers(0, 2**32 - 1),
        "temperature": st.floats(0.05, 4) | st.sampled_from([0.01, 1.0, 10.0]),
    }
)
symbols = st.sampled_from([wire.NO_CHORD, "C", "Am", "F#m7b5/E", "Bbaug", "Ddim", "E7(#9)", "Ab6", "Cb", "G##m"])
progressions = st.lists(st.tuples(st.integers(-64, 64).map(lambda step: Fraction(step, 4)), symbols), max_size=12).map(
    lambda changes: tuple(sorted(changes))
)
played = st.builds(lambda notes: Phrase(tuple(notes), Fraction(40)), st.lists(hits, max_size=12))
searches = st.fixed_dictionaries(
    {"beam_size": st.integers(1, 4), "branch_factor": st.integers(1, 3), "steps_per_iteration": st.sampled_from([1, 3, 16])}
)


@pytest.mark.parametrize(("family", "config"), [("drums_rnn", "drum_kit"), ("melody_rnn", "attention_rnn")])
@duels(20)
@given(request=requests)
def test_any_request_gives_the_notes_that_magenta_gives(duel, check, family, config, request):
    check(duel(asked(bundles.find(family, config), **request)))


@pytest.mark.parametrize(("family", "config"), [("drums_rnn", "drum_kit"), ("melody_rnn", "attention_rnn")])
@duels(8)
@given(request=requests, search=searches)
def test_a_search_takes_the_paths_that_magenta_takes(duel, check, family, config, request, search):
    check(duel(asked(bundles.find(family, config), **{**request, "beats": 4}, **search)))


def improviser(config: str, untrained) -> wire.ModelKey:
    return bundles.find("improv_rnn", "chord_pitches_improv" if config == "built in" else untrained / f"{config}.mag")


@pytest.mark.parametrize("config", ["built in", *IMPROV])
@duels(10)
@given(request=requests, chords=progressions | played, meter=st.sampled_from([(4, 4), (3, 4), (7, 8)]))
def test_any_chords_give_the_notes_that_magenta_gives(duel, check, untrained, config, request, chords, meter):
    check(duel(asked(improviser(config, untrained), **request, chords=chords, meter=meter)))


@pytest.mark.parametrize("config", IMPROV)
@duels(4)
@given(request=requests, search=searches, chords=progressions)
def test_a_search_over_chords_takes_the_paths_that_magenta_takes(duel, check, untrained, config, request, search, chords):
    key = bundles.find("improv_rnn", untrained / f"{config}.mag")
    check(duel(asked(key, **{**request, "beats": 4}, **search, chords=chords)))


@pytest.mark.parametrize("config", IMPROV)
def test_other_chords_give_other_notes(untrained, config):
    key = bundles.find("improv_rnn", untrained / f"{config}.mag")
    model = compiled.load(key)

    def answers(symbol: str) -> list[Phrase]:
        chords = ((Fraction(-4), "F"), (Fraction(0), "F"), (Fraction(2), symbol))
        return model.candidates(asked(key, tune(4), chords=chords, beats=4), range(8))

    plain, other = answers("F"), answers("Bm")
    assert answers("F") == plain
    assert other != plain
    for one, two in zip(plain, other, strict=True):  # a chord is known no sooner than it sounds
        assert [note.pitch for note in one.notes if note.onset < 2] == [note.pitch for note in two.notes if note.onset < 2]


voices = st.fixed_dictionaries(
    {"primer": primers, "beats": st.sampled_from([1, 4, "7/2", "1/3"]), "seed": st.integers(0, 2**32 - 1)}
)
kept = st.fixed_dictionaries({}, optional={"continue_primer": st.booleans(), "keep_primer": st.booleans()})
conditions = st.fixed_dictionaries(
    {},
    optional={
        "density": st.floats(0, 64) | st.sampled_from([0.0, 1.0, 8.0, 64.0]),
        "pitch_classes": st.sampled_from(["C E G", "Bb minor"])
        | st.lists(st.floats(0.01, 9), min_size=12, max_size=12).map(tuple),
    },
)
CONDITIONED = {name: configs.CONFIGS[name].heeds for name in CONFIGS if name in bundles.FAMILIES["performance_rnn"]}


@duels(10)
@given(request=voices, knobs=kept, temperature=st.floats(0.3, 2), search=st.none() | searches)
def test_any_request_to_polyphony_rnn_gives_the_notes_that_magenta_gives(
    duel, check, untrained, request, knobs, temperature, search
):
    key = bundles.find("polyphony_rnn", untrained / "polyphony.mag")
    check(duel(asked(key, **request, temperature=temperature, **knobs, **(search or {}))))


@pytest.mark.parametrize("config", CONDITIONED)
@duels(4)
@given(
    request=voices,
    bpm=st.sampled_from(["93.5", "120", "201.123"]),
    knobs=conditions,
    temperature=st.floats(0.05, 4),
    search=st.none() | searches,
)
def test_any_request_to_performance_rnn_gives_the_notes_that_magenta_gives(
    duel, check, untrained, config, request, bpm, knobs, temperature, search
):
    key = bundles.find("performance_rnn", untrained / f"{config}.mag")
    heeded = {name: value for name, value in knobs.items() if name in CONDITIONED[config]}
    check(duel(asked(key, **request, bpm=bpm, temperature=temperature, **heeded, **(search or {}))))


@pytest.mark.parametrize("name", [*CONFIGS, *SHAPES])
def test_every_config_and_every_shape_of_network_plays_as_on_magenta(duel, check, untrained, name):
    family = configs.CONFIGS[SHAPES.get(name, name)].family
    key = bundles.find(family, untrained / f"{name}.mag")
    own = rock(bars=4) if family == "drums_rnn" else tune(16)
    beats, searched = {"polyphony_rnn": (4, 4), "performance_rnn": (2, 1)}.get(family, (8, 4))  # events are more than steps there
    for seed, temperature in enumerate((1.0, 0.5)):
        for primer in (None, own, own.last(Fraction(3))):
            check(duel(asked(key, primer, beats=beats, seed=seed, temperature=temperature)))
        check(duel(asked(key, own, beats=searched, seed=seed, beam_size=3, branch_factor=2, steps_per_iteration=1 + seed)))


def test_the_built_in_improviser_keeps_to_its_chords():
    key = bundles.find("improv_rnn", "chord_pitches_improv")
    model = compiled.load(key)

    def kept(symbols: str, others: str) -> float:
        """The share of the notes, of 16 answers over the first chords, that are of a pitch of the second ones."""
        song, heard = written(symbols).between(Fraction(-1), Fraction(4)), pitches_of(others)
        over = tuple((4 * bar, symbol) for bar, symbol in song)
        phrases = model.candidates(asked(key, tune(4), beats=16, chords=over), range(16))
        inside = [note.pitch % 12 in heard[int(note.onset // 4)] for phrase in phrases for note in phrase.notes]
        assert len(inside) > 100
        return sum(inside) / len(inside)

    for symbols, others in (("Am F C G", "Ebm B Gb Db"), ("Ebm B Gb Db", "Am F C G")):
        assert kept(symbols, symbols) > 0.45
        assert kept(symbols, others) < 0.3


def pitches_of(symbols: str) -> list[set[int]]:
    return [{pitch % 12 for pitch in pitches(symbol)} for _, symbol in written(symbols).changes]


def test_candidates_made_in_one_batch_are_those_made_one_by_one(drum_kit, attention_rnn, untrained):
    polyphony = bundles.find("polyphony_rnn", untrained / "polyphony.mag")
    performance = bundles.find("performance_rnn", untrained / "performance_with_dynamics.mag")
    for key, primer in ((drum_kit, rock()), (attention_rnn, tune(8)), (polyphony, tune(4)), (performance, tune(4))):
        model = compiled.load(key)
        for search in ({}, {"beam_size": 2, "branch_factor": 2}):
            alone = [model.continue_(asked(key, primer, seed=seed, **search)) for seed in range(8)]
            assert model.candidates(asked(key, primer, **search), range(8)) == alone
            assert len(set(alone)) > 1


def test_a_built_in_model_needs_no_tensorflow():
    program = (
        "import sys; from fractions import Fraction; from livecode.models import bundles, compiled, wire\n"
        "for key in (bundles.find(*of) for of in (('drums_rnn', 'drum_kit'), ('melody_rnn', 'attention_rnn'),"
        " ('improv_rnn', 'chord_pitches_improv'))):\n"
        "    compiled.load(key).continue_(wire.Request('', key, None, Fraction(8), Fraction(120), (4, 4), 1, {}))\n"
        "heavy = ('tensorflow', 'magenta', 'pandas', 'librosa', 'bokeh', 'scipy', 'onnx')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"  # pyfluidsynth prints a line where CI is set


def test_the_judge_of_the_duels_excuses_a_rounding_and_nothing_else():
    row = np.array([0.25, 0.25, 0.5], np.float32)
    nudged = row + np.array([6e-8, 0, -6e-8], np.float32)
    assert flipped([row, row], [row, nudged], [0.1, 0.25]) == (
        "draw 1: at 0.25 Magenta took 1 of [0.25, 0.25, 0.5], compiled took 0 of [0.2500000596046448, 0.25, 0.4999999403953552]"
    )
    assert flipped([row], [nudged], [0.1]) == ""
    assert flipped([row], [row[::-1]], [0.3]) == ""


def test_onnxruntime_writes_down_nothing_about_the_machine(tmp_path):
    code = "from livecode.models import bundles, compiled; compiled.load(bundles.find('drums_rnn', 'drum_kit'))"
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=quiet | home)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_run_of_duels_excuses_but_a_few():
    judge, flip = Judge(), {"equal": False, "why": "draw 1: at 0.25 ..."}
    for _ in range(EXCUSED):
        judge.take(flip)
    judge.take({"equal": True, "why": ""})
    with pytest.raises(AssertionError):
        Judge().take({"equal": False, "why": ""})
    with pytest.raises(AssertionError):
        judge.take(flip)
