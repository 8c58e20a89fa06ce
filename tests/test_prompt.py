"""The `livecode` command at a real terminal, and the demo."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import pytest
from sessions import heard, midi
from waiting import wait_until

import livecode as lc
from livecode import places
from livecode.music import Beats
from livecode.remote import RemoteEngine
from livecode.ui.cli import main

pexpect = pytest.importorskip("pexpect", reason="needs a POSIX terminal")

LIVECODE = Path(sys.executable).with_name("livecode")
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PROMPT = r"In (\x1b\[[0-9;?]*[a-zA-Z])*\[(\x1b\[[0-9;?]*[a-zA-Z])*\d+(\x1b\[[0-9;?]*[a-zA-Z])*\]: "


class Cursor:
    """Answers where the cursor is, as a terminal does that is asked (CSI 6 n): prompt_toolkit draws no toolbar before."""

    def __init__(self, child: "pexpect.spawn") -> None:
        self._child = child

    def write(self, said: str) -> None:
        for _ in range(said.count("\x1b[6n")):
            self._child.send("\x1b[1;1R")

    def flush(self) -> None:
        pass


Prompts = Callable[..., "pexpect.spawn"]


@pytest.fixture
def prompts(tmp_path: Path) -> Iterator[Prompts]:
    """Opens `livecode` prompts for one user, in terminals of 50 lines and 200 columns."""
    here = {name: str(tmp_path) for name in ("HOME", "IPYTHONDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")}
    quiet = here | {"JACK_DEFAULT_SERVER": "livecode-nobody-runs-this"}
    children: list[pexpect.spawn] = []

    def start(*arguments: str, program: Path = LIVECODE, **environment: str) -> "pexpect.spawn":
        around = os.environ | quiet | {"TERM": "dumb"} | environment
        child = pexpect.spawn(
            str(program),
            list(arguments),
            env=around,
            cwd=tmp_path,
            encoding="utf-8",
            timeout=60,
            maxread=50_000,
            dimensions=(50, 200),
        )
        child.logfile_read = Cursor(child)
        children.append(child)
        child.expect(PROMPT)
        return child

    yield start
    for child in children:
        child.close(force=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        for name in places.running():
            lc.Stage.attach(name).shut_down()


@pytest.fixture
def prompt(prompts: Prompts) -> "pexpect.spawn":
    return prompts("--bpm", "240")


def types(prompt: "pexpect.spawn", line: str) -> str:
    """Type a line; returns what is printed until the next prompt."""
    prompt.sendline(line)
    prompt.expect(PROMPT)
    return CODES.sub("", prompt.before)


def engine(prompt: "pexpect.spawn") -> int:
    """The process of the engine."""
    prompt.sendline("print('engine', stage.engine.pid, 'runs')")
    prompt.expect(r"engine (\d+) runs")
    found = int(prompt.match[1])
    prompt.expect(PROMPT)
    return found


def leave(prompt: "pexpect.spawn") -> int:
    """Leave the prompt; returns its exit status."""
    prompt.sendline("exit")
    prompt.expect(pexpect.EOF)
    prompt.close()
    return int(prompt.exitstatus)


def test_a_set_at_the_prompt(prompt: "pexpect.spawn") -> None:
    assert "livecode: a stage is ready" in prompt.before
    assert "drums: plays 1/2 bar from bar 1" in types(prompt, 'drums >> beat(kick="x...x...", hat="x.x.x.x.")')
    assert "bass: plays 1/2 bar from" in types(prompt, 'bass >> notes("C2 G2")')
    assert "name 'bss' is not defined" in types(prompt, "bss.loop()")
    assert "drums: muted now" in types(prompt, "drums.mute()")
    assert "bpm 200 from bar" in types(prompt, "bpm = 200")
    assert re.search(r"output FluidSynth( \(|: .* there is no audio device )", types(prompt, "%status"))
    assert types(prompt, "stage.bpm = 0").split("\r\n")[-3:-1] == [
        "livecode: A bpm of 0 cannot be played: give a number from 10 to 999, such as 120.",
        "",
    ]
    assert "There is no Drums RNN model 'drumkit': did you mean 'drum_kit'" in types(prompt, 'drums >> drums_rnn("drumkit")')
    assert "all parts stop" in types(prompt, "stage.hush()")
    assert leave(prompt) == 0


def test_nothing_typed_stops_the_music(prompt: "pexpect.spawn") -> None:
    types(prompt, 'drums >> beat(kick="x...x...")')
    playing = engine(prompt)
    types(prompt, "here = stage.snapshot().bar")
    assert "ZeroDivisionError" in types(prompt, "1 / 0")
    prompt.sendline("print(*range(10**6), sep=chr(10))")
    prompt.expect("999999", searchwindowsize=4000)  # pexpect searches all that it has anew with each piece it reads
    prompt.expect(PROMPT)
    types(prompt, "import os, threading")
    for endless in ("threading.Event().wait()", "exec('while True: pass')", "exec('while True: drums.mute()')"):
        prompt.sendline(f"(print('be' + 'gun'), {endless})")  # one statement: between two, IPython itself would be interrupted
        prompt.expect("begun")
        prompt.sendintr()
        prompt.expect("KeyboardInterrupt: the cell has ended, and the music goes on.")
        prompt.expect(PROMPT)
    assert "a forked process came back to the prompt, and is ended" in types(prompt, "child = os.fork(); child and os.wait()")
    assert "ended with 0" in types(prompt, "child = os.fork() or exit(); print('ended with', os.waitpid(child, 0)[1])")
    assert "True" in types(prompt, "stage.snapshot().running and stage.snapshot().bar > here")
    assert engine(prompt) == playing
    assert leave(prompt) == 0


def test_a_forked_child_waits_for_no_thread_of_its_parent(prompt: "pexpect.spawn") -> None:
    types(prompt, "import os, threading; over = threading.Event()")
    types(prompt, "threads = [threading.Thread(target=lambda: [stage.bpm for _ in iter(over.is_set, True)]) for _ in range(4)]")
    types(prompt, "[each.start() for each in threads];")
    for _ in range(5):
        prompt.sendline("child = os.fork() or os._exit(stage.bpm != 240); print('ended with', os.waitpid(child, 0)[1])")
        prompt.expect("ended with 0")
        prompt.expect(PROMPT)
    types(prompt, "over.set(); [each.join() for each in threads];")
    assert leave(prompt) == 0


def test_two_prompts_type_at_the_same_time(prompts: Prompts) -> None:
    left, right = prompts("--bpm", "240"), prompts("attach")
    for number in range(10):
        left.sendline(f'left{number} >> notes("C{number % 8} . . .")')
        right.sendline(f'right{number} >> notes("C{number % 8} . . .")')
    for number in range(10):
        for side, prompt in (("left", left), ("right", right)):
            prompt.expect(f"{side}{number}: plays 1 bar from bar")
            prompt.expect(PROMPT)
    everybody = {f"{side}{number}" for side in ("left", "right") for number in range(10)} | {"drums", "lead"}
    for prompt in (left, right):
        assert "True" in types(prompt, f"set(stage.parts) == {everybody}")
    assert "left3: muted now" in types(right, 'left3 >> notes("C3"); left3.mute()')
    right.sendline("exit")
    right.expect("The music goes on")
    assert "True" in types(left, "stage.snapshot().running")
    assert leave(left) == 0


def test_the_toolbar_ticks_with_the_music(prompts: Prompts) -> None:
    prompt = prompts("--bpm", "240", TERM="xterm-256color")
    prompt.expect("waits for notes │ 240 bpm")
    types(prompt, 'drums >> beat(kick="x...x...")')
    for _ in range(8):  # drawn anew by itself, while nobody types
        prompt.expect(r"\x1b\[0;7m\d")
    types(prompt, "")
    prompt.expect("drums loops 1/2 bar")
    stopped = engine(prompt)
    os.kill(stopped, signal.SIGSTOP)
    try:
        prompt.sendline("import threading; threading.Event().wait(2); 6 * 7")  # typing goes on
        prompt.expect("42")
        prompt.expect("! the engine has not answered for")
    finally:
        os.kill(stopped, signal.SIGCONT)
    prompt.sendline("stage.shut_down()")
    prompt.expect("closed")
    assert leave(prompt) == 0


def test_without_colour_trouble_is_told_by_its_mark(prompts: Prompts) -> None:
    prompt = prompts("--bpm", "240", TERM="xterm-256color", NO_COLOR="1")
    stopped = engine(prompt)
    os.kill(stopped, signal.SIGSTOP)
    try:
        prompt.sendline("import threading; threading.Event().wait(2)")
        prompt.expect("! the engine has not answered for")
        said = prompt.before.rpartition("waits for notes")[2]
        assert not re.search(r"\x1b\[[0-9;]*\b(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]", said)
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert leave(prompt) == 0


def test_any_ipython_becomes_the_instrument(prompts: Prompts) -> None:
    prompt = prompts(program=LIVECODE.with_name("ipython"))
    types(prompt, "%load_ext livecode")
    assert "bass: plays 1/2 bar from bar 1" in types(prompt, 'bass >> notes("C2 G2")')
    assert "already loaded" in types(prompt, "%load_ext livecode")
    assert leave(prompt) == 0


def test_attach_says_where_the_music_is_and_which_parts_there_are(tmp_path: Path) -> None:
    with lc.Stage(bpm=240, name="played", inline=False, outputs=[]) as stage:
        stage.part("lead") >> lc.notes("C4 D4 E4 F4")
        wait_until(lambda: stage.snapshot().running, "the music")
        environment = os.environ | {"HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path), "TERM": "dumb"}
        with pexpect.spawn(
            str(LIVECODE), ["attach", "played"], env=environment, cwd=tmp_path, encoding="utf-8", timeout=60, dimensions=(50, 200)
        ) as child:
            child.expect(PROMPT)
            said = CODES.sub("", child.before).splitlines()[0]
            assert re.fullmatch(r"Attached to the engine 'played': bar \d+, beat \d · 240 bpm · 4/4 · lead loops 1 bar", said), (
                said
            )
            child.sendline("exit")
            child.expect(pexpect.EOF)


def test_a_session_is_restored_after_everything_was_killed(prompts: Prompts, tmp_path: Path) -> None:
    prompt = prompts("--bpm", "240", "--seed", "7")
    types(prompt, 'drums >> beat(kick="x...x...", hat="x.x.x.x.")')
    types(prompt, "drums >> drums_rnn(bars=1)")
    types(prompt, 'lead >> notes("C4 E4 G4 .")')
    types(prompt, "import time; time.sleep(2)")
    types(prompt, "bss.mute()")
    assert "nothing" not in types(prompt, "%save before")
    prompt.sendline("print('killed', stage.engine.pid, stage.engine.supervisor, 'soon')")
    prompt.expect(r"killed (\d+) (\d+) soon")
    for process in (int(prompt.match[2]), int(prompt.match[1]), prompt.pid):
        os.kill(process, signal.SIGKILL)
    prompt.expect(pexpect.EOF)
    here = {name: str(tmp_path) for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")}
    around = os.environ | here | {"PYTHONHASHSEED": "5"}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        subprocess.run([LIVECODE, "restore", "after"], cwd=tmp_path, env=around, check=True, capture_output=True)
        for name in ("before", "after"):
            command = [LIVECODE, "render", f"../{name}.py", f"{name}.mid", "--exact"]
            subprocess.run(command, cwd=elsewhere, env=around, check=True, capture_output=True)
            assert (elsewhere / f"{name}.mid").read_bytes() == (tmp_path / f"{name}.mid").read_bytes()
    finally:
        busy.kill()
        busy.wait()
    before, after = (lc.read_midi(tmp_path / name) for name in ("before.mid", "after.mid"))
    assert before.notes
    shared = min(before.length, after.length) - 1
    assert [note for note in before.notes if note.end < shared] == [note for note in after.notes if note.end < shared]
    assert "# bss.mute()" in (tmp_path / "after.py").read_text()


def test_a_recorded_session_is_played_beside_the_prompt(
    prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = """session(bpm=480); at(1); drums >> beat(kick="x...x...", hat="x.x.x.x."); lead >> notes("C4 E4 G4 .")
at(4, 2.5); bpm = 600; bass >> notes("C2 . G2 ."); drums.gain = 0.5
end(9)
"""
    (tmp_path / "song.py").write_text(song)
    assert main(["render", str(tmp_path / "song.py"), str(tmp_path / "song.mid"), "--record"]) == 0
    prompt = prompts("replay", "song.py", "--exact")
    assert "livecode performs song: 8 bars from bar 1 on." in CODES.sub("", prompt.before)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    engine = RemoteEngine.attach("main")
    wait_until(lambda: any("the replay is over at bar 9" in str(entry) for entry in engine.log()), "the end")
    wait_until(lambda: engine.snapshot().beats > 33, "the last notes")
    tempo, end = engine.tempo(), Beats(32)
    assert midi(heard(engine.tape, tempo, end), tempo, end) == (tmp_path / "song.mid").read_bytes()
    engine.detach()
    assert "performs song" in types(prompt, "%replay song.py")
    assert "lead is yours now: what the replay had for it is dropped" in types(prompt, 'lead >> notes("A5")')
    (tmp_path / "song.py").write_text(song.replace("end(9)", "while True: pass"))
    prompt.sendline("%replay song.py")
    prompt.expect("song.py was edited: it runs first")
    prompt.sendintr()
    prompt.expect("KeyboardInterrupt: the cell has ended, and the music goes on.")
    prompt.expect(PROMPT)
    assert leave(prompt) == 0


@pytest.mark.magenta
@pytest.mark.fluidsynth
def test_the_demo_renders_a_piece_of_the_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--bars", "4", "--seed", "3", "--out", str(tmp_path / "piece.mid")]) == 0
    assert "Drums RNN has made 2 loops, Melody RNN 1" in capsys.readouterr().out
    phrase = lc.read_midi(tmp_path / "piece.mid")
    assert phrase.length == 20
    names = [track.name for track in mido.MidiFile(tmp_path / "piece.mid").tracks]
    assert set(names) == {"tempo", "drums", "lead"}
    for bar in range(1, 5):
        assert [note for note in phrase.notes if 4 * bar <= note.onset < 4 * bar + 4]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "--bars", "0"], "--bars 0 is no length"),
        (["demo", "--out", "x.ogg"], "neither .wav nor .mid"),
        (["demo", "--bpm", "nan", "--out", "x.mid"], "A bpm of 'nan'"),
        (["demo", "--soundfont", "TimGM6m", "--out", "x.mid"], "did you mean 'TimGM6mb'"),
        (["--bpm", "nan", "demo", "--out", "x.mid"], "A bpm of 'nan'"),
        (["demo", "--driver", "alsaa"], "There is no audio driver 'alsaa': did you mean 'alsa'"),
    ],
)
def test_the_command_line_refuses_in_a_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1
