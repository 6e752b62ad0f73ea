"""The invariants, held against a server that came back after a fault. Each violation is an AssertionError."""

import collections
import hashlib
import re

from harness.wait import eventually

from .audit import check_audit
from .catalogue import Snapshot
from .ledger import Client

# What the server keeps in its data folder beside the store; anything else was left behind by somebody.
KNOWN = re.compile(r"catalogue\.db(-wal|-shm|-reserve)?|master\.key|lock|visord\.pid|backup\.lock|store|audit.*")
SETTLED = ("error", "locked", "available")
UNDER_WAY = ("uploading", "queued")


def check(server, ledger, probe=True):
    """I1 to I8 of the fault matrix. `probe`: sees as well that the server takes new work."""
    root = server.api()
    link = root.connect()
    try:
        check_answers(root, link, ledger)
    finally:
        link.close()
    eventually(lambda: not open_work(server), f"work that a fault cut off is finished: {open_work(server)}")
    check_catalogue(server)
    eventually(lambda: not manifests_amiss(server), "each blob has its manifest, and nothing else has one")
    eventually(lambda: not unfinished(server.data / "store"), "what was begun to be written is finished or gone")
    check_audit(server.data / "audit", ledger)
    if probe:
        client = Client(root, ledger)
        image = client.upload(b"works again")
        assert client.download(image)
        client.delete(image)


def check_answers(root, link, ledger, settled=True):
    """I1, I2, I3, I4, I7: what clients see. Not `settled`: uploads that failed may wait for the server's next tidying."""
    response = root.get("/images/detail?limit=1000", connection=link)
    assert response.status == 200, response
    listed = {image["_id"]: image for image in response.images}
    for image, content in ledger.contents.items():
        if image in ledger.doubtful and image not in listed:
            continue
        assert image in listed, f"acknowledged image {image} is gone"
        assert listed[image]["name"] in ledger.names[image], f"{image}: {listed[image]['name']} not {ledger.names[image]}"
        if content is not None:
            assert listed[image]["status"] == "available", f"acknowledged data of {image}: {listed[image]['status']}"
    for image in ledger.removed:
        assert image not in listed, f"removed image {image} is listed"
        assert root.get(f"/images/{image}", connection=link).status == 404, f"removed image {image} is served"
    for image, entry in listed.items():
        assert entry["status"] in (SETTLED if settled else SETTLED + UNDER_WAY), f"{image} is {entry['status']}"
        response = root.get(f"/images/{image}", connection=link)
        if entry["status"] != "available":
            assert response.status == 404, f"data of {image}, which is {entry['status']}: {response.status}"
            continue
        assert response.status == 200, f"{image}: {response}"
        assert response.meta["checksum"] in ("", hashlib.md5(response.body).hexdigest()), f"{image}: not the bytes of its checksum"
        content = ledger.contents.get(image)
        if content is not None:
            assert response.body == content, f"{image}: {len(response.body)} other bytes than the {len(content)} acknowledged"
        else:
            assert response.body in ledger.attempted, f"{image}: {len(response.body)} bytes that nobody uploaded whole"
    for key in ledger.accounts:
        assert root.get(f"/users/{key}", connection=link).status == 200, f"acknowledged account {key} is gone"


def open_work(server):
    records = Snapshot(server.data / "catalogue.db").records
    return {name: list(records[name]) for name in ("uploads", "removals") if records[name]}


def unfinished(store):
    """Files that are being written, or were: the server writes manifests in the background at any time."""
    return list((store / "partial").glob("*"))


def files_by_key(store):
    """key -> path of each finished file; whatever else lies in the store's folder is an orphan."""
    found = {}
    begun = store / "partial"
    for path in store.rglob("*"):
        if path.is_file() and path.parent != begun:
            assert path.parent.name == path.name[:2] and path.parent.parent == store, f"orphan {path.relative_to(store)}"
            found[path.name.replace(".", "/")] = path
    return found


def stored_files(store):
    """key -> path of each blob."""
    return {key: path for key, path in files_by_key(store).items() if not key.endswith("/manifest") and key != "manifests"}


def manifests_amiss(server):
    """Blobs without a manifest, and manifests without a blob: those are written and cleared away in the background."""
    files = files_by_key(server.data / "store")
    described = {key.removesuffix("/manifest") for key in files if key.endswith("/manifest")}
    return described ^ set(stored_files(server.data / "store"))


def check_catalogue(server):
    """I5, I6: the catalogue against the store's folder, the quota's counters and itself."""
    unknown = [path.name for path in server.data.iterdir() if not KNOWN.fullmatch(path.name)]
    assert not unknown, f"left behind in the data folder: {unknown}"
    snapshot = Snapshot(server.data / "catalogue.db")
    assert snapshot.integrity == "ok", snapshot.integrity
    rows, counts = snapshot.expected_facts()
    assert snapshot.facts == rows, "the facts are not those of the records"
    assert snapshot.counts == counts, "the counts of facts are not those of the records"
    check_store(snapshot.records, stored_files(server.data / "store"))
    check_quota(snapshot)


def check_store(records, files):
    blobs, copies, images = records["blobs"], records["copies"], records["images"]
    keys = {copy["key"] for copy in copies.values() if not copy.get("referred")}
    assert set(files) == keys, f"orphans {set(files) - keys}, missing {keys - set(files)}"
    assert {copy["blob"] for copy in copies.values()} == set(blobs), "a blob without a copy, or the other way round"
    assert {image["blob"] for image in images.values() if image.get("blob")} == set(blobs), "a blob without an image, or reversed"
    assert set(records["reads"]) <= set(images), "read counts of an image that is gone"
    for name, copy in copies.items():
        if copy.get("referred"):
            continue
        blob, path = blobs[copy["blob"]], files[copy["key"]]
        assert images[blob["image"]]["blob"] == copy["blob"], f"copy {name}"
        assert images[blob["image"]]["state"] == "present", f"image {blob['image']} with data"
        assert path.stat().st_size == blob["size"] == images[blob["image"]]["size"], f"{path.name} has not the size it should"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == blob["digests"]["sha256"], f"{path.name} is damaged"


def check_quota(snapshot):
    expected = collections.Counter()
    for image in snapshot.records["images"].values():
        expected["images:" + image["owner"]] += 1
        if image.get("blob") and not image.get("referred"):
            expected["bytes:" + image["owner"]] += image["size"]
    found = {name: value for name, value in snapshot.counters.items() if value != 0}
    assert found == {name: value for name, value in expected.items() if value}, f"quota: counted {found}, stored {dict(expected)}"
