"""The catalogue is lost: it is made anew from what lies in the stores, and the same images are served."""

import contextlib
import json
import os
import pathlib

import pytest

from harness.api import BINARY, meta
from harness.payload import data
from harness.server import Server, StartFailed
from harness.wait import eventually

STORES = """
default_store: first
stores:
  first:
    kind: file
    directory: first
  second:
    kind: file
    directory: second
deleted_images:
  keep: 7d
"""
# Reads are counted beside the record and not kept in manifests; the server's port is another one each time.
READS = ("access_count", "accessed_at", "uri")
ALL = [("x-visor-scope", "all")]
JSON = [("Content-Type", "application/json")]


def manifests(server, store="first"):
    """image -> its record in the manifest that lies in this store; what goes while it is looked at is left out."""
    found = {}
    for folder, _, names in os.walk(server.folder / store):
        for name in names:
            if name.endswith(".manifest"):
                with contextlib.suppress(FileNotFoundError):
                    image = json.loads(pathlib.Path(folder, name).read_bytes())["image"]
                    found[image["id"]] = image
    return found


def manifest_of(server, image, store="first"):
    (path,) = [
        pathlib.Path(folder, name)
        for folder, _, names in os.walk(server.folder / store)
        for name in names
        if name.endswith(".manifest") and image in pathlib.Path(folder, name).read_text()
    ]
    return path


def described(server, image, store="first", deleted=False, **attributes):
    """Waits until a manifest says this of an image."""
    collection = "deleted_images" if deleted else "images"

    def there():
        record = manifests(server, store).get(image)
        if record is None or record["collection"] != collection:
            return False
        document = record["document"]["image"] if deleted else record["document"]
        return all(document.get(name, document.get("extra", {}).get(name)) == value for name, value in attributes.items())

    eventually(there, f"a manifest of {image} in the store {store}")


def lose_catalogue(server):
    for path in server.data.glob("catalogue.db*"):
        path.unlink()


def rebuild(server, *arguments, check=None):
    done = server.cli(
        "server", "rebuild", "--data", server.data, "--config", server.folder / "visor-config.yml", "--json", *arguments, check=check
    )
    return done, json.loads(done.stdout)["rebuild"] if done.stdout else None


def shown(api, image):
    response = api.get(f"/images/{image}/metadata", ALL)
    assert response.status == 200, response
    return {name: value for name, value in response.image.items() if name not in READS}


def kinds(report):
    return sorted(problem["kind"] for problem in report["problems"])


def place(api, kind, store, image):
    wish = {"kind": kind, "store": store, "image": image}
    response = api.post("/placements", JSON, json.dumps({"placement": wish}).encode())
    assert response.status == 200, response
    eventually(lambda: api.get(f"/placements/{response.json['placement']['id']}").json["placement"]["state"] == "done", kind)


def test_every_attribute_and_byte_comes_back_from_two_stores_after_kill_9(tmp_path):
    with Server(config=STORES) as server:
        root = server.api()
        user = root.create_user("alice")
        contents = {}

        def upload(size, seed, **attributes):
            content = data(size, seed)
            image = user.upload(content, **attributes)
            contents[image] = content
            return image

        kernel = upload(40_000, "kernel", name="vmlinuz", type="kernel", format="aki")
        ramdisk = upload(30_000, "ramdisk", name="initrd", type="ramdisk", format="ari")
        machine = upload(2_000_000, "machine", name="Debian «12» — größer", kernel=kernel, ramdisk=ramdisk, access="private", os="linux", tier="gold")
        elsewhere = upload(700_000, "second", name="elsewhere", store="second")
        both = upload(500_000, "both", name="both")
        gone = upload(100_000, "gone", name="deleted", reason="a mistake")
        kept_out = user.register(name="without data")
        place(root, "copy", "second", both)
        assert user.put(f"/images/{machine}", meta(tier="platinum", note="changed after the upload")).status == 200
        before = {image: shown(root, image) for image in (kernel, ramdisk, machine, elsewhere, both)}
        assert user.delete(f"/images/{gone}").status == 200
        deleted = root.get(f"/deleted/images/{gone}", ALL).image
        for image in (kernel, ramdisk, both):
            described(server, image)
        described(server, machine, tier="platinum")
        described(server, elsewhere, "second")
        described(server, both, "second")
        described(server, gone, deleted=True)
        server.kill()

        lose_catalogue(server)
        done, report = rebuild(server, "--from-store", "first", check=0)
        assert (report["images"], report["deleted"], report["problem_count"]) == (4, 1, 0), done.stderr
        assert report["owners"] == [{"access_key": "alice", "images": 5, "bytes": 2_670_000, "account": False}]
        refused, _ = rebuild(server, "--from-store", "second", check=1)
        assert "--merge" in refused.stderr
        _, report = rebuild(server, "--from-store", "second", "--merge", "--verify", check=0)
        assert (report["images"], report["copies"], report["problem_count"]) == (1, 1, 0)
        # Once more changes nothing.
        for store in ("first", "second"):
            _, report = rebuild(server, "--from-store", store, "--merge", check=0)
            assert (report["images"], report["deleted"], report["copies"]) == (0, 0, 0)

        server.start()
        root = server.api()
        user = root.create_user("alice", quota_bytes=3_370_000)
        for image, content in contents.items():
            if image == gone:
                continue
            assert shown(root, image) == before[image]
            assert user.get(f"/images/{image}").body == content
        assert user.get(f"/images/{kept_out}").status == 404, "an image without data has no manifest"
        again = root.get(f"/deleted/images/{gone}", ALL).image
        assert {k: v for k, v in again.items() if k not in READS} == {k: v for k, v in deleted.items() if k not in READS}
        assert user.post("/images", [*meta(name="one too many", architecture="x86_64"), BINARY], b"x").status == 413
        assert root.put("/users/alice", JSON, json.dumps({"user": {"quota_bytes": 3_370_001}}).encode()).status == 200
        user.upload(b"x")
        copies = root.get(f"/images/{both}/copies").json["copies"]
        assert sorted(copy["store"] for copy in copies) == ["first", "second"]
        assert user.post(f"/deleted/images/{gone}/restore").status == 200
        assert user.get(f"/images/{gone}").body == contents[gone]
        # What came back can go, and takes its manifests with it.
        for image in contents:
            assert user.delete(f"/images/{image}").status == 200
            assert root.delete(f"/deleted/images/{image}", ALL).status == 200
        eventually(lambda: not manifests(server) and not manifests(server, "second"), "the end of all manifests")


def test_what_does_not_come_back_is_told_and_can_be_adopted():
    with Server(config=STORES) as server:
        root = server.api()
        names = ("whole", "unmanifested", "damaged", "dataless", "flipped")
        contents = {name: data(50_000, name) for name in names}
        images = {name: root.upload(contents[name], name=name) for name in names}
        for image in images.values():
            described(server, image)
        blobs = {name: manifest_of(server, image) for name, image in images.items()}
        assert server.stop() == 0
        lose_catalogue(server)
        blobs["unmanifested"].unlink()
        text = blobs["damaged"].read_text()
        blobs["damaged"].write_text(text.replace('"x86_64"', '"x86_65"'))
        blobs["dataless"].with_suffix("").unlink()
        flipped = blobs["flipped"].with_suffix("")
        flipped.write_bytes(contents["flipped"][:-1] + b"\0")

        done, report = rebuild(server, "--from-store", "first", "--verify", check=1)
        assert kinds(report) == ["damaged_data", "damaged_manifest", "missing_data", "unknown_data"], done.stderr
        assert report["images"] == 2, "whole and flipped: the record of the second is worth having"
        assert "digest" in done.stderr and images["dataless"] in done.stderr
        done, report = rebuild(server, "--from-store", "first", "--merge", "--adopt", "rescuer", check=1)
        assert report["adopted"] == 2 and "rescuer" in [owner["access_key"] for owner in report["owners"]]

        server.start()
        root = server.api()
        assert root.get(f"/images/{images['whole']}").body == contents["whole"]
        assert root.get(f"/images/{images['flipped']}").status >= 500
        rescuer = root.create_user("rescuer")
        adopted = {rescuer.get(f"/images/{entry['_id']}").body for entry in rescuer.listed() if entry["name"].startswith("recovered-")}
        assert adopted == {contents["unmanifested"], contents["damaged"]}


def test_it_refuses_what_it_could_spoil():
    with Server(config=STORES) as server:
        server.api().upload(data(1000, "busy"))
        running = server.cli("server", "rebuild", "--data", server.data, "--config", server.folder / "visor-config.yml", "--from-store", "first", check=1)
        assert "another server" in running.stderr or "uses" in running.stderr, running.stderr
        assert server.stop() == 0
        there, _ = rebuild(server, "--from-store", "first", check=1)
        assert "--merge" in there.stderr
        wrong, _ = rebuild(server, "--from-store", "third", check=2)
        assert "first, second" in wrong.stderr
        assert server.cli("server", "rebuild", "--data", server.data, check=2).stderr


def test_manifests_follow_a_store_that_was_exchanged():
    with Server(config=STORES) as server:
        image = server.api().upload(data(1000, "exchanged"), name="kept")
        described(server, image)
        assert server.stop() == 0
        for path in (server.folder / "first").rglob("*manifest*"):
            path.unlink()
        server.start()
        described(server, image, name="kept")


def failure_of(api, name):
    (job,) = [job for job in api.get("/jobs").json["jobs"] if job["name"] == name]
    return job.get("failure")


def test_a_store_that_is_down_keeps_no_other_one_waiting_and_is_made_up_for():
    with Server(config=STORES) as server:
        root = server.api()
        first = root.upload(data(1000, "first"), name="before")
        described(server, first)
        folder = manifest_of(server, first).parent
        folder.rename(server.folder / "unplugged")
        folder.write_text("no folder")
        try:
            second = root.upload(data(1000, "second"), store="second")
            assert root.put(f"/images/{first}", meta(name="after")).status == 200
            described(server, second, "second")
            eventually(lambda: failure_of(root, "manifests of first"), "the failure is told")
        finally:
            folder.unlink()
            (server.folder / "unplugged").rename(folder)
        described(server, first, name="after")
