"""An engine in a process of its own, heard by an independent receiver while it comes to grief."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import jackd
import pytest
from engines import comes_back, ended, gone, kill
from midi_ear import Ear, hanging, ons
from midi_hand import Hand
from waiting import wait_until

import livecode as lc
from livecode.places import runtime_folder

pytestmark = pytest.mark.jack


@pytest.fixture
def synth(jack_server: None) -> Iterator[Ear]:
    with Ear("hardware") as synth:
        yield synth


@pytest.fixture
def stage(synth: Ear) -> Iterator[lc.Stage]:
    with ended("main"), lc.Stage(bpm=480, inline=False, outputs=[]) as stage:
        stage.midi("hardware", api="jack")
        yield stage


def test_the_engine_opens_the_port_and_no_other_engine_may(stage: lc.Stage, synth: Ear) -> None:
    stage.part("lead") >> lc.notes("C4 D4 E4 F4")
    wait_until(lambda: ons(synth.messages())[:4] == [60, 62, 64, 65], "four notes")
    assert any(line.startswith("output hardware:in: ") and "ms late (p50/p95/p99/max)" in line for line in stage.status())
    assert stage.engine is not None
    words = rf"The engine 'main' \(process {stage.engine.pid}\) plays on 'hardware:in' already: attach to it \(livecode attach\)"
    with ended("left"), lc.Stage(name="left", inline=False, outputs=[]) as left, pytest.raises(lc.BadInput, match=words):
        left.midi("hardware", api="jack")
    with lc.Stage(outputs=[]) as inline, pytest.raises(lc.BadInput, match=words):
        inline.midi("hardware", api="jack")
    with pytest.raises(lc.BadInput, match="There is an output 'hardware:in' already"):
        stage.midi("hardware", api="jack")
    stage.close()
    wait_until(lambda: hanging(synth.messages()) == set(), "silence")
    with lc.Stage(outputs=[]) as inline:
        assert inline.midi("hardware", api="jack") == "output hardware:in is open"
        words = f"A stage in process {os.getpid()} plays on 'hardware:in' already: close that stage"
        with lc.Stage(outputs=[]) as other, pytest.raises(lc.BadInput, match=words):
            other.midi("hardware", api="jack")
    assert [*runtime_folder().glob("*.lock")] == []


def test_an_engine_killed_with_notes_sounding_leaves_none_hanging_and_comes_back(stage: lc.Stage, synth: Ear) -> None:
    stage.part("pad", channel=4, program="Violin", gain=0.25) >> lc.notes("C3,E3,G3 _ _ _ _ _ _ _")
    stage.part("lead", channel=2) >> lc.notes("C4 D4 E4 F4")
    wait_until(lambda: {(3, 48), (3, 52), (3, 55)} <= hanging(synth.messages()), "the chord")
    assert stage.engine is not None
    here = len(synth.messages())
    kill(stage.engine.pid)
    wait_until(lambda: hanging(synth.messages()) == set(), "silence")
    silent = len(synth.messages())
    wait_until(lambda: {48, 60, 62, 64, 65} <= set(ons(synth.messages()[silent:])), "both parts again")
    later = synth.messages()[here:]
    program, volume, chord = later.index((0xC3, 40)), later.index((0xB3, 7, 50)), later.index((0x93, 48, 100), silent - here)
    assert max(program, volume) < chord
    assert [message[1] for message in later[silent - here :] if message[0] == 0x91][:2] == [60, 62]  # from the bar on
    stage.close()
    wait_until(lambda: hanging(synth.messages()) == set(), "silence after the end")


def test_who_listens_to_a_virtual_port_and_connects_late_after_a_crash_hangs_on_nothing(
    jack_server: None,
) -> None:
    with ended("main"), lc.Stage(bpm=480, inline=False, outputs=[]) as stage, Ear("guest") as guest:
        stage.midi("Loops", api="jack", virtual=True)
        guest.connect_to("livecode.*:Loops")
        stage.part("pad", channel=4, program="Violin") >> lc.notes("C3 _ _ _ _ _ _ _")
        stage.part("lead", channel=2) >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: (3, 48) in hanging(guest.messages()) and 65 in ons(guest.messages()), "the music")
        assert stage.engine is not None
        kill(stage.engine.pid)
        stage.parts["pad"].mute()
        stage.parts["lead"].mute()
        here = stage.snapshot().beats
        wait_until(lambda: stage.snapshot().beats > here + 16, "four bars without a receiver")
        assert (3, 48) in hanging(guest.messages())
        late = len(guest.messages())
        guest.connect_to("livecode.*:Loops")
        wait_until(lambda: hanging(guest.messages()) == set(), "silence")
        wait_until(lambda: (0xC3, 40) in guest.messages()[late:], "the program")


def test_an_engine_killed_while_its_port_is_gone_finds_it_later(synth: Ear, stage: lc.Stage) -> None:
    stage.part("lead") >> lc.notes("C4 D4 E4 F4")
    wait_until(lambda: len(ons(synth.messages())) > 4, "the music")
    synth.kill()
    wait_until(lambda: "the port is gone" in repr(stage.status()), "the loss")
    assert stage.engine is not None
    kill(stage.engine.pid)
    assert stage.engine.crashes == 1
    with Ear("hardware") as again:
        wait_until(lambda: len(ons(again.messages())) > 8, "the music on the port that is back")
        assert "the port is gone" not in repr(stage.status())
        assert {(0x80, pitch, 64) for pitch in range(128)} <= set(again.messages())  # whatever may have been left sounding
        stage.close()
        wait_until(lambda: hanging(again.messages()) == set(), "silence after the end")


def test_an_engine_that_crashes_while_jack_hangs_is_back_without_its_ports_and_has_them_later(libfluidsynth: None) -> None:
    jackd.need(jackd.installed(), "JACK is not installed.")
    with jackd.server(name="hangs") as server, Ear("hardware") as synth, Hand() as keyboard, ended("main"):
        with lc.Stage(bpm=480, inline=False, outputs=[]) as stage:
            stage.midi("hardware", api="jack")
            keys = [stage.input("keyboard", api="jack"), stage.input("Guests", api="jack", virtual=True)]
            stage.part("lead") >> lc.notes("C4 D4 E4 F4")
            wait_until(lambda: len(ons(synth.messages())) > 4, "the music")
            crash = stage.snapshot().beats
            server.send_signal(signal.SIGSTOP)
            assert stage.engine is not None
            kill(stage.engine.pid)
            comes_back(stage, crash)
            assert repr(stage.status()).count("the port is gone") == 3
            here = len(synth.messages())
            server.send_signal(signal.SIGCONT)
            wait_until(lambda: len(ons(synth.messages()[here:])) > 8, "the music on the port")
            wait_until(lambda: "the port is gone" not in repr(stage.status()), "the inputs")
            keyboard.strike(60)
            wait_until(lambda: len(stage.tape.onsets(keys[0].name)) == 1, "what is played")
            stage.close()
        wait_until(lambda: hanging(synth.messages()) == set(), "silence after the end")


def test_a_stage_that_is_closed_while_jack_hangs_ends_and_harms_nobody(libfluidsynth: None) -> None:
    jackd.need(jackd.installed(), "JACK is not installed.")
    with jackd.server(name="hangs") as server, Ear("hardware") as synth, Hand(), ended("main"):
        stage = lc.Stage(bpm=480, inline=False, outputs=[])
        stage.midi("hardware", api="jack")
        stage.input("keyboard", api="jack")
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: len(ons(synth.messages())) > 4, "the music")
        server.send_signal(signal.SIGSTOP)
        try:
            stage.close()
            assert gone("main")
            log = Path(os.environ["XDG_STATE_HOME"], "livecode", "main.log").read_text()
            assert "Timeout" in log  # it ended itself, and was not killed
        finally:
            server.send_signal(signal.SIGCONT)
        with lc.Stage(bpm=480, inline=False, outputs=[]) as another:
            another.midi("hardware", api="jack")
            here = len(ons(synth.messages()))
            another.part("lead") >> lc.notes("C5")
            wait_until(lambda: len(ons(synth.messages())) > here + 4, "another's music")
