"""Both engines in one process: `python duel.py` reads requests as lines of JSON, and says of each whether the notes are equal.

Where they are not, it plays the request once more and looks at every draw: the two distributions, the point in [0, 1), and
what each engine took. A rounding that flips a draw is said with all of them; anything else is not excused.
"""

import importlib
import json
import os
import sys
import warnings
from dataclasses import replace

from model_pieces import flipped

from livecode.models import wire, worker


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.update(worker.QUIET_AND_SMALL)
    warnings.simplefilter("ignore")
    for line in sys.stdin.buffer:
        out.write(json.dumps(verdict(wire.decode_for_worker(line))) + "\n")
        out.flush()
    os._exit(0)


MODELS: dict = {}


def loaded(key, engine):
    key = wire.ModelKey(key.family, key.config, key.bundle, engine)
    if key not in MODELS:
        MODELS[key] = importlib.import_module(worker.ENGINES[engine]).load(key)
    return MODELS[key]


def verdict(request) -> dict:
    ours, theirs = loaded(request.key, "compiled"), loaded(request.key, "magenta")
    mine, reference = ours.continue_(request), theirs.continue_(request)
    if mine == reference:
        return {"equal": True, "notes": len(mine.notes), "why": ""}
    return {
        "equal": False,
        "notes": len(mine.notes),
        "why": difference(ours, theirs, request),
        "phrases": f"{mine} / {reference}",
    }


def difference(ours, theirs, request) -> str:
    """What the first draw was that fell differently. With a batch size of 1 both draw row by row, in the same order."""
    numpy = importlib.import_module("numpy")
    mine = Recording(ours.step)
    replace(ours, step=mine).continue_(request)
    encoder, rows = theirs.generator._model._config.encoder_decoder, []
    extend = encoder.extend_event_sequences

    def recorded(sequences, softmax):
        rows.extend(softmax[:, -1])
        return extend(sequences, softmax)

    encoder.extend_event_sequences = recorded
    try:
        theirs.continue_(request)
    finally:
        del encoder.extend_event_sequences
    points = numpy.random.RandomState(request.seed).random_sample(len(rows))
    said = numpy.concatenate([softmax.reshape(-1, softmax.shape[-1]) for softmax in mine.softmaxes])
    return flipped(rows, said[-len(rows) :], points)


class Recording:
    """A step that keeps what it said."""

    def __init__(self, step):
        self._step, self.made, self.zeros, self.softmaxes = step, step.made, step.zeros, []

    def __call__(self, told, state, temperature):
        softmax, state = self._step(told, state, temperature)
        self.softmaxes.append(softmax)
        return softmax, state


if __name__ == "__main__":
    main()
