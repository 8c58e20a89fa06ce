"""Plays a MIDI keyboard: a JACK client in a process of its own (this file, run as a script), with a port of its own.

It shares nothing with rtmidi: whatever bytes it is given are what arrives, one event each, garbage included.
"""

import subprocess
import sys
import time
from collections import deque
from types import TracebackType


class Hand:
    """Has the MIDI port `name:port` until the block ends; with `to`, a regular expression, connected there."""

    def __init__(self, name: str = "keyboard", port: str = "out", *, to: str = "") -> None:
        self.port = f"{name}:{port}"
        self._command = [sys.executable, __file__, name, port, to]

    def __enter__(self) -> "Hand":
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.communicate()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()

    def send(self, *events: tuple[int, ...] | bytes) -> list[float]:
        """Send these, as they are, in one period if they fit; returns when each left (monotonic seconds)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(bytes(event).hex() for event in events) + "\n")
        self._process.stdin.flush()
        return [float(moment) for moment in self._process.stdout.readline().split()]

    def strike(self, *pitches: int, velocity: int = 100, channel: int = 0) -> None:
        """Keys down."""
        self.send(*((0x90 | channel, pitch, velocity) for pitch in pitches))

    def lift(self, *pitches: int, channel: int = 0) -> None:
        """Keys up."""
        self.send(*((0x80 | channel, pitch, 64) for pitch in pitches))

    def kill(self) -> None:
        """Let it die at once, as a cable that is pulled out."""
        self._process.kill()
        self._process.wait()


def _play(name: str, port: str, to: str) -> None:
    import gc

    import jack

    gc.disable()  # the server waits for this process in every period
    waiting: deque[bytes] = deque()
    left: deque[float] = deque()
    client = jack.Client(name, use_exact_name=True, no_start_server=True)
    out = client.midi_outports.register(port)

    @client.set_process_callback
    def _give(frames: int) -> None:
        out.clear_buffer()
        while waiting:
            try:
                out.write_midi_event(0, waiting[0])
            except jack.JackError:  # no room left in this period
                return
            waiting.popleft()
            left.append(time.monotonic())

    with client:
        if to:
            client.connect(out, client.get_ports(to, is_midi=True, is_input=True)[0])
        print("ready", flush=True)  # noqa: T201
        for line in sys.stdin:
            events = [bytes.fromhex(word) for word in line.split()]
            waiting.extend(events)
            while len(left) < len(events):
                time.sleep(0.0002)
            print(*(left.popleft() for _ in events), flush=True)  # noqa: T201


if __name__ == "__main__":
    _play(*sys.argv[1:])
