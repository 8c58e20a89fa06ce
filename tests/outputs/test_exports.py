"""What has sounded, as files: read back by the libraries others read them with, and summed up."""

import resource
import signal
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest

import livecode as lc
from livecode.music import Seconds

Score = list[tuple[Seconds, int, int]]


@pytest.fixture
def stage() -> Iterator[lc.Stage]:
    """Three parts through two ramps, two meters and swing: keys on bank 8, drums, a lead that fades."""
    with lc.Stage(bpm=97, meter="3/4", offline=True) as stage:
        keys = stage.part("keys", program="Vibraphone", bank=8, cc={91: 80}, channel=3)
        keys >> lc.notes("C4,E4,G4 _ D4 . A3 C4", dur=0.5)
        stage.part("drums") >> lc.beat(kick="x..x..", hat="xxxxxx", snare="...X..")
        stage.swing = lc.Swing(Fraction(3, 5), Fraction(1, 4))
        stage.key = "A minor"
        stage.run(bars=2)
        stage.ramp(160, bars=2)
        stage.run(bars=4)
        stage.meter = "7/8"
        stage.part("lead", program=81) >> lc.notes("C5 E5 G5 B5 A5 G5 E5", dur=0.5)
        stage.parts["lead"].fade_out(bars=3)
        stage.run(bars=3)
        stage.ramp(60, bars=1.5)
        stage.run(bars=4)
        yield stage


def heard(stage: lc.Stage, part: str) -> Score:
    """The notes of a part, as the tape has them: (seconds from the first note of all, pitch, velocity)."""
    start = stage.tape.notes()[0].seconds
    return [(note.seconds - start, note.pitch, note.velocity) for note in stage.tape.notes(part)]


def of_pretty_midi(path: Path) -> dict[str, Score]:
    song = pretty_midi.PrettyMIDI(str(path))
    return {voice.name: sorted((note.start, note.pitch, note.velocity) for note in voice.notes) for voice in song.instruments}


def of_mido(path: Path) -> list[tuple[Seconds, int, int]]:
    seconds, score = 0.0, []
    for message in mido.MidiFile(path):
        seconds += message.time
        if message.type == "note_on":
            score.append((seconds, message.note, message.velocity))
    return score


def assert_same(score: Score, expected: Score) -> None:
    """The same strokes, each within a millisecond: a tick is up to 1 ms long at these tempos."""
    assert [stroke[1:] for stroke in sorted(score)] == [stroke[1:] for stroke in sorted(expected)]
    assert [stroke[0] for stroke in sorted(score)] == pytest.approx([stroke[0] for stroke in sorted(expected)], abs=1e-3)


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as take:
        return np.frombuffer(take.readframes(take.getnframes()), "<i2").reshape(-1, 2).astype(np.int64)


@pytest.mark.filterwarnings("ignore")
def test_other_libraries_read_the_same_notes_at_the_same_times(stage: lc.Stage, tmp_path: Path) -> None:
    stage.export(tmp_path / "set.mid")

    tracks = of_pretty_midi(tmp_path / "set.mid")
    assert list(tracks) == ["keys", "drums", "lead"]
    for part, score in tracks.items():
        assert_same(score, heard(stage, part))
    assert_same(of_mido(tmp_path / "set.mid"), [stroke for part in tracks for stroke in heard(stage, part)])


@pytest.mark.magenta
@pytest.mark.filterwarnings("ignore")
def test_note_seq_reads_the_same_notes_at_the_same_times(stage: lc.Stage, tmp_path: Path) -> None:
    import note_seq

    stage.export(tmp_path / "set.mid")

    sequence = note_seq.midi_file_to_note_sequence(str(tmp_path / "set.mid"))
    names = {info.instrument: info.name for info in sequence.instrument_infos}
    for part in ("keys", "drums", "lead"):
        notes = [note for note in sequence.notes if names[note.instrument] == part]
        assert_same([(note.start_time, note.pitch, note.velocity) for note in notes], heard(stage, part))


def test_the_file_says_names_meters_programs_banks_and_controllers(stage: lc.Stage, tmp_path: Path) -> None:
    stage.export(tmp_path / "set.mid")

    song = mido.MidiFile(tmp_path / "set.mid")
    assert [track.name for track in song.tracks] == ["tempo", "keys", "drums", "lead"]
    meters = [(said.numerator, said.denominator) for said in song.tracks[0] if said.type == "time_signature"]
    assert meters == [(3, 4), (7, 8)]
    assert [said.key for said in song.tracks[0] if said.type == "key_signature"] == ["Am"]
    keys = [message for message in song.tracks[1] if message.type in ("control_change", "program_change")]
    assert [(said.control, said.value) for said in keys if said.type == "control_change"] == [(91, 80), (0, 8), (32, 0)]
    assert {said.channel for said in keys} == {2}
    assert [said.program for said in keys if said.type == "program_change"] == [11]
    volumes = [said.value for said in song.tracks[3] if said.type == "control_change" and said.control == 11]
    assert volumes == sorted(volumes, reverse=True)
    assert volumes[-1] == 0
    assert len({sum(message.time for message in track) for track in song.tracks}) == 1


def test_one_part_alone(stage: lc.Stage, tmp_path: Path) -> None:
    assert stage.render(tmp_path / "lead.mid", part="lead").endswith("13 bars")
    stage.export(tmp_path / "lead.wav", part="lead", bars=2)

    assert list(of_pretty_midi(tmp_path / "lead.mid")) == ["lead"]
    with pytest.raises(lc.UnknownName, match="did you mean 'lead'"):
        stage.export(tmp_path / "x.mid", part="laed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lead.mid", "lead.wav"]


@pytest.mark.fluidsynth
@pytest.mark.usefixtures("libfluidsynth")
@pytest.mark.parametrize("gain", [0.2, 3.0])
def test_stems_are_equally_long_and_their_sum_is_the_mix(tmp_path: Path, gain: float) -> None:
    """With reverb and chorus: both are linear, so each part's share of them adds up, too."""
    with lc.Stage(bpm=120, offline=True, reverb=True, chorus=True, gain=gain) as stage:
        stage.part("keys", program="String Ensemble 1", pan=-0.5) >> lc.notes("C4,E4,G4 _ D4,F4 A3")
        stage.part("drums") >> lc.beat(kick="x..x..x.", hat="x.x.x.X.")
        stage.part("lead", cc={91: 127, 93: 127}) >> lc.notes("C5 E5 G5 B5")
        stage.part("mute") >> lc.notes("C5")
        stage.parts["mute"].mute()
        stage.run(bars=2)
        stage.export(tmp_path / "mix.wav")
        said = stage.stems(tmp_path / "take")

    assert "2 bars" in said
    stems = [samples(tmp_path / "take" / f"{part}.wav") for part in ("keys", "drums", "lead")]
    mix = samples(tmp_path / "mix.wav")
    assert {len(stem) for stem in stems} == {len(mix)}
    assert ("turned down" in said) == (gain == 3.0)
    assert abs(sum(stems) - mix).max() <= 3
    assert all(abs(stem).max() > 1000 for stem in stems)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.wav", "take"]


@pytest.mark.fluidsynth
@pytest.mark.usefixtures("libfluidsynth")
def test_what_cannot_be_written_is_refused_in_a_sentence_and_leaves_nothing_behind(stage: lc.Stage, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "drums.wav").write_text("somebody's")
    (tmp_path / "file").touch()
    for folder, words in {
        "full": "is there already and is no empty folder",
        "file": "is there already and is no empty folder",
        "nowhere/take": "cannot be written",
    }.items():
        with pytest.raises(lc.LivecodeError, match=words) as refusal:
            stage.stems(tmp_path / folder, bars=1)
        assert "\n" not in str(refusal.value)
    with pytest.raises(lc.BadInput, match=r"stage.stems\('take'\) writes a .wav for each part"):
        stage.export("take")
    with lc.Stage(offline=True) as silent, pytest.raises(lc.BadInput, match="Nothing has sounded yet"):
        silent.stems(tmp_path / "take")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]
    assert (tmp_path / "full" / "drums.wav").read_text() == "somebody's"


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 20,000 bytes, as on a disk that is nearly full."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.fluidsynth
@pytest.mark.usefixtures("libfluidsynth", "small_files")
def test_a_disk_that_is_full_is_said_in_a_sentence(stage: lc.Stage, tmp_path: Path) -> None:
    for write in (
        lambda: stage.stems(tmp_path / "take", bars=1),
        lambda: stage.export(tmp_path / "take.wav", bars=1),
    ):
        with pytest.raises(lc.OutputError, match=r"cannot be written \(File too large\): choose another place"):
            write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fluidsynth
@pytest.mark.usefixtures("libfluidsynth")
def test_an_empty_folder_may_be_there(stage: lc.Stage, tmp_path: Path) -> None:
    (tmp_path / "take").mkdir()
    stage.stems(tmp_path / "take", bars=1)
    assert sorted(path.name for path in (tmp_path / "take").iterdir()) == ["drums.wav", "keys.wav", "lead.wav"]
