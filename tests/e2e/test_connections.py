"""Connections: kept, pipelined, closed when they should be, and never in each other's way."""

import pytest

from harness import raw, settings
from harness.api import BINARY, meta
from harness.disturbed import disturbed
from harness.payload import data
from harness.server import Server
from harness.wait import eventually


def test_a_connection_serves_many_requests(server, user):
    link = user.connect()
    for _ in range(20):
        assert user.get("/images?name=none", connection=link).status == 200
    link.close()


def test_pipelined_requests_are_answered_in_order(server, user, mark):
    images = [user.upload(data(1000 + number), mark=mark) for number in range(5)]
    with raw.Wire(server) as wire:
        wire.send(b"".join(raw.signed_head(user, "GET", f"/images/{image}") for image in images))
        for number in range(5):
            status, _, body = wire.read_answer()
            assert (status, body) == (200, data(1000 + number))


def test_an_upload_may_be_followed_by_the_next_request_in_one_packet(server, user):
    content = data(5000)
    upload = raw.signed_head(
        user, "POST", "/images", [*meta(name="n", architecture="i386"), BINARY], [("Content-Length", str(len(content)))]
    )
    with raw.Wire(server) as wire:
        wire.send(upload + content + raw.signed_head(user, "GET", "/images?name=none"))
        assert wire.read_answer()[0] == 200
        status, _, body = wire.read_answer()
        assert (status, body) == (200, b'{"images":[]}') or b"[" in body


def test_a_request_byte_by_byte_is_a_request(server, user):
    with raw.Wire(server) as wire:
        for byte in raw.signed_head(user, "GET", "/images?name=none"):
            wire.send(bytes([byte]))
        assert wire.read_answer()[0] == 200


def test_connection_close_is_honoured(server, user):
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "GET", "/images?name=none", framing=[("Connection", "close")]))
        status, headers, _ = wire.read_answer()
        assert status == 200
        assert headers["connection"].lower() == "close"
        assert wire.read_until_closed() == b""


def test_http_1_0_is_answered_and_closed(server):
    with raw.Wire(server) as wire:
        wire.send("GET /status HTTP/1.0\r\n\r\n")
        head, _, body = wire.read_until_closed().partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0] + b" "
    assert b"OK" in body
    assert b"chunked" not in head.lower()


def test_a_client_that_closes_its_half_still_gets_its_answer(server, user):
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "GET", "/images?name=none"))
        wire.half_close()
        assert wire.read_answer()[0] == 200


def test_a_refused_upload_leaves_no_connection_that_could_be_misread(server, user):
    """The body of a refused request must not be taken for the next request."""
    smuggled = raw.head("GET", "/status", [("Host", "x")])
    headers = [*meta(architecture="i386"), BINARY]
    with raw.Wire(server) as wire:
        wire.send(raw.signed_head(user, "POST", "/images", headers, [("Content-Length", str(len(smuggled)))]) + smuggled)
        assert wire.read_answer()[0] == 400
        wire.half_close()
        assert wire.read_until_closed() == b""


@pytest.mark.release_only
def test_a_head_that_never_ends_is_cut_off():
    with Server(config=settings.timeouts(head="1s")) as server:
        with raw.Wire(server, timeout=60) as wire:
            wire.send("GET /status HTTP/1.1\r\nHost:")
            answer = wire.read_until_closed()
        assert answer == b"" or b" 408 " in answer or b" 400 " in answer


@pytest.mark.release_only
def test_an_idle_connection_is_closed():
    # Long enough for a client on a busy machine to say what it came for.
    with Server(config=settings.timeouts(idle="5s")) as server:
        with raw.Wire(server, timeout=60) as wire:
            wire.send("GET /status HTTP/1.1\r\nHost: x\r\n\r\n")
            assert wire.read_answer()[0] == 200
            assert wire.read_until_closed() == b""


def test_two_thousand_idle_connections_disturb_nobody(fresh):
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    count = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    wires = []
    try:
        for _ in range(count):
            wires.append(raw.Wire(fresh))
        assert fresh.api().get("/images").status in (200, 503)
    finally:
        for wire in wires:
            wire.socket.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert fresh.api().get("/images").status == 200


def test_a_graceful_stop_finishes_a_running_download():
    with Server() as server:
        root, content = server.api(), data(8 * 1024 * 1024)
        image = root.upload(content)
        with raw.Wire(server) as wire:
            wire.send(raw.signed_head(root, "GET", f"/images/{image}"))
            status, headers = wire.read_head()
            assert status == 200
            server.signal(15)
            assert wire.read_exactly(int(headers["content-length"])) == content
        assert server.wait() == 0


def test_a_graceful_stop_finishes_a_running_upload():
    with Server() as server:
        root, content = server.api(), data(200_000)
        headers = [*meta(name="n", architecture="i386"), BINARY]
        with raw.Wire(server) as wire:
            wire.send(raw.signed_head(root, "POST", "/images", headers, [("Content-Length", str(len(content))), ("Expect", "100-continue")]))
            assert wire.read_head()[0] == 100
            wire.send(content[:1000])
            server.signal(15)
            wire.send(content[1000:])
            status, _, body = wire.read_answer()
        assert status == 200, body
        assert server.wait() == 0
        server.start()
        assert [entry["size"] for entry in server.api().listed()] in ([200_000], ["200000"])


def test_a_socket_that_the_system_cannot_watch_costs_that_client_alone():
    with Server() as server:
        api = server.api()
        kept = api.connect()
        assert api.get("/images", connection=kept).status == 200
        with disturbed(server, "epoll_ctl", "error=ENOSPC"):
            for _ in range(4):
                with pytest.raises(OSError):
                    api.get("/images", connection=api.connect())
            eventually(lambda: "could not be taken" in server.log, "the log tells")
        assert api.get("/images", connection=kept).status == 200
        assert api.get("/images").status == 200
        kept.close()
