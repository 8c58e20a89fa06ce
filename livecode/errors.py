"""Everything that livecode refuses, as one tree.

::

    LivecodeError               catches all that is ours
    ├── BadInput                what was typed cannot be meant (also a ValueError)
    │   ├── BadNotation         a note name or a beat pattern, with its position
    │   └── UnknownName         a model, program, soundfont or part; says the closest names
    │       └── UnknownWord     a word that a stage or a part does not know (also an AttributeError)
    ├── BundleError             a file that is no Magenta bundle, is cut short, or is of another family
    │   └── NotCompiled         a bundle that a worker would have to compile first
    ├── ModelRefused            a model's worker answered with a refusal, or not at all
    ├── OutputError             a soundfont that does not load, a file that cannot be written
    │   └── NoAudio             no audio device, or no libfluidsynth
    ├── StageClosed             a command to a stage that was closed
    └── EngineGone              the engine's process has ended, or was ended by somebody else

A message is one sentence: what failed, what was given, what to do.
"""

import difflib
from collections.abc import Iterable


def named(given: object) -> str:
    """What was given, for a message: a function by its name, for its address says nothing.

    >>> named(named), named("C4")
    ('named', "'C4'")
    """
    name = getattr(given, "__name__", None)
    return name if isinstance(name, str) else repr(given)


class LivecodeError(Exception):
    """Any error that livecode raises on purpose."""


class BadInput(LivecodeError, ValueError):
    """A value that cannot be meant: a bpm of nan, zero bars, a temperature of 0."""


class BadNotation(BadInput):
    """A note name or a beat pattern that cannot be read."""


class UnknownName(BadInput):
    """A name that nothing has."""

    @classmethod
    def of(cls, kind: str, given: object, known: Iterable[str]) -> "UnknownName":
        """Say what was given and the closest of the known names.

        >>> str(UnknownName.of("model", "drumkit", ["drum_kit", "one_drum"]))
        "There is no model 'drumkit': did you mean 'drum_kit'?"
        """
        names = list(known)
        by_folded = {name.casefold(): name for name in names}
        close = difflib.get_close_matches(str(given).casefold(), list(by_folded), n=3, cutoff=0.6)
        if close:
            hint = "did you mean " + " or ".join(repr(by_folded[name]) for name in close) + "?"
        elif names:
            shown = ", ".join(repr(name) for name in sorted(names)[:8])
            hint = f"there are {shown}{' and more' if len(names) > 8 else ''}."
        else:
            hint = "there are none yet."
        return cls(f"There is no {kind} {given!r}: {hint}")


class UnknownWord(UnknownName, AttributeError):
    """A method or setting that a stage or a part does not have."""


class BundleError(LivecodeError):
    """A file that is not the Magenta bundle it should be."""


class NotCompiled(BundleError):
    """A bundle that has to be compiled first, where that may not be done."""


class ModelRefused(LivecodeError):
    """A model could not give notes."""


class OutputError(LivecodeError):
    """An output could not be opened, or was lost."""


class NoAudio(OutputError):
    """There is nothing here that could sound."""


class StageClosed(LivecodeError):
    """The stage was closed before the command."""


class EngineGone(LivecodeError):
    """The engine's process is no more."""
