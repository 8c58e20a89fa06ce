"""A test that fails has failed, unless the machine stood still meanwhile."""

import os
import signal
import time
from collections.abc import Iterator

import pytest
from stalls import MachineStoodStill, Watch
from waiting import wait_until


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    wait_until(lambda: watch.watching)
    yield watch
    watch.close()


def test_what_fails_while_the_machine_stands_still_is_told_apart(watch: Watch) -> None:
    def stand_still_and_fail() -> None:
        os.kill(watch.pid, signal.SIGSTOP)
        time.sleep(0.1)
        os.kill(watch.pid, signal.SIGCONT)
        while not watch.stalls(since=0):
            time.sleep(0.01)
        raise AssertionError

    with pytest.raises(MachineStoodStill, match="ms at worst"), watch.judging():
        stand_still_and_fail()


def test_what_fails_by_itself_has_failed(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "stalls", lambda since: [])

    with pytest.raises(AssertionError), watch.judging():
        raise AssertionError
