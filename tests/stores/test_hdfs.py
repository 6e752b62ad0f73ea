"""The store in HDFS against a real HDFS."""

import hashlib
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request

import pytest

from harness.api import BINARY, meta
from harness.payload import data
from harness.raw import Wire, signed_head
from harness.server import BINARIES, Server
from harness.wait import eventually
from rig.background import written_behind
from rig.hdfs import make_certificates

MIB = 1 << 20
CONFORMANCE_SECONDS = 1800


def configuration(hdfs, servers=None, who=None, authority=None):
    """Of a server whose store is that HDFS: by its namenodes and user unless the arguments say otherwise."""
    servers, who, authority = servers or hdfs.namenodes, who or f"username: {hdfs.user}", authority or hdfs.authority
    tls = f"https: true\n    authorities: {authority}" if authority else ""
    return f"""
default_store: hdfs
stores:
  hdfs:
    namenodes: [{", ".join(f'"{address}"' for address in servers)}]
    bucket: {hdfs.folder}
    {who}
    {tls}
    datanodes: [{", ".join(f'"{address}"' for address in hdfs.datanodes)}]
    block_size: 4 MiB
"""


@pytest.fixture(scope="module")
def gateway(shared_hdfs):
    return shared_hdfs.add_gateway()


def conform(*words):
    """Runs the suite of every store against the HDFS that the words say."""
    environment = dict(os.environ, VISOR_TEST_HDFS=",".join(map(str, words)))
    done = subprocess.run(
        [BINARIES / "test_store_hdfs", "--gtest_filter=RealHdfs/*:HdfsOfTheEnvironment.*"], env=environment,
        capture_output=True, text=True, timeout=CONFORMANCE_SECONDS, check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    passed = re.search(r"\[  PASSED  \] (\d+) tests", done.stdout)
    assert passed and int(passed.group(1)) > 20, done.stdout[-2000:]
    assert "SKIPPED" not in done.stdout, done.stdout[-2000:]


def test_the_store_does_what_every_store_must(hdfs):
    conform(hdfs.namenodes[0], hdfs.user, hdfs.folder, *hdfs.datanodes)
    assert hdfs.files() == []


def test_a_gateway_carries_what_every_store_must(hdfs, gateway):
    conform(gateway, hdfs.user, hdfs.folder)
    assert hdfs.files() == []


def test_an_hdfs_with_tls_carries_what_every_store_must(tls_hdfs):
    hdfs = tls_hdfs
    conform(f"https://{hdfs.authority}", hdfs.namenodes[0], hdfs.user, hdfs.folder, *hdfs.datanodes)
    assert hdfs.files() == []


def test_images_live_in_hdfs_and_outlive_the_server(hdfs):
    content = data(10 * MIB + 17)
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        image = root.upload(content, name="in HDFS")
        hdfs.await_files(1)
        found = root.get(f"/images/{image}")
        assert found.status == 200
        assert hashlib.sha256(found.body).digest() == hashlib.sha256(content).digest()
        assert found.meta["store"] == "hdfs"
        part = root.get(f"/images/{image}", [("Range", f"bytes={4 * MIB - 5}-{4 * MIB + 4}")])
        assert (part.status, part.body) == (206, content[4 * MIB - 5:4 * MIB + 5])

        # What a server that is killed is writing at that moment stays for days, a manifest as well.
        written_behind(root, "hdfs")
        server.kill()
        server.start()
        root = server.api()
        assert root.get(f"/images/{image}").body == content
        assert root.delete(f"/images/{image}").status == 200
        hdfs.await_files(0)


def test_images_live_behind_tls_and_only_of_the_authority_that_is_named(tls_hdfs, tmp_path):
    hdfs, content = tls_hdfs, data(5 * MIB)
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        image = root.upload(content, name="behind TLS")
        assert root.get(f"/images/{image}").body == content
        assert root.delete(f"/images/{image}").status == 200
    with Server(config=configuration(hdfs, authority=make_certificates(tmp_path))) as server:
        refused = server.api().post("/images", [*meta(name="refused", architecture="i386"), BINARY], b"refused")
        assert refused.status == 503, refused
        assert "certificate" in refused.message
    assert hdfs.files() == []


def delegation(gateway, method, **query):
    """Asks a gateway for something about tokens; gives back the document that it answers."""
    request = urllib.request.Request(f"http://{gateway}/webhdfs/v1/?{urllib.parse.urlencode(query)}", method=method)
    with urllib.request.urlopen(request, timeout=120) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def test_a_delegation_token_is_taken_and_a_new_one_read_from_its_file(hdfs, gateway, tmp_path):
    def new_token():
        ask = {"op": "GETDELEGATIONTOKEN", "user.name": hdfs.user, "renewer": hdfs.user}
        token = delegation(gateway, "GET", **ask)["Token"]["urlString"]
        (tmp_path / "new").write_text(token + "\n")
        (tmp_path / "new").rename(tmp_path / "token")
        return token

    content = data(5 * MIB)
    token = new_token()
    with Server(config=configuration(hdfs, [gateway], f"token_file: {tmp_path}/token")) as server:
        root = server.api()
        image = root.upload(content, name="by a token")
        assert root.get(f"/images/{image}").body == content
        delegation(gateway, "PUT", op="CANCELDELEGATIONTOKEN", token=token)
        refused = root.get(f"/images/{image}")
        assert refused.status == 503, refused
        assert "credentials" in refused.message
        new_token()
        assert root.get(f"/images/{image}").body == content
        assert "a new token of HDFS was read" in server.log
        assert root.delete(f"/images/{image}").status == 200
    assert hdfs.files() == []


def test_a_gateway_that_may_not_speak_for_the_user_is_told(hdfs, gateway):
    with Server(config=configuration(hdfs, [gateway], "username: somebody")) as server:
        refused = server.api().post("/images", [*meta(name="refused", architecture="i386"), BINARY], b"refused")
        assert refused.status == 503, refused
        assert "gateway" in refused.message


def test_a_client_that_goes_away_leaves_nothing(hdfs):
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        with Wire(server) as wire:
            headers = [*meta(name="broken off", architecture="i386"), BINARY]
            wire.send(signed_head(root, "POST", "/images", headers, [("Content-Length", str(100 * MIB))]))
            wire.send(data(6 * MIB))
            wire.reset()
        eventually(lambda: len(root.listed("status=error")) == 1, "the image is in error", seconds=180)
        hdfs.await_files(0)


def test_a_full_quota_is_told_and_leaves_nothing(hdfs):
    with Server(config=configuration(hdfs)) as server:
        root = server.api()
        hdfs.order(f"quota {hdfs.folder} {12 * MIB}")
        try:
            refused = root.post("/images", [*meta(name="too large", architecture="i386"), BINARY], data(30 * MIB))
            assert refused.status in (503, 507), refused
            assert "quota" in refused.message
        finally:
            hdfs.order(f"quota {hdfs.folder} 0")
        hdfs.await_files(0)
        root.upload(b"small", name="fits again")
