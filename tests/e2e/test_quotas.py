"""Hard limits: not one byte and not one image over, however many try at once."""

import threading

import pytest

from harness import raw, settings
from harness.api import BINARY, meta
from harness.payload import data
from harness.server import Server
from harness.wait import eventually

PIECE = 64 * 1024


def upload_all(api, count, size):
    """Starts `count` uploads at the same moment; returns their statuses."""
    statuses = [None] * count
    gate = threading.Barrier(count)

    def run(number):
        gate.wait()
        headers = [*meta(name=f"n{number}", architecture="i386"), BINARY]
        statuses[number] = api.post("/images", headers, data(size, f"q{number}")).status

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@pytest.fixture(scope="module")
def server():
    with Server(config=settings.quota(size=10 * PIECE + 100, images=100)) as running:
        yield running


def test_64_parallel_uploads_at_the_limit_store_not_one_byte_more(server, root):
    user = root.create_user()
    before = server.stored_bytes()
    statuses = upload_all(user, 64, PIECE)
    assert set(statuses) <= {200, 403, 413}
    assert statuses.count(200) == 10
    assert sum(int(entry["size"]) for entry in user.listed(f"owner={user.access_key}&status=available")) == 10 * PIECE
    eventually(lambda: server.stored_bytes() - before == 10 * PIECE, "what was refused is gone from the store")


def test_uploads_of_unknown_length_are_held_to_the_limit_too(server, root):
    user = root.create_user()
    headers = [*meta(name="n", architecture="i386"), BINARY]
    response = user.post("/images", headers, [data(PIECE)] * 11)
    assert response.status in (403, 413), response
    assert user.post("/images", headers, [data(PIECE)] * 10).status == 200


def test_deleting_gives_the_room_back(server, root):
    user = root.create_user()
    image = user.upload(data(10 * PIECE))
    headers = [*meta(name="n", architecture="i386"), BINARY]
    assert user.post("/images", headers, data(PIECE)).status in (403, 413)
    assert user.delete(f"/images/{image}").status == 200
    assert user.post("/images", headers, data(10 * PIECE)).status == 200


def test_a_broken_upload_gives_its_room_back(server, root):
    user = root.create_user()
    with raw.Wire(server) as wire:
        headers = [*meta(name="n", architecture="i386"), BINARY]
        wire.send(raw.signed_head(user, "POST", "/images", headers, [("Content-Length", str(10 * PIECE))]))
        wire.send(data(5 * PIECE))
        wire.reset()
    eventually(lambda: user.listed(f"status=error&owner={user.access_key}"), "the image is in error")
    assert user.post("/images", headers, data(10 * PIECE)).status == 200


def test_one_account_does_not_use_up_anothers_room(server, root):
    one, two = root.create_user(), root.create_user()
    one.upload(data(10 * PIECE))
    two.upload(data(10 * PIECE))


def test_the_number_of_images_is_limited_too():
    with Server(config=settings.quota(images=5)) as server:
        user = server.api().create_user()
        statuses = upload_all(user, 32, 10)
        assert set(statuses) <= {200, 403, 413}
        assert statuses.count(200) == 5
        assert len(user.listed()) == 5
        assert user.delete(f"/images/{user.listed()[0]['_id']}").status == 200
        assert user.post("/images", meta(name="n", architecture="i386")).status == 200
