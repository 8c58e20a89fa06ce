"""Hardware instruments: controls by name, ramps, latencies, nudges, voices. Tapes stand for synthesizers."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import Rig
from sessions import OPENED, Session, heard, run_again
from test_routing import Synth

import livecode as lc
from livecode.commands import Adjust, Equip, Mute, Nudge, On, Panic, Play, Route, SetLatency, Sweep, Undo
from livecode.controls import BEND, fine, highest, nrpn, ramp, rpn, spelt, wire
from livecode.errors import BadInput, UnknownName
from livecode.instruments import Instrument, read_names
from livecode.music import ControlEvent, Note, Phrase, ProgramEvent
from livecode.notation import notes
from livecode.offline import OfflineEngine
from livecode.voicing import Voicing, choke_groups


@pytest.fixture
def rig() -> Rig:
    return Rig(outputs=[Synth("synth"), Synth("Digitone")])


def turned(rig: Rig, *, until: float = 100) -> list[tuple[float, int, int]]:
    """(beat, control, value) of what is on the tape."""
    events = [event for event in rig.tape.events() if isinstance(event, ControlEvent) and event.beat < until]
    return [(float(event.beat), event.control, event.value) for event in events]


# Controls


def test_a_control_is_turned_now_by_its_name(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=1)
    turned_at = rig.obey(Sweep(part="lead", control="cutoff", value=90))
    rig.play(until=2)
    assert turned_at.words == "lead: cc 74 (cutoff) set to 90 now"
    assert turned(rig) == [(float(turned_at.beat), 74, 90)]


def test_a_ramp_goes_evenly_in_musical_time(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.obey(Sweep(part="lead", control=20, value=8, bars=Fraction(2), on=On.BAR))
    rig.play(until=12)
    assert turned(rig) == [(float(beat), 20, beat) for beat in range(9)]


def test_a_ramp_begins_where_the_control_stands_or_rests_or_where_it_is_told() -> None:
    rig = Rig()
    rig.plays("lead", "C4")
    rig.obey(Sweep(part="lead", control="cutoff", value=66, bars=Fraction(1), on=On.BAR))
    rig.play(until=5)
    rig.obey(Sweep(part="lead", control="cutoff", value=64, bars=Fraction(1), on=On.BAR))
    rig.play(until=13)
    rig.obey(Sweep(part="lead", control="cutoff", value=2, start=0, bars=Fraction(1), on=On.BAR))
    rig.play(until=21)
    assert turned(rig) == [
        (0, 74, 64), (2, 74, 65), (4, 74, 66),
        (10, 74, 65), (12, 74, 64),
        (16, 74, 0), (18, 74, 1), (20, 74, 2),
    ]  # fmt: skip


@given(st.integers(0, 127), st.integers(0, 127), st.fractions(0, 64, max_denominator=16), st.booleans())
def test_no_ramp_floods_a_cable(start: int, value: int, over: Fraction, parameter: bool) -> None:
    control = nrpn(1, 8) if parameter else 74
    steps = list(ramp(control, start, value, Fraction(4), over))
    assert steps[-1] == (4 + over, value)
    closest = min((later - earlier for (earlier, _), (later, _) in pairwise(steps)), default=Fraction(1))
    assert closest >= Fraction(1, 16 if parameter else 32)


def test_a_fine_ramp_over_many_bars_is_quick_and_ends_where_it_should() -> None:
    steps = list(ramp(BEND, 0, 16383, Fraction(0), Fraction(1024)))
    assert (len(steps), steps[-1]) == (4096, (1024, 16383))


def test_a_ramp_is_undone_survives_a_crash_and_a_panic() -> None:
    def ramping() -> Rig:
        rig = Rig()
        rig.plays("lead", "C4 D4 E4 F4")
        rig.obey(Sweep(part="lead", control=20, value=8, bars=Fraction(2), on=On.BAR))
        rig.play(until=3.5)
        return rig

    undone = ramping()
    undone.obey(Undo(part="lead", on=On.NOW))
    undone.play(until=8)
    assert turned(undone)[:4] == [(0, 20, 0), (1, 20, 1), (2, 20, 2), (3, 20, 3)]
    assert len(turned(undone)) == 4  # nobody knows where it was: it stays where it is
    back = ramping().after_a_crash()
    back.play(until=8.5)
    assert turned(back)[-4:] == [(5, 20, 5), (6, 20, 6), (7, 20, 7), (8, 20, 8)]
    panicked = ramping()
    panicked.obey(Panic())
    panicked.play(until=9)
    assert turned(panicked)[-1] == (8, 20, 8)


def test_what_was_set_before_comes_back_when_a_ramp_is_undone(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.obey(Sweep(part="lead", control=20, value=100))
    rig.obey(Sweep(part="lead", control=20, value=0, bars=Fraction(2), on=On.BAR))
    rig.play(until=3.5)
    at = rig.obey(Undo(part="lead", on=On.NOW)).beat
    rig.play(until=9)
    assert turned(rig)[-1][1:] == (20, 100)
    assert turned(rig)[-1][0] == float(at)


def test_numbered_parameters_are_chosen_set_and_let_go() -> None:
    assert wire(0, rpn(0, 0), 12) == [(0xB0, 101, 0), (0xB0, 100, 0), (0xB0, 6, 12), (0xB0, 101, 127), (0xB0, 100, 127)]
    assert wire(1, nrpn(1, 8, fine=True), 200) == [
        (0xB1, 99, 1), (0xB1, 98, 8), (0xB1, 6, 1), (0xB1, 38, 72), (0xB1, 101, 127), (0xB1, 100, 127),
    ]  # fmt: skip
    assert wire(2, BEND, 8192) == [(0xE2, 0, 64)]
    assert [spelt(control) for control in (74, 20, BEND, nrpn(1, 8))] == ["cc 74 (cutoff)", "cc 20", "bend", "nrpn 1.8"]
    assert [highest(control) for control in (74, BEND, nrpn(1, 8), nrpn(1, 8, fine=True))] == [127, 16383, 127, 16383]


def test_controls_are_refused_in_a_sentence() -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead")
        with pytest.raises(UnknownName, match="There is no control 'cutof': did you mean 'cutoff'"):
            lead.cc("cutof")
        with pytest.raises(BadInput, match="There is no controller 200: give 1 to 119, or a name such as 'cutoff'"):
            lead.cc(200)
        with pytest.raises(BadInput, match="Controller 32 selects banks"):
            lead.cc(32)
        with pytest.raises(BadInput, match=r"NRPN 1, 128 cannot be: give its two halves, 0 to 127 each, such as nrpn\(1, 8\)"):
            lead.nrpn(1, 128)
        with pytest.raises(BadInput, match=r"cc 74 \(cutoff\) at 128 cannot be: give a whole number from 0 to 127"):
            lead.cc("cutoff").to(128)
        with pytest.raises(BadInput, match=r"A bend to 2 cannot be: give -1 \(down\) to 1 \(up\), 0 for none"):
            lead.bend.to(2)
        with pytest.raises(BadInput, match="bars='x' is no length"):
            lead.cc(74).to(3, bars="x")  # type: ignore[arg-type]


def test_a_dial_says_where_it_stands() -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> lc.notes("C4")
        cutoff = lead.cc("cutoff")
        assert repr(cutoff) == "lead: cutoff not set yet"
        cutoff.to(90)
        lead.bend.to(-1)
        stage.run(bars=1)
        assert (cutoff.value, lead.cc(74).value, lead.bend.value) == (90, 90, -1)
        assert (repr(lead.bend), repr(lead.cc("bend"))) == ("lead: bend -1", "lead: bend -1")
        assert lead.bend.to(1, bars=2) == "lead: bend goes to 1 from bar 3 over 2 bars"


def test_a_controller_and_the_one_32_above_make_one_of_14_bits(tmp_path: Path) -> None:
    import mido

    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> lc.notes("C4 _ _ _")
        wheel = lead.cc("modulation", fine=True)
        assert wheel.to(200, bars=1, start=0) == "lead: cc 1+33 (modulation) goes to 200 from bar 1 over 1 bar"
        stage.run(bars=2)
        assert wheel.value == 200
        stage.render(tmp_path / "take.mid")
        with pytest.raises(BadInput, match=r"cc 74 \(cutoff\) has no fine half: controllers 1 to 31 have"):
            lead.cc("cutoff", fine=True)
        with pytest.raises(BadInput, match=r"cc 1\+33 \(modulation\) at 16384 cannot be: give a whole number from 0 to 16383"):
            wheel.to(16384)
    track = mido.MidiFile(tmp_path / "take.mid").tracks[1]
    sent = [(message.control, message.value) for message in track if message.type == "control_change"]
    assert sent[:2] + sent[-2:] == [(1, 0), (33, 0), (1, 1), (33, 72)]
    coarse, halves = 0, []
    for control, value in sent:
        coarse = value if control == 1 else coarse
        halves += [coarse << 7 | value] if control == 33 else []
    assert halves == sorted(halves)
    assert len(halves) == 65  # every 1/16 of a beat, as for numbered parameters
    assert read_names({"cutoff": {"cc": 16, "fine": True}}) == {"cutoff": fine(16)}


def test_a_midi_file_has_bends_and_parameters(tmp_path: Path) -> None:
    import mido

    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead") >> lc.notes("C4 _ _ _")
        lead.cc("bend_range").to(12)
        lead.bend.to(1)
        stage.run(bars=1)
        stage.render(tmp_path / "take.mid")
    track = mido.MidiFile(tmp_path / "take.mid").tracks[1]
    assert [(message.control, message.value) for message in track if message.type == "control_change"] == [
        (101, 0), (100, 0), (6, 12), (101, 127), (100, 127),
    ]  # fmt: skip
    assert [message.pitch for message in track if message.type == "pitchwheel"] == [8191]


# Instruments


def digitone(**what: object) -> Instrument:
    return Instrument(output="Digitone", channel=2, **what)


def test_a_part_takes_on_its_instruments_channel_program_and_names(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.play(until=0)
    said = rig.obey(Equip(part="lead", instrument=digitone(program=12, bank=(1, 0), names={"drive": 23, "cutoff": 24})))
    assert said.words == "lead: plays on Digitone · channel 3 now"
    assert rig.obey(Sweep(part="lead", control="drive", value=5)).words == "lead: cc 23 (drive) set to 5 now"
    rig.obey(Sweep(part="lead", control="cutoff", value=6))
    rig.play(until=4)
    hardware = rig.sequencer._outputs[1]
    assert isinstance(hardware, Synth)
    assert {note.channel for note in hardware.notes()} == {2}
    programs = [event for event in hardware.events() if isinstance(event, ProgramEvent)]
    assert [(event.program, event.bank, event.channel) for event in programs] == [(12, (1, 0), 2)]
    assert [value[1:] for value in turned(rig)] == [(23, 5), (24, 6)]
    rig.obey(Route(part="lead", output=""))
    with pytest.raises(UnknownName, match="There is no control 'drive'"):
        rig.obey(Sweep(part="lead", control="drive", value=5))
    rig.obey(Undo(part="lead"))
    rig.obey(Sweep(part="lead", control="drive", value=7))


def test_an_instrument_on_an_output_that_there_is_not_is_refused(rig: Rig) -> None:
    with pytest.raises(UnknownName, match="There is no output 'Digitine': did you mean 'Digitone'"):
        rig.obey(Equip(part="lead", instrument=Instrument(output="Digitine")))


def test_names_of_an_instrument_come_from_a_file(tmp_path: Path) -> None:
    table = tmp_path / "digitone.toml"
    table.write_text('cutoff = 23\n"LFO speed" = {nrpn = [1, 41]}\ndetune = {rpn = [0, 1], fine = true}\n')
    assert read_names(table) == {"cutoff": 23, "lfo_speed": nrpn(1, 41), "detune": rpn(0, 1, fine=True)}
    for wrong, said in {
        "cutoff = 200": "The name 'cutoff' cannot be given: There is no controller 200",
        "x = {nrpn = [1]}": "The name 'x' means .*, which is no control",
        "x = {nrpn = [1, 300]}": "The name 'x' cannot be given: NRPN 1, 300 cannot be",
        "x = ": "is no TOML",
    }.items():
        table.write_text(wrong)
        with pytest.raises(BadInput, match=said):
            read_names(table)
    with pytest.raises(BadInput, match=r"none.toml cannot be read \(No such file"):
        read_names(tmp_path / "none.toml")


# Punctuality


def seconds(tape: Synth, rig: Rig) -> list[tuple[float, float]]:
    """(beat, ms after its beat) of the notes that this output was handed."""
    begin = rig.sequencer.time.started or 0.0
    return [(float(note.beat), round(1000 * (note.seconds - begin - float(note.beat) / 2))) for note in tape.notes()]


def test_an_output_is_told_earlier_by_its_latency_and_the_tape_keeps_the_beats(rig: Rig) -> None:
    synth, hardware = rig.sequencer._outputs
    assert isinstance(synth, Synth)
    assert isinstance(hardware, Synth)
    rig.plays("bass", "C2 C2 C2 C2")
    rig.plays("lead", "C4 D4 E4 F4")
    rig.obey(Route(part="lead", output="Digitone"))
    rig.play(until=1.5)
    assert rig.obey(SetLatency(output="digi", ms=12)).words == "Digitone is played 12 ms early, as its synth sounds late"
    rig.play(until=4)
    assert [entry for entry in seconds(hardware, rig) if entry[0] < 4] == [(0, 0), (1, 0), (2, -12), (3, -12)]
    assert [entry for entry in seconds(synth, rig) if entry[0] < 4] == [(beat, 0) for beat in range(4)]
    assert rig.score("lead", until=4) == [(0, "C4"), (1, "D4"), (2, "E4"), (3, "F4")]


def test_with_a_latency_nothing_that_can_be_reached_comes_late(rig: Rig) -> None:
    rig.plays("lead", "C4 D4 E4 F4")
    rig.obey(Route(part="lead", output="Digitone"))
    rig.obey(SetLatency(output="Digitone", ms=100))
    rig.play(until=1)
    at = rig.obey(Mute(part="lead", muted=True, on=On.BAR)).beat
    here = rig.clock.now() - (rig.sequencer.time.started or 0.0)
    assert float(rig.sequencer.time.reachable()) / 2 - here >= 0.1
    rig.play(until=4)
    assert at == 4


def test_a_nudged_part_sounds_earlier_or_later_and_its_beats_stay(rig: Rig) -> None:
    synth = rig.sequencer._outputs[0]
    assert isinstance(synth, Synth)
    rig.plays("lead", "C4 D4 E4 F4")
    assert rig.obey(Nudge(part="lead", ms=-30)).words == "lead: sounds 30 ms earlier than its beats"
    rig.play(until=3)
    assert [entry for entry in seconds(synth, rig) if entry[0] < 3] == [(0, -30), (1, -30), (2, -30)]
    rig.obey(Nudge(part="lead", ms=20))
    rig.play(until=8)
    assert seconds(synth, rig)[-1][1] == 20
    assert rig.score(until=8) == [(beat, name) for beat, name in enumerate(("C4", "D4", "E4", "F4") * 2)]
    with pytest.raises(BadInput, match=r"A nudge of 200 cannot be played: give -100 \(earlier\) to 100 \(later\) ms"):
        Nudge(part="lead", ms=200)
    rig.obey(Undo(part="lead"))
    assert rig.sequencer.snapshot().parts[0].settings["nudge"] == -30


@pytest.mark.parametrize("ms", [-1, 501, float("nan"), "x"])
def test_latencies_that_cannot_be_are_refused(ms: object) -> None:
    with pytest.raises(BadInput, match="A latency of"):
        SetLatency(output="Digitone", ms=ms)  # type: ignore[arg-type]


# Voices


def sounding(phrase: Phrase) -> list[tuple[float, float, int]]:
    return [(float(note.onset), float(note.end), note.pitch) for note in phrase.notes]


def test_the_oldest_note_ends_for_one_too_many(rig: Rig) -> None:
    rig.obey(Adjust(part="pad", voices=2))
    rig.plays("pad", Phrase(tuple(Note(Fraction(beat), Fraction(4 - beat), 60 + beat) for beat in range(4)), Fraction(4)))
    rig.play(until=4)
    ends = [(float(note.beat), float(note.end_beat)) for note in rig.tape.notes() if note.beat < 4]
    assert ends == [(0, 2), (1, 3), (2, 4), (3, 4)]


def test_of_a_chord_that_is_too_large_the_loudest_and_highest_sound() -> None:
    chord = Phrase((Note(0, 4, 60, 90), Note(0, 4, 64, 80), Note(0, 4, 67, 90)), 4)  # type: ignore[arg-type]
    assert sounding(Voicing(2).limited(chord)) == [(0, 4, 60), (0, 4, 67)]
    assert sounding(Voicing(1).limited(chord)) == [(0, 4, 67)]


def test_a_drum_of_a_choke_group_ends_the_others() -> None:
    hats = Phrase((Note(0, 2, 46), Note(1, 1, 42), Note(0, 4, 49)), 4, drums=True)  # type: ignore[arg-type]
    chokes = choke_groups([("hat", "open_hat")])
    assert sounding(Voicing(0, chokes).limited(hats)) == [(0, 1, 46), (0, 4, 49), (1, 2, 42)]
    for wrong in ("hat", [("hat",)], [("hat", "clap"), ("hat", "snare")], [("hat", "hut")]):
        with pytest.raises(BadInput):
            choke_groups(wrong)


@given(
    st.lists(st.tuples(st.integers(0, 15), st.integers(1, 16), st.integers(40, 50), st.integers(1, 127)), max_size=25),
    st.integers(1, 5),
)
def test_no_more_notes_sound_than_there_are_voices_and_none_ends_without_need(
    given_notes: list[tuple[int, int, int, int]], voices: int
) -> None:
    phrase = Phrase(tuple(Note(Fraction(on, 4), Fraction(n, 4), pitch, loud) for on, n, pitch, loud in given_notes), Fraction(8))
    down: list[Note] = []
    heard: list[Note] = []
    for note in sorted(phrase.notes, key=lambda note: (note.onset, note.velocity, note.pitch)):  # as a synth goes about it
        down = [other for other in down if other.end > note.onset]
        if len(down) == voices:
            oldest = down.pop(0)
            heard.remove(oldest)
            if oldest.onset < note.onset:
                heard.append(Note(oldest.onset, note.onset - oldest.onset, oldest.pitch, oldest.velocity))
        down.append(note)
        heard.append(note)
    assert list(Voicing(voices).limited(phrase).notes) == sorted(heard, key=lambda note: (note.onset, note.pitch))


def test_the_voices_of_a_part_and_of_its_instrument_both_hold(rig: Rig) -> None:
    rig.plays("pad", Phrase(tuple(Note(0, 4, pitch) for pitch in (60, 64, 67)), 4))  # type: ignore[arg-type]
    rig.obey(Equip(part="pad", instrument=digitone(voicing=Voicing(2))))
    rig.obey(Adjust(part="pad", voices=8))
    rig.play(until=4)
    assert [name for beat, name in rig.score(until=4) if beat == 0] == ["E4", "G4"]
    rig.obey(Route(part="pad", output=""))
    rig.obey(Adjust(part="pad", free=frozenset({"voices"})))
    rig.play(until=12)
    assert [name for beat, name in rig.score(until=12) if beat == 8] == ["C4", "E4", "G4"]


def test_what_sounded_within_its_voices_is_told_again_after_a_crash() -> None:
    rig = Rig()
    rig.obey(Adjust(part="pad", voices=2))
    rig.plays("pad", "C4,E4,G4 D4 E4 F4")
    rig.play(until=6)
    back = rig.after_a_crash()
    assert rig.retold(back).onsets() == [(0, "E4"), (0, "G4"), (1, "D4"), (2, "E4"), (3, "F4"), (4, "E4"), (4, "G4"), (5, "D4")]
    back.play(until=12)
    assert [name for beat, name in back.score(until=12) if beat == 8] == ["E4", "G4"]


# Parts that share an instrument


def on_digitone(rig: Rig, part: str, voices: int, channel: int = 0) -> None:
    rig.obey(Equip(part=part, instrument=Instrument(output="Digitone", channel=channel, voicing=Voicing(voices))))


def lasting(rig: Rig, part: str, *, until: float) -> list[tuple[float, float, int]]:
    return [(float(note.beat), float(note.end_beat), note.pitch) for note in rig.tape.notes(part) if note.beat < until]


def test_two_parts_on_one_instrument_share_its_voices_and_the_oldest_note_of_either_ends(rig: Rig) -> None:
    on_digitone(rig, "pad", 3)
    on_digitone(rig, "lead", 3, channel=1)
    rig.plays("pad", "C3,E3 _ _ _")
    rig.plays("lead", "C5 D5,F5 _ _ G4,A4 _ _ _")
    rig.play(until=8)
    # the oldest of four that ring ends; of four that are struck together the lowest is left out
    assert lasting(rig, "pad", until=8) == [(0, 1, 48), (0, 4, 52), (4, 8, 52)]
    assert lasting(rig, "lead", until=8) == [(0, 1, 72), (1, 4, 74), (1, 4, 77), (4, 8, 67), (4, 8, 69)]


def test_what_the_instrument_is_told_is_what_is_on_the_tape(rig: Rig) -> None:
    """A key that is struck before it is known that its voice will be needed goes up when it is."""
    on_digitone(rig, "pad", 2)
    on_digitone(rig, "lead", 2, channel=1)
    rig.plays("pad", "C3,E3 _ _ _ _ _ _ _")
    rig.play(until=2)
    rig.obey(Play(part="lead", phrase=notes("C5 D5 E5 F5"), on=On.BAR))
    rig.play(until=8.5)
    hardware = rig.sequencer._outputs[1]
    assert isinstance(hardware, Synth)
    for tape in (rig.tape, hardware):
        ends = [(float(note.beat), float(note.end_beat), note.pitch) for note in tape.notes("pad") if note.beat < 8]
        assert ends == [(0, 4, 48), (0, 8, 52)]
        assert [float(note.beat) for note in tape.notes("lead") if note.beat < 8] == [4, 5, 6, 7]


def test_a_part_on_another_instrument_or_muted_takes_no_voice(rig: Rig) -> None:
    on_digitone(rig, "pad", 1)
    rig.obey(Equip(part="lead", instrument=Instrument(output="synth", voicing=Voicing(1))))
    on_digitone(rig, "bass", 1, channel=2)
    rig.obey(Mute(part="bass", muted=True))
    rig.plays("pad", "C3 _ _ _")
    rig.plays("lead", "C5 D5 E5 F5")
    rig.plays("bass", "C2 D2 E2 F2")
    rig.play(until=3.5)
    assert lasting(rig, "pad", until=4) == [(0, 4, 48)]
    rig.obey(Mute(part="bass", muted=False))
    rig.play(until=8)
    assert lasting(rig, "pad", until=8) == [(0, 4, 48), (4, 5, 48)]
    assert lasting(rig, "bass", until=8) == [(5, 6, 38), (6, 7, 40), (7, 8, 41)]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 7), st.integers(1, 8), st.integers(40, 50), st.integers(1, 127)), max_size=8),
        min_size=2,
        max_size=3,
    ),
    st.integers(1, 4),
)
def test_no_more_notes_of_all_parts_sound_than_there_are_voices(
    parts: list[list[tuple[int, int, int, int]]], voices: int
) -> None:
    rig = Rig(outputs=[Synth("synth"), Synth("Digitone")])
    for place, given_notes in enumerate(parts):
        on_digitone(rig, f"part{place}", voices, channel=place)
        kept = tuple(Note(Fraction(on, 2), Fraction(n, 2), pitch, loud) for on, n, pitch, loud in given_notes)
        rig.plays(f"part{place}", Phrase(kept, Fraction(4)))
    rig.play(until=8)
    hardware = rig.sequencer._outputs[1]
    assert isinstance(hardware, Synth)
    for tape in (rig.tape, hardware):
        sound = [(note.beat, note.end_beat) for note in tape.notes() if note.beat < 8]
        for beat, _ in sound:
            assert sum(begin <= beat < end for begin, end in sound) <= voices


# Undone, and after a crash


def drummer(rig: Rig) -> None:
    """A part with all that an instrument brings, and two that share its voices."""
    chokes = choke_groups([("hat", "open_hat")])
    rig.obey(Equip(part="hats", instrument=Instrument(output="Digitone", channel=9, voicing=Voicing(0, chokes))))
    rig.plays("hats", Phrase((Note(0, 2, 46), Note(1, 1, 42)), 4, drums=True))  # type: ignore[arg-type]
    on_digitone(rig, "pad", 2)
    on_digitone(rig, "lead", 2, channel=1)
    rig.plays("pad", "C3,E3 _ _ _")
    rig.plays("lead", ". D5 E5 F5")
    rig.obey(Adjust(part="lead", voices=1))
    rig.obey(Nudge(part="lead", ms=-20))
    rig.obey(SetLatency(output="Digitone", ms=12))


def as_played(rig: Rig, tape: Synth, bar: int) -> list[tuple[str, float, float, int, int]]:
    """(part, beat, end, pitch, ms after its beat) of the notes of a bar that an output was handed."""
    begin, tempo = rig.sequencer.time.started or 0.0, rig.sequencer.time.tempo
    return [
        (
            note.part,
            float(note.beat - 4 * bar),
            float(note.end_beat - 4 * bar),
            note.pitch,
            round(1000 * (note.seconds - begin - tempo.seconds_at(note.beat))),
        )
        for note in tape.notes()
        if 4 * bar <= note.beat < 4 * bar + 4
    ]


WITH_ALL = [
    ("hats", 0, 1, 46, -12), ("pad", 0, 1, 48, -12), ("pad", 0, 4, 52, -12), ("lead", 1, 2, 74, -32), ("hats", 1, 2, 42, -12),
    ("lead", 2, 3, 76, -32), ("lead", 3, 4, 77, -32),
]  # fmt: skip


def test_voices_chokes_latency_and_nudge_are_the_same_after_a_crash(rig: Rig) -> None:
    drummer(rig)
    rig.play(until=9)
    hardware = rig.sequencer._outputs[1]
    assert isinstance(hardware, Synth)
    assert as_played(rig, hardware, 1) == WITH_ALL
    again = Synth("Digitone")
    back = rig.after_a_crash(outputs=[Synth("synth"), again])
    back.play(until=20.5)
    assert as_played(back, again, 3) == as_played(back, again, 4)[: len(WITH_ALL)] == WITH_ALL
    assert back.log == []


def test_voices_chokes_and_nudge_come_back_when_what_came_after_is_undone(rig: Rig) -> None:
    drummer(rig)
    for part in ("hats", "pad", "lead"):
        rig.obey(Route(part=part, output="synth"))
    rig.obey(Nudge(part="lead", ms=0))
    rig.obey(Adjust(part="lead", free=frozenset({"voices"})))
    rig.play(until=5)
    assert lasting(rig, "pad", until=4) == [(0, 4, 48), (0, 4, 52)]
    for part, times in {"hats": 1, "pad": 1, "lead": 3}.items():
        for _ in range(times):
            rig.obey(Undo(part=part, on=On.NOW))
    rig.play(until=13)
    hardware = rig.sequencer._outputs[1]
    assert isinstance(hardware, Synth)
    assert as_played(rig, hardware, 2) == WITH_ALL


def test_a_session_with_shared_voices_sounds_the_same_again_to_the_bit() -> None:
    here = {part: Instrument(output="FluidSynth", channel=place, voicing=Voicing(2)) for place, part in enumerate("ab")}
    session = Session(
        [
            (0.7, Equip(part="a", instrument=here["a"]), 0.1, 0.0),
            (0.9, Equip(part="b", instrument=here["b"]), 0.1, 0.3),
            (1.1, Play(part="a", phrase=notes("C3,E3,G3 _ _ D3")), 0.1, 0.0),
            (2.3, Play(part="b", phrase=notes("C5 D5 E5 _"), on=On.NOW), 0.1, 0.0),
            (1.3, Mute(part="b", muted=True), 0.1, 0.2),
            (1.9, Mute(part="b", muted=False), 0.1, 0.0),
            (0.4, Undo(part="a", on=On.BAR), 0.1, 0.0),
        ]
    )
    again = run_again(OfflineEngine(OPENED, session.recording, exact=True), session.recording, session.end)
    assert heard(again.tape, again.tempo(), session.end) == session.events()
