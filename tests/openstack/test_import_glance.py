"""visor import glance: what a real Glance has, taken over by VISOR, and the way back."""

import os
import signal
import subprocess

import pytest
from harness.wait import eventually
from rig.glance import Glance
from rig.images import Images
from rig.importing import bring, command, outcomes, variables
from rig.pictures import qcow2, raw
from rig.visor import Visor

LARGE = raw(24 << 20, seed="large")
SLOW = ("--limit-rate", "4MiB")


@pytest.fixture(scope="module")
def kinds(keystone, glance):
    """An image of each kind in Glance, by what is special about it."""
    source = Images(glance.url, keystone.token("admin"))
    alice, bob, carol = (Images(glance.url, keystone.token(name)) for name in ("alice", "bob", "carol"))
    made = {
        "private": alice.add(raw(), name="private", tags=["golden", "größe"], hw_disk_bus="virtio", os_distro="debian", architecture="x86_64",
                             note="naïve ☃, = and 'quotes'", min_disk=2, min_ram=512),
        "qcow2": source.add(qcow2(), name="public", visibility="public", disk_format="qcow2", protected=True),
        "shared": alice.add(raw(seed="shared"), name="shared", visibility="shared"),
        "community": alice.add(raw(seed="community"), name="c" * 255, visibility="community"),
        "hidden": source.add(raw(seed="hidden"), name="hidden", visibility="public", os_hidden=True),
        "deactivated": alice.add(raw(seed="deactivated"), name="deactivated"),
        "nameless": alice.add(raw(64), visibility="private"),
        "empty": alice.add(b"", name="without a byte"),
        "queued": alice.add(name="queued", disk_format=None, container_format=None, visibility="private"),
        "kernel": source.add(raw(seed="kernel"), name="kernel", visibility="public", disk_format="aki", container_format="aki"),
    }
    for who, answer in (("beta", "accepted"), ("gamma", "rejected"), ("service", None)):
        member = keystone.project(who)
        alice.ask("POST", f"/{made['shared']}/members", {"member": member})
        if answer:
            {"beta": bob, "gamma": carol}[who].ask("PUT", f"/{made['shared']}/members/{member}", {"status": answer})
    source.call("POST", f"/{made['deactivated']}/actions/deactivate")
    source.set(made["private"], "kernel_id", made["kernel"])
    yield made
    source.set(made["qcow2"], "protected", False)
    for image in made.values():
        source.call("DELETE", f"/{image}")


@pytest.fixture
def large(source):
    """An image that takes its time, for one test."""
    image = source.add(LARGE, name="large", visibility="public")
    yield image
    source.call("DELETE", f"/{image}")


def test_everything_comes_over_as_it_was(keystone, glance, visor, source, target, kinds):
    status, report, said = bring(glance, visor, environment=variables(keystone))
    assert status == 0, said
    assert (report["copied"], report["failed"], report["skipped"]) == (len(kinds), 0, 0)
    assert target.described() == source.described()
    for kind, image in kinds.items():
        if kind not in ("queued", "empty"):
            assert target.data(image) == source.data(image), kind
    assert target.members(kinds["shared"]) == source.members(kinds["shared"])
    assert sorted(target.members(kinds["shared"]).values()) == ["accepted", "pending", "rejected"]


def test_a_second_run_copies_what_is_new_and_updates_only_if_told_to(keystone, glance, visor, source, target, kinds):
    assert bring(glance, visor, environment=variables(keystone))[0] == 0
    new = source.add(raw(seed="new"), name="new", visibility="public")
    image = kinds["private"]
    source.change(image, {"op": "replace", "path": "/name", "value": "renamed"}, {"op": "remove", "path": "/hw_disk_bus"},
                  {"op": "add", "path": "/a~1b", "value": "slash"}, {"op": "replace", "path": "/tags", "value": ["other"]})
    source.call("DELETE", f"/{kinds['shared']}/members/{keystone.project('service')}")
    try:
        status, report, said = bring(glance, visor, environment=variables(keystone))
        assert (status, report["copied"], report["updated"]) == (0, 1, 0)
        assert outcomes(report)[new] == "copied"
        assert "1 image there have other metadata" in said
        assert target.show(image)["name"] == "private"
        status, report, said = bring(glance, visor, "--update", environment=variables(keystone))
        assert (status, report["copied"], report["failed"]) == (0, 0, 0), said
        assert outcomes(report)[image] == outcomes(report)[kinds["shared"]] == "updated"
        assert target.described() == source.described()
        assert target.members(kinds["shared"]) == source.members(kinds["shared"])
    finally:
        source.call("DELETE", f"/{new}")


def test_one_that_was_killed_is_taken_up_again(keystone, glance, visor, source, target, large):
    environment = {**os.environ, **variables(keystone)}
    with subprocess.Popen(command(glance, visor, *SLOW, large), env=environment, stderr=subprocess.DEVNULL) as first:
        eventually(lambda: (target.there(large) or {}).get("status") == "saving", "the data is on its way")
        first.kill()
    status, report, said = bring(glance, visor, large, environment=variables(keystone))
    assert status == 0, said
    assert outcomes(report) == {large: "copied"}
    assert target.show(large)["os_hash_value"] == source.show(large)["os_hash_value"]
    assert target.data(large) == LARGE


def test_one_that_was_interrupted_says_how_to_go_on(keystone, glance, visor, target, large):
    environment = {**os.environ, **variables(keystone)}
    with subprocess.Popen(command(glance, visor, *SLOW, large), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as first:
        eventually(lambda: (target.there(large) or {}).get("status") == "saving", "the data is on its way")
        first.send_signal(signal.SIGINT)
        printed, said = first.communicate(timeout=60)
    assert first.returncode == -signal.SIGINT
    assert "not tried 1" in printed
    assert "The same command goes on" in said
    eventually(lambda: target.show(large)["status"] == "queued", "the server has given the upload up")
    assert bring(glance, visor, large, environment=variables(keystone))[0] == 0
    assert target.data(large) == LARGE


def test_a_source_that_goes_away_in_the_middle_is_waited_for(keystone, glance, visor, target, large):
    environment = {**os.environ, **variables(keystone)}
    with subprocess.Popen(command(glance, visor, *SLOW, large), env=environment, stderr=subprocess.PIPE, text=True) as running:
        eventually(lambda: (target.there(large) or {}).get("status") == "saving", "the data is on its way")
        glance.stop()
        glance.start()
        said = running.communicate(timeout=120)[1]
    assert running.returncode == 0, said
    assert target.data(large) == LARGE


def test_a_source_that_stays_away_is_told(keystone, glance, visor, target, large):
    environment = {**os.environ, **variables(keystone)}
    with subprocess.Popen(command(glance, visor, "--retries", "1", *SLOW, large), env=environment, stderr=subprocess.PIPE, text=True) as running:
        eventually(lambda: (target.there(large) or {}).get("status") == "saving", "the data is on its way")
        glance.stop()
        said = running.communicate(timeout=120)[1]
    glance.start()
    assert running.returncode == 1
    assert f"{large} (large): cannot reach {glance.url}" in said
    eventually(lambda: target.show(large)["status"] == "queued", "nothing half is taken for the image")


def test_data_that_is_refused_fails_alone_and_says_what_to_do(keystone, glance, visor, source, target, kinds):
    wrong = source.add(raw(seed="wrong"), name="wrong", visibility="public", disk_format="qcow2")
    try:
        status, report, said = bring(glance, visor, wrong, kinds["qcow2"], environment=variables(keystone))
        assert status == 1
        assert outcomes(report) == {wrong: "failed", kinds["qcow2"]: "copied"}
        assert "strict_formats" in said
        assert target.show(wrong)["status"] == "queued"
    finally:
        source.call("DELETE", f"/{wrong}")


def test_other_data_under_the_same_id_stays_as_it_is(keystone, glance, visor, source, target, kinds):
    image = kinds["private"]
    target.add(raw(seed="other"), id=image, name="other")
    status, report, said = bring(glance, visor, image, environment=variables(keystone))
    assert (status, outcomes(report)) == (1, {image: "failed"})
    assert "the target has other data under this id" in said
    assert target.data(image) == raw(seed="other")


def test_a_dry_run_tells_and_changes_nothing(keystone, glance, visor, source, target, kinds):
    status, report, _ = bring(glance, visor, "--dry-run", environment=variables(keystone))
    assert status == 0
    assert {image["id"]: image["step"] for image in report["images"]} == dict.fromkeys(kinds.values(), "copy")
    assert target.all() == {}


def test_images_can_be_chosen(keystone, glance, visor, target, kinds):
    alpha = keystone.project("alpha")
    assert bring(glance, visor, "--visibility", "community", environment=variables(keystone))[0] == 0
    assert set(target.all()) == {kinds["community"]}
    assert bring(glance, visor, "--name", "public", environment=variables(keystone))[0] == 0
    assert set(target.all()) == {kinds["community"], kinds["qcow2"]}
    assert bring(glance, visor, "--owner", alpha, environment=variables(keystone))[0] == 0
    assert {image["owner"] for key, image in target.all().items() if key != kinds["qcow2"]} == {alpha}
    missing = "0f9d4c5e-0000-4000-8000-000000000000"
    status, report, _ = bring(glance, visor, missing, environment=variables(keystone))
    assert (status, outcomes(report)) == (1, {missing: "failed"})


def test_who_is_no_administrator_takes_its_own_images(keystone, glance, visor, target, kinds):
    own = {kinds[kind] for kind in ("private", "shared", "community", "nameless", "empty", "queued")}
    status, report, said = bring(glance, visor, "--no-owner", "-j", "1", *own, environment=variables(keystone, "alice"))
    assert status == 0, said
    assert {image["owner"] for image in target.all().values()} == {keystone.project("alpha")}
    assert set(target.all()) == own


def test_a_token_that_is_not_taken_ends_it(keystone, glance, visor, kinds, tmp_path):
    (tmp_path / "token").write_text("nonsense\n")
    status, report, said = bring(glance, visor, "--from-token-file", str(tmp_path / "token"), environment=variables(keystone))
    assert (status, report) == (4, None)
    assert f"{glance.url} doesn't accept the token" in said
    status, _, said = bring(glance, visor, environment={**variables(keystone), "OS_PASSWORD": "wrong"})
    assert status == 4
    assert "doesn't accept this user and password" in said


def test_the_way_back_is_the_same(keystone, glance, visor, source, target, kinds):
    assert bring(glance, visor, environment=variables(keystone))[0] == 0
    with Glance(keystone, inspect=False) as second:
        status, report, said = bring(visor, second, environment=variables(keystone))
        assert status == 0, said
        assert report["copied"] == len(kinds)
        back = Images(second.url, keystone.token("admin"))
        assert back.described() == source.described()
        assert back.data(kinds["qcow2"]) == source.data(kinds["qcow2"])


def test_services_without_an_identity_need_no_token():
    # Glance 33 lets nobody make an image where it asks nobody who they are.
    with Visor(identity="none") as source, Visor(identity="none") as target:
        image = Images(source.url).add(qcow2(), name="free", disk_format="qcow2")
        status, _, said = bring(source, target, environment={})
        assert status == 0, said
        assert Images(target.url).data(image) == qcow2()
