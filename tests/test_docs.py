"""The Python in README and docs runs, block by block, on a live stage with the real models."""

import doctest
import re
from pathlib import Path

import pytest
from waiting import wait_until

import livecode as lc
from livecode.session_reader import Script
from livecode.session_runner import run

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "docs/talk.md"]


def listen(stage: lc.Stage) -> None:
    """Let a beat pass, if anything plays."""
    here = stage.snapshot().beats
    wait_until(lambda: not stage.snapshot().running or stage.snapshot().beats > here + 1, "a beat to pass")


@pytest.mark.magenta
@pytest.mark.fluidsynth
@pytest.mark.parametrize("page", PAGES)
def test_the_code_on_the_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, page, "exec"), names)
        stage = names["stage"]
        assert isinstance(stage, lc.Stage)
        if block is not blocks[-1]:
            listen(stage)
    assert next(tmp_path.glob("*.wav")).stat().st_size > 100_000
    assert lc.read_midi(next(tmp_path.glob("*.mid"))).notes


def test_the_script_on_the_page_on_sessions_plays(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "sessions.md").read_text(), flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "page.py").write_text(block)
    engine = run(Script.read(tmp_path / "page.py"))
    engine.close()
    lead = engine.tape.onsets("lead")
    assert lead[:3] == [(0, "C4"), (1, "E4"), (2, "G4")]
    assert lead[-3:] == [(44, "C5"), (45, "E5"), (46, "G5")]
    assert {beat for beat, _ in engine.tape.onsets("drums") if beat >= 32}


@pytest.mark.parametrize("page", ["notes.md", "verbs.md"])
def test_the_examples_of_the_page_give_what_it_says(page: str) -> None:
    failed, tried = doctest.testfile(str(ROOT / "docs" / page), module_relative=False)
    assert (failed, tried >= 6) == (0, True)


@pytest.mark.fluidsynth
def test_the_examples_of_the_page_on_files_give_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(ROOT / "docs" / "export.md"), module_relative=False)
    assert (failed, tried >= 6) == (0, True)


def test_links_in_the_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_test_that_the_table_of_faults_names_exists() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## What survives what")[2]
    named = re.findall(r"`((?:\w+/)?test_\w+\.py)::(test_\w+)`", table)
    assert len(named) > 15
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"
