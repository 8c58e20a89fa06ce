"""Phrases and takes as others read them: the libraries themselves are the judges."""

from fractions import Fraction
from pathlib import Path

import mido
import pretty_midi
import pytest

import livecode as lc
from livecode.commands import Play, SetSwing, Tempo
from livecode.music import Phrase

TUNE = lc.notes("C4 E4,G4 . C5 _ B4 A4 G4", dur="1/2")
GROOVE = lc.beat(kick="x...x...x...x...", hat="X.o.x.x.x.x.x.x.")


def test_a_rendered_midi_file_reads_back_to_the_same_notes(tmp_path: Path) -> None:
    with lc.Stage(bpm=90, offline=True) as stage:
        stage.part("lead") >> TUNE
        stage.part("drums") >> GROOVE
        stage.run(bars=2)
        stage.export(tmp_path / "take.mid")
    song = mido.MidiFile(tmp_path / "take.mid")
    assert [track.name for track in song.tracks] == ["tempo", "lead", "drums"]
    both = lc.read_midi(tmp_path / "take.mid")
    expected = sorted((note.onset + bar * 4, note.pitch) for phrase in (TUNE, GROOVE) for note in phrase.notes for bar in (0, 1))
    assert [(note.onset, note.pitch) for note in both.notes] == expected
    assert both.length == 8


def test_tempo_ramps_meter_and_swing_are_in_the_file(tmp_path: Path) -> None:
    with lc.Stage(bpm=120, meter="3/4", offline=True) as stage:
        stage.part("lead") >> lc.notes("C4 D4 E4 F4 G4 A4", dur="1/2")
        stage.swing = lc.Swing(Fraction(2, 3), Fraction(1, 2))
        stage.run(bars=1)
        stage.bpm = 60
        stage.run(bars=2)
        planned = [note.seconds for note in stage.tape.notes()]
        stage.export(tmp_path / "take.mid")
    heard = sorted(note.start for note in pretty_midi.PrettyMIDI(str(tmp_path / "take.mid")).instruments[0].notes)
    assert heard == pytest.approx([seconds - planned[0] for seconds in planned[: len(heard)]], abs=2e-3)
    signatures = [message for message in mido.MidiFile(tmp_path / "take.mid").tracks[0] if message.type == "time_signature"]
    assert [(message.numerator, message.denominator, message.time) for message in signatures] == [(3, 4, 0)]


def test_the_last_bars_alone(tmp_path: Path) -> None:
    with lc.Stage(offline=True) as stage:
        lead = stage.part("lead", program="Cello", bank=8, gain=0.25)
        lead >> lc.notes("C4 . . . D4 . . . E4 . . .")
        stage.run(bars=3)
        stage.export(tmp_path / "take.mid", bars=2)
    said = [message for message in mido.MidiFile(tmp_path / "take.mid").tracks[1] if message.type != "note_on"]
    assert [(message.program, message.time) for message in said if message.type == "program_change"] == [(42, 0)]
    assert [(message.control, message.value) for message in said if message.type == "control_change"] == [
        (7, 50),
        (0, 8),
        (32, 0),
    ]
    assert [message.type for message in said if message.time == 0][-2:] == ["control_change", "program_change"]
    assert [(note.onset, note.pitch) for note in lc.read_midi(tmp_path / "take.mid").notes] == [(0, 62), (4, 64)]


@pytest.mark.magenta
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("phrase", [TUNE, GROOVE])
def test_note_sequence_and_back(phrase: Phrase) -> None:
    sequence = lc.to_note_sequence(phrase, bpm=77)
    assert sequence.tempos[0].qpm == 77
    assert lc.from_note_sequence(sequence) == phrase

    import note_seq

    steps = note_seq.quantize_note_sequence(sequence, steps_per_quarter=4)
    assert lc.from_note_sequence(steps).notes == phrase.notes


@pytest.mark.parametrize("phrase", [TUNE, GROOVE])
@pytest.mark.filterwarnings("ignore")
def test_pretty_midi_and_back(phrase: Phrase) -> None:
    assert lc.from_pretty_midi(lc.to_pretty_midi(phrase, bpm=77)) == phrase


def test_files_that_cannot_be_read_are_refused_in_a_sentence(tmp_path: Path) -> None:
    text, short, empty = tmp_path / "a.mid", tmp_path / "b.mid", tmp_path / "c.mid"
    text.write_text("hello, this is no music at all")
    mido.MidiFile(tracks=[mido.MidiTrack([mido.MetaMessage("track_name", name="x")])]).save(empty)
    short.write_bytes(empty.read_bytes()[:-6])
    for path, words in [
        (text, "no whole MIDI file"),
        (short, "no whole MIDI file"),
        (empty, "no notes"),
        (tmp_path / "no.mid", "No such file"),
    ]:
        with pytest.raises(lc.BadInput, match=words) as refusal:
            lc.read_midi(path)
        assert "\n" not in str(refusal.value)


def test_a_file_that_cannot_be_written_is_refused_and_nothing_is_half_written(tmp_path: Path) -> None:
    with lc.Stage(offline=True) as stage:
        with pytest.raises(lc.BadInput, match="Nothing has sounded yet"):
            stage.export(tmp_path / "take.mid")
        stage.part("lead") >> TUNE
        stage.run(bars=1)
        with pytest.raises(lc.LivecodeError, match="cannot be written"):
            stage.export(tmp_path / "nowhere" / "take.mid")
        (tmp_path / "folder.mid").mkdir()
        with pytest.raises(lc.OutputError, match="cannot be written"):
            stage.export(tmp_path / "folder.mid")
        with pytest.raises(lc.BadInput, match=r"neither \.wav nor \.mid"):
            stage.export(tmp_path / "take.ogg")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mid"]


def test_commands_make_the_same_take_twice() -> None:
    def take() -> list[tuple[float, str]]:
        with lc.Stage(bpm=90, offline=True, seed=5) as stage:
            stage.tell(Play(part="lead", phrase=TUNE))
            stage.tell(SetSwing(swing=lc.Swing(Fraction(3, 5))))
            stage.run(bars=1)
            stage.tell(Tempo(bpm=Fraction(120), bars=Fraction(2)))
            stage.run(bars=3)
            return [(note.seconds, note.part) for note in stage.tape.notes()]

    assert take() == take()
