"""Sends MIDI clock: a JACK client in a process of its own (this file, run as a script), with a port of its own.

It shares nothing with rtmidi. It is told in lines what to do: "start", "stop", "continue", "position 12", "bpm 121.3", and ticks
all the time at that tempo, each at its absolute moment.
"""

import subprocess
import sys
import time
from collections import deque
from types import TracebackType


class Clock:
    """Ticks on the MIDI port `name:out` until the block ends."""

    def __init__(self, name: str = "keystep", *, bpm: float = 120) -> None:
        self._command = [sys.executable, __file__, name, str(bpm)]

    def __enter__(self) -> "Clock":
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()

    def say(self, words: str) -> float:
        """Have it do this; returns when the tick was due that comes next (monotonic seconds)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def _tick(name: str, bpm: float) -> None:
    import gc
    import threading

    import jack

    gc.disable()  # the server waits for this process in every period
    waiting: deque[bytes] = deque()
    orders: deque[str] = deque()
    over = threading.Event()
    client = jack.Client(name, use_exact_name=True, no_start_server=True)
    out = client.midi_outports.register("out")

    @client.set_process_callback
    def _give(frames: int) -> None:
        out.clear_buffer()
        while waiting:
            out.write_midi_event(0, waiting.popleft())

    def _read() -> None:
        for line in sys.stdin:
            orders.append(line)
        over.set()

    plain = {"start": b"\xfa", "continue": b"\xfb", "stop": b"\xfc"}
    with client:
        print("ready", flush=True)  # noqa: T201
        threading.Thread(target=_read, daemon=True).start()
        moment = time.monotonic()
        while not over.wait(max(0.0, moment - time.monotonic())):
            waiting.append(b"\xf8")
            moment += 60 / 24 / bpm
            while orders:
                word, *more = orders.popleft().split()
                if word == "bpm":
                    bpm = float(more[0])
                elif word == "position":
                    waiting.append(bytes([0xF2, int(more[0]) % 128, int(more[0]) // 128]))
                else:
                    waiting.append(plain[word])
                print(moment, flush=True)  # noqa: T201


if __name__ == "__main__":
    _tick(sys.argv[1], float(sys.argv[2]))
