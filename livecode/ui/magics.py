"""The prompt's own commands: %bpm, %hush, %panic, %safe, %scenes, %undo, %redo, %status, %log, %save, %replay,
%rehearse."""

import re
import shlex
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class

from ..errors import BadInput
from ..session_reader import Script
from ..shown import Answer, Lines
from .completion import scripts
from .names import Home
from .rehearse import apart
from .replays import play, ready
from .sessions import restore

MOST_LISTED = 6


@magics_class
class StageMagics(Magics):  # type: ignore[misc]
    """Each does what the stage's word of that name does. What is no argument of it is refused with a BadInput."""

    def __init__(self, shell: Any, home: Home) -> None:
        super().__init__(shell)
        self._home = home

    @line_magic  # type: ignore[untyped-decorator]
    def bpm(self, line: str) -> Answer | float | None:
        """Set the tempo, or say it.

        %bpm 128      on the next bar
        %bpm 96 8     evenly over eight bars, from the next bar on
        %bpm          says it
        """
        stage, words = self._home.stage, line.split()
        if not words:
            return stage.bpm
        if change := re.fullmatch(r"([-+*/])=(.+)", line.strip()):  # IPython's automagic takes `bpm += 4` for this magic
            stage.bpm = self.shell.ev(f"{stage.bpm} {change[1]} ({change[2]})")
            return None
        if len(words) > 2:
            raise BadInput(f"%bpm {line} is not understood: say %bpm 128, or %bpm 128 4 to get there over four bars.")
        if len(words) == 2:
            return stage.ramp(words[0], bars=_bars(words[1]))
        stage.bpm = words[0]
        return None

    @line_magic  # type: ignore[untyped-decorator]
    def hush(self, line: str) -> Answer:
        """Stop all parts, on the next bar.

        %hush         on the bar
        %hush beat    on the beat; %hush now: at once
        """
        return self._home.stage.hush(on=line.strip() or "bar")

    @line_magic  # type: ignore[untyped-decorator]
    def panic(self, line: str) -> Answer:
        """Stop all parts and end every note by all means, now.

        %panic
        """
        _nothing("panic", line)
        return self._home.stage.panic()

    @line_magic  # type: ignore[untyped-decorator]
    def safe(self, line: str) -> Answer:
        """Have every part that generates loop what it has; F12 does it too, %undo goes back.

        %safe
        """
        _nothing("safe", line)
        return self._home.stage.safe()

    @line_magic  # type: ignore[untyped-decorator]
    def scenes(self, line: str) -> Lines:
        """Say which scenes are stored: store("verse") stores one, scene("verse") brings it back.

        %scenes
        """
        _nothing("scenes", line)
        return Lines(self._home.stage.scenes or ['There are no scenes yet: store("verse") stores what plays now.'])

    @line_magic  # type: ignore[untyped-decorator]
    def undo(self, line: str) -> Answer:
        """Take back the last command to any part, on the bar; again and again.

        %undo         %redo takes back the undo
        """
        _nothing("undo", line)
        return self._home.stage.undo()

    @line_magic  # type: ignore[untyped-decorator]
    def redo(self, line: str) -> Answer:
        """Take back the last undo, on the bar.

        %redo
        """
        _nothing("redo", line)
        return self._home.stage.redo()

    @line_magic  # type: ignore[untyped-decorator]
    def status(self, line: str) -> Lines:
        """Say where the music is, what every part does, and how models, outputs and the engine are.

        %status
        """
        _nothing("status", line)
        return self._home.stage.status()

    @line_magic  # type: ignore[untyped-decorator]
    def save(self, line: str) -> Answer:
        """Write the session so far as a script, with its recording and what it sounds like.

        %save tonight            tonight.py, tonight.jsonl and tonight.mid
        %save --last tonight     not this session, but the last one that is over, or crashed
        """
        words = _words(line)
        earlier = words[:1] == ["--last"]
        if len(words) != 1 + earlier or words[-1].startswith("-"):
            raise BadInput(f"%save {line} is not understood: say %save tonight, or %save --last tonight.")
        return Answer(restore(words[-1])) if earlier else self._home.stage.save(words[0])

    @line_magic  # type: ignore[untyped-decorator]
    def replay(self, line: str) -> Answer:
        """Play a session's script, beside what plays; what you say to a part takes it over, %hush ends it.

        %replay tonight.py               as it was recorded; if it was edited, it runs first, and models are asked
        %replay tonight.py --from 17     from its bar 17 on
        --exact asks no model, --regenerate asks them for all bars anew
        """
        words = _words(line)
        if not words:
            known = [path for path in (*scripts(""), *scripts("sessions/")) if path.endswith(".py")][:MOST_LISTED]
            there = f"here are {', '.join(known)}" if known else "there is none in this folder; %save tonight makes one"
            raise BadInput(f"%replay wants the name of a script, such as %replay tonight.py: {there}.")
        modes = {name: f"--{name}" in words for name in ("exact", "regenerate")}
        rest = [word for word in words if word not in ("--exact", "--regenerate")]
        begin = 1
        if "--from" in rest[:-1]:
            place = rest.index("--from")
            begin = int(rest[place + 1]) if re.fullmatch("[1-9][0-9]{0,5}", rest[place + 1]) else 0
            del rest[place : place + 2]
        if len(rest) != 1 or rest[0].startswith("-") or all(modes.values()) or not begin:
            raise BadInput(f"%replay {line} is not understood: say %replay tonight.py, or %replay tonight.py --from 17.")
        return play(self._home.stage, ready(Script.read(rest[0]), begin=begin, **modes, say=print), print)

    @line_magic  # type: ignore[untyped-decorator]
    def rehearse(self, line: str) -> None:
        """Say whether a session's script will play well on this machine: what it needs, how quick models are, what would be late.

        %rehearse tonight.py
        """
        if not line.strip():
            raise BadInput("%rehearse wants a script: say %rehearse tonight.py.")
        apart(line.strip(), print)

    @line_magic  # type: ignore[untyped-decorator]
    def log(self, line: str) -> Lines:
        """Say what happened, newest last.

        %log             the last twenty sentences
        %log 50          the last fifty
        %log worker      what the models' worker wrote, tracebacks among it
        """
        words = line.split()
        worker = "worker" in words
        rest = [word for word in words if word != "worker"]
        if len(rest) > 1 or len(words) - len(rest) > 1 or (rest and not re.fullmatch("[1-9][0-9]{0,3}", rest[0])):
            raise BadInput(f"%log {line} is not understood: say %log, %log 50 or %log worker.")
        return self._home.stage.log(int(rest[0]) if rest else 20, worker=worker)


def _words(line: str) -> list[str]:
    """What was typed, with quotes around names that hold spaces."""
    try:
        return shlex.split(line)
    except ValueError:
        raise BadInput(f"{line.strip()!r} is not understood: a quote is open.") from None


def _nothing(name: str, line: str) -> None:
    if line.strip():
        raise BadInput(f"%{name} takes nothing, and was given {line.strip()!r}: say %{name}.")


def _bars(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise BadInput(f"{word!r} is no number of bars: say %bpm 128 4 to get there over four bars.") from None
