"""Bundles that Magenta's own scripts have trained and saved play compiled as they do on Magenta."""

from fractions import Fraction
from pathlib import Path

import pytest
from model_pieces import tune

from livecode.models import bundles, compiled
from livecode.models.wire import Request

pytestmark = pytest.mark.magenta

CHORDS = ((60, 64, 67), (57, 60, 65), (55, 62, 65), (60, 64, 72))
NETWORK = "batch_size=4,rnn_layer_sizes=[32,16],dropout_keep_prob=1.0,learning_rate=0.02"


def song(turn: int) -> list[tuple[int, int, int]]:
    """Chords that last a second each, for 24 quarters of which a second has two."""
    places = [(second, CHORDS[(second + turn) % len(CHORDS)]) for second in range(12)]
    return [(second, second + 1, pitch) for second, chord in places for pitch in chord]


def lead_sheet(turn: int) -> list[tuple[float, float, int | str]]:
    """Eight bars of eighths up and down the chord of each bar, which lasts two seconds."""
    sheet: list[tuple[float, float, int | str]] = []
    for bar in range(8):
        symbol, pitches = (("C", (60, 64, 67, 64)), ("Am", (57, 60, 64, 60)), ("G7", (59, 62, 65, 67)))[(bar + turn) % 3]
        sheet.append((2 * bar, 2 * bar + 2, symbol))
        sheet += [(2 * bar + place / 4, 2 * bar + (place + 1) / 4, pitches[place % 4]) for place in range(8)]
    return sheet


def trained(compiler, folder: Path, script: str, examples: str, given: list, network=NETWORK, **flags: object) -> Path:
    """The bundle that Magenta's scripts, whose names begin like this, train on songs and save."""
    songs, bundle = folder / "songs.tfrecord", folder / "mine.mag"
    compiler(songs=given, into=str(songs))

    def run(step: str, **more: object) -> None:
        given = {name: str(value) for name, value in (flags | more).items()}
        assert compiler(script=f"magenta.models.{script}_{step}", flags=given) == {"code": 0}

    run("create_dataset", input=songs, output_dir=folder, eval_ratio=0)
    flags["hparams"] = network
    run("train", run_dir=folder, sequence_example_file=folder / examples, num_training_steps=40)
    run("generate", run_dir=folder, bundle_file=bundle, save_generator_bundle=True)
    return bundle


def test_voices_that_magentas_scripts_have_trained_play_as_on_magenta(compiler, tmp_path, duel):
    songs = [song(turn) for turn in range(2)]
    bundle = trained(compiler, tmp_path, "polyphony_rnn.polyphony_rnn", "training_poly_tracks.tfrecord", songs)
    key = bundles.find("polyphony_rnn", bundle)
    ways = ({}, {"keep_primer": True, "continue_primer": False}, {"beam_size": 2, "branch_factor": 2, "steps_per_iteration": 4})
    verdicts = [
        duel(Request("", key, primer, Fraction(4), Fraction(120), (4, 4), seed, knobs))
        for seed, knobs in enumerate(ways)
        for primer in (tune(4), None)
    ]
    assert [verdict["equal"] for verdict in verdicts] == [True] * 6
    assert not any(verdict["refusal"] for verdict in verdicts)  # one that had not learnt to end a step would be given up
    assert any(verdict["notes"] for verdict in verdicts)


def test_a_melody_over_chords_that_magentas_scripts_have_trained_plays_as_on_magenta(compiler, tmp_path, duel):
    sheets, config = [lead_sheet(turn) for turn in range(3)], "chord_pitches_improv"
    examples, network = "training_lead_sheets.tfrecord", f"{NETWORK},attn_length=5"
    bundle = trained(compiler, tmp_path, "improv_rnn.improv_rnn", examples, sheets, network, config=config)
    key = bundles.find("improv_rnn", bundle)
    chords = ((Fraction(-4), "G7"), (Fraction(0), "C"), (Fraction(4), "Am"), (Fraction(6), "F#dim/A"))
    verdicts = [
        duel(Request("", key, primer, Fraction(8), Fraction(120), (4, 4), seed, knobs, chords=chords))
        for seed, knobs in enumerate(({}, {"temperature": 0.5}, {"beam_size": 2, "branch_factor": 2, "steps_per_iteration": 4}))
        for primer in (tune(4), None)
    ]
    assert [verdict["equal"] for verdict in verdicts] == [True] * 6
    assert any(verdict["notes"] for verdict in verdicts)

    checkpoint = bundles.find("improv_rnn", f"{config}:{tmp_path / 'train'}")
    asked = [Request("", key, tune(4), Fraction(8), Fraction(120), (4, 4), seed, {}, chords=chords) for seed in range(4)]
    of_bundle, of_checkpoint = compiled.load(key), compiled.load(checkpoint)
    assert (of_checkpoint.step.made.attention, of_checkpoint.step.made.batch) == (5, 1)
    assert [of_checkpoint.continue_(request) for request in asked] == [of_bundle.continue_(request) for request in asked]
