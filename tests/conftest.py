import os
from collections.abc import Iterator

import pytest
from rig import Rig
from stalls import Watch

_WATCH = pytest.StashKey[Watch]()


@pytest.fixture(scope="session", autouse=True)
def folders_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Engines and journals of the tests keep away from those of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
            folder = tmp_path_factory.mktemp(name.lower())
            folder.chmod(0o700)
            patch.setenv(name, str(folder))
        yield


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """The same for what skips as a whole file."""
    report: pytest.CollectReport = yield
    if report.skipped and os.environ.get("LIVECODE_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and nothing may skip here: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Where LIVECODE_REQUIRE_ALL=1, as in CI, nothing may skip: a real part that is missing is a failure there."""
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("LIVECODE_REQUIRE_ALL") == "1":
        report.outcome = "failed"
        report.longrepr = f"{item.name} was skipped, and nothing may skip here: {report.longrepr}"
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Watch the machine for as long as the tests run."""
    config.stash[_WATCH] = Watch()


def pytest_unconfigure(config: pytest.Config) -> None:
    """No longer."""
    config.stash[_WATCH].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """What fails while the machine stands still is told apart, and run again: see `stalls`."""
    with item.config.stash[_WATCH].judging():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The same for the test itself."""
    with item.config.stash[_WATCH].judging():
        return (yield)
