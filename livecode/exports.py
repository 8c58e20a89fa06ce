"""What has sounded, as files: a MIDI file, the mix as a WAV file, or a WAV file for each part."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from .errors import BadInput, UnknownName
from .files import expanded
from .formats import write_midi
from .music import Beats, Event, NoteEvent, ReleaseEvent, Seconds, counted
from .outputs.render import Sound, render_stems, render_wav
from .protocol import InputState, Opening, Report
from .tempo import TempoMap


class Sounded(Protocol):
    """An engine that has played: how it was opened, where it is, and its tape."""

    @property
    def opening(self) -> Opening: ...
    def report(self) -> Report: ...
    def tempo(self) -> TempoMap: ...
    def score(self, begin: Beats, end: Beats) -> list[Event]: ...
    def settings(self, at: Beats, seconds: Seconds) -> list[Event]: ...


@dataclass(frozen=True, slots=True)
class Take:
    """What sounded in [begin, end) beats, beginning with the settings that held there. Its seconds are those of the tempo map, as
    if nothing had ever paused."""

    events: tuple[Event, ...]
    tempo: TempoMap
    begin: Beats
    end: Beats

    @classmethod
    def of(cls, engine: Sounded, *, bars: Fraction | None = None, part: str | None = None, timed: bool = True) -> "Take":
        """All that an engine has played, or its last `bars` bars, of all its parts or of one; without seconds if not `timed`.

        Raises BadInput if nothing has sounded there, UnknownName for a part that never did.
        """
        tempo, end = engine.tempo(), engine.report().snapshot.beats
        begin = Beats(0) if bars is None else max(Beats(0), end - bars * tempo.meter_at(end).bar)
        played = engine.score(begin, end)
        played = [tempo.timed(event) for event in played] if timed else played
        if part is not None and part not in (parts := _sounding(played)):
            raise UnknownName.of("part that has sounded there", part, parts)
        if not _sounding(played):
            raise BadInput("Nothing has sounded yet: time runs from the first notes of a part on, or stage.click().")
        events = [*engine.settings(begin, tempo.seconds_at(begin)), *played]
        return cls(tuple(event for event in events if part in (None, event.part)), tempo, begin, end)

    def through(self, inputs: Sequence[InputState]) -> "Take":
        """What livecode sounds: of what was played on inputs only what goes through a part, as the part's. Raises BadInput."""
        parts = {state.name: state.thru[:1] for state in inputs}
        channels = {event.part: event.channel for event in self.events if isinstance(event, NoteEvent)}
        events: list[Event] = []
        for event in self.events:
            if event.part not in parts or isinstance(event, ReleaseEvent):
                events.append(event)
            else:
                events += [replace(event, part=part, channel=channels.get(part, event.channel)) for part in parts[event.part]]
        if not _sounding(events):
            raise BadInput("What was played on inputs goes through no part, so nothing sounds: lead.thru(...), or write a .mid.")
        return replace(self, events=tuple(events))

    @property
    def start(self) -> Seconds:
        """When it begins, by the tempo map."""
        return self.tempo.seconds_at(self.begin)

    @property
    def parts(self) -> list[str]:
        """Whoever has played a note in it, in order of appearance."""
        return _sounding(self.events)

    def __str__(self) -> str:
        return counted(self.tempo.bars_at(self.end) - self.tempo.bars_at(self.begin), "bar")


def export_file(engine: Sounded, path: str | Path, *, bars: Fraction | None = None, part: str | None = None) -> str:
    """Write what an engine has played as a .mid or a .wav file, and say what was written. Raises BadInput or OutputError."""
    target = _path(path)
    kind = target.suffix.lower()
    if kind not in (".mid", ".midi", ".wav"):
        stems = f"; stage.stems({str(target)!r}) writes a .wav for each part" if not kind else ""
        raise BadInput(f"{target} ends in neither .wav nor .mid: name it so, to say which is wanted{stems}.")
    take = Take.of(engine, bars=bars, part=part, timed=kind == ".wav")
    if kind == ".wav":
        take = take.through(engine.report().inputs)
        return f"{target}: {take}, {render_wav(target, take.events, start=take.start, sound=_sound(engine.opening))}"
    write_midi(target, take.events, take.tempo, take.begin, take.end, key=engine.report().snapshot.key)
    return f"{target}: {take}"


def export_stems(engine: Sounded, folder: str | Path, *, bars: Fraction | None = None) -> str:
    """Write what an engine has played as a .wav file for each part, in a new folder, and say what was written.

    Raises BadInput or OutputError.
    """
    target = _path(folder)
    take = Take.of(engine, bars=bars).through(engine.report().inputs)
    names = dict(zip(take.parts, _file_names(take.parts), strict=True))
    report = render_stems(target, take.events, names, start=take.start, sound=_sound(engine.opening))
    return f"{target}: {', '.join(f'{name}.wav' for name in names.values())}: {take}, {report}"


def _sounding(events: Sequence[Event]) -> list[str]:
    return list(dict.fromkeys(event.part for event in events if isinstance(event, NoteEvent)))


def _path(path: object) -> Path:
    if not isinstance(path, str | Path) or not str(path):
        raise BadInput(f"{path!r} is no path: give one such as 'take.wav' or 'take.mid'.")
    return expanded(path)


def _sound(opening: Opening) -> Sound:
    return Sound(opening.soundfont, gain=opening.gain, reverb=opening.reverb, chorus=opening.chorus)


def _file_names(parts: Sequence[str]) -> list[str]:
    """Names that are files' names everywhere, and differ where capitals do not count.

    >>> _file_names(["lead", "Lead", "Key/Step 37:0"])
    ['lead', 'Lead_2', 'Key_Step_37_0']
    """
    names: list[str] = []
    for part in parts:
        name = re.sub(r"[^\w-]+", "_", part)
        known = [other.casefold() for other in names]
        count = 1
        while (numbered := name if count == 1 else f"{name}_{count}").casefold() in known:
            count += 1
        names.append(numbered)
    return names
