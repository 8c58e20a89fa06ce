"""A rehearsal: what a session needs, whether it is here, and how well."""

from pathlib import Path

import pytest

import livecode.ui.rehearse as rehearsals
from livecode.ui.cli import main
from livecode.ui.rehearse import rehearse

pytestmark = pytest.mark.fluidsynth

SHORT = """
session(bpm=120, seed=5)
at(1)
drums >> beat(kick="x...x...", hat="x.x.x.x.")
at(3)
drums >> drums_rnn("drum_kit", bars=2)
at(8, 2.5)
drums.stop()
end(10)
"""


def said(script: str, folder: Path) -> dict[str, str]:
    """What a rehearsal of this script finds: marks, "!" for what is wrong, and words."""
    (folder / "short.py").write_text(script)
    return {finding.what: str(finding) for finding in rehearse(folder / "short.py")}


def test_a_session_that_is_well_has_no_advice_about_itself(tmp_path: Path) -> None:
    found = said(SHORT, tmp_path)
    assert found["dry run"].startswith("ok dry run: 9 bars, 18 s of music in ")
    assert "drum_kit_groove.mag is here and compiled" in found["drum_kit"]
    assert "answers in " in found["drum_kit, 2 bars"]
    assert found["late bars"].split(": ", 1)[1].startswith(("none of ", "1 of "))
    assert "of a processor" in found["headroom"]


@pytest.mark.parametrize(
    ("script", "what", "words"),
    [
        (SHORT.replace("at(3)", 'at(3); stage.midi("Nobody\'s synth")'), 'MIDI port "Nobody\'s synth"', "Line 5 of the script"),
        (
            SHORT.replace("at(3)", 'at(3); lead >> melody_rnn("magenta:mono_rnn")'),
            "bundle magenta:mono_rnn",
            "where there is a network",
        ),
        (SHORT.replace("seed=5", 'models={"drum_kit": "0123456789abcdef"}'), "bundles", "is another one here"),
        (SHORT.replace("drums.stop()", "1 / 0"), "dry run", "short.py, line 8: ZeroDivisionError: division by zero"),
        ('at(1); drums >> beat(kick="x..."); at(1, 2); drums.mute(); end(2)', "headroom", "processor"),
    ],
)
def test_what_is_wrong_is_found_with_what_to_do(tmp_path: Path, script: str, what: str, words: str) -> None:
    assert words in said(script, tmp_path)[what]


def test_the_exit_status_says_whether_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short.py").write_text(SHORT.replace("drums.stop()", "drums.stpo()"))
    assert main(["rehearse", str(tmp_path / "short.py")]) == 1
    assert "!  dry run: stopped. short.py, line 8: There is no word 'stpo': did you mean 'stop'?" in capsys.readouterr().out
    assert main(["rehearse", str(tmp_path / "nothing.py")]) == 2


def test_that_processors_are_busy_is_said_and_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "short.py"
    path.write_text('at(1); drums >> beat(kick="x...")\nend(3)')
    monkeypatch.setattr(rehearsals, "MACHINE", ("Python", "FluidSynth"))
    monkeypatch.setattr(rehearsals, "BUSY", -1.0)
    assert main(["rehearse", str(path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("!  processors:") and "Others keep them busy" in line for line in said)
    assert said[-1] == f"{path} will play well here."
    path.write_text('at(1); stage.midi("Nobody\'s synth"); drums >> beat(kick="x...")\nend(3)')
    assert main(["rehearse", str(path)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == f'{path} would not play well here: see MIDI port "Nobody\'s synth".'
