"""What all tests here share: the end-to-end harness, folders in memory, the line of totals. See README.md beside this file."""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from harness.server import BINARIES  # noqa: E402
from rig import tally, tracer  # noqa: E402

ENOUGH_MEMORY = 2 << 30
violations = 0


def pytest_configure(config):
    # Skipping everything would pass for success.
    if not (BINARIES / "visord").exists():
        raise pytest.UsageError(f"{BINARIES}/visord is not built; run scripts/build")
    config.addinivalue_line("markers", "without_strace: injects its fault by other means")


@pytest.fixture(scope="session", autouse=True)
def folder_in_memory():
    # A killed process loses nothing that the kernel has, so memory shows what a disk would, and waits for none.
    # What a disk loses is for the power cuts, which have one of their own.
    memory = pathlib.Path("/dev/shm")
    fits = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ENOUGH_MEMORY
    before, folder = tempfile.tempdir, tempfile.mkdtemp(prefix="visor-faults-", dir=memory if fits else None)
    tempfile.tempdir = folder
    yield
    tempfile.tempdir = before
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def needs_strace(request):
    if "without_strace" not in request.keywords and tracer.usable():
        pytest.skip(tracer.usable())


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["faults"] = tally.exported()


def pytest_testnodedown(node):
    tally.merge(getattr(node, "workeroutput", {}).get("faults", {"counts": {}, "longest": {}}))


def pytest_runtest_logreport(report):
    global violations
    violations += report.failed


def pytest_terminal_summary(terminalreporter):
    lines = [*tally.details(), tally.summary(violations)]
    for line in lines:
        terminalreporter.write_line(line)
    reports = HERE.parents[1] / "build" / "reports"
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "faults.txt").write_text("\n".join(lines) + "\n")
