"""An engine that crashes while a recording is performed beside one's own parts goes on as if nothing had happened."""

from fractions import Fraction

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rig import Rig
from sessions import Session, Step, steps
from test_performing import Performance

from livecode.facts import Over
from livecode.recording import Recording

PARTS = ("mine", "a", "b")


def go_on(rig: Rig, until: Fraction) -> None:
    """Let time go on to this beat, or for half a minute, if it stands still before."""
    for _ in range(1000):
        rig.sequencer.advance(rig.clock.now() + 0.2)
        if max(rig.sequencer.time.beat(), rig.sequencer.time.held) >= until:
            return
        rig.clock.wait_until(rig.clock.now() + 0.03)


def score(rig: Rig, begin: Fraction, end: Fraction) -> list[tuple[object, ...]]:
    """What sounds in these beats; parts alone, for their order at the same moment is that in which they were heard of."""
    noted = [note for part in PARTS for note in rig.tape.notes(part)]
    return [(note.part, note.beat, note.end_beat, note.pitch, note.channel) for note in noted if begin <= note.beat < end]


@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(steps, st.integers(1, 60).map(lambda place: Fraction(place * 37, 100)), st.sampled_from([0, 4, 8]))
def test_a_crash_at_any_beat_changes_nothing_of_what_comes_later(script: list[Step], crash: Fraction, begin: int) -> None:
    session = Session(script)
    recording = Recording(session.recording.opening, (*session.recording.facts, Over(now=session.end)))
    if begin >= session.end:
        return
    went_on = Performance(recording, begin, before="G5 . A5 .")
    go_on(went_on.rig, 2 + crash)
    came_back = went_on.rig.after_a_crash()
    time = came_back.sequencer.time
    since = time.tempo.line_after(max(time.reachable(), time.held)) + time.bar(time.held)
    for rig in (went_on.rig, came_back):
        go_on(rig, since + 16)
    assert score(came_back, since, since + 16) == score(went_on.rig, since, since + 16)
    assert [sentence for sentence in came_back.log if "left out after the crash" in sentence] == []
