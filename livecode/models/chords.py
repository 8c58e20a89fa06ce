"""Chords as a performer gives them: typed, from a lead sheet, or what another part plays; and chords to hear.

note_seq reads the symbols: its module for them is loaded when somebody types chords, in 3 ms, and the readers of lead sheets when
somebody gives one, in 40 ms.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ..errors import BadInput, BadNotation
from ..files import expanded
from ..formats import beat_of_seconds
from ..music import Beats, Note, Phrase, beats
from . import noteseq
from .configs import CONFIGS
from .wire import INPUT, NO_CHORD, Progression


class Named(Protocol):
    """A part of a stage."""

    @property
    def name(self) -> str: ...


ChordsGiven: TypeAlias = str | os.PathLike[str] | Named | Progression
"""Text such as "Am F C G", the path of a lead sheet, a part (or "part:keys"), an input (or "input:KeyStep"), or a progression."""

PART = "part:"
"""What text begins with if a part is meant by its name: improv_rnn(chords="part:keys")."""

MOST_BARS = 512
BASS, CHORD = 36, 48
"""The octaves of a chord to hear: its bass from C2 up, its other pitches from C3 up. Source: BasicChordRenderer in
note_seq/chords_lib.py."""

SPELLINGS = (("♭", "b"), ("♯", "#"), ("Maj", "maj"), ("[Δ∆]7?", "maj7"), ("ø7?", "m7b5"), ("°", "dim"), ("7sus4", "7sus"))
"""Spellings that note_seq does not know, and those of its own that mean the same."""


def chords(text: str, *, bar: Fraction | float | str = 4, velocity: int = 80) -> Phrase:
    """Chords to hear, one a bar: each sounds until the next. `bar` is the length of a bar in beats.

    Bar lines hold bars of several chords: "Am | F G | C". `_` holds a chord on, `.` is a rest. Symbols are as note_seq reads
    them: Am, F#m7b5, Gsus, D7(b9), C/E. Raises BadNotation, with the position.

    >>> phrase = chords("Am F")
    >>> phrase
    <phrase of 8 beats: 0 A2, 0 C3, 0 E3, 0 A3, 4 F2, 4 C3, 4 F3, 4 A3>
    >>> chords("C Hm")
    Traceback (most recent call last):
    livecode.errors.BadNotation: Chord 2, 'Hm': there is no such chord; did you mean 'Bm'?
    """
    length, progression = beats(bar), written(text)
    if length <= 0:
        raise BadNotation(f"bar={bar!r} is no length of a bar: give beats above 0, such as 4 or 3.5.")
    changes = [*progression.between(Fraction(0), Fraction(progression.bars)), (Fraction(progression.bars), NO_CHORD)]
    sounding = [
        Note(begin * length, (end - begin) * length, pitch, velocity)
        for (begin, symbol), (end, _) in pairwise(changes)
        for pitch in pitches(symbol)
    ]
    return Phrase(tuple(sounding), progression.bars * length)


def given(what: ChordsGiven | None, config: str | None = None) -> Progression | str:
    """What a model is to play over: a progression, or the name of a part. `config` is the model's, which may not know them all.

    Raises BadInput for what is neither, BadNotation for a chord that cannot be read, with its position.

    >>> str(given("Am | F G | C"))
    'Am | F G | C'
    >>> given("part:keys"), given("input:KeyStep")
    ('keys', 'input:KeyStep')
    """
    if isinstance(what, Progression):
        changes = [(at, checked(symbol, f"Chord {place}", config)) for place, (at, symbol) in enumerate(what.changes, 1)]
        return Progression(tuple(changes), what.bars)
    if isinstance(what, str | os.PathLike) and Path(what).suffix.lower() in (*READERS, ".mid", ".midi"):
        return lead_sheet(what, config)
    what = getattr(what, "source", what)
    if isinstance(what, str) and what.startswith(INPUT):
        return what
    if isinstance(what, str) and not what.startswith(PART):
        return written(what, config)
    name = what.removeprefix(PART) if isinstance(what, str) else getattr(what, "name", None)
    if isinstance(what, os.PathLike) or not (isinstance(name, str) and name.isidentifier()):
        raise BadInput(
            f"chords={what!r} cannot be: give text such as 'Am F C G', the path of a lead sheet ({', '.join(READERS)}), "
            "or a part."
        )
    return name


def written(text: str, config: str | None = None) -> Progression:
    """Typed chords as a progression. Raises BadNotation."""
    if not isinstance(text, str):
        raise BadNotation(f"{text!r} is no text of chords: write some, such as 'Am F C G' or 'Am | F G | C'.")
    inside = text.strip(" \t\n|")
    bars = [bar.split() for bar in inside.split("|")] if "|" in text else [[symbol] for symbol in text.split()]
    empty = next((number for number, bar in enumerate(bars, start=1) if not bar), None)
    if empty is not None and inside:
        raise BadNotation(f"Bar {empty} of {text!r} is empty: write _ to hold the chord on, or . for a rest.")
    if len(bars) > MOST_BARS:
        raise BadNotation(f"{len(bars)} bars of chords are too many: give {MOST_BARS} at most.")
    changes, place = [], 0
    for number, bar in enumerate(bars):
        for position, symbol in enumerate(bar):
            place += 1
            if symbol != "_":
                known = NO_CHORD if symbol == "." else checked(symbol, f"Chord {place}", config)
                changes.append((number + Fraction(position, len(bar)), known))
    if not changes:
        raise BadNotation(f"There are no chords in {text!r}: write some, such as 'Am F C G' or 'Am | F G | C'.")
    return Progression(tuple(changes), len(bars))


def checked(symbol: str, where: str, config: str | None = None) -> str:
    """A symbol in note_seq's spelling. Raises BadNotation for one that it cannot read, or that the config does not know."""
    known = _spelled(symbol)
    if known is None:
        near = _spelled(("B" if symbol[:1] in "Hh" else symbol[:1].upper()) + symbol[1:])
        hint = f"did you mean {near!r}?" if near else "write it such as Am, F#m7b5, Gsus, D7(b9), C/E or N.C."
        raise BadNotation(f"{where}, {symbol!r}: there is no such chord; {hint}")
    library = noteseq.module("chord_symbols_lib")
    other = known != NO_CHORD and library.chord_symbol_quality(known) == library.CHORD_QUALITY_OTHER
    if other and config in CONFIGS and CONFIGS[config].triads:
        raise BadNotation(
            f"{where}, {symbol!r}: {config} knows only chords over a major, minor, augmented or diminished triad; "
            "write one that is near, or take a chord_pitches_improv model."
        )
    return known


def _spelled(symbol: str) -> str | None:
    if symbol.upper() in ("N.C.", "NC"):
        return NO_CHORD
    for other, ours in SPELLINGS:
        symbol = re.sub(other, ours, symbol)
    try:
        pitches(symbol)
    except noteseq.module("chord_symbols_lib").ChordSymbolError:
        return None
    return symbol


def pitches(symbol: str) -> list[int]:
    """The MIDI pitches of a chord to hear, from the bass up. Raises note_seq's ChordSymbolError."""
    if symbol == NO_CHORD:
        return []
    library = noteseq.module("chord_symbols_lib")
    return [
        BASS + library.chord_symbol_bass(symbol),
        *sorted({CHORD + pitch for pitch in library.chord_symbol_pitches(symbol)}),
    ]


def lead_sheet(path: str | os.PathLike[str], config: str | None = None) -> Progression:
    """The chords of a lead sheet, bar by bar, without the bar of a pickup. Repeats are played in ABC; MusicXML's are not.

    Raises BadInput for a file that cannot be read or has no chords, BadNotation for a chord that cannot.
    """
    source = expanded(path)
    if source.suffix.lower() not in READERS:
        raise BadInput(
            f"{source} is a MIDI file, and those name no chords: give a lead sheet ({', '.join(READERS)}), or let a part play it "
            "and listen to that: keys >> read_midi(...), then chords=keys."
        )
    try:
        sequence = READERS[source.suffix.lower()](source)
    except OSError as error:
        raise BadInput(f"{source} cannot be read ({error.strerror}): give the path of a lead sheet.") from error
    except Exception as error:  # note_seq's readers raise what they meet
        said = str(error).strip() or type(error).__name__
        raise BadInput(f"{source} cannot be read as a lead sheet ({said}): export it again, or type its chords.") from error
    found = sorted(
        (note for note in sequence.text_annotations if note.annotation_type == note.CHORD_SYMBOL), key=lambda note: note.time
    )
    if not found:
        raise BadInput(f"{source} has no chord symbols: write them above the notes, or type them.")
    to_bars = _bars_of(sequence)
    begin = _pickup(sequence)
    length = min(MOST_BARS, max(1, ceil(to_bars(sequence.total_time) - begin)))
    changes: dict[Fraction, str] = {}
    for chord in found:
        bar = max(Fraction(0), to_bars(chord.time) - begin)
        if bar < length:
            changes[bar] = checked(chord.text, f"Bar {int(bar) + 1} of {source.name}", config)
    return Progression(tuple(sorted(changes.items())), length)


def _from_musicxml(path: Path) -> Any:
    path.open().close()
    return noteseq.module("musicxml_reader").musicxml_file_to_sequence_proto(str(path))


def _from_abc(path: Path) -> Any:
    """The first tune of a book, with its repeats played."""
    tunes, troubles = noteseq.module("abc_parser").parse_abc_tunebook(path.read_text())
    if not tunes:
        raise troubles[0] if troubles else ValueError("it has no tune")
    return noteseq.module("sequences_lib").expand_section_groups(next(iter(tunes.values())))


READERS: dict[str, Callable[[Path], Any]] = {
    ".musicxml": _from_musicxml,
    ".xml": _from_musicxml,
    ".mxl": _from_musicxml,
    ".abc": _from_abc,
}
"""What reads a lead sheet, by the ending of its name."""


def _bars_of(sequence: Any) -> Callable[[float], Fraction]:
    """A function from seconds to bars since the beginning, through all tempos and meters."""
    beat_of = beat_of_seconds(sequence)
    meters = sorted(sequence.time_signatures, key=lambda meter: meter.time)
    begins = [(beat_of(meter.time), Fraction(4 * meter.numerator, meter.denominator)) for meter in meters]

    def to_bars(seconds: float) -> Fraction:
        return _bars_at(beat_of(seconds), begins or [(Beats(0), Beats(4))])

    return to_bars


def _bars_at(beat: Beats, meters: Sequence[tuple[Beats, Beats]]) -> Fraction:
    ends: Iterable[Beats] = [*(begin for begin, _ in meters[1:]), beat]
    spans = [(min(end, beat) - begin) / bar for (begin, bar), end in zip(meters, ends, strict=True) if begin < beat]
    return sum(spans, Fraction(0))


def _pickup(sequence: Any) -> int:
    """1 if the first bar is one of a pickup, which note_seq gives a shorter meter, else 0."""
    meters = sorted(sequence.time_signatures, key=lambda meter: meter.time)[:2]
    if len(meters) < 2:
        return 0
    short, full = (Fraction(meter.numerator, meter.denominator) for meter in meters)
    return int(short < full and _bars_of(sequence)(meters[1].time) == 1)
