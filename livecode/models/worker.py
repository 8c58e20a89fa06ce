"""The process in which models think: reads messages on stdin and answers on stdout. `alone` starts it.

Compiled models run on onnxruntime; TensorFlow is imported only when a model is asked of Magenta's own engine. The process ends
when its stdin does, so it never outlives its host. Everything else that wants to print goes to stderr.
"""

import importlib
import os
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

from ..errors import LivecodeError, NotCompiled
from ..music import Phrase
from . import wire

ENGINES: dict[wire.Engine, str] = {"compiled": "livecode.models.compiled", "magenta": "livecode.models.rnn"}
"""The module of each engine: imported when it is first asked for, because each brings libraries of its own."""

NEEDS: dict[wire.Engine, str] = {
    "compiled": "onnxruntime and note_seq, which cannot be imported ({}): install livecode's requirements again",
    "magenta": "Magenta and TensorFlow, which cannot be imported ({}): leave out engine='magenta', or name the Python of an "
    "environment that has them, such as python='~/magenta/bin/python'",
}
"""What each engine needs, and what to do without."""

QUIET_AND_SMALL = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # One thread: the machine's other core plays. And the same sums in the same order every time.
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""For TensorFlow and numpy, which read them when they are imported."""


class Thinking(Protocol):
    """A loaded model of either engine."""

    def continue_(self, request: wire.Request) -> Phrase: ...

    def candidates(self, request: wire.Request, seeds: Sequence[int]) -> list[Phrase]: ...


class Worker:
    """Answers messages; keeps the models that it loaded."""

    def __init__(self, replies: BinaryIO) -> None:
        self._replies = replies
        self._models: dict[wire.ModelKey, Thinking] = {}

    def serve(self, lines: BinaryIO) -> None:
        """Answer line after line until there are no more."""
        for line in lines:
            try:
                message = wire.decode_for_worker(line)
            except Exception as error:
                sys.stderr.write(f"A line that is no message was ignored ({error}): {line[:200]!r}\n")
                continue
            self.send(self._loaded(message) if isinstance(message, wire.Load) else self._reply(message))

    def send(self, message: wire.FromWorker) -> None:
        """Write one message to the host."""
        self._replies.write(wire.encode(message))
        self._replies.flush()

    def _loaded(self, load: wire.Load) -> wire.Loaded:
        began = time.monotonic()
        refusal, compiled = None, True
        try:
            self._model(load.key, compiling=load.compiling)
        except NotCompiled:
            compiled = False
        except LivecodeError as error:
            refusal = str(error)
        except ImportError as error:
            traceback.print_exc()
            refusal = f"{load.key} needs {NEEDS[load.key.engine].format(_in_short(error))}."
        except Exception as error:
            traceback.print_exc()
            refusal = f"{load.key.bundle} cannot be loaded as {load.key.config} ({_in_short(error)}): give another bundle."
        return wire.Loaded(load.key, time.monotonic() - began, refusal, compiled)

    def _reply(self, request: wire.Request) -> wire.Reply:
        began = time.monotonic()
        phrase = refusal = None
        phrases: list[Phrase] = []
        try:
            model = self._model(request.key)
            if request.seeds:
                phrases = model.candidates(request, request.seeds)
            else:
                phrase = model.continue_(request)
        except LivecodeError as error:
            refusal = str(error)
        except Exception as error:
            traceback.print_exc()
            refusal = f"{request.key} could not continue ({_in_short(error)}): try another primer or other knobs."
        return wire.Reply(request.id, phrase, refusal, time.monotonic() - began, tuple(phrases))

    def _model(self, key: wire.ModelKey, *, compiling: bool = True) -> Thinking:
        if key not in self._models:
            engine: Any = importlib.import_module(ENGINES[key.engine])
            self._models[key] = engine.load(key, compiling=compiling)
        return self._models[key]


def _in_short(error: Exception) -> str:
    """The first line of what an error says, for a sentence of ours."""
    said = str(error).strip().split("\n", 1)[0].strip().rstrip(".:")
    return f"{type(error).__name__}: {said[:160]}" if said else type(error).__name__


def main() -> None:
    """Take stdout for replies, say so, and serve."""
    began = time.monotonic()
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(5)  # the music comes first
    os.environ.update(QUIET_AND_SMALL)
    warnings.simplefilter("ignore")
    worker = Worker(replies)
    worker.send(wire.Ready(time.monotonic() - began))
    worker.serve(sys.stdin.buffer)
    sys.stderr.flush()
    os._exit(0)  # taking TensorFlow down properly lasts 1.7 s, and there is nothing to save


if __name__ == "__main__":
    main()
