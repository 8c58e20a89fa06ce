"""Run one module of livecode in any environment's Python: `python alone.py livecode.models.worker`.

The modules are found where this file is, so that the environment needs no livecode; and `livecode` is entered without running
its `__init__`, so that it needs only what the module itself imports. The current folder is not looked into. Written so that
any Python 3 can say what is wrong with it.
"""

import os
import runpy
import sys
import types

OLDEST = (3, 11)
"""The Python that livecode is written for, and tested on. Newer ones are not refused."""


def main():  # type: () -> None
    """Run the module that the command line names."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    if sys.version_info[:2] < OLDEST:
        sys.exit("Python {}.{} is too old for livecode's worker, which needs {}.{}".format(*(sys.version_info[:2] + OLDEST)))
    package = types.ModuleType("livecode")
    package.__path__ = [os.path.dirname(here)]
    sys.modules["livecode"] = package
    name = sys.argv.pop(1)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
