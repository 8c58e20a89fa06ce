"""After a crash, what hands, functions and another clock did comes back like what was typed."""

from contextlib import suppress
from fractions import Fraction

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from keys import Keys
from rig import Rig
from test_invariants import moments, parts, phrases, transforming

from livecode.commands import AnyCommand, Capture, Plain, Play, Shape, Undo
from livecode.errands import HandIn
from livecode.errors import BadInput
from livecode.facts import Steered
from livecode.inputs import Arrival
from livecode.notation import notes
from livecode.transforms import OWN, Transform, Turn

said = st.one_of(
    transforming,
    st.builds(lambda part, phrase, on: Play(part=part, phrase=phrase, on=on), parts, phrases, moments),
    st.builds(
        lambda part, bars, over: Capture(part=part, source="keys", bars=bars, overdub=over),
        parts,
        st.integers(1, 2),
        st.booleans(),
    ),
    st.builds(lambda part: Shape(part=part, turn=Turn((Transform(OWN, ("wobble/1",)),), 1)), parts),
    st.builds(lambda part: Plain(part=part), parts),
    st.builds(lambda part: Undo(part=part), parts),
)
pitches = st.integers(60, 72)
tempi = st.integers(90, 150)
acts = st.lists(
    st.tuples(st.integers(1, 40).map(lambda place: place * 0.0731), st.one_of(said, pitches, tempi.map(Fraction)), st.booleans()),
    min_size=1,
    max_size=14,
)


class Played:
    """A rig with an input, whose keys are struck and lifted, and functions that answer."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._down: int | None = None

    def go_on(self, seconds: float) -> None:
        until = self.rig.clock.now() + seconds
        while self.rig.clock.now() < until - 1e-9:
            self.rig.sequencer.advance(self.rig.clock.now() + 0.2)
            self.rig.clock.wait_until(min(until, self.rig.clock.now() + 0.03))

    def does(self, act: AnyCommand | int | Fraction) -> None:
        here = self.rig.sequencer.time.reachable()
        if isinstance(act, Fraction):
            self.rig.sequencer.past.relive(Steered(now=here, at=here, bpm=act))
        elif isinstance(act, int):
            lifted = [] if self._down is None else [Arrival(self.rig.clock.now() - 0.02, (0x80, self._down, 64))]
            self.rig.sequencer.hear("keys", [*lifted, Arrival(self.rig.clock.now() - 0.01, (0x90, act, 80))])
            self._down = act
        else:
            with suppress(BadInput):
                self.rig.obey(act)

    def answers(self) -> None:
        for errand in self.rig.sequencer.errands():
            self.rig.sequencer.hand_in(HandIn(errand=errand.id, phrase=errand.phrase.transpose(1)))


@settings(deadline=None, max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(acts)
def test_whatever_hands_functions_and_a_clock_did_the_facts_bring_it_back(script: list) -> None:
    played = Played(Rig(bpm=120))
    rig = played.rig
    Keys(rig)
    for part in ("a", "b"):
        rig.plays(part, notes("C4 C#4 _ C4,D4", dur="1/2"))
    for pause, act, answers in script:
        played.go_on(pause)
        played.does(act)
        if answers:
            played.answers()
    back = rig.after_a_crash()
    time = back.sequencer.time
    begin = time.tempo.line_after(max(time.reachable(), time.held)) + time.bar(time.held)
    for one in (rig, back):
        Played(one).go_on(8)
    for part in ("a", "b"):
        went_on, came_back = (
            [
                (note.beat, note.end_beat, note.pitch, round(note.seconds, 6))
                for note in one.tape.notes(part)
                if note.beat >= begin
            ]
            for one in (rig, back)
        )
        assert came_back == went_on
    assert [sentence for sentence in back.log if "left out after the crash" in sentence] == []
