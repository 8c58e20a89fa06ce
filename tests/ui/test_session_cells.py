"""What is typed at a prompt is in the journal, with its beat and with what came of it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from engines import ended

import livecode as lc
from livecode.facts import Taken, Typed
from livecode.session_cells import LONGEST

Cell = Callable[[str], str]


def typed(stage: lc.Stage) -> list[Typed]:
    return [line for line in stage.story().session if isinstance(line, Typed)]


def came_of(stage: lc.Stage, cell: Typed) -> list[str]:
    facts = stage.story().facts
    return [type(fact.command).__name__ for fact in facts if isinstance(fact, Taken) and fact.id.startswith(f"{cell.id}-")]


def test_a_cell_is_kept_with_its_beat_and_its_commands(shell: Any, cell: Cell) -> None:
    stage = shell.user_ns["stage"]
    cell('bass >> notes("C2 G2"); bass.mute()')
    stage.run(bars=2.25)
    cell("bass.unmute()")
    cell("1 / 0")
    cell("bass >>")
    first, second, third, fourth = typed(stage)
    assert (first.now, first.source, first.error) == (0, 'bass >> notes("C2 G2"); bass.mute()', "")
    assert came_of(stage, first) == ["Play", "Declare", "Mute"]
    assert came_of(stage, second) == ["Mute"]
    assert 9 < second.now < 9.1
    assert third.error == "ZeroDivisionError: division by zero"
    assert fourth.error.startswith("SyntaxError: invalid syntax")


def test_what_threads_and_other_programs_say_is_of_no_cell(shell: Any, cell: Cell) -> None:
    stage = shell.user_ns["stage"]
    cell("import threading; t = threading.Thread(target=lead.mute); t.start(); t.join()")
    stage.part("lead").unmute()
    assert came_of(stage, typed(stage)[0]) == []
    assert [fact.id for fact in stage.story().facts if isinstance(fact, Taken)][-2:] == ["", ""]


def test_a_cell_of_a_million_characters_is_cut_with_a_note(shell: Any, cell: Cell) -> None:
    cell("x = '" + "a" * 10**6 + "'")
    (kept,) = typed(shell.user_ns["stage"])
    assert len(kept.source) == LONGEST
    assert kept.error == "only 16,384 of its 1,000,006 characters were kept"


def test_half_a_character_is_kept_as_python_writes_it(shell: Any, cell: Cell) -> None:
    cell("x = '\udc80'")
    cell("raise ValueError('\\ud800')")
    first, second = typed(shell.user_ns["stage"])
    assert first.source == "x = '\\udc80'"
    assert second.error == "ValueError: \\ud800"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x = 1\nlead.mute(); 1 / 0; x = 2", (2, 13)),
        ("\n  \nx = 1\nfor y in range(3):\n    z = x / y", (3, 8)),
        ("%bpm 90\n%bpm 0", (2, 0)),
        ("x = 3", None),
        ("x = = 3", None),
    ],
)
def test_where_a_cell_failed_is_kept(text: str, place: tuple[int, int] | None, shell: Any, cell: Cell) -> None:
    cell(text)
    assert typed(shell.user_ns["stage"])[-1].failed_at == place


def test_a_cell_that_runs_another_is_kept_too(shell: Any, cell: Cell) -> None:
    stage = shell.user_ns["stage"]
    cell('get_ipython().run_cell("lead.mute()"); lead.unmute()')
    inner, outer = typed(stage)
    assert (came_of(stage, inner), came_of(stage, outer)) == (["Mute"], ["Mute"])
    assert inner.source == "lead.mute()"


def test_cells_of_two_stages_are_in_the_journal_of_their_engine() -> None:
    with ended("typed"), lc.Stage(bpm=240, name="typed", inline=False, outputs=[]) as left, lc.Stage.attach("typed") as right:
        with left.cell("lead = stage.part('lead')"):
            left.part("lead")
        with suppress(KeyError), right.cell("stage.hush()"):
            right.hush()
            raise KeyError("x")
        with left.cell("\ud800"), suppress(lc.BadInput):
            left.part("\udc80")
        with left.cell("'after half a character'"):
            pass
        left.story()  # its cells are there, too, then
        story = right.story()
        cells = sorted((line for line in story.session if isinstance(line, Typed)), key=lambda cell: cell.source)
        assert [(cell.source, cell.error) for cell in cells] == [
            ("'after half a character'", ""),
            ("\\ud800", ""),
            ("lead = stage.part('lead')", ""),
            ("stage.hush()", "KeyError: 'x'"),
        ]
        assert len({cell.id.partition(".")[0] for cell in cells}) == 2
        assert [came_of(right, cell) for cell in cells] == [[], [], ["Declare"], ["Hush"]]


def test_a_session_that_is_saved_after_its_end_is_said_to_be_kept() -> None:
    with ended("over"), lc.Stage(name="over", inline=False, outputs=[]) as stage:
        lc.Stage.attach("over").shut_down()
        with pytest.raises(lc.LivecodeError, match="What was played is kept: say %save --last tonight, or type livecode restore"):
            stage.save("tonight")
