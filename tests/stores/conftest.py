"""What the tests here share: the end-to-end harness, and the servers that they start. See README.md beside this file."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from harness.server import BINARIES  # noqa: E402
from rig import Unavailable  # noqa: E402
from rig.hdfs import Hdfs  # noqa: E402
from rig.minio import Minio  # noqa: E402
from rig.seaweedfs import SeaweedFs  # noqa: E402
from rig.swift import Swift  # noqa: E402


def pytest_configure(config):
    # Skipping everything would pass for success.
    if not (BINARIES / "visord").exists():
        raise pytest.UsageError(f"{BINARIES}/visord is not built; run scripts/build --tests")


ABSENT = "could not be had: "


def start(server):
    """The server, or a skipped test that says why it could not be had."""
    try:
        return server.__enter__()
    except Unavailable as reason:
        pytest.skip(ABSENT + f"{type(server).__name__}: {reason}")


def pytest_terminal_summary(terminalreporter):
    """A line for each server that nothing was held against, so that it is not overlooked among tests that passed."""
    skipped = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    reasons = sorted({reason.partition(ABSENT)[2] for reason in skipped if ABSENT in reason})
    for reason in reasons:
        terminalreporter.write_line(f"NOT TESTED against {reason}", yellow=True)
    if not reasons:
        terminalreporter.write_line("every storage server could be had")


@pytest.fixture(scope="module")
def hdfs():
    server = start(Hdfs(datanodes=2))
    yield server
    server.close()


@pytest.fixture(scope="module")
def tls_hdfs():
    server = start(Hdfs(datanodes=2, tls=True))
    yield server
    server.close()


@pytest.fixture(scope="module")
def seaweedfs():
    server = start(SeaweedFs())
    yield server
    server.close()


@pytest.fixture(scope="module")
def minio():
    server = start(Minio())
    yield server
    server.close()


@pytest.fixture(scope="module")
def swift():
    server = start(Swift())
    yield server
    server.close()


@pytest.fixture
def own_hdfs():
    """For tests that break it: makes one of the shape asked for."""
    servers = []

    def make(**shape):
        servers.append(start(Hdfs(**shape)))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
