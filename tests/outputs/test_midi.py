"""The MIDI output on real ports of a real JACK server, heard by a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import jackd
import pytest
from midi_ear import Ear, hanging, ons
from waiting import wait_until

from livecode.clock import SystemClock
from livecode.errors import OutputError, UnknownName
from livecode.music import ControlEvent, NoteEvent, ProgramEvent, ReleaseEvent
from livecode.outputs import ports
from livecode.outputs.midi import MidiOutput

pytestmark = pytest.mark.jack

BEAT = 0.1
"""Seconds a beat, in these tests."""


class Score:
    """Events by beat, from a moment a little ahead on."""

    def __init__(self, ahead: float = 0.4) -> None:
        self.begin = time.monotonic() + ahead

    def note(self, beat: float, beats: float, pitch: int, part: str = "lead", *, channel: int = 0) -> NoteEvent:
        begin, end = Fraction(beat), Fraction(beat) + Fraction(beats)
        return NoteEvent(part, begin, self._at(begin), channel, pitch, 100, end, self._at(end))

    def control(self, beat: float, control: int, value: int, part: str = "lead") -> ControlEvent:
        return ControlEvent(part, Fraction(beat), self._at(Fraction(beat)), 0, control, value)

    def program(self, beat: float, program: int, part: str = "lead") -> ProgramEvent:
        return ProgramEvent(part, Fraction(beat), self._at(Fraction(beat)), 0, program)

    def release(self, beat: float, part: str = "lead") -> ReleaseEvent:
        return ReleaseEvent(part, Fraction(beat), self._at(Fraction(beat)))

    def _at(self, beat: Fraction) -> float:
        return self.begin + BEAT * float(beat)


def on(pitch: int, *, channel: int = 0) -> tuple[int, ...]:
    return (0x90 | channel, pitch, 100)


def off(pitch: int, *, channel: int = 0) -> tuple[int, ...]:
    return (0x80 | channel, pitch, 64)


def cc(control: int, value: int, *, channel: int = 0) -> tuple[int, ...]:
    return (0xB0 | channel, control, value)


def cut(*channels: int) -> list[tuple[int, ...]]:
    """Pedals up, all notes off, all sound off."""
    return [cc(control, 0, channel=channel) for channel in channels for control in (64, 123, 120)]


@pytest.fixture
def ear(jack_server: None) -> Iterator[Ear]:
    with Ear() as ear:
        yield ear


Opener = Callable[..., MidiOutput]


@pytest.fixture
def opened() -> Iterator[Opener]:
    outputs: list[MidiOutput] = []

    def _open(port: str | None = "ear:in", **how: object) -> MidiOutput:
        outputs.append(MidiOutput(SystemClock(), port, api="jack", **how))
        outputs[-1].open()
        return outputs[-1]

    yield _open
    for output in outputs:
        output.close()


def follow_until(output: MidiOutput, so: Callable[[], bool], what: str) -> None:
    """Let the output look after its port, as the engine does, until it is so."""

    def _followed() -> bool:
        output.follow()
        return so()

    wait_until(_followed, what)


def test_a_score_arrives_whole_and_in_order(ear: Ear, opened: Opener) -> None:
    score = Score()
    opened().schedule(
        [
            score.program(0, 12),
            score.note(1, 1, 62),
            score.control(0, 7, 90),
            score.note(0, 1, 60),
            score.note(1, 1, 48, "bass", channel=1),
            score.note(2, 1, 62),
        ]
    )
    heard = ear.wait_for(off(62), off(62))
    assert heard[:5] == [(0xC0, 12), cc(7, 90), on(60), off(60), on(62)]
    assert heard[5:] == [on(48, channel=1), off(62), off(48, channel=1), on(62), off(62)]


def test_counts_and_lateness_are_in_the_status(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score()
    output.schedule([score.note(-30, 1, 59), score.note(0, 1, 60)])
    ear.wait_for(off(60))
    assert ons(ear.messages()) == [60]
    assert (output.played, output.dropped) == (1, 1)
    assert str(output).startswith("ear:in: 1 note played,")
    assert "1 dropped · sent " in str(output)
    assert list(output.lateness) == sorted(output.lateness)


def test_settings_are_never_too_late(ear: Ear, opened: Opener) -> None:
    score = Score()
    opened().schedule([score.program(-100, 5), score.control(-100, 7, 1)])
    assert ear.wait_for(cc(7, 1)) == [(0xC0, 5), cc(7, 1)]


def test_what_is_withdrawn_is_not_heard_and_what_sounds_keeps_its_end(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score()
    output.schedule([score.note(0, 8, 60), score.note(5, 1, 62), score.note(9, 1, 64), score.note(9, 1, 40, "bass")])
    ear.wait_for(on(60))
    output.withdraw("lead", Fraction(5))
    assert ear.wait_for(off(40)) == [on(60), off(60), on(40), off(40)]


def test_a_release_ends_the_notes_of_its_part_that_began_before(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score()
    output.schedule([score.note(0, 50, 60), score.note(0, 3, 40, "bass"), score.release(1), score.note(1, 3, 62)])
    assert ear.wait_for(off(62), off(40)) == [on(60), on(40), off(60), on(62), off(40), off(62)]


def test_mute_lifts_the_keys_of_its_part_at_once(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score()
    output.schedule([score.note(0, 900, 60), score.note(0, 900, 40, "bass")])
    ear.wait_for(on(60), on(40))
    output.silence("lead", Fraction(1))
    assert ear.wait_for(off(60)) == [on(60), on(40), off(60)]


def test_panic_reaches_all_channels_and_every_key_that_was_struck(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score()
    output.schedule([score.control(0, 64, 127), score.note(0, 900, 60), score.note(0, 1, 40, "bass", channel=9)])
    ear.wait_for(on(60), off(40, channel=9))
    output.silence(None, Fraction(2))
    heard = ear.wait_for(off(60), off(40, channel=9), off(40, channel=9), *cut(15))
    others = [channel for channel in range(16) if channel not in (0, 9)]
    first = [*cut(0, 9), off(60), off(40, channel=9), *cut(*others)]
    assert heard[4:][: len(first)] == first


def test_panic_lifts_every_key_of_every_channel_and_none_that_is_struck_meanwhile(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score(0.05)
    output.schedule([score.note(0, 1, 60, channel=3)])
    ear.wait_for(off(60, channel=3))
    output.silence(None, Fraction(2))
    here = len(ear.wait_for(*cut(15)))
    score = Score(0.0)
    output.schedule([score.note(0, 60, 127), score.note(0, 2, 126)])  # before the sweep comes to channel 1
    heard = ear.wait_for(off(127), off(127, channel=15))
    lifted = [message for message in heard if message[0] & 0xF0 == 0x80]
    assert set(lifted) == {off(pitch, channel=channel) for channel in range(16) for pitch in range(128)}
    assert lifted.index(off(127, channel=3)) < lifted.index(off(0))  # channels in use come first
    assert heard.index(on(127)) > here - 60
    assert heard.index(off(127, channel=15)) < heard.index(off(127)) == len(heard) - 1 - heard[::-1].index(off(127))


def test_panic_ends_a_note_that_somebody_else_left_on_a_channel_never_used(jack_server: None, opened: Opener) -> None:
    with Ear("shared") as synth:
        other, ours = opened("shared:in", client="other"), opened("shared:in")
        score = Score(0)
        other.schedule([score.note(0, 9000, 60, channel=5)])
        synth.wait_for(on(60, channel=5))
        ours.close()
        ours.open()
        assert not [message for message in synth.messages() if message in cut(5)]  # an end is no panic
        ours.silence(None, Fraction(0))
        synth.wait_for(*cut(*range(16)))


def test_close_leaves_nothing_hanging_and_plays_nothing_more(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score()
    output.schedule([score.note(0, 900, pitch) for pitch in range(40, 60)] + [score.note(5, 1, 70)])
    ear.wait_for(on(59))
    output.close()
    output.close()
    heard = ear.wait_for(*(off(pitch) for pitch in range(40, 60)))
    assert hanging(heard) == set()
    assert 70 not in ons(heard)
    with pytest.raises(OutputError, match="'ear:in' is closed: open it before playing"):
        output.schedule([score.note(6, 1, 60)])


def test_five_hundred_notes_a_second_none_lost_none_hanging(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score(0.3)
    notes = [score.note(Fraction(index, 50), Fraction(1, 50), 30 + index % 60) for index in range(1500)]
    for begin in range(0, 1500, 50):
        output.schedule(notes[begin : begin + 50])
    follow_until(output, lambda: output.played + output.dropped == 1500, "1500 notes")
    assert (output.dropped, output.trouble) == (0, ""), str(output)
    output.close()  # waits until everything has left
    assert len(ear.wait_for(cc(120, 0))) >= 3000
    assert ons(ear.messages()) == [note.pitch for note in notes]
    assert hanging(ear.messages()) == set()


def test_a_port_that_vanishes_is_said_and_comes_back_with_its_settings(ear: Ear, opened: Opener) -> None:
    output, score = opened(), Score()
    output.schedule([score.program(0, 7), score.note(0, 900, 60)])
    ear.wait_for(on(60))
    ear.kill()
    follow_until(output, lambda: bool(output.trouble), "trouble")
    assert output.trouble == "the port is gone: connect it again, it reopens by itself"
    score = Score()
    output.schedule([score.note(0, 1, 61), score.note(1, 1, 62)])
    wait_until(lambda: output.dropped == 2, "two dropped notes")
    with Ear() as again:
        follow_until(output, lambda: not output.trouble, "the port")
        score = Score()
        output.schedule([score.note(0, 1, 64)])
        heard = again.wait_for(off(64))
        assert heard[-3:] == [(0xC0, 7), on(64), off(64)]
        assert off(60) in heard
        assert ons(heard) == [64]


def test_a_port_that_is_back_before_anybody_looked_is_connected_again(ear: Ear, opened: Opener) -> None:
    output = opened()
    ear.kill()
    wait_until(lambda: "ear:in" not in ports.outputs("jack"), "the port to go")
    with Ear() as again:

        def _heard() -> bool:
            score = Score(0)
            output.schedule([score.note(0, 0.1, 72)])
            return 72 in ons(again.messages())

        follow_until(output, _heard, "a note")


def test_a_server_that_dies_and_comes_back(libfluidsynth: None, opened: Opener) -> None:
    jackd.need(jackd.installed(), "JACK is not installed.")
    with jackd.server(name="dies") as server, Ear("mortal") as ear:
        output, shared = opened("mortal:in"), opened("shared", virtual=True)
        score = Score()
        output.schedule([score.note(0, 900, 60)])
        ear.wait_for(on(60))
        server.kill()
        server.wait()
        for lost in (output, shared):
            follow_until(lost, lambda lost=lost: bool(lost.trouble), "trouble")
        score = Score()
        output.schedule([score.note(Fraction(index, 100), 1, index % 128) for index in range(3000)])
        output.silence(None, Fraction(0))
        follow_until(output, lambda: output.dropped >= 3000, "dropped notes")
    with jackd.server(name="dies"), Ear("mortal") as ear:
        follow_until(output, lambda: not output.trouble, "the server")
        follow_until(shared, lambda: not shared.trouble, "the server")
        score = Score()
        output.schedule([score.note(0, 1, 64)])
        assert ons(ear.wait_for(on(64))) == [64]
        wait_until(lambda: hanging(ear.messages()) == set(), "its end")
        output.close()
        shared.close()


def test_two_outputs_at_once(ear: Ear, opened: Opener) -> None:
    with Ear("second") as second:
        one, two = opened(), opened("second:in")
        score = Score()
        one.schedule([score.note(beat, 1, 60 + beat) for beat in range(8)])
        two.schedule([score.note(beat, 1, 40 + beat) for beat in range(8)])
        assert ons(ear.wait_for(off(67))) == list(range(60, 68))
        assert ons(second.wait_for(off(47))) == list(range(40, 48))


def test_others_connect_to_a_virtual_port(jack_server: None, opened: Opener) -> None:
    output = opened("Loops", virtual=True)
    assert output.name == "Loops"
    with Ear("guest", to="livecode:Loops") as guest:
        score = Score()
        output.schedule([score.note(0, 1, 60)])
        assert guest.wait_for(off(60)) == [on(60), off(60)]


def test_who_connects_to_a_virtual_port_learns_the_settings_and_is_freed_of_old_notes(jack_server: None, opened: Opener) -> None:
    output, score = opened("Loops", virtual=True), Score(0)
    output.schedule([score.program(0, 7), score.note(0, 0.1, 60)])
    wait_until(lambda: output.played == 1, "a note that nobody hears")
    with Ear("first", to="livecode:Loops") as first:
        follow_until(output, lambda: (0xC0, 7) in first.messages(), "the program")
        assert first.messages()[:3] == cut(0)
        assert {off(pitch) for pitch in range(128)} <= set(first.messages())
        here = len(first.messages())
        with Ear("second", to="livecode:Loops") as second:
            follow_until(output, lambda: bool(second.messages()), "the program")
            assert first.messages()[here:] == second.messages() == [(0xC0, 7)]  # nothing is cut for who listens already


def test_where_nobody_can_tell_who_listens_a_virtual_port_is_cleaned_again_after_a_while(
    jack_server: None, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports.Client, "receivers", lambda client: None)
    output = opened("Loops", virtual=True)
    output.clean({5})
    with Ear("guest", to="livecode:Loops") as guest:
        follow_until(output, lambda: off(127, channel=5) in guest.messages(), "the second cleaning")
        assert guest.messages().count(cc(123, 0, channel=5)) == 1


def test_ports_are_found_by_what_is_unmistakable(jack_server: None) -> None:
    with Ear("Digitone", "MIDI in"), Ear("Digitakt", "MIDI in"):
        assert {"Digitone:MIDI in", "Digitakt:MIDI in"} <= set(ports.outputs("jack"))
        assert ports.find("digitone:midi IN", "jack") == ports.find("tone") == ports.Place("jack", "Digitone:MIDI in")
        with pytest.raises(UnknownName, match="There are several MIDI ports with 'digi': say which, 'Digitakt:MIDI in' or 'Digi"):
            ports.find("digi")
        with pytest.raises(UnknownName, match="There is no MIDI port 'Digiton:MIDIin': did you mean 'Digitone:MIDI in'"):
            ports.find("Digiton:MIDIin")
        with pytest.raises(UnknownName, match="There are several MIDI ports: say which"):
            ports.find(None)
    with Ear("alone"):
        wait_until(lambda: ports.outputs("jack") == ["alone:in"], "one port")
        assert ports.find(None).name == "alone:in"


def test_an_unknown_api_is_refused() -> None:
    assert "jack" in ports.apis()
    with pytest.raises(UnknownName, match="There is no MIDI API 'jakc': did you mean 'jack'"):
        ports.outputs("jakc")


def test_without_a_server_nothing_is_printed_or_started(no_jack: None) -> None:
    probe = (
        "from livecode.clock import SystemClock\n"
        "from livecode.outputs import midi, ports\n"
        "print(ports.outputs('jack'), ports.outputs('alsa') is not None)\n"
        "try: midi.MidiOutput(SystemClock(), 'x', api='jack', virtual=True).open()\n"
        "except ports.OutputError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, env=os.environ, check=True)
    assert (said.stdout, said.stderr) == ("[] True\nThere is no JACK server: start one, or name another API.\n", "")


def test_importing_livecode_loads_no_midi() -> None:
    probe = "import sys, livecode; print({'mido', 'rtmidi'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_a_closed_output_refuses_in_a_sentence() -> None:
    output = MidiOutput(SystemClock(), "Digitone")
    with pytest.raises(OutputError, match="MIDI port 'Digitone' is closed"):
        output.withdraw(None, Fraction(0))
    output.close()
    assert str(output) == "Digitone: 0 notes played, 0 late, 0 dropped"
