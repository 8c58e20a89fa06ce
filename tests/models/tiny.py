"""Make a small untrained bundle of every config, with Magenta's own code, and compile it beside: `python tiny.py FOLDER`.

They say nothing about music, and all about whether a config's encoding, metagraph and checkpoint go through.
"""

import importlib
import os
import sys
import warnings
from pathlib import Path

FAMILIES = ("drums_rnn", "melody_rnn", "improv_rnn")

LOUD = 4.0
"""By how much the output's weights are larger than a fresh network's, so that what it remembers decides what it says."""

VARIANTS = [
    ("two layers", "lookback_rnn", "batch_size=1,rnn_layer_sizes=[16,24]"),
    ("a short attention", "drum_kit", "batch_size=1,rnn_layer_sizes=[16,8],attn_length=3"),
    ("residual", "basic_rnn", "batch_size=1,rnn_layer_sizes=[16,16,24],residual_connections=True"),
    ("residual attention", "attention_rnn", "batch_size=1,rnn_layer_sizes=[16,16],attn_length=5,residual_connections=True"),
    ("chords in batches of three", "chord_pitches_improv", "batch_size=3,rnn_layer_sizes=[16,24]"),
    ("batch of five", "attention_rnn", "batch_size=5,rnn_layer_sizes=[16],attn_length=4,residual_connections=False"),
]
"""Other shapes of a config: the name of the bundle, the config, and what is trained otherwise."""


def main(folder: Path) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    tf = importlib.import_module("tensorflow.compat.v1")
    tf.logging.set_verbosity("ERROR")
    makers = {}
    for family in FAMILIES:
        makers |= importlib.import_module(f"magenta.models.{family}.{family}_sequence_generator").get_generator_map()
    for config, maker in makers.items():
        make(tf, maker, folder / f"{config}.mag", "batch_size=1,rnn_layer_sizes=[16]")
    for name, config, how in VARIANTS:
        make(tf, makers[config], folder / f"{name}.mag", how)
    compile_bundle = importlib.import_module("livecode.models.compile").compile_bundle
    for path in folder.glob("*.mag"):
        config = next((config for name, config, _ in VARIANTS if name == path.stem), path.stem)
        compile_bundle(path, config, path.with_suffix(".onnx"))


def make(tf, maker, path: Path, how: str) -> None:
    config = maker.args[0]
    config.hparams.parse(how)
    checkpoint = path.with_suffix(".ckpt")
    numpy = importlib.import_module("numpy")
    graph_of = importlib.import_module("magenta.models.shared.events_rnn_graph")
    with tf.Graph().as_default(), tf.Session() as session:
        graph_of.get_build_graph_fn("generate", config)()
        session.run(tf.global_variables_initializer())
        random = numpy.random.RandomState(1)
        for variable in sorted(tf.global_variables(), key=lambda variable: variable.name):
            shape = variable.shape.as_list()
            most = (LOUD if "fully_connected" in variable.name else 1.2) * (6 / sum(shape)) ** 0.5
            variable.load(random.uniform(-most, most, shape), session)
        tf.train.Saver().save(session, str(checkpoint))
    with maker(checkpoint=str(checkpoint)) as generator:
        generator.create_bundle_file(str(path), "untrained, for tests")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
