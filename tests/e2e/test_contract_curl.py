"""The same contract through curl, which brings its own HTTP and its own SigV4."""

import shutil
import subprocess

import pytest

from harness import settings
from harness.payload import data, sha256
from harness.server import Server

@pytest.fixture(scope="module")
def server():
    """curl can not know the digest of what it streams."""
    with Server(config=settings.UNSIGNED_PAYLOAD) as running:
        yield running


pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def curl(api, *arguments, sign=True):
    command = ["curl", "-sS", "--max-time", "60", "--noproxy", "*"]
    if sign:
        command += ["--aws-sigv4", "aws:amz:local:visor", "--user", f"{api.access_key}:{api.secret}"]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


UNSIGNED = ("-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD")


def test_curl_sees_the_heartbeat(root):
    assert b"OK" in curl(root, f"{root.address}/status", sign=False)


def test_curl_signs_lists_and_reads(user, mark):
    image = user.upload(b"for curl", mark=mark)
    assert image.encode() in curl(user, f"{user.address}/images?mark={mark}")
    assert curl(user, f"{user.address}/images/{image}") == b"for curl"
    assert curl(user, "-r", "0-2", f"{user.address}/images/{image}") == b"for"


def test_curl_reads_all_the_metadata_of_an_image_with_head(user):
    image = user.upload(b"for curl", colour="blue")
    head = curl(user, "-I", f"{user.address}/images/{image}").decode()
    assert head.startswith("HTTP/1.1 200")
    assert "x-image-meta-colour: blue" in head.lower()
    assert "content-length: 8" in head.lower()


@pytest.mark.parametrize("chunked", [False, True])
def test_curl_uploads_a_file_and_waits_for_the_invitation(user, tmp_path, mark, chunked):
    content = data(3 * 1024 * 1024 + 5, "curl")
    (tmp_path / "image").write_bytes(content)
    image = user.register(mark=mark)
    arguments = ["-T", tmp_path / "image", "-H", "Content-Type: application/octet-stream", "-H", "Expect: 100-continue", *UNSIGNED]
    if chunked:
        arguments += ["-H", "Transfer-Encoding: chunked"]
    answer = curl(user, *arguments, f"{user.address}/images/{image}")
    assert b'"available"' in answer, answer
    assert sha256(user.get(f"/images/{image}").body) == sha256(content)


def test_curl_resumes_a_download(user, tmp_path):
    content = data(100_000, "resume")
    image = user.upload(content)
    (tmp_path / "part").write_bytes(content[:40_000])
    curl(user, "-C", "-", "-o", tmp_path / "part", f"{user.address}/images/{image}")
    assert (tmp_path / "part").read_bytes() == content


def test_curl_deletes(user, mark):
    image = user.register(mark=mark)
    curl(user, "-X", "DELETE", f"{user.address}/images/{image}")
    assert user.head(f"/images/{image}").status == 404


def test_curl_keeps_one_connection_for_many_requests(user):
    urls = [f"{user.address}/images?name=number-{number}" for number in range(5)]
    shown = curl(user, "-o", "/dev/null", "-w", "%{num_connects} ", *sum([["-o", "/dev/null", url] for url in urls], [])[2:])
    assert shown.split()[0] == b"1"
    assert set(shown.split()[1:]) == {b"0"}
