"""Constant memory for images of any size."""

import threading

import pytest

from harness.api import BINARY, meta
from harness.server import Server

pytestmark = pytest.mark.release_only

MEBIBYTE = 1024 * 1024
SLICE = bytes(MEBIBYTE)


def stream(count):
    for _ in range(count):
        yield SLICE


def discard(api, image, size):
    link = api.connect()
    link.putrequest("GET", f"/images/{image}", skip_accept_encoding=True)
    for name, value in api.signed("GET", f"/images/{image}"):
        link.putheader(name, value)
    link.endheaders()
    answer = link.getresponse()
    assert answer.status == 200
    total = 0
    while part := answer.read(MEBIBYTE):
        total += len(part)
    link.close()
    assert total == size


def test_large_transfers_side_by_side_take_at_most_two_mebibytes_each():
    count, size = 8, 192
    with Server() as server:
        root = server.api(scheme="visor")
        root.upload(b"warm up")
        before = server.resident_bytes()
        images, peak, done = [], [before], threading.Event()

        def watch():
            while not done.wait(0.02):
                peak[0] = max(peak[0], server.resident_bytes())

        def upload(number):
            headers = [*meta(name=f"n{number}", architecture="i386"), BINARY]
            response = root.post("/images", headers, stream(size))
            assert response.status == 200, response
            images.append(response.image["_id"])

        def run(action, arguments):
            threads = [threading.Thread(target=action, args=each) for each in arguments]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        watcher = threading.Thread(target=watch)
        watcher.start()
        run(upload, [(number,) for number in range(count)])
        assert len(images) == count
        run(discard, [(root, image, size * MEBIBYTE) for image in images])
        done.set()
        watcher.join()
        grown = peak[0] - before
        assert grown <= count * 2 * MEBIBYTE + 16 * MEBIBYTE, f"{grown / MEBIBYTE:.1f} MiB for {count} transfers"


def test_a_slow_reader_holds_the_server_back_and_not_its_memory():
    from harness import raw

    with Server() as server:
        root = server.api(scheme="visor")
        response = root.post("/images", [*meta(name="n", architecture="i386"), BINARY], stream(256))
        image = response.image["_id"]
        before = server.resident_bytes()
        wires = []
        for _ in range(10):
            wire = raw.Wire(server)
            wire.send(raw.signed_head(root, "GET", f"/images/{image}"))
            assert wire.read_head()[0] == 200
            wires.append(wire)
        root.get("/images")
        assert server.resident_bytes() - before < 10 * 2 * MEBIBYTE + 16 * MEBIBYTE
        for wire in wires:
            wire.reset()
