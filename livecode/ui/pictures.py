"""What a phrase, a part and a stage look like: block characters for a terminal, without any colour, and SVG for a notebook."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from html import escape

from ..commands import PartState
from ..gm import DRUMS, PROGRAMS
from ..music import Beats, Note, Phrase, counted, pitch_name

MOST_ROWS = 18
"""A roll has no more rows than this; over a wider range a row stands for several pitches."""

FEWEST_COLUMNS = 24
LONGEST_SVG = Beats(256)
_DRUM_NAMES = {pitch: name for name, pitch in DRUMS.items()}


def roll(phrase: Phrase, width: int = 80, *, ascii_only: bool = False) -> str:
    """The notes of a phrase over time: drums as `beat` writes them, other notes as a piano roll, `width` columns at most.

    What is too long for the width is shown from its beginning.

    >>> from livecode.notation import beat, notes
    >>> print(roll(notes("C4 D4 _ C4")))
    4 beats, 3 notes
     D4     ████████
    C#4
     C4 ████        ████
        1   2   3   4
    >>> print(roll(beat(kick="x...x...", hat="x.o.X.o.")))
    2 beats, 6 strokes
     hat x.o.|X.o.
    kick x...|x...
         1    2
    """
    what = counted(Fraction(len(phrase.notes)), "stroke" if phrase.drums else "note")
    head = f"{counted(phrase.length, 'beat')}, {what}"
    if not phrase.notes:
        return f"{counted(phrase.length, 'beat')} of silence"
    draw = _grid if phrase.drums else _piano
    rows, shown = draw(phrase, max(width, FEWEST_COLUMNS), ascii_only)
    if shown < phrase.length:
        head += f" (shown: the first {counted(shown, 'beat')})"
    return "\n".join(row.rstrip() for row in [head, *rows])


def _grid(phrase: Phrase, width: int, ascii_only: bool) -> tuple[list[str], Beats]:
    """A row for each drum, a letter for each step, a line between beats."""
    pitches = sorted({note.pitch for note in phrase.notes}, reverse=True)
    names = {pitch: _DRUM_NAMES.get(pitch, str(pitch)) for pitch in pitches}
    margin = max(len(name) for name in names.values())
    step = _step(phrase)
    shown, bars = min(phrase.length, _fitting(step, width - margin - 1, gaps=True)), []
    columns = -(-shown // step)
    for pitch in pitches:
        letters = ["."] * columns
        for note in phrase.notes:
            if note.pitch == pitch and note.onset < shown:
                letters[int(note.onset / step)] = _letter(note)
        bars.append(f"{names[pitch]:>{margin}} {_with_gaps(letters, step, '|')}")
    return [*bars, " " * (margin + 1) + _with_gaps(_ruler(columns, step), step, " ")], shown


def _piano(phrase: Phrase, width: int, ascii_only: bool) -> tuple[list[str], Beats]:
    """A row for each pitch, or for a few of them, and a block for each step that a note lasts; its end is left open."""
    low, high = min(note.pitch for note in phrase.notes), max(note.pitch for note in phrase.notes)
    tall = -(-(high - low + 1) // MOST_ROWS)
    margin = 1 + max(len(pitch_name(pitch)) for pitch in (low, high, low + 1))
    step = _step(phrase)
    shown = min(phrase.length, _fitting(step, width - margin, gaps=False))
    columns = -(-shown // step)
    grid = {row: [" "] * columns for row in range((high - low) // tall + 1)}
    full, end = ("#", "=") if ascii_only else ("█", "▌")
    seen = [note for note in phrase.notes if note.onset < shown]
    begins = {(note.onset, (note.pitch - low) // tall) for note in seen}
    for note in seen:
        row, begin = (note.pitch - low) // tall, int(note.onset / step)
        cells = [full] * max(1, min(columns, -(-note.end // step)) - begin)
        if len(cells) > 1 and (note.end, row) in begins:
            cells[-1] = end
        grid[row][begin : begin + len(cells)] = cells
    rows = [f"{pitch_name(low + row * tall):>{margin - 1}} {''.join(grid[row])}" for row in sorted(grid, reverse=True)]
    return [*rows, " " * margin + "".join(_ruler(columns, step))], shown


def _step(phrase: Phrase) -> Beats:
    """A sixteenth, or a triplet of one, that all onsets fall on; half a sixteenth if they fall on neither."""
    steps = (Fraction(1, 4), Fraction(1, 6))
    return next((step for step in steps if all(not note.onset % step for note in phrase.notes[:500])), Fraction(1, 8))


def _fitting(step: Beats, columns: int, *, gaps: bool) -> Beats:
    """How many whole beats fit into so many columns."""
    a_beat = int(1 / step) + gaps
    return Beats(max(1, (columns + gaps) // a_beat))


def _ruler(columns: int, step: Beats) -> list[str]:
    """The numbers of the beats over the columns."""
    cells, a_beat = [" "] * columns, int(1 / step)
    for column in range(0, columns, a_beat):
        number = str(column // a_beat + 1)
        cells[column : column + len(number)] = number[: columns - column]
    return cells[:columns]


def _with_gaps(cells: Sequence[str], step: Beats, gap: str) -> str:
    a_beat = int(1 / step)
    return gap.join("".join(cells[place : place + a_beat]) for place in range(0, len(cells), a_beat))


def _letter(note: Note) -> str:
    return "X" if note.velocity > 110 else "x" if note.velocity > 80 else "o"


# Parts and stages


def part(line: str, last: Phrase | None, width: int = 80, *, ascii_only: bool = False) -> str:
    """A part's line in the status, and what it plays or last played."""
    drawn = roll(last, width - 2, ascii_only=ascii_only).splitlines() if last else []
    return "\n".join([line, *(f"  {row}" for row in drawn)])


def table(parts: Sequence[PartState], width: int = 80) -> str:
    """A row for each part: what it does, what comes next, how it sounds, what its model is, and its trouble."""
    if not parts:
        return "no parts yet"
    rows = [(part.name, part.doing, part.coming, _sound(part), _model(part)) for part in parts]
    troubles = [f"! {part.name}: {part.trouble}" for part in parts if part.trouble]
    return "\n".join([*_columns([("part", "does", "next", "sound", "model"), *rows], width), *troubles])


def _sound(part: PartState) -> str:
    said = [word for word, on in (("muted", part.muted), ("solo", part.soloed)) if on]
    named: dict[str, Callable[[float], str]] = {
        "program": lambda value: PROGRAMS[int(value)],
        "gain": lambda value: f"gain {value:g}",
        "pan": lambda value: f"pan {value:g}",
    }
    said += [show(part.settings[name]) for name, show in named.items() if name in part.settings]
    return ", ".join([*said, *([f"on {part.output}"] if part.output else [])])


def _model(part: PartState) -> str:
    return f"{part.model} (asked)" if part.waits else part.model


def _columns(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Rows under each other, the last column cut to the width; columns that are empty but for their title are left out."""
    kept = [column for column in range(len(rows[0])) if any(row[column] for row in rows[1:])]
    wide = {column: max(len(row[column]) for row in rows) for column in kept}
    lines = ["  ".join(f"{row[column]:{wide[column]}}" for column in kept).rstrip() for row in rows]
    return [cut(line, width) for line in lines]


def cut(text: str, width: int) -> str:
    """The text in `width` columns at most.

    >>> cut("generates 2 bars", 10)
    'generates…'
    """
    return text if len(text) <= width else text[: width - 1] + "…" if width > 0 else ""


# Notebooks


def svg(phrase: Phrase) -> str:
    """The same as a picture: 24 pixels a beat, a line for each beat, 256 beats at most; as dark as a note is loud."""
    if phrase.length > LONGEST_SVG:
        phrase = Phrase(tuple(note for note in phrase.notes if note.onset < LONGEST_SVG), LONGEST_SVG, phrase.drums)
    pitches = sorted({note.pitch for note in phrase.notes}) or [60]
    lanes = pitches if phrase.drums else list(range(pitches[0], pitches[-1] + 1))
    tall, beat_wide, margin = (14 if phrase.drums else 8), 24, 90
    wide, high = margin + int(phrase.length * beat_wide) + 2, len(lanes) * tall + 18
    lane = {pitch: high - 18 - (place + 1) * tall for place, pitch in enumerate(lanes)}
    drawn = [
        f'<line x1="{margin + at * beat_wide}" y1="0" x2="{margin + at * beat_wide}" y2="{high - 18}" stroke="#bbb"/>'
        f'<text x="{margin + at * beat_wide + 2}" y="{high - 5}">{at + 1}</text>'
        for at in range(int(phrase.length))
    ]
    named = lanes if phrase.drums else sorted({pitches[0], pitches[-1]})
    drawn += [
        f'<text x="{margin - 6}" y="{lane[pitch] + tall - 2}" text-anchor="end">{escape(_name(phrase, pitch))}</text>'
        for pitch in named
    ]
    drawn += [
        f'<rect x="{margin + float(note.onset * beat_wide):.1f}" y="{lane[note.pitch] + 1}" '
        f'width="{max(3.0, float(note.duration * beat_wide) - 1):.1f}" height="{tall - 2}" rx="2" '
        f'fill="#2563a8" fill-opacity="{0.3 + 0.7 * note.velocity / 127:.2f}"/>'
        for note in phrase.notes
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" font-family="sans-serif" font-size="10">'
        f"<title>{escape(repr(phrase))}</title>{''.join(drawn)}</svg>"
    )


def _name(phrase: Phrase, pitch: int) -> str:
    return _DRUM_NAMES.get(pitch, str(pitch)) if phrase.drums else pitch_name(pitch)
