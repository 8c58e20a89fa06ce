"""One compiled step of an RNN, on onnxruntime. No TensorFlow."""

from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

FORMAT = 1
"""Of compiled files. Another number, and they are compiled anew."""


INPUTS, OUTPUTS = ("inputs", "state", "temperature"), ("softmax", "new_state")
"""What a compiled graph takes and gives."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What a compiled file says of itself, in its metadata.

    `bundle` is the SHA-256 of the file that it was made from. `batch` is the batch size that the bundle was exported with:
    Magenta draws that many times a step, wanted or not. `classes` are the sizes of the distributions, one for each
    number that a step draws. `state` is how many floats it remembers.
    """

    format: int
    config: str
    bundle: str
    batch: int
    input: int
    classes: tuple[int, ...]
    layers: tuple[int, ...]
    attention: int
    state: int
    versions: str

    def to_metadata(self) -> dict[str, str]:
        return {"livecode": msgspec.json.encode(self).decode()}


class Stepping(Protocol):
    """What carries a model one step further."""

    made: Made

    def __call__(self, inputs: Floats, state: Floats, temperature: float) -> tuple[Floats, Floats]: ...


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

    def __call__(self, inputs: Floats, state: Floats, temperature: float) -> tuple[Floats, Floats]:
        """(rows, input) and (rows, state) -> probabilities (rows, sum of classes), and the next state. The first is zeros."""
        feed = {"inputs": inputs, "state": state, "temperature": np.array(temperature, np.float32)}
        softmax, new = self._session.run(OUTPUTS, feed)
        return softmax, new
