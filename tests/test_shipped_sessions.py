"""The sessions that ship: each replays to the bit from its recording, in another process, and is music."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import mido
import pytest

import livecode as lc
from livecode.scales import Key

SESSIONS = sorted((Path(__file__).parent.parent / "sessions").glob("*.py"))
LIVECODE = "from livecode.ui.cli import main; raise SystemExit(main())"


def rendered(script: Path, target: Path, *options: str) -> bytes:
    """What `livecode render` makes of a script, in a process with other hashes, another home and nothing in its caches."""
    home = {name: str(target.parent / name) for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
    environment = {**os.environ, **home, "PYTHONHASHSEED": "4711"}
    command = [sys.executable, "-c", LIVECODE, "render", str(script), str(target), *options]
    subprocess.run(command, check=True, env=environment, capture_output=True, text=True, cwd=target.parent)
    return target.read_bytes()


def test_four_sessions_ship_each_with_its_recording_and_its_score() -> None:
    assert [script.stem for script in SESSIONS] == ["chords", "drums", "set", "talk"]
    for script in SESSIONS:
        assert script.with_suffix(".jsonl").stat().st_size < 300_000
        assert script.with_suffix(".mid").exists()


@pytest.mark.parametrize("script", SESSIONS, ids=lambda script: script.stem)
def test_a_session_replays_to_the_bit_without_a_model(script: Path, tmp_path: Path) -> None:
    assert rendered(script, tmp_path / "again.mid", "--exact") == script.with_suffix(".mid").read_bytes()


@pytest.mark.parametrize("script", SESSIONS, ids=lambda script: script.stem)
def test_a_session_is_as_long_as_it_says_and_no_bar_of_it_is_empty(script: Path) -> None:
    score = lc.read_midi(script.with_suffix(".mid"))
    seconds = mido.MidiFile(script.with_suffix(".mid")).length
    least, most = {"set": (290, 310)}.get(script.stem, (120, 200))
    assert least <= seconds <= most
    onsets = sorted(note.onset for note in score.notes)
    assert max(later - earlier for earlier, later in itertools.pairwise(onsets)) <= 4


@pytest.mark.parametrize(
    ("name", "part", "key"), [("talk", "lead", "C"), ("chords", "keys", "A minor"), ("set", "bass", "A minor")]
)
def test_melodies_keep_to_their_key(name: str, part: str, key: str) -> None:
    song = mido.MidiFile(SESSIONS[0].with_name(f"{name}.mid"))
    track = next(track for track in song.tracks if track.name == part)
    pitches = [message.note for message in track if message.type == "note_on"]
    strange = [pitch for pitch in pitches if pitch % 12 not in Key.of(key).pitch_classes]
    assert len(pitches) > 100
    assert len(strange) <= len(pitches) / 20
