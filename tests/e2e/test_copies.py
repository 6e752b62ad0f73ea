"""Images in several stores: copied, moved, dropped, read from whichever copy is whole, and whole again after kill -9."""

import contextlib
import http.server
import json
import os
import pathlib
import threading

import pytest

from harness.api import meta
from harness.payload import data
from harness.server import Server
from harness.wait import eventually

CONTENT = data(3_000_000, "copies")
TWO_STORES = """
default_store: first
stores:
  first:
    kind: file
    directory: first
  second:
    kind: file
    directory: second
"""
OVER = ("done", "failed", "cancelled")


@pytest.fixture(scope="module")
def server():
    with Server(config=TWO_STORES) as running:
        yield running


def wished(api, wish):
    return api.post("/placements", [("Content-Type", "application/json")], json.dumps({"placement": wish}).encode())


def ask(api, kind, store, image=None, **more):
    wish = {"kind": kind, "store": store, **({"image": image} if image else {}), **more}
    response = wished(api, wish)
    assert response.status == 200, response
    return response.json["placement"]["id"]


def ended(api, placement):
    def over():
        shown = api.get(f"/placements/{placement}").json["placement"]
        return shown if shown["state"] in OVER else None

    return eventually(over, "the placement's end")


def do(api, kind, store, image=None, **more):
    return ended(api, ask(api, kind, store, image, **more))


def places(api, image):
    return [copy["store"] for copy in api.get(f"/images/{image}/copies").json["copies"]]


def blobs(server, store):
    """The files that hold data in a store's folder; the server may remove one while it is looked for."""
    found = []
    for folder, _, names in os.walk(server.folder / store):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                path = pathlib.Path(folder, name)
                found += [path] if path.stat().st_size == len(CONTENT) else []
    return found


def contents(server, store):
    found = []
    for path in blobs(server, store):
        with contextlib.suppress(FileNotFoundError):
            found.append(path.read_bytes())
    return found


def test_an_image_is_copied_moved_and_dropped_and_its_bytes_stay_the_same(server, root):
    image = root.upload(CONTENT)
    assert do(root, "copy", "second", image)["state"] == "done"
    assert places(root, image) == ["first", "second"]
    assert do(root, "evict", "first", image)["state"] == "done"
    assert places(root, image) == ["second"]
    eventually(lambda: not blobs(server, "first"), "the dropped copy's end")
    shown = root.get(f"/images/{image}/metadata").image
    assert shown["store"] == "second" and "/second/" in shown["location"]
    assert root.get(f"/images/{image}").body == CONTENT
    assert do(root, "move", "first", image)["state"] == "done"
    assert places(root, image) == ["first"]
    eventually(lambda: not blobs(server, "second"), "the end of the copy that was left")
    assert root.get(f"/images/{image}").body == CONTENT
    assert wished(root, {"kind": "evict", "store": "first", "image": image}).status == 409
    assert root.delete(f"/images/{image}").status == 200


def test_a_download_is_answered_from_another_copy_where_one_is_gone_or_cut_short(server, root):
    image = root.upload(CONTENT)
    assert do(root, "copy", "second", image)["state"] == "done"
    (blob,) = blobs(server, "first")
    blob.write_bytes(CONTENT[:1000])
    assert root.get(f"/images/{image}").body == CONTENT
    blob.unlink()
    assert root.get(f"/images/{image}").body == CONTENT
    assert root.get(f"/images/{image}", [("Range", "bytes=5-9")]).body == CONTENT[5:10]
    eventually(lambda: "another one is read instead" in server.log, "the log's line")
    scrub = do(root, "scrub", "first")
    assert (scrub["state"], scrub["damaged"]) == ("done", 1)
    eventually(lambda: len(blobs(server, "first")) == 1, "the healed copy")
    assert root.delete(f"/images/{image}").status == 200
    eventually(lambda: not blobs(server, "first") and not blobs(server, "second"), "no orphans")


def test_a_scrub_finds_flipped_bits_and_heals_them(server, root):
    image = root.upload(CONTENT)
    assert do(root, "copy", "second", image)["state"] == "done"
    (blob,) = blobs(server, "second")
    blob.chmod(0o600)
    with blob.open("r+b") as file:
        file.seek(1_234_567)
        file.write(bytes([CONTENT[1_234_567] ^ 1]))
    scrub = do(root, "scrub", "second")
    assert (scrub["state"], scrub["checked"], scrub["damaged"]) == ("done", 1, 1)
    eventually(lambda: contents(server, "second") == [CONTENT], "the healed copy")
    heal = next(one for one in root.get("/placements").json["placements"] if one["kind"] == "heal")
    assert ended(root, heal["id"])["state"] == "done" and "account" not in heal
    states = [copy["state"] for copy in root.get(f"/images/{image}/copies").json["copies"]]
    assert states == ["whole", "whole"]
    assert root.delete(f"/images/{image}").status == 200


def test_what_was_only_referred_to_is_fetched_and_kept(tmp_path):
    (tmp_path / "image.raw").write_bytes(CONTENT)
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    source = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: handler(*a, directory=tmp_path))
    threading.Thread(target=source.serve_forever, daemon=True).start()
    port = source.server_address[1]
    config = TWO_STORES + f'  web:\n    kind: http\nreferences:\n  http:\n    exceptions: ["127.0.0.1:{port}"]\n'
    with Server(config=config) as server:
        root = server.api()
        response = root.post("/images", meta(name="far", architecture="x86_64", location=f"http://127.0.0.1:{port}/image.raw"))
        assert response.status == 200, response
        image = response.image["_id"]
        assert do(root, "move", "second", image)["state"] == "done"
        source.shutdown()
        source.server_close()
        assert root.get(f"/images/{image}").body == CONTENT
        assert root.get(f"/images/{image}/metadata").image["store"] == "second"
        assert root.delete(f"/images/{image}").status == 200
        eventually(lambda: not blobs(server, "second"), "no orphans")


@pytest.mark.parametrize("kind", ["copy", "move", "scrub"])
def test_kill_9_in_the_middle_begins_the_work_again_and_leaves_nothing(kind):
    with Server(config=TWO_STORES) as server:
        root = server.api()
        image = root.upload(CONTENT)
        for _ in range(5):
            placement = ask(root, kind, "second" if kind != "scrub" else "first", image if kind != "scrub" else None)
            server.kill()
            server.start()
            root = server.api()
            assert ended(root, placement)["state"] == "done"
            assert root.get(f"/images/{image}").body == CONTENT
            if kind == "copy":
                eventually(lambda: len(blobs(server, "first")) == len(blobs(server, "second")) == 1, "one file each")
                assert do(root, "evict", "second", image)["state"] == "done"
                eventually(lambda: not blobs(server, "second"), "the dropped copy's end")
            if kind == "move":
                eventually(lambda: not blobs(server, "first"), "the end of the copy that was left")
                assert len(blobs(server, "second")) == 1
                assert do(root, "move", "first", image)["state"] == "done"
        assert root.delete(f"/images/{image}").status == 200
        eventually(lambda: not blobs(server, "first") and not blobs(server, "second"), "no orphans")


def test_a_server_stops_at_once_in_the_middle_and_goes_on_afterwards():
    with Server(config=TWO_STORES) as server:
        root = server.api()
        image = root.upload(CONTENT)
        placement = ask(root, "copy", "second", image)
        assert server.stop() == 0
        server.start()
        assert ended(server.api(), placement)["state"] == "done"
        eventually(lambda: len(blobs(server, "second")) == 1, "one file")


def test_others_than_administrators_are_refused(server, user):
    for method, path in [("GET", "/stores"), ("GET", "/placements"), ("POST", "/stores/first/check")]:
        assert user.request(method, path).status == 403
    assert wished(user, {"kind": "scrub", "store": "first"}).status == 403
