"""The notations for one's own notes: `notes` for pitches, `beat` for drums, `phrase` for anything exactly."""

import math
import re
from fractions import Fraction

from .errors import BadNotation, UnknownName
from .gm import DRUMS
from .music import Note, Phrase, beats

_PITCH_CLASSES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NAME = re.compile(r"([A-Ga-g])(##|bb|#|b)?(-?\d+)")
_SHIFT = {None: 0, "#": 1, "##": 2, "b": -1, "bb": -2}
_HITS = {"X": 120, "x": 100, "o": 60}
_MOST_STEPS = 4096


def pitch_number(name: str) -> int:
    """The MIDI pitch of a name in scientific pitch notation, where C4 is 60; a number stands for itself.

    Raises BadNotation.

    >>> pitch_number("C4"), pitch_number("f#3"), pitch_number("Bb-1"), pitch_number("61")
    (60, 54, 10, 61)
    """
    match = _NAME.fullmatch(name)
    if match:
        letter, accidental, octave = match.groups()
        pitch = _PITCH_CLASSES[letter.lower()] + _SHIFT[accidental] + 12 * (int(octave) + 1)
    elif name.isascii() and name.isdigit():
        pitch = int(name)
    else:
        raise BadNotation(f"{name!r} is no note: write a letter from A to G, # or b if wanted, and an octave, such as C4 or Bb3.")
    if not 0 <= pitch <= 127:
        raise BadNotation(f"{name!r} lies outside MIDI's pitches: they go from C-1 (0) to G9 (127).")
    return pitch


def notes(text: str, *, dur: Fraction | float | str = 1, velocity: int = 100) -> Phrase:
    """One's own notes, `dur` beats each: names such as C4, F#3, Bb5 or MIDI numbers, `.` for a rest, `_` to hold on.

    Names joined by commas sound together; bar lines `|` are for the eye. Raises BadNotation, with the position, for
    anything else.

    >>> phrase = notes("C4 E4 . G4,C5 _", dur=0.5)
    >>> from livecode.music import pitch_name
    >>> [(str(note.onset), str(note.duration), pitch_name(note.pitch)) for note in phrase.notes]
    [('0', '1/2', 'C4'), ('1/2', '1/2', 'E4'), ('3/2', '1', 'G4'), ('3/2', '1', 'C5')]
    >>> str(phrase.length)
    '5/2'
    """
    if not isinstance(text, str):
        raise BadNotation(f"{text!r} is no text of notes: write some, such as 'C4 E4 . G4'.")
    step = beats(dur)
    if step <= 0:
        raise BadNotation(f"dur={dur!r} is no length of a note: give beats above 0, such as 1, 0.5 or '1/3'.")
    tokens = [token for token in re.finditer(r"\S+", text) if token.group() != "|"]
    if not tokens:
        raise BadNotation(f"There are no notes in {text!r}: write some, such as 'C4 E4 . G4'.")
    written: list[Note] = []
    held: list[Note] = []
    for place, token in enumerate(tokens):
        onset = place * step
        if token.group() == "_":
            held = [Note(note.onset, note.duration + step, note.pitch, note.velocity) for note in held]
            continue
        written += held
        held = []
        if token.group() != ".":
            held = [Note(onset, step, pitch, velocity) for pitch in _chord(token, place + 1)]
    return Phrase(tuple(written + held), len(tokens) * step)


def _chord(token: re.Match[str], place: int) -> list[int]:
    try:
        return [pitch_number(name) for name in token.group().split(",")]
    except BadNotation as error:
        raise BadNotation(f"Note {place} (character {token.start() + 1}): {error}") from error


def beat(*, step: Fraction | float | str = "1/4", **rows: str) -> Phrase:
    """A drum pattern, a row for each drum, `step` beats a letter (a sixteenth): x hits, X accents, o ghosts, . rests.

    Spaces and `|` are for the eye. Rows of different lengths each repeat until they meet again. Drums go by the names in
    `livecode.gm.DRUMS`. Raises BadNotation, with row and position, and UnknownName.

    >>> phrase = beat(kick="x...x...", hat="x.x.x.x.")
    >>> from livecode.music import pitch_name
    >>> [(str(note.onset), note.pitch) for note in phrase.notes]
    [('0', 36), ('0', 42), ('1/2', 42), ('1', 36), ('1', 42), ('3/2', 42)]
    >>> str(phrase.length)
    '2'
    """
    length = beats(step)
    if length <= 0:
        raise BadNotation(f"step={step!r} is no length of a step: give beats above 0, such as 1/4 or '1/6'.")
    if not rows:
        raise BadNotation("A beat needs at least one drum, such as beat(kick='x...', hat='x.x.').")
    hits = {_drum(name): _row(name, row) for name, row in rows.items()}
    steps = math.lcm(*(len(row) for row in hits.values()))
    if steps > _MOST_STEPS:
        lengths = ", ".join(str(len(row)) for row in hits.values())
        raise BadNotation(f"Rows of {lengths} steps meet again only after {steps} steps: bring their lengths closer together.")
    played = [
        Note(place * length, length, pitch, row[place % len(row)])
        for pitch, row in hits.items()
        for place in range(steps)
        if row[place % len(row)]
    ]
    return Phrase(tuple(played), steps * length, drums=True)


def _drum(name: str) -> int:
    if name not in DRUMS:
        raise UnknownName.of("drum", name, DRUMS)
    return DRUMS[name]


def _row(name: str, text: str) -> list[int]:
    row: list[int] = []
    if not isinstance(text, str):
        raise BadNotation(f"{name}={text!r} is no pattern: write x for a hit and . for a rest, such as {name}='x...'.")
    for place, letter in enumerate(text, start=1):
        if letter in " |":
            continue
        if letter not in _HITS and letter not in ".-":
            raise BadNotation(f"{name}={text!r} has {letter!r} at character {place}: write x, X, o for hits and . for rests.")
        row.append(_HITS.get(letter, 0))
    if not row:
        raise BadNotation(f"{name}={text!r} has no steps: write x for a hit and . for a rest, such as {name}='x...'.")
    return row


def phrase(text: str, length: Fraction | float | str, *, drums: bool = False) -> Phrase:
    """Any phrase of `length` beats, exactly: of each note its onset, its pitch, how long it lasts and how loud it is.

    Notes are separated by commas; onsets and lengths are in beats, such as 3, 0.5 or 1/3, velocities 1 to 127, 100 if left
    out. Pitches are written as for `notes`, with `drums` also as for `beat`. Raises BadNotation, with the position.

    >>> phrase("0 C4 1, 3/2 E4 1/2 80", 2)
    <phrase of 2 beats: 0 C4, 3/2 E4>
    >>> phrase("0 kick 1/4, 1 snare 1/4 60", 4, drums=True)
    <drums of 4 beats: 0 36, 1 38>
    """
    if not isinstance(text, str):
        raise BadNotation(f"{text!r} is no text of notes: write some, such as '0 C4 1, 1 E4 1/2'.")
    written = [_placed(note, place, drums=drums) for place, note in enumerate(text.split(","), 1)] if text.strip() else []
    return Phrase(tuple(written), beats(length), drums)


def _placed(text: str, place: int, *, drums: bool) -> Note:
    words = text.split()
    try:
        if not 3 <= len(words) <= 4:
            raise BadNotation("write its onset, its pitch and its length, such as 0 C4 1, then its velocity if it is not 100.")
        onset, pitch, duration, *loud = words
        number = DRUMS[pitch] if drums and pitch in DRUMS else pitch_number(pitch)
        return Note(beats(onset), beats(duration), number, int(loud[0]) if loud else 100)
    except ValueError as error:  # BadInput is one
        raise BadNotation(f"Note {place}, {text.strip()!r}: {error}") from error
