"""A performer's own functions: they run here, in the process that defined them, each in a thread of its own while it is asked."""

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Protocol

from .asides import aside
from .errands import Errand, HandIn
from .errors import LivecodeError, StageClosed
from .music import Phrase, Seconds
from .transforms import OWN, Transform

ASK_EVERY: Seconds = 0.05
"""How often an engine in another process is asked for errands; one in this process ten times as often."""


class Engine(Protocol):
    """Who has errands for functions."""

    @property
    def closed(self) -> bool:
        """Whether it has none any more."""
        ...

    def errands(self, functions: tuple[str, ...]) -> tuple[Errand, ...]:
        """What the functions of these ids are asked."""
        ...

    def hand_in(self, hand: HandIn) -> object:
        """What a function gave."""
        ...

    def note(self, sentence: str) -> None:
        """Keep a sentence in the log."""
        ...


class Functions:
    """The functions of one stage. A thread fetches errands as soon as there is a function; it ends with the engine."""

    def __init__(self, engine: Engine, *, here: bool, alone: bool) -> None:
        """`here`: the engine is in this process. `alone`: other stages have ids of another form, so that this one's are the same
        whenever the same functions are defined in the same order: a recording knows them again."""
        self._engine, self._pause = engine, ASK_EVERY / 10 if here else ASK_EVERY
        self._tag = "" if alone else os.urandom(4).hex()
        self._known: dict[str, _Function] = {}
        self._printing = threading.Lock()
        self._fetching: threading.Thread | None = None

    def transform(self, function: Callable[[Phrase], Phrase]) -> Transform:
        """The transform that this function is, from now on."""
        name = str(getattr(function, "__name__", "function")).strip("<>")
        known = _Function(f"{name}/{self._tag}{len(self._known) + 1}", self._quiet(name, function), self._hand_in)
        self._known[known.id] = known
        if self._fetching is None:
            self._fetching = threading.Thread(target=self._fetch, name="livecode errands", daemon=True)
            self._fetching.start()
        self._engine.errands((known.id,))
        return Transform(OWN, (known.id,))

    def _quiet(self, name: str, function: Callable[[Phrase], Phrase]) -> Callable[[Phrase], Phrase]:
        """The function, which prints into the log: what it prints again is not said again."""
        printed = ""

        def run(phrase: Phrase) -> Phrase:
            nonlocal printed
            with aside(self._printing) as heard:
                try:
                    return function(phrase)
                finally:
                    said = " ".join(heard.getvalue().split())
                    if said not in ("", printed):
                        with contextlib.suppress(LivecodeError):
                            self._engine.note(f"{name} printed: {said}")
                    printed = said

        return run

    def _fetch(self) -> None:
        pause = threading.Event()
        while not self._engine.closed:
            with contextlib.suppress(LivecodeError):  # an engine that crashed is back soon
                for errand in self._engine.errands(tuple(self._known)):
                    self._known[errand.function].give(errand)
            pause.wait(self._pause)

    def _hand_in(self, hand: HandIn) -> None:
        try:
            self._engine.hand_in(hand)
        except StageClosed:
            pass
        except LivecodeError as error:  # such as a phrase that is too long to be sent
            with contextlib.suppress(LivecodeError):
                self._engine.hand_in(HandIn(errand=hand.errand, phrase=None, trouble=f"gave what cannot be played: {error}"))


class _Function:
    """One function. A thread runs it while it is asked: if that never comes back, nobody but this function is held up."""

    def __init__(self, name: str, function: Callable[[Phrase], Phrase], hand_in: Callable[[HandIn], None]) -> None:
        self.id, self._function, self._hand_in = name, function, hand_in
        self._waiting: Errand | None = None
        self._last = ""
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def give(self, errand: Errand) -> None:
        """Do this, unless it is known."""
        if errand.id == self._last:
            return
        self._last = errand.id
        with self._lock:
            self._waiting = errand  # what waited before is late already
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=f"livecode {self.id}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (errand := self._next()) is not None:
            self._hand_in(self._done(errand))

    def _next(self) -> Errand | None:
        with self._lock:
            errand, self._waiting = self._waiting, None
            if errand is None:
                self._thread = None
            return errand

    def _done(self, errand: Errand) -> HandIn:
        try:
            made = self._function(errand.phrase)
        except BaseException as error:  # whatever a performer's function raises, SystemExit too, ends that loop's errand only
            why = " ".join(str(error).split())[:200]
            return HandIn(errand=errand.id, phrase=None, trouble=f"raised {type(error).__name__}{': ' if why else ''}{why}")
        if not isinstance(made, Phrase):
            return HandIn(errand=errand.id, phrase=None, trouble=f"gave {repr(made)[:60]}, which is no phrase")
        return HandIn(errand=errand.id, phrase=made)
