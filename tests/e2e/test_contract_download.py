"""Data on its way out: HEAD, ranges and conditions."""

import email.utils
import re

import pytest

from harness.payload import data, iso

CONTENT = data(5000)


@pytest.fixture(scope="module")
def image(server):
    return server.api().upload(CONTENT, format="raw")


def test_head_carries_the_length_of_the_data_and_no_body(root, image):
    response = root.head(f"/images/{image}")
    assert (response.status, response.header("Content-Length"), response.body) == (200, "5000", b"")


def test_get_tells_length_and_type(root, image):
    response = root.get(f"/images/{image}")
    assert response.header("Content-Length") == "5000"
    assert response.header("Content-Type") == "application/octet-stream"
    assert response.header("Accept-Ranges") == "bytes"


@pytest.mark.parametrize("path", ["/images", "/images/detail", "/status", "/healthz", "/images/{}/metadata"])
def test_head_works_wherever_get_does_and_tells_its_length(root, image, path):
    path = path.format(image)
    got, headed = root.get(path), root.head(path)
    assert headed.status in (200, 405), headed
    if headed.status == 200:
        assert headed.body == b""
        assert headed.header("Content-Length") == str(len(got.body)) or got.header("Transfer-Encoding") == "chunked"


@pytest.mark.parametrize(
    "asked, status, first, last",
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=0-99", 206, 0, 99),
        ("bytes=100-199", 206, 100, 199),
        ("bytes=4990-", 206, 4990, 4999),
        ("bytes=4990-99999", 206, 4990, 4999),
        ("bytes=-1", 206, 4999, 4999),
        ("bytes=-100", 206, 4900, 4999),
        ("bytes=-99999", 206, 0, 4999),
        ("bytes=0-18446744073709551615", 206, 0, 4999),
        ("BYTES=0-9", 206, 0, 9),
        ("bytes=5000-", 416, None, None),
        ("bytes=5000-6000", 416, None, None),
        ("bytes=-0", 416, None, None),
        ("bytes=9-5", 200, None, None),
        ("bytes=a-b", 200, None, None),
        ("bytes=", 200, None, None),
        ("bytes=--1", 200, None, None),
        ("lines=1-2", 200, None, None),
        ("bytes=0-0,2-2", 200, None, None),
        ("bytes=18446744073709551616-", 416, None, None),
    ],
)
def test_the_table_of_ranges(root, image, asked, status, first, last):
    response = root.get(f"/images/{image}", [("Range", asked)])
    if asked.startswith(("bytes=184", "BYTES")) and response.status == 200:
        return  # a number that fits no file, and a unit in capitals, may also be ignored
    assert response.status == status, response
    if status == 206:
        assert response.header("Content-Range") == f"bytes {first}-{last}/5000"
        assert response.header("Content-Length") == str(last - first + 1)
        assert response.body == CONTENT[first : last + 1]
    elif status == 416:
        assert response.header("Content-Range") == "bytes */5000"
        assert CONTENT not in response.body
    else:
        assert response.body == CONTENT


def test_pieces_put_together_are_the_whole(root, image):
    joined = b"".join(
        root.get(f"/images/{image}", [("Range", f"bytes={start}-{start + 776}")]).body for start in range(0, 5000, 777)
    )
    assert joined == CONTENT


@pytest.fixture(scope="module")
def tag(server, image):
    value = server.api().head(f"/images/{image}").header("ETag")
    assert re.fullmatch(r'"[^"]+"', value), "a strong entity tag"
    return value


@pytest.fixture(scope="module")
def modified(server, image):
    return server.api().head(f"/images/{image}").header("Last-Modified")


LONG_AGO = "Sun, 06 Nov 1994 08:49:37 GMT"
FAR_AHEAD = "Fri, 06 Nov 2099 08:49:37 GMT"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers, status",
    [
        ([("If-None-Match", "{tag}")], 304),
        ([("If-None-Match", "W/{tag}")], 304),
        ([("If-None-Match", '"other", {tag}')], 304),
        ([("If-None-Match", "*")], 304),
        ([("If-None-Match", '"other"')], 200),
        ([("If-Match", "{tag}")], 200),
        ([("If-Match", '"other"')], 412),
        ([("If-Match", "*")], 200),
        ([("If-Modified-Since", FAR_AHEAD)], 304),
        ([("If-Modified-Since", LONG_AGO)], 200),
        ([("If-Modified-Since", "yesterday")], 200),
        ([("If-Unmodified-Since", LONG_AGO)], 412),
        ([("If-Unmodified-Since", FAR_AHEAD)], 200),
        ([("If-None-Match", '"other"'), ("If-Modified-Since", FAR_AHEAD)], 200),
        ([("If-Match", '"other"'), ("If-None-Match", "{tag}")], 412),
    ],
)
def test_the_table_of_conditions(root, image, tag, method, headers, status):
    headers = [(name, value.format(tag=tag)) for name, value in headers]
    if any(FAR_AHEAD == value for _, value in headers) and not root.head(f"/images/{image}").header("Last-Modified"):
        pytest.skip("no Last-Modified is sent")
    response = root.request(method, f"/images/{image}", headers)
    assert response.status == status, response
    if status == 304:
        assert response.body == b""
        assert response.header("ETag") == tag


@pytest.mark.parametrize(
    "condition, status",
    [("{tag}", 206), ('"other"', 200), ("W/{tag}", 200), (LONG_AGO, 200), ("{modified}", 206)],
)
def test_if_range_falls_back_to_the_whole_when_it_does_not_hold(root, image, tag, modified, condition, status):
    if condition == "{modified}":
        # A date is a strong validator only when it is well in the past (RFC 9110, 8.8.2.2), so the whole is fine too.
        allowed = {200, 206}
    else:
        allowed = {status}
    value = condition.format(tag=tag, modified=modified)
    response = root.get(f"/images/{image}", [("Range", "bytes=0-9"), ("If-Range", value)])
    assert response.status in allowed, response
    assert response.body == (CONTENT[:10] if response.status == 206 else CONTENT)


def test_a_condition_that_fails_goes_before_a_range_that_cannot_be_met(root, image, tag):
    response = root.get(f"/images/{image}", [("Range", "bytes=9999-"), ("If-None-Match", tag)])
    assert response.status == 304


def test_two_images_with_the_same_data_and_two_with_other_data_are_told_apart(root):
    one, two = root.upload(b"same"), root.upload(b"other")
    assert root.head(f"/images/{one}").header("ETag") != root.head(f"/images/{two}").header("ETag")


def test_dates_are_written_the_preferred_way(root, image):
    response = root.head(f"/images/{image}")
    for name in ("Date", "Last-Modified"):
        value = response.header(name)
        if value:
            assert email.utils.format_datetime(email.utils.parsedate_to_datetime(value), usegmt=True) == value


def test_an_update_of_the_metadata_invalidates_no_download(root):
    image = root.upload(iso())
    before = root.get(f"/images/{image}").header("ETag")
    root.put(f"/images/{image}", [("x-image-meta-name", "renamed")])
    response = root.get(f"/images/{image}", [("Range", "bytes=10-19"), ("If-Range", before)])
    assert response.status == 206
    assert response.body == iso()[10:20]
