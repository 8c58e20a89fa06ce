"""Magenta's own scripts, each in a process of its own that need not start TensorFlow: it is forked from one that has."""

import importlib
import json
import os
import runpy
import sys


class Nursery:
    """A process forked before TensorFlow has run anything, which no fork survives; every script is forked from it."""

    def __init__(self) -> None:
        ordered, order = os.pipe()
        done, tell = os.pipe()
        if not os.fork():
            os.close(order)
            _serve(ordered, tell)
        os.close(ordered)
        os.close(tell)
        self._orders, self._ends = os.fdopen(order, "w"), os.fdopen(done)

    def run(self, module: str, flags: dict[str, object]) -> int:
        """Run a script to its end; how it ended."""
        self._orders.write(json.dumps([module, *(f"--{name}={value}" for name, value in flags.items())]) + "\n")
        self._orders.flush()
        return int(self._ends.readline())


def _serve(ordered: int, tell: int) -> None:
    for line in os.fdopen(ordered):
        child = os.fork()
        if not child:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        os.write(tell, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _run(arguments: list[str]) -> None:
    code = 1
    os.environ.pop("TF_NUM_INTEROP_THREADS", None)  # one thread would wait for the queues that it is to fill
    try:
        # tf_slim trains with a class that TensorFlow has moved.
        ops = importlib.import_module("tensorflow.python.framework.ops")
        ops.IndexedSlices = importlib.import_module("tensorflow.python.framework.indexed_slices").IndexedSlices
        sys.argv = arguments
        runpy.run_module(arguments[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)  # what the fork has taken along is not torn down
