"""A stage's line to an engine in another process: one message, one reply, through crashes of either."""

import contextlib
import os
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, answer_challenge, deliver_challenge

import msgspec

from .errors import BadInput, EngineGone, LivecodeError, StageClosed
from .music import Seconds
from .places import Place
from .protocol import (
    LONGEST_REPLY,
    LONGEST_REQUEST,
    VERSION,
    Envelope,
    Hello,
    Refused,
    Reply,
    Request,
    Welcome,
    decode_reply,
    encode,
)

ANSWERS_IN: Seconds = 20.0
"""How long an answer is waited for. An engine that hangs is ended after ten seconds, and the next one asked."""

KNOCKS_FOR: Seconds = 15.0
"""How long an engine that lives is asked to let this stage in."""


class Line:
    """The line to the engine at a place. Any thread may `ask`; each waits for its reply, one after the other."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.closed = False
        self.welcome: Welcome
        """What the engine last said of itself."""
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._owner = os.getpid()

    def enter(self) -> None:
        """Connect. Raises EngineGone, and what the engine refuses."""
        with self._lock:
            self._connect()

    def leave(self) -> None:
        """Hang up for good."""
        with self._lock:
            self.closed = True
            self._hang_up()

    def ask(self, request: Request, name: str = "") -> Reply:
        """Send a request and wait for its reply. Where the engine crashes meanwhile, the next one is asked, with the same id,
        which is `name` if there is one.

        Raises what the engine refuses, StageClosed, and EngineGone if there is no next one.
        """
        try:
            message = encode(Envelope(name or os.urandom(8).hex(), request))
        except UnicodeEncodeError as error:
            raise BadInput(f"Half a character ({error.object[error.start]!r}) cannot be sent: type the text anew.") from error
        if len(message) > LONGEST_REQUEST:
            raise LivecodeError(f"That is too long to be sent ({len(message) / 2**20:.0f} MB): give a shorter phrase.")
        if self._owner != os.getpid():  # a child must not talk on its parent's line, nor wait for a thread of its parent's
            self._connection, self._owner, self._lock = None, os.getpid(), threading.RLock()
        with self._lock:
            if self.closed:
                raise StageClosed("This stage is closed: open another with Stage().")
            reply = self._exchange(message)
        if isinstance(reply, Refused):
            raise reply.error()
        return reply

    def _exchange(self, message: bytes) -> Reply:
        if self._connection is not None:
            with contextlib.suppress(OSError, EOFError):
                return self._said(self._connection, message)
        try:
            return self._said(self._connect(), message)
        except (OSError, EOFError) as error:
            raise self._gone() from error

    def _said(self, connection: Connection, message: bytes) -> Reply:
        """One message, one reply. Whatever comes between, Ctrl-C too, ends the connection: a later reply would be another's."""
        try:
            connection.send_bytes(message)
            self._wait_for(connection)
            return decode_reply(connection.recv_bytes(LONGEST_REPLY))
        except msgspec.MsgspecError as error:
            self._hang_up()
            raise LivecodeError(
                f"This stage cannot read what the engine sent ({error}): update livecode on both sides."
            ) from error
        except BaseException:
            self._hang_up()
            raise

    def _wait_for(self, connection: Connection) -> None:
        if not connection.poll(ANSWERS_IN):
            raise LivecodeError(
                f"The engine {self.place.name!r} gives no answer for {ANSWERS_IN:g} s: wait a moment, for one that hangs "
                "is started again by itself."
            )

    def _connect(self) -> Connection:
        """Connect, waiting for an engine that comes back from a crash."""
        deadline, pause = time.monotonic() + KNOCKS_FOR, threading.Event()
        while True:
            try:
                self._connection = connection = self._let_in()
                break
            except (OSError, EOFError, AuthenticationError) as error:
                asked = time.monotonic()
                if not self.place.lives() or asked > deadline:
                    raise self._gone() from error
                deadline += time.monotonic() - asked  # it has been waited for
                pause.wait(0.02)
        reply = self._said(connection, encode(Envelope("", Hello(VERSION))))
        if isinstance(reply, Refused):
            self._hang_up()
            raise reply.error()
        assert isinstance(reply, Welcome)
        self.welcome = reply
        return connection

    def _let_in(self) -> Connection:
        """A connection whose two ends have shown each other the key."""
        key = self.place.key()
        connection = Client(self.place.address)
        try:
            self._wait_for(connection)
            answer_challenge(connection, key)
            deliver_challenge(connection, key)
        except BaseException:
            connection.close()
            raise
        return connection

    def _gone(self) -> EngineGone:
        return EngineGone(f"The engine {self.place.name!r} is gone: begin again with Stage().")

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
