"""How far the sound card has got: a straight line through a jittery, stepping counter."""

from collections import deque
from itertools import pairwise

from ..music import Seconds

WINDOW: Seconds = 8.0
"""Observations older than this, and 400 periods, are forgotten."""

SLOPE_FROM: Seconds = 1.0
"""From this span on, and 100 periods, the drift is estimated; before, the card is taken to run as the clock does."""

MOST_DRIFT = 0.001
"""The largest drift believed. Cards are within 0.0001; JACK's dummy driver, which rounds its period to a us, 0.00025."""

REFIT: Seconds = 0.25
"""The line is laid anew so often, and whenever the counter is above it."""

LOST_TIME = ((0.045, 2, 2.0), (0.3, 8, 0.75), (1.0, 16, 0.3))
"""Seconds, observations, periods: a counter that stays this far below the line, so long and so often, has lost time."""

LONGEST_LOOK: Seconds = 0.25
"""A standing counter has stood for this long at most between two looks: whoever was held up longer held up the card perhaps."""

LEAST_STEP: Seconds = 0.0003
"""What is added to those periods, for threads that wake late; and what is no step but drift."""


class Follower:
    """Maps the monotonic clock to seconds of audio rendered, by a line on top of everything observed.

    A driver renders a period at a time, so the counter is a staircase; it is read at odd moments, and threads wake late but
    never early. So only the highest points (rendered minus clock) say when the card truly asked, and the line is the
    upper support line of a sliding window, the estimate of clock skew of Moon, Skelly and Towsley (INFOCOM 1999): the edge
    of the convex hull above the mean of the abscissae.

    Error, simulated with looks every 30 ms, a drift of 200 ppm and 0.3 ms of late waking: p99 0.4 ms with periods of 64 samples,
    1.0 ms with 1024. A counter that loses two periods (an xrun) is followed after two looks, and one that loses a third of
    a period within a second; until then notes are off by what was lost.
    """

    def __init__(self, period: Seconds) -> None:
        self._slope_from = SLOPE_FROM + 100 * period
        self._window = WINDOW + 400 * period
        self._period = period
        self._standstill = 0.1 + 4 * period
        self._points: deque[tuple[Seconds, Seconds]] = deque()
        self._height = 0.0
        self._slope = 0.0
        self._rendered = -1.0
        self._fitted_at = float("-inf")
        self.stood: Seconds = 0.0
        """For how long the counter has been seen to stand."""

    @property
    def standing(self) -> bool:
        """Whether the counter stands for longer than a period or an xrun makes it."""
        return self.stood > self._standstill

    def rendered_at(self, now: Seconds) -> Seconds:
        """Seconds of audio rendered, or to be rendered, at a moment of the clock."""
        if not self._points:
            return 0.0
        return now + self._height + self._slope * (now - self._points[-1][0])

    def observe(self, now: Seconds, rendered: Seconds) -> Seconds:
        """Take in one reading of the counter, the clock read after it; returns how far it moved the line at `now`."""
        before = self.rendered_at(now) if self._points else rendered
        self._watch_for_standstill(now, rendered)
        self._points.append((now, rendered - now))
        while self._points[0][0] < now - self._window:
            self._points.popleft()
        above = rendered - before
        if above > LEAST_STEP + self._period:
            self._keep_since(now)
        elif self._fell(now):
            self._fitted_at = float("-inf")
        if above > 0 or now - self._fitted_at > REFIT:
            self._fit(now)
        else:
            self._height += self._slope * (now - self._points[-2][0])
        return self.rendered_at(now) - before

    def _watch_for_standstill(self, now: Seconds, rendered: Seconds) -> None:
        if rendered != self._rendered:
            if self.standing:
                self._points.clear()
                self._fitted_at = float("-inf")
            self.stood = 0.0
            self._rendered = rendered
        else:
            self.stood += min(now - self._points[-1][0], LONGEST_LOOK)

    def _fell(self, now: Seconds) -> bool:
        """Whether the counter has lost time; if so, older observations are forgotten."""
        for span, least, periods in LOST_TIME:
            tolerance = LEAST_STEP + periods * self._period
            recent = [point for point in reversed(self._points) if point[0] >= now - span]
            covered = self._points[0][0] <= now - span and len(recent) >= least
            if covered and all(moment + height < self.rendered_at(moment) - tolerance for moment, height in recent):
                self._keep_since(now - span)
                return True
        return False

    def _keep_since(self, moment: Seconds) -> None:
        while len(self._points) > 1 and self._points[0][0] < moment:
            self._points.popleft()

    def _fit(self, now: Seconds) -> None:
        self._fitted_at = now
        self._slope = self._drift() if now - self._points[0][0] >= self._slope_from else 0.0
        self._height = max(height + self._slope * (now - moment) for moment, height in self._points)

    def _drift(self) -> float:
        middle = sum(moment for moment, _ in self._points) / len(self._points)
        for (left, low), (right, high) in pairwise(_upper_hull(self._points)):
            if right >= middle:
                return max(-MOST_DRIFT, min(MOST_DRIFT, (high - low) / (right - left)))
        return 0.0


def _upper_hull(points: deque[tuple[Seconds, Seconds]]) -> list[tuple[Seconds, Seconds]]:
    """Andrew's monotone chain, upper half; points come in order of time."""
    hull: list[tuple[Seconds, Seconds]] = []
    for x, y in points:
        while len(hull) >= 2 and (hull[-1][0] - hull[-2][0]) * (y - hull[-2][1]) >= (hull[-1][1] - hull[-2][1]) * (
            x - hull[-2][0]
        ):
            hull.pop()
        if hull and hull[-1][0] == x:
            if hull[-1][1] >= y:
                continue
            hull.pop()
        hull.append((x, y))
    return hull
