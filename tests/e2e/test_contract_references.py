"""Images whose data lies elsewhere, and the guard in front of every outbound request."""

import pytest

from harness import settings
from harness.api import BINARY, meta
from harness.payload import data
from harness.proxy import Origin
from harness.server import Server

CONTENT = data(100_000, "elsewhere")


@pytest.fixture(scope="module")
def origin():
    with Origin(
        {"/image.raw": CONTENT},
        redirects={"/inward": "http://127.0.0.1:1/secret", "/metadata": "http://169.254.169.254/latest/meta-data"},
        etag="0123456789abcdef0123456789abcdef",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder that references may point into, and one beside it that they may not."""
    folder = tmp_path_factory.mktemp("references")
    (folder / "allowed").mkdir()
    (folder / "forbidden").mkdir()
    (folder / "allowed" / "image.raw").write_bytes(CONTENT)
    (folder / "forbidden" / "image.raw").write_bytes(b"never to be seen")
    (folder / "allowed" / "link.raw").symlink_to(folder / "forbidden" / "image.raw")
    (folder / "allowed" / "folder").mkdir()
    return folder


@pytest.fixture(scope="module")
def server(shelf, origin):
    config = settings.references(folders=[shelf / "allowed"], exceptions=[f"127.0.0.1:{origin.port}"])
    with Server(config=config) as running:
        yield running


def refer(api, location, **attributes):
    return api.post("/images", meta(name="a reference", architecture="x86_64", location=location, **attributes))


def test_a_file_reference_is_available_at_once_and_reads_bit_for_bit(root, shelf):
    response = refer(root, f"file://{shelf}/allowed/image.raw")
    assert response.status == 200, response
    assert response.image["status"] == "available"
    assert int(response.image["size"]) == len(CONTENT)
    image = response.image["_id"]
    assert root.get(f"/images/{image}").body == CONTENT
    assert root.get(f"/images/{image}", [("Range", "bytes=99990-")]).body == CONTENT[-10:]


def test_deleting_a_reference_leaves_its_source(root, shelf):
    image = refer(root, f"file://{shelf}/allowed/image.raw").image["_id"]
    assert root.delete(f"/images/{image}").status == 200
    assert (shelf / "allowed" / "image.raw").read_bytes() == CONTENT


def test_a_file_reference_outside_the_configured_folders_is_refused(root, shelf, mark):
    for location in (
        f"file://{shelf}/forbidden/image.raw",
        f"file://{shelf}/allowed/../forbidden/image.raw",
        f"file://{shelf}/allowed/%2e%2e/forbidden/image.raw",
        f"file://{shelf}/allowed/link.raw",
        "file:///etc/passwd",
        "file:///proc/self/environ",
        "file://otherhost/etc/passwd",
        f"file://{shelf}/allowed/image.raw%00.iso",
    ):
        response = refer(root, location, mark=mark)
        assert response.status in (400, 403, 404), (location, response)
        assert b"never to be seen" not in response.body
    assert root.listed(f"mark={mark}") == []


def test_a_file_reference_to_what_is_not_a_file_is_refused(root, shelf):
    for name in ("folder", "absent.raw"):
        assert refer(root, f"file://{shelf}/allowed/{name}").status in (400, 403, 404)


def test_a_file_reference_is_for_administrators(user, shelf):
    assert refer(user, f"file://{shelf}/allowed/image.raw").status == 403


def test_a_reference_takes_the_privilege_of_the_account(user, origin):
    assert refer(user, f"{origin.address}/image.raw").status == 403


def test_an_http_reference_takes_size_and_tag_from_the_origin(root, origin):
    response = refer(root, f"{origin.address}/image.raw")
    assert response.status == 200, response
    known = response.image
    assert (known["status"], int(known["size"])) == ("available", len(CONTENT))
    assert known["checksum"] == "0123456789abcdef0123456789abcdef"
    assert known["location"] == f"{origin.address}/image.raw"
    image = known["_id"]
    assert root.get(f"/images/{image}").body == CONTENT
    assert root.get(f"/images/{image}", [("Range", "bytes=5-9")]).body == CONTENT[5:10]


def test_a_location_where_nothing_lies_is_404_and_registers_nothing(root, origin, mark):
    assert refer(root, f"{origin.address}/absent.raw", mark=mark).status == 404
    assert root.listed(f"mark={mark}") == []


def test_a_location_and_a_body_together_are_400(root, origin, mark):
    headers = [*meta(name="n", architecture="i386", location=f"{origin.address}/image.raw", mark=mark), BINARY]
    assert root.post("/images", headers, b"data").status == 400
    assert root.listed(f"mark={mark}") == []


def test_a_registered_image_can_be_made_a_reference_later(root, origin):
    image = root.register()
    response = root.put(f"/images/{image}", meta(location=f"{origin.address}/image.raw"))
    assert response.status == 200, response
    assert root.get(f"/images/{image}").body == CONTENT


def test_an_image_with_data_cannot_be_pointed_elsewhere(root, origin):
    image = root.upload(b"own data")
    assert root.put(f"/images/{image}", meta(location=f"{origin.address}/image.raw")).status == 409
    assert root.get(f"/images/{image}").body == b"own data"


@pytest.mark.parametrize("path", ["/inward", "/metadata"])
def test_a_redirect_is_not_followed_to_where_the_guard_forbids(root, origin, path):
    assert refer(root, origin.address + path).status in (400, 403, 404)


FORBIDDEN = [
    "http://127.0.0.1/x", "http://127.1/x", "http://2130706433/x", "http://0x7f000001/x", "http://0177.0.0.1/x", "http://0/x",
    "http://localhost/x", "http://localhost./x", "http://[::1]/x", "http://[::ffff:127.0.0.1]/x", "http://[64:ff9b::7f00:1]/x",
    "http://[2002:7f00:1::]/x", "http://[fe80::1%25lo]/x", "http://[fd00::1]/x", "http://10.0.0.1/x", "http://172.16.0.1/x",
    "http://192.168.0.1/x", "http://100.64.0.1/x", "http://169.254.169.254/latest/meta-data", "http://224.0.0.1/x", "http://0.0.0.0/x",
    "http://255.255.255.255/x", "http://user:secret@127.0.0.1/x", "http://127.0.0.1:22/x", "http://127.0.0.1#@example.org/x",
    "http://127.0.0.1\\@example.org/x", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "dict://127.0.0.1/x", "file:etc/passwd",
    "s3://bucket/key", "//127.0.0.1/x", "http:///x", "http://", "not a location", "http://127.0.0.1:99999/x", "javascript:alert(1)",
]


@pytest.mark.parametrize("location", FORBIDDEN)
def test_the_guard_lets_no_request_out_by_default(fresh_guard, location):
    """Without an exception in the configuration nothing on this machine or a private network is ever asked."""
    response = refer(fresh_guard.api(), location)
    assert response.status in (400, 403, 404), response
    assert "169.254" not in response.message and "Connection refused" not in response.message


@pytest.fixture(scope="module")
def fresh_guard():
    with Server() as running:
        yield running


def test_the_guard_asks_nothing_of_a_local_origin_without_an_exception(fresh_guard, origin):
    before = len(origin.hits)
    assert refer(fresh_guard.api(), f"{origin.address}/image.raw").status in (400, 403)
    assert len(origin.hits) == before


def test_no_credential_of_the_caller_travels_to_the_origin(root, origin):
    image = refer(root, f"{origin.address}/image.raw").image["_id"]
    root.get(f"/images/{image}")
    for _, _, headers in origin.hits:
        assert not {"authorization", "cookie", "x-amz-date"} & {name.lower() for name in headers}


def test_a_location_shows_no_credential(root, origin):
    response = refer(root, origin.address.replace("http://", "http://someone:hunter2@") + "/image.raw")
    assert b"hunter2" not in response.body
    if response.status == 200:
        head = root.head(f"/images/{response.image['_id']}")
        assert "hunter2" not in str(head.headers)


def test_an_origin_that_is_gone_makes_the_download_fail_and_not_hang():
    origin = Origin({"/short.raw": CONTENT})
    with Server(config=settings.references(exceptions=[f"127.0.0.1:{origin.port}"])) as server:
        api = server.api()
        with origin:
            image = refer(api, f"{origin.address}/short.raw").image["_id"]
        response = api.get(f"/images/{image}")
        assert response.status in (404, 503), response
