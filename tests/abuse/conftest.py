"""Tests of abuse stand on the harness of the end-to-end tests. See README.md beside this file."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness.server import BINARIES, Server  # noqa: E402


def pytest_configure(config):
    # Skipping everything would pass for success.
    if not (BINARIES / "visord").exists():
        raise pytest.UsageError(f"{BINARIES}/visord is not built; run scripts/build")
    config.addinivalue_line("markers", "release_only: measures time or memory, which a sanitizer would spoil")


def pytest_terminal_summary(terminalreporter):
    """What was counted, below the results: tests put lines into their property "count"."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "count":
                    terminalreporter.write_line(value)


@pytest.fixture(scope="module")
def server():
    """One server for the tests of a file."""
    with Server() as running:
        yield running


@pytest.fixture
def count(record_property):
    """Says a line in the summary."""
    return lambda line: record_property("count", line)
