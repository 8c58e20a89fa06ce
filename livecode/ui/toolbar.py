"""The line under the prompt: where the music is, what the parts do, how late models and senders are, and what is wrong."""

import threading
from collections.abc import Iterable
from typing import Any, TypeAlias

from ..commands import PartState
from ..music import Seconds
from ..protocol import OutputState, Report
from .watch import Sight, Watch

LEAST_BETWEEN: Seconds = 0.3
"""Drawing the line costs 6 ms of a core: it is drawn no more often than this, over 200 bpm on every other beat."""

_AFTER: Seconds = 0.005

Pieces: TypeAlias = list[tuple[str, str]]
"""Style and text, as prompt_toolkit wants them."""

_RED = "fg:ansiwhite bg:ansired noreverse bold"
_GAP = " │ "


def line(sight: Sight, width: int) -> Pieces:
    """What the toolbar shows, in at most `width` columns: the first things first, trouble always."""
    marks = [sight.trouble] if sight.trouble else []
    if sight.report is None:
        return _fitted([], "" if marks else "livecode", marks, width)
    report = sight.report
    marks += troubles(report)
    here = report.snapshot
    bar, beat = sight.beat()
    place = f"{bar}:{beat}" if here.running else f"paused {bar}:{beat}" if here.paused else "waits for notes"
    place = "closed" if report.closed else place
    pieces = [
        here.follows or f"{float(here.bpm):.4g} bpm",
        *filter(None, [here.replays]),
        *(_part(part) for part in here.parts),
        *_lateness(report),
    ]
    return _fitted(pieces, place, marks, width)


def troubles(report: Report) -> list[str]:
    """Everything that is not as it should be, in a few words each."""
    told: Iterable[tuple[str, str]] = [
        *((part.name, part.trouble) for part in report.snapshot.parts),
        *((str(model.key), model.trouble or model.state) for model in report.models if model.trouble or "refused" in model.state),
        *((output.name, output.trouble) for output in report.outputs),
        ("engine", report.engine.trouble if report.engine else ""),
    ]
    return [f"{name}: {trouble}" for name, trouble in told if trouble]


def _part(part: PartState) -> str:
    gate = " muted" if part.muted else " solo" if part.soloed else ""
    coming = f" → {part.coming}" if part.coming else " → asked" if part.waits else ""
    return f"{part.name} {part.doing}{gate}{coming}"


def _lateness(report: Report) -> list[str]:
    models = [f"{model.key.config} {model.p95:.2f} s" for model in report.models if model.p95 is not None]
    return models + [_late(output) for output in report.outputs if output.late is not None]


def _late(output: OutputState) -> str:
    return f"{output.name} {1000 * (output.late or 0):.1f} ms late"


def _fitted(pieces: list[str], place: str, marks: list[str], width: int) -> Pieces:
    """As many pieces as there is room for. Trouble gets half of the width if it needs it, without colour known by its `!`."""
    mark = _cut(f" ! {' · '.join(marks)} ", width // 2 if place else width) if marks else ""
    room = width - len(mark)
    text = _cut(f" {place}", room) if place else ""
    for number, piece in enumerate(pieces):
        more = "" if number == len(pieces) - 1 else " …"
        if len(text) + len(_GAP) + len(piece) + len(more) > room:
            text += " …" if len(text) + 2 <= room else ""
            break
        text += _GAP + piece
    if not mark:
        return [("", text)]
    return [("", text + " " * (room - len(text))), (_RED, mark)] if text else [(_RED, mark)]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…" if width > 0 else ""


class Toolbar:
    """Puts the line under IPython's prompt and draws it anew on each beat, if it has changed. `close` takes it away."""

    def __init__(self, session: Any, watch: Watch) -> None:
        self._session, self._watch = session, watch
        self._had = session.bottom_toolbar
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="livecode toolbar", daemon=True)

    def start(self) -> None:
        """Show it."""
        self._session.bottom_toolbar = self._line
        self._thread.start()

    def close(self) -> None:
        """Take it away."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._session.bottom_toolbar = self._had

    def _line(self) -> Pieces:
        return line(self._watch.sight(), self._width())

    def _tick(self) -> None:
        shown: Pieces = []
        while not self._over.wait(self._watch.sight().until_the_beat(LEAST_BETWEEN) + _AFTER):
            app = self._session.app
            if app.is_running and (now := self._line()) != shown:
                shown = now
                app.invalidate()

    def _width(self) -> int:
        return int(self._session.app.output.get_size().columns)
