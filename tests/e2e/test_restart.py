"""What was acknowledged is there after a restart, a backup and a restore."""

import hashlib

import pytest

from harness.api import meta
from harness.payload import data
from harness.server import Server


def snapshot(api):
    """Everything an account sees, data included."""
    found = {}
    for entry in api.listed(detail=True):
        body = b""
        if entry["status"] == "available":
            body = api.get(f"/images/{entry['_id']}").body
        found[entry["_id"]] = (entry, hashlib.sha256(body).hexdigest())
    return found


def fill(root):
    user = root.create_user()
    for number in range(10):
        user.upload(data(50_000 + number), name=f"image {number}", number=number, access="private" if number % 2 else "public")
    user.register(name="without data")
    removed = user.upload(b"to be removed")
    assert user.delete(f"/images/{removed}").status == 200
    changed = user.register(name="before")
    assert user.put(f"/images/{changed}", meta(name="after", free="Ω")).status == 200
    return user


def again(server, user):
    """The same account's view after the server came back on another port."""
    return user.__class__(server.host, server.port, user.access_key, user.secret, user.scheme)


def without_uri(found):
    """The address has another port after a restart."""
    return {key: ({name: value for name, value in entry.items() if name not in ("uri",)}, digest) for key, (entry, digest) in found.items()}


def test_a_restart_keeps_everything():
    with Server() as server:
        user = fill(server.api())
        before = snapshot(user)
        server.restart()
        user = again(server, user)
        assert without_uri(snapshot(user)) == without_uri(before)
        assert server.api().get(f"/users/{user.access_key}").status == 200


def test_kill_dash_nine_keeps_everything_that_was_acknowledged():
    with Server() as server:
        user = fill(server.api())
        before = snapshot(user)
        server.kill()
        server.start()
        assert without_uri(snapshot(again(server, user))) == without_uri(before)


def test_the_counts_of_downloads_survive_an_orderly_stop():
    with Server() as server:
        root = server.api()
        image = root.upload(b"counted")
        for _ in range(5):
            root.get(f"/images/{image}")
        before = int(root.head(f"/images/{image}").meta["access_count"])
        server.restart()
        assert int(server.api().head(f"/images/{image}").meta["access_count"]) >= before


@pytest.mark.parametrize("busy", [False, True])
def test_a_backup_of_a_running_server_can_be_restored(tmp_path, busy):
    import threading

    with Server() as server:
        user = fill(server.api())
        before = snapshot(user)
        stop = threading.Event()

        def work():
            while not stop.is_set():
                user.delete(f"/images/{user.upload(data(20_000))}")

        worker = threading.Thread(target=work)
        if busy:
            worker.start()
        try:
            server.cli("server", "backup", "--data", server.data, tmp_path / "copy", check=0)
        finally:
            stop.set()
            if busy:
                worker.join()
        assert server.stop() == 0

        restored = tmp_path / "restored"
        server.cli("server", "restore", tmp_path / "copy", "--data", restored, check=0)
        with Server(data=restored) as second:
            after = snapshot(again(second, user))
            assert {key: value for key, value in without_uri(after).items() if key in before} == without_uri(before)
            for entry, digest in after.values():
                assert entry["status"] in ("available", "locked", "error", "uploading")


def test_a_restore_does_not_write_over_a_folder_that_holds_data(tmp_path):
    with Server() as server:
        fill(server.api())
        server.cli("server", "backup", "--data", server.data, tmp_path / "copy", check=0)
        refused = server.cli("server", "restore", tmp_path / "copy", "--data", server.data)
        assert refused.returncode != 0
        assert server.api().get("/images").status == 200
