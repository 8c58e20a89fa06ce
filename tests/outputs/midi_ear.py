"""Hears what a MIDI output sends: a JACK client in a process of its own (this file, run as a script), with a port of its own.

It shares nothing with rtmidi: what it writes down is what arrived.
"""

import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType


class Ear:
    """Listens on the MIDI port `name:port` until the block ends; with `to`, connected to that port of another program."""

    def __init__(self, name: str = "ear", port: str = "in", *, to: str = "") -> None:
        self.port = f"{name}:{port}"
        self._command = [sys.executable, __file__, name, port, to]

    def __enter__(self) -> "Ear":
        self._folder = tempfile.TemporaryDirectory()
        self._heard = Path(self._folder.name) / "heard"
        self._heard.touch()
        self._process: subprocess.Popen[bytes] = subprocess.Popen([*self._command, str(self._heard)], stdin=subprocess.PIPE)
        _wait_until(lambda: self._heard.read_text().startswith("ready\n") or self._process.poll() is not None, "the ear")
        assert self._process.poll() is None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def connect_to(self, port: str) -> None:
        """Listen to this port of another program, too, as if plugged in at a patch bay. `port` may be a regular expression."""
        import jack

        with jack.Client("patchbay", no_start_server=True) as bay:
            _wait_until(lambda: bool(bay.get_ports(port, is_midi=True, is_output=True)), port)
            bay.connect(bay.get_ports(port, is_midi=True, is_output=True)[0], self.port)

    def kill(self) -> None:
        """Let it die at once, as a cable that is pulled out."""
        self._process.kill()
        self._process.wait()

    def messages(self) -> list[tuple[int, ...]]:
        """What has been heard so far, as bytes."""
        whole, _, _ = self._heard.read_text().rpartition("\n")
        return [tuple(bytes.fromhex(line)) for line in whole.split("\n")[1:]]

    def wait_for(self, *expected: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Everything heard, once all of these have been; an expected message counts as often as it is given."""
        _wait_until(lambda: all(self.messages().count(one) >= expected.count(one) for one in expected), f"{expected}")
        return self.messages()


def _wait_until(so: Callable[[], bool], what: str) -> None:
    from waiting import wait_until  # not there for the script

    wait_until(so, what)


def ons(messages: Iterable[tuple[int, ...]]) -> list[int]:
    """The pitches of the note-ons, in order."""
    return [message[1] for message in messages if message[0] & 0xF0 == 0x90]


def hanging(messages: Iterable[tuple[int, ...]]) -> set[tuple[int, int]]:
    """Channels and pitches that were struck and not lifted, note by note: CC 123 does not count, for some hardware ignores it."""
    down = set()
    for status, *data in messages:
        if status & 0xF0 == 0x90:
            assert (status & 0x0F, data[0]) not in down, f"pitch {data[0]} was struck while it sounded"
            down.add((status & 0x0F, data[0]))
        elif status & 0xF0 == 0x80:
            down.discard((status & 0x0F, data[0]))
    return down


def _listen(name: str, port: str, to: str, heard: str) -> None:
    import gc

    import jack

    gc.disable()  # the server waits for this process in every period
    arrived: deque[bytes] = deque()
    client = jack.Client(name, use_exact_name=True, no_start_server=True)
    ear = client.midi_inports.register(port)
    over = threading.Event()

    @client.set_process_callback
    def _take(frames: int) -> None:
        for _, data in ear.incoming_midi_events():
            arrived.append(bytes(data))

    client.set_shutdown_callback(lambda *_: over.set())
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    with client, Path(heard).open("w") as out:
        if to:
            client.connect(to, ear)
        out.write("ready\n")
        while not over.is_set():
            over.wait(0.002)
            while arrived:
                out.write(arrived.popleft().hex() + "\n")
            out.flush()


if __name__ == "__main__":
    _listen(*sys.argv[1:])
