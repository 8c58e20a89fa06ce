"""A bundle that Magenta's own scripts have trained and saved plays compiled as it does on Magenta."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from model_pieces import tune

from livecode.models import bundles
from livecode.models.wire import Request

pytestmark = pytest.mark.magenta

CHORDS = ((60, 64, 67), (57, 60, 65), (55, 62, 65), (60, 64, 72))
NETWORK = "batch_size=4,rnn_layer_sizes=[32,16],dropout_keep_prob=1.0,learning_rate=0.02"


def song(turn: int) -> list[tuple[int, int, int]]:
    """Chords that last a second each, for 24 quarters of which a second has two."""
    places = [(second, CHORDS[(second + turn) % len(CHORDS)]) for second in range(12)]
    return [(second, second + 1, pitch) for second, chord in places for pitch in chord]


def run(script: str, **flags: object) -> None:
    command = [sys.executable, str(Path(__file__).with_name("script.py")), f"magenta.models.polyphony_rnn.polyphony_rnn_{script}"]
    subprocess.run([*command, *(f"--{name}={value}" for name, value in flags.items())], check=True, capture_output=True)


@pytest.fixture(scope="module")
def trained(compiler, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    songs, bundle = folder / "songs.tfrecord", folder / "mine.mag"
    compiler(songs=[song(turn) for turn in range(2)], into=str(songs))
    run("create_dataset", input=songs, output_dir=folder, eval_ratio=0)
    examples = folder / "training_poly_tracks.tfrecord"
    run("train", run_dir=folder, sequence_example_file=examples, hparams=NETWORK, num_training_steps=40)
    run("generate", run_dir=folder, hparams=NETWORK, bundle_file=bundle, save_generator_bundle=True)
    return bundle


def test_a_bundle_that_magentas_scripts_have_trained_plays_as_on_magenta(trained, duel):
    key = bundles.find("polyphony_rnn", trained)
    ways = ({}, {"keep_primer": True, "continue_primer": False}, {"beam_size": 2, "branch_factor": 2, "steps_per_iteration": 4})
    verdicts = [
        duel(Request("", key, primer, Fraction(4), Fraction(120), (4, 4), seed, knobs))
        for seed, knobs in enumerate(ways)
        for primer in (tune(4), None)
    ]
    assert [verdict["equal"] for verdict in verdicts] == [True] * 6
    assert all(verdict["notes"] for verdict in verdicts)  # one that had not learnt to end a step would be given up
