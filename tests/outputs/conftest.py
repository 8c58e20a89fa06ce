import gc
from collections.abc import Iterator

import jackd
import pytest
from performance import Performance

from livecode.errors import OutputError
from livecode.outputs.fluidlib import Library


@pytest.fixture(scope="module", autouse=True)
def no_search_for_garbage() -> None:
    """A collection in a process that has imported TensorFlow holds up for half a second what plays in it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def libfluidsynth() -> None:
    try:
        Library()
    except OutputError as error:
        jackd.need(False, str(error))


@pytest.fixture(scope="session")
def jack_server(libfluidsynth: None) -> Iterator[None]:
    jackd.need(jackd.installed(), "JACK is not installed: `apt install jackd2` and `pip install jack-client`.")
    with jackd.server():
        yield


@pytest.fixture
def performance(jack_server: None) -> Iterator[Performance]:
    with Performance() as performance:
        yield performance


@pytest.fixture
def no_jack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "livecode-nobody-runs-this")
