"""What a thread prints that is not the prompt's: kept apart, for it would be written into what a performer is typing."""

import contextlib
import io
import sys
import threading
from collections.abc import Iterator
from typing import Any

MOST_KEPT = 1000
"""So many letters of what a thread prints are kept."""

_STREAMS = ("stdout", "stderr")


class Aside(io.StringIO):
    """The first letters that were printed."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_KEPT - self.tell())])
        return len(text)


class _Parted:
    """A stream in which some threads write aside; everything else is that of the stream beneath."""

    def __init__(self, beneath: Any) -> None:
        self.beneath = beneath
        self.asides: dict[int, Aside] = {}

    def write(self, text: str) -> int:
        written: int = self.asides.get(threading.get_ident(), self.beneath).write(text)
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.beneath, name)


@contextlib.contextmanager
def aside(changing: threading.Lock) -> Iterator[Aside]:
    """What this thread prints meanwhile is kept here instead. `changing` is held while the streams are exchanged.

    >>> with aside(threading.Lock()) as heard:
    ...     print("psst")
    >>> heard.getvalue()
    'psst\\n'
    """
    heard, me = Aside(), threading.get_ident()
    with changing:
        parted = [_parted(name) for name in _STREAMS]
        for stream in parted:
            stream.asides[me] = heard
    try:
        yield heard
    finally:
        with changing:
            for name, stream in zip(_STREAMS, parted, strict=True):
                stream.asides.pop(me, None)
                if not stream.asides and getattr(sys, name) is stream:
                    setattr(sys, name, stream.beneath)


def _parted(name: str) -> _Parted:
    """The stream of this name, parted: the prompt may have exchanged it since, as it does while somebody types."""
    stream = getattr(sys, name)
    if not isinstance(stream, _Parted):
        stream = _Parted(stream)
        setattr(sys, name, stream)
    return stream
