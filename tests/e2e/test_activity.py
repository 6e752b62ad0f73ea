"""What administrators see of a running server, and the end that they can put to a request."""

import pytest

from harness.api import BINARY, meta
from harness.raw import Wire
from harness.server import Server
from harness.wait import eventually

# Requests that stay half sent here are no attack, however slow the machine is.
PATIENT = "limits:\n  header_timeout: 10m\n  idle_timeout: 10m\n  body_minimum_rate: none\n"


@pytest.fixture(scope="module")
def server():
    with Server(config=PATIENT) as running:
        yield running


def upload(api, size=10_000_000):
    link = api.connect()
    content = b"x" * size
    headers = api.signed("POST", "/images", [*meta(name="half", architecture="x86_64"), BINARY], content)
    link.putrequest("POST", "/images", skip_accept_encoding=True)
    for name, value in headers:
        link.putheader(name, value)
    link.putheader("Content-Length", str(size))
    link.endheaders(content[: size // 2])
    return link


def listed(root):
    response = root.get("/requests")
    assert response.status == 200, response
    return response.json["requests"]


def find_upload(root, user):
    return eventually(lambda: next((entry for entry in listed(root) if entry.get("account") == user.access_key
                                    and entry["method"] == "POST" and entry["bytes_in"] > 0), None),
                      "the upload is listed", seconds=60)


def test_an_upload_under_way_is_listed_and_can_be_cancelled(server, root, user):
    link = upload(user)
    entry = find_upload(root, user)
    assert entry["path"] == "/images" and entry["client"] == "127.0.0.1" and entry["front_end"] == "native"
    assert entry["state"] in ("body", "working") and entry["age"] >= 0
    shown = server.cli("admin", "requests", check=0).stdout
    assert entry["id"] in shown and "POST /images" in shown
    assert "Cancelled" in server.cli("admin", "cancel", entry["id"], check=0).stdout
    link.sock.settimeout(60)
    try:
        while link.sock.recv(65536):
            pass
    except (ConnectionResetError, BrokenPipeError):
        pass
    eventually(lambda: all(other["id"] != entry["id"] for other in listed(root)), "the request is gone", seconds=60)
    (image,) = user.listed(detail=True)
    eventually(lambda: user.status_of(image["_id"]) == "error", "the upload ended as a broken one", seconds=60)
    assert root.delete(f"/requests/{entry['id']}").status == 404
    link.close()


def test_the_asking_request_is_listed_and_does_not_end_itself(root):
    response = root.get("/requests")
    # Not by its path: another one just like it may have been answered a moment ago.
    (own,) = [entry for entry in response.json["requests"] if entry["id"] == response.header("x-request-id")]
    assert own["path"] == "/requests"
    assert own["state"] == "working" and own["account"] == root.access_key


def test_secrets_of_presigned_requests_are_not_shown(server, root, user):
    wire = Wire(server)
    wire.send("POST /images?X-Amz-Signature=0123456789abcdef&name=x HTTP/1.1\r\nHost: t\r\n")
    eventually(lambda: any(entry["state"] == "head" for entry in listed(root)), "the head is awaited", seconds=60)
    assert "0123456789abcdef" not in root.get("/requests").body.decode()
    wire.socket.close()


def test_jobs_tell_how_they_went(server, root):
    def told():
        return {job["name"]: job for job in root.get("/jobs").json["jobs"]}

    eventually(lambda: told()["recovery"].get("result") == "done", "what an earlier end left behind is put right")
    jobs = told()
    assert jobs["recovery"]["result"] == "done" and jobs["recovery"]["runs"] == 1
    assert jobs["tidy"]["period"] == 30 and "next_at" in jobs["tidy"] or jobs["tidy"]["state"] == "running"
    assert "recovery" in server.cli("admin", "jobs", check=0).stdout
    assert root.get("/jobs", [("Accept", "application/xml")]).xml.tag == "jobs"


def test_others_see_nothing_of_it(server, user):
    for method, target in [("GET", "/requests"), ("DELETE", "/requests/x"), ("GET", "/jobs")]:
        assert user.request(method, target).status == 403
        assert user.anonymous().request(method, target).status == 403
    assert server.cli("admin", "requests", api=user).returncode != 0


def test_many_requests_at_once_are_all_listed(server, root):
    wires = [Wire(server) for _ in range(50)]
    for wire in wires:
        wire.send("GET /images HTTP/1.1\r\nHo")
    eventually(lambda: sum(entry["state"] == "head" for entry in listed(root)) >= 50, "all are listed", seconds=60)
    for wire in wires:
        wire.socket.close()
    eventually(lambda: not any(entry["state"] == "head" for entry in listed(root)), "all are gone", seconds=60)
