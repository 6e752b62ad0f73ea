"""What the tests here share: the rig, and the end-to-end harness. See README.md beside this file."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent / "support")]

from clients.gallery import CLOUDS, galleries  # noqa: E402
from harness.server import BINARIES  # noqa: E402


def pytest_configure(config):
    # Skipping everything would pass for success.
    if not (BINARIES / "visord").exists():
        raise pytest.UsageError(f"{BINARIES}/visord is not built; run scripts/build --tests")


@pytest.fixture(scope="module", params=CLOUDS)
def gallery(request, tmp_path_factory):
    """A cloud for the tests of a file, once with VISOR's own identity and once with Keystone."""
    with galleries(request.param, tmp_path_factory.mktemp("clients")) as opened:
        yield opened
