"""The command line: `livecode` opens the prompt, `livecode demo` plays the demo."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from ..errors import BadInput, LivecodeError, NoAudio
from ..inputs import ports as sources
from ..models.bundles import BUILT_IN, FAMILIES
from ..models.official import CATALOGUE, PREFIX, Official
from ..outputs import ports, soundfonts
from ..places import MAIN
from ..session_reader import Script
from ..stage import Stage
from . import demo, doctor, rehearse, repl, replays, sessions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, or 2 with one sentence for what livecode refuses."""
    try:
        options = _parser().parse_args(arguments)
        return _COMMANDS[options.command](options)
    except LivecodeError as error:
        _say_error(str(error))
        return 2
    except KeyboardInterrupt:
        _say_error("interrupted; no file is left half written.")
        return 130


class _Parser(argparse.ArgumentParser):
    """Refuses in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; {self.prog} --help says what there is.")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="livecode", description="Live coding with Google Magenta's models. Without a command: the prompt.")
    _add_shared(parser, None)
    parser.set_defaults(command="")
    commands = parser.add_subparsers(title="commands")
    piece = commands.add_parser(
        "demo", help="play the demo piece, or render it", description="Drums and a melody by Magenta's models."
    )
    # What is given before the command holds unless it is given again after it.
    _add_shared(piece, argparse.SUPPRESS)
    piece.set_defaults(command="demo")
    for name, words in {
        "ports": "list the MIDI ports: outputs to play on, inputs to hear",
        "soundfonts": "list soundfonts",
        "doctor": "say what is missing here",
    }.items():
        commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.").set_defaults(command=name)
    for name, words in {
        "attach": "a prompt for an engine that runs already; leaving it leaves the music on",
        "stop": "end an engine that runs, on the bar",
    }.items():
        command = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
        command.add_argument("name", nargs="?", default=argparse.SUPPRESS, help=f"which engine (default: {MAIN})")
        command.add_argument("--name", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        command.set_defaults(command=name)
    models = commands.add_parser("models", help="list the models that come along, and Magenta's own; or download some of these")
    models.add_argument("names", nargs="*", help="Magenta's own that are to be downloaded now, such as attention_rnn")
    models.set_defaults(command="models")
    _add_sessions(commands)
    piece.add_argument("--bars", type=int, default=16, help="how many bars the models play (default: 16)")
    piece.add_argument("--out", type=Path, help="render to this .wav or .mid file instead of playing")
    return parser


def _add_sessions(commands: "argparse._SubParsersAction[_Parser]") -> None:
    rendered = commands.add_parser(
        "render", help="write a session's script as a .mid or .wav file", description=sessions.render.__doc__
    )
    rendered.add_argument("script", help="such as tonight.py")
    rendered.add_argument("target", type=Path, help="a .mid or .wav file; with --stems a new folder")
    rendered.add_argument("--stems", action="store_true", help="write a .wav file for each part")
    rendered.add_argument("--record", action="store_true", help="keep its recording beside it, for exact replays")
    rendered.set_defaults(command="render")
    tried = commands.add_parser("rehearse", help="say whether a session's script will play well on this machine")
    tried.add_argument("script", help="such as tonight.py")
    tried.set_defaults(command="rehearse")
    restored = commands.add_parser("restore", help="save the last session that is over, or crashed, as a script")
    restored.add_argument("script", help="what to write, such as tonight.py")
    restored.add_argument("session", nargs="?", default="", help="which (default: the last; livecode sessions lists them)")
    restored.set_defaults(command="restore")
    commands.add_parser("sessions", help="list the sessions that are kept, the newest first").set_defaults(command="sessions")
    replayed = commands.add_parser("replay", help="play a session's script, with the prompt beside it: take over what you like")
    replayed.add_argument("script", help="such as tonight.py")
    replayed.add_argument("--driver", default=argparse.SUPPRESS, help="FluidSynth's audio driver")
    replayed.add_argument("--name", default=argparse.SUPPRESS, help=f"name of the engine (default: {MAIN})")
    replayed.set_defaults(command="replay")
    for command in (rendered, replayed):
        command.add_argument("--from", dest="begin", type=int, default=1, metavar="BAR", help="begin with this bar (default: 1)")
        how = command.add_mutually_exclusive_group()
        how.add_argument("--exact", action="store_true", help="ask no model: all bars come from the recording")
        how.add_argument("--regenerate", action="store_true", help="ask the models for all bars anew")


def _add_shared(parser: argparse.ArgumentParser, default: str | None) -> None:
    tempo = "tempo in quarter notes a minute (default: 120 at the prompt, 80 in the demo)"
    parser.add_argument("--bpm", default=default, help=tempo)
    parser.add_argument("--seed", default=default, type=int, help="the same seed gives the same music")
    parser.add_argument("--soundfont", default=default, help="name or path of a .sf2 or .sf3 file")
    drivers = "FluidSynth's audio driver, such as pulseaudio, alsa, jack, coreaudio, wasapi"
    parser.add_argument("--driver", default=default, help=drivers)
    parser.add_argument("--name", default=default, help=f"name of the engine (default: {MAIN})")


def _prompt(options: argparse.Namespace) -> int:
    repl.run(_stage(options))
    return 0


def _attach(options: argparse.Namespace) -> int:
    name = options.name or MAIN
    stage = Stage.attach(name)
    parts = ", ".join(f"{part.name} {part.doing}" for part in stage.snapshot().parts)
    _say(f"Attached to the engine {name!r}: {stage.status()[0]} · {parts or 'no parts yet'}")
    repl.run(stage)
    return 0


def _stop(options: argparse.Namespace) -> int:
    name = options.name or MAIN
    Stage.attach(name).shut_down(on="bar")
    _say(f"The engine {name!r} has ended.")
    return 0


def _ports(options: argparse.Namespace) -> int:
    for heading, names, example in (
        ("Outputs, to play on", ports.outputs(), 'stage.midi("Loops", virtual=True)'),
        ("Inputs, to hear", sources.inputs(), 'stage.input("Keys", virtual=True)'),
    ):
        none = f"none: connect a device, or make a port for other programs, {example}"
        _say("\n  ".join([f"{heading}:", *(names or [none])]))
    return 0


def _models(options: argparse.Namespace) -> int:
    store = Official.of_user()
    for name in options.names:
        store.fetch(name.removeprefix(PREFIX))
    for family, configs in FAMILIES.items():
        for config in configs:
            if config in BUILT_IN:
                _say(f"{family}({config!r})  comes along")
    for name, family in CATALOGUE.items():
        if family in FAMILIES:
            _say(f"{family}({PREFIX + name!r})  {'is here' if store.has(name) else 'is downloaded when it is first used'}")
    return 0


def _soundfonts(options: argparse.Namespace) -> int:
    _say(f"{soundfonts.DEFAULT}  {soundfonts.find()}  (plays unless another is named)")
    for name, path in sorted(soundfonts.available().items()):
        _say(f"{name}  {path}")
    return 0


def _render_session(options: argparse.Namespace) -> int:
    modes = {name: getattr(options, name) for name in ("begin", "exact", "regenerate", "record", "stems")}
    _say(sessions.render(options.script, options.target, say=_say, **modes))
    return 0


def _rehearse(options: argparse.Namespace) -> int:
    return 0 if rehearse.rehearsal(options.script, _say) else 1


def _replay(options: argparse.Namespace) -> int:
    script, name = Script.read(options.script), options.name or MAIN
    replays.refuse_if_running(script, name)
    what = replays.ready(script, begin=options.begin, exact=options.exact, regenerate=options.regenerate, say=_say)
    stage = replays.new_stage(script, name, options.driver)
    try:
        sentence = replays.play(stage, what, _say)
    except BaseException:
        stage.close()
        raise
    repl.run(stage, f"livecode {sentence}.\n{repl.BESIDE_A_REPLAY}")
    return 0


def _restore(options: argparse.Namespace) -> int:
    _say(sessions.restore(options.script, options.session))
    return 0


def _sessions(options: argparse.Namespace) -> int:
    _say("\n".join(sessions.listed()))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    for finding in doctor.findings():
        _say(str(finding))
    return 0


def _demo(options: argparse.Namespace) -> int:
    if not 1 <= options.bars <= 1000:
        raise BadInput(f"--bars {options.bars} is no length for a demo: give 1 to 1000.")
    if options.out is not None:
        if options.out.suffix.lower() not in (".wav", ".mid", ".midi"):
            raise BadInput(f"--out {options.out} ends in neither .wav nor .mid: name it so, to say which is wanted.")
        return _render(options, [options.out])
    try:
        stage = _stage(options, bpm="80", name="demo", require_audio=True)
    except NoAudio as error:
        if options.driver is not None:
            raise
        _say(f"{error} The demo is rendered to files instead.")
        return _render(options, [Path("livecode-demo.mid"), Path("livecode-demo.wav")])
    with stage:
        demo.play(stage, options.bars, _say)
    return 0


def _render(options: argparse.Namespace, targets: list[Path]) -> int:
    with _stage(options, bpm="80", offline=True) as stage:
        demo.render(stage, options.bars, targets, _say)
    return 0


def _stage(
    options: argparse.Namespace,
    *,
    bpm: str | None = None,
    name: str = MAIN,
    offline: bool = False,
    require_audio: bool = False,
) -> Stage:
    return Stage(
        options.bpm or bpm,
        name=options.name or name,
        seed=options.seed,
        soundfont=options.soundfont,
        driver=options.driver,
        offline=offline,
        require_audio=require_audio,
    )


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "": _prompt,
    "attach": _attach,
    "demo": _demo,
    "doctor": _doctor,
    "models": _models,
    "ports": _ports,
    "render": _render_session,
    "rehearse": _rehearse,
    "replay": _replay,
    "restore": _restore,
    "sessions": _sessions,
    "soundfonts": _soundfonts,
    "stop": _stop,
}


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201


def _say_error(sentence: str) -> None:
    print(f"livecode: {sentence}", file=sys.stderr)  # noqa: T201
