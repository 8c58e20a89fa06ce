"""What cells mean and what they answer, in IPython without a terminal, on virtual time."""

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

import livecode as lc
from livecode.ui.helping import OF_PART, OF_STAGE, about
from livecode.ui.words import WORDS

Cell = Callable[[str], str]


NOT_YET = ("has no model yet", "has no candidates", "has no take", "to undo", "to redo", "played no notes", "performs nothing")


def onsets(shell: Any) -> list[tuple[float, str]]:
    shell.user_ns["stage"].run(bars=1)
    return shell.user_ns["stage"].tape.onsets()


def test_a_part_appears_when_notes_first_go_to_it(shell: Any, cell: Cell) -> None:
    assert cell('bass >> notes("C2 G2")') == "bass: plays 1/2 bar from bar 1"
    assert onsets(shell) == [(0, "C2"), (1, "G2"), (2, "C2"), (3, "G2")]
    assert cell("bass.mute()") == "bass: muted now"
    assert shell.user_ns["bass"].name == "bass"


def test_the_same_line_again_replaces_and_never_doubles(shell: Any, cell: Cell) -> None:
    for _ in range(3):
        cell('bass >> notes("C2 . . .")')
    assert onsets(shell) == [(0, "C2")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bss.loop()", "NameError: name 'bss' is not defined"),
        ("print(bss >> notes('C2'))", "NameError: name 'bss' is not defined"),
        ("_bss >> notes('C2')", "NameError: name '_bss' is not defined"),
        ("x = bss >> notes('C2')", "NameError: name 'bss' is not defined"),
        ("if True: bss >> notes('C2')", "NameError: name 'bss' is not defined"),
        ("min >> notes('C2')", "TypeError: unsupported operand"),
        ("bss >> notes('H2')", "livecode: Note 1 (character 1): 'H2' is no note"),
        ("bss >> 3", "livecode: bss cannot play 3"),
    ],
)
def test_what_makes_no_part(line: str, words: str, shell: Any, cell: Cell) -> None:
    assert words in cell(line)
    assert "bss" not in shell.user_ns
    assert set(shell.user_ns["stage"].parts) == {"drums", "lead"}


def test_a_name_that_holds_something_else_keeps_pythons_meaning(shell: Any, cell: Cell) -> None:
    assert cell("x = 12; x >> 2") == "3"
    assert cell("x >> 2 >> 1") == "1"
    assert "TypeError: unsupported operand type(s) for >>: 'list' and 'Phrase'" in cell("some = [1]; some >> notes('C2')")
    assert set(shell.user_ns["stage"].parts) == {"drums", "lead"}


def test_settings_are_set_by_assigning_to_them(shell: Any, cell: Cell) -> None:
    assert cell("bpm = 96") == "bpm 96 from bar 1"
    assert cell("tempo = bpm + 4") == "bpm 100 from bar 1"
    assert cell("bpm += 20") == "bpm 120 from bar 1"
    assert cell("bpm = 60\nbpm *= 2") == "bpm 60 from bar 1\nbpm 120 from bar 1"
    assert cell("swing = 0.6") == "swing 0.6 from bar 1"
    shell.user_ns["stage"].run(bars=0.25)
    assert cell("print(bpm, tempo, swing.ratio)") == "120.0 120.0 3/5"
    assert cell("bpm = 0") == "livecode: A bpm of 0 cannot be played: give a number from 10 to 999, such as 120."
    assert "NameError" in cell("def f(): return bpm\nf()")
    assert "bpm" not in shell.user_ns


def test_a_setting_whose_name_is_taken_is_pythons(shell: Any, cell: Cell) -> None:
    shell.user_ns["tempo"] = "allegro"
    cell("tempo = 3")
    assert shell.user_ns["tempo"] == 3
    assert shell.user_ns["stage"].bpm == 120


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("drums = 3", "livecode: drums is a part, and stays one: play with two arrows, drums >> notes('C4 E4')"),
        ("drums = notes('C4')", "livecode: drums is a part"),
        ("drums = lead", "livecode: drums is a part"),
        ("x = drums = 3", "livecode: drums is a part"),
        ("x, *drums = 1, 2", "livecode: drums is a part"),
        ("drums: int = 3", "livecode: drums is a part"),
        ("stage = 3", "livecode: stage is the stage"),
        ("notes = 3", "livecode: notes is one of livecode's words"),
        ("lc = 3", "livecode: lc is one of livecode's words"),
    ],
)
def test_livecodes_names_keep_their_meaning(line: str, words: str, shell: Any, cell: Cell) -> None:
    before = {name: shell.user_ns[name] for name in ("drums", "stage", "notes", "lc")}
    assert words in cell(line)
    assert {name: shell.user_ns[name] for name in before} == before


def test_a_name_may_be_assigned_what_it_means_and_freed(shell: Any, cell: Cell) -> None:
    assert cell('drums = stage.part("drums", gain=0.5)') == "drums: gain 0.5 set now"
    assert cell("del drums\ndrums = 3\ndrums >> 1") == "1"


def test_a_new_stage_takes_the_prompt_with_it(shell: Any, cell: Cell) -> None:
    cell('bass >> notes("C2")')
    old = shell.user_ns["stage"]
    assert cell("stage = lc.Stage(90, offline=True)") == ""
    assert cell("bpm") == "90.0"
    assert "bass" not in shell.user_ns
    cell('bass >> notes("C2 . . .")')
    assert onsets(shell) == [(0, "C2")]
    assert old.tape.onsets() == []
    shell.user_ns["stage"].close()


def test_every_command_is_answered_once_in_its_order(shell: Any, cell: Cell) -> None:
    assert cell("lead.mute()") == "lead: muted now"
    assert cell("lead.mute(); drums.solo()").split("\n")[-2:] == ["lead: muted now", "drums: solo now"]
    assert cell("lead.gain = 0.5") == "lead: gain 0.5 set now"
    assert cell("stage.meter = '7/8'") == "meter 7/8 from bar 1"
    assert cell("answer = lead.unmute()") == "lead: heard again now"
    assert cell("for each in (lead, drums): each.unmute()") == "lead: heard again now\ndrums: heard again now"
    assert cell("for i in range(1000): lead.mute()") == "lead: muted now (1000 times)"
    many = cell("for i in range(1000): lead.gain = i / 1000").splitlines()
    assert (many[0], len(many), many[-1]) == ("(988 more: stage.log())", 13, "lead: gain 0.999 set now")
    assert cell("1 + 1") == "2"


def test_threads_print_nothing(cell: Cell) -> None:
    assert cell("import threading; t = threading.Thread(target=lead.mute); t.start(); t.join()") == ""
    assert "lead: muted now" in cell("%log 1")


def test_the_log_has_each_refusal_once(shell: Any, cell: Cell) -> None:
    cell("bpm = 0")
    cell("lead.output = 'Digitone'")
    refused = [entry.sentence for entry in shell.user_ns["stage"].log_entries() if entry.sentence.startswith("refused")]
    assert [sentence[:30] for sentence in refused] == ["refused: A bpm of 0 cannot be ", "refused: There is no output 'D"]


def test_magics(shell: Any, cell: Cell) -> None:
    cell('bass >> notes("C2")')
    assert cell("%bpm 128") == "bpm 128 from bar 1"
    assert cell("bpm 96 8") == "bpm 96 from bar 1, reached over 8 bars"
    shell.user_ns["stage"].run(bars=8)
    assert cell("%bpm") == "96.0"
    cell("bass.mute()")
    assert cell("%undo") == "'bass: muted now' is undone from bar 10"
    assert cell("%redo") == "'bass: muted now' is redone from bar 10"
    assert cell("%hush") == "all parts stop at bar 10"
    assert cell("%hush now") == "all parts stop at bar 9, beat 1.03"
    assert cell("%panic") == "all parts stopped, all notes off"
    assert cell("%status").splitlines()[0] == "bar 9, beat 1 · 96 bpm · 4/4"
    assert len(cell("%log 2").splitlines()) == 2
    assert cell("%log worker") == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%bpm nan", "A bpm of 'nan' cannot be played"),
        ("%bpm 120 four", "'four' is no number of bars"),
        ("%bpm 120 -1", "bars=-1.0 is no length"),
        ("%bpm 1 2 3", "%bpm 1 2 3 is not understood"),
        ("%hush soon", "on='soon' is no moment"),
        ("%panic now", "%panic takes nothing, and was given 'now'"),
        ("%status drums", "%status takes nothing, and was given 'drums'"),
        ("%undo 3", "%undo takes nothing, and was given '3'"),
        ("%redo 3", "%redo takes nothing, and was given '3'"),
        ("%log worker worker", "%log worker worker is not understood"),
        ("%log -3", "%log -3 is not understood"),
    ],
)
def test_magics_refuse_nonsense_in_a_sentence(line: str, words: str, cell: Cell) -> None:
    said = cell(line)
    assert said.startswith(f"livecode: {words}")
    assert said.count("\n") == 0


@pytest.mark.parametrize("name", ["bpm", "hush", "panic", "safe", "scenes", "undo", "redo", "status", "log"])
def test_magics_have_help(name: str, cell: Cell) -> None:
    assert f"%{name}" in cell(f"%{name}?")


def test_everything_a_performer_holds_has_an_example_in_its_help() -> None:
    for kind, examples in ((lc.Stage, OF_STAGE), (lc.PartHandle, OF_PART)):
        public = {name for name in dir(kind) if name[0] != "_"}
        assert set(examples) == public
        for name in public:
            assert about(getattr(kind, name)), name
    for word in WORDS:
        assert about(getattr(lc, word)), word


@pytest.mark.parametrize("line", sorted({**OF_PART, **OF_STAGE}.values()))
def test_the_examples_can_be_typed(line: str, cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They run on virtual time, but for those that need a device, a file or an engine of its own."""
    monkeypatch.chdir(tmp_path)
    cell('drums >> beat(kick="x...")\nlead >> notes("C4 E4")\nstage.run(bars=1)')
    for part in line.replace("  then  ", "  or  ").replace("  and  ", "  or  ").split("  or  "):
        example = part.split("  ")[0]
        needs = ("Digitone", "KeyStep", "keys", "link", "nano", "learn", "move a knob")
        if not any(word in example for word in (*needs, "attach", "%replay", ".wav", "close", "shut_down", "pause", "go_on")):
            said = cell(example)
            assert "Error" not in said
            assert not said.startswith("livecode:") or any(words in said for words in NOT_YET)


def test_help_shows_what_to_type_first(cell: Cell) -> None:
    assert cell("lead.mute?").splitlines() == [
        'Try:   lead.mute()  or  lead.mute(on="bar")',
        "Does:  Silence the part; it goes on underneath.",
        "Takes: on='now'",
    ]
    assert cell("drums?").splitlines()[1].startswith('drums >> notes("C4 E4 . G4")')
    assert cell("drums_rnn?").splitlines()[0] == 'Try:   drums >> drums_rnn("drum_kit", bars=2, temperature=1.1)'
    assert "Source:" not in cell("drums_rnn?")
    assert "Return the number of items" in cell("len?")


def test_reset_leaves_an_instrument(shell: Any, cell: Cell) -> None:
    cell("%reset -f")
    assert cell('bass >> notes("C2 . . .")') == "bass: plays 1 bar from bar 1"
    assert onsets(shell) == [(0, "C2")]


def test_unloading_gives_everything_back(shell: Any, cell: Cell) -> None:
    cell("%unload_ext livecode")
    assert "NameError" in cell('bass >> notes("C2")')
    assert cell("drums = 3\ndrums") == "3"
    assert "Traceback (most recent call last)" in cell("stage.bpm = 0")
    assert shell.Completer.custom_matchers == []
    assert shell.inspector.mime_hooks == {}
    cell("%load_ext livecode")
    assert cell('bass >> notes("C2")') == "bass: plays 1/4 bar from bar 1"


def test_no_builtin_is_shadowed(shell: Any) -> None:

    assert not [
        name for name in shell.user_ns if name[0] != "_" and hasattr(builtins, name) and name not in ("exit", "quit", "open")
    ]


def test_a_sweep_of_odd_cells_is_python_as_ever(cell: Cell) -> None:
    assert cell("1 >> 0") == "1"
    assert cell("(lambda: 3)()") == "3"
    assert "SyntaxError" in cell("bass >>")
    assert cell("") == ""
    assert cell("x = y = 2; x >> y") == "0"
    assert cell("import math as m\nm.pi > 3") == "True"


def test_an_argument_that_is_mistyped_is_one_sentence_and_other_mistakes_are_pythons(cell: Cell) -> None:
    assert cell("drums >> drums_rnn(temprature=2)") == (
        "livecode: There is no argument of drums_rnn 'temprature': did you mean 'temperature'?"
    )
    assert cell("stage.part('lead').set(programm=5)").endswith("did you mean 'program'?")
    assert cell("stage.part('lead').candidates(2, 3)") == (
        "livecode: candidates takes 1 argument without a name at most, and was given 2: candidates? says what to type."
    )
    assert cell("stage.part('lead').mute(1, 2, 3)").startswith("livecode: mute takes no argument without a name, and was given 3")
    assert cell("stage.export()") == "livecode: export lacks 'path': export? says what to type."
    assert "TypeError: unsupported operand" in cell("1 + 'a'")


def test_a_part_that_a_command_or_another_prompt_has_made_gets_its_name(shell: Any, cell: Cell) -> None:
    shell.user_ns["stage"].part("looper")
    wait_until(lambda: cell("looper").startswith("looper: "), "its name")
    cell("del looper")
    cell("1")
    assert "NameError" in cell("looper")


def test_replay_alone_lists_the_scripts(cell: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is none in this folder" in cell("%replay")
    (tmp_path / "tonight.py").write_text("")
    assert "such as %replay tonight.py: here are tonight.py." in cell("%replay")
