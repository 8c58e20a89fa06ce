"""The key that makes the stage safe: every part loops what it has."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from ..errors import LivecodeError
from ..stage import Stage

KEY = "f12"


class SafeKey:
    """Has F12 at IPython's prompt do what `safe()` does; the line below and the log say what came. `close` takes it away."""

    def __init__(self, session: Any, stage: Callable[[], Stage]) -> None:
        self._bindings, self._stage = session.key_bindings, stage

    def start(self) -> None:
        """Listen to the key."""
        self._bindings.add(KEY)(self._pressed)

    def close(self) -> None:
        """Listen no more."""
        self._bindings.remove(self._pressed)

    def _pressed(self, event: object) -> None:
        """In a thread of its own: an engine that hangs must not hold up typing."""
        threading.Thread(target=self._make_safe, name="livecode safe", daemon=True).start()

    def _make_safe(self) -> None:
        with contextlib.suppress(LivecodeError):  # the line below says what is wrong with the engine
            self._stage().safe()
