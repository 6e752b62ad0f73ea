"""What the tests here share: the end-to-end harness, and the servers that they start. See README.md beside this file."""

import collections
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


def pytest_collection_modifyitems(items):
    # The files with the most tests first: two processes that share the files then end at about the same time.
    tests = collections.Counter(item.path for item in items)
    items.sort(key=lambda item: -tests[item.path])


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


# One server for all tests of a file. Each of them begins with a catalogue of its own, to which a store is another one's that has
# the mark of the test before; and what a test has killed is there again for the next one.
@pytest.fixture(scope="module")
def shared_hdfs():
    server = start(Hdfs(datanodes=2))
    yield server
    server.close()


@pytest.fixture
def hdfs(shared_hdfs):
    shared_hdfs.mend()
    return shared_hdfs


@pytest.fixture(scope="module")
def shared_tls_hdfs():
    server = start(Hdfs(datanodes=2, tls=True))
    yield server
    server.close()


@pytest.fixture
def tls_hdfs(shared_tls_hdfs):
    shared_tls_hdfs.mend()
    return shared_tls_hdfs


@pytest.fixture(scope="module")
def shared_seaweedfs():
    server = start(SeaweedFs())
    yield server
    server.close()


@pytest.fixture
def seaweedfs(shared_seaweedfs):
    shared_seaweedfs.disown()
    return shared_seaweedfs


@pytest.fixture(scope="module")
def shared_minio():
    server = start(Minio())
    yield server
    server.close()


@pytest.fixture
def minio(shared_minio):
    shared_minio.disown()
    return shared_minio


@pytest.fixture(scope="module")
def shared_swift():
    server = start(Swift())
    yield server
    server.close()


@pytest.fixture
def swift(shared_swift):
    shared_swift.disown()
    return shared_swift


@pytest.fixture
def hdfs_pair():
    """Of two namenodes."""
    server = start(Hdfs(datanodes=1, pair=True))
    yield server
    server.close()
