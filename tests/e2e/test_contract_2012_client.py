"""What the clients of 2012 send and understand, as it was observed on the wire."""

import pytest

from harness import raw, settings, signing
from harness.api import BINARY, meta
from harness.server import Server

FORM = ("Content-Type", "application/x-www-form-urlencoded")
UNDERSTOOD = {400, 403, 404, 409, 500, 503}


@pytest.fixture
def client(user):
    return user.using("visor")


def form_signer(api):
    """The library added the type after the request was signed with none."""
    return signing.visor(api.access_key, api.secret, signed_type="")


def test_a_post_without_body_typed_as_a_form_after_it_was_signed(client):
    response = client.post("/images", [*meta(name="old", architecture="i386"), FORM], sign=form_signer(client))
    assert response.status == 200, response
    assert response.image["status"] == "locked"


def test_a_post_with_length_zero_typed_as_a_form(client):
    response = client.post("/images", [*meta(name="old", architecture="i386"), FORM], b"", sign=form_signer(client))
    assert response.status == 200, response


def test_a_put_without_body_typed_as_a_form_after_it_was_signed(client):
    image = client.register(name="before")
    response = client.put(f"/images/{image}", [*meta(name="after"), FORM], b"", sign=form_signer(client))
    assert response.status == 200, response
    assert client.head(f"/images/{image}").meta["name"] == "after"


def test_the_form_type_with_a_body_counts_in_the_signature_and_is_refused(client):
    headers = [*meta(name="old", architecture="i386"), FORM]
    assert client.post("/images", headers, b"a=1", sign=form_signer(client)).status == 403
    assert client.post("/images", headers, b"a=1").status == 400


def test_an_upload_in_chunks_with_the_binary_type(client):
    response = client.post("/images", [*meta(name="old", architecture="i386"), BINARY], [b"in ", b"chunks"])
    assert response.status == 200, response
    assert client.get(f"/images/{response.image['_id']}").body == b"in chunks"


def test_a_doubled_slash_before_the_path_as_the_client_builds_it(client, mark):
    image = client.register(mark=mark)
    assert client.get(f"//images?mark={mark}").ids == [image]


def test_the_query_is_not_signed(client):
    good = client.signed("GET", "/images")
    assert client.anonymous().get("/images?name=whatever", good).status == 200


def test_the_error_table_of_the_client_is_never_left(server, client, other):
    """One request for each condition that has a finer code elsewhere."""
    full = client.upload(b"full")
    foreign = other.upload(b"theirs", access="private")
    public = other.upload(b"theirs", access="public")
    requests = [
        ("DELETE", "/images", [], None, 404),  # 405
        ("POST", "/images/detail", [], None, 404),
        ("GET", f"/images/{full}", [("Range", "bytes=99-")], None, None),  # 416
        ("GET", f"/images/{full}", [("If-Match", '"other"')], None, None),  # 412
        ("PUT", f"/images/{full}", [BINARY], b"again", 409),
        ("GET", f"/images/{foreign}", [], None, 404),
        ("DELETE", f"/images/{public}", [], None, 403),
        ("GET", "/users", [], None, 403),
        ("POST", "/images", [("Expect", "a-miracle"), *meta(name="n", architecture="i386"), BINARY], b"x", None),  # 417
        ("GET", "/images?dir=sideways", [], None, 400),
        ("POST", "/images", meta(name="n"), None, 400),
        ("GET", "/nowhere", [], None, 404),
        ("GET", "/" + "x" * 20000, [], None, None),  # 414
        ("GET", "/images", [("x-long", "y" * 100_000)], None, None),  # 431
    ]
    wrong = []
    for method, target, headers, body, expected in requests:
        response = client.request(method, target, headers, body)
        if response.status not in UNDERSTOOD or expected not in (None, response.status):
            wrong.append((method, target[:40], headers[:1], expected, response.status))
    assert not wrong


def test_a_quota_is_403_to_this_client_and_413_is_never_sent():
    with Server(config=settings.largest_image("1 KiB")) as server:
        client = server.api(scheme="visor")
        response = client.post("/images", [*meta(name="n", architecture="i386"), BINARY], b"x" * 4096)
        assert response.status == 403, response
        finer = server.api().post("/images", [*meta(name="n", architecture="i386"), BINARY], b"x" * 4096)
        assert finer.status == 413, finer


def test_a_head_error_tells_its_reason_in_a_header(client):
    response = client.head("/images/00000000-0000-4000-8000-000000000000")
    assert (response.status, bool(response.header("x-error-message"))) == (404, True)


def test_a_broken_head_signed_with_the_visor_scheme_is_400(server):
    with raw.Wire(server) as wire:
        wire.send("GET /images HTTP/1.1\r\nHost: x\r\nAuthorization: VISOR a:b\r\nbroken line\r\n\r\n")
        assert wire.read_answer()[0] == 400


def test_raw_utf8_in_a_header_is_signed_and_stored_as_it_is(client):
    image = client.register(name="Ünïcode 像")
    assert client.head(f"/images/{image}").meta["name"] == "Ünïcode 像"
