"""kill -9 at many points of upload and delete: what was acknowledged is whole, the rest is invisible, nothing is orphaned."""

import http.client
import shutil

import pytest

from harness import raw
from harness.api import BINARY, meta
from harness.payload import data
from harness.server import Server, StartFailed
from harness.wait import eventually

SIZE = 256 * 1024
CONTENT = data(SIZE, "crash")


def check(server, acknowledged, removed, attempted=()):
    """The invariants, after a restart. `acknowledged`: ids with CONTENT; `removed`: ids whose delete was answered;
    `attempted`: marks of uploads that were not answered."""
    root = server.api()
    for image in acknowledged:
        response = root.get(f"/images/{image}")
        assert (response.status, response.body == CONTENT) == (200, True), (image, response.status)
    for image in removed:
        assert root.head(f"/images/{image}").status == 404, image
    available = 0
    for entry in root.listed(detail=True):
        assert entry["status"] in ("available", "error", "locked"), entry
        if entry["status"] == "available":
            available += 1
            response = root.get(f"/images/{entry['_id']}")
            assert response.body == CONTENT, "never readable half"
    eventually(lambda: server.stored_bytes() == available * SIZE, f"no orphans: {server.stored_bytes()} bytes for {available} images")
    # And it still works.
    image = root.upload(CONTENT)
    assert root.delete(f"/images/{image}").status == 200


def test_kill_while_bytes_arrive():
    with Server() as server:
        kept = server.api().upload(CONTENT)
        for sent in (0, 1, 4096, SIZE // 2, SIZE - 1):
            root = server.api()
            image = root.register(mark="attempt")
            with raw.Wire(server) as wire:
                wire.send(raw.signed_head(root, "PUT", f"/images/{image}", [BINARY], [("Content-Length", str(SIZE)), ("Expect", "100-continue")]))
                assert wire.read_head()[0] == 100
                wire.send(CONTENT[:sent])
                if sent:
                    eventually(lambda: root.status_of(image) == "uploading", "the upload has begun")
                server.kill()
            server.start()
            assert server.api().status_of(image) in ("error", "locked")
            check(server, [kept], [])


# System calls that move data or names to the disk, and how many of each the work below takes at least; the server dies at
# each of them in turn.
POINTS = {"fdatasync": 20, "fsync": 14, "linkat": 6, "unlinkat,unlink": 4, "pwrite64": 60, "write,writev": 14, "fallocate": 6}
UPLOADS, DELETES = 6, 4


def crash_once(server, call, number):
    """Uploads and deletes until the server dies at the given call; returns what had been answered."""
    server.wrap = [
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
        "-e", f"inject={call}:signal=KILL:when={number}",
    ]
    acknowledged, removed = [], []
    try:
        server.start()
    except StartFailed:
        server.wrap = []
        return acknowledged, removed, True
    root = server.api()
    died, in_doubt = False, None
    try:
        for _ in range(UPLOADS):
            response = root.post("/images", [*meta(name="n", architecture="i386"), BINARY], CONTENT)
            if response.status != 200:
                break
            acknowledged.append(response.image["_id"])
        for image in acknowledged[:DELETES]:
            in_doubt = image
            if root.delete(f"/images/{image}").status == 200:
                removed.append(image)
            in_doubt = None
    except (http.client.HTTPException, OSError):
        died = True
    server.kill()
    server.wrap = []
    # A delete that was not answered may have happened or not.
    return [image for image in acknowledged if image not in (*removed, in_doubt)], removed, died


# strace counts the calls of each thread by itself: with one thread of each kind, the numbers reach far.
ONE_THREAD_OF_EACH_KIND = "threads:\n  loops: 1\n  disk: 1\n  catalogue: 1\n  digest: 1\n"


def crash_at(points):
    died = 0
    with Server(config=ONE_THREAD_OF_EACH_KIND) as server:
        kept = [server.api().upload(CONTENT)]
        assert server.stop() == 0
        for call, number in points:
            acknowledged, removed, dead = crash_once(server, call, number)
            died += dead
            server.start()
            kept += acknowledged
            check(server, kept, removed)
            root = server.api()
            for entry in root.listed():
                if entry["_id"] not in kept[:1]:
                    assert root.delete(f"/images/{entry['_id']}").status == 200
            del kept[1:]
            assert server.stop() == 0
    return died


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


@needs_strace
@pytest.mark.release_only
@pytest.mark.parametrize("call", ["fdatasync", "linkat", "unlinkat,unlink"])
def test_kill_at_the_calls_that_make_things_last(call):
    assert crash_at([(call, number) for number in (1, 2, 3)]) > 0, "at least one point was reached"


@needs_strace
@pytest.mark.long
@pytest.mark.release_only
@pytest.mark.parametrize("call", POINTS)
def test_kill_at_many_points(call):
    died = crash_at([(call, number) for number in range(1, POINTS[call] + 1)])
    assert died >= POINTS[call] * 3 // 4, f"only {died} points were reached: the work no longer makes enough of these calls"


@pytest.mark.long
def test_kill_after_many_numbers_of_bytes():
    with Server() as server:
        for sent in range(0, SIZE, SIZE // 64):
            root = server.api()
            with raw.Wire(server) as wire:
                headers = [*meta(name="n", architecture="i386"), BINARY]
                wire.send(raw.signed_head(root, "POST", "/images", headers, [("Content-Length", str(SIZE))]))
                wire.send(CONTENT[:sent])
                server.kill()
            server.start()
            check(server, [], [])


@needs_strace
@pytest.mark.release_only
@pytest.mark.parametrize("call, error", [("fdatasync", "EIO"), ("linkat", "EIO"), ("linkat", "ENOSPC"), ("pwrite64", "ENOSPC"), ("write", "ENOSPC")])
def test_a_disk_that_fails_makes_uploads_fail_and_nothing_else(call, error):
    """From some call on every one fails; an upload then is refused or whole, never half."""
    with Server() as server:
        kept = server.api().upload(CONTENT)
        assert server.stop() == 0
        server.wrap = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when=30+"]
        try:
            server.start()
        except StartFailed:
            pass
        else:
            root, acknowledged = server.api(), []
            for _ in range(8):
                try:
                    response = root.post("/images", [*meta(name="n", architecture="i386"), BINARY], CONTENT)
                except (http.client.HTTPException, OSError):
                    break
                assert response.status in (200, 500, 503, 507), response
                if response.status == 200:
                    acknowledged.append(response.image["_id"])
            server.kill()
            server.wrap = []
            server.start()
            for image in [kept, *acknowledged]:
                assert server.api().get(f"/images/{image}").body == CONTENT
            check(server, [kept, *acknowledged], [])
