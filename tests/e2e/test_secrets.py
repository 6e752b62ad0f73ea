"""Secrets appear where they are made, once, and nowhere else."""

import base64
import json
import shutil

import pytest

from harness import settings
from harness.api import Api
from harness.payload import data
from harness.server import ROOT_SECRET, Server, StartFailed


def forms(secret):
    """A secret in the ways it could slip out."""
    return [secret, secret[4:-4], base64.b64encode(secret.encode()).decode().rstrip("="), secret.encode().hex()]


def test_no_secret_reaches_the_log_an_answer_a_listing_or_the_disk():
    with Server(config=settings.log_level("debug")) as server:
        root = server.api()
        user = root.create_user()
        answers = []
        for api in (root, user, user.using("visor"), Api(user.host, user.port, user.access_key, user.secret + "x", "sigv4")):
            for method, path in (("GET", "/images"), ("GET", "/images/detail"), ("GET", "/users"), ("GET", f"/users/{user.access_key}"), ("GET", "/nowhere"), ("DELETE", "/images")):
                answers.append(api.request(method, path))
        answers.append(root.post("/users", [("Content-Type", "application/json")], json.dumps({"user": {"access_key": user.access_key, "email": "x@example.org", "secret_key": user.secret}}).encode()))
        image = user.upload(data(1000))
        answers.append(user.get(f"/images/{image}"))
        assert server.stop() == 0
        shown = b"".join(answer.body + repr(answer.headers).encode() for answer in answers) + server.log.encode() + server.printed.encode()
        stored = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
        for secret in (ROOT_SECRET, user.secret):
            for form in forms(secret):
                assert form.encode() not in shown
                assert form.encode() not in stored


def test_signatures_are_not_logged(server, root):
    headers = root.signed("GET", "/images")
    root.anonymous().get("/images", headers)
    signature = dict(headers)["Authorization"].rpartition("=")[2]
    assert signature not in server.log


def test_the_master_key_is_readable_by_its_owner_alone():
    with Server() as server:
        keys = [path for path in server.data.rglob("*") if path.is_file() and "key" in path.name]
        assert keys, "the data folder holds a master key"
        for path in keys:
            assert path.stat().st_mode & 0o077 == 0, path


def test_without_its_master_key_a_server_does_not_start_and_says_so():
    with Server() as server:
        assert server.stop() == 0
        (key,) = [path for path in server.data.rglob("*") if path.is_file() and "key" in path.name]
        key.write_bytes(bytes(len(key.read_bytes())))
        # The variables would give the first administrator a new secret, sealed under the new key.
        server.environment = {}
        with pytest.raises(StartFailed) as caught:
            server.start()
        assert "key" in caught.value.text


@pytest.mark.release_only
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_process_asks_not_to_be_dumped(tmp_path):
    trace = tmp_path / "trace"
    with Server(wrap=["strace", "-f", "-qq", "-e", "trace=prctl,setrlimit,prlimit64", "-o", str(trace)]) as server:
        assert server.api().get("/images").status == 200
    calls = trace.read_text()
    assert "PR_SET_DUMPABLE, SUID_DUMP_DISABLE" in calls or "PR_SET_DUMPABLE, 0" in calls or "RLIMIT_CORE, {rlim_cur=0" in calls
