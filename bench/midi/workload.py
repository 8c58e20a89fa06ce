"""What everybody plays: sixteenths at 120 bpm on two voices. `control.c` has the same numbers.

Pitches tell the notes apart: those of a voice go up by one from step to step and begin anew after four bars.
"""

BPM = 120
STEP = 0.125
"""Seconds."""

STEPS = 64
VOICES = 2

DENSE_PARTS = 16
DENSE_BAR = 256
DENSE_PITCHES = 128
"""2,048 notes a second: each part on a channel of its own plays 256 a bar, which go up through all pitches, twice."""

PORT = "ear:in"
"""Where the receiver listens, on JACK."""

TAIL = 2.0
"""Seconds that a player goes on after the window in which notes count, for those that are late."""


def pitch(voice: int, step: int) -> int:
    return voice * STEPS + step % STEPS


MARGIN = 2.0
"""Seconds that it has notes for beyond that: a prompt that sorts is done a second late."""
