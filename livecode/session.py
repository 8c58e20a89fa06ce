"""What a session's script is made of: its words, places in the music, and the bundles that its models come from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from .commands import Assign
from .errors import BadInput
from .facts import Fact, Taken
from .models.bundles import BUILT_IN
from .models.official import PREFIX, Official
from .models.wire import ModelKey
from .music import Beats
from .session_spelling import model_named
from .tempo import TempoMap
from .transport import on_grid

WORDS = ("at", "end", "part", "session")
"""What a script says beside the prompt's words: where in the music, where it ends, a part by name, what it is opened with."""

DIGITS = 16
"""So much of a bundle's sha256, in hexadecimal digits, stands in a script."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position as a script gives it: bar and beat in it, both from 1, the beat to three decimals.

    >>> Place(17, Fraction("2.381")).call("at"), Place(65).call("end")
    ('at(17, 2.381)', 'end(65)')
    """

    bar: int
    beat: Fraction = Fraction(1)

    @classmethod
    def of(cls, tempo: TempoMap, beat: Beats) -> "Place":
        """Where this beat is."""
        return cls(tempo.bar_at(beat) + 1, beat - tempo.line_before(beat) + 1)

    @classmethod
    def given(cls, bar: object, beat: object = 1) -> "Place":
        """A position as somebody types it. Raises BadInput for what is none."""
        if isinstance(bar, bool) or not isinstance(bar, int) or not 1 <= bar <= 10**6:
            raise BadInput(f"There is no bar {bar!r}: bars are whole numbers from 1 on, and at(17, 2.5) is in the middle of one.")
        try:
            exact = Fraction(str(beat))
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            exact = Fraction(0)
        if isinstance(beat, bool) or exact < 1:
            raise BadInput(f"There is no beat {beat!r} in a bar: beats are numbers from 1 on, such as 2.5.")
        return cls(bar, exact)

    def beats(self, tempo: TempoMap) -> Beats:
        """The beat that this is. Raises BadInput for one that lies past its bar."""
        line = line_of(tempo, self.bar)
        length = tempo.meter_at(line).bar
        if self.beat >= 1 + length:
            last = f"in {tempo.meter_at(line)} they end before {float(1 + length):g}"
            raise BadInput(f"Bar {self.bar} has no beat {float(self.beat):g}: {last}.")
        return on_grid(line + self.beat - 1)

    def call(self, word: str) -> str:
        """The call that says it."""
        beat = f"{float(self.beat):.3f}".rstrip("0").rstrip(".")
        return f"{word}({self.bar})" if self.beat == 1 else f"{word}({self.bar}, {beat})"


def line_of(tempo: TempoMap, bar: int) -> Beats:
    """The bar line at which this bar, counted from 1, begins."""
    bars = next(bars for bars in reversed(tempo.bars) if bars.number <= bar - 1)
    return bars.begin + (bar - 1 - bars.number) * bars.meter.bar


def bundles_of(facts: Iterable[Fact]) -> dict[str, Path]:
    """The bundles that a session's models come from, by the names that are typed for them."""
    models = [fact.command.model for fact in facts if isinstance(fact, Taken) and isinstance(fact.command, Assign)]
    return {model_named(model): _file(model.key) for model in models}


def _file(key: ModelKey) -> Path:
    return key.path if key.path.suffix == ".mag" else Path(f"{key.path}.index")


def bundle_named(name: str) -> Path:
    """The file of a bundle by the name that is typed for it."""
    if name in BUILT_IN:
        return ModelKey("", name, BUILT_IN[name]).path
    if name.startswith(PREFIX):
        return Official.of_user().folder / f"{name.removeprefix(PREFIX)}.mag"
    config, _, place = name.partition(":")
    return Path(f"{place}.index") if place and not config.endswith(".mag") and "/" not in config else Path(name)


@cache
def _digest(path: Path, changed: float, size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS]


def digest(path: Path) -> str | None:
    """The beginning of a file's sha256; None if there is no such file."""
    try:
        found = path.stat()
        return _digest(path, found.st_mtime, found.st_size)
    except OSError:
        return None
