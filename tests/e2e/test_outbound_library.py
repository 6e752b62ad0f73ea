"""The library for outbound requests is loaded by the first of them, not at the start."""

import pathlib

import pytest

from harness import settings
from harness.api import meta
from harness.payload import data
from harness.proxy import Origin
from harness.server import Server

CONTENT = data(100_000, "outbound")


@pytest.fixture(scope="module")
def origin():
    with Origin({"/image.raw": CONTENT}) as running:
        yield running


@pytest.fixture
def referring(origin):
    """A server of its own that may ask the origin, and has not yet."""
    with Server(config=settings.references(exceptions=[f"127.0.0.1:{origin.port}"])) as running:
        yield running


def refer(server, location):
    return server.api().post("/images", meta(name="a reference", architecture="x86_64", location=location))


def loaded(server):
    """What of outbound requests is in the process: the library, and the thread that uses it."""
    folder = pathlib.Path(f"/proc/{server.process.pid}")
    libraries = {"libcurl" for line in (folder / "maps").read_text().splitlines() if "/libcurl" in line}
    threads = {task.joinpath("comm").read_text().strip() for task in (folder / "task").iterdir()}
    return libraries | (threads & {"fetch"})


def test_a_server_that_asks_nobody_has_neither_library_nor_thread(fresh):
    root = fresh.api()
    image = root.upload(CONTENT)
    assert root.get(f"/images/{image}").body == CONTENT
    assert loaded(fresh) == set()


def test_a_location_that_the_guard_refuses_loads_nothing(referring):
    assert refer(referring, "http://10.0.0.1/image.raw").status in (400, 403, 404)
    assert loaded(referring) == set()


def test_the_first_reference_loads_both_and_reads_bit_for_bit(referring, origin):
    assert loaded(referring) == set()
    response = refer(referring, f"{origin.address}/image.raw")
    assert response.status == 200, response
    assert loaded(referring) == {"libcurl", "fetch"}
    assert referring.api().get(f"/images/{response.image['_id']}").body == CONTENT


def test_a_reference_that_outlives_a_restart_loads_both_when_it_is_read(referring, origin):
    image = refer(referring, f"{origin.address}/image.raw").image["_id"]
    referring.restart()
    assert loaded(referring) == set()
    assert referring.api().get(f"/images/{image}").body == CONTENT
    assert loaded(referring) == {"libcurl", "fetch"}
