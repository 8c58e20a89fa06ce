"""The variables of a checkpoint: under one name whatever TensorFlow wrote them, and what they say of the network's sizes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..errors import BundleError

Weights: TypeAlias = Mapping[str, Any]
"""Arrays by name."""

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
RENAMED = (
    (r"/linear(?=/|$)", ""),  # a scope of its own until TensorFlow 1.0
    (r"/(matrix|weights)$", "/kernel"),  # until 0.12, until 1.1
    (r"/biases$", "/bias"),
    (r"/cell(\d+)(?=/)", r"/cell_\1"),
    (r"/residual_wrapper(?=/)", ""),
    (r"/dropout_wrapper(?=/)", ""),
)
"""How names were written before. Source: RNN_NAME_REPLACEMENTS in contrib/rnn/python/tools/checkpoint_convert.py of TensorFlow
1.2, and the variable scopes in python/ops/rnn_cell.py of 0.9 to 1.0."""

TRAINING = re.compile(r"(^|/)(global_step|beta\d_power(_\d)?|Adam(_\d)?|ExponentialMovingAverage)$")
"""What only training needs."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the weights say of the network: units of each layer, floats in, logits out, and which wrappers it has."""

    layers: tuple[int, ...]
    input: int
    logits: int
    attention: bool
    residual: bool


def plain(name: str) -> str:
    """One name for a variable, however TensorFlow's version wrote it.

    >>> plain("RNN/MultiRNNCell/Cell0/AttentionCellWrapper/Attention/AttnW")
    'rnn/multi_rnn_cell/cell_0/attention_cell_wrapper/attention/attn_w'
    >>> plain("RNN/MultiRNNCell/Cell1/BasicLSTMCell/Linear/Matrix")
    'rnn/multi_rnn_cell/cell_1/basic_lstm_cell/kernel'
    >>> plain("rnn/multi_rnn_cell/cell_0/basic_lstm_cell/biases")
    'rnn/multi_rnn_cell/cell_0/basic_lstm_cell/bias'
    >>> plain("fully_connected/weights")
    'fully_connected/kernel'
    """
    written = "/".join(CAMEL.sub("_", scope).lower() for scope in name.split("/"))
    for old, new in RENAMED:
        written = re.sub(old, new, written)
    return written


def plainly(weights: Weights) -> dict[str, Any]:
    """The weights under plain names, without what only training needs. Raises BundleError if two have the same name."""
    kept: dict[str, Any] = {}
    for name, array in weights.items():
        if TRAINING.search(name):
            continue
        if plain(name) in kept:
            raise BundleError(f"it has two variables {plain(name)!r}")
        kept[plain(name)] = array
    return kept


def sizes(weights: Weights) -> Sizes:
    """The sizes of a network, of its weights under plain names. Raises BundleError if they are no stack of LSTMs."""
    biases = {}
    for name, array in weights.items():
        found = re.fullmatch(r"rnn/multi_rnn_cell/cell_(\d+)/(.*/)?basic_lstm_cell/bias", name)
        if found:
            biases[int(found[1])] = len(array) // 4
    if not biases or sorted(biases) != list(range(len(biases))):
        raise BundleError("its variables are no stack of LSTM layers")
    if "fully_connected/kernel" not in weights:
        raise BundleError("it has no output layer")
    layers = tuple(biases[place] for place in range(len(biases)))
    attention = any("/attention_cell_wrapper/" in name for name in weights)
    residual = any("/input_projection_wrapper/" in name for name in weights)
    return Sizes(layers, _inputs(weights, layers[0]), weights["fully_connected/kernel"].shape[-1], attention, residual)


def _inputs(weights: Weights, units: int) -> int:
    """How many floats the first layer is told. Outermost wrapper first: each kernel has rows for its inputs, then for its own."""
    first = "rnn/multi_rnn_cell/cell_0/"
    for scope, own in (("input_projection_wrapper/", 0), ("attention_cell_wrapper/", units), ("basic_lstm_cell/", units)):
        kernel = weights.get(f"{first}{scope}kernel")
        if kernel is not None:
            return int(kernel.shape[0]) - own
    raise BundleError("its first layer has no kernel")


def weight(weights: Weights, scope: str, name: str) -> Any:
    """The one of this name in the scope of a cell, such as "cell_0/", whatever wrappers stand between; "" is that of the output.

    Raises BundleError if there is none.
    """
    found = [array for full, array in weights.items() if f"/{full}".endswith(f"/{name}") and scope in full]
    if len(found) != 1:
        raise BundleError(f"its checkpoint lacks {scope}{name}")
    return found[0]
