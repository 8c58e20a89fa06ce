"""The prompt: IPython with the extension loaded on a stage that is ready."""

import os

from ..places import MAIN, running
from ..stage import Stage

BANNER = """livecode: a stage is ready. Try, a line at a time:

  drums >> beat(kick="x...x...", hat="x.x.x.x.")
  drums >> drums_rnn("drum_kit", bars=2)
  lead  >> melody_rnn("attention_rnn", bars=4, temperature=1.1)
  bass  >> notes("C2 . G2 .")       stage       lead       lead.mute()       lead.mute?
  bpm = 96       stage.hush()       %panic       %log       exit

"""


def run(stage: Stage) -> None:
    """Hold the prompt until the performer leaves it; then close the stage, on the bar."""
    import IPython  # keeps `livecode demo` and `import livecode` short
    from traitlets.config import Config

    config = Config()
    config.TerminalInteractiveShell.banner1 = BANNER
    config.TerminalInteractiveShell.enable_tip = False
    config.InteractiveShellApp.extensions = ["livecode"]
    process = os.getpid()
    try:
        IPython.start_ipython(argv=[], user_ns={"stage": stage}, config=config)
    finally:
        if os.getpid() != process:
            os._exit(0)  # the end of a forked child is not the end of the prompt
        stage.close(on="bar")
    engine = stage.engine
    if engine is not None and engine.name in running():
        other = "" if engine.name == MAIN else f" --name {engine.name}"
        print(f"The music goes on: livecode attach{other} comes back to it, livecode stop{other} ends it.")  # noqa: T201
