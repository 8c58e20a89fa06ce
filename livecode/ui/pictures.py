"""What a phrase, a part and a stage look like: block characters for a terminal, without any colour, and SVG for a notebook."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from ..commands import PartState
from ..gm import DRUMS, PROGRAMS
from ..music import Beats, Note, Phrase, Plot, counted, gist, pitch_name

MOST_ROWS = 18
"""A roll has no more rows than this; over a wider range there are rows for what sounds only, or a row stands for several."""

FEWEST_COLUMNS = 24
SMALL_ROWS = 5
"""Of a candidate's picture."""

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
    if not phrase.notes:
        return f"{counted(phrase.length, 'beat')} of silence"
    page = _Page.of(phrase, max(width, FEWEST_COLUMNS), MOST_ROWS, ascii_only)
    head = _head(phrase)
    if page.beats < phrase.length:
        head += f" (shown: the first {counted(page.beats, 'beat')})"
    return "\n".join(row.rstrip() for row in [head, *page.rows(Beats(0)), page.ruler(Beats(0))])


def plot(shown: Plot, width: int = 80, *, ascii_only: bool = False) -> str:
    """The whole phrase, as many beats under each other as fit the width, all with the same rows: one for each drum or pitch,
    and one for how loud the loudest note of each step is, 0 to 9 for MIDI's velocities of 0 to 127.

    >>> from livecode.notation import notes
    >>> print(plot(notes("C4 D4 _ C4").plot(), 24))
    4 beats, 3 notes
     D4     ████████
    C#4
     C4 ████        ████
        7   7       7
        1   2   3   4
    """
    phrase = shown.phrase
    if not phrase.notes:
        return roll(phrase)
    page = _Page.of(phrase, max(width, FEWEST_COLUMNS), 128, ascii_only)
    rows = [_head(phrase)]
    for begin in range(0, math.ceil(phrase.length), int(page.beats)):
        place = Beats(begin)
        rows += [*([""] if begin else []), *page.rows(place), page.loudness(place), page.ruler(place)]
    return "\n".join(row.rstrip() for row in rows)


def _head(phrase: Phrase) -> str:
    what = counted(Fraction(len(phrase.notes)), "stroke" if phrase.drums else "note")
    return f"{counted(phrase.length, 'beat')}, {what}"


@dataclass(frozen=True, slots=True)
class _Page:
    """How a phrase is laid out: the lowest pitch of each row, from the top down; pitches in a row; beats side by side."""

    phrase: Phrase
    lanes: list[int]
    tall: int
    step: Beats
    beats: Beats
    margin: int
    ascii_only: bool

    @classmethod
    def of(cls, phrase: Phrase, width: int, most_rows: int, ascii_only: bool) -> "_Page":
        pitches = sorted({note.pitch for note in phrase.notes})
        span = pitches[-1] - pitches[0] + 1
        gaps = phrase.drums or span > most_rows >= len(pitches)
        tall = 1 if gaps else -(-span // most_rows)
        lanes = pitches if gaps else list(range(pitches[0], pitches[-1] + 1, tall))
        margin = 1 + max(len(_name(phrase, pitch)) for pitch in lanes)
        step = _step(phrase)
        fitting = Beats(max(1, (width - margin + phrase.drums) // (int(1 / step) + phrase.drums)))
        beats = fitting if fitting >= phrase.length or fitting < 4 else fitting // 4 * 4
        return cls(phrase, lanes[::-1], tall, step, min(Beats(beats), phrase.length), margin, ascii_only)

    def rows(self, begin: Beats) -> list[str]:
        """A row for each lane from this beat on."""
        draw = self._strokes if self.phrase.drums else self._blocks
        return [self._row(_name(self.phrase, lane), draw(lane, begin)) for lane in self.lanes]

    def ruler(self, begin: Beats) -> str:
        """The numbers of the beats."""
        cells = self._cells(begin)
        for column in range(0, len(cells), int(1 / self.step)):
            number = str(int(begin + column * self.step) + 1)
            cells[column : column + len(number)] = number[: len(cells) - column]
        return self._row("", cells, gap=" ")

    def loudness(self, begin: Beats) -> str:
        """How loud the loudest note of each step is."""
        cells = self._cells(begin)
        for note in self._seen(begin):
            place = int((note.onset - begin) / self.step)
            cells[place] = max(cells[place], str(note.velocity * 10 // 128))
        return self._row("", cells, gap=" ")

    def _strokes(self, lane: int, begin: Beats) -> list[str]:
        """A letter for each step."""
        letters = ["."] * len(self._cells(begin))
        for note in self._seen(begin):
            if note.pitch == lane:
                letters[int((note.onset - begin) / self.step)] = _letter(note)
        return letters

    def _blocks(self, lane: int, begin: Beats) -> list[str]:
        """A block for each step that a note lasts; its end is left open where another begins."""
        cells = self._cells(begin)
        full, end = ("#", "=") if self.ascii_only else ("█", "▌")
        mine = [note for note in self.phrase.notes if lane <= note.pitch < lane + self.tall]
        begins = {note.onset for note in mine}
        for note in mine:
            first, last = int((note.onset - begin) // self.step), -(-(note.end - begin) // self.step)
            blocks = [full] * max(1, last - first)
            if len(blocks) > 1 and note.end in begins:
                blocks[-1] = end
            for place, block in enumerate(blocks, first):
                if 0 <= place < len(cells):
                    cells[place] = block
        return cells

    def _seen(self, begin: Beats) -> list[Note]:
        return [note for note in self.phrase.notes if begin <= note.onset < begin + self.beats]

    def _cells(self, begin: Beats) -> list[str]:
        return [" "] * -(-min(self.beats, self.phrase.length - begin) // self.step)

    def _row(self, name: str, cells: Sequence[str], gap: str = "|") -> str:
        a_beat = int(1 / self.step)
        beats = ("".join(cells[place : place + a_beat]) for place in range(0, len(cells), a_beat))
        return f"{name:>{self.margin - 1}} {(gap if self.phrase.drums else '').join(beats)}"


def _step(phrase: Phrase) -> Beats:
    """A sixteenth, or a triplet of one, that all onsets fall on; half a sixteenth if they fall on neither."""
    steps = (Fraction(1, 4), Fraction(1, 6))
    return next((step for step in steps if all(not note.onset % step for note in phrase.notes[:500])), Fraction(1, 8))


def _letter(note: Note) -> str:
    return "X" if note.velocity > 110 else "x" if note.velocity > 80 else "o"


def choice(phrases: Sequence[Phrase], width: int = 80, *, ascii_only: bool = False) -> str:
    """Candidates side by side, each whole, with its number and in few words what it is; as many beside each other as fit.

    >>> from livecode.notation import notes
    >>> print(choice([notes("C4 E4 G4 C5"), notes("G4 E4 C4 C4")], 60))
     1 4 notes, C4 to C5           2 4 notes, C4 to G4
    |                    ███████| |██████                     |
    |                           | |                           |
    |             ███████       | |      ███████              |
    |      ███████              | |                           |
    |██████                     | |             ██████████████|
    """
    beside = max(1, min(len(phrases), width // FEWEST_COLUMNS, 4))
    wide = width // beside - 1
    drawn = [_small(number, phrase, wide, ascii_only) for number, phrase in enumerate(phrases, 1)]
    lines: list[str] = []
    for place in range(0, len(drawn), beside):
        lines += [" ".join(row).rstrip() for row in zip(*drawn[place : place + beside], strict=True)]
    return "\n".join(lines)


def _small(number: int, phrase: Phrase, wide: int, ascii_only: bool) -> list[str]:
    """A line of words and so many rows of blocks, each `wide` columns, over which the phrase's whole length is spread."""
    head = cut(f"{number:2} {gist(phrase)}", wide)
    lanes = sorted({note.pitch for note in phrase.notes})
    columns = wide - 2
    grid = [[" "] * columns for _ in range(SMALL_ROWS)]
    for note in phrase.notes:
        height = lanes.index(note.pitch) if phrase.drums else note.pitch - lanes[0]
        most = max(1, len(lanes) - 1 if phrase.drums else lanes[-1] - lanes[0])
        row = grid[SMALL_ROWS - 1 - height * (SMALL_ROWS - 1) // most]
        begin, end = (int(at / phrase.length * columns) for at in (note.onset, note.end))
        for column in range(begin, begin + 1 if phrase.drums else max(begin + 1, end)):
            row[column] = "#" if ascii_only else "█"
    return [f"{head:{wide}}", *(f"|{''.join(row)}|" for row in grid)]


# Parts and stages


def part(line: str, last: Phrase | None, width: int = 80, *, ascii_only: bool = False) -> str:
    """A part's line in the status, and what it plays or last played."""
    drawn = roll(last, width - 2, ascii_only=ascii_only).splitlines() if last else []
    return "\n".join([line, *(f"  {row}" for row in drawn)])


def table(parts: Sequence[PartState], width: int = 80) -> str:
    """A row for each part: what it does, what comes next, its transforms, its sound, its model, and its trouble."""
    if not parts:
        return "no parts yet"
    rows = [(part.name, part.doing, part.coming, _loops(part), _sound(part), _model(part)) for part in parts]
    troubles = [f"! {part.name}: {part.trouble}" for part in parts if part.trouble]
    return "\n".join([*_columns([("part", "does", "next", "loops", "sound", "model"), *rows], width), *troubles])


def _loops(part: PartState) -> str:
    return ", ".join([*part.transforms, *([f"in {part.key}"] if part.key else [])])


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


def svg_plot(shown: Plot) -> str:
    """The same of what is to be shown in full."""
    return svg(shown.phrase)


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
