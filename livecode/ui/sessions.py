"""Sessions at the command line and at the prompt: what was played comes again, live or as a file."""

import dataclasses
import time
from collections.abc import Callable
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

from msgspec.structs import replace as replace_fields

from .. import journal
from ..errors import BadInput, OutputError
from ..files import expanded, whole_file
from ..journal import Saved, Story
from ..offline import OfflineEngine
from ..outputs import soundfonts
from ..session import line_of
from ..session_reader import Script
from ..session_runner import remarks, run
from ..session_saving import fingerprint, last, past, retold
from ..stage import over, restored

ENDINGS = (".mid", ".midi", ".wav")


def render(
    path: str | Path,
    target: Path,
    *,
    begin: int = 1,
    exact: bool = False,
    regenerate: bool = False,
    record: bool = False,
    stems: bool = False,
    say: Callable[[str], None],
) -> str:
    """Write what a script sounds like from bar `begin` on as a .mid or a .wav file, faster than real time, without a device.

    record: keep its recording beside it, for exact replays. stems: a .wav file for each part, in a new folder of that name.
    Raises BadInput, BundleError or OutputError.
    """
    if stems and target.suffix.lower() in ENDINGS:
        raise BadInput(f"--stems writes a folder, and {target} is called like a file: give another name, such as {target.stem}.")
    if not stems and target.suffix.lower() not in ENDINGS:
        raise BadInput(
            f"{target} ends in neither .wav nor .mid: name it so, or say --stems for a folder with a .wav for each part."
        )
    if not expanded(target).parent.is_dir():
        raise OutputError(f"There is no folder {expanded(target).parent}: make it first, or choose another place.")
    script = Script.read(path)
    engine = _played(script, exact=exact, regenerate=regenerate, say=say)
    try:
        if record and (script.edited or regenerate):
            _record(script, engine)
        stage, bars = over(engine), _bars(engine, begin)
        return str(stage.stems(target, bars=bars) if stems else stage.render(target, bars=bars))  # type: ignore[arg-type]
    finally:
        engine.close()


def _played(script: Script, *, exact: bool, regenerate: bool, say: Callable[[str], None]) -> OfflineEngine:
    """An engine that has the script on its tape: as it is recorded, or else as it runs."""
    if script.trouble:
        say(script.trouble)
    if script.recording is not None and not script.edited and not regenerate:
        return retold(script.recording)[0]
    engine = run(script, exact=exact, regenerate=regenerate)
    for remark in remarks(engine, exact=exact):
        say(remark)
    return engine


def _bars(engine: OfflineEngine, begin: int) -> Fraction | None:
    """How many of the last bar's length it is from bar `begin` to the end; None for all."""
    tempo, end = engine.tempo(), engine.snapshot().beats
    if begin == 1:
        return None
    if begin < 1 or line_of(tempo, begin) >= end:
        raise BadInput(f"--from {begin} is no bar of it: it has {tempo.bar_at(end)}, counted from 1.")
    return (end - line_of(tempo, begin)) / tempo.meter_at(end).bar


def _record(script: Script, engine: OfflineEngine) -> None:
    saved = Saved(script=fingerprint(script.text), version=version("livecode"))
    with whole_file(script.path.with_suffix(".jsonl")) as hidden:
        hidden.write_bytes(journal.recorded(_portable(engine.story()), saved))


def _portable(story: Story) -> Story:
    """The same; the soundfont that comes along is not named by where it is here, for other machines have it elsewhere."""
    opening = story.opened.opening
    if Path(opening.soundfont) != soundfonts.find().absolute():
        return story
    opened = replace_fields(story.opened, opening=replace_fields(opening, soundfont=""))
    return dataclasses.replace(story, opened=opened)


def restore(path: str | Path, name: str = "") -> str:
    """Save the last session that is over, or the one of that name, as a script, and say what was written."""
    found = last(name)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.opened.time))
    return f"{found.opened.name} of {when}, {'ended' if found.ended else 'crashed'}: {restored(journal.read(found.path), path)}"


def listed() -> list[str]:
    """The sessions that are kept, the newest first."""
    return [str(each) for each in past()] or ["There are no sessions yet: play something."]
