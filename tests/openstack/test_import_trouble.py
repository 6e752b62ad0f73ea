"""visor import glance where something gets in its way: tokens that run out, wrong data, full accounts, busy servers, certificates."""

import itertools
import json
import os
import subprocess
import time

import pytest
from harness.certificates import make_certificate
from harness.wait import eventually
from rig.gate import Gate
from rig.glance import Glance
from rig.images import Images
from rig.importing import bring, command, outcomes, variables
from rig.pictures import raw
from rig.visor import Visor

SMALL = 256 * 1024


@pytest.fixture
def put(source):
    """Puts an image of everybody's into Glance, for one test."""
    made = []

    def one(data, name, images=source, **attributes):
        made.append(images.add(data, name=name, **{"visibility": "public", **attributes}))
        return made[-1]

    yield one
    for image in made:
        source.call("DELETE", f"/{image}")


def content_file(glance, image):
    """Where Glance has the data of an image."""
    return glance.place / "one" / image


# --- many images ---


def test_images_come_page_by_page(keystone, glance, visor, source, target, put):
    made = [put(raw(64) if number < 3 else None, f"number {number}", os_hidden=number % 10 == 0) for number in range(60)]
    with Glance(keystone, beside=glance, inspect=False, more="api_limit_max = 7") as short, Gate(short.url) as gate:
        status, report, said = bring(gate, visor, "-j", "4", environment=variables(keystone))
        assert status == 0, said
        assert outcomes(report) == dict.fromkeys(made, "copied")
        assert target.described() == source.described()
        pages = [seen.path for seen in gate.seen if seen.path.startswith("/v2/images?")]
        # Of 54 images that are shown and 6 that are hidden.
        assert len(pages) == 8 + 1
        assert sum("marker=" in page for page in pages) == 7
    # Of so many the target is asked for a list, too, and for no image alone.
    with Gate(visor.url) as gate:
        status, report, said = bring(glance, gate, environment=variables(keystone))
        assert (status, set(outcomes(report).values())) == (0, {"skipped"}), said
        assert all(seen.path.startswith("/v2/images?") for seen in gate.seen)


# --- tokens that run out ---


@pytest.fixture(scope="module")
def strict(keystone, glance):
    """A Glance that asks Keystone about each request, as the servers of `Visor(keystone=…)` do: what is revoked is over at once."""
    with Glance(keystone, beside=glance, inspect=False, trusting=False) as server:
        yield server


@pytest.fixture
def three(put):
    """An image that takes its time, and two that come behind it."""
    return [put(raw(size, seed=str(size)), str(size)) for size in (8 << 20, SMALL, 2 * SMALL)]


def bring_until_half_way(source, target, images, all_of_them, *words, environment, then):
    """As `bring`, one image at a time; while the first one is on its way, something happens."""
    with Gate(target.url) as gate:
        line = command(source, gate, "--json", "-j", "1", "--limit-rate", "2MiB", *words)
        with subprocess.Popen(line, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            # Servers that ask Keystone about each request are asked as little as possible.
            eventually(lambda: any(seen.method == "PUT" for seen in gate.seen), "the data is to be sent")
            eventually(lambda: images.show(all_of_them[0])["status"] == "saving", "the data is on its way")
            then()
            printed, said = running.communicate(timeout=300)
    return running.returncode, json.loads(printed)["import"], said


def test_a_token_that_runs_out_half_way_is_got_anew(keystone, strict, three):
    with Visor(keystone=keystone) as visor, Gate(keystone.origin) as gate:
        target = Images(visor.url, keystone.token("admin"))

        def run_out():
            # One for each side.
            assert len(gate.tokens) == 2
            for token in gate.tokens[:]:
                keystone.revoke(token)

        environment = {**variables(keystone), "OS_AUTH_URL": f"{gate.url}/v3"}
        status, report, said = bring_until_half_way(strict, visor, target, three, environment=environment, then=run_out)
        assert (status, outcomes(report)) == (0, dict.fromkeys(three, "copied")), said
        assert len(gate.tokens) == 4
        assert {image: shown["status"] for image, shown in target.all().items()} == dict.fromkeys(three, "active")


def test_a_token_in_a_file_that_somebody_keeps_fresh_is_read_anew(keystone, strict, three, tmp_path):
    file, first = tmp_path / "token", keystone.token("admin")
    file.write_text(first)

    def freshen():
        file.write_text(keystone.token("admin"))
        keystone.revoke(first)

    with Visor(keystone=keystone) as visor:
        target = Images(visor.url, keystone.token("admin"))
        status, report, said = bring_until_half_way(
            strict, visor, target, three, "--from-token-file", str(file), "--to-token-file", str(file), environment={}, then=freshen)
        assert (status, outcomes(report)) == (0, dict.fromkeys(three, "copied")), said


def test_a_token_that_nobody_renews_ends_it_and_another_one_goes_on(keystone, strict, three):
    token = keystone.token("admin")
    with Visor(keystone=keystone) as visor:
        target = Images(visor.url, keystone.token("admin"))
        status, report, said = bring_until_half_way(
            strict, visor, target, three, environment={"OS_TOKEN": token}, then=lambda: keystone.revoke(token))
        assert status == 4
        assert "doesn't accept the token" in said
        assert "The same command goes on" in said
        assert [outcomes(report)[image] for image in three] == ["failed", "not tried", "not tried"]
        status, report, said = bring(strict, visor, environment={"OS_TOKEN": keystone.token("admin")})
        assert status == 0, said
        assert {image: shown["status"] for image, shown in target.all().items()} == dict.fromkeys(three, "active")


# --- wrong data ---


def test_data_that_is_not_what_glance_says_becomes_no_image(keystone, glance, visor, source, target, put):
    good, bad = put(raw(SMALL, seed="good"), "good"), put(raw(SMALL, seed="bad"), "bad")
    with open(content_file(glance, bad), "r+b") as stored:
        stored.seek(SMALL // 2)
        stored.write(b"rotten")
    status, report, said = bring(glance, visor, environment=variables(keystone))
    assert (status, outcomes(report)) == (1, {good: "copied", bad: "failed"})
    assert f"{bad} (bad): the source sent other data than it says it has: the sha512 of what came is" in said
    eventually(lambda: target.show(bad)["status"] == "queued", "the target has given it up")
    assert target.show(good)["status"] == "active"
    # Once Glance has the right data again, it is taken.
    content_file(glance, bad).write_bytes(raw(SMALL, seed="bad"))
    status, report, said = bring(glance, visor, environment=variables(keystone))
    assert (status, outcomes(report)) == (0, {good: "skipped", bad: "copied"}), said
    assert target.data(bad) == raw(SMALL, seed="bad")


def test_data_that_glance_has_only_in_part_becomes_no_image(keystone, glance, visor, target, put):
    image = put(raw(SMALL), "short")
    os.truncate(content_file(glance, image), SMALL // 2)
    status, report, said = bring(glance, visor, "--retries", "1", environment=variables(keystone))
    assert (status, outcomes(report)) == (1, {image: "failed"})
    assert f"{image} (short): " in said
    eventually(lambda: target.show(image)["status"] == "queued", "the target has given it up")


# --- no room ---


def test_who_has_no_room_left_fails_alone_and_goes_on_once_there_is(keystone, glance, source, put):
    alice, bob = (Images(glance.url, keystone.token(name)) for name in ("alice", "bob"))
    mine = [put(raw(SMALL, seed=seed), seed, images=alice, visibility="private") for seed in ("first", "second")]
    his = put(raw(SMALL, seed="his"), "his", images=bob, visibility="private")
    with Visor(keystone=keystone, cache="10m", more="quotas: {bytes: 400KiB}\n") as visor:
        status, report, said = bring(glance, visor, "-j", "1", environment=variables(keystone))
        assert (status, outcomes(report)) == (1, {mine[0]: "copied", mine[1]: "failed", his: "copied"})
        assert "raise the quota of its owner" in said
        target = Images(visor.url, keystone.token("admin"))
        assert target.show(mine[1])["status"] == "queued"
        target.call("DELETE", f"/{mine[0]}")
        status, report, said = bring(glance, visor, mine[1], environment=variables(keystone))
        assert (status, outcomes(report)) == (0, {mine[1]: "copied"}), said


def test_a_glance_that_is_full_says_so_too(keystone, visor, target):
    image = target.add(raw(SMALL), name="too much")
    with Glance(keystone, inspect=False, more="user_storage_quota = 100000B") as full:
        status, report, said = bring(visor, full, environment=variables(keystone))
        assert (status, outcomes(report)) == (1, {image: "failed"})
        assert "raise the quota of its owner" in said
        assert Images(full.url, keystone.token("admin")).show(image)["status"] == "queued"


# --- busy servers ---


def refusing_once(*fields):
    """Refuses the first request of each kind, and no other."""
    known = set()

    def judge(method, path):
        kind = method, path.split("?")[0].count("/")
        if kind in known:
            return None
        known.add(kind)
        return 429, dict(fields)

    return judge


def test_a_busy_target_is_left_alone_as_long_as_it_wants(keystone, glance, visor, source, target, put):
    image = put(raw(SMALL), "patient", visibility="shared")
    source.ask("POST", f"/{image}/members", {"member": keystone.project("beta")})
    with Gate(visor.url, judge=refusing_once(("Retry-After", "2"))) as gate:
        status, report, said = bring(glance, gate, "-j", "1", environment=variables(keystone))
        assert status == 0, said
        assert outcomes(report) == {image: "copied"}
        assert target.data(image) == raw(SMALL)
        assert target.members(image) == source.members(image)
        refused = [(first, then) for first, then in itertools.pairwise(gate.seen) if first.refused]
        assert {first.method for first, _ in refused} == {"GET", "POST", "PUT"}
        for first, then in refused:
            assert then.at - first.at > 1.9, first


def test_a_target_that_stays_busy_is_told(keystone, glance, visor, put):
    put(raw(SMALL), "impatient")
    with Gate(visor.url, judge=lambda method, path: (429, {"Retry-After": "1"}) if method == "POST" else None) as gate:
        began = time.monotonic()
        status, _, said = bring(glance, gate, "--retries", "2", environment=variables(keystone))
        assert status == 1
        assert f"{gate.url} answers: the gate is shut" in said
        assert sum(seen.refused is not None for seen in gate.seen) == 3
        assert time.monotonic() - began > 2.9


# --- certificates ---


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder with an authority of our own, another one, and a certificate of ours for this machine."""
    folder = tmp_path_factory.mktemp("certificates")
    ours = make_certificate(folder, "ours", "Our authority")
    make_certificate(folder, "other", "Another authority")
    make_certificate(folder, "server", authority=ours)
    return folder


def test_services_behind_tls_are_those_that_our_authority_vouches_for(keystone, glance, visor, put, authority):
    image = put(raw(SMALL), "behind TLS")
    certificate = authority / "server.pem"
    with Gate(glance.url, certificate) as source, Gate(visor.url, certificate) as target, Gate(keystone.origin, certificate) as identity:
        who = {**variables(keystone), "OS_AUTH_URL": f"{identity.url}/v3"}
        for words, more in (((), {}), (("--ca", str(authority / "other.pem")), {}), ((), {"OS_CACERT": str(authority / "other.pem")})):
            status, report, said = bring(source, target, *words, environment={**who, **more})
            assert (status, report) == (6, None)
            assert f"the certificate of {identity.url}" in said
            assert "can't be trusted" in said
        # Nobody got to see a password or a token.
        assert not (source.seen or target.seen or identity.seen)
        status, report, said = bring(source, target, "--ca", str(authority / "ours.pem"), environment=who)
        assert (status, outcomes(report)) == (0, {image: "copied"}), said
        status, report, said = bring(source, target, environment={**who, "OS_CACERT": str(authority / "ours.pem")})
        assert (status, outcomes(report)) == (0, {image: "skipped"}), said
        status, _, said = bring(source, target, "--insecure", environment=who)
        assert status == 0
        assert "certificates are not checked" in said


def test_each_side_may_have_an_authority_of_its_own(keystone, glance, visor, put, authority):
    image = put(raw(SMALL), "of two authorities")
    strange = authority / "other.pem"
    with Gate(glance.url, authority / "server.pem") as source, Gate(visor.url, strange) as target:
        who = {"OS_TOKEN": keystone.token("admin")}
        status, report, said = bring(source, target, environment={**who, "FROM_OS_CACERT": str(authority / "ours.pem")})
        assert (status, report) == (6, None)
        assert f"the certificate of {target.url}" in said
        both = {"FROM_OS_CACERT": str(authority / "ours.pem"), "TO_OS_CACERT": str(strange)}
        status, report, said = bring(source, target, environment={**who, **both})
        assert (status, outcomes(report)) == (0, {image: "copied"}), said
