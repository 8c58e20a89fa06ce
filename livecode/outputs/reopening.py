"""Looks for a device that plays, where one is gone or not there yet, in a thread of its own: the planner never waits."""

import threading
from itertools import count

from ..errors import LivecodeError, NoAudio
from ..music import Seconds
from .device import CLOSING, SLOWEST_START, Device, Opener

TRY_EVERY: Seconds = 1.0
"""The pause between two attempts."""

OFTEN, SELDOM = 60, 5
"""After so many attempts the pause is so many times as long: one on a server that does not answer takes 20 ms of a processor, and
FluidSynth loses 2 KB in it."""

SETTLE: Seconds = 0.1
"""For so long the card of a new device is looked at before it is handed over."""


class Reopening:
    """Opens a device again and again until one asks for audio, or, with `any_device`, just until one opens.

    One that was lost is let go first: its card may be needed.
    """

    def __init__(self, opener: Opener, lost: Device | None, *, any_device: bool = False) -> None:
        self._opener, self._lost, self._any_device = opener, lost, any_device
        self._found: Device | None = None
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="livecode opens FluidSynth again", daemon=True)
        self.why = ""
        """What keeps it from being opened, beside that no device is there."""
        self.refusal: LivecodeError | None = None
        """What the last attempt was refused with, unless for want of a device."""
        self.missing: NoAudio | None = None
        """That the last attempt found no device."""
        self._tried = threading.Event()

    @property
    def wanting(self) -> str:
        """What is missing, and what to do."""
        return self._opener.wanting

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def wait(self, patience: Seconds) -> None:
        """Until the first attempt is over, but no longer than this."""
        if not self._tried.wait(patience):
            self.why = "it does not answer"

    def take(self) -> Device | None:
        """The new device, once it is there; whoever takes it has it."""
        with self._lock:
            found, self._found = self._found, None
        return found

    def cancel(self, patience: Seconds) -> None:
        """Look no longer. What is opened all the same, by a thread that does not end within `patience`, is let go again."""
        self._stop.set()
        self._thread.join(patience)
        device = self.take()
        if device is not None:
            self._opener.partings.begin(device)

    def _run(self) -> None:
        for attempt in count():
            try:
                found = self._try()
            except Exception as error:  # whatever happens here, it is tried again
                found, self.why = False, str(error).rstrip(".")
                self.refusal = error if isinstance(error, LivecodeError) else None
            self._tried.set()
            if found:
                return
            if self._stop.wait(TRY_EVERY * (1 if attempt < OFTEN else SELDOM)):
                return

    def _try(self) -> bool:
        """Whether there is a device now, to be taken."""
        lost, self._lost = self._lost, None
        if lost is not None:
            self._opener.partings.begin(lost)
        if not self._opener.partings.wait(self._opener.clock.now() + CLOSING) or self._stop.is_set():
            return False
        try:
            device = self._opener.open() if self._any_device else self._opener.open(self._starts)
        except NoAudio as error:
            self.why, self.missing = "", error
            return False
        device.watch(SETTLE, 0.001)
        self._opener.partings.look_again(jack=device.driver == "jack")
        with self._lock:
            if not self._stop.is_set():
                self._found = device
                return True
        self._opener.partings.begin(device)
        return False

    def _starts(self, device: Device) -> bool:
        """Whether the card comes to ask for audio, within a few seconds."""
        begun = self._opener.clock.now()
        while not device.started and not self._stop.is_set():
            if self._opener.clock.now() > begun + SLOWEST_START:
                return False
            self._stop.wait(0.005)
        return True
