"""What Tab offers, through IPython's own completer."""

from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from waiting import wait_until

import livecode as lc
from livecode.ui.completion import Matcher, place
from livecode.ui.watch import Sight


def offered(shell: Any, text: str) -> list[str]:
    with provisionalcompleter():
        return [found.text for found in shell.Completer.completions(text, len(text))]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('drums >> drums_rnn("', ["drum_kit", "magenta:drum_kit_rnn"]),
        ('lead >> melody_rnn("att', ["attention_rnn", "magenta:attention_rnn"]),
        ("lead >> melody_rnn(model='att", ["attention_rnn", "magenta:attention_rnn"]),
        ('lead >> lc.melody_rnn(\n    "look', ["magenta:lookback_rnn"]),
        ('lead.set(gain=0.5, program="vibr', ["Vibraphone"]),
        ('stage.part("lead", program="Choir', ["Choir Aahs", "Pad 4 (choir)", "Synth Choir"]),
        ('lead.program = "Kal', ["Kalimba"]),
        ('lc.Stage(soundfont="TimG', ["TimGM6mb"]),
        ('lead.stop(on="', ["loop", "bar", "beat", "now"]),
        ('melody_rnn(engine="', ["compiled", "magenta"]),
        ('lead.free("de', ["density"]),
    ],
)
def test_names_within_quotes(text: str, names: list[str], shell: Any) -> None:
    assert sorted(offered(shell, text)) == sorted(names)


def test_a_name_within_quotes_replaces_what_was_typed(shell: Any) -> None:
    text = 'lead >> melody_rnn("magenta:att'
    with provisionalcompleter():
        found = next(iter(shell.Completer.completions(text, len(text))))
    assert text[: found.start] + found.text == 'lead >> melody_rnn("magenta:attention_rnn'


def test_knobs_drums_parts_and_settings(shell: Any) -> None:
    assert "temperature=" in offered(shell, "drums_rnn(te")
    assert "density=" in offered(shell, 'lead.set(range=("C3", "C5"), den')
    assert "virtual=" in offered(shell, "stage.midi(vi")
    assert {"kick=", "kick2="} <= set(offered(shell, "beat(ki"))
    assert "bpm" in offered(shell, "bp")
    assert "bass" not in offered(shell, "ba")
    shell.user_ns["stage"].part("bass")
    wait_until(lambda: "bass" in offered(shell, "ba"), "the watch to see what may be another prompt's part")
    assert offered(shell, 'stage.parts["') == ["drums", "lead", "bass"]


def test_ipythons_own_completion_is_left_alone(shell: Any) -> None:
    assert "fade_out" in offered(shell, "lead.fad")
    assert "path" in offered(shell, "from os import pa")
    assert any(name.endswith("/etc/") for name in offered(shell, 'open("/et'))
    assert "program" not in offered(shell, '"prog')


@pytest.mark.parametrize(
    "text", ["", "(", ")))", "'''", '"""x', "f(g(h[{", "x = [1, 2", "# it's", "\\", "'", "=", "a" * 5000, "b(" * 3000]
)
def test_no_text_confuses_it(text: str) -> None:
    assert Matcher(lambda: Sight(None, 0.0, ""), {}).offers(place(text)) == []


def test_tab_asks_no_engine() -> None:
    """What is offered comes from the last report: a stage that would hang is not touched."""
    with lc.Stage(offline=True) as stage:
        stage.part("bass")
        sight = Sight(stage.report(), 99.0, "the engine has not answered for 99 s")
    assert Matcher(lambda: sight, {"stage": object()}).offers(place('stage.takes("')) == ["bass"]


def test_scripts_after_the_words_that_take_one(shell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tonight").mkdir()
    for name in ("tonight.py", "tonight.mid", "other.py", "tonight/late.py"):
        (tmp_path / name).touch()
    assert offered(shell, "%replay ton") == ["tonight.py", "tonight/"]
    assert offered(shell, "%replay --from 17 o") == ["other.py"]
    assert offered(shell, "%save tonight/") == ["tonight/late.py"]
