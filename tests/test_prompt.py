"""The `livecode` command at a real terminal, and the demo."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest
from waiting import wait_until

import livecode as lc
from livecode.ui.cli import main

pexpect = pytest.importorskip("pexpect", reason="needs a POSIX terminal")

LIVECODE = Path(sys.executable).with_name("livecode")
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PROMPT = r"In \[\d+\]: "


@pytest.fixture
def prompt(tmp_path: Path) -> Iterator["pexpect.spawn"]:
    here = {name: str(tmp_path) for name in ("HOME", "IPYTHONDIR", "XDG_RUNTIME_DIR")}
    quiet = os.environ | here | {"TERM": "dumb", "JACK_DEFAULT_SERVER": "livecode-nobody-runs-this"}
    with pexpect.spawn(
        str(LIVECODE), ["--bpm", "240"], env=quiet, cwd=tmp_path, encoding="utf-8", timeout=60, dimensions=(50, 200)
    ) as child:
        child.expect(PROMPT)
        yield child


def types(prompt: "pexpect.spawn", line: str) -> str:
    """Type a line; returns what is printed until the next prompt."""
    prompt.sendline(line)
    prompt.expect(PROMPT)
    return CODES.sub("", prompt.before)


def test_a_set_at_the_prompt(prompt: "pexpect.spawn") -> None:
    assert "livecode: a stage is ready" in prompt.before
    assert "drums: loops 1/2 bar" in types(prompt, 'drums >> beat(kick="x...x...", hat="x.x.x.x.")')
    assert "drums: muted now" in types(prompt, "drums.mute()")
    assert re.search(r"output FluidSynth( \(|: .* there is no audio device )", types(prompt, "stage.status()"))
    assert types(prompt, "stage.bpm = 0").split("\r\n")[-3:-1] == [
        "livecode: A bpm of 0 cannot be played: give a number from 10 to 999, such as 120.",
        "",
    ]
    assert "There is no Drums RNN model 'drumkit': did you mean 'drum_kit'" in types(prompt, 'drums >> drums_rnn("drumkit")')
    assert "ZeroDivisionError" in types(prompt, "1 / 0")
    here = types(prompt, "stage.snapshot().bar")
    prompt.sendline("import threading; print('be' + 'gun'); threading.Event().wait()")
    prompt.expect("begun")
    prompt.sendintr()
    prompt.expect("KeyboardInterrupt")
    prompt.expect(PROMPT)
    assert "True" in types(prompt, f"stage.snapshot().running and stage.snapshot().bar >= {here.split()[-1]}")
    assert "all parts stop" in types(prompt, "stage.hush()")
    prompt.sendline("exit")
    prompt.expect(pexpect.EOF)
    prompt.close()
    assert prompt.exitstatus == 0


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
