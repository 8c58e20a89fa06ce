"""Scripts are played on live stages, while prompts go on: what is handed over, what is said, and what keeps a script from it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_until

import livecode as lc
from livecode.errors import BadInput
from livecode.music import pitch_name
from livecode.session_reader import Script
from livecode.ui import replays
from livecode.ui.cli import main

SONG = """
session(bpm=480, seed=7)
at(1); lead >> notes("C4 E4 G4 .")
at(2); bass >> notes("C2 . . .")
at(4); lead >> notes("D4 F4 A4 .")
end(6)
"""

NOTES = "at(1); lead >> notes('C4 E4')\nend(2)"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stage() -> Iterator[lc.Stage]:
    with lc.Stage(bpm=480, outputs=[]) as stage:
        yield stage


def script(text: str, name: str = "song.py") -> Script:
    Path(name).write_text(text)
    return Script.read(name)


def recorded(text: str) -> Script:
    Path("song.py").write_text(text)
    assert main(["render", "song.py", "song.mid", "--record"]) == 0
    return Script.read("song.py")


def onsets(path: str) -> list[tuple[float, str]]:
    return sorted((float(note.onset), pitch_name(note.pitch)) for note in lc.read_midi(path).notes)


def replay(stage: lc.Stage, song: Script, *, begin: int = 1, exact: bool = False) -> list[str]:
    said: list[str] = []
    said.append(replays.play(stage, replays.ready(song, begin=begin, exact=exact, say=said.append), said.append))
    return said


def test_a_recording_is_handed_over_and_nothing_runs(stage: lc.Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    song = recorded(SONG)
    monkeypatch.setattr("subprocess.Popen", None)
    assert replay(stage, song, exact=True) == ["performs song: 5 bars from bar 1 on"]
    wait_until(lambda: stage.snapshot().beats > 21, "the end")
    assert stage.tape.onsets("lead") == [
        (4 * bar + beat, pitch) for bar in range(5) for beat, pitch in enumerate(("C4 E4 G4" if bar < 3 else "D4 F4 A4").split())
    ]
    assert stage.tape.onsets("bass") == [(beat, "C2") for beat in (4, 8, 12, 16)]


def test_an_edited_script_runs_first_and_what_it_prints_is_shown(stage: lc.Stage) -> None:
    recorded(SONG)
    said = replay(stage, script(SONG.replace("D4 F4", "B4 F4").replace("at(2);", "at(2); print('hello');")), begin=4)
    assert said == [
        "song.py was edited: it runs first, ahead of time; Ctrl-C ends that.",
        "hello",
        "performs song from its bar 4: 2 bars from bar 4 on",
    ]
    wait_until(lambda: stage.snapshot().beats > 15, "a bar")
    assert stage.tape.onsets("lead")[:3] == [(12, "B4"), (13, "F4"), (14, "A4")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at(1)\nlead >> notes('C4')\n\nat(3); 1 / 0", "song.py, line 4: ZeroDivisionError: division by zero"),
        ("at(1)\nlead >> notes('C4')\nimport os; os._exit(0)", "song.py ended its process before its end. Nothing is played."),
        ("at(1)\ninput('?')", "song.py, line 2: EOFError: EOF when reading a line"),
    ],
)
def test_nothing_is_half_played(text: str, words: str, stage: lc.Stage) -> None:
    with pytest.raises(BadInput) as refused:
        replay(stage, script(text))
    assert words in str(refused.value)
    assert stage.story().facts == ()


def test_what_a_script_leaves_running_is_not_waited_for(stage: lc.Stage) -> None:
    song = script("import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])\n" + NOTES)
    assert replay(stage, song)[-1] == "performs song: 1 bar from bar 1 on"


def test_ctrl_c_ends_a_script_that_loops_for_ever(stage: lc.Stage) -> None:
    song = script(
        "import os\nprint(os.getpid())\nwhile True:\n    try:\n        print('on and on')\n    except BaseException: pass"
    )
    said: list[str] = []

    def say(sentence: str) -> None:
        said.append(sentence)
        if sentence == "on and on":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replays.ready(song, say=say)
    with pytest.raises(ProcessLookupError):
        os.kill(int(said[1]), 0)


def test_beside_a_prompt_it_begins_as_on_an_empty_stage(stage: lc.Stage) -> None:
    song = recorded("session(bpm=480); at(1); stage.store('empty'); lead >> notes('C4')\nat(2); stage.scene('empty')\nend(4)")
    stage.part("drums")
    replay(stage, song)
    wait_until(lambda: stage.snapshot().beats > 12, "the end")
    assert {beat for beat, _ in stage.tape.onsets("lead")} == {0, 1, 2, 3}


@pytest.mark.parametrize(("own", "begin"), [("", 1), ("G5 . . .", 1), ("", 4), ("G5 . . .", 4)])
def test_a_session_that_performed_another_is_saved_with_all_it_needs(
    own: str, begin: int, stage: lc.Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = recorded(SONG.replace("480", "600").replace("at(4);", "at(3); bpm = 420\nat(4);"))
    if own:
        stage.part("mine") >> lc.notes(own)
        wait_until(lambda: stage.snapshot().beats > 2, "the music")
    replay(stage, song, begin=begin)
    first = stage.snapshot().beats
    wait_until(lambda: "performs" not in stage.log(1)[0] and stage.snapshot().beats > first + 6, "a bar and a half")
    stage.part("bass").mute()
    wait_until(lambda: stage.snapshot().beats > first + 10, "a bar")
    stage.undo()
    wait_until(lambda: stage.snapshot().beats > first + 14, "a bar")
    sounded = stage.tape.onsets()
    stage.save("again")
    shutil.rmtree(tmp_path / "state")
    assert main(["render", "again.py", "exact.mid", "--exact"]) == 0
    assert Path("exact.mid").read_bytes() == Path("again.mid").read_bytes()
    heard = [note for note in onsets("again.mid") if note[0] < first + 14]
    assert heard == [note for note in sorted(sounded) if note[0] < first + 14]
    assert str(tmp_path) not in Path("again.jsonl").read_text().replace(str(Path(lc.__file__).parent), "")
    Path("again.py").write_text(Path("again.py").read_text() + "# edited\n")
    assert main(["render", "again.py", "edited.mid", "--exact"]) == 0
    assert onsets("edited.mid") == onsets("again.mid")
    capsys.readouterr()


@pytest.mark.parametrize("begin", [1, 4])
def test_an_edited_script_has_the_bars_of_performed_models_from_the_recording(begin: int, stage: lc.Stage) -> None:
    models = "lead >> melody_rnn(bars=2); bass >> melody_rnn(bars=1)"
    song = recorded(f"session(bpm=900, seed=3); at(1); {models}\nat(6); lead.loop()\nend(9)")
    stage.part("mine") >> lc.notes("G5 . . .")
    wait_until(lambda: stage.snapshot().beats > 1, "the music")
    replay(stage, song, begin=begin)
    first = stage.snapshot().beats
    wait_until(lambda: stage.snapshot().beats > first + 10, "two bars and a half")
    stage.part("bass").mute()
    wait_until(lambda: stage.snapshot().replays == "", "the end")
    stage.save("again")
    Path("again.py").write_text(Path("again.py").read_text() + "# edited\n")
    assert main(["render", "again.py", "edited.mid", "--exact"]) == 0
    assert onsets("edited.mid") == onsets("again.mid")
    assert len({part for part in ("lead", "bass", "mine") if stage.tape.onsets(part)}) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", "song.py", "--from", "1e9"], "argument --from: invalid int value: '1e9'; livecode replay --help"),
        (["replay", "nothing.py"], "nothing.py cannot be read (No such file or directory)"),
        (["replay", "song.py", "--from", "9"], "--from 9 is no bar of it: it has 5, counted from 1."),
        (["replay", "song.py", "--from", "0"], "--from 0 is no bar of it"),
        (["replay", "song.py", "--name", "a b"], "'a b' cannot name an engine"),
    ],
)
def test_the_command_line_refuses_in_a_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(SONG)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_an_engine_that_runs_is_not_played_over(capsys: pytest.CaptureFixture[str]) -> None:
    script(SONG)
    with lc.Stage(name="taken", inline=False, outputs=[]):
        assert main(["replay", "song.py", "--name", "taken"]) == 2
    assert capsys.readouterr().err == (
        "livecode: The engine 'taken' runs already: type %replay song.py at its prompt (livecode attach), "
        "or give this one another name, such as --name second.\n"
    )
