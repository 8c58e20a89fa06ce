"""A JACK server without a sound card, and a recorder that hears what a card would. Used by tests and benchmarks.

The server runs under a name of its own, so it meddles with no other and no other with it. The recorder is a process of its
own (this file, run as a script), because a Python callback that waits for another thread's lock would hold up all of JACK.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SAMPLE_RATE = 48000


def need(condition: object, reason: str) -> None:
    """Skip the test without the real part it needs; where LIVECODE_REQUIRE_ALL=1 (as in CI) fail it."""
    import pytest

    if condition:
        return
    if os.environ.get("LIVECODE_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def installed() -> bool:
    """Whether JACK's server and its Python client are here."""
    try:
        import jack  # noqa: F401
    except (ImportError, OSError):
        return False
    return shutil.which("jackd") is not None


@contextlib.contextmanager
def server(period: int = 64, name: str = "test", rate: int = SAMPLE_RATE) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `jackd` on its dummy driver, as the default server of this process, until the block ends.

    If it is killed, run one of the same name again: until that ends in peace, JACK counts the dead one among the eight servers
    that it allows on a machine.
    """
    name = f"livecode-{name}-{os.getpid()}"
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    command = ["jackd", "-n", name, "-S", "-d", "dummy", "-r", str(rate), "-p", str(period)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(process)
        yield process
    finally:
        process.terminate()
        process.wait(10)
        for left in Path("/dev/shm").glob(f"jack*_{name}_*"):
            left.unlink(missing_ok=True)
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


def _wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    from livecode.outputs import audio

    deadline, pause = time.monotonic() + 10, threading.Event()
    while audio.jack_server() is None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"jackd did not come up (exit code {process.poll()}).")
        pause.wait(0.02)


class Recorder:
    """Records what a JACK client plays, in a process of its own, for at most `seconds`.

    `audio` is (frames, 2) float32; `stamps` is the monotonic clock at the beginning of each period.
    """

    def __init__(self, client: str, seconds: float, period: int = 64, rate: int = SAMPLE_RATE) -> None:
        self.period, self.rate = period, rate
        self._folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self._memory = _Memory(Path(self._folder.name), int(seconds * rate) // period, period)
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._folder.name, client, str(len(self._memory.stamps)), str(period)],
            stdin=subprocess.PIPE,
        )
        self._pause = threading.Event()

    def __enter__(self) -> "Recorder":
        self.wait_for(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self.audio, self.stamps = self.audio.copy(), self.stamps.copy()
        self._folder.cleanup()

    @property
    def frames(self) -> int:
        """How many frames have been recorded."""
        return int(self._memory.count[0]) * self.period

    @property
    def audio(self) -> np.ndarray:
        return self._memory.audio[: self.frames]

    @audio.setter
    def audio(self, kept: np.ndarray) -> None:
        self._memory.audio = kept

    @property
    def stamps(self) -> np.ndarray:
        return self._memory.stamps[: self.frames // self.period]

    @stamps.setter
    def stamps(self, kept: np.ndarray) -> None:
        self._memory.stamps = kept

    def wait_for(self, frames: int) -> None:
        """Return when this many frames have been recorded since the beginning."""
        deadline = time.monotonic() + 20 + frames / self.rate
        while self.frames < frames:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("The recorder hears nothing from JACK.")
            self._pause.wait(0.002)

    def seconds_at(self, frames: np.ndarray) -> np.ndarray:
        """The monotonic clock at frames of the recording.

        Threads wake late, never early, and the server loses time in xruns, never gains it. So of a period and those within
        the twentieth of a second after it, the one that woke earliest says when the period was due.
        """
        offsets = self._offsets()
        return np.array([frame / self.rate + offsets[frame // self.period] for frame in frames])

    def losses(self) -> list[tuple[float, float]]:
        """When (monotonic seconds) the server lost more than half a ms in an xrun, and how much."""
        offsets, reach = self._offsets(), self._reach()
        steps = np.diff(offsets[:-reach])
        return [(float(self.stamps[index]), float(steps[index])) for index in np.flatnonzero(steps > 0.0005)]

    def _reach(self) -> int:
        return max(8, self.rate // 20 // self.period)

    def _offsets(self) -> np.ndarray:
        """Of each period: the clock when it was due, less the seconds of audio before it."""
        late = self.stamps - np.arange(len(self.stamps)) * self.period / self.rate
        ahead = np.pad(late, (0, self._reach() - 1), mode="edge")
        earliest: np.ndarray = np.lib.stride_tricks.sliding_window_view(ahead, self._reach()).min(axis=1)
        return earliest


class _Memory:
    """What the recorder and its owner share: files in memory."""

    def __init__(self, folder: Path, periods: int, period: int) -> None:
        mode = "r+" if (folder / "count").exists() else "w+"
        self.stamps: np.ndarray = np.memmap(folder / "stamps", np.float64, mode, shape=(periods,))
        self.audio: np.ndarray = np.memmap(folder / "audio", np.float32, mode, shape=(periods * period, 2))
        self.count: np.ndarray = np.memmap(folder / "count", np.int64, mode, shape=(1,))
        if mode == "w+":
            self.stamps[:], self.audio[:] = 0.0, 0.0


def _record(folder: str, client: str, periods: int, period: int) -> None:
    import gc

    import jack

    gc.disable()  # the server waits for this process in every period
    memory = _Memory(Path(folder), periods, period)
    recorder = jack.Client("recorder", no_start_server=True)
    inputs = [recorder.inports.register(side) for side in ("left", "right")]

    @recorder.set_process_callback
    def _take(frames: int) -> None:
        now, count = time.monotonic(), int(memory.count[0])
        if count < periods and frames == period:
            for side, port in enumerate(inputs):
                memory.audio[count * period : (count + 1) * period, side] = port.get_array()
            memory.stamps[count] = now
            memory.count[0] = count + 1

    with recorder:
        sources = recorder.get_ports(f"{client}:.*", is_audio=True, is_output=True)
        for source, port in zip(sources, inputs, strict=True):
            recorder.connect(source, port)
        sys.stdin.read()


def onsets(samples: np.ndarray, *, rise: float = 4.0, least: float = 0.05) -> list[int]:
    """Frames at which sharp sounds begin.

    The level of a millisecond must rise `rise` times above the four before and reach `least` of the loudest; the frame is
    the first one above a tenth of the peak within the next four milliseconds. `samples` is (frames, 2) float.
    """
    window = SAMPLE_RATE // 1000
    level = np.abs(samples).max(axis=1)
    peaks = level[: len(level) // window * window].reshape(-1, window).max(axis=1)
    found: list[int] = []
    for index in np.flatnonzero(peaks > least * peaks.max(initial=0.0)):
        before = peaks[max(0, index - 4) : index].max(initial=0.0)
        begin = int(index) * window
        if peaks[index] > rise * before and (not found or begin - found[-1] > 10 * window):
            ahead = level[begin : begin + 4 * window]
            found.append(begin + int(np.argmax(ahead > 0.1 * ahead.max())))
    return found


if __name__ == "__main__":
    _record(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
