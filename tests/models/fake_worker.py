"""A worker without a model, which answers with silence and behaves as it is told: `python fake_worker.py BEHAVIOUR [PATH]`."""

import os
import sys
from pathlib import Path

from livecode.models import wire
from livecode.music import silence


def send(message) -> None:
    sys.stdout.buffer.write(wire.encode(message))
    sys.stdout.buffer.flush()


def main(behaviour: str, path: Path) -> None:
    if behaviour == "cannot start":
        sys.exit("ImportError: no magenta here")
    if behaviour == "never ready":
        sys.stdin.buffer.read()
        return
    if behaviour == "waits at the gate":
        path.read_bytes()  # a named pipe: returns when the test has opened and closed its end
    send(wire.Ready(0.0))
    for line in sys.stdin.buffer:
        message = wire.decode_for_worker(line)
        if isinstance(message, wire.Load):
            load(message, behaviour, path)
        else:
            answer(message, behaviour, path)
    while behaviour == "ignores the end":
        os.read(os.pipe()[0], 1)


def load(message: wire.Load, behaviour: str, path: Path) -> None:
    if behaviour == "dies loading":
        os._exit(3)
    if behaviour == "compiles" and message.key.family == "melody_rnn" and not path.with_name("compiled").exists():
        if not message.compiling:
            send(wire.Loaded(message.key, 0.0, compiled=False))
            return
        path.read_bytes()
        path.with_name("compiled").touch()
    refused = behaviour == "refuses" or (behaviour == "loads once" and not first_to(path.with_name("loaded")))
    refusal = f"{message.key} has no weights: give another." if refused else None
    send(wire.Loaded(message.key, 0.0, refusal))


def first_to(path: Path) -> bool:
    """Whether no other process has come here before."""
    if not path.exists():
        path.write_text(str(os.getpid()))
    return path.read_text() == str(os.getpid())


def answer(request: wire.Request, behaviour: str, path: Path) -> None:
    match behaviour:
        case "dies":
            os._exit(3)
        case "hangs" | "ignores the end":
            return
        case "slow" | "loads once" if request.beats == 99:
            path.read_bytes()
        case "mutters" if request.beats == 99:
            sys.stderr.write("I am still at it\n")
            sys.stderr.flush()
            path.read_bytes()
        case "mutters":
            os._exit(3)
        case "dies once" if not path.exists():
            path.touch()
            os._exit(3)
        case "dies at the gate":
            path.write_bytes(b"")
            path.read_bytes()
            os._exit(3)
        case "babbles":
            sys.stdout.write("TensorFlow is pleased to meet you\n")
            sys.stdout.flush()
    send(wire.Reply(request.id, silence(request.beats), None, 0.0))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else Path())
