"""A keyboard on virtual time."""

from fractions import Fraction

from rig import Rig

from livecode.facts import InputOpened
from livecode.inputs import Arrival
from livecode.music import Beats


class Keys:
    """What is played on an input of a rig, by beats."""

    def __init__(self, rig: Rig, name: str = "keys") -> None:
        self._rig, self._name = rig, name
        rig.sequencer.add_input(name)
        rig.facts.append(InputOpened(now=Beats(0), name=name, api="none", virtual=True))

    def say(self, *message: int) -> None:
        """This arrives now."""
        self._rig.sequencer.hear(self._name, [Arrival(self._rig.clock.now(), message)])

    def play(self, beat: float | Fraction, pitch: int, beats: float, velocity: int = 100, channel: int = 0) -> None:
        """A key goes down at this beat, and up so many beats later."""
        self._rig.play(until=beat)
        self.say(0x90 | channel, pitch, velocity)
        self._rig.play(until=beat + beats)
        self.say(0x80 | channel, pitch, 0)
