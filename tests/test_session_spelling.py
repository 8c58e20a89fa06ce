"""Commands as Python: executing a spelling gives the command back."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from test_invariants import commands

import livecode as lc
from livecode import commands as say
from livecode.facts import PortOpened
from livecode.instruments import Instrument
from livecode.models.chords import written
from livecode.models.specs import drums_rnn, improv_rnn, melody_rnn
from livecode.models.wire import ModelKey, Progression
from livecode.music import Note, Phrase
from livecode.notation import beat, notes
from livecode.session_spelling import SPELLINGS, spelt, spelt_model, spelt_phrase, spelt_port
from livecode.transforms import Turn, said
from livecode.ui.names import HIDDEN, Meanings, Transform
from livecode.voicing import Voicing


class Heard(lc.Stage):
    """A stage that keeps what it is told."""

    def tell(self, command: say.AnyCommand) -> Any:
        self._told.append(command)
        with suppress(lc.LivecodeError):
            super().tell(command)
        return ""

    def part(self, name: str, **settings: Any) -> Any:
        self._told.append(say.Declare(part=name))
        return super().part(name, **settings)


@pytest.fixture(scope="module")
def stage() -> Iterator[Heard]:
    with Heard(offline=True) as stage:
        yield stage


def executed(source: str, stage: Heard) -> list[say.AnyCommand]:
    """The commands that come of Python at the top level of a prompt."""
    names: dict[str, Any] = {"lc": lc, "stage": stage, "part": stage.part}
    names |= {word: getattr(lc, word) for word in ("beat", "notes", "drums_rnn", "melody_rnn", "improv_rnn")}
    names |= {name: stage.parts[name] if name in stage.parts else lc.PartHandle(stage, name) for name in ("a", "b", "count")}

    class Home:
        pass

    home: Any = Home()
    home.stage = stage
    names[HIDDEN] = Meanings(home, names, {})
    stage._told = []
    with suppress(lc.LivecodeError):  # what it refuses has been said
        exec(compile(Transform(names[HIDDEN]).visit(ast.parse(source)), "spelt", "exec"), names)
    return stage._told


@settings(deadline=None, max_examples=150)
@given(command=commands.filter(lambda command: not isinstance(command, say.Assign | say.Propose)))
def test_executing_a_spelling_gives_the_command_back(command: say.AnyCommand, stage: Heard) -> None:
    assert executed(spelt(command), stage) == [command]


SPELT: list[tuple[say.AnyCommand, str]] = [
    (say.Declare(part="pads"), 'part("pads")'),
    (say.Play(part="a", phrase=notes("C4 . G4 _", dur=0.5)), 'a >> notes("C4 . G4 _", dur=0.5)'),
    (say.Play(part="a", phrase=beat(kick="x..X", hat="xxo."), on=say.On.BAR), 'a.play(beat(kick="x..X", hat="xxo."), on="bar")'),
    (
        say.Play(part="a", phrase=Phrase((Note(Fraction(1, 7), 1, 60, 90),), 4)),
        'a >> lc.phrase("1/7 C4 1 90", 4)',
    ),
    (say.Play(part="a", phrase=lc.silence(Fraction(4), drums=True)), 'a >> lc.phrase("", 4, drums=True)'),
    (say.Tempo(bpm=Fraction("96.125")), "bpm = 96.125"),
    (say.Tempo(bpm=Fraction(96), bars=Fraction(8)), "stage.ramp(96, bars=8)"),
    (say.Tempo(bpm=Fraction(96), on=say.On.BEAT), 'stage.ramp(96, bars=0, on="beat")'),
    (say.Tempo(bpm=Fraction(96), bars=Fraction(1, 3)), "stage.tell(lc.commands.Tempo(bpm=96, bars=lc.Beats(1, 3)))"),
    (say.SetMeter(meter=lc.Meter(7, 8)), 'stage.meter = "7/8"'),
    (say.SetSwing(swing=lc.Swing(Fraction(29, 50))), "swing = 0.58"),
    (say.SetSwing(swing=lc.Swing(Fraction(2, 3), Fraction(1, 2))), "swing = lc.Swing(lc.Beats(2, 3), lc.Beats(1, 2))"),
    (say.Hush(on=say.On.BEAT), 'stage.hush(on="beat")'),
    (say.Fade(part="a", level=0, bars=Fraction(4)), "a.fade_out(bars=4)"),
    (say.Fade(part="a", level=0.5, bars=Fraction(1, 2), on=say.On.NOW), 'a.fade(0.5, bars=0.5, on="now")'),
    (say.Adjust(part="a", program=11), 'a.program = "Vibraphone"'),
    (say.Adjust(part="a", gain=0.8, channel=2), "a.set(gain=0.8, channel=3)"),
    (say.Adjust(part="a", bank=(8, 0), controls={74: 100}), "a.set(bank=8, cc={74: 100})"),
    (say.Adjust(part="a", low=48, high=72, density=Fraction(1, 3)), 'a.set(range=("C3", "C5"), density="1/3")'),
    (say.Adjust(part="a", free=frozenset({"low", "high"})), 'a.free("range")'),
    (say.Adjust(part="a", voices=4), "a.voices = 4"),
    (say.Adjust(part="a", free=frozenset({"voices"})), 'a.free("voices")'),
    (say.Nudge(part="a", ms=-5.5), "a.nudge = -5.5"),
    (say.SetLatency(output="Digitone", ms=12.0), 'stage.latency("Digitone", 12.0)'),
    (
        say.Equip(part="a", instrument=Instrument(output="Digitone", channel=2, voicing=Voicing(2), names={"drive": 23})),
        'stage.tell(lc.commands.Equip(part="a", instrument=lc.instruments.Instrument(output="Digitone", channel=2, '
        'voicing=lc.voicing.Voicing(voices=2), names={"drive": 23})))',
    ),
    (say.Adjust(part="a", low=48), "stage.tell(lc.commands.Adjust(part=\"a\", low=48))"),
    (
        say.Adjust(part="a", gain=1.0, on=say.On.BAR),
        'stage.tell(lc.commands.Adjust(part="a", on=lc.commands.On.BAR, gain=1.0))',
    ),
    (say.Route(part="a", output="Digitone"), 'a.output = "Digitone"'),
    (
        say.CountIn(part="count", phrase=beat(stick="x", step=1), bars=2),
        'stage.tell(lc.commands.CountIn(part="count", phrase=beat(step=1, stick="x"), bars=2))',
    ),
    (say.Assign(part="a", model=drums_rnn(bars=2, temperature=1.1)), 'a >> drums_rnn("drum_kit", bars=2, temperature=1.1)'),
    (
        say.Assign(part="a", model=melody_rnn(seed=7, primer=None, beam_size=2, engine="magenta")),
        'a >> melody_rnn("attention_rnn", bars=4, beam_size=2, seed=7, primer=None, engine="magenta")',
    ),
    (
        say.Assign(part="a", model=improv_rnn(chords="Am | F G", primer=notes("C4"))),
        'a >> improv_rnn("chord_pitches_improv", chords="Am | F G", bars=4, primer=notes("C4"))',
    ),
    (
        say.Assign(part="a", model=improv_rnn(chords="part:keys")),
        'a >> improv_rnn("chord_pitches_improv", chords="part:keys", bars=4)',
    ),
    (say.Pick(part="a", number=3, on=say.On.BAR), 'a.pick(3, on="bar")'),
    (say.Shape(part="a", turn=Turn(said(["reverse"]), 4)), 'a.every(4, "reverse")'),
    (say.Shape(part="a", turn=Turn(said(["quantise", "1/2", 1])), on=say.On.BAR), 'a.map("quantise", "1/2", 1, on="bar")'),
    (say.Plain(part="a"), "a.plain()"),
    (say.InKey(part="a", key="C dorian"), 'a.key = "C dorian"'),
    (say.SetKey(key=""), 'stage.key = ""'),
    (say.Store(scene="verse"), 'stage.store("verse")'),
    (say.Recall(scene="verse", on=say.On.BEAT), 'stage.scene("verse", on="beat")'),
    (say.Safe(), "stage.safe()"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "said"), SPELT, ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_is_spelt_as_a_performer_types_it(command: say.AnyCommand, said: str, stage: Heard) -> None:
    assert spelt(command) == said
    stage.part("pads"), stage.part("a")
    assert executed(said, stage) == [command]


def test_every_kind_that_has_a_spelling_of_its_own_is_tried() -> None:
    also = {say.Act, say.Mute, say.Solo, say.Undo, say.UndoLast, say.Panic, say.Pause, say.Continue, say.Restart, say.Propose}
    tried = {type(command) for command, _ in SPELT} | also
    assert set(SPELLINGS) <= tried <= set(get_args(say.AnyCommand))
    with Heard(offline=True) as stage:
        assert executed("a.candidates(8)", stage) == [say.Propose(part="a", n=8)]


def test_chords_that_change_anywhere_are_written_with_holds() -> None:
    song = Progression(((Fraction(0), "Am"), (Fraction(3, 4), "F"), (Fraction(2), "N.C.")), 3)
    model = improv_rnn(chords=song)
    assert 'chords="Am _ _ F | _ | ."' in spelt_model(model)
    assert written("Am _ _ F | _ | .") == song


def test_a_bundle_of_ones_own_is_spelt_by_its_path_and_a_checkpoint_by_both() -> None:
    model = drums_rnn()
    own = ModelKey("drums_rnn", "drum_kit", "/models/mine.mag")
    trained = ModelKey("drums_rnn", "drum_kit", "/models/run/model.ckpt-500")
    said = [spelt_model(lc.commands.Model(key, 2, model.knobs)) for key in (own, trained)]
    assert said == ['drums_rnn("/models/mine.mag", bars=2)', 'drums_rnn("drum_kit:/models/run/model.ckpt-500", bars=2)']


def test_a_long_phrase_is_broken_into_lines_and_exact() -> None:
    long = Phrase(tuple(Note(Fraction(place, 7), Fraction(1, 9), 60 + place % 12, 40 + place) for place in range(40)), 8)
    said = spelt_phrase(long)
    assert max(map(len, said.splitlines())) < 110
    assert eval(said, {"lc": lc}) == long


def test_a_port_is_spelt_as_it_was_opened() -> None:
    port = PortOpened(now=Fraction(0), name="Digitone", api="jack", virtual=True)
    assert spelt_port(port) == 'stage.midi("Digitone", api="jack", virtual=True)'
