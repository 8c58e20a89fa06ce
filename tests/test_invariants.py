"""What holds whatever is typed and whenever the models answer."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from rig import Rig, a_model

from livecode.commands import (
    Act,
    Action,
    Adjust,
    Assign,
    Continue,
    CountIn,
    Declare,
    Fade,
    Hush,
    InKey,
    Mute,
    Nudge,
    On,
    Panic,
    Pause,
    Pick,
    Plain,
    Play,
    Propose,
    Recall,
    Restart,
    Safe,
    SetKey,
    SetMeter,
    SetSwing,
    Shape,
    Solo,
    Store,
    Sweep,
    Tempo,
    TurnKnob,
    Undo,
    UndoLast,
)
from livecode.errors import BadInput
from livecode.formats import TICKS, read_midi, write_midi
from livecode.music import Note, NoteEvent, Phrase
from livecode.notation import notes
from livecode.tempo import Meter, Swing, TempoMap
from livecode.transforms import Turn, said

parts = st.sampled_from(["a", "b"])
moments = st.sampled_from(On)
midi = st.integers(0, 127)
a_note = st.builds(
    Note,
    st.integers(0, 23).map(lambda place: Fraction(place, 4)),
    st.integers(1, 24).map(lambda n: Fraction(n, 8)),
    st.integers(60, 63),
)
phrases = st.builds(Phrase, st.lists(a_note, min_size=1, max_size=8).map(tuple), st.sampled_from([Fraction(6), Fraction(8)]))

verbs: list[list[object]] = [
    ["reverse"],
    ["stretch", 2],
    ["humanise"],
    ["to_scale"],
    ["transpose", 1],
    ["slice", 0, 3],
    ["thin", 1],
]
turns = st.builds(lambda words, n: Turn(said(words), n), st.sampled_from(verbs), st.integers(1, 3))
keys = st.sampled_from(["", "C major", "F# minor"])
scenes = st.sampled_from(["verse", "chorus"])
transforming = st.one_of(
    st.builds(lambda part, turn, on: Shape(part=part, turn=turn, on=on), parts, turns, moments),
    st.builds(lambda part, on: Plain(part=part, on=on), parts, moments),
    st.builds(lambda part, key: InKey(part=part, key=key), parts, keys),
    st.builds(lambda key: SetKey(key=key), keys),
    st.builds(lambda scene: Store(scene=scene), scenes),
    st.builds(lambda scene, on: Recall(scene=scene, on=on), scenes, moments),
    st.just(Safe()),
)

controls = st.sampled_from([20, 74, "bend", "bend_range"])
instruments = st.one_of(
    st.builds(lambda part, voices: Adjust(part=part, voices=voices), parts, st.integers(1, 2)),
    st.builds(lambda part: Adjust(part=part, free=frozenset({"voices"})), parts),
    st.builds(
        lambda part, control, value, bars, on: Sweep(part=part, control=control, value=value, bars=Fraction(bars), on=on),
        parts,
        controls,
        midi,
        st.integers(0, 2),
        moments,
    ),
    st.builds(lambda part, knob: TurnKnob(part=part, knob=knob, value=0.5, by="desk"), parts, st.sampled_from(["pan", "level"])),
    st.builds(lambda part, ms: Nudge(part=part, ms=ms), parts, st.sampled_from([-40.0, 0.0, 30.0])),
)

commands = st.one_of(
    transforming,
    instruments,
    st.builds(lambda part, phrase, on: Play(part=part, phrase=phrase, on=on), parts, phrases, moments),
    st.builds(lambda part: Assign(part=part, model=a_model()), parts),
    st.builds(lambda part, n: Propose(part=part, n=n), parts, st.integers(1, 3)),
    st.builds(lambda part, number, on: Pick(part=part, number=number, on=on), parts, st.integers(1, 3), moments),
    st.builds(lambda part, action, on: Act(part=part, action=action, on=on), parts, st.sampled_from(Action), moments),
    st.builds(lambda part, muted, on: Mute(part=part, muted=muted, on=on), parts, st.booleans(), moments),
    st.builds(lambda part, soloed, on: Solo(part=part, soloed=soloed, on=on), parts, st.booleans(), moments),
    st.builds(lambda part, level: Fade(part=part, level=level, bars=Fraction(1)), parts, st.sampled_from([0.0, 1.0])),
    st.builds(lambda part, gain: Adjust(part=part, gain=gain), parts, st.floats(0, 1.6)),
    st.builds(lambda part, bank, value: Adjust(part=part, bank=(bank, 3), controls={74: value}), parts, midi, midi),
    st.builds(lambda part, channel: Adjust(part=part, channel=channel), parts, st.integers(0, 15)),
    st.builds(lambda part: Declare(part=part), st.sampled_from(["a", "c"])),
    st.builds(lambda bars: CountIn(part="count", phrase=notes("C5 C5 C5 C5"), bars=bars), st.integers(1, 2)),
    st.builds(lambda bpm, bars: Tempo(bpm=Fraction(bpm), bars=Fraction(bars)), st.integers(60, 240), st.integers(0, 2)),
    st.builds(lambda meter: SetMeter(meter=Meter.of(meter)), st.sampled_from(["4/4", "3/4", "7/8"])),
    st.builds(lambda ratio: SetSwing(swing=Swing(Fraction(ratio, 100))), st.integers(50, 75)),
    st.just(Hush()),
    st.builds(lambda part, redo, on: Undo(part=part, redo=redo, on=on), parts, st.booleans(), moments),
    st.builds(lambda redo: UndoLast(redo=redo), st.booleans()),
    st.just(Panic()),
    st.builds(lambda on: Pause(on=on), st.sampled_from([On.NOW, On.BEAT, On.BAR])),
    st.just(Continue()),
    st.just(Restart()),
)
answers = st.one_of(st.none(), phrases)
scripts = st.lists(st.tuples(st.integers(1, 40).map(lambda place: place * 0.1731), commands, answers), min_size=1, max_size=12)


def perform(script: list, step: float) -> Rig:
    """Type each command after its pause, answering what was asked; the planner wakes every `step` seconds and at commands."""
    rig = Rig(bpm=120)
    for part in ("a", "b"):
        rig.plays(part, notes("C4 C#4 _ C4,D4", dur="1/2"))
    until = rig.clock.now()
    for pause, command, answer in script:
        until += pause
        while rig.clock.now() < until:
            rig.sequencer.advance(rig.clock.now() + 0.2)
            rig.clock.wait_until(min(until, rig.clock.now() + step))
        with suppress(BadInput):  # what cannot be meant is refused, and changes nothing
            rig.obey(command)
        rig.sequencer.advance(rig.clock.now() + 0.2)
        if answer is not None and rig.models.requests:
            rig.answer(answer)
        rig.sequencer.advance(rig.clock.now() + 0.2)
    return rig


def written_and_read(rig: Rig) -> set[tuple[int, int]]:
    """The tape's notes after a trip through a MIDI file, in ticks."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "take.mid")
        write_midi(path, rig.tape.events(), TempoMap.steady(Fraction(120)), Fraction(0), Fraction(10_000))
        return {(round(note.onset * TICKS), note.pitch) for note in read_midi(path).notes}


@settings(deadline=None, max_examples=50)
@given(scripts)
def test_no_note_is_planned_twice_or_without_end_and_the_file_has_them_all(script: list) -> None:
    rig = perform(script, 0.03)
    assert written_and_read(rig) == {(round(note.beat * TICKS), note.pitch) for note in rig.tape.notes()}
    for part in ("a", "b"):
        last: dict[int, NoteEvent] = {}
        for note in rig.tape.notes(part):
            assert note.end_beat > note.beat
            assert note.end_seconds > note.seconds
            before = last.get(note.pitch)
            assert before is None or note.beat >= before.end_beat
            last[note.pitch] = note


@settings(deadline=None, max_examples=30)
@given(scripts)
def test_how_often_the_planner_wakes_changes_nothing(script: list) -> None:
    scores = []
    for step in (0.01, 0.05, 0.19):
        rig = perform(script, step)
        here = rig.sequencer.time.beat()
        scores.append([(note.part, note.beat, note.pitch, note.seconds) for note in rig.tape.notes() if note.beat < here])
    assert scores[0] == scores[1] == scores[2]
