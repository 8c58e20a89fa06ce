"""Who plays the workload: each a context in which it plays, whose value says when step 0 was due (monotonic seconds).

Each imports its library when it begins, because no environment has them all. The moment that step 0 is due is what the
library itself goes by: the planned seconds on livecode's tape, the wall clock's time of the first note for Magenta's player,
the start of its clock for isobar.
"""

import contextlib
import itertools
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from workload import BPM, PORT, STEP, STEPS, VOICES, pitch

JACK = "mido.backends.rtmidi/UNIX_JACK"
LEAD_IN = 0.5
PRIORITY = 5
"""Of the control: that of livecode's own sender."""

Play = Callable[[float], contextlib.AbstractContextManager[float]]
"""What plays for at least so many seconds; its context's value is when step 0 is due."""


def livecode(*, inline: bool) -> Play:
    """Two parts that loop, in an engine of the prompt's process or of its own."""

    @contextlib.contextmanager
    def play(seconds: float) -> Iterator[float]:
        import stages

        with stages.opened(inline=inline, bpm=BPM) as stage:
            stages.play_on(stage, [stages.sixteenths(voice) for voice in range(VOICES)])
            first = stages.wait_for(stage.tape.notes)[0]
            yield first.seconds - float(first.beat) * 60 / BPM

    return play


@contextlib.contextmanager
def isobar(seconds: float) -> Iterator[float]:
    """Two tracks on a timeline with its own clock."""
    os.environ["MIDO_BACKEND"] = JACK
    import isobar  # type: ignore[import-not-found]

    begun = threading.Event()

    class Clock(isobar.Clock):  # type: ignore[misc]
        def run(self) -> None:
            self.origin = time.monotonic()
            begun.set()
            super().run()

    clock = Clock(tempo=BPM)
    timeline = isobar.Timeline(BPM, output_device=isobar.MidiOutputDevice(PORT), clock_source=clock)
    for voice in range(VOICES):
        pitches = isobar.PSequence([pitch(voice, step) for step in range(STEPS)])
        timeline.schedule({"note": pitches, "duration": STEP * BPM / 60, "gate": 0.5, "channel": voice})
    timeline.background()
    begun.wait()
    yield clock.origin
    timeline.stop()


@contextlib.contextmanager
def midi_hub(seconds: float) -> Iterator[float]:
    """Magenta's hub, given all notes at once, both voices on the one channel that it plays on."""
    import mido
    from magenta.interfaces.midi.midi_hub import MidiHub, TextureType
    from note_seq.protobuf import music_pb2

    port = mido.Backend(JACK).open_output(PORT)
    hub = MidiHub([], [port], TextureType.POLYPHONIC, passthrough=False)
    begin = time.time() + LEAD_IN
    sequence = music_pb2.NoteSequence()
    for step in range(int(seconds / STEP)):
        for voice in range(VOICES):
            start = begin + step * STEP
            sequence.notes.add(pitch=pitch(voice, step), velocity=64, start_time=start, end_time=start + STEP / 2)
    player = hub.start_playback(sequence, start_time=begin)
    yield begin - time.time() + time.monotonic()
    player.stop()
    port.close()


@contextlib.contextmanager
def loop(seconds: float) -> Iterator[float]:
    """The loop that one would write: sleep until a note is due, send it with mido."""
    import mido

    port = mido.Backend(JACK).open_output(PORT)
    begin = time.monotonic() + LEAD_IN
    over = threading.Event()

    def play() -> None:
        for half in itertools.count():
            early = begin + half * STEP / 2 - time.monotonic()
            if early > 0:
                time.sleep(early)
            step, ends = divmod(half, 2)
            if over.is_set() and not ends:
                return
            for voice in range(VOICES):
                port.send(mido.Message("note_off" if ends else "note_on", channel=voice, note=pitch(voice, step)))

    thread = threading.Thread(target=play)
    thread.start()
    yield begin
    over.set()
    thread.join()
    port.close()


def control(priority: int) -> Play:
    """The sender in C, in a process of its own, beside the prompt's."""

    @contextlib.contextmanager
    def play(seconds: float) -> Iterator[float]:
        stamps = Path(os.environ["LIVECODE_BENCH_STAMPS"], "control.stamps")
        command = [os.environ["LIVECODE_BENCH_CONTROL"], PORT, str(stamps), str(seconds), str(priority)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            origin, realtime = process.stdout.readline().split()
            if int(realtime) != bool(priority):
                raise SystemExit("The control was not given the priority it asked for.")
            yield float(origin)

    return play


PLAYERS: dict[str, Play] = {
    "livecode": livecode(inline=False),
    "livecode, inline": livecode(inline=True),
    "isobar": isobar,
    "midi_hub": midi_hub,
    "sleep and send": loop,
    "C": control(PRIORITY),
    "C, no priority": control(0),
}
