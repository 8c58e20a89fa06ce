"""Compile an RNN bundle: `python -m livecode.models.compile BUNDLE.mag CONFIG TARGET.onnx`. Needs TensorFlow.

In place of a bundle there may be the prefix of a checkpoint.

One step is rebuilt from Magenta's own cell with the sizes that the checkpoint has, and its weights are put in by name; the same
step is written as an ONNX model and compared with it. The metagraph in a bundle is a program; here it is only read, for the
batch size and the attention length that it was exported with.
"""

import importlib
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BundleError, LivecodeError, OutputError
from ..files import whole_file
from . import configs, store
from .checkpoints import Sizes, Weights, plain, plainly, sizes
from .families import CONFIGS
from .stack import Stack, state_sizes
from .step import FORMAT, Made, Step, state_names

OPSET = 17
SAME = 1e-4
"""By how much of its vector's largest a number may differ between TensorFlow and the compiled step, which sum in another order.

The built-in bundles differ by less than 1e-5."""


def main(arguments: Sequence[str]) -> int:
    """Compile what the command line says. A refusal goes to stdout, as one line."""
    bundle, config, target, *attended = arguments
    if attended == [store.ATTENDED]:
        threading.Thread(target=_end_with_input, name="livecode compiler's attendance", daemon=True).start()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    stdout = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # TensorFlow prints
    try:
        compile_bundle(Path(bundle), config, Path(target))
    except LivecodeError as error:
        refusal = str(error)
    except ImportError as error:
        refusal = (
            f"{bundle} must be compiled first, which takes TensorFlow and Magenta, and they cannot be imported ({error}): name "
            "the Python of an environment that has them, such as python='~/magenta/bin/python'."
        )
    else:
        return 0
    stdout.write(f"{refusal}\n")
    stdout.flush()
    return 1


def _end_with_input() -> None:
    """Whoever asked for the compiled file is gone: nobody waits for it, and TensorFlow takes a core that others play with."""
    os.read(0, 1)
    os._exit(1)


def compile_bundle(bundle: Path, config: str, target: Path) -> Made:
    """Compile a bundle of a config into a file, and return what that says of itself.

    Raises BundleError, in one sentence, for what is no such bundle, and for a file that cannot be written.
    """
    tf = importlib.import_module("tensorflow.compat.v1")
    tf.disable_v2_behavior()
    tf.logging.set_verbosity("ERROR")
    digest = store.fingerprint(bundle)
    try:
        checkpoint, exported = _opened(tf, bundle, config)
        return _compiled(tf, config, checkpoint, exported, digest, target)
    except BundleError as error:
        raise BundleError(f"{bundle} cannot be compiled as {config} ({error}): give another bundle.") from error
    except (OSError, OutputError) as error:
        why = error.__cause__ or error
        raise BundleError(
            f"{bundle} cannot be compiled into {target} ({why}): make room there, or let that folder be written to."
        ) from error


@dataclass(frozen=True, slots=True)
class Exported:
    """What a bundle's metagraph says beside the checkpoint: its batch size, and the floats in a row's state (0 for unknown)."""

    batch: int = 1
    state: int = 0


def _opened(tf: Any, bundle: Path, config: str) -> tuple[Weights, Exported]:
    """The weights of a bundle under plain names, and what else it was exported with; or those of a checkpoint."""
    if not bundle.exists():
        return read_checkpoint(tf, bundle), _trained(tf, Path(f"{bundle}.meta").read_bytes())
    packed = importlib.import_module("note_seq.protobuf.generator_pb2").GeneratorBundle()
    try:
        packed.ParseFromString(bundle.read_bytes())
    except Exception as error:
        raise BundleError("it is no Magenta bundle, or is cut short") from error
    if packed.generator_details.id != config:
        raise BundleError(f"it holds {packed.generator_details.id!r}")
    if len(packed.checkpoint_file) != 1:
        raise BundleError("it has no checkpoint")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.ckpt"
        path.write_bytes(packed.checkpoint_file[0])
        weights = read_checkpoint(tf, path)
    return weights, _exported(tf, packed.metagraph_file)


def read_checkpoint(tf: Any, prefix: Path) -> Weights:
    """The weights of a checkpoint under plain names. Raises BundleError if it cannot be read, or holds a nan."""
    numpy = importlib.import_module("numpy")
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        weights = plainly({name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()})
    except BundleError:
        raise
    except Exception as error:
        raise BundleError("its checkpoint cannot be read") from error
    for name, array in weights.items():
        if not numpy.issubdtype(array.dtype, numpy.floating):
            raise BundleError(f"its {name} holds no numbers with a point")
        if not numpy.isfinite(array).all():
            raise BundleError(f"its {name} holds nan or infinity: it was trained too fast")
    return weights


def _trained(tf: Any, metagraph: bytes) -> Exported:
    """Read, not run: the shapes of the zeros that a training begins with say how large its state is."""
    parsed = tf.MetaGraphDef()
    try:
        parsed.ParseFromString(metagraph)
    except Exception as error:
        raise BundleError("its .meta file cannot be read") from error
    zeros = [node for node in parsed.graph_def.node if node.op == "Fill" and "ZeroState" in node.name]
    shapes = [shape.dim for node in zeros for shape in node.attr["_output_shapes"].list.shape]
    if not shapes or any(len(shape) != 2 or shape[1].size <= 0 for shape in shapes):
        raise BundleError("its .meta file does not say how large its state is: save a bundle with Magenta's script")
    return Exported(state=sum(shape[1].size for shape in shapes))


def _exported(tf: Any, metagraph: bytes) -> Exported:
    """Read, not run: the shapes of the tensors that Magenta lists as `inputs` and `initial_state`."""
    parsed = tf.MetaGraphDef()
    try:
        parsed.ParseFromString(metagraph)
    except Exception:
        return Exported()
    nodes = {node.name: node for node in parsed.graph_def.node}

    def shapes(collection: str) -> list[list[int]]:
        found = []
        for name in parsed.collection_def[collection].node_list.value:
            node, _, output = name.partition(":")
            given = nodes[node].attr["_output_shapes"].list.shape if node in nodes else []
            if len(given) > int(output or 0):
                found.append([dimension.size for dimension in given[int(output or 0)].dim])
        return found

    inputs, states = shapes("inputs"), shapes("initial_state")
    batch = inputs[0][0] if inputs and inputs[0] and inputs[0][0] > 0 else 1
    known = states and all(len(state) == 2 and state[1] > 0 for state in states)
    return Exported(batch, sum(state[1] for state in states) if known else 0)


def _compiled(tf: Any, config: str, weights: Weights, exported: Exported, digest: str, target: Path) -> Made:
    if config not in CONFIGS:
        raise BundleError("livecode does not know how to compile this config yet; ask for it with engine='magenta'")
    found, encoding = sizes(weights), CONFIGS[config].encoding()
    if (found.input, found.logits) != (encoding.input, encoding.classes):
        raise BundleError(
            f"its network takes {found.input} numbers and gives {found.logits}, "
            f"where {config} takes {encoding.input} and gives {encoding.classes}"
        )
    attention = _attention(found, exported, config)
    graph = _built(tf, found, attention, weights, encoding.sizes)
    made = Made(
        format=FORMAT,
        config=config,
        bundle=digest,
        batch=exported.batch,
        input=found.input,
        classes=encoding.sizes,
        layers=found.layers,
        attention=attention,
        states=state_sizes(found, attention),
        versions=", ".join(f"{name} {importlib.import_module(name).__version__}" for name in ("tensorflow", "onnx")),
    )
    model = Stack(found, attention, weights).model(OPSET, encoding.sizes)
    importlib.import_module("onnx").helper.set_model_props(model, made.to_metadata())
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target) as hidden:
        hidden.write_bytes(model.SerializeToString())
        _compare(tf, graph, made, hidden)
    return made


def _attention(found: Sizes, exported: Exported, config: str) -> int:
    """How many steps back the network attends, which its weights don't say: the bundle's, else as Magenta's config has it.

    The state of a row is two vectors for each layer, and with attention one more, and one for each step attended to.
    """
    if not found.attention:
        return 0
    length, rest = divmod(exported.state - 2 * sum(found.layers) - found.layers[0], found.layers[0])
    if exported.state and length > 0 and not rest:
        return length
    family = configs.CONFIGS[config].family
    default = importlib.import_module(f"magenta.models.{family}.{family}_model").default_configs[config]
    return int(default.hparams.attn_length) or 1


def _built(tf: Any, found: Sizes, attention: int, weights: Weights, drawn: Sequence[int]) -> Any:
    """The graph of one step with its weights as constants.

    `inputs` (rows, input), `temperature` () and `state_i` (rows, n) give `softmax` (rows, classes) and `new_state_i`.
    Source: `build` in magenta/models/shared/events_rnn_graph.py, whose `dynamic_rnn` runs this step in a loop.
    """
    make_rnn_cell = importlib.import_module("magenta.models.shared.events_rnn_graph").make_rnn_cell
    linear = importlib.import_module("tf_slim").layers.linear
    with tf.Graph().as_default() as graph, tf.Session() as session:
        inputs = tf.placeholder(tf.float32, [None, found.input], "inputs")
        temperature = tf.placeholder(tf.float32, [], "temperature")
        cell = make_rnn_cell(found.layers, attn_length=attention, residual_connections=found.residual)
        parts = tuple(tf.nest.flatten(cell.state_size))
        taken, given = state_names(len(parts))
        state = [tf.placeholder(tf.float32, [None, size], name) for name, size in zip(taken, parts, strict=True)]
        with tf.variable_scope("rnn"):
            output, new = cell(inputs, tf.nest.pack_sequence_as(cell.state_size, state))
        tempered = tf.split(linear(output, found.logits) / temperature, list(drawn), axis=1)
        tf.identity(tf.concat([tf.nn.softmax(part, name="part") for part in tempered], axis=1), name="softmax")
        for name, part in zip(given, tf.nest.flatten(new), strict=True):
            tf.identity(part, name)
        _put(tf, session, weights)
        return tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["softmax", *given])


def _put(tf: Any, session: Any, weights: Weights) -> None:
    """Give every variable of the graph its weights, and every weight a variable."""
    variables = {plain(variable.op.name): variable for variable in tf.global_variables()}
    missing, left = sorted(variables.keys() - weights.keys()), sorted(weights.keys() - variables.keys())
    if missing or left:
        raise BundleError(f"its checkpoint {f'lacks {missing[0]}' if missing else f'has {left[0]}, which the network lacks'}")
    for name, variable in variables.items():
        if tuple(variable.shape.as_list()) != weights[name].shape:
            raise BundleError(f"its {name} is {weights[name].shape} where {tuple(variable.shape.as_list())} fits the network")
        variable.load(weights[name], session)


def _compare(tf: Any, graph: Any, made: Made, path: Path) -> None:
    """Let both take 32 steps of noise, alone and in rows, each from where TensorFlow was, and refuse a difference above SAME."""
    numpy = importlib.import_module("numpy")
    noise, step = numpy.random.RandomState(0), Step(path)
    taken, given = state_names(len(made.states) - (1 if made.attention else 0))
    fetches = [f"{name}:0" for name in ("softmax", *given)]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph, name="")
        for rows, temperature in ((1, 1.0), (3, 0.7)):
            state = step.zeros(rows)
            for _ in range(32):
                told = noise.uniform(-1, 1, (1, rows, made.input)).astype(numpy.float32)
                softmax, new = step(told, state, temperature)
                feed = {f"{name}:0": part[0] for name, part in zip(taken, state, strict=False)}
                expected = session.run(fetches, {"inputs:0": told[0], "temperature:0": temperature, **feed})
                for ours, theirs in zip((softmax, *new), expected, strict=False):
                    if not abs(ours[0] - theirs).max() <= SAME * max(1, abs(theirs).max()):
                        raise BundleError("its compiled step says something else than TensorFlow's")
                state = (*(theirs[None] for theirs in expected[1:]), *new[len(taken) :])


if __name__ == "__main__":
    sys.stdout.flush()
    code = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(code)  # taking TensorFlow down properly lasts 1.7 s
