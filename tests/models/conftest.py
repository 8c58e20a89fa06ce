"""One real host for all tests, because TensorFlow takes ten seconds to start; and bundles of every config."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from model_pieces import Desk, real_desks

import livecode
from livecode.models import bundles, wire
from livecode.models.wire import ModelKey

HERE = Path(__file__).parent


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """What tests compile goes here, and not to the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "livecode" / "compiled"


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
def compiler():
    """A function that has the process with TensorFlow and Magenta do something: see compiler.py."""
    pytest.importorskip("magenta.version")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(Path(livecode.__file__).parents[1])])}
    with subprocess.Popen(
        [sys.executable, str(HERE / "compiler.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:

        def answered(**asked) -> dict:
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield answered
        process.stdin.close()


@pytest.fixture(scope="session")
def duel(compiler):
    """A function that has both engines answer a request, and says whether the notes are equal: see duel.py."""
    return lambda request: compiler(duel=json.loads(wire.encode(request)))


@pytest.fixture(scope="session")
def untrained(compiler, tmp_path_factory):
    """The folder of small untrained bundles, one of each config: `untrained / "mono_rnn.mag"`."""
    folder = tmp_path_factory.mktemp("bundles")
    compiler(bundles=str(folder))
    return folder


@pytest.fixture
def drum_kit() -> ModelKey:
    return bundles.find("drums_rnn", "drum_kit")


@pytest.fixture
def attention_rnn() -> ModelKey:
    return bundles.find("melody_rnn", "attention_rnn")
