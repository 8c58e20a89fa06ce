"""Ableton Link: a tempo and a bar line that everybody in the network shares. Needs the extra `livecode[link]`."""

import threading
import time
from typing import Any

from .errors import BadInput
from .masters import Change, State, Turn
from .music import Beats, Seconds
from .phase import Heading

LINK = "Link"
"""What it is called among the clocks that can be followed."""

MISSING = "Ableton Link is not installed here: pip install 'livecode[link]', then start livecode anew."

MEETS_IN: Seconds = 1.5
"""Peers find each other within this time. Measured: 0.5 s on one machine."""


class LinkMaster:
    """A Link session, in which one more peer takes part from `join` to `leave`. Start and stop are shared with who shares them.

    Its beats are whole bars from ours where nobody else is there; else ours go to them. Source: Link's documentation, "Link
    Concepts". Link counts on CLOCK_MONOTONIC_RAW on Linux, which runs up to 0.05 % differently from ours: the difference is taken
    anew at every look.
    """

    shared = True

    def __init__(self) -> None:
        self._link: Any = None
        """None, too, while the others are looked for: who does not know of them yet is not alone."""
        self._entering = threading.Lock()
        self._playing: bool | None = None
        """Whether the session plays, as was last seen or said; None when neither was."""
        self._told: bool | None = None
        """Whether we do."""

    def join(self, bpm: float) -> bool:
        """Take part, with this tempo if nobody else is there; returns when the others have been found. False if we took part.

        Raises BadInput.
        """
        with self._entering:
            if self._link is not None:
                return False
            link = _session(bpm)
            link.startStopSyncEnabled = link.enabled = True
            self._playing = self._told = None
            deadline, pause = time.monotonic() + MEETS_IN, threading.Event()
            while not link.numPeers() and time.monotonic() < deadline:
                pause.wait(0.02)
            self._link = link
            return True

    def leave(self) -> None:
        """Take part no more."""
        with self._entering:
            link, self._link = self._link, None
            if link is not None:
                link.enabled = False

    def read(self, now: Seconds) -> list[Turn]:
        if (link := self._link) is None:
            return []
        session = link.captureAppSessionState()
        before, self._playing = self._playing, bool(session.isPlaying())
        if before in (None, self._playing):
            return []
        self._told = self._playing
        moment = now + (session.timeForIsPlaying() - _micros(link, now)) / 1e6
        return [Turn(Change.WENT_ON if self._playing else Change.STOPPED, 0.0, moment)]

    def tell(self, moment: Seconds, *, playing: bool) -> None:
        """Who comes to others starts and stops nobody by that, and is not told by Link whether they play."""
        if (link := self._link) is None or self._told is playing:
            return
        comes, self._told = self._told is None, playing
        if comes and (link.numPeers() or not playing):
            return
        session = link.captureAppSessionState()
        session.setIsPlaying(playing, _micros(link, moment))
        link.commitAppSessionState(session)
        self._playing = playing

    def heading(self, now: Seconds, bar: Beats) -> Heading | None:
        if (link := self._link) is None:
            return None
        session = link.captureAppSessionState()
        return Heading(now, session.beatAtTime(_micros(link, now), float(bar)), session.tempo())

    def lead(self, bpm: float) -> None:
        if (link := self._link) is not None:
            session = link.captureAppSessionState()
            session.setTempo(bpm, link.clock().micros())
            link.commitAppSessionState(session)

    def place(self, beat: Beats, moment: Seconds, bar: Beats) -> bool:
        if (link := self._link) is None or link.numPeers():
            return False
        session = link.captureAppSessionState()
        session.forceBeatAtTime(float(beat), _micros(link, moment), float(bar))
        link.commitAppSessionState(session)
        return True

    def state(self, now: Seconds) -> State:
        if (link := self._link) is None:
            return State(heard=False, running=True, placed=True, locked=False, bpm=0.0)
        bpm, peers = link.captureAppSessionState().tempo(), int(link.numPeers())
        return State(heard=True, running=True, placed=True, locked=True, bpm=bpm, peers=peers)


def _micros(link: Any, moment: Seconds) -> int:
    """A moment of our clock on Link's; of three looks the quickest counts."""
    looks = []
    for _ in range(3):
        before = time.monotonic()
        theirs = link.clock().micros()
        after = time.monotonic()
        looks.append((after - before, theirs - (before + after) / 2 * 1e6))
    return round(moment * 1e6 + float(min(looks)[1]))


def _session(bpm: float) -> Any:
    """LinkPython-extern's session, which is loaded when first asked for. Raises BadInput where it is not installed."""
    try:
        import link
    except ImportError:
        raise BadInput(MISSING) from None
    return link.Link(bpm)
