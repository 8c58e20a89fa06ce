"""The IPython extension: `%load_ext livecode`, or the `livecode` command, which loads it. A prompt holds one stage at a time."""

import atexit
import contextlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from traceback import walk_tb
from types import TracebackType
from typing import Any

from ..errors import LivecodeError
from ..handles import PartHandle
from ..music import Phrase, Plot
from ..session_cells import Cell, first_line
from ..shown import Answer, Choice
from ..stage import Stage
from . import completion, helping, pictures
from .answers import Answers
from .magics import StageMagics
from .names import HIDDEN, Meanings, Transform
from .safety import SafeKey
from .toolbar import Toolbar
from .watch import Watch
from .words import words

FIRST_PARTS = ("drums", "lead")
"""The parts that a stage without any is given."""


class Prompt:
    """What livecode does to an IPython shell. `load` puts it in, `unload` takes it out; the music goes on."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._names: dict[str, Any] = shell.user_ns
        self._answers = Answers()
        found = self._names.get("stage")
        self._stage = found if isinstance(found, Stage) else Stage()
        self._watch = Watch(lambda: self._stage)
        session = getattr(shell, "pt_app", None)
        self._toolbar = Toolbar(session, self._watch) if session is not None else None
        self._safe_key = SafeKey(session, lambda: self._stage) if session is not None else None
        self._undo = contextlib.ExitStack()
        self._process = os.getpid()
        self._cells: list[Cell] = []
        """Those that run, for a cell may run another (%rerun)."""

    @property
    def stage(self) -> Stage:
        """The stage that cells speak to."""
        return self._stage

    @stage.setter
    def stage(self, stage: Stage) -> None:
        self._stage.listen(None)
        for name in [name for name, held in self._names.items() if isinstance(held, PartHandle) and held.name == name]:
            del self._names[name]
        self._take_up(stage)

    def load(self) -> None:
        """Put everything in."""
        shell = self._shell
        self._words = words(self)
        self._put_names()
        shell.set_custom_exc((LivecodeError, KeyboardInterrupt, TypeError), self._refuse)
        self._undo.callback(shell.set_custom_exc, (), None)
        self._add(shell.ast_transformers, Transform(self._names[HIDDEN]))
        self._add(shell.Completer.custom_matchers, completion.matcher(completion.Matcher(self._watch.sight, self._names)))
        shell.register_magics(StageMagics(shell, self))
        for kind, hook in helping.HOOKS.items():
            shell.inspector.mime_hooks[kind] = hook
            self._undo.callback(shell.inspector.mime_hooks.pop, kind)
        for event, callback in (("pre_run_cell", self._begin), ("post_run_cell", self._end)):
            shell.events.register(event, callback)
            self._undo.callback(shell.events.unregister, event, callback)
        self._draw()
        for thread in (self._watch, self._toolbar, self._safe_key):
            if thread is not None:
                thread.start()
                self._undo.callback(thread.close)
        atexit.register(self.unload)

    def unload(self) -> None:
        """Take everything out but the names and the magics; safe to call twice."""
        atexit.unregister(self.unload)
        self._stage.listen(None)
        self._undo.close()

    def _add(self, place: list[Any], thing: object) -> None:
        place.append(thing)
        self._undo.callback(place.remove, thing)

    def _begin(self, info: Any) -> None:
        self._cells.append(self._stage.cell(info.raw_cell))
        if HIDDEN not in self._names:  # after %reset
            self._put_names()
        self._name_new_parts()
        self._answers.begin()

    def _end(self, result: Any) -> None:
        self._answers.end()
        if os.getpid() != self._process:  # two that read from one terminal get every other key each
            print("livecode: a forked process came back to the prompt, and is ended; this prompt and the music go on.")  # noqa: T201
            sys.stdout.flush()
            os._exit(0)
        error = result.error_before_exec or result.error_in_exec
        if self._cells:  # %load_ext livecode stood in a cell of before
            self._cells.pop().end("" if error is None else first_line(error), self._failed_at(result.error_in_exec))

    def _failed_at(self, error: BaseException | None) -> tuple[int, int] | None:
        """The line and the column of the cell at which this was raised, if that can be told."""
        trace = error.__traceback__ if error else None
        while trace is not None and trace.tb_frame.f_globals is not self._names:
            trace = trace.tb_next
        if trace is None:
            return None
        line, _, column, _ = list(trace.tb_frame.f_code.co_positions())[trace.tb_lasti // 2]
        return None if line is None or column is None else (line, column)

    def _put_names(self) -> None:
        self._names |= {"stage": self._stage, **self._words}
        self._shell.push({HIDDEN: Meanings(self, self._names, self._words)}, interactive=False)
        self._take_up(self._stage)

    def _take_up(self, stage: Stage) -> None:
        self._stage = stage
        stage.listen(self._answers.heard)
        if not stage.parts:
            for name in FIRST_PARTS:
                stage.part(name)
        self._names |= stage.parts
        self._met = set(stage.parts) | self._seen()

    def _seen(self) -> set[str]:
        report = self._watch.sight().report
        return {part.name for part in report.snapshot.parts} if report else set()

    def _name_new_parts(self) -> None:
        new = self._seen() - self._met
        self._met |= new
        self._names[HIDDEN].name(new)

    def _refuse(
        self, _: Any, kind: type, error: BaseException, trace: TracebackType | None, tb_offset: int | None = None
    ) -> None:
        """Show what livecode refuses as one sentence, and have it in the log unless the engine itself has refused it."""
        if isinstance(error, KeyboardInterrupt):
            print("KeyboardInterrupt: the cell has ended, and the music goes on.")  # noqa: T201
            return
        sentence = helping.mistyped(error) if isinstance(error, TypeError) else str(error)
        if sentence is None:
            self._shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
            return
        print(f"livecode: {sentence}")  # noqa: T201
        modules = {frame.f_globals.get("__name__") for frame, _ in walk_tb(trace)}
        if not modules & {"livecode.line", "livecode.engine", "livecode.offline"}:
            with contextlib.suppress(LivecodeError, KeyboardInterrupt):  # IPython gives up on a handler that raises
                self._stage.note(f"refused: {sentence}")

    # What things look like

    def _draw(self) -> None:
        text = self._shell.display_formatter.formatters["text/plain"]
        pictures_of: dict[type, Callable[[Any], str]] = {
            Answer: self._answers.show,
            Phrase: _phrase,
            Plot: _plot,
            Choice: _choice,
            PartHandle: _part,
            Stage: _stage,
        }
        for kind, draw in pictures_of.items():
            text.for_type(kind, partial(_whole, draw))
            self._undo.callback(text.pop, kind)
        vector = self._shell.display_formatter.formatters["image/svg+xml"]
        for kind, picture in {Phrase: pictures.svg, Plot: pictures.svg_plot}.items():
            vector.for_type(kind, picture)
            self._undo.callback(vector.pop, kind)


def _whole(draw: Callable[[Any], str], thing: object, printer: Any, cycle: bool) -> None:
    """Draw a thing that is shown by itself; within another it stays short."""
    printer.text(draw(thing) if len(printer.stack) == 1 else repr(thing))


def _phrase(phrase: Phrase) -> str:
    return pictures.roll(phrase, _columns(), ascii_only=_ascii_only())


def _plot(plot: Plot) -> str:
    return pictures.plot(plot, _columns(), ascii_only=_ascii_only())


def _choice(choice: Choice) -> str:
    return pictures.choice(choice, _columns(), ascii_only=_ascii_only())


def _part(part: PartHandle) -> str:
    takes = part.takes
    return pictures.part(repr(part), takes[-1] if takes else None, _columns(), ascii_only=_ascii_only())


def _stage(stage: Stage) -> str:
    parts, lines = stage.snapshot().parts, stage.status()
    rest = (pictures.cut(line, _columns()) for line in lines[1 + len(parts) :])
    return "\n".join([lines[0], pictures.table(parts, _columns()), *rest])


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _ascii_only() -> bool:
    return "utf" not in (getattr(sys.stdout, "encoding", "") or "").lower()


def load(shell: Any) -> None:
    """Put livecode into a shell; what keeps it out is one sentence."""
    try:
        Prompt(shell).load()
    except LivecodeError as error:
        print(f"livecode: {error}")  # noqa: T201


def unload(shell: Any) -> None:
    """Take it out."""
    meanings = shell.user_ns.get(HIDDEN)
    if isinstance(meanings, Meanings):
        meanings.home.unload()
