"""A control of the synth that a part plays on, as a performer holds it: lead.cc("cutoff").to(90, bars=4)."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from .commands import On, Sweep
from .controls import BEND, bent, shown, spelt
from .errors import BadInput
from .music import beats


class Dial:
    """One control of a part. `to` turns it, now or over bars; `value` is what was last sent, None if nothing was."""

    def __init__(
        self, part: str, control: int | str, tell: Callable[[Sweep], str], read: Callable[[int | str], int | None]
    ) -> None:
        self.part, self.control, self._tell, self._read = part, control, tell, read

    @property
    def value(self) -> float | None:
        """Where it stands; None if it was never set."""
        return self._read(self.control)

    def to(self, value: int, *, bars: float = 0, start: int | None = None, on: str | None = None) -> Any:
        """Set the control to `value`: now, or from the next bar on evenly over `bars` bars.

        value: 0 to 127; 0 to 16383 if it is fine. start: where a ramp begins; None where the control stands, or, if it was never
        set, where MIDI says that a synth comes up. A ramp steps every 1/32 of a beat at most, a numbered parameter's every 1/16:
        at 120 bpm 6 and 18 % of what a cable carries. Raises BadInput.

        >>> from livecode import Stage, notes
        >>> with Stage(offline=True) as stage:
        ...     lead = stage.part("lead") >> notes("C4 E4 G4 .")
        ...     lead.cc("cutoff").to(90, bars=4)
        lead: cc 74 (cutoff) goes to 90 from bar 1 over 4 bars
        """
        return self._swept(value, bars, start, on)

    def _swept(self, value: int, bars: float, start: int | None, on: str | None) -> Any:
        if isinstance(bars, bool) or not isinstance(bars, int | float | Fraction) or not 0 <= bars <= 256:
            raise BadInput(f"bars={bars!r} is no length: give 0 to 256, such as 4.")
        moment = On.of(on) if on is not None else On.BAR if bars else On.NOW
        return self._tell(Sweep(part=self.part, control=self.control, value=value, bars=beats(bars), start=start, on=moment))

    def __repr__(self) -> str:
        name = spelt(self.control) if isinstance(self.control, int) else self.control
        value = self.value
        return f"{self.part}: {name} {'not set yet' if value is None else f'{value:g}'}"


class Bend(Dial):
    """Pitch bend of a part, from -1 (all the way down) over 0 (at rest) to 1 (all the way up)."""

    @property
    def value(self) -> float | None:
        """Where it stands, -1 to 1; None if it was never set."""
        value = self._read(self.control)
        return None if value is None else float(shown(BEND, value))

    def to(self, value: float, *, bars: float = 0, start: float | None = None, on: str | None = None) -> Any:
        """Bend to `value`, -1 to 1: now, or from the next bar on evenly over `bars` bars.

        How far that is the synth says: two semitones, unless `lead.cc("bend_range").to(12)` was understood. Raises BadInput.

        >>> from livecode import Stage, notes
        >>> with Stage(offline=True) as stage:
        ...     lead = stage.part("lead") >> notes("C4 E4 G4 .")
        ...     lead.bend.to(0.5, bars=1)
        lead: bend goes to 0.5 from bar 1 over 1 bar
        """
        return self._swept(bent(value), bars, None if start is None else bent(start), on)
