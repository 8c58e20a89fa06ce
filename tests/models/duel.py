"""Both engines in one process: whether a request's notes are equal.

Where they are not, it plays the request once more and looks at every draw: the two distributions, the point in [0, 1), and
what each engine took. A rounding that flips a draw is said with all of them; anything else is not excused.
"""

import importlib

from model_pieces import flipped

from livecode.errors import ModelRefused
from livecode.models import search, wire, worker
from livecode.music import Phrase

MODELS: dict = {}


def loaded(key, engine):
    key = wire.ModelKey(key.family, key.config, key.bundle, engine)
    if key not in MODELS:
        MODELS[key] = importlib.import_module(worker.ENGINES[engine]).load(key)
    return MODELS[key]


def verdict(request) -> dict:
    ours, theirs = loaded(request.key, "compiled"), loaded(request.key, "magenta")
    mine, reference = answered(ours, request), answered(theirs, request)
    notes = len(mine.notes) if isinstance(mine, Phrase) else 0
    if mine == reference:
        return {"equal": True, "notes": notes, "refusal": mine if isinstance(mine, str) else "", "why": ""}
    return {
        "equal": False,
        "notes": notes,
        "why": difference(ours, theirs, request),
        "phrases": f"{mine} / {reference}",
    }


def answered(model, request) -> Phrase | str:
    """The phrase that a model continues a request with, or its refusal."""
    try:
        return model.continue_(request)
    except ModelRefused as error:
        return str(error)


def difference(ours, theirs, request) -> str:
    """What the first draw was that fell differently. With a batch size of 1 both draw row by row, in the same order."""
    said, points, rows = [], [], []
    draw = search.drawn

    def drawn(row, point):
        said.append(row)
        points.append(point)
        return draw(row, point)

    search.drawn = drawn
    try:
        answered(ours, request)
    finally:
        search.drawn = draw
    encoder = theirs.generator._model._config.encoder_decoder
    extend = encoder.extend_event_sequences

    def recorded(sequences, softmax):
        rows.extend(softmax[:, -1])
        return extend(sequences, softmax)

    encoder.extend_event_sequences = recorded
    try:
        answered(theirs, request)
    finally:
        del encoder.extend_event_sequences
    return flipped(rows, said, points)
