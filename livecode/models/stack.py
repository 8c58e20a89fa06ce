"""A plain stack of LSTM layers as ONNX's own LSTM nodes, which take a whole primer at once. Needs onnx.

Sixty steps of a primer cost 0.6 ms this way, and 2.5 ms step by step; a single step costs the same. Networks with attention
or residual connections are converted by tf2onnx, one step at a time.
"""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoints import Sizes, Weights
from .step import INPUTS, Floats, state_names

FORGET_BIAS = 1.0
"""What BasicLSTMCell adds to its forget gate. Source: BasicLSTMCell in TensorFlow's keras/layers/rnn/legacy_cells.py."""


def stacked(found: Sizes, weights: Weights, opset: int) -> Any:
    """The model: `inputs` (steps, rows, input), `state_i` (1, rows, units) and `temperature` () give `softmax`
    (steps, rows, classes) and `new_state_i`. The state has c and h of each layer, in that order.

    Source: `build` in magenta/models/shared/events_rnn_graph.py.
    """
    onnx = importlib.import_module("onnx")
    node, floats = onnx.helper.make_node, onnx.TensorProto.FLOAT
    constants = {"one": np.array([1])}
    nodes, told = [], INPUTS[0]
    states, new = state_names(2 * len(found.layers))
    for layer, units in enumerate(found.layers):
        cell, hidden = 2 * layer, 2 * layer + 1
        parts = _gates(weights, layer, units)
        constants |= {f"{name}_{layer}": part for name, part in zip("wrb", parts, strict=True)}
        given = [told, f"w_{layer}", f"r_{layer}", f"b_{layer}", "", states[hidden], states[cell]]
        nodes.append(node("LSTM", given, [f"y_{layer}", new[hidden], new[cell]], hidden_size=units))
        told = f"told_{layer}"
        nodes.append(node("Squeeze", [f"y_{layer}", "one"], [told]))
    constants |= {"w": weights["fully_connected/kernel"], "b": weights["fully_connected/bias"]}
    nodes += [
        node("MatMul", [told, "w"], ["weighed"]),
        node("Add", ["weighed", "b"], ["logits"]),
        node("Div", ["logits", INPUTS[1]], ["tempered"]),
        node("Softmax", ["tempered"], ["softmax"], axis=-1),
    ]

    def described(name: str, shape: list[Any]) -> Any:
        return onnx.helper.make_tensor_value_info(name, floats, shape)

    sizes = [units for units in found.layers for _ in range(2)]
    graph = onnx.helper.make_graph(
        nodes,
        "stack",
        [described(INPUTS[0], ["steps", "rows", found.input]), described(INPUTS[1], [])]
        + [described(name, [1, "rows", size]) for name, size in zip(states, sizes, strict=True)],
        [described("softmax", ["steps", "rows", found.logits])]
        + [described(name, [1, "rows", size]) for name, size in zip(new, sizes, strict=True)],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _gates(weights: Weights, layer: int, units: int) -> tuple[Floats, Floats, Floats]:
    """A layer's weights as the LSTM node wants them: (1, 4 units, inputs), (1, 4 units, units) and (1, 8 units).

    TensorFlow has the gates in columns, as input, new, forget, output; ONNX in rows, as input, output, forget, new.
    Source: LSTM in onnx/docs/Operators.md.
    """
    scope = f"rnn/multi_rnn_cell/cell_{layer}/basic_lstm_cell"
    order: NDArray[np.intp] = np.arange(4 * units).reshape(4, units)[[0, 3, 2, 1]].ravel()
    kernel = weights[f"{scope}/kernel"][:, order].T
    bias = weights[f"{scope}/bias"][order].copy()
    bias[2 * units : 3 * units] += np.float32(FORGET_BIAS)
    inputs = kernel.shape[1] - units
    both = np.concatenate([bias, np.zeros_like(bias)])[None]
    return np.ascontiguousarray(kernel[None, :, :inputs]), np.ascontiguousarray(kernel[None, :, inputs:]), both
