"""Live replay: a session's script is played on a stage, while its prompt goes on."""

import contextlib
import itertools
import math
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from .. import journal
from ..errors import BadInput, LivecodeError
from ..facts import PortOpened
from ..music import Seconds
from ..places import Place, state_folder
from ..recording import Recording
from ..session_reader import Script
from ..session_runner import REFUSED
from ..shown import Answer
from ..stage import Stage

KEPT = 20
"""So many of the recordings that were performed are kept: an engine that crashes goes on with them."""

LONGEST_LINE = 4096
WAITING = 1000
"""Of what a script prints, so many characters are a line at most, and so many lines wait to be shown."""

_BREATH: Seconds = 0.05
_LAST_WORDS: Seconds = 0.5
"""How long what a script printed last is waited for when it has ended: what it started may hold on to its output."""

Say = Callable[[str], object]
"""Says a sentence to the performer."""


@dataclass(frozen=True, slots=True)
class Ready:
    """What is to be performed, from bar `begin` on: the file that the engine reads, and what is in it."""

    path: Path
    recording: Recording
    begin: int


def ready(script: Script, *, begin: int = 1, exact: bool = False, regenerate: bool = False, say: Say) -> Ready:
    """Get what is performed of a script: its recording, or what comes of it in a process of its own, which Ctrl-C ends.

    Raises BadInput for whatever keeps the script from its end, and for a bar that it has not.
    """
    if script.trouble:
        say(script.trouble)
    path = _new_file(script.path.stem)
    if script.recording is not None and not script.edited and not regenerate:
        shutil.copyfile(script.path.with_suffix(".jsonl"), path)
    else:
        why = "is asked anew" if regenerate else "was edited" if script.recording else "has no recording"
        why = "has a recording without an end" if script.cut and not regenerate else why
        say(f"{script.path.name} {why}: it runs first, ahead of time; Ctrl-C ends that.")
        _run(script.path, path, [f"--{name}" for name, on in (("exact", exact), ("regenerate", regenerate)) if on], say)
    recording = journal.read(path).recording
    if not 1 <= begin <= recording.bars:
        raise BadInput(f"--from {begin} is no bar of it: it has {recording.bars}, counted from 1.")
    return Ready(path, recording, begin)


def _new_file(name: str) -> Path:
    """Where a recording is kept that is performed; those that were performed long ago are removed."""
    folder = state_folder() / "replays"
    folder.mkdir(exist_ok=True)
    for old in sorted(folder.iterdir())[: 1 - KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    own = folder / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.urandom(4).hex()}"
    own.mkdir()
    return own / f"{name}.jsonl"


def play(stage: Stage, what: Ready, say: Say) -> Answer:
    """Have a stage perform it, on the MIDI ports that it names; one that cannot be opened is said. Raises BadInput."""
    there = {output.name for output in stage.report().outputs}
    ports = {fact.name: fact for fact in what.recording.facts if isinstance(fact, PortOpened) and fact.name not in there}
    for name, port in ports.items():
        try:
            stage.midi(name, api=port.api or None, virtual=port.virtual)
        except LivecodeError as error:
            say(f"{name} is not there, and its parts sound on the stage's own synthesizer: {error}")
    return stage.perform(what.path, bar=what.begin)


def new_stage(script: Script, name: str, driver: str | None) -> Stage:
    """A stage that is opened with what the script says, on an engine of its own. Raises BadInput if one of this name runs."""
    refuse_if_running(script, name)
    opening = script.opening
    return Stage(
        opening.bpm,
        meter=str(opening.meter),
        name=name,
        seed=opening.seed,
        soundfont=opening.soundfont,
        driver=driver,
        gain=opening.gain,
        reverb=opening.reverb,
        chorus=opening.chorus,
    )


def refuse_if_running(script: Script, name: str) -> None:
    """Raise BadInput if an engine of this name runs."""
    if Place.of(name).lives():
        raise BadInput(
            f"The engine {name!r} runs already: type %replay {script.path} at its prompt (livecode attach), "
            "or give this one another name, such as --name second."
        )


# A script in a process of its own


def _run(script: Path, facts: Path, modes: list[str], say: Say) -> None:
    """Run a script in a process of its own, saying what it prints. Raises BadInput if it does not come to its end."""
    command = [sys.executable, "-P", "-m", "livecode.session_runner", str(script), str(facts), *modes]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is ours alone
    )
    try:
        wrong = _listen(process, say)
    finally:
        if process.poll() is None:
            _kill(process)
    if process.returncode == REFUSED and wrong.startswith("livecode: "):
        raise BadInput(wrong.removeprefix("livecode: "))
    if process.returncode or not facts.exists():
        how = f"was ended by signal {-process.returncode}" if process.returncode < 0 else "ended its process"
        raise BadInput(f"{script.name} {how} before its end{f': {wrong}' if wrong else ''}. Nothing is played.")


def _listen(process: "subprocess.Popen[str]", say: Say) -> str:
    """Say what a process prints until it has ended; returns the last line of its errors."""
    lines: queue.Queue[tuple[bool, str]] = queue.Queue(WAITING)
    nobody = threading.Event()
    streams = [(process.stdout, False), (process.stderr, True)]
    for stream, errors in streams:
        threading.Thread(target=_read, args=(stream, errors, lines, nobody), name="livecode replay", daemon=True).start()
    wrong, left, over = "", len(streams), math.inf
    try:
        while left and time.monotonic() < over:
            try:
                errors, line = lines.get(timeout=_BREATH)
            except queue.Empty:
                over = over if process.poll() is None else min(over, time.monotonic() + _LAST_WORDS)
                continue
            left -= not line
            if errors:
                wrong = line.strip() or wrong
            elif line:
                say(line.rstrip("\n"))
    finally:
        nobody.set()
    process.wait()
    return wrong


def _read(stream: IO[str], errors: bool, lines: "queue.Queue[tuple[bool, str]]", nobody: threading.Event) -> None:
    """Pass on what a process prints, "" for its end, while somebody listens."""
    with stream:
        for line in itertools.chain(iter(partial(stream.readline, LONGEST_LINE), ""), [""]):
            while not nobody.is_set():
                with contextlib.suppress(queue.Full):
                    lines.put((errors, line), timeout=_BREATH)
                    break
            if nobody.is_set():
                return


def _kill(process: "subprocess.Popen[str]") -> None:
    """End it at once, with all that it has started."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
