"""The line under the prompt, from what was last known of an engine."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from waiting import wait_until

import livecode as lc
from livecode.protocol import OutputState, Report
from livecode.ui.toolbar import line
from livecode.ui.watch import Sight, Watch


@pytest.fixture
def stage() -> Iterator[lc.Stage]:
    with lc.Stage(offline=True) as stage:
        stage.part("drums") >> lc.beat(kick="x...")
        stage.part("lead") >> lc.notes("C4 E4 G4 .")
        yield stage


def shown(report: Report | None, width: int = 100, trouble: str = "") -> str:
    return "".join(text for _, text in line(Sight(report, 0.0, trouble), width))


def stopped(report: Report, **here: Any) -> Report:
    """The report as of a moment at which time stood still."""
    return msgspec.structs.replace(report, snapshot=msgspec.structs.replace(report.snapshot, running=False, **here))


def test_before_the_first_notes(stage: lc.Stage) -> None:
    with lc.Stage(offline=True) as empty:
        assert shown(empty.report()) == " waits for notes │ 120 bpm"


def test_what_parts_do_and_what_comes_next(stage: lc.Stage) -> None:
    stage.run(bars=1)
    stage.parts["lead"] >> lc.notes("D4")
    stage.parts["drums"].mute()
    report = stopped(stage.report(), paused=True)
    assert shown(report) == (" paused 2:1 │ 120 bpm │ drums loops 1/4 bar muted │ lead loops 1 bar → 1/4 bar from bar 3")


def test_the_beat_goes_on_between_two_reports(stage: lc.Stage) -> None:
    stage.run(bars=1)
    report = stage.report()
    for seconds, place in ((0.0, (2, 1)), (0.6, (2, 2)), (1.6, (2, 4)), (2.1, (3, 1))):
        here = msgspec.structs.replace(report.snapshot, at=time.monotonic() - seconds)
        assert Sight(msgspec.structs.replace(report, snapshot=here), 0.0, "").beat() == place


def test_fast_beats_are_waited_for_two_at_a_time(stage: lc.Stage) -> None:
    stage.bpm = 240  # a beat of 0.25 s
    stage.run(bars=1)
    here = msgspec.structs.replace(stage.snapshot(), at=time.monotonic())
    sight = Sight(msgspec.structs.replace(stage.report(), snapshot=here), 0.0, "")
    assert 0.3 < sight.until_the_beat(0.3) <= 0.5
    assert sight.until_the_beat(0.01) <= 0.25


def test_it_does_not_go_on_once_the_engine_is_silent(stage: lc.Stage) -> None:
    stage.run(bars=1)
    here = msgspec.structs.replace(stage.snapshot(), at=time.monotonic() - 60)
    assert Sight(msgspec.structs.replace(stage.report(), snapshot=here), 60.0, "silent").beat() == (2, 1)


def test_models_senders_and_trouble(stage: lc.Stage) -> None:
    stage.run(bars=1)
    gone = OutputState("Digitone", "Digitone: ...", "the port is gone", 0.0004)
    report = stopped(msgspec.structs.replace(stage.report(), outputs=(gone,)), paused=True)
    text = shown(report, 160)
    assert "│ Digitone 0.4 ms late" in text
    assert text.endswith(" ! Digitone: the port is gone ")
    style, mark = line(Sight(report, 0.0, ""), 160)[-1]
    assert ("ansired" in style, mark) == (True, " ! Digitone: the port is gone ")


@pytest.mark.parametrize("width", [1, 2, 3, 10, 20, 33, 47, 60, 80, 81, 200])
def test_it_fits_any_width(width: int, stage: lc.Stage) -> None:
    stage.run(bars=1)
    sick = [msgspec.structs.replace(part, trouble="its model cannot play: " + "x" * 60) for part in stage.snapshot().parts]
    for parts in ((), tuple(sick), stage.snapshot().parts * 9):
        for trouble in ("", "the engine has not answered for 3 s"):
            report = stopped(stage.report(), parts=parts)
            assert len(shown(report, width, trouble)) <= width
            if trouble and width >= 20:
                assert "!" in shown(report, width, trouble)


def test_an_engine_that_was_never_seen_and_is_gone() -> None:
    assert shown(None) == " livecode"
    assert shown(None, trouble="The engine 'main' is gone") == " ! The engine 'main' is gone "


def test_the_watch_outlives_what_it_is_told_and_prints_nothing(stage: lc.Stage, capsys: pytest.CaptureFixture[str]) -> None:
    troubles: list[Exception] = [lc.EngineGone("The engine 'main' is gone."), ZeroDivisionError("a bug")]
    begun = threading.Event()

    def ask() -> lc.Stage:
        if begun.is_set() and troubles:
            raise troubles[0]
        return stage

    watch = Watch(ask)
    watch.start()
    wait_until(lambda: watch.sight().report is not None, "the first report")
    begun.set()
    wait_until(lambda: watch.sight().trouble == "The engine 'main' is gone.", "the trouble")
    del troubles[0]
    wait_until(lambda: watch.sight().trouble == "ZeroDivisionError: a bug", "the bug")
    del troubles[0]
    wait_until(lambda: not watch.sight().trouble, "the engine's return")
    watch.close()
    assert capsys.readouterr() == ("", "")


def test_the_watch_waits_for_nobody(stage: lc.Stage) -> None:
    hangs = threading.Event()

    def ask() -> lc.Stage:
        hangs.wait()
        return stage

    watch = Watch(ask)
    watch.start()
    wait_until(lambda: watch.sight().trouble.startswith("the engine has not answered"), "the silence to be noticed")
    watch.close()
    hangs.set()
