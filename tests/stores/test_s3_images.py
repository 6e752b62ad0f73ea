"""Images through a real visord in real S3 servers."""

import subprocess
import uuid

import botocore.session
import pytest
import urllib3

from harness import signing
from harness.api import BINARY, meta
from harness.payload import data
from harness.raw import Wire, signed_head
from harness.server import Server
from harness.wait import eventually
from rig.s3 import ACCESS, BUCKET, REGION, SECRET

MIB = 1 << 20


def configuration(server, more="", access=None, secret=SECRET):
    return f"""
default_store: s3
accounts:
  anonymous_read: true
limits:
  body_minimum_rate: none
stores:
  s3:
    host: 127.0.0.1
    port: {server.port}
    tls: false
    bucket: {BUCKET}
    prefix: visor/
    access_key: {access or server.access}
    secret_key: {secret}
{more}
"""


def begin_upload(wire, api, size, sent):
    """An upload that stops in the middle, with parts under way."""
    headers = [*meta(name="in the middle", architecture="i386"), BINARY]
    wire.send(signed_head(api, "POST", "/images", headers, [("Content-Length", str(size))]))
    wire.send(sent)


def curl(*arguments):
    done = subprocess.run(["curl", "-sS", "--fail", *arguments], capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(params=["seaweedfs", "minio", "swift"])
def storage(request):
    return request.getfixturevalue(request.param)


def test_what_a_killed_server_left_of_an_upload_is_ended_and_nothing_else(storage):
    client, config = storage.client(), configuration(storage, "    abandoned_after: 1s")
    foreign = client.create_multipart_upload(Bucket=BUCKET, Key="visor/report.pdf")["UploadId"]
    content = data(48 * MIB)
    with Server(config=config) as server:
        with Wire(server) as wire:
            begin_upload(wire, server.api(), len(content), content[:20 * MIB])
            eventually(lambda: len(storage.uploads()) == 2, "the upload has begun")
            server.kill()
        assert len(storage.uploads()) == 2
        server.start()
        eventually(lambda: storage.uploads() == ["visor/report.pdf"], "what the killed server left is ended", seconds=240)

        # An upload of this server's own is older than what the next sweep ends, and goes on.
        with Wire(server, timeout=600) as wire:
            begin_upload(wire, server.api(), len(content), content[:20 * MIB])
            eventually(lambda: len(storage.uploads()) == 2, "the upload has begun")
            abandoned = f"visor/{uuid.uuid4()}"
            client.create_multipart_upload(Bucket=BUCKET, Key=abandoned)
            eventually(lambda: abandoned not in storage.uploads(), "there was a sweep", seconds=240)
            wire.send(content[20 * MIB:])
            status, _, _ = wire.read_answer()
            assert status == 200
        image = server.api().listed("status=available")[0]["_id"]
        assert server.api().get(f"/images/{image}").body == content
        assert server.api().delete(f"/images/{image}").status == 200
    assert storage.uploads() == ["visor/report.pdf"]
    client.abort_multipart_upload(Bucket=BUCKET, Key="visor/report.pdf", UploadId=foreign)
    assert storage.keys() == []


def test_a_temporary_key_stores_reads_and_sends_on_and_its_token_is_in_no_log(minio, tmp_path):
    service = botocore.session.Session().create_client(
        "sts", region_name=REGION, endpoint_url=f"http://127.0.0.1:{minio.port}", aws_access_key_id=ACCESS,
        aws_secret_access_key=SECRET)
    key = service.assume_role(RoleArn="arn:xxx:xxx:xxx:xxxx", RoleSessionName="visor")["Credentials"]
    token = tmp_path / "token"
    token.write_text(key["SessionToken"] + "\n")
    content = data(12 * MIB)
    config = configuration(minio, f"    session_token_file: {token}\n    redirect: true", key["AccessKeyId"], key["SecretAccessKey"])
    with Server(config=config + "log:\n  level: debug\n") as server:
        image = server.api().upload(content, name="with a temporary key", access="public")
        assert server.api().using("visor").get(f"/images/{image}").body == content
        assert curl("-L", f"{server.api().address}/images/{image}") == content
        assert server.api().delete(f"/images/{image}").status == 200
        assert key["SessionToken"] not in server.log
    assert minio.keys() == []
    with Server(config=configuration(minio, "", key["AccessKeyId"], key["SecretAccessKey"])) as server:
        refused = server.api().post("/images", [*meta(name="no token", architecture="i386"), BINARY], b"data")
        assert refused.status == 503, refused


@pytest.fixture
def redirecting(storage):
    """A server that sends its clients on, and an image of more than one part."""
    content = data(12 * MIB + 17)
    with Server(config=configuration(storage, "    redirect: true")) as server:
        yield server, server.api().upload(content, name="elsewhere", access="public"), content


def reads(api, image):
    return int(api.head(f"/images/{image}").meta["access_count"])


def test_curl_gets_the_data_from_where_it_lies(redirecting, tmp_path):
    server, image, content = redirecting
    api = server.api()
    url = f"{api.address}/images/{image}"
    credentials = ["--aws-sigv4", "aws:amz:us-east-1:visor", "-u", f"{api.access_key}:{api.secret}"]
    for signed in ([], credentials):
        assert curl(*signed, "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url) == b"307 0"
        assert curl(*signed, "-L", url) == content
        assert curl(*signed, "-L", "-r", f"{8 * MIB - 3}-{8 * MIB + 3}", url) == content[8 * MIB - 3:8 * MIB + 4]
    assert reads(api, image) == 6
    target = tmp_path / "resumed"
    target.write_bytes(content[:5 * MIB])
    curl("-L", "-C", "-", "-o", str(target), url)
    assert target.read_bytes() == content


def test_what_botocore_signs_is_followed_by_an_http_library(redirecting):
    server, image, content = redirecting
    api, target = server.api(), f"/images/{image}"
    pool = urllib3.PoolManager()
    for headers in ({}, {"Range": "bytes=0-99"}):
        signed = dict(api.signed("GET", target, list(headers.items())))
        answer = pool.request("GET", api.address + target, headers=signed)
        assert answer.status == (206 if headers else 200), answer.data[:500]
        assert answer.data == (content[:100] if headers else content)
    presigned = signing.presigned(api.access_key, api.secret, api.address, "GET", target)
    assert pool.request("GET", api.address + presigned).data == content


def test_the_answer_that_sends_on_has_the_metadata_and_the_others_are_as_ever(redirecting):
    server, image, content = redirecting
    api, target = server.api(), f"/images/{image}"
    there = api.get(target)
    assert there.status == 307
    assert there.meta["size"] == str(len(content))
    assert "X-Amz-Expires=300" in there.header("location")
    assert SECRET not in there.header("location")
    head = api.head(target)
    assert (head.status, head.header("content-length")) == (200, str(len(content)))
    assert api.get(target, [("If-None-Match", head.header("etag"))]).status == 304
    assert api.get(target, [("If-Match", head.header("etag"))]).body == content
    assert api.get(target, [("If-Match", '"another"')]).status == 412
    assert api.get(target, [("Range", f"bytes={len(content)}-")]).status == 416
    assert "X-Amz-Signature" not in server.log


def test_clients_that_know_one_server_get_the_data_from_it(redirecting, tmp_path):
    server, image, content = redirecting
    classic = server.api().using("visor").get(f"/images/{image}")
    assert (classic.status, classic.body) == (200, content)
    done = server.cli("get", image, "-S", tmp_path, api=server.api())
    assert done.returncode == 0, done
    assert [path.read_bytes() == content for path in tmp_path.iterdir()] == [True]


def test_a_private_image_is_shown_to_its_owner_alone(redirecting):
    server, _, content = redirecting
    api = server.api()
    private = api.upload(content[:1000], name="private", access="private")
    assert api.anonymous().get(f"/images/{private}").status == 404
    assert api.get(f"/images/{private}").status == 307
