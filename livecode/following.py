"""Following another clock: which tempo from which beat on brings the tempo map to where a master is. Pure."""

import math
from dataclasses import dataclass, field
from fractions import Fraction

from .masters import Change, Master, State, Turn
from .music import Beats, Seconds, counted
from .phase import TICKS, Heading
from .tempo import FASTEST, SLOWEST
from .transport import Transport

GRID = Fraction(1, 4)
"""Tempos change on these beats."""

OVER = Beats(1)
"""An error is made good over so many beats."""

TOLERATED: Seconds = 0.0015
"""An error below this, now and two beats on, is left alone: that of a filter at work, which would fill the journal."""

AHEAD = Beats(2)

GENTLY, SURE = 0.5, 0.003
"""Of an error below this many seconds, which the filter itself may have made, so much is made good at a time."""

LARGE: Seconds = 0.01
"""An error beyond this is made good as soon as the outputs can be reached, and whole."""

CLOSE = 0.3
"""Bars that lie so many beats apart are brought together by the tempo."""

ELSEWHERE = 1.0
"""Who is so many beats off is not late, but at another place: the nearest is looked for anew."""

NEAR = Fraction(1, 2)
"""A master that goes on so near to where we stand goes on there."""

MOST_BENT = Fraction(1, 8)
"""No tempo is farther than this share from the master's."""

FINEST = 10_000
"""Tempos are said to 1/10,000 bpm: 1 ppm at 100."""


@dataclass(frozen=True, slots=True)
class Steer:
    """From beat `at` on, play at `bpm`."""

    at: Beats
    bpm: Fraction


@dataclass(slots=True)
class Following:
    """A master by its name, and where its beats lie among ours: ours are `offset` more. None while that is not known."""

    name: str
    master: Master
    offset: Beats | None = None
    _due: Beats = field(default=Beats(0))
    _peers: int = 0

    def entrance(self, time: Transport, now: Seconds) -> Seconds | None:
        """When the beat where time stands still is to sound: at the same place of the master's bar. None: whenever."""
        held, heading = time.held, self._heading(time, now)
        state = self.master.state(now)
        if heading is None or not (state.placed and state.locked):
            return None
        self._peers = state.peers or 0
        bar = time.bar(held)
        place = held - time.tempo.line_before(held)
        if self.master.place(place, time.soonest(), bar):
            self.master.lead(float(time.tempo.bpm_at(held)))
            self.offset = held - place
            return time.soonest()
        soonest = Fraction(heading.beat_at(time.soonest()))
        beat = place + math.ceil((soonest - place) / bar) * bar
        self.offset, self._due = held - beat, held
        return heading.moment_of(float(beat))

    def landing(self, turn: Turn, time: Transport, now: Seconds) -> tuple[Beats, Seconds]:
        """Which beat of ours, from where time stands still on, sounds when: the master was started, or goes on.

        Where it was started a bar begins. Where it goes on, it is where we are, or our next beat at the same place of a bar.
        """
        theirs, heading = Fraction(round(turn.beat * TICKS), TICKS), self._heading(time, now)
        ours = None if self.offset is None else theirs + self.offset
        if turn.change is Change.BEGAN:
            ours = time.tempo.line_after(time.held)
        elif ours is None or abs(ours - time.held) > NEAR:
            bar, line = time.bar(time.held), time.tempo.line_before(time.held)
            place = line + theirs % bar
            ours = place if place >= time.held else place + bar
        self.offset, self._due = ours - theirs, max(ours, time.held)
        return ours, turn.moment if heading is None else heading.moment_of(turn.beat)

    def astray(self, time: Transport, now: Seconds) -> bool:
        """Whether our bars lie anywhere among those of a master whose bars are known. One that goes by us goes by us."""
        heading, state = self._heading(time, now), self.master.state(now)
        if state.peers and not self._peers:
            self.offset = None  # who was alone goes to the others
        self._peers = state.peers or 0
        if self.offset is not None or heading is None or not (time.running and state.placed and state.locked):
            return False
        here = time.beat_at(now)
        if self.master.place(here - time.tempo.line_before(here), now, time.bar(here)):
            self.master.lead(float(time.tempo.bpm_at(here)))
            heading = self._heading(time, now) or heading
        bars = float(here - time.tempo.line_before(here)) - heading.beat_at(now)
        nearest = round(bars / float(time.bar(here))) * time.bar(here)
        if abs(bars - float(nearest)) < CLOSE:
            self.offset = time.tempo.line_before(here) + nearest
            return False
        return True

    def _heading(self, time: Transport, now: Seconds) -> Heading | None:
        return self.master.heading(now, time.bar(max(time.held, time.beat_at(now))))

    def holds(self, now: Seconds) -> bool:
        """Whether the master stands still, or its tempo is not known yet, so that nothing may begin."""
        state = self.master.state(now)
        return not state.running or (state.heard and state.placed and not state.locked)

    def trouble(self, now: Seconds) -> str:
        """What is to be said about it, in a sentence; "" for nothing. A clock that has ended may come back anywhere."""
        state = self.master.state(now)
        if state.trouble:
            self.offset = self.offset if state.placed else None
            return f"{self.name}: {state.trouble}."
        if state.bpm and not state.heard and state.running:
            self.offset = None
            return f"{self.name}: its clock has ended, the music goes on at the last tempo."
        return ""

    def off(self, time: Transport, now: Seconds) -> Seconds | None:
        """How late we are, now; None while nobody knows."""
        heading = self._heading(time, now)
        if heading is None or self.offset is None or not time.running:
            return None
        return _late(time, heading, time.beat_at(now), self.offset)

    def steer(self, time: Transport, now: Seconds, handed: Beats) -> list[Steer]:
        """What to do about the tempo: bend it over a beat, then have the master's. `handed`: what the outputs have been told."""
        heading = self._heading(time, now)
        if heading is None or not time.running:
            return []
        state = self.master.state(now)
        if self.offset is None and state.placed:
            return []  # until it is known where its bars are
        if self.offset is None:
            self.offset = _nearest(time.beat_at(now), heading, now)
        if abs(_late(time, heading, handed, self.offset)) > ELSEWHERE * 60 / heading.bpm:
            self.offset = None
            return []
        settled = state.locked
        soonest = handed
        if abs(_late(time, heading, handed, self.offset)) > LARGE:
            soonest = time.reachable()
        at = _next(max(soonest, self._due))
        if at > soonest + GRID:
            return []
        late = _late(time, heading, at, self.offset)
        later = _late(time, heading, at + AHEAD, self.offset)
        if max(abs(late), abs(later)) < TOLERATED:
            return []
        over = OVER if settled else GRID
        share = 0.0 if abs(late) < TOLERATED else GENTLY if abs(late) < SURE and settled else 1.0
        bends = [Steer(at, _bent(heading.bpm, over, share * late))] if share else []
        self._due = at + over if bends else at
        steers = [*bends, Steer(self._due, _bent(heading.bpm, over, 0.0))]
        self._due = max(self._due, at + GRID)
        return [steer for steer in steers if bends or steer.bpm != time.tempo.bpm_at(steer.at)]

    def words(self, time: Transport, now: Seconds) -> str:
        """How it goes, for the status: 'follows KeyStep: 121.3 bpm, locked, phase 0.4 ms'."""
        state = self.master.state(now)
        return f"follows {self.name}: " + ", ".join(_said(state, self.off(time, now), self.offset is not None))


def _said(state: State, off: Seconds | None, placed: bool) -> list[str]:
    if state.trouble:
        return [state.trouble]
    if not state.running:
        return [f"{state.bpm:.1f} bpm", "stopped"] if state.bpm else ["stopped"]
    if not state.heard:
        return ["no clock comes" if not state.bpm else "its clock has ended, the music goes on"]
    near = off is None or abs(off) <= ELSEWHERE * 60 / state.bpm
    how = "locked" if state.locked and near else "locking"
    if state.peers is not None:
        how = counted(Fraction(state.peers), "other peer") if state.peers else "alone"
    said = [f"{state.bpm:.1f} bpm", how]
    if not state.placed:
        said.append("tempo only, until it is started")
    return said + ([f"phase {round(1000 * off, 1) + 0.0:.1f} ms"] if off is not None and placed else [])


def _late(time: Transport, heading: Heading, beat: Beats, offset: Beats) -> Seconds:
    return time.straight_at(beat) - heading.moment_of(float(beat - offset))


def _nearest(ours: Beats, heading: Heading, now: Seconds) -> Beats:
    """The offset at which ticks fall on ticks, and as little as possible has to be made good."""
    return Fraction(round((float(ours) - heading.beat_at(now)) * TICKS), TICKS)


def _next(beat: Beats) -> Beats:
    return math.ceil(beat / GRID) * GRID


def _bent(bpm: float, over: Beats, late: Seconds) -> Fraction:
    """The tempo that makes this good over so many beats, not far from the master's."""
    seconds = float(over) * 60 / bpm - late
    low, high = bpm * float(1 - MOST_BENT), bpm * float(1 + MOST_BENT)
    wanted = high if seconds <= 0 else min(high, max(low, 60 * float(over) / seconds))
    return Fraction(round(min(FASTEST, max(SLOWEST, wanted)) * FINEST), FINEST)
