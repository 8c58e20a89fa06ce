"""How long a key takes from an input through to an output: livecode beside a plain loop of mido's, in one run.

    python bench/midi_thru.py [--notes 1000] [--period 64]

A JACK client in a process of its own (this file, run as `... ping`) strikes keys at random moments, 4 to 20 ms apart, and
hears them come back, on JACK's dummy server at 48 kHz. Both moments are those of its process callback, on the monotonic
clock. What is left after one period of the server, which a message needs that is sent in one period and read in the next, is
what the player took: polling, Python, the sender's thread. Every player has a process of its own; in `busy` a thread of it
computes for 10 ms of every 30 (livecode plays sixteen parts instead, from an engine process).

Virtual machines stand still now and then: a watcher on each processor (`midi/stalls.c`) writes down when it wakes up more than
3 ms late. The columns on the right leave out the keys that were on their way in such a moment, `out` of them.

The target: p95 of livecode at most 2 ms beyond the period.
"""

# ruff: noqa: T201

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "outputs"))
sys.path.insert(0, str(Path(__file__).parent / "midi"))

RATE = 48000
SEED = 7
PEER = """
import sys, threading, time, mido
mido.set_backend("mido.backends.rtmidi/UNIX_JACK")
def compute():
    while True:
        end = time.monotonic() + 0.01
        while time.monotonic() < end: sum(range(100))
        time.sleep(0.02)
if sys.argv[1] == "busy": threading.Thread(target=compute, daemon=True).start()
heard = mido.open_input(next(name for name in mido.get_input_names() if "ping" in name))
out = mido.open_output(next(name for name in mido.get_output_names() if "ping" in name))
print("ready", flush=True)
for message in heard: out.send(message)
"""


def ping(notes: int) -> None:
    """Strike keys, one at a time, and say for each when it left (monotonic seconds), and when it came back; -1 for never."""
    import jack

    client = jack.Client("ping", use_exact_name=True, no_start_server=True)
    out, back = client.midi_outports.register("keys"), client.midi_inports.register("back")
    due: list[int] = []
    left: dict[int, float] = {}
    came: dict[int, float] = {}

    @client.set_process_callback
    def _turn(frames: int) -> None:
        out.clear_buffer()
        for _, data in back.incoming_midi_events():
            message = bytes(data)
            if message[0] & 0xF0 == 0x90:
                came.setdefault(message[1], time.monotonic())
        if due:
            pitch = due.pop()
            left[pitch] = time.monotonic()
            out.write_midi_event(0, bytes((0x90, pitch, 100)))
            out.write_midi_event(0, bytes((0x80, pitch, 0)))

    chance = random.Random(SEED)
    with client:
        print("ready", flush=True)
        sys.stdin.readline()
        for place in range(notes):
            pitch = place % 100 + 10
            came.pop(pitch, None)
            left.pop(pitch, None)
            due.append(pitch)
            time.sleep(chance.uniform(0.004, 0.02))
            deadline = time.monotonic() + 0.2
            while pitch not in came and time.monotonic() < deadline:
                time.sleep(0.0005)
            print(left[pitch], came.get(pitch, -1), flush=True)


@contextlib.contextmanager
def livecode(condition: str) -> Iterator[None]:
    """A part that is played through, in an engine of its own; busy with sixteen others."""
    import livecode as lc

    with lc.Stage(outputs=[], inline=False, name="thru", bpm=140) as stage:
        stage.midi("ping", api="jack")
        stage.part("lead", channel=1).thru(stage.input("ping", api="jack"))
        if condition == "busy":
            for place in range(16):
                stage.part(f"part{place}", channel=2) >> lc.notes("C2 D2 E2 F2 G2 A2 B2 C3", dur=0.25)
        yield


@contextlib.contextmanager
def mido_loop(condition: str) -> Iterator[None]:
    """A loop that sends what it reads."""
    process = subprocess.Popen([sys.executable, "-c", PEER, condition], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def measure(
    player: contextlib.AbstractContextManager[None], pinger: "subprocess.Popen[str]", notes: int
) -> list[tuple[float, float]]:
    assert pinger.stdin is not None
    assert pinger.stdout is not None
    with player:
        threading.Event().wait(2)
        pinger.stdin.write("\n")
        pinger.stdin.flush()
        said = [pinger.stdout.readline().split() for _ in range(notes)]
    return [(float(left), float(came)) for left, came in said]


def row(ways: Sequence[tuple[float, float]], period: float) -> str:
    """p50, p95, p99 and the most of what these took in ms, beyond a period of so many."""
    known = sorted(max(0.0, 1000 * (came - left) - period) for left, came in ways) or [float("nan")]
    return "".join(f"{known[int(share * (len(known) - 1))]:8.2f}" for share in (0.5, 0.95, 0.99, 1.0))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--notes", type=int, default=1000)
    options.add_argument("--period", type=int, default=64)
    asked = options.parse_args()
    import figures
    import jackd
    import native

    period = 1000 * asked.period / RATE
    print(f"ms beyond one period of {period:.2f} ms (p50 p95 p99 max), {asked.notes} keys; then without stalls of more than 3 ms")
    with tempfile.TemporaryDirectory() as name_of_folder, contextlib.ExitStack() as stack:
        folder = Path(name_of_folder)
        native.build(folder)
        stack.enter_context(jackd.server(asked.period, name="thru"))
        stack.enter_context(native.stalls(folder, folder / "stood"))
        for condition in ("idle", "busy"):
            for name, player in (("livecode", livecode), ("mido loop", mido_loop)):
                command = [sys.executable, __file__, "ping", str(asked.notes)]
                with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as pinger:
                    assert pinger.stdout is not None
                    pinger.stdout.readline()
                    took = measure(player(condition), pinger, asked.notes)
                back = [way for way in took if way[1] >= 0]
                stood = figures.stalls(folder / "stood")
                calm = [
                    (left, came)
                    for left, came in back
                    if not any(since <= came and left <= until + figures.COMING_BACK for since, until in stood)
                ]
                lost, out = len(took) - len(back), len(back) - len(calm)
                print(f"{condition:5} {name:10}{row(back, period)}   lost {lost}  {row(calm, period)}   out {out}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["ping"]:
        ping(int(sys.argv[2]))
    else:
        main()
