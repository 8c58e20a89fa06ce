"""Taking part in Link: of a session that is made up as the test says, for the network is nobody's alone."""

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from livecode.links import LinkMaster
from livecode.music import Beats


class Session:
    """Link's, as far as it is asked; others are found when the test says so."""

    made: list["Session"]

    def __init__(self, bpm: float) -> None:
        self.bpm, self.enabled, self.looked = bpm, False, threading.Event()
        self.forced: list[float] = []
        self.others = 0
        self.made.append(self)

    def numPeers(self) -> int:  # noqa: N802 - Link's name
        self.looked.set()
        return self.others

    def clock(self) -> Any:
        return SimpleNamespace(micros=lambda: 0)

    def captureAppSessionState(self) -> Any:  # noqa: N802
        return SimpleNamespace(
            tempo=lambda: self.bpm,
            beatAtTime=lambda micros, bar: 2.5,
            forceBeatAtTime=lambda beat, micros, bar: self.forced.append(beat),
        )

    def commitAppSessionState(self, state: Any) -> None:  # noqa: N802
        pass


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    Session.made = []
    monkeypatch.setitem(sys.modules, "link", SimpleNamespace(Link=Session))
    return Session.made


def test_who_still_looks_for_others_is_not_alone(sessions: list[Session]) -> None:
    link = LinkMaster()
    threads = [threading.Thread(target=link.join, args=(120.0,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not sessions:
        threading.Event().wait(0.001)
    assert sessions[0].looked.wait(5)
    assert link.heading(0.0, Beats(4)) is None
    assert not link.state(0.0).heard
    assert not link.place(Beats(0), 0.0, Beats(4))
    sessions[0].others = 1
    for thread in threads:
        thread.join()
    assert link.heading(0.0, Beats(4)) is not None
    assert link.state(0.0).peers == 1
    assert len(sessions) == 1
    assert sessions[0].forced == []
    link.leave()
    assert not sessions[0].enabled
    assert not link.state(0.0).heard
