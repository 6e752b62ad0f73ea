"""Fixtures of the tests under Debian's kernel. See README.md beside this file."""

import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "e2e"))  # for its harness

from guest_server import GuestServer  # noqa: E402
from machine import Machine, Unavailable  # noqa: E402

BINARIES = pathlib.Path(os.environ.get("VISOR_BIN", ROOT / "build" / "bin"))


def pytest_configure():
    # Skipping everything would pass for success.
    if not (BINARIES / "visord").exists():
        raise pytest.UsageError(f"{BINARIES}/visord is not built; run scripts/build")


@pytest.fixture(scope="session")
def machine():
    try:
        booted = Machine(BINARIES).__enter__()
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield booted
    booted.__exit__()


@pytest.fixture(scope="session")
def served(machine):
    """The server, which runs over all the tests, with and without the kernel's module."""
    server = GuestServer(machine)
    pid = server.start()
    yield server
    assert server.stop() == pid, "the server ended before it was asked to"


@pytest.fixture
def kernel_tls(served):
    """The same server once `modprobe tls` was done."""
    served.with_module()
    return served


@pytest.fixture
def no_kernel_tls(served):
    """The same server, and the kernel without the module."""
    served.without_module()
    return served
