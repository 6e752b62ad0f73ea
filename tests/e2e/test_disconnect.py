"""Clients that go away in the middle: the image ends in error, no byte stays, nothing leaks."""

import json

import pytest

from harness import raw, settings, signing
from harness.api import BINARY, meta
from harness.payload import data
from harness.server import ROOT_KEY, ROOT_SECRET, Server
from harness.wait import eventually

SIZE = 1024 * 1024
OFFSETS = [0, 1, 2, 100, 4095, 4096, 4097, *range(SIZE // 16, SIZE, SIZE // 16), SIZE - 2, SIZE - 1]


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("way", ["reset", "half_close"])
def test_an_upload_that_breaks_off_at_any_offset_ends_in_error_without_bytes(fresh, framing, way):
    root, content = fresh.api(), data(SIZE)
    images = []
    for offset in OFFSETS:
        image = root.register()
        images.append(image)
        headers = [("Content-Length", str(SIZE))] if framing == "length" else [("Transfer-Encoding", "chunked")]
        with raw.Wire(fresh) as wire:
            wire.send(raw.signed_head(root, "PUT", f"/images/{image}", [BINARY], [*headers, ("Expect", "100-continue")]))
            assert wire.read_head()[0] == 100
            part = content[:offset]
            wire.send(part if framing == "length" else f"{SIZE:x}\r\n".encode() + part)
            if way == "reset":
                wire.reset()
            else:
                wire.half_close()
                status = wire.read_answer()[0]
                assert status is None or status == 400
    eventually(lambda: all(root.status_of(image) in ("error", "locked") for image in images), "all are in error")
    eventually(lambda: fresh.stored_bytes() == 0, "no bytes are left")
    # Each of them takes data afterwards.
    for image in images[:3]:
        assert root.put(f"/images/{image}", [BINARY], b"second try").status == 200


def test_a_post_that_breaks_off_leaves_an_image_in_error(fresh):
    root = fresh.api()
    headers = [*meta(name="n", architecture="i386"), BINARY]
    with raw.Wire(fresh) as wire:
        wire.send(raw.signed_head(root, "POST", "/images", headers, [("Content-Length", "100000"), ("Expect", "100-continue")]))
        assert wire.read_head()[0] == 100
        wire.send(data(5000))
        wire.reset()
    eventually(lambda: len(root.listed("status=error")) == 1, "the image is in error")
    eventually(lambda: fresh.stored_bytes() == 0, "no bytes are left")


@pytest.mark.parametrize("scheme, expected", [("presigned", 408), ("visor", 503)])
def test_an_upload_that_stalls_is_told_so_and_its_connection_ends(scheme, expected):
    """To a client of 2012, which knows no 408, the server is busy."""
    with Server(config=settings.slowest_transfer("1 KiB", "1s")) as server:
        root = server.api()
        image, framing = root.register(), [("Content-Length", "100000")]
        if scheme == "visor":
            head = raw.signed_head(root, "PUT", f"/images/{image}", [BINARY], framing)
        else:
            target = signing.presigned(ROOT_KEY, ROOT_SECRET, server.address, "PUT", f"/images/{image}")
            head = raw.head("PUT", target, [("Host", f"{server.host}:{server.port}"), BINARY, *framing])
        with raw.Wire(server) as wire:
            wire.send(head + data(1000))
            status, headers, body = wire.read_answer()
            assert (status, headers["connection"]) == (expected, "close"), body
            assert json.loads(body) == {"code": expected, "message": "the request's body arrives too slowly"}
            assert ("retry-after" in headers) == (expected == 503)
        assert root.status_of(image) == "error"
        assert server.stored_bytes() == 0


def test_heads_that_break_off_anywhere_leave_nothing(fresh):
    root = fresh.api()
    head = raw.signed_head(root, "POST", "/images", meta(name="n", architecture="i386"))
    for offset in range(0, len(head), 7):
        with raw.Wire(fresh) as wire:
            wire.send(head[:offset])
            wire.reset()
    assert root.listed() == []


def test_downloads_that_break_off_leave_no_open_file(fresh):
    root = fresh.api()
    image = root.upload(data(8 * SIZE))
    stored = {str(path) for path in fresh.files()}
    assert stored
    for taken in (0, 1, 1000, 100_000, SIZE):
        with raw.Wire(fresh) as wire:
            wire.send(raw.signed_head(root, "GET", f"/images/{image}"))
            assert wire.read_head()[0] == 200
            wire.read_exactly(taken)
            wire.reset()
    try:
        fresh.open_files()
    except PermissionError:
        pytest.skip("the descriptors of a process that guards its memory are for root to see")
    eventually(lambda: not stored & set(fresh.open_files()), "no image file is held open")


def test_many_broken_clients_leave_no_descriptor(fresh):
    root = fresh.api()
    root.get("/images")
    try:
        before = len(fresh.open_files())
    except PermissionError:
        pytest.skip("the descriptors of a process that guards its memory are for root to see")
    for _ in range(100):
        with raw.Wire(fresh) as wire:
            wire.send(raw.signed_head(root, "POST", "/images", [*meta(name="n", architecture="i386"), BINARY], [("Content-Length", "100000")]))
            wire.send(b"x" * 100)
            wire.reset()
    eventually(lambda: len(fresh.open_files()) <= before + 20, "the descriptors are closed")
