"""The demo: the talk's piece. One bar of our own, then drums and a melody that Magenta's models keep inventing."""

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from ..errors import ModelRefused, NoAudio
from ..models.specs import drums_rnn, melody_rnn
from ..music import counted
from ..notation import beat, notes
from ..stage import Stage

Say = Callable[[str], None]

_WAIT = 0.1


def _begin(stage: Stage) -> None:
    drums = stage.part("drums")
    lead = stage.part("lead", program="Vibraphone")
    drums >> beat(kick="x.....x.x.......", snare="....x.......x...", hat="x.x.x.x.x.x.x.x.")
    lead >> notes("C4 E4 G4 E4 A4 G4 E4 D4", dur="1/2")
    drums >> drums_rnn("drum_kit", bars=2)
    lead >> melody_rnn("attention_rnn", bars=4)


def play(stage: Stage, bars: int, say: Say) -> None:
    """Play it live: our own bar repeats until both models have answered, then `bars` bars of theirs."""
    _begin(stage)
    say("Our own bar plays while Magenta's models load.")
    _wait_for(stage, lambda: all(len(stage.takes(name)) > 1 for name in ("drums", "lead")))
    first = stage.snapshot().bar
    say(
        f"From bar {first} on, Drums RNN makes new bars every 2 bars, Melody RNN every 4. {counted(Fraction(bars), 'bar')} to go."
    )
    shown = 0
    while (done := stage.snapshot().bar - first) < bars - 1:
        if done > shown:
            shown = done
            say(f"bar {first + done}: {_counts(stage)}")
        time.sleep(_WAIT)
    stage.hush()
    _wait_for(stage, lambda: stage.snapshot().bar >= first + bars)
    time.sleep(1)
    say(f"That was {counted(Fraction(bars), 'bar')}: {_counts(stage)}.")


def render(stage: Stage, bars: int, targets: list[Path], say: Say) -> None:
    """Render it, faster than real time: our own bar, then `bars` bars of the models', to files by their endings."""
    _begin(stage)
    say("Magenta's models load.")
    stage.run(bars=bars + 1)
    _refuse_trouble(stage)
    say(f"Our own bar, then {counted(Fraction(bars), 'bar')} of theirs: {_counts(stage)}.")
    for target in targets:
        try:
            say(f"Wrote {stage.export(target)}.")
        except NoAudio as error:
            if target is targets[0]:
                raise
            say(f"{target} is not written: {error}")


def _counts(stage: Stage) -> str:
    made = {name: Fraction(max(0, len(stage.takes(name)) - 1)) for name in ("drums", "lead")}
    return f"Drums RNN has made {counted(made['drums'], 'loop')}, Melody RNN {made['lead']}"


def _wait_for(stage: Stage, done: Callable[[], bool]) -> None:
    """Wait in small steps: this is the demo's own thread, which has nothing else to do. Raises ModelRefused for trouble."""
    while not done():
        _refuse_trouble(stage)
        time.sleep(_WAIT)


def _refuse_trouble(stage: Stage) -> None:
    trouble = next((part.trouble for part in stage.snapshot().parts if part.trouble), "")
    if trouble:
        raise ModelRefused(f"The demo ends, for its models cannot play: {trouble}")
