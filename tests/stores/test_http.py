"""The store of references to web servers, against a real nginx."""

import http.client

import pytest

from conftest import start
from harness import settings
from harness.api import meta
from harness.payload import data
from harness.server import Server
from rig.fault_proxy import ALWAYS, FaultProxy, Gate, hold_answer, lose_answer, refuse_with, reset_answer, truncate, wrong_tag
from rig.nginx import Nginx

MIB = 1 << 20
CONTENT, CHANGED = data(5 * MIB + 3), data(5 * MIB + 3, "changed")
THEN, LATER = 1_700_000_000, 1_700_000_100

LOCATIONS = """
location /dated/ { etag off; }
location /whole/ { max_ranges 0; }
location /get-only/ { if ($request_method = HEAD) { return 405; } }
location /private/ { return 403; }
location = /once { return 302 /image.raw; }
location = /twice { return 301 /once; }
location = /three { return 307 /twice; }
location = /four { return 308 /three; }
location = /circle { return 302 /circle; }
location = /inward { return 302 http://127.0.0.1:1/; }
location = /metadata { return 302 http://169.254.169.254/latest/meta-data; }
location = /file { return 302 file:///etc/passwd; }
"""


@pytest.fixture(scope="module")
def nginx():
    server = start(Nginx(LOCATIONS))
    yield server
    server.close()


@pytest.fixture(scope="module")
def server(nginx):
    config = settings.references(exceptions=[f"127.0.0.1:{nginx.port}"]) + "    redirects: 3\n"
    with Server(config=config) as running:
        yield running


@pytest.fixture
def root(server):
    return server.api()


@pytest.fixture
def proxied(nginx):
    """A server that reaches nginx through a proxy which breaks what a test says."""
    with FaultProxy(("127.0.0.1", nginx.port)) as proxy:
        with Server(config=settings.references(exceptions=[f"127.0.0.1:{proxy.port}"])) as running:
            yield running.api(), proxy


def refer(api, location):
    return api.post("/images", meta(name="a reference", architecture="x86_64", location=location))


def referred(api, location):
    response = refer(api, location)
    assert response.status == 200, response
    return response.image["_id"]


def download(api, image, headers=()):
    """The answer if it came whole, or None for a connection that broke."""
    try:
        return api.get(f"/images/{image}", headers)
    except (http.client.IncompleteRead, ConnectionError):
        return None


# --- what is asked, and how ---

def test_a_reference_is_looked_at_with_head_and_read_with_its_tag(root, nginx):
    nginx.put("image.raw", CONTENT)
    before = len(nginx.asked())
    response = refer(root, f"{nginx.address}/image.raw")
    assert response.status == 200, response
    assert (response.image["status"], int(response.image["size"])) == ("available", len(CONTENT))
    image, tag = response.image["_id"], f'"{response.image["checksum"]}"'
    assert [line[:2] for line in nginx.asked()[before:]] == [("HEAD", "/image.raw")]
    assert root.get(f"/images/{image}").body == CONTENT
    part = root.get(f"/images/{image}", [("Range", f"bytes={MIB}-{MIB + 9}")])
    assert (part.status, part.body) == (206, CONTENT[MIB:MIB + 10])
    assert part.header("Content-Range") == f"bytes {MIB}-{MIB + 9}/{len(CONTENT)}"
    tail = root.get(f"/images/{image}", [("Range", "bytes=-7")])
    assert (tail.status, tail.body) == (206, CONTENT[-7:])
    assert root.get(f"/images/{image}", [("Range", f"bytes={len(CONTENT)}-")]).status == 416
    reads = nginx.asked()[before + 1:]
    assert [line[2] for line in reads] == [
        f"bytes=0-{len(CONTENT) - 1}", f"bytes={MIB}-{MIB + 9}", f"bytes={len(CONTENT) - 7}-{len(CONTENT) - 1}"]
    assert {(line[0], line[1], line[3], line[5]) for line in reads} == {("GET", "/image.raw", tag, "206")}


@pytest.mark.parametrize("folder", ["whole", "get-only", "dated"], ids=["ranges", "HEAD", "entity tags"])
def test_a_reference_reads_well_from_a_server_without(root, nginx, folder):
    nginx.put(f"{folder}/image.raw", CONTENT)
    image = referred(root, f"{nginx.address}/{folder}/image.raw")
    assert root.get(f"/images/{image}").body == CONTENT
    part = root.get(f"/images/{image}", [("Range", "bytes=100000-100009")])
    assert (part.status, part.body) == (206, CONTENT[100000:100010])


def test_an_empty_file_can_be_referred_to(root, nginx):
    nginx.put("empty.raw", b"")
    image = referred(root, f"{nginx.address}/empty.raw")
    found = root.get(f"/images/{image}")
    assert (found.status, found.body) == (200, b"")


@pytest.mark.parametrize("path, status", [("/absent.raw", 404), ("/private/image.raw", 403)])
def test_what_the_server_does_not_give_is_not_registered(root, nginx, path, status):
    before = len(root.listed())
    assert refer(root, nginx.address + path).status == status
    assert len(root.listed()) == before


def test_nothing_of_the_caller_reaches_the_server_behind_a_location(root, nginx):
    nginx.put("image.raw", CONTENT)
    image = referred(root, f"{nginx.address}/image.raw")
    root.get(f"/images/{image}", [("Cookie", "secret=1")])
    assert {line[4] for line in nginx.asked()} == {""}


def test_a_removed_reference_leaves_its_source(root, nginx):
    nginx.put("image.raw", CONTENT)
    image = referred(root, f"{nginx.address}/image.raw")
    assert root.delete(f"/images/{image}").status == 200
    assert (nginx.place / "root" / "image.raw").read_bytes() == CONTENT


# --- what changed since ---

@pytest.mark.parametrize("folder", ["", "dated/", "whole/"], ids=["tagged", "dated", "without ranges"])
@pytest.mark.parametrize("wanted", [(), [("Range", "bytes=5-9")]], ids=["whole", "a part"])
def test_another_version_is_never_served_as_the_old_image(root, nginx, folder, wanted):
    name = f"{folder}changing.raw"
    nginx.put(name, CONTENT, THEN)
    image = referred(root, f"{nginx.address}/{name}")
    assert root.get(f"/images/{image}").body == CONTENT
    nginx.put(name, CHANGED, LATER)
    found = download(root, image, wanted)
    assert found.status == 409, found
    assert "changed" in found.message
    # The same version again is the image.
    nginx.put(name, CONTENT, THEN)
    assert root.get(f"/images/{image}").body == CONTENT


def test_a_source_that_is_gone_is_told(root, nginx):
    nginx.put("going.raw", CONTENT)
    image = referred(root, f"{nginx.address}/going.raw")
    nginx.remove("going.raw")
    assert root.get(f"/images/{image}").status == 404


# --- redirects and where they may not lead ---

@pytest.mark.parametrize("path", ["/once", "/twice", "/three"])
def test_redirects_are_followed_as_far_as_configured(root, nginx, path):
    nginx.put("image.raw", CONTENT)
    image = referred(root, nginx.address + path)
    assert root.get(f"/images/{image}").body == CONTENT
    part = root.get(f"/images/{image}", [("Range", "bytes=5-9")])
    assert (part.status, part.body) == (206, CONTENT[5:10])


@pytest.mark.parametrize("path", ["/four", "/circle"])
def test_redirects_are_followed_no_further(root, nginx, path):
    nginx.put("image.raw", CONTENT)
    refused = refer(root, nginx.address + path)
    assert refused.status == 400, refused
    assert "too many" in refused.message


@pytest.mark.parametrize("path", ["/inward", "/metadata", "/file"])
def test_redirects_are_not_followed_past_the_guard(root, nginx, path):
    refused = refer(root, nginx.address + path)
    assert refused.status in (400, 403), refused
    assert "169.254" not in refused.message and "passwd" not in refused.message


def test_redirects_are_not_followed_unless_configured(nginx):
    nginx.put("image.raw", CONTENT)
    with Server(config=settings.references(exceptions=[f"127.0.0.1:{nginx.port}"])) as running:
        refused = refer(running.api(), f"{nginx.address}/once")
    assert refused.status == 400, refused


def test_without_an_exception_the_server_asks_nothing_of_this_machine(nginx):
    nginx.put("image.raw", CONTENT)
    before = len(nginx.asked())
    with Server() as running:
        for host in ("127.0.0.1", "127.1", "localhost", "[::ffff:127.0.0.1]"):
            refused = refer(running.api(), f"http://{host}:{nginx.port}/image.raw")
            assert refused.status in (400, 403), (host, refused)
    assert len(nginx.asked()) == before


# --- faults on the way ---

@pytest.mark.parametrize("fault", [reset_answer(MIB), truncate(MIB), reset_answer(0), truncate(0)],
                         ids=["reset", "truncated", "reset at once", "truncated at once"])
@pytest.mark.parametrize("wanted", [(), [("Range", f"bytes=5-{3 * MIB}")]], ids=["whole", "a part"])
def test_a_read_that_breaks_never_looks_whole(proxied, nginx, fault, wanted):
    api, proxy = proxied
    nginx.put("image.raw", CONTENT)
    image = referred(api, f"http://127.0.0.1:{proxy.port}/image.raw")
    proxy.on("GET", "/image.raw", fault, times=ALWAYS)
    found = download(api, image, wanted)
    assert found is None or found.status == 503, found
    proxy.heal()
    assert api.get(f"/images/{image}").body == CONTENT


@pytest.mark.parametrize("fault", [refuse_with(503), lose_answer()], ids=["503", "its answer lost"])
def test_a_read_that_fails_at_first_is_tried_again(proxied, nginx, fault):
    api, proxy = proxied
    nginx.put("image.raw", CONTENT)
    proxy.on("HEAD", "/image.raw", fault)
    image = referred(api, f"http://127.0.0.1:{proxy.port}/image.raw")
    proxy.on("GET", "/image.raw", fault)
    assert api.get(f"/images/{image}").body == CONTENT


def test_a_server_that_ignores_conditions_is_found_out(proxied, nginx):
    api, proxy = proxied
    nginx.put("image.raw", CONTENT)
    image = referred(api, f"http://127.0.0.1:{proxy.port}/image.raw")
    proxy.on("GET", "/image.raw", wrong_tag(), times=ALWAYS)
    assert api.get(f"/images/{image}").status == 409
    assert api.get(f"/images/{image}", [("Range", "bytes=5-9")]).status == 409


def test_a_server_that_never_answers_is_given_up(nginx):
    gate = Gate()
    nginx.put("image.raw", CONTENT)
    with FaultProxy(("127.0.0.1", nginx.port)) as proxy:
        patient = settings.references(exceptions=[f"127.0.0.1:{proxy.port}"])
        with Server(config=patient) as running:
            image = referred(running.api(), f"http://127.0.0.1:{proxy.port}/image.raw")
            running.config_text = patient + "    connect_timeout: 1s\n    answer_timeout: 500ms\n"
            running.restart()
            proxy.on("GET", "/image.raw", hold_answer(gate), times=ALWAYS)
            assert running.api().get(f"/images/{image}").status == 503


def test_a_server_that_can_not_be_reached_is_told(proxied, nginx):
    api, proxy = proxied
    nginx.put("image.raw", CONTENT)
    image = referred(api, f"http://127.0.0.1:{proxy.port}/image.raw")
    proxy.refuse()
    assert api.get(f"/images/{image}").status == 503
    assert refer(api, f"http://127.0.0.1:{proxy.port}/image.raw").status == 503
    proxy.heal()
    assert api.get(f"/images/{image}").body == CONTENT
