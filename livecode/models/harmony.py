"""The chords under a melody, step by step: as they were written, or inferred from what another part plays. Runs in a worker.

Source: note_seq/chords_lib.py for what a chord symbol is and how long it holds, note_seq/chord_inference.py for the inference.
"""

from fractions import Fraction
from functools import cache
from math import ceil
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..music import Beats, Phrase
from . import noteseq
from .wire import NO_CHORD, Request

Floats: TypeAlias = NDArray[np.float64]

TWO_A_BAR = ((4, 4), (6, 8))
"""The meters whose bars may have two chords, where others have one. Source: _DEFAULT_TIME_SIGNATURE_CHORDS_PER_BAR there."""

KEY_CHANGES, CHORD_CHANGES, OUT_OF_KEY, CONCENTRATION = 0.001, 0.5, 0.01, 100.0
"""How likely keys and chords change, and notes leave their key, and how closely notes keep to a chord.

Source: infer_chords_for_sequence there."""


def symbols(request: Request, start: int, steps_per_beat: int) -> list[str]:
    """The chord of each step up to the end of the new bars, which begin at the step `start`. Without chords, NO_CHORD."""
    end = start + ceil(request.beats * steps_per_beat)
    chords = request.chords
    if isinstance(chords, Phrase):
        chords = inferred(chords, chords.length - request.beats, request.meter)
    held = [NO_CHORD] * end
    for beat, symbol in chords or ():
        step = max(0, start + round(beat * steps_per_beat))
        held[step:] = [symbol] * (end - step)
    return held


def inferred(phrase: Phrase, before: Beats, meter: tuple[int, int]) -> tuple[tuple[Beats, str], ...]:
    """The chords that note_seq hears in a phrase, one or two a bar, in beats from a bar line `before` beats after its beginning.

    The likeliest path through keys and chords. A phrase without notes has no chord.
    """
    if not phrase.notes or phrase.drums:
        return ()
    frame = Fraction(4 * meter[0], meter[1]) / (2 if meter in TWO_A_BAR else 1)
    first = -before // frame + 1
    lines = [place * frame for place in range(first, ceil((phrase.length - before) / frame))]
    inference = noteseq.module("chord_inference")
    vectors = inference.sequence_note_pitch_vectors(_in_seconds(phrase), [float(line + before) for line in lines])
    likely = inference._chord_frame_log_likelihood(vectors, CONCENTRATION)
    chords = [inference._CHORDS[place] for place in _likeliest(likely)]
    names = [NO_CHORD if chord == NO_CHORD else inference._PITCH_CLASS_NAMES[chord[0]] + chord[1] for chord in chords]
    return tuple(zip([-before, *lines], names, strict=True))


def _likeliest(frames: Floats) -> list[int]:
    """The chord of each frame on the likeliest path through keys and chords, of how likely chords are in frames, as logarithms.

    note_seq's own takes four times as long; the numbers are the same. Source: _key_chord_viterbi there.
    """
    in_key, moves = _tables()
    keys, chords = in_key.shape
    score, came = (-np.log(keys) + in_key + frames[0]).ravel(), []
    for frame in frames[1:]:
        ways = score + moves
        came.append(ways.argmax(axis=1))
        score = ways[np.arange(keys * chords), came[-1]] + np.tile(frame, keys)
    path = [int(score.argmax())]
    for step in reversed(came):
        path.append(int(step[path[-1]]))
    return [place % chords for place in reversed(path)]


@cache
def _tables() -> tuple[Floats, Floats]:
    """How likely each chord is in each key, and each step to a key and chord (rows) from another, as logarithms.

    note_seq fills the second table in two loops over 1164 places, which takes 0.6 s or more; the numbers are the same.
    Source: _key_chord_transition_distribution there.
    """
    in_key: Floats = noteseq.module("chord_inference")._key_chord_distribution(OUT_OF_KEY)
    keys, chords = in_key.shape
    stay = in_key[:, None, :] + in_key[:, :, None] / (chords - 1)  # (key, from, to)
    stay = (1 - KEY_CHANGES) * (CHORD_CHANGES * stay)
    stay[:, np.arange(chords), np.arange(chords)] = (1 - KEY_CHANGES) * (1 - CHORD_CHANGES)
    leave = KEY_CHANGES / (keys - 1) * in_key
    table = np.broadcast_to(leave, (keys, chords, keys, chords)).copy()
    table[np.arange(keys), :, np.arange(keys), :] = stay
    return np.log(in_key), np.ascontiguousarray(np.log(table.reshape(keys * chords, keys * chords)).T)


def _in_seconds(phrase: Phrase) -> Any:
    """A NoteSequence in which a beat lasts a second."""
    sequence = noteseq.module("protobuf.music_pb2").NoteSequence(total_time=float(phrase.length))
    for note in phrase.notes:
        sequence.notes.add(pitch=note.pitch, velocity=note.velocity, start_time=float(note.onset), end_time=float(note.end))
    return sequence
