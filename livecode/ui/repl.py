"""The prompt: IPython with a stage ready, where a refusal is one sentence instead of a traceback."""

import contextlib
from types import TracebackType
from typing import Any

import livecode

from ..errors import LivecodeError
from ..places import MAIN, running
from ..stage import Stage

BANNER = """livecode: a stage is ready. Try, a line at a time:

  drums >> beat(kick="x...x...", hat="x.x.x.x.")
  drums >> drums_rnn("drum_kit", bars=2)
  lead  >> melody_rnn("attention_rnn", bars=4, temperature=1.1)
  stage.status()       lead.mute()       stage.bpm = 96       stage.hush()
"""


def namespace(stage: Stage) -> dict[str, object]:
    """The names that a performer finds at the prompt; no built-in is among them."""
    words = (
        *("beat", "chords", "drums_rnn", "improv_rnn", "melody_rnn", "notes"),
        *("performance_rnn", "pianoroll_rnn_nade", "polyphony_rnn"),
    )
    return {
        "lc": livecode,
        "stage": stage,
        "drums": stage.part("drums"),
        "lead": stage.part("lead"),
        **stage.parts,
        **{word: getattr(livecode, word) for word in words},
    }


def load_ipython_extension(shell: Any) -> None:
    """Show what livecode refuses as one sentence. IPython calls this."""
    shell.set_custom_exc((LivecodeError,), _show)


def _show(shell: Any, kind: type, error: BaseException, trace: TracebackType | None, tb_offset: int | None = None) -> None:
    print(f"livecode: {error}")  # noqa: T201
    stage = shell.user_ns.get("stage")
    if isinstance(stage, Stage):
        with contextlib.suppress(LivecodeError, KeyboardInterrupt):  # IPython gives up on a handler that raises
            stage.note(f"refused: {error}")


def run(stage: Stage) -> None:
    """Hold the prompt until the performer leaves it; then close the stage, on the bar."""
    import IPython  # keeps `livecode demo` and `import livecode` short
    from traitlets.config import Config

    config = Config()
    config.TerminalInteractiveShell.banner1 = BANNER
    config.TerminalInteractiveShell.enable_tip = False
    config.InteractiveShellApp.extensions = [__name__]
    try:
        IPython.start_ipython(argv=[], user_ns=namespace(stage), config=config)
    finally:
        stage.close(on="bar")
    engine = stage.engine
    if engine is not None and engine.name in running():
        other = "" if engine.name == MAIN else f" --name {engine.name}"
        print(f"The music goes on: livecode attach{other} comes back to it, livecode stop{other} ends it.")  # noqa: T201
