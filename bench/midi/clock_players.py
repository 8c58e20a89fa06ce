"""Who sends and who follows a clock, each in a process of its own: `clock_players.py PLAYER DOING SECONDS BPM`.

`send` plays to `ear:in` for so many seconds. `follow` hears `master:out`, says "ready", plays a note on each beat to `ear:in` and
ends with its standard input.
"""

# ruff: noqa: T201

import os
import sys
import threading
import time

import stages
from players import JACK
from workload import PORT


def livecode_sends(seconds: float, bpm: float) -> None:
    with stages.opened(inline=False, bpm=bpm) as stage:
        stage.clock(PORT)
        stages.play_on(stage, [stages.sixteenths(0)])
        time.sleep(seconds)


def loop_sends(seconds: float, bpm: float) -> None:
    """The loop that one would write: sleep until a tick is due, send it with mido."""
    import mido

    port = mido.Backend(JACK).open_output(PORT)
    begin = time.monotonic() + 0.5
    port.send(mido.Message("start"))
    for tick in range(int(seconds * bpm * 24 / 60)):
        time.sleep(max(0.0, begin + tick * 60 / 24 / bpm - time.monotonic()))
        port.send(mido.Message("clock"))
    port.send(mido.Message("stop"))


def livecode_follows(seconds: float, bpm: float) -> None:
    import livecode as lc

    with stages.opened(inline=False, bpm=100) as stage:
        stage.follow_clock("master")
        part = stage.part("beats", channel=1)
        part.output = PORT
        print("ready", flush=True)
        stages.wait_for(lambda: "bpm" in stage.snapshot().follows)
        part >> lc.notes("C4", dur=1)
        sys.stdin.read()
        print(stage.snapshot().follows, file=sys.stderr)


def loop_follows(seconds: float, bpm: float) -> None:
    """The loop that one would write: count ticks, and send a note with each 24th."""
    import mido

    out = mido.Backend(JACK).open_output(PORT)
    count = -1

    def hear(message: mido.Message) -> None:
        nonlocal count
        if message.type == "start":
            count = -1
        elif message.type == "clock":
            count += 1
            if count % 24 == 0:
                out.send(mido.Message("note_on", note=60, velocity=100))
            elif count % 24 == 12:
                out.send(mido.Message("note_off", note=60))

    backend = mido.Backend(JACK)
    name = next(name for name in backend.get_input_names() if "master:out" in name)
    port = backend.open_input(name, callback=hear)
    print("ready", flush=True)
    sys.stdin.read()
    port.close()


PLAYERS = {
    ("livecode", "send"): livecode_sends,
    ("mido loop", "send"): loop_sends,
    ("livecode", "follow"): livecode_follows,
    ("mido loop", "follow"): loop_follows,
}

if __name__ == "__main__":
    threading.current_thread().name = "prompt"
    os.environ.setdefault("MIDO_BACKEND", JACK)
    PLAYERS[sys.argv[1], sys.argv[2]](float(sys.argv[3]), float(sys.argv[4]))
