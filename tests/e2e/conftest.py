"""Fixtures of the end-to-end tests. See README.md beside this file."""

import uuid

import pytest

from harness.server import BINARIES, Server


def pytest_configure(config):
    # Skipping everything would pass for success.
    if not (BINARIES / "visord").exists():
        raise pytest.UsageError(f"{BINARIES}/visord is not built; run scripts/build")
    config.addinivalue_line("markers", "long: takes minutes; left out unless asked for (scripts/test --all)")
    config.addinivalue_line("markers", "release_only: measures time or memory, which a sanitizer would spoil")


def pytest_terminal_summary(terminalreporter):
    """How much of a table was held against a server: tests that are many in one say so by record_property("cells", n)."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    cells = sum(value for report in reports for name, value in report.user_properties if name == "cells")
    if cells:
        terminalreporter.write_line(f"tenant matrix: {cells} cells")


@pytest.fixture(scope="module")
def server():
    """One server for the tests of a file, which keep apart by accounts and names of their own."""
    with Server() as running:
        yield running


@pytest.fixture
def fresh():
    """A server that no other test has touched."""
    with Server() as running:
        yield running


@pytest.fixture
def root(server):
    """The first administrator."""
    return server.api()


@pytest.fixture
def user(root):
    """An account that no other test uses."""
    return root.create_user()


@pytest.fixture
def other(root):
    """A second account, of another tenant."""
    return root.create_user()


@pytest.fixture
def mark():
    """A value that only this test gives to its images, to find them among those of others."""
    return "mark-" + uuid.uuid4().hex
