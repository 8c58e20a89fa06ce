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
        self._states, new = state_names(len(self.made.states))
        self._outputs = ["softmax", *new]

    def __call__(self, told: Floats, state: State, temperature: float) -> tuple[Floats, State]:
        """Told (steps, rows, input), and what it remembers, it says probabilities (steps, rows, sum of classes)."""
        tempered = np.array(temperature, np.float32)
        if not self.made.attention:
            return self._run(told, state, tempered)
        said = []
        for inputs in told[:, None]:
            softmax, state = self._run(inputs, state, tempered)
            said.append(softmax)
        return np.concatenate(said), state

    def zeros(self, rows: int) -> State:
        """What it remembers before the first step."""
        return tuple(np.zeros((1, rows, size), np.float32) for size in self.made.states)

    def _run(self, inputs: Floats, state: State, temperature: Floats) -> tuple[Floats, State]:
        feed = dict(zip(self._states, state, strict=True))
        feed["inputs"], feed["temperature"] = inputs, temperature
        softmax, *new = self._session.run(self._outputs, feed)
        return softmax, tuple(new)


def rows_of(state: State, rows: NDArray[np.intp]) -> State:
    """What is remembered of these rows, in this order; one may come several times."""
    return tuple(part[..., rows, :] for part in state)
