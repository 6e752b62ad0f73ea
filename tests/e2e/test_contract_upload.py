"""Data on its way in: framing, states, and what is refused before a byte is taken."""

import threading

import pytest

from harness import raw
from harness.api import BINARY, meta
from harness.payload import data, iso, md5
from harness.wait import eventually

LARGE = 9 * 1024 * 1024 + 17


@pytest.mark.parametrize("scheme", ["visor", "sigv4"])
@pytest.mark.parametrize("size", [1, 4096, LARGE])
@pytest.mark.parametrize("chunked", [False, True])
def test_data_comes_back_bit_for_bit(user, scheme, size, chunked):
    api, content = user.using(scheme), data(size)
    response = api.post("/images", [*meta(name="n", architecture="i386"), BINARY], content, chunked=chunked)
    assert response.status == 200, response
    image = response.image
    assert (image["status"], int(image["size"]), image["checksum"]) == ("available", size, md5(content))
    assert api.get(f"/images/{image['_id']}").body == content


def test_a_body_in_chunks_of_odd_sizes_is_joined(user):
    pieces = [data(size, f"piece {size}") for size in (1, 2, 3, 1000, 65537, 7)]
    response = user.post("/images", [*meta(name="n", architecture="i386"), BINARY], pieces)
    assert response.status == 200, response
    assert user.get(f"/images/{response.image['_id']}").body == b"".join(pieces)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_data_of_another_content_type_is_400_and_registers_nothing(user, mark, content_type):
    headers = [*meta(name="n", architecture="i386", mark=mark), ("Content-Type", content_type)]
    response = user.post("/images", headers, b"some data")
    assert response.status == 400, response
    assert user.listed(f"mark={mark}") == []


def test_data_without_a_content_type_is_400(user, mark):
    response = user.post("/images", meta(name="n", architecture="i386", mark=mark), b"some data")
    assert response.status == 400, response
    assert user.listed(f"mark={mark}") == []


def test_neither_a_length_nor_chunks_means_no_body(server, user):
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "POST", "/images", meta(name="n", architecture="i386")))
        status, _, body = wire.read_answer()
    assert status == 200, body
    assert b'"locked"' in body


def test_data_goes_into_a_registered_image_once(user):
    image = user.register()
    assert user.put(f"/images/{image}", [BINARY], b"first").status == 200
    again = user.put(f"/images/{image}", [BINARY], b"second")
    assert again.status == 409, again
    assert user.get(f"/images/{image}").body == b"first"


def test_an_update_may_carry_metadata_and_data_together(user):
    image = user.register(name="before")
    response = user.put(f"/images/{image}", [*meta(name="after", free="x"), BINARY], b"data")
    assert response.status == 200, response
    assert (response.image["name"], response.image["free"], response.image["status"]) == ("after", "x", "available")


def test_an_image_without_data_has_none_to_download(user):
    response = user.get(f"/images/{user.register()}")
    assert response.status in (404, 200)
    # The 2012 service answers the metadata alone; an empty body is the only data that may come.
    if response.status == 200:
        assert response.body == b""


def test_the_default_store_is_file_and_the_location_shows_no_credential(user):
    known = user.head(f"/images/{user.upload(b'where')}").meta
    assert known["store"] == "file"
    assert "@" not in known.get("location", "")


def test_uploading_into_the_http_store_is_400(user, mark):
    response = user.post("/images", [*meta(name="n", architecture="i386", store="http", mark=mark), BINARY], b"x")
    assert response.status == 400, response
    assert user.listed(f"mark={mark}") == []


def test_an_unknown_store_is_400_and_registers_nothing(user, mark):
    response = user.post("/images", [*meta(name="n", architecture="i386", store="attic", mark=mark), BINARY], b"x")
    assert response.status == 400, response
    assert user.listed(f"mark={mark}") == []


def test_the_format_is_detected_when_it_is_not_given(user):
    assert user.head(f"/images/{user.upload(iso())}").meta["format"] == "iso"


# --- Expect: 100-continue -------------------------------------------------------------------------------------------

EXPECT = ("Expect", "100-continue")


def test_the_body_is_invited_once_the_metadata_is_valid(server, user):
    content = data(100_000)
    with raw.Wire(server) as wire:
        headers = [*meta(name="n", architecture="i386"), BINARY]
        wire.send(raw.signed_head(user, "POST", "/images", headers, [("Content-Length", str(len(content))), EXPECT]))
        assert wire.read_head()[0] == 100
        wire.send(content)
        status, _, body = wire.read_answer()
    assert status == 200, body


@pytest.mark.parametrize(
    "case, expected",
    [("no name", 400), ("bad signature", 403), ("wrong type", 400), ("not there", 404), ("has data", 409), ("foreign", 403)],
)
def test_a_refused_upload_is_never_invited(server, user, other, case, expected):
    method, target, headers, caller = "POST", "/images", [*meta(name="n", architecture="i386"), BINARY], user
    if case == "no name":
        headers = [*meta(architecture="i386"), BINARY]
    elif case == "bad signature":
        caller = user.__class__(user.host, user.port, user.access_key, "not the secret", user.scheme)
    elif case == "wrong type":
        headers = [*meta(name="n", architecture="i386"), ("Content-Type", "text/plain")]
    elif case == "not there":
        method, target, headers = "PUT", "/images/00000000-0000-4000-8000-000000000000", [BINARY]
    elif case == "has data":
        method, target, headers = "PUT", f"/images/{user.upload(b'full')}", [BINARY]
    elif case == "foreign":
        method, target, headers, caller = "PUT", f"/images/{user.register()}", [BINARY], other
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(caller, method, target, headers, [("Content-Length", "1000000"), EXPECT]))
        status, _ = wire.read_head()
    assert status == expected


def test_another_expectation_is_417(server, user):
    with raw.Wire(server) as wire:
        headers = [*meta(name="n", architecture="i386"), BINARY]
        framing = [("Content-Length", "1"), ("Expect", "a-miracle")]
        wire.send(raw.signed_head(user, "POST", "/images", headers, framing, sign=user.signer()))
        assert wire.read_answer()[0] == 417


# --- two at once ----------------------------------------------------------------------------------------------------


def test_while_an_upload_runs_a_second_one_is_409_and_the_first_one_wins(server, user):
    image, content = user.register(), data(300_000)
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "PUT", f"/images/{image}", [BINARY], [("Content-Length", str(len(content)))]))
        wire.send(content[:100_000])
        eventually(lambda: user.status_of(image) == "uploading", "the image is being uploaded")
        assert user.put(f"/images/{image}", [BINARY], b"the second").status == 409
        wire.send(content[100_000:])
        status, _, body = wire.read_answer()
        assert status == 200, body
    assert user.get(f"/images/{image}").body == content


def test_of_many_uploads_to_one_image_exactly_one_wins(user):
    image = user.register()
    contents = [data(200_000, f"contender {number}") for number in range(8)]
    answers = [None] * len(contents)
    gate = threading.Barrier(len(contents))

    def contend(number):
        gate.wait()
        answers[number] = user.put(f"/images/{image}", [BINARY], contents[number]).status

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(len(contents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
    assert user.get(f"/images/{image}").body == contents[answers.index(200)]


def test_an_image_that_is_being_uploaded_cannot_be_downloaded(server, user):
    image = user.register()
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "PUT", f"/images/{image}", [BINARY], [("Content-Length", "1000")]))
        wire.send(b"x" * 500)
        eventually(lambda: user.status_of(image) == "uploading", "the image is being uploaded")
        response = user.get(f"/images/{image}")
        assert b"x" not in response.body or response.status >= 400
        wire.reset()


def test_deleting_an_image_that_is_being_uploaded_leaves_no_bytes(fresh):
    root = fresh.api()
    image = root.register()
    with raw.Wire(fresh) as wire:
        wire.send(raw.signed_head(root, "PUT", f"/images/{image}", [BINARY], [("Content-Length", "100000")]))
        wire.send(b"x" * 50_000)
        eventually(lambda: root.status_of(image) == "uploading", "the image is being uploaded")
        answer = root.delete(f"/images/{image}")
        assert answer.status in (200, 409), answer
        wire.send(b"x" * 50_000)
        status = wire.read_answer()[0]
    if answer.status == 200:
        assert status is None or status >= 400
        assert root.head(f"/images/{image}").status == 404
        eventually(lambda: fresh.stored_bytes() == 0, "the bytes are gone")
    else:
        assert status == 200
