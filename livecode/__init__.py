"""livecode: live coding with Google Magenta's models, at an IPython prompt.

>>> import livecode as lc
>>> with lc.Stage(bpm=120, offline=True) as stage:
...     lead = stage.part("lead")
...     _ = lead >> lc.notes("C4 E4 . G4")
...     _ = stage.run(bars=1)
...     stage.tape.onsets()
[(0.0, 'C4'), (1.0, 'E4'), (3.0, 'G4')]
"""

from .clock import SystemClock, VirtualClock
from .errors import (
    BadInput,
    BadNotation,
    BundleError,
    EngineGone,
    LivecodeError,
    ModelRefused,
    NoAudio,
    OutputError,
    StageClosed,
    UnknownName,
    UnknownWord,
)
from .formats import from_note_sequence, from_pretty_midi, read_midi, to_note_sequence, to_pretty_midi
from .handles import PartHandle
from .models.chords import chords
from .models.specs import drums_rnn, improv_rnn, melody_rnn, performance_rnn, pianoroll_rnn_nade, polyphony_rnn
from .music import Beats, Note, Phrase, silence
from .notation import beat, notes, phrase
from .outputs.tape import Tape
from .played import InputHandle, pedal, rest
from .stage import Stage
from .tempo import Meter, Swing
from .transforms import (
    arpeggiate,
    humanise,
    invert,
    layer,
    quantise,
    reverse,
    rotate,
    stretch,
    thin,
    to_scale,
    transpose,
)

__all__ = [
    "BadInput",
    "BadNotation",
    "Beats",
    "BundleError",
    "EngineGone",
    "InputHandle",
    "LivecodeError",
    "Meter",
    "ModelRefused",
    "NoAudio",
    "Note",
    "OutputError",
    "PartHandle",
    "Phrase",
    "Stage",
    "StageClosed",
    "Swing",
    "SystemClock",
    "Tape",
    "UnknownName",
    "UnknownWord",
    "VirtualClock",
    "arpeggiate",
    "beat",
    "chords",
    "drums_rnn",
    "from_note_sequence",
    "from_pretty_midi",
    "humanise",
    "improv_rnn",
    "invert",
    "layer",
    "load_ipython_extension",
    "melody_rnn",
    "notes",
    "pedal",
    "performance_rnn",
    "phrase",
    "pianoroll_rnn_nade",
    "polyphony_rnn",
    "quantise",
    "read_midi",
    "rest",
    "reverse",
    "rotate",
    "silence",
    "stretch",
    "thin",
    "to_note_sequence",
    "to_pretty_midi",
    "to_scale",
    "transpose",
    "unload_ipython_extension",
]


def load_ipython_extension(shell: object) -> None:
    """Make an IPython prompt the instrument; IPython calls this for %load_ext livecode.

    It opens a stage, or attaches to the engine that runs, unless `stage` is one already.
    """
    from .ui import extension  # loads IPython, which start-up does without

    extension.load(shell)


def unload_ipython_extension(shell: object) -> None:
    """Take it all back but the names; the music goes on. IPython calls this for %unload_ext livecode."""
    from .ui import extension

    extension.unload(shell)
