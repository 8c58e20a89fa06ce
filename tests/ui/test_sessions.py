"""Sessions are saved as scripts, and scripts are played: at a prompt without a terminal, on virtual time."""

import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import livecode as lc
from livecode import journal
from livecode.errors import BadInput, BundleError
from livecode.facts import Typed
from livecode.files import whole_files
from livecode.session_reader import Script
from livecode.session_runner import run
from livecode.session_writer import as_python
from livecode.ui.cli import main

Cell = Callable[[str], str]

BY_HAND = 'at(1); drums >> beat(kick="x...x...", hat="x.x.x.x."); at(5); bpm = 96; at(9); drums.stop(); end(13)\n'


@pytest.fixture
def saved(shell: Any, cell: Cell, tmp_path: Path) -> Callable[[], list[str]]:
    """Save the session; the script's lines below its header."""

    def save() -> list[str]:
        cell(f"%save {tmp_path / 'x.py'}")
        return (tmp_path / "x.py").read_text().splitlines()[3:]

    return save


def script(folder: Path, text: str) -> Path:
    path = folder / "hand.py"
    path.write_text(text)
    return path


def onsets(path: Path, *, exact: bool = False) -> list[tuple[float, str]]:
    engine = run(Script.read(path), exact=exact)
    engine.close()
    return engine.tape.onsets()


# Saving


def test_a_session_is_saved_as_it_was_typed(shell: Any, cell: Cell, saved: Callable[[], list[str]]) -> None:
    stage = shell.user_ns["stage"]
    cell('drums >> beat(kick="x...x...")')
    cell('riff = notes("C4 E4 G4 .")\nlead >> riff')
    stage.run(bars=4)
    cell("bss.mute()")
    cell("drums.mute(); 1 / 0")
    cell("%status")
    stage.run(bars=2)
    cell("%bpm 96 8")
    cell("hush")
    assert saved() == [
        "",
        "at(1)",
        'drums = part("drums")',
        'lead = part("lead")',
        'drums >> beat(kick="x...x...")',
        'riff = notes("C4 E4 G4 .")',
        "lead >> riff",
        "",
        "at(5, 1.04)",
        "# bss.mute()",
        "#   NameError: name 'bss' is not defined",
        "# drums.mute(); 1 / 0",
        "#   ZeroDivisionError: division by zero",
        "drums.mute()",
        "# %status",
        "",
        "at(7, 1.04)",
        "stage.ramp(96, bars=8)",
        "# hush",
        "stage.hush()",
        "",
        "end(8)",
    ]


def test_what_other_programs_say_is_spelt_and_their_parts_have_names(
    shell: Any, cell: Cell, saved: Callable[[], list[str]]
) -> None:
    stage = shell.user_ns["stage"]
    stage.part("pads", program="Pad 2 (warm)") >> lc.notes("C3,E3 _ _ _")
    stage.run(bars=1)
    cell("del lead; lead = 3")
    stage.part("lead").mute()
    assert saved()[4:] == [
        'pads = part("pads")',
        'pads.program = "Pad 2 (warm)"',
        'pads >> notes("C3,E3", dur=4)',
        "",
        "at(2, 1.04)",
        "del lead; lead = 3",
        'part("lead").mute()',
        "",
        "end(3)",
    ]


def test_a_cell_that_takes_its_time_is_spelt_out_where_its_commands_were(
    shell: Any, cell: Cell, saved: Callable[[], list[str]]
) -> None:
    cell('lead >> notes("C4 E4")')
    cell("for level in (0.5, 0.8):\n    lead.gain = level\n    stage.run(bars=1)")
    assert saved()[5:-2] == [
        "# for level in (0.5, 0.8):",
        "#     lead.gain = level",
        "#     stage.run(bars=1)",
        "lead.gain = 0.5",
        "",
        "at(2, 1.04)",
        "lead.gain = 0.8",
    ]


def test_a_part_is_told_by_its_name_in_quotes_where_that_means_something_else(
    shell: Any, cell: Cell, saved: Callable[[], list[str]], tmp_path: Path
) -> None:
    stage = shell.user_ns["stage"]
    cell('solo = notes("C4 E4")')
    cell('lead = stage.part("lead"); lead >> solo')
    stage.part("solo") >> lc.notes("G4")
    stage.part("solo").mute()
    stage.part("lead").mute()
    stage.run(bars=1)
    assert saved()[4:-2] == [
        'solo = notes("C4 E4")',
        'lead = stage.part("lead"); lead >> solo',
        'part("solo") >> notes("G4")',
        'part("solo").mute()',
        "lead.mute()",
    ]
    (tmp_path / "x.py").write_text((tmp_path / "x.py").read_text() + "# edited\n")
    assert onsets(tmp_path / "x.py") == []


def test_what_a_cell_named_before_it_failed_is_there_for_those_that_read_it(
    shell: Any, cell: Cell, saved: Callable[[], list[str]], tmp_path: Path
) -> None:
    cell('riff = notes("C4 E4"); unread = 3; lead >> riff; 1 / 0; riff = notes("D4")')
    cell("import math\ndef up(phrase):\n    return phrase.transpose(12 * math.isqrt(1))\nbass >> riff; raise SystemError")
    cell("bass >> up(riff)")
    shell.user_ns["stage"].run(bars=1)
    assert saved()[4:-2] == [
        '# riff = notes("C4 E4"); unread = 3; lead >> riff; 1 / 0; riff = notes("D4")',
        "#   ZeroDivisionError: division by zero",
        'riff = notes("C4 E4")',
        'lead >> notes("C4 E4")',
        "# import math",
        "# def up(phrase):",
        "#     return phrase.transpose(12 * math.isqrt(1))",
        "# bass >> riff; raise SystemError",
        "#   SystemError",
        "import math",
        "def up(phrase):",
        "    return phrase.transpose(12 * math.isqrt(1))",
        'bass >> notes("C4 E4")',
        "bass >> up(riff)",
    ]
    (tmp_path / "x.py").write_text((tmp_path / "x.py").read_text() + "# edited\n")
    assert onsets(tmp_path / "x.py") == [
        (0, "C4"), (0, "C5"), (1, "E4"), (1, "E5"), (2, "C4"), (2, "C5"), (3, "E4"), (3, "E5"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("%safe\nlead.mute()", ["stage.safe()", "lead.mute()"]),
        ("%status\nlead.mute()", ["# %status", "lead.mute()"]),
        ("x = 0.5\n%time lead.mute()", ["# x = 0.5", "# %time lead.mute()", "lead.mute()"]),
        ("%%time\nx = 0.5\nlead.gain = x", ["# %%time", "# x = 0.5", "# lead.gain = x", "lead.gain = 0.5"]),
    ],
)
def test_what_magics_say_is_in_the_script(text: str, lines: list[str], cell: Cell, saved: Callable[[], list[str]]) -> None:
    cell(text)
    assert [line for line in saved()[2:-2] if "part(" not in line] == lines


def test_what_a_spelt_cell_named_is_there_for_those_that_read_it(cell: Cell, saved: Callable[[], list[str]]) -> None:
    cell("%%time\nx = 0.5\nlead.gain = x")
    cell("lead.pan = x")
    assert saved()[6:10] == ["# lead.gain = x", "x = 0.5", "lead.gain = 0.5", "lead.pan = x"]


def test_a_script_whose_words_the_performer_has_taken_is_still_one(
    shell: Any, cell: Cell, saved: Callable[[], list[str]]
) -> None:
    cell('at = end = 3; part = notes("C4")')
    cell("lead >> part")
    shell.user_ns["stage"].run(bars=1)
    lines = saved()
    assert lines[1:3] == ["stage.at(1)", 'drums = stage.part("drums")']
    assert lines[-1] == "stage.end(2)"


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%bpm 96", "bpm = 96"),
        ("bpm 96 8", "stage.ramp(96, bars=8)"),
        ("%hush beat", 'stage.hush(on="beat")'),
        ("%safe\n%panic", "stage.safe()\nstage.panic()"),
        ("undo", "# undo"),
        ("clear", "# clear"),
        ("stage", "# stage"),
        ("%%time\nlead.mute()", None),
        ("!ls\nx = 3", "# !ls\nx = 3"),
        ("lead.mute?", "# lead.mute?"),
        ("x = !ls", None),
        ("exit", "# exit"),
        ("lead.mute(); exit()", "# lead.mute(); exit()"),
        ('stage.save("x")\nlead.mute()', '# stage.save("x")\nlead.mute()'),
        ("stage = lc.Stage(90)", "# stage = lc.Stage(90)"),
        ("bpm += 4", "bpm += 4"),
    ],
)
def test_cells_as_python(cell: str, python: str | None) -> None:
    assert as_python(cell) == python


def test_saving_says_what_it_wrote_and_writes_over_nothing_else(shell: Any, cell: Cell, tmp_path: Path) -> None:
    cell('lead >> notes("C4 E4")')
    shell.user_ns["stage"].run(bars=1)
    path = tmp_path / "x.py"
    said = cell(f"%save {tmp_path / 'x'}")
    assert said == (
        f"{path} and {tmp_path / 'x.jsonl'}: 1 bar, 1 cell as it was typed; {tmp_path / 'x.mid'} is what it sounds like"
    )
    assert cell(f'stage.save("{path}")').startswith(str(path))
    path.write_text(path.read_text() + "# mine\n")
    assert cell(f"%save {path}") == (
        f"livecode: {path} is there already, and is another session's or was edited: give another name, or remove it."
    )


@pytest.mark.parametrize("ending", [".py", ".jsonl", ".mid"])
def test_no_file_that_is_anothers_is_written_over(ending: str, shell: Any, cell: Cell, tmp_path: Path) -> None:
    cell('lead >> notes("C4 E4")')
    other = tmp_path / f"x{ending}"
    other.write_bytes(b"\xff mine")
    for _ in range(2):
        assert f"x{ending} is there already, and is another session's or was edited" in cell(f"%save {tmp_path / 'x'}")
        assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"\xff mine"]
        shell.user_ns["stage"].run(bars=1)
    other.unlink()
    cell(f"%save {tmp_path / 'x'}")
    assert "is what it sounds like" in cell(f"%save {tmp_path / 'x'}")
    other.write_bytes(b"mine again")
    assert "is there already, and is another session's" in cell(f"%save {tmp_path / 'x'}")
    assert other.read_bytes() == b"mine again"


def test_a_name_that_a_folder_has_leaves_all_three_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "x.mid").mkdir()
    (tmp_path / "x.py").write_text("before")

    def write() -> None:
        with whole_files(tmp_path / "x.py", tmp_path / "x.mid") as hidden:
            for file in hidden:
                file.write_text("after")

    with pytest.raises(lc.OutputError, match=r"x\.mid' cannot be written \(Is a directory\)"):
        write()
    assert (tmp_path / "x.py").read_text() == "before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.mid", "x.py"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As if the disk were full: no file becomes longer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_leaves_nothing_behind(shell: Any, cell: Cell, tmp_path: Path) -> None:
    cell('lead >> notes("C4 E4")')
    with files_of_at_most(100):
        said = cell(f"%save {tmp_path / 'x'}")
    assert "cannot be written (File too large): choose another place." in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%save", "%save  is not understood: say %save tonight, or %save --last tonight."),
        ("%save --first x", "%save --first x is not understood"),
        ("%save x.mid", "x.mid does not end in .py: a session is saved as a script, such as x.py."),
        ("%save nowhere/x", "There is no folder nowhere: make it first, or save somewhere else."),
        ("stage.save(3)", "3 is no name for a session"),
        ('%save "x', "is not understood: a quote is open."),
    ],
)
def test_saving_refuses_nonsense_in_a_sentence(line: str, words: str, cell: Cell) -> None:
    said = cell(line)
    assert said.startswith("livecode: ")
    assert words in said
    assert said.count("\n") == 0


# Reading


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at(1)\ndrums >> beat(kick='x'\n", "hand.py, line 2: '(' was never closed: drums >> beat(kick='x'"),
        ("at(5)\nat(3)\n", "hand.py, line 2: at(3) goes back, for at(5) was before it."),
        ("at(5, 2.5)\nstage.at(5, 2.25)", "hand.py, line 2: at(5, 2.25) goes back"),
        ("at(5)\nend(3)\n", "hand.py, line 2: end(3) goes back"),
        ("end(3)\nat(5)\n", "hand.py, line 2 comes after the end, which line 1 says."),
        ("at(0)", "hand.py, line 1: There is no bar 0"),
        ("at(1, 0.5)", "hand.py, line 1: There is no beat 0.5 in a bar"),
        ("at()", "hand.py, line 1: at takes a bar and a beat"),
        ("at(1)\nsession(bpm=90)", "hand.py, line 2: session(...) comes first"),
        ("session(tempo=90)", "hand.py, line 1: There is no argument of session 'tempo'"),
        ("session(bpm=0)", "hand.py: session(...): A bpm of 0 cannot be played"),
        ("session(bpm=x)", "hand.py, line 1: bpm is a number or text as it stands"),
        ("session(90)", "hand.py, line 1: session takes names"),
        ("# nothing", "hand.py says nothing"),
        ("\0", "is no script"),
    ],
)
def test_a_script_is_refused_before_anything_plays(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        Script.read(script(tmp_path, text))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing.py cannot be read \(No such file or directory\)"):
        Script.read(tmp_path / "nothing.py")
    with pytest.raises(BadInput, match="is a folder"):
        Script.read(tmp_path)
    (tmp_path / "x.mid").write_bytes(b"MThd")
    with pytest.raises(BadInput, match=r"is no script: give one such as x\.py"):
        Script.read(tmp_path / "x.mid")


def test_a_bundle_that_is_missing_or_another_is_said(tmp_path: Path) -> None:
    for name, words in (("drum_kit", "is another one here"), (str(tmp_path / "mine.mag"), "is not here")):
        with pytest.raises(BundleError, match=words):
            run(Script.read(script(tmp_path, f"session(models={{{name!r}: '0123456789abcdef'}})\nat(1)")))


# Running


def test_a_script_by_hand_is_as_good_as_a_saved_one(tmp_path: Path) -> None:
    engine = run(Script.read(script(tmp_path, BY_HAND)))
    assert engine.tape.onsets()[:6] == [(0, "C2"), (0, "F#2"), (0.5, "F#2"), (1, "C2"), (1, "F#2"), (1.5, "F#2")]
    assert max(beat for beat, _ in engine.tape.onsets()) == 31.5
    tempo = engine.tempo()
    assert (tempo.bpm_at(lc.Beats(15)), tempo.bpm_at(lc.Beats(16)), engine.snapshot().beats) == (120, 96, 48)


def test_what_is_read_in_a_script_is_what_was_so_then(tmp_path: Path) -> None:
    text = """
at(1)
lead >> notes("C4 E4")
at(3)
lead >> stage.grab(1).transpose(12)
at(4)
low, high = lead.takes
bass >> low.transpose(-12)
end(5)
"""
    last_bar = [note for note in onsets(script(tmp_path, text)) if note[0] >= 12]
    assert last_bar == [
        (12, "C5"), (12, "C3"), (13, "E5"), (13, "E3"), (14, "C5"), (14, "C3"), (15, "E5"), (15, "E3"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("at(1)\n\nbss.loop()", "hand.py, line 3: NameError: name 'bss' is not defined"),
        ("def f():\n    return 1 / 0\nat(1)\nf()", "hand.py, line 2: ZeroDivisionError: division by zero"),
        ("at(1)\nbpm = 0", "hand.py, line 2: A bpm of 0 cannot be played"),
        ("for bar in (5, 3):\n    at(bar)", "hand.py, line 2: Bar 3 has passed: it is bar 5 already."),
        ("lead >> notes('C4')\nat(3)\nstage.pause()\nat(9)", "never comes, for the music is paused at bar 3"),
        ("stage.meter = '3/4'\nat(2)\nat(2, 4.5)", "hand.py, line 3: Bar 2 has no beat 4.5: in 3/4 they end before 4."),
        ("exit()", "hand.py, line 1: exit() ends no session"),
        ("import threading; t = threading.Thread(target=stage.hush); t.start(); t.join(); drums = 3", ""),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_goes_wrong_in_a_script_is_said_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    if not words:
        assert not run(Script.read(script(tmp_path, text))).facts[:-1]
        return
    with pytest.raises(BadInput) as refused:
        run(Script.read(script(tmp_path, text)))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "at(1)\nstage.click()\nat(2)\nclick.stop()\nend(4)\n",
        "at(1)\nstage.count_in()\ncount.mute()\nend(4)\n",
        'at(1)\nstage.part("bass") >> notes("C2")\nat(2)\nbass.stop()\nend(4)\n',
        'at(1)\nlead >> notes("C4")\nkeys = stage.input("Keys")\nkeys.loop(1)\nat(3)\nlooper.stop()\nend(4)\n',
    ],
)
def test_a_part_that_a_command_made_has_its_name_in_a_script_too(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(text)

    run(Script.read(tmp_path / "x.py")).close()


def test_a_name_that_a_script_gave_something_else_stays_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.py").write_text("click = 7\nat(1)\nstage.click()\nprint(click)\nend(2)\n")

    run(Script.read(tmp_path / "x.py")).close()

    assert capsys.readouterr().out == "7\n"


def test_a_script_without_an_end_goes_on_for_four_bars(tmp_path: Path) -> None:
    engine = run(Script.read(script(tmp_path, 'at(1); lead >> notes("C4 . . .")\nat(2); lead.gain = 0.5')))
    assert engine.tape.onsets() == [(4 * bar, "C4") for bar in range(5)]


# Both


@pytest.mark.parametrize("mode", [[], ["--exact"], ["--regenerate"]])
def test_what_was_saved_is_rendered_to_the_byte(
    mode: list[str], shell: Any, cell: Cell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = shell.user_ns["stage"]
    cell('drums >> beat(kick="x...x...", hat="x.x.x.x.")\ndrums >> drums_rnn(bars=1)')
    stage.run(bars=2.3)
    cell("drums.mute(); lead.gain = 0.7; drums.unmute()")
    cell("lead >> melody_rnn(bars=1, primer=None)")
    stage.run(bars=2.4)
    cell("lead.candidates(2); lead.pick(2)")
    stage.run(bars=1.5)
    cell(f"%save {tmp_path / 'x'}")
    assert main(["render", str(tmp_path / "x.py"), str(tmp_path / "y.mid"), *mode]) == 0
    assert (tmp_path / "y.mid").read_bytes() == (tmp_path / "x.mid").read_bytes()
    capsys.readouterr()


def test_an_edited_script_takes_the_rest_from_its_recording(shell: Any, cell: Cell, tmp_path: Path) -> None:
    cell('drums >> beat(kick="x...x...")\ndrums >> drums_rnn(bars=1)')
    shell.user_ns["stage"].run(bars=4)
    cell('bass >> notes("C5")')
    shell.user_ns["stage"].run(bars=2)
    cell(f"%save {tmp_path / 'x'}")
    path = tmp_path / "x.py"
    before = [note for note in onsets(path, exact=True) if note[1] != "C5"]
    path.write_text(path.read_text().replace('notes("C5")', 'notes("D5")'))
    assert Script.read(path).edited
    assert [note for note in onsets(path, exact=True) if note[1] != "D5"] == before
    path.write_text(path.read_text().replace("drums_rnn(bars=1)", "drums_rnn(bars=1, temperature=1.3)"))
    with pytest.raises(BadInput, match=r"x.py, line \d+: drums: the recording has no such bars for bar 2 from drum_kit"):
        onsets(path, exact=True)


def test_a_script_by_hand_is_recorded_and_then_exact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(tmp_path, "at(1); drums >> drums_rnn(bars=1)\nend(5)")
    assert main(["render", str(path), str(tmp_path / "x.mid"), "--record"]) == 0
    assert main(["render", str(path), str(tmp_path / "y.mid"), "--exact"]) == 0
    assert (tmp_path / "x.mid").read_bytes() == (tmp_path / "y.mid").read_bytes()
    assert main(["render", str(path), str(tmp_path / "z.mid"), "--from", "3"]) == 0
    assert lc.read_midi(tmp_path / "z.mid").length == 8
    assert capsys.readouterr().out.splitlines()[-1].endswith("z.mid: 2 bars")


def test_an_exact_render_loads_no_model(tmp_path: Path) -> None:
    path = script(tmp_path, "at(1); drums >> drums_rnn(bars=1)\nend(3)")
    assert main(["render", str(path), str(tmp_path / "x.mid"), "--record"]) == 0
    heavy = "{'tensorflow', 'magenta', 'onnxruntime', 'note_seq'}"
    code = f"import sys; from livecode.ui.cli import main; main({['render', str(path), str(tmp_path / 'y.mid'), '--exact']}); "
    said = subprocess.run([sys.executable, "-c", code + f"print({heavy} & set(sys.modules))"], capture_output=True, text=True)
    assert said.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("lost", [1, 2])
def test_a_recording_without_its_end_ends_where_the_script_does(
    lost: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand = script(tmp_path, "at(1); lead >> notes('C4 E4')\nat(3); lead >> notes('D4')\nend(6)\n")
    assert main(["render", str(hand), str(tmp_path / "whole.mid"), "--record"]) == 0
    path = hand.with_suffix(".jsonl")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-lost]))
    assert main(["render", str(hand), str(tmp_path / "cut.mid")]) == 0
    assert "The end of hand.jsonl is missing" in capsys.readouterr().out
    assert (tmp_path / "cut.mid").read_bytes() == (tmp_path / "whole.mid").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_journal_is_restored_with_what_can_be_had(damage: str, shell: Any, cell: Cell, tmp_path: Path) -> None:
    cell('lead >> notes("C4 E4")')
    cell("lead.gain = 0.5")
    cell(f"%save {tmp_path / 'x'}")
    path = tmp_path / "x.jsonl"
    lines = path.read_bytes().split(b"\n")
    if damage == "cut":
        path.write_bytes(b"\n".join(lines)[:-60])
    else:
        place = next(place for place, line in enumerate(lines) if b"0.5" in line and b"Taken" in line)
        lines[place] = lines[place].replace(b'"type"', b'"typf"', 1)
        path.write_bytes(b"\n".join(lines))
    story = journal.read(path)
    assert story.bad == 1
    cells = [line.source for line in story.session if isinstance(line, Typed)]
    assert 'lead >> notes("C4 E4")' in cells
    found = Script.read(tmp_path / "x.py")
    assert found.trouble == "1 line of x.jsonl cannot be read: what was recorded there is missing."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["render", "nothing.py", "x.mid"], "nothing.py cannot be read (No such file or directory)"),
        (["render", "hand.py", "x.ogg"], "x.ogg ends in neither .wav nor .mid"),
        (["render", "hand.py", "nowhere/x.mid"], "There is no folder"),
        (["render", "hand.py", "x.mid", "--from", "99"], "--from 99 is no bar of it: it has 12, counted from 1."),
        (["render", "hand.py", "x.mid", "--exact"], "hand.py has no recording that could be played exactly"),
        (["restore", "x.py", "never"], "There is no session 'never' to restore"),
    ],
)
def test_the_command_line_refuses_in_a_sentence(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    script(tmp_path, BY_HAND)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1


def test_what_is_only_a_remark_after_the_music_makes_it_no_longer(shell: Any, cell: Cell, saved: Callable[[], list[str]]) -> None:
    cell('lead >> notes("C4 E4")')
    shell.user_ns["stage"].run(bars=2)
    cell("stage.hush()")
    shell.user_ns["stage"].run(bars=20)
    cell("%status")
    assert saved()[-4:] == ["stage.hush()", "# %status", "", "end(4)"]


def test_what_stops_the_parts_after_the_music_makes_it_no_longer(shell: Any, cell: Cell, saved: Callable[[], list[str]]) -> None:
    stage = shell.user_ns["stage"]
    cell('lead >> notes("C4 E4")')
    stage.run(bars=2)
    cell("lead.stop()")
    stage.run(bars=20)
    cell("x = 3")
    cell("%hush")
    stage.hush()
    assert saved()[-6:] == ["lead.stop()", "# x = 3", "# stage.hush()", "# stage.hush()", "", "end(4)"]


def test_closing_the_stage_ends_no_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closing = "at(2); stage.close()\nwith stage: lead >> notes('D4 . . .')\nstage.shut_down()\nend(4)"
    path = script(tmp_path, f"at(1); lead >> notes('C4 . . .')\n{closing}")
    assert main(["render", str(path), str(tmp_path / "x.mid")]) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == [
        f"line {line}: closing the stage is left out, for end(65) says where a session ends" for line in (2, 3, 4)
    ]
    assert onsets(path) == [(0, "C4"), (4, "D4"), (8, "D4")]


def test_a_recording_of_another_version_is_said_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(tmp_path, 'at(1); lead >> notes("C4 E4")\nend(2)')
    assert main(["render", str(path), str(tmp_path / "x.mid"), "--record"]) == 0
    recording = tmp_path / "hand.jsonl"
    recording.write_text(recording.read_text().replace('"version":2', '"version":1', 1))
    why = f"{recording} was recorded in version 1, and this livecode reads 2: use the livecode that wrote it."
    capsys.readouterr()
    assert main(["render", str(path), str(tmp_path / "x.mid")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"There is no recording that can be read: {why}"
    assert main(["render", str(path), str(tmp_path / "x.mid"), "--exact"]) == 2
    assert f"{why} Leave out --exact, and models are asked." in capsys.readouterr().err


@pytest.mark.fluidsynth
def test_a_script_is_rendered_with_a_file_for_each_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = script(tmp_path, 'at(1); drums >> beat(kick="x..."); lead >> notes("C4 E4")\nend(3)')
    assert main(["render", str(path), str(tmp_path / "take"), "--stems", "--from", "2"]) == 0
    assert "drums.wav, lead.wav: 1 bar" in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "take").iterdir()) == ["drums.wav", "lead.wav"]
    assert main(["render", str(path), str(tmp_path / "take.wav"), "--stems"]) == 2
    assert "--stems writes a folder, and " in capsys.readouterr().err


def test_a_render_that_is_interrupted_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    path = script(tmp_path, 'print("begun", flush=True)\nat(1); lead >> notes("C4 E4")\nwhile True: pass\n')
    code = f"from livecode.ui.cli import main; raise SystemExit(main({['render', str(path), str(tmp_path / 'x.wav')]}))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "livecode: interrupted; no file is left half written.\n"
    assert process.returncode == 130
    assert [file.name for file in tmp_path.iterdir()] == ["hand.py"]


def test_folders_that_a_script_adds_to_pythons_path_are_gone_after_it(tmp_path: Path) -> None:
    before = list(sys.path)
    onsets(script(tmp_path, 'import sys; sys.path.insert(0, "mine"); at(1); lead >> notes("C4")\nend(2)'))
    assert sys.path == before


def test_what_only_a_live_stage_can_do_is_said_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = """at(1); keys = stage.input("KeyStep"); stage.follow_clock(keys)
lead >> notes("C4"); lead.thru(keys)
stage.link()
end(2)
"""
    assert main(["render", str(script(tmp_path, text)), str(tmp_path / "x.mid")]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "line 1: follow_clock is left out, for the tempo is as it was recorded, or the script's own",
        "line 3: link is left out, for the tempo is as it was recorded, or the script's own",
    ]
    assert lc.read_midi(tmp_path / "x.mid").notes


def test_a_script_reaches_no_engine_that_plays_and_writes_over_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "take.mid").write_text("mine")
    text = 'at(1); lead >> notes("C4")\nstage.export("take.mid")\nend(3)\n'
    assert main(["render", str(script(tmp_path, text)), str(tmp_path / "x.mid")]) == 0
    assert (tmp_path / "take.mid").read_text() == "mine"
    assert "line 2: export is left out" in capsys.readouterr().out
    with lc.Stage(name="playing", inline=False, outputs=[]) as stage:
        drums = stage.part("drums") >> lc.beat(kick="x...")
        text = 'at(1); lc.Stage.attach("playing").parts["drums"].mute()\n'
        assert main(["render", str(script(tmp_path, text)), str(tmp_path / "x.mid")]) != 0
        assert "line 1: A script speaks to its own stage" in capsys.readouterr().err
        assert not drums.state().muted


def test_a_function_of_a_script_is_known_again_after_an_edit_and_does_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    marks = f"def up(phrase):\n    Path({str(ran)!r}).write_text('x')\n    return phrase.transpose(12)\n"
    function = f"from pathlib import Path\n{marks}"
    path = script(tmp_path, f'at(1)\nlead >> notes("C4 . . .")\n{function}lead.map(up)\nend(4)\n')
    main(["render", str(path), str(tmp_path / "x.mid"), "--record"])
    assert ran.read_text()
    ran.unlink()
    path.write_text(path.read_text() + "# edited\n")
    assert onsets(path, exact=True) == [(0, "C5"), (4, "C5"), (8, "C5")]
    assert not ran.exists()
