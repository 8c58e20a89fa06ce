"""A sequencer or a drum machine that follows MIDI clock, as the specification has it: where it stands after these messages."""

from collections.abc import Iterable
from fractions import Fraction


class Receiver:
    """Follows a clock. `place` is its song position in beats, None while it stands; `history` its place at each tick."""

    def __init__(self) -> None:
        self.running = False
        self.history: list[Fraction] = []
        self._next = Fraction(0)

    @property
    def place(self) -> Fraction | None:
        return self.history[-1] if self.running and self.history else None

    def hear(self, messages: Iterable[tuple[int, ...]]) -> "Receiver":
        for status, *data in messages:
            match status:
                case 0xFA:
                    assert not self.running, "started while it ran"
                    self.running, self._next = True, Fraction(0)
                case 0xFB:
                    self.running = True
                case 0xFC:
                    self.running = False
                case 0xF2:
                    self._next = Fraction(data[0] + 128 * data[1], 4)
                case 0xF8 if self.running:
                    self.history.append(self._next)
                    self._next += Fraction(1, 24)
        return self
