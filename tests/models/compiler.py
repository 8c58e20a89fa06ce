"""A process with TensorFlow that compiles bundles and spoils them: `python compiler.py` reads and writes lines of JSON.

{"spoil": BUNDLE, "how": NAME, "into": BUNDLE} writes a bundle whose checkpoint is spoilt, or written as it once was.
{"compile": BUNDLE, "config": NAME, "into": FILE} answers what the compiled file says of itself, or the refusal.
"""

import importlib
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import msgspec

from livecode.errors import LivecodeError
from livecode.models.compile import compile_bundle

IN_2017 = {
    "rnn/multi_rnn_cell/": "RNN/MultiRNNCell/",
    "/cell_": "/Cell",
    "attention_cell_wrapper": "AttentionCellWrapper",
    "basic_lstm_cell": "BasicLSTMCell",
    "attn_output_projection": "AttnOutputProjection",
    "attention/": "Attention/",
    "attn_w": "AttnW",
    "attn_v": "AttnV",
    "kernel": "Linear/Matrix",
    "bias": "Linear/Bias",
    "fully_connected/Linear/Biases": "fully_connected/biases",
}


def renamed(names: dict[str, str]):
    def spoil(weights):
        written = {}
        for name, array in weights.items():
            for new, old in () if name.startswith("fully_connected") else names.items():
                name = name.replace(new, old)
            written[name] = array
        return written

    return spoil


def changed(name: str, change):
    def spoil(weights):
        return weights | {name: change(weights[name])}

    return spoil


def nan_in(array):
    array = array.copy()
    array.flat[7] = float("nan")
    return array


def training(weights):
    slots = {f"{name}/Adam{place}": array for name, array in weights.items() for place in ("", "_1")}
    return weights | slots | {"beta1_power": next(iter(weights.values())).sum(), "global_step": 9}


LAYER = "rnn/multi_rnn_cell/cell_0/basic_lstm_cell"

SPOILT = {
    "as in 2017": renamed(IN_2017),
    "as in early 2017": renamed({"kernel": "weights", "bias": "biases"}),
    "with what training needs": training,
    "nan": changed(f"{LAYER}/kernel", nan_in),
    "without an output": lambda weights: {name: array for name, array in weights.items() if name != "fully_connected/weights"},
    "without a bias": lambda weights: {name: array for name, array in weights.items() if name != "fully_connected/biases"},
    "one more": lambda weights: weights | {"rnn/embedding": weights["fully_connected/biases"]},
    "the same twice": lambda weights: weights | {f"{LAYER}/biases": weights[f"{LAYER}/bias"]},
    "other classes": lambda weights: (
        changed("fully_connected/weights", lambda array: array[:, 1:])(weights)
        | {"fully_connected/biases": weights["fully_connected/biases"][1:]}
    ),
    "a kernel of another shape": changed(f"{LAYER}/kernel", lambda array: array[:, 4:]),
    "no layers": lambda weights: {name: array for name, array in weights.items() if not name.startswith("rnn")},
    "whole numbers": changed("fully_connected/biases", lambda array: array.astype("int32")),
}


def spoil(tf, source: Path, how: str, target: Path) -> None:
    bundle = importlib.import_module("note_seq.protobuf.generator_pb2").GeneratorBundle.FromString(source.read_bytes())
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.ckpt"
        Path(path).write_bytes(bundle.checkpoint_file[0])
        reader = tf.train.load_checkpoint(path)
        weights = SPOILT[how]({name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()})
        with tf.Graph().as_default(), tf.Session() as session:
            for name, array in weights.items():
                tf.Variable(array, name=name, use_resource=False)
            session.run(tf.global_variables_initializer())
            saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
            saver.save(session, f"{folder}/spoilt.ckpt", write_meta_graph=False)
        bundle.checkpoint_file[0] = Path(f"{folder}/spoilt.ckpt").read_bytes()
    target.write_bytes(bundle.SerializeToString())


def answered(tf, asked: dict) -> dict:
    if "spoil" in asked:
        spoil(tf, Path(asked["spoil"]), asked["how"], Path(asked["into"]))
        return {}
    try:
        made = compile_bundle(Path(asked["compile"]), asked["config"], Path(asked["into"]))
    except LivecodeError as error:
        return {"refusal": str(error)}
    return {"made": msgspec.to_builtins(made)}


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    tf = importlib.import_module("tensorflow.compat.v1")
    for line in sys.stdin:
        out.write(json.dumps(answered(tf, json.loads(line))) + "\n")
        out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
