"""The command line: `livecode` opens the prompt, `livecode demo` plays the demo."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadInput, LivecodeError, OutputError
from ..stage import Stage
from . import demo, repl


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, or 2 with one sentence for what livecode refuses."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "demo":
            _demo(options)
        else:
            repl.run(_stage(options))
    except LivecodeError as error:
        _say_error(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--bpm", help="tempo in quarter notes a minute (default: 120 at the prompt, 80 in the demo)")
    shared.add_argument("--seed", type=int, help="the same seed gives the same music")
    shared.add_argument("--soundfont", help="name or path of a .sf2 or .sf3 file")
    shared.add_argument("--driver", help="FluidSynth's audio driver, such as pulseaudio, alsa, jack, coreaudio, wasapi")
    parser = argparse.ArgumentParser(
        prog="livecode", description="Live coding with Google Magenta's models. Without a command: the prompt.", parents=[shared]
    )
    parser.set_defaults(command="")
    commands = parser.add_subparsers(title="commands")
    piece = commands.add_parser(
        "demo", parents=[shared], help="play the demo piece, or render it", description="Drums and a melody by Magenta's models."
    )
    piece.set_defaults(command="demo")
    piece.add_argument("--bars", type=int, default=16, help="how many bars the models play (default: 16)")
    piece.add_argument("--out", type=Path, help="render to this .wav or .mid file instead of playing")
    return parser


def _demo(options: argparse.Namespace) -> None:
    if not 1 <= options.bars <= 1000:
        raise BadInput(f"--bars {options.bars} is no length for a demo: give 1 to 1000.")
    if options.out is not None:
        if options.out.suffix.lower() not in (".wav", ".mid", ".midi"):
            raise BadInput(f"--out {options.out} ends in neither .wav nor .mid: name it so, to say which is wanted.")
        return _render(options, [options.out])
    try:
        stage = _stage(options, bpm="80", require_audio=True)
    except OutputError as error:
        if options.driver is not None:
            raise
        _say(f"{error} The demo is rendered to files instead.")
        return _render(options, [Path("livecode-demo.wav"), Path("livecode-demo.mid")])
    with stage:
        demo.play(stage, options.bars, _say)
    return None


def _render(options: argparse.Namespace, targets: list[Path]) -> None:
    with _stage(options, bpm="80", offline=True) as stage:
        demo.render(stage, options.bars, targets, _say)


def _stage(options: argparse.Namespace, *, bpm: str = "120", offline: bool = False, require_audio: bool = False) -> Stage:
    return Stage(
        options.bpm or bpm,
        seed=options.seed,
        soundfont=options.soundfont,
        driver=options.driver,
        offline=offline,
        require_audio=require_audio,
    )


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201


def _say_error(sentence: str) -> None:
    print(f"livecode: {sentence}", file=sys.stderr)  # noqa: T201
