"""Run one of Magenta's own scripts: `python script.py MODULE --flag=value ...`."""

import importlib
import os
import runpy
import sys
import warnings


def main(module: str) -> None:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    # tf_slim trains with a class that TensorFlow has moved.
    ops = importlib.import_module("tensorflow.python.framework.ops")
    ops.IndexedSlices = importlib.import_module("tensorflow.python.framework.indexed_slices").IndexedSlices
    del sys.argv[1]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1])
