"""Deleted images within their time: hidden from everybody, restored as they were, purged when it has passed."""

import subprocess
import uuid

import pytest

from harness.api import BINARY, meta
from harness.payload import data
from harness.server import BINARIES, Server
from harness.wait import eventually

CONTENT = data(100_000, "undelete")
KEPT = "deleted_images:\n  keep: 7d\n"
ALL = [("x-visor-scope", "all")]


@pytest.fixture(scope="module")
def server():
    with Server(config=KEPT) as running:
        yield running


def deleted(api, headers=()):
    response = api.get("/deleted/images", headers)
    assert response.status == 200, response
    return response.ids


def test_a_deleted_image_is_hidden_and_comes_back_as_it_was(server, user, other):
    image = user.upload(CONTENT, os="linux")
    before = user.get(f"/images/{image}/metadata").image
    assert other.get(f"/images/{image}").body == CONTENT
    assert user.delete(f"/images/{image}").status == 200
    for api in (user, other):
        for path in (f"/images/{image}", f"/images/{image}/metadata"):
            assert api.get(path).status == 404
        assert image not in [entry["_id"] for entry in api.listed()]
        assert api.put(f"/images/{image}", meta(note="x")).status == 404
        assert api.delete(f"/images/{image}").status == 404
    assert deleted(user) == [image]
    entry = user.get(f"/deleted/images/{image}").image
    assert entry["deleted_by"] == user.access_key and entry["sha256"] == before["sha256"]
    assert entry["deleted_at"] < entry["restorable_until"]
    restored = user.post(f"/deleted/images/{image}/restore")
    assert restored.status == 200 and "broken_links" not in restored.image
    after = user.get(f"/images/{image}/metadata").image
    moved = ("updated_at", "access_count", "accessed_at")
    assert {k: v for k, v in after.items() if k not in moved} == {k: v for k, v in before.items() if k not in moved}
    assert after["access_count"] == 1
    assert other.get(f"/images/{image}").body == CONTENT
    assert deleted(user) == []
    assert user.get(f"/deleted/images/{image}").status == 404


def test_only_the_owner_and_administrators_who_reach_for_it_know_of_it(server, root, user, other):
    image = user.register()
    assert user.delete(f"/images/{image}").status == 200
    for api, headers in ((other, []), (root, [])):
        assert image not in deleted(api, headers)
        assert api.get(f"/deleted/images/{image}").status == 404
        assert api.post(f"/deleted/images/{image}/restore").status == 404
        assert api.delete(f"/deleted/images/{image}").status == 404
    assert other.get("/deleted/images", ALL).status == 403
    assert server.api().anonymous().get("/deleted/images").status == 403
    assert image in deleted(root, ALL)
    assert root.post(f"/deleted/images/{image}/restore", ALL).status == 200
    assert user.get(f"/images/{image}/metadata").status == 200


def test_a_purged_image_is_gone_for_good_with_its_bytes(fresh_kept):
    root = fresh_kept.api()
    image = root.upload(CONTENT)
    assert root.delete(f"/images/{image}").status == 200
    assert fresh_kept.stored_bytes() == len(CONTENT)
    assert root.delete(f"/deleted/images/{image}").status == 200
    eventually(lambda: fresh_kept.stored_bytes() == 0, "the bytes are gone")
    assert root.post(f"/deleted/images/{image}/restore").status == 404
    assert deleted(root) == []


@pytest.fixture
def fresh_kept():
    with Server(config=KEPT) as running:
        yield running


def test_deleted_images_count_against_the_quota_until_they_are_purged(server, root):
    user = root.create_user(quota_bytes=150_000)
    image = user.upload(CONTENT)
    assert user.delete(f"/images/{image}").status == 200
    headers = [*meta(name="n", architecture="i386"), BINARY]
    assert user.post("/images", headers, CONTENT).status == 413
    assert user.delete(f"/deleted/images/{image}").status == 200
    assert user.post("/images", headers, CONTENT).status == 200


def test_deleted_images_survive_kill_9_and_restarts(fresh_kept):
    root = fresh_kept.api()
    images = [root.upload(CONTENT) for _ in range(3)]
    for image in images:
        assert root.delete(f"/images/{image}").status == 200
    fresh_kept.kill()
    fresh_kept.start()
    root = fresh_kept.api()
    assert deleted(root) == sorted(images)
    assert root.post(f"/deleted/images/{images[0]}/restore").status == 200
    assert root.delete(f"/deleted/images/{images[1]}").status == 200
    fresh_kept.kill()
    fresh_kept.start()
    root = fresh_kept.api()
    assert deleted(root) == [images[2]]
    assert root.get(f"/images/{images[0]}").body == CONTENT
    eventually(lambda: fresh_kept.stored_bytes() == 2 * len(CONTENT), "what was purged is gone")


def test_what_can_no_longer_be_restored_is_purged_also_by_the_next_start():
    with Server(config="deleted_images:\n  keep: 1s\n") as server:
        root = server.api()
        image = root.upload(CONTENT)
        assert root.delete(f"/images/{image}").status == 200
        eventually(lambda: root.post(f"/deleted/images/{image}/restore").status in (200, 404), "it answers")
        if image in [entry["_id"] for entry in root.listed()]:
            assert root.delete(f"/images/{image}").status == 200
        eventually(lambda: root.get(f"/deleted/images/{image}").status == 404, "its time has passed")
        assert server.stop() == 0, "the last tidying purges"
        assert server.stored_bytes() == 0
        server.start()
        assert deleted(server.api()) == []


def test_without_a_time_what_is_deleted_is_gone_at_once(fresh):
    root = fresh.api()
    image = root.upload(CONTENT)
    assert root.delete(f"/images/{image}").status == 200
    assert deleted(root) == []
    assert root.post(f"/deleted/images/{image}/restore").status == 404
    eventually(lambda: fresh.stored_bytes() == 0, "the bytes are gone")


def test_the_list_has_pages_and_refuses_filters(server, user):
    images = sorted(user.register() for _ in range(5))
    for image in images:
        assert user.delete(f"/images/{image}").status == 200
    found, path = [], "/deleted/images?limit=2"
    while path:
        page = user.get(path)
        assert page.status == 200 and len(page.images) <= 2
        found += page.ids
        path = page.json.get("next")
    assert found == images
    assert [element.findtext("_id") for element in user.get("/deleted/images", [("Accept", "application/xml")]).xml] == images
    assert user.get("/deleted/images?name=x").status == 400
    assert user.get("/deleted/images?sort=name").status == 400
    assert user.post(f"/deleted/images/{images[0]}/restore", [BINARY], b"x").status == 400
    assert user.post(f"/deleted/images/{uuid.uuid4()}/restore").status == 404
    assert user.get("/deleted").status == 404
    assert user.put("/deleted/images").status == 405


def test_a_broken_link_is_told_when_an_image_is_restored(server, user):
    kernel = user.register(type="kernel", format="aki")
    image = user.register(type="machine", kernel=kernel)
    assert user.delete(f"/images/{image}").status == 200
    assert user.delete(f"/images/{kernel}").status == 200
    assert user.post("/images", meta(name="n", architecture="i386", kernel=kernel)).status == 404, "a deleted kernel is no kernel"
    restored = user.post(f"/deleted/images/{image}/restore")
    assert restored.status == 200 and restored.image["broken_links"] == "kernel"


def test_the_command_lists_restores_and_purges(server, user):
    def visor(*arguments):
        command = [str(BINARIES / "visor"), *arguments, "--address", f"{server.host}:{server.port}", "--access-key", user.access_key]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                              env={"PATH": "/usr/bin:/bin", "VISOR_SECRET_KEY": user.secret, "HOME": str(server.folder)})

    image = user.register(name="once here")
    assert visor("delete", image).returncode == 0
    listed = visor("deleted")
    assert listed.returncode == 0, listed.stderr
    assert image in listed.stdout and "once here" in listed.stdout
    restored = visor("restore", image)
    assert (restored.returncode, restored.stdout) == (0, f"Restored {image}  once here\n"), restored.stderr
    assert visor("delete", image).returncode == 0
    assert visor("purge", image).returncode == 0
    assert visor("restore", image).returncode != 0
    assert "no deleted images" in visor("deleted").stderr.lower()
