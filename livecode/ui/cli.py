"""The command line: `livecode` opens the prompt, `livecode demo` plays the demo."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import BadInput, LivecodeError, NoAudio
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
    parser = argparse.ArgumentParser(
        prog="livecode", description="Live coding with Google Magenta's models. Without a command: the prompt."
    )
    _add_shared(parser, None)
    parser.set_defaults(command="")
    commands = parser.add_subparsers(title="commands")
    piece = commands.add_parser(
        "demo", help="play the demo piece, or render it", description="Drums and a melody by Magenta's models."
    )
    # What is given before the command holds unless it is given again after it.
    _add_shared(piece, argparse.SUPPRESS)
    piece.set_defaults(command="demo")
    piece.add_argument("--bars", type=int, default=16, help="how many bars the models play (default: 16)")
    piece.add_argument("--out", type=Path, help="render to this .wav or .mid file instead of playing")
    return parser


def _add_shared(parser: argparse.ArgumentParser, default: str | None) -> None:
    tempo = "tempo in quarter notes a minute (default: 120 at the prompt, 80 in the demo)"
    parser.add_argument("--bpm", default=default, help=tempo)
    parser.add_argument("--seed", default=default, type=int, help="the same seed gives the same music")
    parser.add_argument("--soundfont", default=default, help="name or path of a .sf2 or .sf3 file")
    drivers = "FluidSynth's audio driver, such as pulseaudio, alsa, jack, coreaudio, wasapi"
    parser.add_argument("--driver", default=default, help=drivers)


def _demo(options: argparse.Namespace) -> None:
    if not 1 <= options.bars <= 1000:
        raise BadInput(f"--bars {options.bars} is no length for a demo: give 1 to 1000.")
    if options.out is not None:
        if options.out.suffix.lower() not in (".wav", ".mid", ".midi"):
            raise BadInput(f"--out {options.out} ends in neither .wav nor .mid: name it so, to say which is wanted.")
        return _render(options, [options.out])
    try:
        stage = _stage(options, bpm="80", require_audio=True)
    except NoAudio as error:
        if options.driver is not None:
            raise
        _say(f"{error} The demo is rendered to files instead.")
        return _render(options, [Path("livecode-demo.mid"), Path("livecode-demo.wav")])
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
