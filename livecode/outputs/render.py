"""A take as WAV files, mixed or a file for each part, rendered as fast as the machine can by the synthesizer that plays live."""

import tempfile
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import BadInput, OutputError
from ..files import expanded, whole_file, whole_folder
from ..gm import DRUM_CHANNEL
from ..music import Event, NoteEvent, ReleaseEvent, Seconds
from . import soundfonts
from .fluid import GAIN, SAMPLE_RATE
from .fluidlib import BLOCK, MOST_GROUPS, Library, Synth
from .voices import Voices

if TYPE_CHECKING:  # numpy takes longer to load than all of livecode, so it waits for the first render
    import numpy as np
    import numpy.typing as npt

    _Samples = npt.NDArray[np.float32]

CHUNK = 64 * BLOCK
LOUDEST = 0.98
"""A take that peaks above this part of full scale is turned down as a whole."""


TAIL: Seconds = 3.0
"""How long a take rings on after its last note."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What a take is rendered with: a soundfont by name or path, samples a second, FluidSynth's gain, reverb and chorus."""

    soundfont: str | Path | None = None
    sample_rate: int = SAMPLE_RATE
    gain: float = GAIN
    reverb: bool = True
    chorus: bool = False

    def synth(self, groups: int = 1) -> Synth:
        """A synthesizer that sounds so, with so many audio groups. Raises BadInput, OutputError or NoAudio."""
        if not 8000 <= self.sample_rate <= 96000:
            raise BadInput(f"FluidSynth does not render at {self.sample_rate} samples per second: give 8000 to 96000.")
        font, rate = soundfonts.find(self.soundfont), self.sample_rate
        return Synth(Library(), font, sample_rate=rate, gain=self.gain, reverb=self.reverb, chorus=self.chorus, groups=groups)


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What was rendered: length, number of stereo frames, peak of the mix as a part of full scale, and by how much all was turned
    down."""

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
    path: str | Path, events: Iterable[Event], *, start: Seconds = 0.0, tail: Seconds = TAIL, sound: Sound = Sound()
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
    with whole_file(target) as hidden:
        return _render(target, {None: hidden}, events, start, tail, sound)


def render_stems(
    folder: str | Path,
    events: Iterable[Event],
    parts: Mapping[str, str],
    *,
    start: Seconds = 0.0,
    tail: Seconds = TAIL,
    sound: Sound = Sound(),
) -> RenderReport:
    """Render these parts, a WAV file for each, as `render_wav` does, in a new folder. `parts` has the files' names, without .wav.

    All are equally long, and turned down alike if one of them or their sum would clip. So their sum is the mix, to half a step
    of 16 bits a file. Each has its own share of reverb and chorus. The folder appears under its name only when it is complete.

    Raises BadInput for a folder that has something in it, OutputError if it cannot be written or FluidSynth is missing.
    """
    target = expanded(folder)
    with whole_folder(target) as hidden:
        files: dict[str | None, Path] = {part: hidden / f"{name}.wav" for part, name in parts.items()}
        return _render(target, files, events, start, tail, sound)


def _render(
    target: Path, files: "Mapping[str | None, Path]", events: Iterable[Event], start: Seconds, tail: Seconds, sound: Sound
) -> RenderReport:
    """Write a file for each part, None for the mix of all, which are to be known as `target`.

    The floats go to disk first, for the scale is known only at the end and a long take need not fit into memory.
    """
    ordered = sorted(events, key=lambda event: event.seconds)
    last = max((e.end_seconds if isinstance(e, NoteEvent) else e.seconds for e in ordered), default=start)
    frames = max(1, round((max(last - start, 0.0) + tail) * sound.sample_rate))
    peak = loudest = 0.0
    with tempfile.TemporaryFile(dir=next(iter(files.values())).parent) as floats:
        studio = _Studio(list(files), ordered, start, sound)
        for chunk in studio.chunks(frames):
            peak = max(peak, float(abs(chunk.sum(axis=0)).max()))
            loudest = max(loudest, peak, float(abs(chunk).max()))
            floats.write(chunk.astype("<f4").tobytes())
        scale = min(1.0, LOUDEST / loudest) if loudest else 1.0
        for place, path in enumerate(files.values()):
            with path.open("wb") as file:
                _convert(floats, file, (place, len(files)), scale, sound.sample_rate)
    return RenderReport(target, frames / sound.sample_rate, frames, peak * scale, scale, frozenset(studio.missing))


class _Studio:
    """A synthesizer that plays events, each of the parts on a track of its own; the part None is all of them.

    The tracks come from one synthesizer, as its audio groups: two synthesizers would differ in the first samples of a stroke,
    for FluidSynth reuses voices.
    """

    def __init__(self, parts: "Sequence[str | None]", events: Sequence[Event], start: Seconds, sound: Sound) -> None:
        self._parts, self._events, self._start = [part for part in parts if part is not None], events, start
        voiced = {(event.part, event.channel == DRUM_CHANNEL) for event in events if not isinstance(event, ReleaseEvent)}
        self._groups = len(voiced) if self._parts else 1
        if self._groups > MOST_GROUPS:
            raise OutputError(f"FluidSynth can keep {MOST_GROUPS} parts apart, not {self._groups}: export a part at a time.")
        self._synth = sound.synth(self._groups)
        self._voices = Voices(self._synth)

    @property
    def missing(self) -> set[tuple[str, int]]:
        """The programs that the soundfont lacks, and who wanted them."""
        return self._voices.missing

    def chunks(self, frames: int) -> "Iterator[_Samples]":
        """Audio as (tracks, frames, 2) float32. Events are queued just before the chunk in which they are due."""
        queued = 0
        try:
            for begin in range(0, frames, CHUNK):
                length = min(CHUNK, frames - begin)
                horizon = (begin + length + BLOCK) / self._synth.sample_rate + self._start
                while queued < len(self._events) and self._events[queued].seconds < horizon:
                    _queue(self._synth, self._voices, self._events[queued], self._start)
                    queued += 1
                yield self._mixed(length) if not self._parts else self._apart(length)
        finally:
            self._synth.close()

    def _mixed(self, frames: int) -> "_Samples":
        import numpy as np

        sides = np.zeros((2, frames), np.float32)
        self._synth.write(frames, sides[0].ctypes.data, sides[1].ctypes.data)
        return sides.T[np.newaxis]

    def _apart(self, frames: int) -> "_Samples":
        import numpy as np

        sides = np.zeros((2 * self._groups, frames), np.float32)
        self._synth.write_groups(frames, [side.ctypes.data for side in sides])
        groups = self._voices.groups(self._parts, self._groups)
        return np.array([sum((sides[2 * n : 2 * n + 2].T for n in of), np.zeros((frames, 2), np.float32)) for of in groups])


def _queue(synth: Synth, voices: Voices, event: Event, start: Seconds) -> None:
    due = synth.tick_at(event.seconds - start)
    ends = synth.tick_at(event.end_seconds - start) if isinstance(event, NoteEvent) else due
    if not isinstance(event, NoteEvent) or ends > 0:
        voices.send(voices.of(event.part), event, due, ends)


def _convert(floats: IO[bytes], file: IO[bytes], track: tuple[int, int], scale: float, sample_rate: int) -> None:
    """Write one track of so many, which lie in chunks one after another."""
    import numpy as np

    place, tracks = track
    floats.seek(0)
    with wave.open(file, "wb") as take:
        take.setnchannels(2)
        take.setsampwidth(2)
        take.setframerate(sample_rate)
        while data := floats.read(CHUNK * 8 * tracks):
            samples = np.frombuffer(data, "<f4").reshape(tracks, -1)[place] * np.float32(scale * 32767)
            take.writeframesraw(np.rint(samples).clip(-32768, 32767).astype("<i2").tobytes())
