"""Ableton Link: a tempo and a bar line that everybody in the network shares. Needs the extra `livecode[link]`."""

import threading
import time
from typing import Any

from .errors import BadInput
from .masters import State, Turn
from .music import Beats, Seconds
from .phase import Heading

LINK = "Link"
"""What it is called among the clocks that can be followed."""

MISSING = "Ableton Link is not installed here: pip install 'livecode[link]', then start livecode anew."

MEETS_IN: Seconds = 1.5
"""Peers find each other within this time. Measured: 0.5 s on one machine."""


class LinkMaster:
    """A Link session, in which one more peer takes part from `join` to `leave`. Start and stop are not shared.

    Its beats are whole bars from ours where nobody else is there; else ours go to them. Source: Link's documentation, "Link
    Concepts". Link counts on CLOCK_MONOTONIC_RAW on Linux, which runs up to 0.05 % differently from ours: the difference is taken
    anew at every look.
    """

    shared = True

    def __init__(self) -> None:
        self._link: Any = None

    @property
    def peers(self) -> int:
        """How many others there are."""
        return int(self._link.numPeers()) if self._link is not None else 0

    def join(self, bpm: float) -> None:
        """Take part, with this tempo if nobody else is there; returns when the others have been found. Raises BadInput."""
        if self._link is None:
            self._link = _session(bpm)
            self._link.enabled = True
        deadline, pause = time.monotonic() + MEETS_IN, threading.Event()
        while not self.peers and time.monotonic() < deadline:
            pause.wait(0.02)

    def leave(self) -> None:
        """Take part no more."""
        link, self._link = self._link, None
        if link is not None:
            link.enabled = False

    def read(self, now: Seconds) -> list[Turn]:
        return []

    def heading(self, now: Seconds, bar: Beats) -> Heading | None:
        if self._link is None:
            return None
        session = self._link.captureAppSessionState()
        return Heading(now, session.beatAtTime(self._micros(now), float(bar)), session.tempo())

    def lead(self, bpm: float) -> None:
        if self._link is not None:
            session = self._link.captureAppSessionState()
            session.setTempo(bpm, self._link.clock().micros())
            self._link.commitAppSessionState(session)

    def place(self, beat: Beats, moment: Seconds, bar: Beats) -> bool:
        if self._link is None or self.peers:
            return False
        session = self._link.captureAppSessionState()
        session.forceBeatAtTime(float(beat), self._micros(moment), float(bar))
        self._link.commitAppSessionState(session)
        return True

    def state(self, now: Seconds) -> State:
        if self._link is None:
            return State(heard=False, running=True, placed=True, locked=False, bpm=0.0)
        bpm = self._link.captureAppSessionState().tempo()
        return State(heard=True, running=True, placed=True, locked=True, bpm=bpm, peers=self.peers)

    def _micros(self, moment: Seconds) -> int:
        """A moment of our clock on Link's; of three looks the quickest counts."""
        looks = []
        for _ in range(3):
            before = time.monotonic()
            theirs = self._link.clock().micros()
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
