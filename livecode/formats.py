"""Phrases and takes in the formats others read: MIDI files, NoteSequence, pretty_midi.

The libraries for these load inside the functions that need them, to keep them out of start-up: note_seq alone takes seconds.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from .controls import wire
from .errors import BadInput
from .files import expanded, whole_file
from .gm import BANK_HIGH, BANK_LOW, DRUM_CHANNEL
from .music import FINEST, Beats, ControlEvent, Event, Note, NoteEvent, Phrase, ProgramEvent, Seconds
from .scales import Key
from .tempo import Meter, TempoMap, exact_bpm

TICKS = FINEST
"""Ticks a quarter note in the MIDI files that are written."""

_SLOWEST_STEP = 0xFFFFFF
"""The most microseconds a quarter note that MIDI can say."""


def read_midi(path: str | Path) -> Phrase:
    """All notes of a MIDI file as one phrase, as long as the bars they fill; drums if every note is on channel 10.

    Onsets and durations are exact in ticks. Raises BadInput for a file that is missing, is no MIDI file, or has no notes.
    """
    import mido  # keeps start-up short

    source = expanded(path)
    try:
        song = mido.MidiFile(source)
    except (OSError, EOFError, ValueError, KeyError, IndexError, mido.KeySignatureError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise BadInput(f"{source} cannot be read ({error.strerror}): give the path of a .mid file.") from error
        raise BadInput(f"{source} is no whole MIDI file ({error or 'it ends early'}): export it again.") from error
    if song.ticks_per_beat <= 0:
        raise BadInput(f"{source} counts time in video frames, not in beats: export it with ticks per quarter note.")
    notes, channels, bar = _read_tracks(song)
    if not notes:
        raise BadInput(f"{source} has no notes: give a MIDI file with at least one.")
    return _in_bars(notes, bar, drums=channels == {DRUM_CHANNEL})


def _read_tracks(song: Any) -> tuple[list[Note], set[int], Beats]:
    notes: list[Note] = []
    channels: set[int] = set()
    bar: Beats | None = None
    for track in song.tracks:
        ticks = 0
        open_notes: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for message in track:
            ticks += message.time
            if message.type == "time_signature" and bar is None:
                bar = Fraction(4 * message.numerator, message.denominator)
            elif message.type == "note_on" and message.velocity:
                open_notes.setdefault((message.channel, message.note), []).append((ticks, message.velocity))
            elif message.type in ("note_on", "note_off") and open_notes.get((message.channel, message.note)):
                begin, velocity = open_notes[message.channel, message.note].pop(0)
                if ticks > begin:
                    onset, duration = (Fraction(part, song.ticks_per_beat) for part in (begin, ticks - begin))
                    notes.append(Note(onset, duration, message.note, velocity))
                    channels.add(message.channel)
    return notes, channels, bar or Fraction(4)


def _in_bars(notes: Iterable[Note], bar: Beats, *, drums: bool) -> Phrase:
    kept = tuple(notes)
    end = max((note.end for note in kept), default=bar)
    return Phrase(kept, max(1, math.ceil(end / bar)) * bar, drums)


def write_midi(path: str | Path, events: Iterable[Event], tempo: TempoMap, begin: Beats, end: Beats, *, key: str = "") -> None:
    """A take as a MIDI file of type 1: tempo, meters, then a track for each part with its name, programs and controllers.

    key: such as "A minor", for the key signature; "" for none.

    `begin` becomes the start of the file; notes last until `end` at most. Onsets are rounded to ticks of 1/960 beat, swing
    included. Ramps are written in steps of 1/64 to 1 beat, so fine that the file is at most 0.1 ms off (0.2 ms where 30 bpm
    become 999 in two bars). The file appears whole or not at all. Raises OutputError if it cannot be written.
    """
    import mido  # keeps start-up short

    song = mido.MidiFile(type=1, ticks_per_beat=TICKS)
    song.tracks.append(_conductor(tempo, begin, end, Key.of(key).signature if key else ""))
    events = list(events)
    sounding = dict.fromkeys(event.part for event in events if isinstance(event, NoteEvent))
    by_part: dict[str, list[Event]] = {part: [] for part in [*sounding, *sorted({event.part for event in events})]}
    for event in events:
        by_part[event.part].append(event)
    for name, part in by_part.items():
        song.tracks.append(_track(name, part, tempo, begin, end))
    with whole_file(expanded(path)) as hidden:
        song.save(hidden)


def _conductor(tempo: TempoMap, begin: Beats, end: Beats, signature: str) -> Any:
    import mido  # keeps start-up short

    changes: list[tuple[Beats, Any]] = []
    meters = [(begin, tempo.meter_at(begin)), *((bars.begin, bars.meter) for bars in tempo.bars if begin < bars.begin < end)]
    for beat, meter in meters:
        changes.append((beat, mido.MetaMessage("time_signature", numerator=meter.count, denominator=meter.unit)))
    if signature:
        changes.append((begin, mido.MetaMessage("key_signature", key=signature)))
    for beat, microseconds in _tempo_steps(tempo, begin, end):
        changes.append((beat, mido.MetaMessage("set_tempo", tempo=microseconds)))
    return _timed([(_ticks(beat, begin), 0, message) for beat, message in changes], "tempo", _ticks(end, begin))


def _tempo_steps(tempo: TempoMap, begin: Beats, end: Beats) -> Iterator[tuple[Beats, int]]:
    """The beats at which a tempo begins, and how many microseconds a quarter note lasts from there.

    MIDI counts whole ones: what the rounding leaves over is made good in the next step, so that it does not add up.
    """
    marks = tempo.marks(begin, end)
    written = 0.0
    for here, then in pairwise([*marks, max(end, marks[-1] + 1)]):
        due = (tempo.seconds_at(then) - tempo.seconds_at(begin)) * 1_000_000
        length = float(then - here)
        microseconds = max(1, min(_SLOWEST_STEP, round((due - written) / length)))
        written += microseconds * length
        yield here, microseconds


def _track(name: str, events: Iterable[Event], tempo: TempoMap, begin: Beats, end: Beats) -> Any:
    import mido  # keeps start-up short

    timed: list[tuple[int, int, Any]] = []
    struck: dict[tuple[int, int], int] = {}
    for event in sorted(events, key=lambda event: event.beat, reverse=True):
        ticks = _ticks(tempo.swung(event.beat), begin)
        if isinstance(event, NoteEvent):
            stop = max(ticks + 1, _ticks(min(tempo.swung(event.end_beat), end), begin))
            # A note that still rings when its key is struck again ends there: its note-off would end the other.
            stop = min(stop, struck.get((event.channel, event.pitch), stop))
            struck[event.channel, event.pitch] = ticks
            on = mido.Message("note_on", channel=event.channel, note=event.pitch, velocity=event.velocity)
            timed.append((ticks, 3, on))
            timed.append((stop, 0, mido.Message("note_off", channel=event.channel, note=event.pitch)))
        elif isinstance(event, ControlEvent):
            said = wire(event.channel, event.control, event.value)
            timed += [(ticks, 1, mido.Message.from_bytes(message)) for message in said]
        elif isinstance(event, ProgramEvent):
            for control, value in zip((BANK_HIGH, BANK_LOW), event.bank or (), strict=False):
                timed.append((ticks, 2, mido.Message("control_change", channel=event.channel, control=control, value=value)))
            timed.append((ticks, 2, mido.Message("program_change", channel=event.channel, program=event.program)))
    return _timed(timed, name, _ticks(end, begin))


def _timed(timed: list[tuple[int, int, Any]], name: str, end: int) -> Any:
    """Absolute ticks to MIDI's delta times; at the same tick note-offs go before controllers before programs before note-ons."""
    import mido  # keeps start-up short

    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    here = 0
    for ticks, _, message in sorted(timed, key=lambda item: item[:2]):
        message.time = ticks - here
        track.append(message)
        here = ticks
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - here)))
    return track


def _ticks(beat: Beats, begin: Beats) -> int:
    return max(0, round((beat - begin) * TICKS))


def from_note_sequence(sequence: Any, *, drums: bool | None = None) -> Phrase:
    """A note_seq NoteSequence as a phrase, as long as the bars it fills.

    Quantized sequences are read in steps, others in seconds through all their tempos (120 if there is none). `drums` is found
    from `is_drum` unless given. Raises BadInput for a tempo, a meter or a note that livecode cannot play. Source:
    note_seq/protobuf/music.proto.
    """
    per_quarter = sequence.quantization_info.steps_per_quarter
    beat_of = beat_of_seconds(sequence)
    notes = []
    for note in sequence.notes:
        if per_quarter:
            begin, end = (Fraction(step, per_quarter) for step in (note.quantized_start_step, note.quantized_end_step))
        else:
            begin, end = (beat_of(seconds) for seconds in (note.start_time, note.end_time))
        notes.append(Note(begin, max(end - begin, Fraction(1, TICKS)), note.pitch, max(1, min(127, note.velocity or 100))))
    is_drums = bool(sequence.notes) and all(note.is_drum for note in sequence.notes) if drums is None else drums
    signature = sequence.time_signatures[0] if sequence.time_signatures else None
    bar = Meter(signature.numerator, signature.denominator).bar if signature else Fraction(4)
    return _in_bars(notes, bar, drums=is_drums)


def beat_of_seconds(sequence: Any) -> Callable[[Seconds], Beats]:
    """A function from the seconds of a NoteSequence to beats through all its tempos, 120 if there is none. Raises BadInput."""
    pace = TempoMap.steady(Fraction(120))
    for change in sorted(sequence.tempos, key=lambda change: change.time):
        pace = pace.with_bpm(pace.beat_at(change.time), exact_bpm(change.qpm))
    return lambda seconds: _on_grid(pace.beat_at(seconds))


def to_note_sequence(phrase: Phrase, *, bpm: Fraction | float = 120) -> Any:
    """A phrase as a note_seq NoteSequence in 4/4 at a steady tempo. Loads note_seq, which takes seconds the first time."""
    from note_seq.protobuf import music_pb2  # keeps start-up short

    exact = exact_bpm(bpm)
    sequence = music_pb2.NoteSequence(ticks_per_quarter=TICKS)
    sequence.tempos.add(qpm=float(exact))
    sequence.time_signatures.add(numerator=4, denominator=4)
    for note in phrase.notes:
        begin, end = (float(beat * 60 / exact) for beat in (note.onset, note.end))
        sequence.notes.add(pitch=note.pitch, velocity=note.velocity, start_time=begin, end_time=end, is_drum=phrase.drums)
    sequence.total_time = float(phrase.length * 60 / exact)
    return sequence


def from_pretty_midi(song: Any) -> Phrase:
    """A pretty_midi.PrettyMIDI as a phrase, as long as the bars it fills; drums if every instrument is. Raises BadInput."""
    voices = [instrument for instrument in song.instruments if instrument.notes]
    notes = []
    for note in (note for voice in voices for note in voice.notes):
        begin, end = (Fraction(song.time_to_tick(seconds), song.resolution) for seconds in (note.start, note.end))
        notes.append(Note(begin, max(end - begin, Fraction(1, TICKS)), note.pitch, max(1, note.velocity)))
    signatures = song.time_signature_changes
    bar = Meter(signatures[0].numerator, signatures[0].denominator).bar if signatures else Fraction(4)
    return _in_bars(notes, bar, drums=bool(voices) and all(voice.is_drum for voice in voices))


def to_pretty_midi(phrase: Phrase, *, bpm: Fraction | float = 120, program: int = 0) -> Any:
    """A phrase as a pretty_midi.PrettyMIDI with one instrument (program 0-127) at a steady tempo. Loads pretty_midi."""
    import pretty_midi  # keeps start-up short

    exact = exact_bpm(bpm)
    song = pretty_midi.PrettyMIDI(initial_tempo=float(exact), resolution=TICKS)
    voice = pretty_midi.Instrument(program=program, is_drum=phrase.drums)
    for note in phrase.notes:
        begin, end = (float(beat * 60 / exact) for beat in (note.onset, note.end))
        voice.notes.append(pretty_midi.Note(velocity=note.velocity, pitch=note.pitch, start=begin, end=end))
    song.instruments.append(voice)
    return song


def _on_grid(beat: Beats) -> Beats:
    return Fraction(round(beat * TICKS), TICKS)
