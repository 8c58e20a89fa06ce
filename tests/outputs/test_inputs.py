"""Keyboards of independent programs on a real JACK server: what is played on them, and what comes out at the other end."""

from collections.abc import Iterator

import pytest
from engines import ended, kill
from midi_ear import Ear, hanging, ons
from midi_hand import Hand
from waiting import wait_until

import livecode as lc
from livecode.clock import SystemClock
from livecode.errors import UnknownName
from livecode.inputs import Arrival
from livecode.inputs.midi import MidiInput

pytestmark = pytest.mark.jack


@pytest.fixture
def keyboard(jack_server: None) -> Iterator[Hand]:
    with Hand() as keyboard:
        yield keyboard


@pytest.fixture
def synth(jack_server: None) -> Iterator[Ear]:
    with Ear("hardware") as synth:
        yield synth


@pytest.fixture
def stage(synth: Ear) -> Iterator[lc.Stage]:
    """On beats of an eighth of a second."""
    with lc.Stage(bpm=480, outputs=[]) as stage:
        stage.midi("hardware", api="jack")
        yield stage


@pytest.fixture
def heard(keyboard: Hand) -> Iterator[MidiInput]:
    found = MidiInput(SystemClock(), "keyb", api="jack")
    found.open()
    yield found
    found.close()


def messages(arrivals: list[Arrival]) -> list[tuple[int, ...]]:
    return [arrival.message for arrival in arrivals]


def taken(heard: MidiInput, number: int) -> list[Arrival]:
    """What has arrived, once so much has."""
    arrivals: list[Arrival] = []

    def enough() -> bool:
        arrivals.extend(heard.take(100_000))
        return len(arrivals) >= number

    wait_until(enough, f"{number} messages")
    return arrivals


def test_every_message_of_a_keyboard_arrives_with_its_moment(heard: MidiInput, keyboard: Hand) -> None:
    played = [(0x90, 60, 100), (0xE0, 0, 80), (0xD0, 90), (0xA0, 60, 30), (0xB0, 1, 64), (0xC0, 5), (0x90, 60, 0), (0x81, 3, 0)]
    left = [moment for message in played for moment in keyboard.send(message)]
    arrivals = taken(heard, len(played))
    assert messages(arrivals) == played
    moments = [arrival.moment for arrival in arrivals]
    assert moments == sorted(moments)
    assert all(moment >= sent - 0.001 for sent, moment in zip(left, moments, strict=True))


def test_garbage_halves_and_sensing_are_left_out_and_counted(heard: MidiInput, keyboard: Hand) -> None:
    keyboard.send((0xFE,), (0x90,), (0x40, 0x50), (0x90, 60, 100, 0x80, 60, 0), (0xF4,), (0x55,), (0xFE,), (0x90, 64, 1))
    assert messages(taken(heard, 4)) == [(0x90, 0x40, 0x50), (0x90, 60, 100), (0x80, 60, 0), (0x90, 64, 1)]
    assert heard.ignored == 2
    assert str(heard) == "keyboard:out: 3 notes heard · 2 messages ignored"
    keyboard.send((0xF5,))
    wait_until(lambda: heard.ignored == 3, "another")
    keyboard.send(*[(0xFE,)] * 1000, (0x90, 60, 1))
    taken(heard, 1)
    assert heard.ignored == 3  # that a cable is plugged in, 1,000 times over, is no news


def test_clock_goes_to_whoever_follows_it_and_nowhere_else(heard: MidiInput, keyboard: Hand) -> None:
    told: list[tuple[int, ...]] = []
    heard.on_clock(lambda moment, message: told.append(message))
    keyboard.send((0xF2, 16, 0), (0xFA,), (0xF8,), (0xFE,), (0xF8,), (0xFC,), (0xFB,), (0x90, 60, 1))
    assert messages(taken(heard, 1)) == [(0x90, 60, 1)]
    assert told == [(0xF2, 16, 0), (0xFA,), (0xF8,), (0xF8,), (0xFC,), (0xFB,)]


def test_ten_thousand_messages_in_a_burst_all_arrive(heard: MidiInput, keyboard: Hand) -> None:
    burst = [(0xB0, 74, place % 128) for place in range(10_000)]
    keyboard.send(*burst)
    assert messages(taken(heard, 10_000)) == burst
    assert heard.lost == 0


def test_thousands_of_ends_of_keys_that_nobody_holds_take_no_memory(heard: MidiInput, keyboard: Hand) -> None:
    keyboard.strike(60)
    for _ in range(4):
        keyboard.send(*[(0x80, 61, 64)] * 8000)
    keyboard.lift(60)
    wait_until(lambda: heard.lost > 10_000, "what is lost")
    arrived: list[tuple[int, ...]] = []

    def let_go() -> bool:
        arrived.extend(messages(heard.take(100_000)))
        return arrived[-1] == (0x80, 60, 64)  # what lets go of a key that is down is never lost

    wait_until(let_go, "the end of the key that is held")
    assert len(arrived) <= 2 + 4 * 8000 - 10_000


def test_an_endless_sysex_is_left_out_and_takes_no_memory(heard: MidiInput, keyboard: Hand) -> None:
    keyboard.send((0xF0, *range(100)), *[tuple(range(100))] * 500, (1, 2, 0xF7), (0x90, 60, 1))
    assert messages(taken(heard, 1)) == [(0x90, 60, 1)]


def test_a_name_that_is_no_input_is_refused_with_the_closest(keyboard: Hand) -> None:
    with pytest.raises(UnknownName, match="There is no MIDI input 'keybord:out': did you mean 'keyboard:out'"):
        MidiInput(SystemClock(), "keybord:out", api="jack").open()


def test_a_device_with_both_ways_is_found_by_its_name_each_way(keyboard: Hand) -> None:
    with lc.Stage(outputs=[]) as stage, Ear("keyboard2") as _:
        stage.midi("keyboard", api="jack")
        stage.input("keyboard", api="jack")  # not the end of our own connection to the other
        assert [*stage.inputs] == ["keyboard:out"]


def test_a_virtual_input_is_played_by_whoever_connects(jack_server: None) -> None:
    heard = MidiInput(SystemClock(), "Ears", api="jack", virtual=True)
    heard.open()
    with Hand("guest", to="livecode.*:Ears") as guest:
        guest.strike(60)
        assert messages(taken(heard, 1)) == [(0x90, 60, 100)]
    heard.close()


def test_a_keyboard_that_vanishes_lets_go_of_its_keys_and_is_heard_again(jack_server: None) -> None:
    with Hand() as first:
        heard = MidiInput(SystemClock(), "keyboard", api="jack")
        heard.open()
        first.strike(60, 64)
        first.send((0xB0, 64, 127), (0xF0, 1, 2, 3))  # a system exclusive message without an end
        first.kill()
        assert messages(taken(heard, 6))[3:] == [(0x80, 60, 64), (0x80, 64, 64), (0xB0, 64, 0)]
    wait_until(lambda: "the port is gone: connect it again" in heard.trouble, "the loss")
    with Hand() as again:
        wait_until(lambda: heard.trouble == "", "the keyboard")
        again.strike(67)
        assert messages(taken(heard, 1)) == [(0x90, 67, 100)]
    heard.close()


def test_what_is_played_sounds_through_a_part_on_its_output_and_channel(stage: lc.Stage, keyboard: Hand, synth: Ear) -> None:
    stage.input("keyboard", api="jack")
    lead = stage.part("lead", channel=3, program="Violin")
    assert lead.thru("keyboard", range=("C3", "B4"), transpose=12) == (
        "lead: sounds what is played on keyboard:out (keys C3 to B4, 12 semitones higher) now"
    )
    keyboard.strike(60, velocity=77)
    keyboard.send((0xB0, 1, 30), (0xE0, 1, 2), (0xC0, 9))
    keyboard.strike(90)
    keyboard.lift(60, 90)
    heard = synth.wait_for((0x92, 72, 77), (0x82, 72, 64))
    assert heard.index((0xC2, 40)) < heard.index((0x92, 72, 77))
    assert [message for message in heard if message[0] & 0x0F == 2][-5:] == [
        *((0xC2, 40), (0x92, 72, 77), (0xB2, 1, 30), (0xE2, 1, 2)),
        (0x82, 72, 64),
    ]
    assert any(line.startswith("input keyboard:out: 2 notes heard · through lead") for line in stage.status())


def test_nothing_hangs_when_the_part_is_muted_or_let_go_or_panics_or_its_keyboard_dies(
    stage: lc.Stage, keyboard: Hand, synth: Ear
) -> None:
    stage.input("keyboard", api="jack")
    lead = stage.part("lead", channel=1)

    def holds(pitch: int) -> None:
        keyboard.strike(pitch)
        wait_until(lambda: (0, pitch) in hanging(synth.messages()), f"{pitch}")

    def silent() -> None:
        wait_until(lambda: hanging(synth.messages()) == set(), "silence")

    lead.thru("keyboard")
    holds(60)
    lead.mute()
    silent()
    keyboard.strike(61)
    wait_until(lambda: "2 notes heard" in stage.report().inputs[0].line, "the key that nobody hears")
    lead.unmute()
    holds(62)
    stage.panic()
    silent()
    keyboard.lift(61, 62)
    holds(63)
    lead.unthru()
    keyboard.lift(63)  # the key goes up where it went down
    silent()
    lead.thru("keyboard")
    holds(64)
    keyboard.send((0xB0, 64, 127))
    synth.wait_for((0xB0, 64, 127))
    keyboard.kill()
    silent()
    assert 61 not in ons(synth.messages())
    wait_until(lambda: synth.messages().index((0xB0, 64, 127)) < len(synth.messages()) - 1, "the pedal")
    assert (0xB0, 64, 0) in synth.messages()[synth.messages().index((0xB0, 64, 127)) :]


def test_a_held_key_outlasts_the_loops_of_its_part(stage: lc.Stage, keyboard: Hand, synth: Ear) -> None:
    stage.input("keyboard", api="jack")
    lead = stage.part("lead", channel=1) >> lc.notes("C4 D4 E4 F4")
    lead.thru("keyboard")
    keyboard.strike(48)
    synth.wait_for((0x90, 48, 100))
    lead >> lc.notes("G4 A4 B4 C5")
    synth.wait_for(*((0x90, 72, 100),) * 2)
    assert (0, 48) in hanging(synth.messages())
    keyboard.lift(48)
    wait_until(lambda: (0, 48) not in hanging(synth.messages()), "the key to go up")


def test_what_was_played_is_on_the_tape_in_a_grab_and_in_the_journal(keyboard: Hand) -> None:
    with ended("main"), lc.Stage(bpm=480, inline=False, outputs=[]) as stage:
        stage.part("clock") >> lc.notes("C2 _ _ _")
        stage.input("keyboard", api="jack")
        wait_until(lambda: stage.snapshot().beats > 1, "the music")
        keyboard.strike(60)
        keyboard.strike(64)
        keyboard.lift(60)
        wait_until(lambda: [name for _, name in stage.tape.onsets("keyboard:out")] == ["C4", "E4"], "the notes")
        wait_until(lambda: stage.snapshot().beats > 9, "two bars")
        assert {note.pitch for note in stage.grab(2, "keyb").notes} == {60, 64}  # one is held still
        assert stage.engine is not None
        kill(stage.engine.pid)
        wait_until(
            lambda: {name for _, name in stage.tape.onsets("keyboard:out")} == {"C4", "E4"}, "the tape of before the crash"
        )
        here = stage.snapshot().beats
        keyboard.strike(67)
        keyboard.lift(67)
        wait_until(lambda: (stage.tape.onsets("keyboard:out")[-1:] or [(0, "")])[0][1] == "G4", "what is played after it")
        assert stage.tape.onsets("keyboard:out")[-1][0] >= here


def test_a_cable_from_an_output_to_an_input_is_found_out_and_broken(stage: lc.Stage, jack_server: None) -> None:
    stage.midi("Out", api="jack", virtual=True)
    keys = stage.input("In", api="jack", virtual=True)
    lead = stage.part("lead", channel=1)
    lead.output = "Out"
    lead.thru(keys)
    import jack

    with jack.Client("patchbay", no_start_server=True) as bay, Hand("guest", to="livecode.*:In") as guest:
        wait_until(lambda: bool(bay.get_ports("livecode.*:Out", is_output=True)), "the port")
        cable = (bay.get_ports("livecode.*:Out", is_output=True)[0], bay.get_ports("livecode.*:In", is_input=True)[0])
        bay.connect(*cable)
        guest.strike(60)
        wait_until(lambda: "it hears what it sends" in repr(stage.status()), "the loop to be found")
        wait_until(
            lambda: "In: it hears what it sends: its thru is off for as long as it does" in repr(stage.log()), "the sentence"
        )
        bay.disconnect(*cable)
        wait_until(lambda: "it hears what it sends" not in repr(stage.status()), "the end of the alarm")
        guest.strike(*[72] * 50)  # a burst
        guest.send(*[(0xD0, 60 + place % 2) for place in range(500)])
        wait_until(lambda: "In is heard again" in repr(stage.log()), "the sentence")
    assert "it hears what it sends" not in repr(stage.status())


def test_a_model_answers_what_is_played_and_goes_on_after_a_crash(keyboard: Hand) -> None:
    with ended("main"), lc.Stage(bpm=300, inline=False, outputs=[], seed=1) as stage:
        lead = stage.part("lead") >> lc.melody_rnn(bars=1)
        wait_until(lambda: bool(stage.model_states()) and "ready" in repr(stage.model_states()), "the model")
        stage.hush()
        stage.input("keyboard", api="jack")
        assert lead.respond_to("keyboard", bars=1).startswith(
            "lead: listens to keyboard:out, 1 bar at a time, and answers for as long, from bar "
        )

        def played() -> list[float]:
            return [beat for beat, _ in stage.tape.onsets("keyboard:out")]

        def call() -> None:
            """Play a bar, and hear the answer to it."""
            had = len(stage.takes("lead"))
            wait_until(lambda: "listens to keyboard:out" in repr(stage.status()), "the part to listen")
            for pitch in (60, 64, 67):
                keyboard.strike(pitch)
                here = stage.snapshot().beats
                wait_until(lambda here=here: stage.snapshot().beats > here + 0.5, "half a beat")  # type: ignore[misc]
                keyboard.lift(pitch)
            wait_until(lambda: len(stage.takes("lead")) > had, "the answer")
            last = max(played())
            wait_until(lambda: stage.snapshot().beats > last + 12, "the answer's end")
            answered = [beat for beat, _ in stage.tape.onsets("lead") if beat > last]
            assert answered
            assert max(answered) - min(answered) < 4  # a bar, and then silence

        call()
        assert stage.engine is not None
        kill(stage.engine.pid)
        wait_until(lambda: stage.engine is not None and stage.engine.crashes == 1, "the engine")
        wait_until(lambda: "the port is gone" not in repr(stage.status()), "the keyboard")
        call()
