"""What is left out for speed, after a crash and before a passage that is performed, changes nothing that is to come."""

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st
from rig import Rig
from test_invariants import commands, instruments, moments, parts, perform, phrases

from livecode.commands import (
    Adjust,
    AnyCommand,
    Capture,
    Continue,
    Fade,
    Play,
    Recall,
    Store,
    Sweep,
    TurnKnob,
    Undo,
    UndoLast,
)
from livecode.errors import BadInput
from livecode.facts import Fact, Heard, InputOpened, Looped, Moved, Taken
from livecode.music import Beats, NoteEvent
from livecode.notation import notes
from livecode.skimming import skimmed

by = st.sampled_from(["desk", ""])
turning = st.one_of(
    instruments,
    st.builds(lambda part, gain: Adjust(part=part, gain=gain), parts, st.floats(0, 1.6)),
    st.builds(lambda part, level: Fade(part=part, level=level, bars=Fraction(0)), parts, st.sampled_from([0.3, 0.7])),
    st.builds(
        lambda part, knob, value, on, by: TurnKnob(part=part, knob=knob, value=value, on=on, by=by),
        parts,
        st.sampled_from(["gain", "pan", "level", "density", "temperature", 74]),
        st.sampled_from([0.25, 0.5, 1.0]),
        moments,
        by,
    ),
)
scripts = st.lists(
    st.tuples(
        st.integers(1, 40).map(lambda place: place * 0.0731), st.one_of(commands, turning, turning), st.one_of(st.none(), phrases)
    ),
    min_size=1,
    max_size=24,
)
going_back = st.lists(
    st.one_of(
        st.builds(lambda part, redo: Undo(part=part, redo=redo), parts, st.booleans()),
        st.builds(lambda redo: UndoLast(redo=redo), st.booleans()),
    ),
    max_size=3,
)


def comes_back(rig: Rig, facts: Sequence[Fact], later: Sequence[AnyCommand]) -> list[object]:
    """What is so, and what is to come, after a crash, these facts, and these commands."""
    back = Rig(now=rig.clock.now())
    back.sequencer.past.recall(facts, rig.clock.now())
    for command in (Continue(), *later, Recall(scene="verse")):
        with suppress(BadInput):
            back.obey(command)
    here = back.sequencer.time.reachable()
    states = [part.memory() for part in back.sequencer._parts.values()]
    back.play(until=here + 16)
    noted = [event for event in back.tape.events() if isinstance(event, NoteEvent) and event.beat >= here]
    return [*states, *noted]


@settings(deadline=None, max_examples=12)
@given(scripts, going_back)
def test_what_is_left_out_for_speed_changes_nothing_that_is_to_come(script: list, later: list[AnyCommand]) -> None:
    rig = perform([(0.1, Store(scene="verse"), None), *script], 0.05)
    less = skimmed(rig.facts, undone=len(later))
    assert all(fact in rig.facts for fact in less)
    assert comes_back(rig, less, later) == comes_back(rig, rig.facts, later)


few = st.sampled_from(["a", "a", "b"])
turns_and_ways_back = st.one_of(
    st.builds(lambda part, gain, by: TurnKnob(part=part, knob="gain", value=gain, by=by), few, st.sampled_from([0.5, 0.7]), by),
    st.builds(lambda part, value, on: Sweep(part=part, control=74, value=value, on=on), few, st.integers(0, 127), moments),
    st.builds(lambda part, gain: Adjust(part=part, gain=gain), few, st.sampled_from([0.2, 0.9])),
    st.builds(lambda part: Play(part=part, phrase=notes("C4")), few),
    st.builds(lambda part, redo: Undo(part=part, redo=redo), few, st.booleans()),
    st.just(Store(scene="verse")),
    st.just(Recall(scene="verse")),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(turns_and_ways_back, min_size=3, max_size=16), going_back)
def test_undo_and_scenes_go_back_to_what_was_turned_then(script: list[AnyCommand], later: list[AnyCommand]) -> None:
    rig = Rig()
    for command in (*(Play(part=part, phrase=notes("C4")) for part in "ab"), *script):
        rig.clock.wait_until(rig.clock.now() + 0.37)
        with suppress(BadInput):
            rig.obey(command)
    assert comes_back(rig, skimmed(rig.facts, undone=len(later)), later) == comes_back(rig, rig.facts, later)


def test_of_an_hour_of_knobs_only_the_last_turns_are_done_again() -> None:
    turned: list[AnyCommand] = []
    for place in range(9_000):
        turned.append(TurnKnob(part="lead", knob="gain", value=place % 10 / 10, by="desk"))
        turned.append(Sweep(part="lead", control=74, value=place % 128))
    said = [Play(part="lead", phrase=notes("C4")), *turned]
    facts = [Taken(now=Beats(place, 5), at=Beats(place, 5), command=command) for place, command in enumerate(said)]
    assert skimmed(facts, undone=0) == [facts[0], *facts[-2:]]
    assert skimmed(facts, undone=2) == [facts[0], *facts[-5:]]


def hands(played: list[tuple[Beats, str]]) -> list[Fact]:
    """So many beats after the one before, this message arrives."""
    facts: list[Fact] = [
        InputOpened(now=Beats(0), name="keys", api="none", virtual=True),
        Taken(now=Beats(0), at=Beats(0), command=Play(part="lead", phrase=notes("C4"))),
        Moved(started=0.0, held=Beats(0), paused=False, pause_at=None),
    ]
    here = Beats(0)
    for gap, message in played:
        here += gap
        facts.append(Heard(now=here + Beats(1, 10), name="keys", said=((here, message),)))
    return facts


MESSAGES = ("903c40", "903e40", "803c40", "903e00", "b0407f", "b04050", "b04000", "b07b00", "b00140", "e00040", "c005")


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.sampled_from((Beats(0), Beats(1, 3), Beats(5), Beats(50))), st.sampled_from(MESSAGES)), max_size=40))
@example([(Beats(0), spelt) for spelt in ("903c40", "b0407f", "803c40", "b04050")] + [(Beats(50), "b00140")] * 4)
def test_what_was_played_long_ago_is_left_out_and_what_is_held_is_not(played: list[tuple[Beats, str]]) -> None:
    facts = hands(played)
    kept = skimmed(facts, undone=0)
    end = facts[-1].now if isinstance(facts[-1], Heard) else Beats(0)
    scores = []
    for story in (facts, kept):
        back = Rig(now=float(end + 4) / 2)
        back.sequencer.past.recall(story, back.clock.now())
        back.obey(Capture(part="loop", source="keys", bars=32))
        here = back.sequencer.time.tempo.line_after(back.sequencer.time.reachable())
        back.play(until=here + 1)
        scores.append([fact.phrase for fact in back.facts if isinstance(fact, Looped)])
    assert scores[0] == scores[1]


def test_of_hours_of_hands_only_the_last_while_is_heard_again() -> None:
    played = [(Beats(1, 2), message) for _ in range(1000) for message in ("903c40", "803c40")]
    kept = skimmed(hands(played), undone=0)
    heard = [fact.now for fact in kept if isinstance(fact, Heard)]
    assert (heard[0], heard[-1], len(heard)) == (Beats(8551, 10), Beats(10001, 10), 291)
