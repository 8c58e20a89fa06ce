"""A stack of LSTM layers as an ONNX model: it takes a whole primer at once, and with attention a step at a time. Needs onnx.

Sixty steps of a primer cost 0.6 ms that way, and 2.5 ms step by step; a single step costs the same. What the attention compares
with at each step are features of the outputs that it looks back at. Each output's are worked out once and remembered, where
Magenta's cell works out all of them again: for 40 outputs of 128 units that is twice the work of the rest of the step.
"""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoints import Sizes, Weights, weight
from .step import INPUTS, Floats, state_names

FORGET_BIAS = 1.0
"""What BasicLSTMCell adds to its forget gate. Source: BasicLSTMCell in TensorFlow's keras/layers/rnn/legacy_cells.py."""


def state_sizes(found: Sizes, attention: int) -> tuple[int, ...]:
    """The sizes of a state's parts: c and h of each layer; after the first layer's, with attention, what it last attended to and
    the outputs that it looks back at, all in one; their features come last, and Magenta's cell has none."""
    layers = [units for units in found.layers for _ in range(2)]
    if not attention:
        return tuple(layers)
    units = found.layers[0]
    return (units, units, units, attention * units, *layers[2:], attention * units)


class Stack:
    """The nodes of a model, and its constants, while it is put together."""

    def __init__(self, found: Sizes, attention: int, weights: Weights) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {"one": np.array([1])}
        self._onnx = importlib.import_module("onnx")
        self._found, self._attention, self._weights = found, attention, weights
        self._states, self._new = state_names(len(state_sizes(found, attention)))

    def model(self, opset: int, drawn: Sequence[int]) -> Any:
        """The model, which says distributions of these sizes: `inputs` (steps, rows, input), `state_i` (1, rows, n) and
        `temperature` () give `softmax` (steps, rows, classes) and `new_state_i`. With attention there is one step.

        Source: `make_rnn_cell` and `build` in magenta/models/shared/events_rnn_graph.py.
        """
        found, told = self._found, INPUTS[0]
        for layer, units in enumerate(found.layers):
            before = (found.input, *found.layers)[layer]
            if found.residual and (layer == 0 or units != before):
                told = self._linear(told, f"cell_{layer}/", "input_projection_wrapper")
            said = self._attending(told) if self._attention and layer == 0 else self._lstm(told, layer)
            told = self._node("Add", [said, told]) if found.residual else said
        tempered = self._node("Div", [self._linear(told, "", "fully_connected"), INPUTS[1]])
        if len(drawn) == 1:
            self._node("Softmax", [tempered], "softmax", axis=-1)
        else:
            parts = [f"part_{part}" for part in range(len(drawn))]
            sizes = self._constant(np.array(drawn))
            self.nodes.append(self._onnx.helper.make_node("Split", [tempered, sizes], parts, axis=-1))
            self._node("Concat", [self._node("Softmax", [part], axis=-1) for part in parts], "softmax", axis=-1)
        return self._checked(opset)

    def _checked(self, opset: int) -> Any:
        helper, sizes = self._onnx.helper, state_sizes(self._found, self._attention)

        def described(name: str, shape: list[Any]) -> Any:
            return helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes,
            "stack",
            [described(INPUTS[0], ["steps", "rows", self._found.input]), described(INPUTS[1], [])]
            + [described(name, [1, "rows", size]) for name, size in zip(self._states, sizes, strict=True)],
            [described("softmax", ["steps", "rows", self._found.logits])]
            + [described(name, [1, "rows", size]) for name, size in zip(self._new, sizes, strict=True)],
            [self._onnx.numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        self._onnx.checker.check_model(model)
        return model

    def _node(self, kind: str, given: list[str], name: str = "", **how: Any) -> str:
        """A node with one output, and that output's name."""
        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, given, [name], **how))
        return name

    def _constant(self, array: NDArray[Any]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants[name] = array
        return name

    def _linear(self, told: str, scope: str, name: str) -> str:
        """Times a kernel, plus a bias."""
        kernel, bias = (self._constant(weight(self._weights, scope, f"{name}/{part}")) for part in ("kernel", "bias"))
        return self._node("Add", [self._node("MatMul", [told, kernel]), bias])

    def _lstm(self, told: str, layer: int) -> str:
        """What a layer says, (steps, rows, units)."""
        cell = 2 * layer + (2 if self._attention and layer else 0)
        hidden, units = cell + 1, self._found.layers[layer]
        w, r, b = map(self._constant, _gates(self._weights, layer, units))
        given = [told, w, r, b, "", self._states[hidden], self._states[cell]]
        said = f"said_{layer}"
        self.nodes.append(
            self._onnx.helper.make_node("LSTM", given, [said, self._new[hidden], self._new[cell]], hidden_size=units)
        )
        return self._node("Squeeze", [said, "one"])

    def _attending(self, told: str) -> str:
        """What the first layer says, (1, rows, units), from what it is told and from what it said in the last steps.

        Source: `call` and `_attention` of AttentionCellWrapper in magenta/contrib/rnn.py; arXiv:1601.06733.
        """
        units, scope = self._found.layers[0], "cell_0/"
        attended, outputs, features = self._states[2], self._states[3], self._states[-1]
        both = self._linear(self._node("Concat", [told, attended], axis=2), scope, "attention_cell_wrapper")
        said = self._lstm(both, 0)
        query = self._linear(self._node("Concat", [self._new[0], self._new[1]], axis=2), scope, "attention")
        length = self._attention
        shapes = [-1, length, units], [-1, 1, units], [-1, units], [-1, 1, length], [1, -1, units]
        looked_back, one, columns, each, flat = (self._constant(np.array(shape)) for shape in shapes)
        compared = self._node(
            "Tanh", [self._node("Add", [self._node("Reshape", [features, looked_back]), self._node("Reshape", [query, one])])]
        )
        # As a row times columns, which onnxruntime does five times faster than rows times a constant column.
        row = self._constant(weight(self._weights, scope, "attention/attn_v")[None])
        scores = self._node("Gemm", [row, self._node("Reshape", [compared, columns])], transB=1)
        shares = self._node("Softmax", [self._node("Reshape", [scores, each])], axis=-1)
        drawn = self._node("MatMul", [shares, self._node("Reshape", [outputs, looked_back])])
        self._node("Reshape", [drawn, flat], self._new[2])
        output = self._linear(self._node("Concat", [said, self._new[2]], axis=2), scope, "attn_output_projection")
        self._remember(outputs, output, self._new[3])
        kernel = self._constant(weight(self._weights, scope, "attention/attn_w")[0, 0])
        self._remember(features, self._node("MatMul", [output, kernel]), self._new[-1])
        return output

    def _remember(self, known: str, latest: str, name: str) -> None:
        """What was known, without its oldest, and the latest after it."""
        units = self._found.layers[0]
        begin, end, axis = (self._constant(np.array([number])) for number in (units, self._attention * units, 2))
        self._node("Concat", [self._node("Slice", [known, begin, end, axis]), latest], name, axis=2)


def _gates(weights: Weights, layer: int, units: int) -> tuple[Floats, Floats, Floats]:
    """A layer's weights as the LSTM node wants them: (1, 4 units, inputs), (1, 4 units, units) and (1, 8 units).

    TensorFlow has the gates in columns, as input, new, forget, output; ONNX in rows, as input, output, forget, new.
    Source: LSTM in onnx/docs/Operators.md.
    """
    kernel, bias = (weight(weights, f"cell_{layer}/", f"basic_lstm_cell/{part}") for part in ("kernel", "bias"))
    order: NDArray[np.intp] = np.arange(4 * units).reshape(4, units)[[0, 3, 2, 1]].ravel()
    kernel, bias = kernel[:, order].T, bias[order].copy()
    bias[2 * units : 3 * units] += np.float32(FORGET_BIAS)
    inputs = kernel.shape[1] - units
    both = np.concatenate([bias, np.zeros_like(bias)])[None]
    return np.ascontiguousarray(kernel[None, :, :inputs]), np.ascontiguousarray(kernel[None, :, inputs:]), both
