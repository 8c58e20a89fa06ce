"""One real host for all tests, because TensorFlow takes ten seconds to start; and bundles of every config."""

import subprocess
import sys
from pathlib import Path

import pytest
from model_pieces import Desk, real_desks

from livecode.models import bundles
from livecode.models.wire import ModelKey

HERE = Path(__file__).parent


@pytest.fixture
def desk_with():
    """A function that opens a desk on the fake worker, told how to behave; closes them all at the end."""
    desks = []

    def opened(*behaviour: str, **how) -> Desk:
        desks.append(Desk((str(HERE / "fake_worker.py"), *behaviour), **how))
        return desks[-1]

    yield opened
    for desk in desks:
        desk.host.close()


@pytest.fixture(scope="session")
def real_desk():
    yield from real_desks()


@pytest.fixture
def magenta(real_desk):
    """The desk of the real worker. What a test leaves behind is a failure of that test."""
    yield real_desk
    assert real_desk.replies.empty()
    while not real_desk.events.empty():
        real_desk.events.get()


@pytest.fixture(scope="session")
def untrained(tmp_path_factory):
    """The folder of small untrained bundles, one of each config: `untrained / "mono_rnn.mag"`."""
    folder = tmp_path_factory.mktemp("bundles")
    subprocess.run([sys.executable, str(HERE / "tiny.py"), str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def drum_kit() -> ModelKey:
    return bundles.find("drums_rnn", "drum_kit")


@pytest.fixture
def attention_rnn() -> ModelKey:
    return bundles.find("melody_rnn", "attention_rnn")
