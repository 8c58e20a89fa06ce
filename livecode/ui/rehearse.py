"""A rehearsal of a session on this machine, before anybody listens: what the script needs, and whether it is there, quick and
punctual enough. One line each, and what to do about what is not."""

import ast
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ..commands import Assign
from ..errors import BadInput, LivecodeError, NotCompiled
from ..exports import export_file
from ..facts import Answered, Fact, Taken
from ..inputs import ports as inputs
from ..models.official import PREFIX, Official
from ..models.wire import Model, ModelKey
from ..music import Beats, Seconds, counted
from ..offline import OfflineEngine
from ..outputs import ports as outputs
from ..protocol import Opening
from ..session_reader import Script
from ..session_runner import run
from ..tempo import TempoMap
from .doctor import Finding, findings

MACHINE = ("Python", "FluidSynth", "audio device", "soundfont", "real-time priority")
"""What the doctor is asked about."""

WORTH_KNOWING = ("processors", "real-time priority", "headroom")
"""What may be better, and keeps nobody from playing."""

ASKED = 20
"""So many times each model is asked, one after the other."""

BUSY = 0.7
"""Load for each processor from which on others are in the way."""

HALF = 0.5
"""The part of one processor that a session may take: a burst takes twice as much."""

REFUSED = 2
"""The exit status of what livecode refuses."""

_OPENS = {"midi": outputs.find, "synth": outputs.find, "input": inputs.find}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a model takes here: to its first answer, loading included, and later, at the 95th percentile."""

    first: Seconds
    later: Seconds


def rehearse(path: str | Path) -> Iterator[Finding]:
    """Look at everything that a script's session needs. A finding without advice is well.

    Models are asked anew, whatever is recorded beside the script. Raises BadInput for what is no script.
    """
    script = Script.read(path)
    yield from findings(MACHINE)
    yield _load()
    yield from _ports(script.tree)
    missing = [*_not_downloaded(script.tree), *_bundles(script)]
    yield from missing
    if missing:
        return
    begun = time.perf_counter()
    try:
        engine = run(script, recorded=False)
    except LivecodeError as error:
        yield Finding("dry run", "stopped", str(error))
        return
    try:
        yield from _rehearsed(engine, time.perf_counter() - begun)
    finally:
        engine.close()


def rehearsal(path: str | Path, say: Callable[[str], None]) -> bool:
    """Say what a rehearsal finds, a line each as it is found, and last what of it keeps the script from playing well, if
    anything does; returns whether nothing does. Raises BadInput."""
    wrong: list[str] = []
    for finding in rehearse(path):
        say(str(finding))
        if finding.advice and finding.what not in WORTH_KNOWING:
            wrong.append(finding.what)
    say(f"{path} would not play well here: see {', '.join(wrong)}." if wrong else f"{path} will play well here.")
    return not wrong


def apart(path: str, say: Callable[[str], None]) -> None:
    """A rehearsal in a process of its own, for a prompt whose music plays meanwhile; Ctrl-C ends it. Raises BadInput."""
    command = [sys.executable, "-P", "-m", "livecode.ui.rehearse", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            for line in process.stdout:
                say(line.rstrip("\n"))
            said = process.stderr.read().strip().splitlines()
        except BaseException:  # Ctrl-C
            process.kill()
            raise
    if process.returncode not in (0, 1):
        why = said[-1].removeprefix("livecode: ") if said else f"exit status {process.returncode}"
        raise BadInput(why if process.returncode == REFUSED else f"The rehearsal of {path} came to no end: {why}.")


def _rehearsed(engine: OfflineEngine, took: Seconds) -> Iterator[Finding]:
    tempo, facts = engine.tempo(), engine.story().facts
    end = engine.snapshot().beats
    length = tempo.seconds_at(end)
    yield Finding("dry run", f"{counted(Fraction(tempo.bar_at(end)), 'bar')}, {length:.0f} s of music in {took:.1f} s")
    for part in engine.snapshot().parts:
        if part.trouble:
            yield Finding(part.name, "had trouble", part.trouble)
    paces: dict[ModelKey, Pace] = {}
    models = _models(facts)
    yield from map(_compiled, dict.fromkeys(model.key for model in models))
    for model in models:
        paces[model.key] = max(paces.get(model.key, Pace(0, 0)), _pace(model, engine.opening), key=lambda pace: pace.later)
        yield _quick(model, paces[model.key], tempo, facts)
    if paces:
        yield _late(facts, paces, tempo)
    yield _headroom(engine, took, length)


# The machine


def _load() -> Finding:
    cores, load = os.cpu_count() or 1, os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    found = f"{counted(Fraction(cores), 'processor')}, load {load:.1f}"
    return Finding("processors", found, "Others keep them busy: close what is not needed." if load > BUSY * cores else "")


def _ports(tree: ast.Module) -> Iterator[Finding]:
    """Ports that are opened by a name that stands in the script; a virtual one is made when it is wanted."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if any(keyword.arg == "virtual" for keyword in call.keywords):
            continue
        match call:
            case ast.Call(func=ast.Attribute(attr=word), args=[ast.Constant(value=str(name)), *_]) if word in _OPENS:
                what = f"MIDI {'input' if word == 'input' else 'port'} {name!r}"
                try:
                    yield Finding(what, f"is {_OPENS[word](name).name}")
                except LivecodeError as error:
                    yield Finding(what, "is not there", f"{error} Line {call.lineno} of the script opens it: connect it.")


# Models


def _not_downloaded(tree: ast.Module) -> Iterator[Finding]:
    names = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    for name in sorted(name for name in names if name.startswith(PREFIX)):
        if not Official.of_user().has(name.removeprefix(PREFIX)):
            yield Finding(
                f"bundle {name}", "is not here", "It is downloaded when it is first used: play it once where there is a network."
            )


def _bundles(script: Script) -> Iterator[Finding]:
    try:
        script.check_bundles()
    except LivecodeError as error:
        yield Finding("bundles", "are not as they were", str(error))


def _models(facts: Iterable[Fact]) -> list[Model]:
    """Every model that a part was given, once for each length: those differ in what they take."""
    models = [fact.command.model for fact in facts if isinstance(fact, Taken) and isinstance(fact.command, Assign)]
    return list({(model.key, model.bars): model for model in models}.values())


def _compiled(key: ModelKey) -> Finding:
    if key.engine != "compiled":
        return Finding(key.config, "runs on Magenta's engine", "It takes ten times as long: leave engine= out.")
    from ..models.store import stored  # loads onnxruntime, which all other commands do without

    try:
        stored(key, compiling=False)
    except NotCompiled as error:
        return Finding(key.config, "is not compiled", f"{error} That takes 5 to 15 s: play it once before.")
    return Finding(key.config, f"{key.path.name} is here and compiled")


def _pace(model: Model, opening: Opening) -> Pace:
    """Ask a model for bars again and again, each going on from those before, in a worker that is started for it."""
    engine = OfflineEngine(opening)
    try:
        heard = Model(model.key, bars=model.bars, knobs=model.knobs)
        begun = time.perf_counter()
        engine.submit(Assign(part="rehearsal", model=heard))
        engine.run(Beats(1, 8))
        first = time.perf_counter() - begun
        engine.run(ASKED * model.bars * opening.meter.bar)
        state = next(state for state in engine.report().models if state.key == model.key)
        return Pace(first, state.p95 or first)
    finally:
        engine.close()


def _quick(model: Model, pace: Pace, tempo: TempoMap, facts: Iterable[Fact]) -> Finding:
    fastest = max((tempo.bpm_at(fact.at) for fact in facts if isinstance(fact, Answered)), default=tempo.bpm_at(Beats(0)))
    has = float(model.bars * tempo.meter_at(Beats(0)).bar * 60 / fastest)
    found = f"answers in {1000 * pace.later:.0f} ms (p95), the first time in {pace.first:.1f} s; has {has:.1f} s"
    advice = "Give it more bars, or a smaller model: it would repeat itself." if 1.5 * pace.later > has else ""
    return Finding(f"{model.key.config}, {counted(Fraction(model.bars), 'bar')}", found, advice)


def _late(facts: Iterable[Fact], paces: Mapping[ModelKey, Pace], tempo: TempoMap) -> Finding:
    """Whether every answer of the dry run would have come in time, live: parts that wait for one repeat themselves."""
    asked: dict[str, ModelKey] = {}
    met: set[ModelKey] = set()
    late, answers = [], 0
    for fact in facts:
        if isinstance(fact, Taken) and isinstance(fact.command, Assign):
            asked[fact.command.part] = fact.command.model.key
        if isinstance(fact, Answered) and (key := asked.get(fact.part)) is not None and key in paces:
            answers += 1
            needs = paces[key].later if key in met else paces[key].first
            met.add(key)
            if tempo.seconds_at(fact.at) - tempo.seconds_at(fact.asked) < needs:
                late.append(f"{fact.part} in bar {tempo.bar_at(fact.at) + 1}")
    if not late:
        return Finding("late bars", f"none of {answers} answers would be")
    shown = ", ".join(late[:4]) + (" and more" if len(late) > 4 else "")
    return Finding(
        "late bars",
        f"{len(late)} of {answers} answers: {shown}",
        "The part repeats once there: give the model to it a bar earlier.",
    )


def _headroom(engine: OfflineEngine, took: Seconds, length: Seconds) -> Finding:
    """What models, planner and FluidSynth take of one processor on the average, as offline."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            export_file(engine, Path(folder, "take.wav"))
        except BadInput:
            return Finding("sound", "none", "Nothing sounds in this session: give a part notes.")
    sound = time.perf_counter() - begun
    share = (took + sound) / max(length, 1.0)
    found = f"{100 * share:.0f} % of a processor ({100 * sound / max(length, 1.0):.0f} % of it FluidSynth)"
    return Finding("headroom", found, "Fewer parts, a smaller soundfont, or reverb=False leave more." if share > HALF else "")


def main() -> int:
    """The process of `apart`."""
    try:
        return 0 if rehearsal(sys.argv[1], lambda line: print(line, flush=True)) else 1  # noqa: T201
    except LivecodeError as error:
        print(f"livecode: {error}", file=sys.stderr)  # noqa: T201
        return REFUSED


if __name__ == "__main__":
    sys.exit(main())
