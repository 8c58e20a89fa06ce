"""How many notes of a phrase may sound at once, and which end each other: what an instrument can play of it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeGuard

import msgspec

from .errors import BadInput
from .gm import DRUMS
from .music import Beats, Note, Phrase

MOST_VOICES = 128


class Voicing(msgspec.Struct, frozen=True):
    """`voices` notes at once, 0 for any number; a note of one of the `chokes` (groups of pitches) ends the others of its group.

    Where a note is too many, the oldest ends; of notes struck together the softest, then the lowest.
    """

    voices: int = 0
    chokes: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.voices, bool) or not isinstance(self.voices, int) or not 0 <= self.voices <= MOST_VOICES:
            raise BadInput(f"voices={self.voices!r} cannot be: give how many notes may sound at once, 1 to {MOST_VOICES}.")

    def within(self, voices: int) -> "Voicing":
        """The same with at most so many voices; 0 limits nothing."""
        return Voicing(min(self.voices or voices, voices or self.voices), self.chokes)

    def limited(self, phrase: Phrase) -> Phrase:
        """The phrase as it can sound. Its notes ring to its end at most, so each pass can be looked at by itself.

        >>> from livecode.music import Beats
        >>> Voicing(1).limited(Phrase((Note(Beats(0), Beats(4), 60), Note(Beats(1), Beats(1), 64)), Beats(4)))
        <phrase of 4 beats: 0 C4, 1 E4>
        """
        if not (self.voices or self.chokes):
            return phrase
        group = {pitch: number for number, pitches in enumerate(self.chokes) for pitch in pitches}
        notes = sorted(phrase.notes, key=lambda note: (note.onset, note.velocity, note.pitch))
        notes = _choked(notes, group)
        kept = [_stolen(notes, place, self.voices) for place in range(len(notes))] if self.voices else notes
        return replace(phrase, notes=tuple(note for note in kept if note is not None))


def _choked(notes: Sequence[Note], group: Mapping[int, int]) -> list[Note]:
    """The notes, in order of onset, each until another of its group is struck."""
    kept: list[Note] = []
    struck: dict[int, tuple[Beats, Beats | None]] = {}
    """Of each group: the onset looked at last, and the next one after it."""
    for note in reversed(notes):
        mine = group.get(note.pitch)
        if mine is not None:
            onset, after = struck.get(mine, (note.onset, None))
            after = onset if note.onset < onset else after
            struck[mine] = note.onset, after
            if after is not None and after < note.end:
                note = replace(note, duration=after - note.onset)
        kept.append(note)
    return kept[::-1]


def _stolen(notes: Sequence[Note], place: int, voices: int) -> Note | None:
    """The note until its voice is needed for another; None if that is so at once.

    It is the oldest exactly when so many newer ones ring that they fill all voices but its own: notes older than it would have
    ended before, so nothing before it matters.
    """
    note, newer = notes[place], list[Note]()
    for other in islice(notes, place + 1, None):
        if other.onset >= note.end:
            break
        newer = [ringing for ringing in newer if ringing.end > other.onset]
        if len(newer) >= voices - 1:
            return replace(note, duration=other.onset - note.onset) if other.onset > note.onset else None
        newer.append(other)
    return note


def choke_groups(chokes: object) -> tuple[tuple[int, ...], ...]:
    """Groups of drums that end each other, by their names or pitches. Raises BadInput.

    >>> choke_groups([("hat", "open_hat")])
    ((42, 46),)
    """
    groups = [group for group in chokes if _listed(group) and len(group) > 1] if _listed(chokes) else []
    if not _listed(chokes) or len(groups) < len(chokes):
        raise BadInput(f"chokes={chokes!r} cannot be: give groups of drums that end each other, such as [('hat', 'open_hat')].")
    found = tuple(tuple(_drum(drum) for drum in group) for group in groups)
    pitches = [pitch for group in found for pitch in group]
    if len(set(pitches)) < len(pitches):
        raise BadInput(f"chokes={chokes!r} has a drum twice: give each one group.")
    return found


def _listed(thing: object) -> TypeGuard[Sequence[object]]:
    return isinstance(thing, list | tuple)


def _drum(drum: object) -> int:
    pitch = DRUMS.get({"closed_hat": "hat"}.get(drum, drum)) if isinstance(drum, str) else drum
    if isinstance(pitch, bool) or not isinstance(pitch, int) or not 0 <= pitch <= 127:
        raise BadInput(f"{drum!r} is no drum: give a name such as 'open_hat', or a pitch from 0 to 127.")
    return pitch
