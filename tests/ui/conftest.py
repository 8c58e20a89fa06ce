from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import livecode as lc

Cell = Callable[[str], str]


@pytest.fixture
def shell() -> Iterator[Any]:
    """IPython as a notebook has it, without a terminal, with livecode on a stage of virtual time."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell(config=config)
    with lc.Stage(offline=True) as stage:
        shell.user_ns["stage"] = stage
        shell.extension_manager.load_extension("livecode")
        yield shell
        shell.extension_manager.unload_extension("livecode")


@pytest.fixture
def cell(shell: Any, capsys: pytest.CaptureFixture[str]) -> Cell:
    """Run a cell; returns what it prints, without `Out[0]:`."""

    def run(text: str) -> str:
        capsys.readouterr()
        shell.run_cell(text)
        said = capsys.readouterr()
        return (said.out + said.err).replace("Out[0]: ", "").strip()

    return run
