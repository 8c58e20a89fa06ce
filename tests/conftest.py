import os
from collections.abc import Iterator

import pytest
from rig import Rig


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
