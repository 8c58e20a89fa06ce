"""What is played on inputs, without a port: bytes, ways through, and what is heard in beats."""

from fractions import Fraction

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keys import Keys
from rig import Rig

from livecode.commands import Mute, Pause, SetSwing, Solo, Thru, Undo
from livecode.ears import EARLY, REMEMBERS, Ear
from livecode.errors import BadInput, UnknownName
from livecode.exports import Take
from livecode.facts import Heard
from livecode.inputs import Arrival, Message
from livecode.inputs.messages import CLOCK, Parser
from livecode.inputs.midi import Stamps
from livecode.inputs.through import Passing, Way
from livecode.music import Beats, ControlEvent, NoteEvent
from livecode.outputs.tape import Tape
from livecode.protocol import InputState
from livecode.tempo import Swing, TempoMap

streams = st.lists(st.binary(max_size=30), max_size=30)


@given(streams)
def test_whatever_bytes_come_in_whatever_pieces_the_messages_are_whole(pieces: list[bytes]) -> None:
    alone, pieced = Parser(), Parser()
    found = [message for piece in pieces for message in pieced.feed(piece)]
    assert alone.feed(b"".join(pieces)) == found
    assert alone.ignored == pieced.ignored
    for message in found:
        mido.Message.from_bytes(message)  # raises for what is no message


@given(streams)
def test_every_message_that_mido_finds_is_found(pieces: list[bytes]) -> None:
    data = b"".join(pieces).translate(None, b"\xf4\xf5")  # after these, which mean nothing, mido takes on what was before
    peer = mido.Parser()
    peer.feed(data)
    wanted = [tuple(message.bytes()) for message in peer if message.type not in ("sysex", "active_sensing", "reset")]
    found = iter(Parser().feed(data))  # mido knows no running status: we find more
    assert all(message in found for message in wanted)


def test_running_status_goes_on_through_clock_and_ends_with_a_sysex() -> None:
    parser = Parser()
    assert parser.feed([0x90, 60, 100, 62, 0xF8, 101, 64]) == [(0x90, 60, 100), (0xF8,), (0x90, 62, 101)]
    assert parser.feed([102, 0xF0, 1, 2, 0xF7, 65, 66]) == [(0x90, 64, 102)]
    assert parser.ignored == 3


def test_stamps_are_as_steady_as_the_drivers_clock_however_late_it_is_looked() -> None:
    stamps = Stamps()
    looks = [(10.0002, 0.0), (11.004, 1.0), (12.0003, 1.0), (13.02, 1.0)]
    assert [round(stamps.at(looked, since, looked - 0.03), 4) for looked, since in looks] == [10.0002, 11.0002, 12.0002, 13.0002]
    assert stamps.at(15.0, 1.0, 14.9) == 14.9  # the driver swallowed a message, and its interval with it


# Through


class Rack:
    """An output that writes down what is passed on."""

    def __init__(self, room: int = 10**6) -> None:
        self.sent: list[tuple[str, Message]] = []
        self.room = room

    def pass_on(self, part: str, message: Message) -> bool:
        if len(self.sent) >= self.room:
            return False
        self.sent.append((part, message))
        return True


def test_a_keyboard_that_is_split_plays_two_parts() -> None:
    rack, passing = Rack(), Passing()
    passing.ways = (Way("bass", rack, 1, high=59, transpose=-12), Way("lead", rack, 2, hears=0, low=60))
    for message in [(0x90, 48, 90), (0x90, 72, 80), (0x91, 72, 80), (0x80, 48, 0), (0x90, 72, 0)]:
        passing.play(message, 0.0)
    assert rack.sent == [
        *(("bass", (0x91, 36, 90)), ("lead", (0x92, 72, 80))),
        *(("bass", (0x81, 36, 64)), ("lead", (0x82, 72, 64))),
    ]


def test_a_key_goes_up_where_it_went_down() -> None:
    before, after, passing = Rack(), Rack(), Passing()
    passing.ways = (Way("lead", before, 0),)
    passing.play((0x90, 60, 90), 0.0)
    passing.play((0xB0, 64, 127), 0.0)
    passing.ways = (Way("lead", after, 5, transpose=12),)
    passing.play((0x80, 60, 90), 1.0)
    passing.play((0xB0, 64, 0), 1.0)
    assert before.sent[2:] == [("lead", (0x80, 60, 64)), ("lead", (0xB0, 64, 0))]
    assert after.sent == [("lead", (0xB5, 64, 0))]  # pedals pass as they are, besides


def test_a_crowded_output_gets_no_key_and_so_no_key_up() -> None:
    rack, passing = Rack(room=1), Passing()
    passing.ways = (Way("lead", rack, 0),)
    for message in [(0x90, 60, 90), (0x90, 62, 90), (0x80, 62, 0)]:
        passing.play(message, 0.0)
    assert rack.sent == [("lead", (0x90, 60, 90))]


def test_half_pedals_pass_as_they_are_and_go_up_where_they_went_down() -> None:
    rack, passing = Rack(), Passing()
    passing.ways = (Way("lead", rack, 3),)
    pressed = [0, 20, 64, 100, 127, 90, 63, 40, 12, 30, 0, 0]
    for place, value in enumerate(pressed):
        passing.play((0xB0, 64, value), place / 100)
    assert rack.sent == [("lead", (0xB3, 64, value)) for value in pressed]
    passing.play((0xB0, 64, 50), 1.0)
    passing.ways = (Way("bass", rack, 5),)
    passing.play((0xB0, 64, 30), 1.1)
    assert rack.sent[-2:] == [("bass", (0xB5, 64, 30)), ("lead", (0xB3, 64, 0))]
    passing.let_go()
    passing.let_go()
    assert rack.sent[-1:] == [("bass", (0xB5, 64, 0))]
    assert len(rack.sent) == len(pressed) + 4


def test_parameters_pass_as_they_are_halves_of_them_too() -> None:
    rack, passing, ear = Rack(), Passing(), Ear("keys")
    passing.ways = (Way("lead", rack, 0),)
    said = [(0xB0, 99, 1), (0xB0, 98, 8), (0xB0, 6, 64), (0xB0, 99, 2), (0xB0, 6, 3), (0xB0, 38, 1), (0xB0, 101, 0)]
    for message in said:
        passing.play(message, 0.0)
        assert ear.hear(Beats(1), message) == []
    assert [message for _, message in rack.sent] == said


channel_messages = st.tuples(
    st.sampled_from([0x80, 0x90, 0xA0, 0xB0, 0xD0, 0xE0]),
    st.integers(0, 2),
    st.sampled_from([0, 60, 61, 64, 66, 120, 123]),
    st.sampled_from([0, 1, 63, 64, 127]),
).map(lambda said: (said[0] | said[1], said[2], said[3]) if said[0] != 0xD0 else (said[0] | said[1], said[3]))


@settings(max_examples=200)
@given(st.lists(channel_messages, max_size=60), st.integers(0, 59))
def test_whatever_is_played_nothing_hangs_in_the_end(played: list[Message], switch: int) -> None:
    rack, passing, ear = Rack(), Passing(), Ear("keys")
    passing.ways = (Way("lead", rack, 0), Way("bass", rack, 1, high=60))
    for place, message in enumerate(played):
        if place == switch:
            passing.ways = (Way("bass", rack, 2, transpose=7),)
        passing.play(message, float(place))
        ear.hear(Beats(place), message)
    passing.let_go()
    down: dict[tuple[int, int], int] = {}
    for _, message in rack.sent:
        key = (message[0] & 0x0F, message[1])
        if message[0] & 0xE0 == 0x80:
            down[key] = 1 if message[0] & 0x10 else 0
    assert not any(down.values())
    ear.let_go(Beats(99))
    assert not ear.sounds()
    assert len(ear.excerpt(Beats(0), Beats(100)).notes) <= sum(m[0] & 0xF0 == 0x90 and m[2] > 0 for m in played)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from([0, Fraction(1, 7), 1, 60]), channel_messages), max_size=60), st.integers(1, 140))
def test_an_ear_finds_what_a_look_at_all_notes_would_find(played: list[tuple[Beats, Message]], back: int) -> None:
    ear, here, ended = Ear("keys"), Beats(0), []
    for gap, message in played:
        here += gap
        ended += ear.hear(here, message)
    begin, end = here - back, here + 1
    notes = [*ended, *ear.held(end)]
    assert ear.first(begin) == min((note.begin for note in notes if note.begin >= begin), default=None)
    last = max((note.end for note in ended), default=0)
    assert ear.last_end() == last or last < here - REMEMBERS
    heard = [note for note in notes if note.begin > begin - EARLY or note.end > begin + EARLY]
    found = {(note.onset + begin, note.pitch) for note in ear.excerpt(begin, end).notes}
    assert found == {(max(note.begin, begin), note.pitch) for note in heard}


# In beats


@pytest.fixture
def keys(rig: Rig) -> Keys:
    rig.plays("bass", "C2 _ _ _")
    return Keys(rig)


def test_what_is_played_is_on_the_tape_under_its_inputs_name(rig: Rig, keys: Keys) -> None:
    keys.play(1, 60, 0.5)
    keys.play(2.25, 64, 1, velocity=70)
    keys.say(0xB0, 1, 99)
    notes = rig.tape.notes("keys")
    assert [(float(note.beat), float(note.end_beat), note.pitch, note.velocity) for note in notes] == [
        (1, 1.5, 60, 100),
        (2.25, 3.25, 64, 70),
    ]
    assert [note.seconds for note in notes] == [rig.sequencer.time.sounds_at(note.beat) for note in notes]
    assert [event.value for event in rig.tape.events() if isinstance(event, ControlEvent) and event.control == 1] == [99]
    said = [fact.said for fact in rig.facts if isinstance(fact, Heard)]
    assert said[:2] == [((Fraction(1), "903c64"),), ((Fraction(3, 2), "803c00"),)]


def test_the_pedal_holds_notes_till_it_goes_up_or_they_are_struck_again(rig: Rig, keys: Keys) -> None:
    rig.play(until=1)
    keys.say(0xB0, 64, 127)
    keys.play(1, 60, 0.25)
    keys.play(2, 60, 0.25)
    keys.play(2.5, 64, 0.25)
    rig.play(until=3.5)
    keys.say(0xB0, 64, 0)
    assert [(float(note.beat), float(note.end_beat), note.pitch) for note in rig.tape.notes("keys")] == [
        *((1, 2, 60), (2, 3.5, 60), (2.5, 3.5, 64)),
    ]


def test_swing_is_the_stages_so_what_is_played_is_written_straight(keys: Keys, rig: Rig) -> None:
    rig.obey(SetSwing(swing=Swing(Fraction(2, 3))))
    rig.play(until=4)
    time = rig.sequencer.time
    assert time.started is not None
    rig.clock.wait_until(time.started + time.tempo.sounds_at(Beats(9, 2)))
    keys.say(0x90, 60, 100)
    keys.say(0x80, 60, 0)
    assert rig.tape.onsets("keys") == [(4.5, "C4")]


def test_while_time_stands_still_nothing_is_written_and_what_is_held_ends(rig: Rig) -> None:
    keys = Keys(rig)
    keys.play(0, 60, 0)
    assert rig.tape.onsets("keys") == []
    rig.plays("bass", "C2 _ _ _")
    rig.play(until=1)
    rig.obey(Pause())
    rig.play(until=3)
    keys.say(0x90, 62, 100)
    rig.play(until=4)
    keys.say(0x90, 64, 100)
    keys.say(0x80, 62, 0)
    assert [(float(note.beat), float(note.end_beat)) for note in rig.tape.notes("keys")] == [(3, 4)]


def test_a_crash_ends_what_was_held_and_the_tape_of_before_has_it(rig: Rig, keys: Keys) -> None:
    keys.play(1, 60, 1)
    rig.play(until=3)
    keys.say(0x90, 67, 100)
    rig.play(until=5)
    back = rig.after_a_crash()
    assert [(float(note.beat), float(note.end_beat), note.pitch) for note in rig.retold(back).notes("keys")] == [
        *((1, 2, 60), (3, 5, 67)),
    ]
    again = back.sequencer
    again.hear("keys", [Arrival(back.clock.now(), (0x90, 69, 100))])
    assert [event.pitch for event in again.held() if hasattr(event, "pitch")] == [69]


def test_ways_lead_to_parts_that_can_be_heard(rig: Rig) -> None:
    class Hardware(Tape, Rack):
        def __init__(self) -> None:
            Tape.__init__(self, "hardware")
            Rack.__init__(self)

    rig = Rig(outputs=[Hardware()])
    Keys(rig, "KeyStep 32")
    said = rig.obey(Thru(part="lead", input="keystep", channel=1, low=48, high=72, transpose=12))
    assert said.words == "lead: sounds what is played on KeyStep 32 (keys C3 to C5, on channel 2, 12 semitones higher) now"

    def ways() -> list[tuple[str, int, int | None, int]]:
        return [(way.part, way.channel, way.hears, way.transpose) for way in rig.sequencer.ways()["KeyStep 32"]]

    assert ways() == [("lead", 0, 1, 12)]
    rig.obey(Mute(part="lead", muted=True))
    assert ways() == []
    rig.obey(Mute(part="lead", muted=False))
    rig.obey(Solo(part="other", soloed=True))
    assert ways() == []
    rig.obey(Solo(part="other", soloed=False))
    rig.obey(Thru(part="lead", input="", off=True))
    assert ways() == []
    rig.obey(Undo(part="lead"))
    assert ways() == [("lead", 0, 1, 12)]


def test_names_that_cannot_be_are_refused(rig: Rig) -> None:
    with pytest.raises(UnknownName, match=r"There is no input 'KeyStep': open it first, stage.input\('KeyStep'\)"):
        rig.obey(Thru(part="lead", input="KeyStep"))
    Keys(rig, "pads")
    with pytest.raises(UnknownName, match="There is no input 'keys': there are 'pads'"):
        rig.obey(Thru(part="lead", input="keys"))
    with pytest.raises(BadInput, match="'pads' is an input, and so cannot name a part"):
        rig.plays("pads", "C4")
    rig.plays("lead", "C4")
    with pytest.raises(BadInput, match="'lead' is a part already, and so cannot be an input's name"):
        rig.sequencer.add_input("lead")
    with pytest.raises(BadInput, match="A highest key of 40 cannot be played: give the lowest key to 127"):
        Thru(part="lead", input="pads", low=60, high=40)


def test_clock_bytes_are_a_closed_set() -> None:
    assert Parser().feed(CLOCK) == [(0xF8,), (0xFA,), (0xFB,), (0xFC,)]  # a position without its two bytes is none


def test_a_wav_has_what_went_through_a_part_and_nothing_else() -> None:
    notes = tuple(NoteEvent(part, Beats(0), 0.0, channel, 60, 99, Beats(1), 0.5) for part, channel in (("lead", 3), ("keys", 0)))
    take = Take(notes, TempoMap.steady(Fraction(120)), Beats(0), Beats(4))
    through = take.through([InputState("keys", "keys", "", ("lead",))])
    assert [(event.part, event.channel) for event in through.events if isinstance(event, NoteEvent)] == [("lead", 3), ("lead", 3)]
    assert take.through([InputState("keys", "keys", "")]).events == notes[:1]
    with pytest.raises(BadInput, match="What was played on inputs goes through no part, so nothing sounds"):
        Take(notes[1:], take.tempo, take.begin, take.end).through([InputState("keys", "keys", "")])
