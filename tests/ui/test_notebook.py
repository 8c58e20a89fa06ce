"""The extension in a real Jupyter kernel: no terminal, no toolbar, pictures instead of text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]


class Notebook:
    """Cells that are run one by one in a kernel."""

    def __init__(self) -> None:
        self._kernel = KernelManager(kernel_name="python3")
        self._kernel.start_kernel(cwd=str(ROOT))
        self._client = self._kernel.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=60)

    def close(self) -> None:
        self._client.stop_channels()
        self._kernel.shutdown_kernel()

    def run(self, cell: str, *, interrupt: bool = False) -> dict[str, Any]:
        """What the cell shows: `text` that it printed, `traceback` for an error, and the MIME types of its last value."""
        shown: dict[str, Any] = {"text": "", "traceback": ""}

        def hear(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                shown["text"] += content["text"]
                if interrupt and "on it" in content["text"]:
                    self._kernel.interrupt_kernel()
            elif kind in ("execute_result", "display_data"):
                shown.update(content["data"])
            elif kind == "error":
                shown["traceback"] = "\n".join(content["traceback"])

        self._client.execute_interactive(cell, timeout=60, output_hook=hear)
        return shown


@pytest.fixture(scope="module")
def notebook() -> Iterator[Notebook]:
    notebook = Notebook()
    notebook.run("%load_ext livecode")
    yield notebook
    notebook.run("stage.close()")
    notebook.close()


def test_a_phrase_is_a_drawing(notebook: Notebook) -> None:
    shown = notebook.run('notes("C4 E4 G4")')

    assert "<svg" in shown["image/svg+xml"]
    assert shown["text/plain"].startswith("3 beats, 3 notes")


def test_a_part_appears_plays_and_is_answered_once(notebook: Notebook) -> None:
    shown = notebook.run('bass >> notes("C2 G2")')

    assert shown["text"] == "bass: plays 1/2 bar from bar 1\n"
    assert "bass   loops 1/2 bar" in notebook.run("stage")["text/plain"]


def test_the_tempo_is_set_by_assigning_to_it(notebook: Notebook) -> None:
    assert notebook.run("bpm = 96")["text"].startswith("bpm 96 from bar ")


def test_what_is_refused_is_one_sentence(notebook: Notebook) -> None:
    shown = notebook.run("bass.gain = 7")

    assert (
        shown["text"] + shown["traceback"] == "livecode: A gain of 7 cannot be played: give 0 to 1.6, where 1 is as it comes.\n"
    )


def test_a_cell_that_is_interrupted_leaves_the_music_on(notebook: Notebook) -> None:
    notebook.run("begun = stage.snapshot().beats")
    shown = notebook.run("print('on it', flush=True)\nwhile True: pass", interrupt=True)

    assert "KeyboardInterrupt" in shown["text"] + shown["traceback"]
    assert "the music goes on" in shown["text"]
    notebook.run("import time\nwhile stage.snapshot().beats == begun: time.sleep(0.01)")
    assert notebook.run("print(stage.snapshot().running)")["text"] == "True\n"
