"""Make a small untrained bundle of every config, with Magenta's own code, and compile it beside.

Those of Pianoroll RNN-NADE are not compiled.
They say nothing about music, and all about whether a config's encoding, metagraph and checkpoint go through.
"""

import importlib
from pathlib import Path

FAMILIES = ("drums_rnn", "melody_rnn", "improv_rnn", "polyphony_rnn", "performance_rnn")

LOUD = 4.0
"""By how much the output's weights are larger than a fresh network's, so that what it remembers decides what it says."""

LIKELIER = {
    "polyphony": ((2, 3, 5.5), (63, 71, 2.5), (191, 199, 3.0)),
    "performance": ((55, 71, 3.0), (183, 199, 2.5), (256, 276, 1.5)),
    "performance_with_dynamics_and_note_encoding": ((0, 1, 6.0), (13, 43, 3.0)),
}
"""Classes [first, last) that are likelier than by chance, by so much in their logits: steps end, few pitches begin and go on or
end, waits are short, notes come soon. Else a polyphony model would never come to the end of a step, and a performance hardly to a
note's."""

SPARSE = 3.0
"""By how much less likely than not the pitches of an untrained pianoroll are, in their logits: else half of them sound."""

VARIANTS = [
    ("two layers", "lookback_rnn", "batch_size=1,rnn_layer_sizes=[16,24]"),
    ("a short attention", "drum_kit", "batch_size=1,rnn_layer_sizes=[16,8],attn_length=3"),
    ("residual", "basic_rnn", "batch_size=1,rnn_layer_sizes=[16,16,24],residual_connections=True"),
    ("residual attention", "attention_rnn", "batch_size=1,rnn_layer_sizes=[16,16],attn_length=5,residual_connections=True"),
    ("chords in batches of three", "chord_pitches_improv", "batch_size=3,rnn_layer_sizes=[16,24]"),
    ("batch of five", "attention_rnn", "batch_size=5,rnn_layer_sizes=[16],attn_length=4,residual_connections=False"),
    ("compact", "performance_with_dynamics_compact", "batch_size=1,rnn_layer_sizes=[16]"),
    ("voices with attention", "polyphony", "batch_size=1,rnn_layer_sizes=[16,16],attn_length=6"),
    ("voices in threes", "polyphony", "batch_size=3,rnn_layer_sizes=[16],attn_length=0"),
]
"""Other shapes of a config: the name of the bundle, the config, and what is trained otherwise."""


def make_all(tf, folder: Path) -> None:
    makers = all_makers()
    configs = importlib.import_module("livecode.models.families").CONFIGS
    for config in configs:
        make(tf, makers[config], folder / f"{config}.mag", "batch_size=1,rnn_layer_sizes=[16]")
    for name, config, how in VARIANTS:
        make(tf, makers[config], folder / f"{name}.mag", how)
    compile_bundle = importlib.import_module("livecode.models.compile").compile_bundle
    for path in folder.glob("*.mag"):
        config = next((config for name, config, _ in VARIANTS if name == path.stem), path.stem).removesuffix("_compact")
        compile_bundle(path, config, path.with_suffix(".onnx"))


def make_pianorolls(tf, folder: Path) -> None:
    """Pianoroll RNN-NADE's configs; and "drawing.mag", whose graph draws, which Magenta 2.1.4's do not."""
    graph_of = importlib.import_module("magenta.models.pianoroll_rnn_nade.pianoroll_rnn_nade_graph")
    module = "magenta.models.pianoroll_rnn_nade.pianoroll_rnn_nade_sequence_generator"
    makers = importlib.import_module(module).get_generator_map()
    for config, maker in makers.items():
        make(tf, maker, folder / f"{config}.mag", "batch_size=1,rnn_layer_sizes=[16,16],nade_hidden_units=12", graph_of)
    thresholds = graph_of.RnnNade.sample_single
    graph_of.RnnNade.sample_single = lambda self, state: self._nade.sample(state.b_enc, state.b_dec, temperature=1.0)
    make(tf, makers["rnn-nade"], folder / "drawing.mag", "batch_size=1,rnn_layer_sizes=[16,16],nade_hidden_units=12", graph_of)
    graph_of.RnnNade.sample_single = thresholds


def all_makers() -> dict:
    """Magenta's generators of every config."""
    makers = {}
    for family in FAMILIES:
        name = {"polyphony_rnn": "polyphony", "performance_rnn": "performance"}.get(family, family)
        makers |= importlib.import_module(f"magenta.models.{family}.{name}_sequence_generator").get_generator_map()
    return makers


def make(tf, maker, path: Path, how: str, graph_of=None, loud: float = LOUD) -> None:
    config = maker.args[0]
    usual = config.hparams.values()
    config.hparams.parse(how)
    try:
        save(tf, maker, path, graph_of, loud)
    finally:
        config.hparams.override_from_dict(usual)


def save(tf, maker, path: Path, graph_of, loud: float) -> None:
    config = maker.args[0]
    checkpoint = path.with_suffix(".ckpt")
    numpy = importlib.import_module("numpy")
    graph_of = graph_of or importlib.import_module("magenta.models.shared.events_rnn_graph")
    with tf.Graph().as_default(), tf.Session() as session:
        graph_of.get_build_graph_fn("generate", config)()
        session.run(tf.global_variables_initializer())
        random = numpy.random.RandomState(1)
        for variable in sorted(tf.global_variables(), key=lambda variable: variable.name):
            shape = variable.shape.as_list()
            most = (loud if "fully_connected" in variable.name else 1.2) * (6 / sum(shape)) ** 0.5
            value = random.uniform(-most, most, shape)
            if variable.name.startswith("fully_connected/biases"):
                kind = config.details.id
                for first, last, more in LIKELIER.get(kind, LIKELIER.get(kind.split("_")[0], ())):
                    value[first:last] += more
            if variable.name.startswith("dense/bias"):
                value[-88:] -= SPARSE
            variable.load(value, session)
        tf.train.Saver().save(session, str(checkpoint))
    with maker(checkpoint=str(checkpoint)) as generator:
        generator.create_bundle_file(str(path), "untrained, for tests")
