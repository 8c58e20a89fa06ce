"""Call and response: when a part listens to an input, when it asks its model to answer, and when it answers. Pure.

A call begins on the bar line before its first note (a note that is EARLY is on the line), so nothing that
is played is lost, and silence asks for nothing. The answer enters on the bar line where the call ends; one that comes too late
leaves silence, and enters on the next bar line.
"""

from dataclasses import dataclass

from .commands import Respond, Rest
from .ears import EARLY, Ear
from .models.wire import LONGEST_PRIMER
from .music import Beats, Phrase
from .tempo import TempoMap

SOON = Beats(1, 2)
"""A bar line nearer than this is too near for a model to answer on."""

LONGEST_ANSWER = 16
"""In bars; a call that is longer is answered with so many."""

KICK, SNARE, MIDDLE = 36, 38, 60


@dataclass(frozen=True, slots=True)
class Call:
    """What was played to a part in [begin, entry), and is to be answered from `entry` on for `beats` beats."""

    begin: Beats
    entry: Beats
    beats: Beats


class Exchange:
    """A part that listens and answers. It hears notes from beat `since` on."""

    def __init__(self, said: Respond, since: Beats) -> None:
        self.said, self.since = said, since
        self._entry = since
        self._answers: tuple[Beats, Beats] | None = None

    def due(self, ear: Ear, here: Beats, now: Beats, tempo: TempoMap, lead: Beats) -> Call | None:
        """The call to be answered, if it is time to ask for that: `lead` before new bars are to enter, `now` or later.

        `here` is the beat that sounds.
        """
        begin = self.begins(ear, tempo)
        if begin is None:
            return None
        bar = tempo.meter_at(begin).bar
        if self.said.until is None:
            end = tempo.line_after(begin + self.said.bars * bar)
            if now < end - lead:
                return None
            entry = end if now <= end else tempo.line_after(now)
            call = Call(begin, entry, self.said.bars * tempo.meter_at(entry).bar)
        elif self._over(ear, here):
            entry = max(tempo.line_after(now + SOON), begin + bar)
            call = Call(begin, entry, min(entry - begin, LONGEST_ANSWER * tempo.meter_at(entry).bar))
        else:
            return None
        self._entry = entry
        return call

    def _over(self, ear: Ear, here: Beats) -> bool:
        """Whether a call without a set length has come to its end. A pedal that went down before its first note holds, and ends
        nothing."""
        if isinstance(self.said.until, Rest):
            return not ear.sounds() and here - ear.last_end() >= self.said.until.beats
        first = self._first(ear)
        return first is not None and ear.pedal_at is not None and ear.pedal_at > first

    def begins(self, ear: Ear, tempo: TempoMap) -> Beats | None:
        """The bar line on which the call begins that is being listened to; None before its first note."""
        first = self._first(ear)
        return None if first is None else tempo.line_before(first + EARLY)

    def _first(self, ear: Ear) -> Beats | None:
        """Where the first note of the call was struck."""
        return ear.first(self.since - EARLY)

    def enters(self, now: Beats, tempo: TempoMap) -> Beats:
        """Where the answer that was asked for may enter."""
        return self._entry if now <= self._entry else tempo.line_after(now)

    def late(self, at: Beats) -> bool:
        """Whether an answer that enters there is later than it should be."""
        return at > self._entry

    def answered(self, at: Beats, end: Beats) -> None:
        """An answer sounds in [at, end). What is played to it then is the next call, if they overlap; else what comes after."""
        self._answers = (at, end)
        self.since = at if self.said.continuous else end

    def passed_over(self) -> None:
        """There is no answer to the last call: the next begins."""
        self.since = max(self.since, self._entry)

    def doing(self, ear: Ear | None, now: Beats, tempo: TempoMap) -> str:
        """In words for the status."""
        if self._answers is not None and self._answers[0] <= now < self._answers[1]:
            return f"answers {self.said.source}"
        begin = self.begins(ear, tempo) if ear is not None else None
        if begin is None or now < begin:
            return f"listens to {self.said.source}"
        bar = tempo.bar_at(now) - tempo.bar_at(begin) + 1
        if self.said.until is None:
            return f"listens to {self.said.source}, bar {min(bar, self.said.bars)} of {self.said.bars}"
        return f"listens to {self.said.source}, bar {bar}"


def heard_by(phrase: Phrase, *, drums: bool) -> Phrase | None:
    """What a model of drums, or of notes, makes of what was played: of notes drums hear the rhythm, the low ones on the kick.

    None for what means nothing to it: silence, and drums to a melody.

    >>> from livecode.notation import notes
    >>> heard_by(notes("C3 E4"), drums=True)
    <drums of 2 beats: 0 36, 1 38>
    """
    if not phrase.notes or (phrase.drums and not drums):
        return None
    if phrase.drums or not drums:
        return phrase.last(LONGEST_PRIMER)
    strokes = tuple(
        type(note)(note.onset, note.duration, KICK if note.pitch < MIDDLE else SNARE, note.velocity) for note in phrase.notes
    )
    return Phrase(strokes, phrase.length, drums=True).last(LONGEST_PRIMER)


def going_round(ear: Ear, entry: Beats, back: Beats, beats: Beats) -> Phrase:
    """What was played in the `back` beats before `entry`, and then the last `beats` of it once more: chords to play over."""
    before, again = ear.excerpt(entry - back, entry), ear.excerpt(entry - beats, entry)
    later = tuple(type(note)(note.onset + back, note.duration, note.pitch, note.velocity) for note in again.notes)
    return Phrase((*before.notes, *later), back + beats, before.drums and again.drums)
