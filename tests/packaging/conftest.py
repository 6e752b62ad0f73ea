"""Fixtures of the package's tests. See README.md beside this file."""

import os
import pathlib
import subprocess
import sys

import pytest

from clean_root import CleanRoot, why_impossible

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "docs"))  # for what reads the pages of the guide


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; left out unless asked for (scripts/test --all)")


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The .deb to test."""
    if "VISOR_PACKAGE" in os.environ:
        return pathlib.Path(os.environ["VISOR_PACKAGE"]).resolve()
    command = [ROOT / "scripts" / "package", "--output", tmp_path_factory.mktemp("package")]
    if "VISOR_BIN" in os.environ:
        command += ["--build-folder", pathlib.Path(os.environ["VISOR_BIN"]).parent]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return pathlib.Path(made.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def root(package):
    """A Debian 12 in which the package is installed."""
    if reason := why_impossible():
        pytest.skip(reason)
    with CleanRoot() as made:
        made.install(package)
        yield made


@pytest.fixture
def service(root):
    """The server, started for the first time as the unit starts it. `start` and `stop` may be called again."""
    root.forget_data()
    running = root.service()
    running.start()
    yield running
    running.stop()
    root.forget_data()


@pytest.fixture
def expendable(root, package):
    """The root for a test that changes the installation; it is put right afterwards."""
    root.forget_data()
    yield root
    root.run("dpkg", "--purge", "visor")
    root.forget_data()
    root.install(package)
