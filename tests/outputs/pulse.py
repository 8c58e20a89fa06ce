"""A PulseAudio server without a sound card, with two sinks, and a recorder that hears what one of them would play.

The server runs in a folder of its own, so it meddles with no other and no other with it.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from waiting import wait_until

SAMPLE_RATE = 48000


def installed() -> bool:
    """Whether PulseAudio's server and its tools are here."""
    return all(shutil.which(tool) for tool in ("pulseaudio", "pactl", "parec"))


class Place:
    """Where a server may run, again and again. Its clients find it by the variables of the `environment`."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "native"
        self.environment = {"HOME": str(folder), "PULSE_COOKIE": str(folder / "cookie"), "PULSE_SERVER": f"unix:{self._socket}"}
        for name in ("PULSE_RUNTIME_PATH", "PULSE_STATE_PATH", "PULSE_CONFIG_PATH", "XDG_RUNTIME_DIR"):
            self.environment[name] = str(folder / name)
            (folder / name).mkdir(mode=0o700)

    @contextlib.contextmanager
    def server(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run PulseAudio with the sinks 'one', which is the default, and 'two', until the block ends."""
        command = [
            "pulseaudio",
            "-n",
            "--daemonize=no",
            "--use-pid-file=no",
            "--exit-idle-time=-1",
            "--realtime=yes",
            "--high-priority=yes",
        ]
        for sink in ("one", "two"):  # norewinds: they wake every 50 ms, else every two seconds
            command += ["-L", f"module-null-sink sink_name={sink} rate={SAMPLE_RATE} norewinds=1"]
        command += ["-L", f"module-native-protocol-unix auth-anonymous=1 socket={self._socket}"]
        process = subprocess.Popen(command, env={**os.environ, **self.environment}, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: process.poll() is not None or "one" in pactl("list", "short", "sinks"), "PulseAudio")
            assert process.poll() is None, "PulseAudio did not come up"
            yield process
        finally:
            process.kill()
            process.wait()
            self._socket.unlink(missing_ok=True)


def pactl(*words: str) -> str:
    """What `pactl` says."""
    return subprocess.run(["pactl", *words], capture_output=True, text=True).stdout


class Recorder:
    """Records what a sink plays, while the block lasts. It keeps the sink awake, too. `audio` is (frames, 2) float32."""

    def __init__(self, sink: str, file: Path) -> None:
        self._sink, self._file = sink, file

    def __enter__(self) -> "Recorder":
        form = ["--raw", "--format=float32le", f"--rate={SAMPLE_RATE}", "--channels=2", "--latency-msec=50"]
        with self._file.open("wb") as out:
            self._process = subprocess.Popen(["parec", f"--device={self._sink}.monitor", *form], stdout=out)
        wait_until(lambda: self.frames > 0, "the recorder")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def frames(self) -> int:
        """How many frames have been recorded."""
        return self._file.stat().st_size // 8

    @property
    def audio(self) -> np.ndarray:
        return np.fromfile(self._file, np.float32, self.frames * 2).reshape(-1, 2)
