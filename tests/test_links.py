"""Taking part in Link: of a session that is made up as the test says, for the network is nobody's alone."""

import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from livecode.links import LinkMaster
from livecode.masters import Change
from livecode.music import Beats


class Session:
    """Link's, as far as it is asked; others are found when the test says so."""

    made: list["Session"]

    def __init__(self, bpm: float) -> None:
        self.bpm, self.enabled, self.looked = bpm, False, threading.Event()
        self.forced: list[float] = []
        self.others = 0
        self.playing = False
        self.startStopSyncEnabled = False
        self.made.append(self)

    def numPeers(self) -> int:  # noqa: N802 - Link's name
        self.looked.set()
        return self.others

    def clock(self) -> Any:
        return SimpleNamespace(micros=lambda: round(time.monotonic() * 1e6))

    def captureAppSessionState(self) -> Any:  # noqa: N802
        return SimpleNamespace(
            tempo=lambda: self.bpm,
            beatAtTime=lambda micros, bar: 2.5,
            forceBeatAtTime=lambda beat, micros, bar: self.forced.append(beat),
            isPlaying=lambda: self.playing,
            timeForIsPlaying=lambda: round(time.monotonic() * 1e6),
            setIsPlaying=lambda playing, micros: setattr(self, "playing", playing),
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


def test_who_comes_to_others_starts_and_stops_nobody_and_then_takes_part(sessions: list[Session]) -> None:
    link = LinkMaster()
    sessions_before = len(sessions)
    thread = threading.Thread(target=link.join, args=(120.0,))
    thread.start()
    while len(sessions) == sessions_before:
        threading.Event().wait(0.001)
    session = sessions[0]
    session.others, session.playing = 1, True
    thread.join()
    assert session.startStopSyncEnabled
    assert link.read(1.0) == []
    link.tell(1.0, playing=False)  # we are paused
    assert session.playing
    link.tell(2.0, playing=True)
    session.playing = False
    assert [turn.change for turn in link.read(3.0)] == [Change.STOPPED]
    link.tell(3.0, playing=False)
    assert link.read(4.0) == []
    link.tell(5.0, playing=True)
    assert session.playing
    assert link.read(6.0) == []  # that was us
    link.tell(7.0, playing=False)
    assert not session.playing
    session.playing = True
    assert [turn.change for turn in link.read(8.0)] == [Change.WENT_ON]


def test_who_is_alone_has_who_comes_later_start_too(sessions: list[Session], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livecode.links.MEETS_IN", 0.0)
    link = LinkMaster()
    link.tell(1.0, playing=True)  # nobody to tell
    link.join(120.0)
    link.tell(1.0, playing=True)
    assert sessions[0].playing
