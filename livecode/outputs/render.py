"""A take as a WAV file, rendered as fast as the machine can, by the same synthesizer and channels as live."""

import tempfile
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import BadInput, OutputError
from ..files import expanded, whole_file
from ..music import Event, NoteEvent, Seconds
from . import soundfonts
from .fluid import GAIN, SAMPLE_RATE
from .fluidlib import BLOCK, Library, Synth
from .voices import Voices

if TYPE_CHECKING:  # numpy takes longer to load than all of livecode, so it waits for the first render
    import numpy as np
    import numpy.typing as npt

    _Samples = npt.NDArray[np.float32]

CHUNK = 64 * BLOCK
LOUDEST = 0.98
"""A take that peaks above this part of full scale is turned down as a whole."""


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What was rendered: length, number of stereo frames, peak as a part of full scale, and by how much it was turned down."""

    path: Path
    seconds: Seconds
    frames: int
    peak: float
    scale: float
    missing_programs: frozenset[tuple[str, int]]

    def __str__(self) -> str:
        turned = f", turned down to {self.scale:.2f} so that nothing clips" if self.scale < 1.0 else ""
        return f"{self.seconds:.1f} s, peak {self.peak:.2f} of full scale{turned}"


def render_wav(
    path: str | Path,
    events: Iterable[Event],
    *,
    start: Seconds = 0.0,
    soundfont: str | Path | None = None,
    sample_rate: int = SAMPLE_RATE,
    gain: float = GAIN,
    tail: Seconds = 3.0,
    reverb: bool = True,
    chorus: bool = False,
) -> RenderReport:
    """Render events to a 16-bit stereo WAV file that begins at clock second `start` and ends `tail` seconds after the last note.

    Onsets are exact to half a block of 64 samples. The take is turned down as a whole if it would clip. The same events
    give the same bytes. The file appears under its name only when it is complete.

    Raises BadInput for a path that does not end in .wav or an impossible sample rate, OutputError if the file cannot be
    written or FluidSynth is missing.
    """
    target = expanded(path)
    if target.suffix.lower() != ".wav":
        raise BadInput(f"The take cannot be written to {str(path)!r}: give a name that ends in .wav.")
    if not 8000 <= sample_rate <= 96000:
        raise BadInput(f"FluidSynth does not render at {sample_rate} samples per second: give 8000 to 96000.")
    ordered = sorted(events, key=lambda event: event.seconds)
    last = max((e.end_seconds if isinstance(e, NoteEvent) else e.seconds for e in ordered), default=start)
    frames = max(1, round((max(last - start, 0.0) + tail) * sample_rate))
    font = soundfonts.find(soundfont)
    synth = Synth(Library(), font, sample_rate=sample_rate, gain=gain, reverb=reverb, chorus=chorus)
    voices = Voices(synth)
    try:
        peak, scale = _write(target, _chunks(synth, voices, ordered, start, frames), sample_rate)
    except OSError as error:
        raise OutputError(f"The take cannot be written to {str(target)!r} ({error.strerror}): give another place.") from error
    finally:
        synth.close()
    return RenderReport(target, frames / sample_rate, frames, peak * scale, scale, frozenset(voices.missing))


def _chunks(synth: Synth, voices: Voices, events: list[Event], start: Seconds, frames: int) -> "Iterator[_Samples]":
    """Audio as (frames, 2) float32. Events are queued just before the chunk in which they are due."""
    import numpy as np

    queued = 0
    for begin in range(0, frames, CHUNK):
        length = min(CHUNK, frames - begin)
        horizon = (begin + length) / synth.sample_rate + start
        while queued < len(events) and events[queued].seconds < horizon + BLOCK / synth.sample_rate:
            _queue(synth, voices, events[queued], start)
            queued += 1
        sides = np.zeros((2, length), np.float32)
        synth.write(length, sides[0].ctypes.data, sides[1].ctypes.data)
        yield sides.T


def _queue(synth: Synth, voices: Voices, event: Event, start: Seconds) -> None:
    due = synth.tick_at(event.seconds - start)
    ends = synth.tick_at(event.end_seconds - start) if isinstance(event, NoteEvent) else due
    if not isinstance(event, NoteEvent) or ends > 0:
        voices.send(voices.of(event.part), event, due, ends)


def _write(target: Path, chunks: "Iterable[_Samples]", sample_rate: int) -> tuple[float, float]:
    """Write the file by way of a hidden one beside it; returns the peak as rendered and the scale applied.

    The floats go to disk first, for the scale is known only at the end and a long take need not fit into memory.
    """
    with tempfile.TemporaryFile(dir=target.parent) as floats:
        peak = 0.0
        for chunk in chunks:
            peak = max(peak, float(abs(chunk).max()))
            floats.write(chunk.astype("<f4").tobytes())
        scale = min(1.0, LOUDEST / peak) if peak else 1.0
        floats.seek(0)
        with whole_file(target) as hidden, hidden.open("wb") as file:
            _convert(floats, file, scale, sample_rate)
    return peak, scale


def _convert(floats: IO[bytes], file: IO[bytes], scale: float, sample_rate: int) -> None:
    import numpy as np

    with wave.open(file, "wb") as take:
        take.setnchannels(2)
        take.setsampwidth(2)
        take.setframerate(sample_rate)
        while data := floats.read(CHUNK * 8):
            samples = np.frombuffer(data, "<f4") * np.float32(scale * 32767)
            take.writeframesraw(np.rint(samples).clip(-32768, 32767).astype("<i2").tobytes())
