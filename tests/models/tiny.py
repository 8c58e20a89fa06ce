"""Make a small untrained bundle of every config, with Magenta's own code: `python tiny.py FOLDER`.

They say nothing about music, and all about whether a config's encoding, metagraph and checkpoint go through.
"""

import importlib
import os
import sys
import warnings
from pathlib import Path

FAMILIES = ("drums_rnn", "melody_rnn")


def main(folder: Path) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    tf = importlib.import_module("tensorflow.compat.v1")
    tf.logging.set_verbosity("ERROR")
    for family in FAMILIES:
        for config, maker in (
            importlib.import_module(f"magenta.models.{family}.{family}_sequence_generator").get_generator_map().items()
        ):
            make(tf, maker, folder / f"{config}.mag")


def make(tf, maker, path: Path) -> None:
    config = maker.args[0]
    config.hparams.parse("batch_size=1,rnn_layer_sizes=[16]")
    checkpoint = path.with_suffix(".ckpt")
    graph_of = importlib.import_module("magenta.models.shared.events_rnn_graph")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.random.set_random_seed(1)
        graph_of.get_build_graph_fn("generate", config)()
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(checkpoint))
    with maker(checkpoint=str(checkpoint)) as generator:
        generator.create_bundle_file(str(path), "untrained, for tests")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
