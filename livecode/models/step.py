"""One compiled step of an RNN, on onnxruntime. No TensorFlow."""

import os
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

# Official builds of onnxruntime write down an id of the device, and may send it home, unless this is said before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

Floats: TypeAlias = NDArray[np.float32]
State: TypeAlias = tuple[Floats, ...]
"""What a network remembers: parts with rows on the last axis but one."""


FORMAT = 2
"""Of compiled files. Another number, and they are compiled anew."""


INPUTS = ("inputs", "temperature")
"""What a compiled graph is told, beside its state."""


def state_names(parts: int) -> tuple[list[str], list[str]]:
    """The names of a state's parts in a graph: as it takes them, and as it gives them."""
    return [f"state_{part}" for part in range(parts)], [f"new_state_{part}" for part in range(parts)]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What a compiled file says of itself, in its metadata.

    `bundle` is the SHA-256 of the file that it was made from. `batch` is the batch size that the bundle was exported with:
    Magenta draws that many times a step, wanted or not. `classes` are the sizes of the distributions, one for each
    number that a step draws. `states` are the sizes of what it remembers.
    """

    format: int
    config: str
    bundle: str
    batch: int
    input: int
    classes: tuple[int, ...]
    layers: tuple[int, ...]
    attention: int
    states: tuple[int, ...]
    versions: str

    def to_metadata(self) -> dict[str, str]:
        return {"livecode": msgspec.json.encode(self).decode()}


class Stepping(Protocol):
    """What carries a model further."""

    made: Made

    def __call__(self, told: Floats, state: State, temperature: float) -> tuple[Floats, State]: ...

    def zeros(self, rows: int) -> State: ...


class Step:
    """A model as a function of what it is told and what it remembers, for any number of rows at a time."""

    def __init__(self, path: Path) -> None:
        """Read a compiled file. Raises whatever onnxruntime does, KeyError or msgspec.ValidationError if it is none."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the machine's other core plays
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.made: Made = msgspec.json.decode(metadata["livecode"], type=Made)
        self._strides: dict[int, Stride] = {}

    def __call__(self, told: Floats, state: State, temperature: float) -> tuple[Floats, State]:
        """Told (steps, rows, input), and what it remembers, it says probabilities (steps, rows, sum of classes).

        What it gives to remember is good for the next step of as many rows; `rows_of` keeps it for longer.
        """
        if len(told) > 1 and not self.made.attention:
            return self._whole(told, state, temperature)
        stride, said = self._stride(told.shape[1]), []
        for inputs in told:
            softmax, state = stride(inputs, state, temperature)
            said.append(softmax)
        return np.concatenate(said), state

    def zeros(self, rows: int) -> State:
        """What it remembers before the first step."""
        return tuple(np.zeros((1, rows, size), np.float32) for size in self.made.states)

    def _whole(self, told: Floats, state: State, temperature: float) -> tuple[Floats, State]:
        """All steps at once."""
        taken, given = state_names(len(state))
        feed = dict(zip(taken, state, strict=True))
        feed["inputs"], feed["temperature"] = told, np.array(temperature, np.float32)
        softmax, *new = self._session.run(["softmax", *given], feed)
        return softmax, tuple(new)

    def _stride(self, rows: int) -> "Stride":
        if rows not in self._strides:
            if len(self._strides) == MOST_STRIDES:
                self._strides.clear()
            self._strides[rows] = Stride(self._session, self.made, self.zeros(rows), self.zeros(rows))
        return self._strides[rows]


MOST_STRIDES = 4
"""So many numbers of rows have their arrays kept: a search has two, with its primer."""


class Stride:
    """One step at a time of so many rows, in arrays that onnxruntime is told of once: that saves a third of a small step.

    What is remembered is taken from one set of arrays and put into the other, by turns.
    """

    def __init__(self, session: Any, made: Made, *sets: State) -> None:
        rows = sets[0][0].shape[1] if sets[0] else 1
        self._session, self._sets, self._side = session, sets, 0
        self._inputs, self._temperature = np.zeros((1, rows, made.input), np.float32), np.zeros((), np.float32)
        self._softmax = np.zeros((1, rows, sum(made.classes)), np.float32)
        self._bindings = [self._bound(here, there) for here, there in (sets, sets[::-1])]

    def __call__(self, inputs: Floats, state: State, temperature: float) -> tuple[Floats, State]:
        here, there = self._sets[self._side], self._sets[1 - self._side]
        if state is not here:
            for mine, given in zip(here, state, strict=True):
                mine[...] = given
        self._inputs[0], self._temperature[()] = inputs, temperature
        self._session.run_with_iobinding(self._bindings[self._side])
        self._side = 1 - self._side
        return self._softmax.copy(), there

    def _bound(self, here: State, there: State) -> Any:
        binding, value = self._session.io_binding(), onnxruntime.OrtValue.ortvalue_from_numpy
        taken, given = state_names(len(here))
        for name, array in zip((*taken, *INPUTS), (*here, self._inputs, self._temperature), strict=True):
            binding.bind_ortvalue_input(name, value(array))
        for name, array in zip((*given, "softmax"), (*there, self._softmax), strict=True):
            binding.bind_ortvalue_output(name, value(array))
        return binding


def rows_of(state: State, rows: NDArray[np.intp]) -> State:
    """What is remembered of these rows, in this order; one may come several times."""
    return tuple(part[..., rows, :] for part in state)
