"""What the tests here share: the rig, and the end-to-end harness. See README.md beside this file."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent / "support")]

from clients.gallery import CLOUDS, galleries  # noqa: E402
from harness.server import BINARIES  # noqa: E402
from rig import Unavailable  # noqa: E402
from rig.glance import Glance  # noqa: E402
from rig.images import Images  # noqa: E402
from rig.keystone import Keystone  # noqa: E402
from rig.visor import Visor  # noqa: E402


def pytest_configure(config):
    # Skipping everything would pass for success.
    if not (BINARIES / "visord").exists():
        raise pytest.UsageError(f"{BINARIES}/visord is not built; run scripts/build --tests")


def pytest_collection_modifyitems(items):
    """With several processes (--dist loadgroup) each cloud is one's own, and the tests of a file that need none stay together."""
    for item in items:
        cloud = item.callspec.params.get("gallery") if hasattr(item, "callspec") else None
        item.add_marker(pytest.mark.xdist_group(f"cloud-{cloud}" if cloud else item.path.stem))


@pytest.fixture(scope="session", params=CLOUDS)
def gallery(request, tmp_path_factory):
    """A cloud with its clients for all tests, once with VISOR's own identity and once with Keystone."""
    with galleries(request.param, tmp_path_factory.mktemp("clients")) as opened:
        yield opened


@pytest.fixture(scope="session")
def keystone():
    """One for all tests of a worker. Who stops it starts it again."""
    try:
        with Keystone() as server:
            yield server
    except Unavailable as reason:
        pytest.skip(f"could not be had: {reason}")


@pytest.fixture(scope="session")
def glance(keystone):
    """One for all tests of a worker. What a test puts in, it takes out."""
    try:
        with Glance(keystone, inspect=False) as server:
            yield server
    except Unavailable as reason:
        pytest.skip(f"could not be had: {reason}")


@pytest.fixture
def visor(keystone):
    """An empty one."""
    with Visor(keystone=keystone, cache="10m") as server:
        yield server


@pytest.fixture
def source(keystone, glance):
    """Glance, as an administrator sees it."""
    return Images(glance.url, keystone.token("admin"))


@pytest.fixture
def target(keystone, visor):
    """VISOR, as an administrator sees it."""
    return Images(visor.url, keystone.token("admin"))
