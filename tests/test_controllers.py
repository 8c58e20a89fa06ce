"""Knobs and pads: what hands do on a controller, and what comes of it. The messages are handed in; no port is needed."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import Rig, a_model

import livecode as lc
from livecode.bindings import Source, Target
from livecode.commands import Adjust, CountIn, Equip, Learn, Map, Mute, TurnKnob, Undo
from livecode.errors import BadInput, UnknownName
from livecode.facts import Taken
from livecode.instruments import Instrument
from livecode.mapping import surface, surfaces
from livecode.notation import beat


class Desk(Rig):
    """A rig with a controller, of which knob 1 to 9 and keys can be touched."""

    def turn(self, number: int, *values: int, channel: int = 0) -> None:
        for value in values:
            self.sequencer.controllers.hear("desk", (0xB0 | channel, number, value))
        self.sequencer.play_controllers()

    def slowly(self, number: int, *values: int) -> None:
        """So slowly that the planner sees every step."""
        for value in values:
            self.turn(number, value)
            self.clock.wait_until(self.clock.now() + 0.03)

    def hit(self, *pitches: int) -> None:
        for pitch in pitches:
            self.sequencer.controllers.hear("desk", (0x90, pitch, 100))
            self.sequencer.controllers.hear("desk", (0x80, pitch, 64))
        self.sequencer.play_controllers()
        self.clock.wait_until(self.clock.now() + 0.03)

    def bind(self, number: int, word: str | int, part: str = "lead", **how: object) -> str:
        target = Target(part=part, word=word, **{"pickup": False, **how})  # type: ignore[arg-type]
        return self.obey(Map(source=Source(kind="cc", number=number), target=target)).words

    def pad(self, pitch: int, word: str, part: str = "lead", **how: object) -> str:
        return self.obey(Map(source=Source(kind="note", number=pitch), target=Target(part=part, word=word, **how))).words  # type: ignore[arg-type]

    def state(self, part: str = "lead"):  # type: ignore[no-untyped-def]
        return next(state for state in self.sequencer.snapshot().parts if state.name == part)

    def turns(self) -> list[float]:
        commands = [fact.command for fact in self.facts if isinstance(fact, Taken)]
        return [command.value for command in commands if isinstance(command, TurnKnob)]


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.sequencer.add_input("desk")
    desk.plays("lead", "C4 D4 E4 F4")
    desk.play(until=1)
    return desk


def test_a_knob_turns_what_it_is_bound_to(desk: Desk) -> None:
    assert desk.bind(1, "gain") == "cc 1 turns lead.gain"
    desk.bind(2, "pan")
    desk.bind(3, "cutoff")
    desk.bind(4, "level")
    desk.bind(5, "density")
    desk.turn(1, 127)
    desk.turn(2, 0)
    desk.turn(3, 90)
    desk.turn(4, 64)
    desk.turn(5, 0)
    desk.play(until=2)
    state = desk.state()
    assert (state.settings["gain"], state.settings["pan"], state.controls[74], state.settings["density"]) == (1.6, -1, 90, 0.25)
    assert state.level == pytest.approx(0.5, abs=0.02)


def test_a_knob_turns_the_tempo_and_the_swing(desk: Desk) -> None:
    desk.bind(1, "bpm", "", low=100, high=227)
    desk.bind(2, "swing", "")
    desk.turn(1, 40)
    desk.turn(2, 127)
    desk.play(until=5)
    assert (desk.sequencer.snapshot().bpm, desk.sequencer.snapshot().swing.ratio) == (140, Fraction(3, 4))


def test_temperature_counts_from_the_next_bars_on_and_nothing_is_asked_anew() -> None:
    desk = Desk()
    desk.models_of("lead", a_model())
    desk.play(until=0)
    desk.answer("D2 . . .")
    desk.bind(1, "temperature")
    desk.play_answering(until=9)
    asked = len(desk.models.requests)
    desk.turn(1, 127)
    assert (len(desk.models.requests), desk.models.forgotten) == (asked, [])
    desk.play_answering(until=17)
    assert desk.score(until=17) == [(0, "D2"), (4, "D2"), (8, "D2"), (12, "E2"), (16, "E2")]
    back = desk.after_a_crash()
    assert back.sequencer.snapshot().parts[0].temperature == 1.5


def test_ten_thousand_messages_are_one_change(desk: Desk) -> None:
    desk.bind(1, "gain")
    desk.turn(1, *(place % 128 for place in range(10_000)))
    assert desk.turns() == [pytest.approx(1.6 * (9_999 % 128) / 127, abs=0.001)]
    desk.hit(*([60] * 10_000))
    assert not desk.sequencer.controllers.touched


def test_a_range_may_be_reversed(desk: Desk) -> None:
    desk.bind(1, "pan", low=1, high=-1)
    desk.slowly(1, 0, 127)
    assert desk.turns() == [1, -1]


def test_a_knob_picks_up_what_it_passes_and_lets_go_when_something_else_moves_it(desk: Desk) -> None:
    assert desk.bind(1, "gain", pickup=True, low=0, high=1.27) == "cc 1 turns lead.gain from 0 to 1.27"
    desk.slowly(1, 10, 50, 90)  # gain is 1, where the knob would say 100
    assert desk.turns() == []
    desk.slowly(1, 110, 105)
    assert desk.turns() == [1.1, 1.05]
    desk.obey(Adjust(part="lead", gain=0.3))
    desk.slowly(1, 104, 103, 60)
    assert desk.turns() == [1.1, 1.05]
    desk.slowly(1, 31, 20)
    assert desk.turns() == [1.1, 1.05, 0.31, 0.2]


def test_a_knob_that_is_slow_to_be_heard_keeps_hold(desk: Desk) -> None:
    desk.bind(1, "bpm", "", low=80, high=207, pickup=True)
    for raw in range(40, 60):  # the tempo changes on the beat
        desk.turn(1, raw)
    desk.play(until=4)
    assert desk.sequencer.snapshot().bpm == 139


def test_endless_knobs_count_from_where_things_stand(desk: Desk) -> None:
    desk.bind(1, "pan", low=-63.5 / 63.5, high=1, encoder="twos")
    desk.turn(1, 1, 1, 127, 10)
    assert desk.turns() == [pytest.approx(11 * 2 / 127, abs=0.001)]
    desk.turn(1, 64)
    assert desk.turns()[-1] == pytest.approx(-53 * 2 / 127, abs=0.001)
    desk.bind(1, "pan", encoder="offset")
    desk.turn(1, 127)
    desk.turn(1, 127)
    desk.turn(1, 127)
    assert desk.turns()[-1] == 1


def test_pads_do_the_talks_actions(desk: Desk) -> None:
    assert desk.pad(36, "stop") == "key C2 does lead.stop"
    desk.pad(38, "mute")
    desk.pad(40, "hush", "")
    desk.hit(38)
    assert desk.state().muted
    desk.hit(38)
    assert not desk.state().muted
    desk.hit(38, 38)
    assert not desk.state().muted
    desk.hit(36)
    assert desk.state().doing == "plays its last 1 bar"
    assert desk.log == [
        "lead: muted now",
        "lead: heard again now",
        "lead: muted now",
        "lead: heard again now",
        "lead: stops at bar 2",
    ]
    desk.hit(40)
    assert desk.log[-1] == "all parts stop at bar 2"


def test_a_button_that_sends_a_controller_acts_when_it_goes_down(desk: Desk) -> None:
    desk.bind(41, "mute")
    desk.slowly(41, 127)
    assert desk.state().muted
    desk.slowly(41, 0)
    assert desk.state().muted
    desk.slowly(41, 127)
    assert not desk.state().muted


def test_what_a_pad_asks_for_and_cannot_be_is_said_once(desk: Desk) -> None:
    desk.pad(36, "generate")
    desk.hit(36)
    desk.hit(36)
    assert desk.log == ["a controller cannot do that: lead has no model yet: give it one first, such as lead >> melody_rnn()."]


def test_the_next_knob_that_is_moved_is_learnt(desk: Desk) -> None:
    assert desk.obey(Learn(target=Target(part="lead", word="gain", low=0, high=1))).words == (
        "move a knob or hit a pad: it will be lead.gain from 0 to 1"
    )
    desk.pad(60, "solo")
    assert desk.sequencer.snapshot().learns
    desk.turn(21, 3, channel=4)
    assert desk.log == ["cc 21 channel 5 of desk turns lead.gain from 0 to 1"]
    assert desk.sequencer.snapshot().learns is None
    desk.turn(21, 127, channel=3)
    desk.turn(22, 127, channel=4)
    assert desk.turns() == []
    desk.slowly(21, 126, 127)
    desk.turn(21, 127, channel=4)
    assert desk.turns() == [1.0]
    desk.obey(Learn(target=Target(part="lead", word="mute")))
    desk.hit(50)
    assert desk.log[-1] == "key D3 channel 1 of desk does lead.mute"


def test_a_knob_that_is_learnt_loses_what_it_meant_before_as_one_of_many(desk: Desk) -> None:
    desk.bind(21, "gain")
    desk.obey(Learn(target=Target(part="lead", word="pan", pickup=False)))
    desk.turn(21, 0, 127)
    assert desk.log == ["cc 21 channel 1 of desk turns lead.pan, no longer lead.gain"]
    assert (desk.turns(), len(desk.sequencer.snapshot().bound)) == ([], 1)
    desk.turn(21, 127)
    assert desk.turns() == [1.0]
    assert "gain" not in desk.state().settings
    assert desk.bind(21, "density") == "cc 21 turns lead.density, no longer lead.pan"
    assert [str(source) for source, _ in desk.sequencer.snapshot().bound] == ["cc 21"]
    one, other = (Source(kind="note", number=36, channel=channel) for channel in (0, 1))
    for pad in (one, other):
        desk.obey(Map(source=pad, target=Target(part="lead", word="mute")))
    desk.hit(36)
    assert desk.state().muted
    wide = Source(kind="note", number=36)
    assert desk.obey(Map(source=wide, target=None)).words == "key C2 does nothing any more"
    assert desk.obey(Map(source=wide, target=None)).words == "key C2 did nothing anyway"
    assert len(desk.sequencer.snapshot().bound) == 1


def test_the_hit_that_teaches_a_pad_does_nothing_yet(desk: Desk) -> None:
    for word in ("mute", "solo"):
        desk.obey(Learn(target=Target(part="lead", word=word)))
        desk.hit(36)
    assert (desk.state().muted, desk.state().soloed) == (False, False)
    desk.hit(36)
    assert desk.state().soloed


def test_a_bend_is_mapped_from_all_the_way_down_to_all_the_way_up(desk: Desk) -> None:
    assert desk.bind(1, "bend", low=-0.5, high=0.5) == "cc 1 turns lead.bend from -0.5 to 0.5"
    desk.turn(1, 127)
    assert desk.turns() == [12288]
    desk.obey(TurnKnob(part="lead", knob="bend", value=0))
    desk.turn(1, 0)
    assert desk.turns()[-1] == 4096
    with pytest.raises(BadInput, match=r"A bend to 2 cannot be: give -1 \(down\) to 1 \(up\)"):
        desk.bind(1, "bend", low=2)
    with pytest.raises(BadInput, match=r"cc 74 \(cutoff\) at 300 cannot be: give 0 to 127"):
        desk.bind(1, "cutoff", high=300)


def test_to_unmap_is_answered_once_whatever_was_mapped() -> None:
    with lc.Stage(offline=True) as stage:
        lead, said = stage.part("lead"), list[str]()
        stage.listen(lambda answer: said.append(str(answer)))
        answers = [
            stage.unmap(),
            stage.unmap(cc=21),
            stage.map(cc=21, to="lead.gain"),
            stage.map(note="C2", to=lead.mute),
            stage.unmap(),
        ]
        assert said == answers
        assert answers[:2] + answers[-1:] == [
            "nothing was mapped",
            "cc 21 did nothing anyway",
            "nothing is mapped any more: cc 21, key C2",
        ]
        assert stage.mappings == ()
        stage.swing = 0.58
        assert said[-1] == "swing 0.58 from bar 1"


# Presets


def test_every_preset_names_knobs_and_pads_that_there_can_be_each_once() -> None:
    for name in surfaces():
        known = surface(name)
        assert known.port
        assert len(set(known.knobs.values())) == len(known.knobs) > 10
    mpk = surface("MPK mini")
    assert [str(mpk.source(knob, "mpk")) for knob in ("knob 1", "knob 8", "pad 1", "pad 16")] == [
        "cc 70 channel 1 of mpk",
        "cc 77 channel 1 of mpk",
        "key C2 channel 10 of mpk",
        "key D#3 channel 10 of mpk",
    ]
    xl = surface("Launch Control XL")
    assert [str(xl.source(knob, "xl")) for knob in ("track left", "record arm")] == [
        "cc 106 channel 9 of xl",
        "key C8 channel 9 of xl",
    ]
    assert str(surface("launchpad x").source("pad 64", "lpx")) == "key E6 channel 1 of lpx"
    with pytest.raises(UnknownName, match="There is no knob of the Akai MPK mini mk3 'knob 9': did you mean 'knob"):
        mpk.source("knob 9", "mpk")
    with pytest.raises(UnknownName, match="There is no controller with a preset 'launchpad': did you mean 'launchpad_x'"):
        surface("launchpad")


# Pads


@pytest.mark.parametrize(
    ("word", "said"),
    {
        "loop": "lead: loops from bar 2",
        "generate": "lead: new bars every loop, from bar 2",
        "generate_once": "lead: new bars once, from bar 2, then loops",
        "reset": "lead: empty from bar 2",
        "reset_generate": "lead: empty from bar 2, then new bars once",
        "stop": "lead: stops at bar 2",
        "mute": "lead: muted now",
        "unmute": "lead: heard again now",
        "solo": "lead: solo now",
        "unsolo": "lead: out of solo now",
        "undo": "lead: 'waits for attention_rnn; what sounds goes on' is undone from bar 2",
    }.items(),
)
def test_each_action_of_a_part_is_done_by_a_pad(desk: Desk, word: str, said: str) -> None:
    desk.models_of("lead", a_model())
    desk.pad(36, word)
    desk.hit(36)
    assert desk.log == [said]


def test_a_pad_redoes_and_the_stages_pads_undo_restart_and_end_all(desk: Desk) -> None:
    for pitch, word in enumerate(("undo", "redo", "restart", "hush", "panic"), 36):
        desk.pad(pitch, word, "")
    desk.pad(41, "redo")
    desk.obey(Mute(part="lead", muted=True))
    for pitch in (36, 41, 36, 37, 38, 39, 40):
        desk.hit(pitch)
    assert desk.log == [
        "'lead: muted now' is undone from bar 2",
        "lead: 'muted now' is redone from bar 2",
        "'lead: muted now' is undone from bar 2",
        "'lead: muted now' is redone from bar 2",
        "all loops begin anew at bar 2",
        "all parts stop at bar 2",
        "all parts stopped, all notes off",
    ]


def test_a_pause_pad_that_is_hit_again_goes_on_also_before_the_bar_line_has_come(desk: Desk) -> None:
    desk.pad(36, "pause", "")
    desk.hit(36)
    desk.hit(36)
    assert desk.log == ["pauses at bar 2", "the pause is called off"]
    desk.play(until=6)
    assert desk.score(until=6) == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4"), (4, "C4"), (5, "D4")]
    desk.hit(36)
    desk.play(until=8)
    desk.clock.wait_until(desk.clock.now() + 1)
    desk.sequencer.advance(desk.clock.now() + 0.2)
    assert desk.sequencer.snapshot().paused
    desk.hit(36)
    desk.play(until=10)
    assert desk.log[2:] == ["pauses at bar 3", "paused at bar 3", "goes on at bar 3"]
    assert desk.score(until=10)[6:] == [(6, "E4"), (7, "F4"), (8, "C4"), (9, "D4")]
    desk.hit(36, 36)
    assert desk.log[5:] == ["pauses at bar 4", "the pause is called off"]


def test_a_pause_pad_in_a_count_in_holds_the_count_and_the_count_goes_on(desk: Desk) -> None:
    desk.pad(36, "pause", "")
    desk.obey(CountIn(part="count", phrase=beat(stick="x...x...x...x..."), bars=2))
    desk.play(until=5)
    desk.hit(36)
    desk.play(until=8)
    desk.clock.wait_until(desk.clock.now() + 1)
    desk.sequencer.advance(desk.clock.now() + 0.2)
    assert desk.sequencer.snapshot().paused
    desk.hit(36)
    desk.play(until=16)
    assert [beat for beat, _ in desk.score("count", until=16)] == list(range(4, 12))


def test_bindings_survive_a_crash_and_go_when_they_are_taken_back(desk: Desk) -> None:
    desk.bind(1, "gain")
    desk.pad(36, "mute")
    assert desk.bind(1, "pan") == "cc 1 turns lead.pan, no longer lead.gain"
    desk.turn(1, 0)
    back = desk.after_a_crash()
    assert [str(target) for _, target in back.sequencer.snapshot().bound] == ["lead.mute", "lead.pan"]
    assert back.sequencer.snapshot().parts[0].settings["pan"] == -1
    source = Source(kind="cc", number=1)
    assert desk.obey(Map(source=source, target=None)).words == "cc 1 does nothing any more"
    desk.turn(1, 127)
    assert desk.turns() == [-1]


def test_what_hands_turn_cannot_be_undone_and_what_was_typed_can(desk: Desk) -> None:
    desk.bind(1, "pan")
    desk.obey(Mute(part="lead", muted=True))
    desk.slowly(1, *range(0, 127, 3))
    assert desk.obey(Undo(part="lead")).words == "lead: 'muted now' is undone from bar 2"
    desk.obey(TurnKnob(part="lead", knob="gain", value=0.5))
    desk.obey(Undo(part="lead"))
    assert "gain" not in desk.state().settings


def test_feedback_shows_where_things_stand_and_says_nothing_twice(desk: Desk) -> None:
    desk.sequencer.add_output(desk.tape.__class__("lights"))
    desk.bind(1, "gain", feedback="lights", low=0, high=1.27)
    desk.pad(36, "mute", feedback="lights")

    def shown() -> list[tuple[str, tuple[int, ...]]]:
        return list(desk.sequencer.controllers.feedback(desk.sequencer.snapshot()))

    assert shown() == [("lights", (0xB0, 1, 100)), ("lights", (0x90, 36, 0))]
    assert shown() == []
    desk.obey(Mute(part="lead", muted=True))
    assert shown() == [("lights", (0x90, 36, 127))]
    desk.obey(Adjust(part="lead", gain=0.5))
    assert shown() == [("lights", (0xB0, 1, 50))]
    desk.sequencer.controllers.show_again("lights")
    assert len(shown()) == 2


def test_what_there_is_not_is_refused_with_the_closest(desk: Desk) -> None:
    with pytest.raises(UnknownName, match="There is no part 'led': did you mean 'lead'"):
        desk.bind(1, "gain", "led")
    with pytest.raises(UnknownName, match="There is no control 'cutof': did you mean 'cutoff'"):
        desk.bind(1, "cutof")
    with pytest.raises(UnknownName, match="There is no thing of the stage to turn or do 'bmp': did you mean 'bpm'"):
        desk.bind(1, "bmp", "")
    with pytest.raises(UnknownName, match="There is no output 'lamp'"):
        desk.bind(1, "gain", feedback="lamp")
    with pytest.raises(BadInput, match="A controller's knob 200 cannot be: give a whole number from 0 to 119"):
        desk.bind(200, "gain")
    with pytest.raises(BadInput, match=r"A channel \(on the wire\) 16 cannot be"):
        Source(kind="note", number=60, channel=16)
    with pytest.raises(UnknownName, match="There is no way of counting for encoder= 'two'"):
        desk.bind(1, "gain", encoder="two")
    with pytest.raises(BadInput, match=r"range=\(nan, 1\) cannot be"):
        desk.bind(1, "gain", low=float("nan"), high=1)
    assert desk.sequencer.snapshot().bound == ()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=3), max_size=200), st.booleans())
def test_whatever_arrives_is_heard_without_harm(messages: list[bytes], pickup: bool) -> None:
    desk = Desk()
    desk.plays("lead", "C4")
    for number, word in enumerate(("gain", "pan", "level", "density", "nudge", "cutoff", "bend")):
        desk.bind(number, word, pickup=pickup)
    desk.bind(9, "bpm", "", encoder="twos")
    desk.pad(60, "solo")
    for place, message in enumerate(messages):
        desk.sequencer.controllers.hear("desk", (message[0] | 0x80, *(byte & 0x7F for byte in message[1:])))
        if place % 7 == 0:
            desk.sequencer.play_controllers()
            list(desk.sequencer.controllers.feedback(desk.sequencer.snapshot()))
    desk.play(until=2)
    assert {state.name for state in desk.sequencer.snapshot().parts} == {"lead"}


def test_a_knob_whose_name_another_instrument_does_not_know_turns_nothing_and_stops_nothing(desk: Desk) -> None:
    desk.sequencer.add_output(desk.tape.__class__("synth"))
    desk.sequencer.add_output(desk.tape.__class__("lights"))
    desk.obey(Equip(part="lead", instrument=Instrument(output="synth", names={"drive": 23})))
    desk.bind(1, "drive", feedback="lights")
    desk.turn(1, 64)
    assert len(desk.turns()) == 1
    desk.obey(Equip(part="lead", instrument=Instrument(output="synth")))
    desk.turn(1, 10, 20)
    assert list(desk.sequencer.controllers.feedback(desk.sequencer.snapshot())) == []
    assert len(desk.turns()) == 1
