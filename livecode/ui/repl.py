"""The prompt: IPython with the extension loaded on a stage that is ready."""

import contextlib
import os

from ..errors import LivecodeError
from ..places import MAIN, running
from ..protocol import EngineState
from ..stage import Stage

BANNER = """livecode: a stage is ready. Try, a line at a time:

  drums >> beat(kick="x...x...", hat="x.x.x.x.")
  drums >> drums_rnn("drum_kit", bars=2)
  lead  >> melody_rnn("attention_rnn", bars=4, temperature=1.1)
  bass  >> notes("C2 . G2 .")       stage       lead       lead.mute()       lead.mute?
  bpm = 96       stage.hush()       %panic       %log       exit

"""

BESIDE_A_REPLAY = """What you say to a part takes it over, the others go on:

  lead.mute()    lead >> notes("C4 E4")    drums.loop()    bpm = 96
  %hush ends the replay       stage       %log       exit

"""


def run(stage: Stage, banner: str = BANNER) -> None:
    """Hold the prompt until the performer leaves it; then close the stage, on the bar."""
    import IPython  # keeps `livecode demo` and `import livecode` short
    from traitlets.config import Config

    config = Config()
    config.TerminalInteractiveShell.banner1 = banner
    config.TerminalInteractiveShell.enable_tip = False
    config.InteractiveShellApp.extensions = ["livecode"]
    process, names = os.getpid(), {"stage": stage}
    try:
        IPython.start_ipython(argv=[], user_ns=names, config=config)
    finally:
        if os.getpid() != process:
            os._exit(0)  # the end of a forked child is not the end of the prompt
        with contextlib.suppress(LivecodeError):  # it may be gone already
            stage.close(on="bar")
            if isinstance(last := names.get("stage"), Stage):
                last.close(on="bar")
    with contextlib.suppress(LivecodeError):
        _say_what_goes_on(stage.engine)


def _say_what_goes_on(engine: EngineState | None) -> None:
    if engine is not None and engine.name in running():
        other = "" if engine.name == MAIN else f" --name {engine.name}"
        print(f"The music goes on: livecode attach{other} comes back to it, livecode stop{other} ends it.")  # noqa: T201
