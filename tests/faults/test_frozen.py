"""A server that stands still for a while, as on a machine that is suspended or swaps: transfers go on or end, never wrong."""

import pathlib
import signal
import time

import pytest
from harness import raw
from harness.api import BINARY
from harness.payload import data
from harness.wait import eventually

from rig import scene, tally
from rig.ledger import FAILURES

pytestmark = pytest.mark.without_strace
SIZE = 8_000_000
# A client that is slower than this is cut off: a server must not take its own sleep for the client's.
IMPATIENT = "limits:\n  body_minimum_rate: 1 KiB\n  answer_minimum_rate: 1 KiB\n  rate_window: 3s\n"


def state(server):
    return pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def freeze(server, seconds):
    server.signal(signal.SIGSTOP)
    eventually(lambda: state(server) in "Tt", "the server stands still", 30)
    time.sleep(seconds)  # the fault itself
    tally.add("freezes")
    tally.add("injected errors")


def thaw(server):
    server.signal(signal.SIGCONT)


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("sent", [0, 1, 1_000_000, SIZE - 1])
def test_an_upload_goes_on_where_it_stood(framing, sent):
    content = data(SIZE, "frozen")
    with scene.Scene(scene.plain()) as server:
        server.start()
        root, client = server.api(), server.client()
        image = client.register("frozen")
        server.ledger.attempted.append(content)
        headers = [("Content-Length", str(SIZE))] if framing == "length" else [("Transfer-Encoding", "chunked")]
        with raw.Wire(server, timeout=60) as wire:
            wire.send(raw.signed_head(root, "PUT", f"/images/{image}", [BINARY], [*headers, ("Expect", "100-continue")]))
            assert wire.read_head()[0] == 100
            wire.send((b"" if framing == "length" else f"{SIZE:x}\r\n".encode()) + content[:sent])
            freeze(server, 0.3)
            thaw(server)
            wire.send(content[sent:] + (b"" if framing == "length" else b"\r\n0\r\n\r\n"))
            assert wire.read_answer()[0] == 200
        server.ledger.attempted.remove(content)
        server.ledger.contents[image] = content
        server.kill()
        server.come_back()


@pytest.mark.parametrize("taken", [0, 1, 1_000_000])
def test_a_download_goes_on_where_it_stood(taken):
    content = data(SIZE, "frozen")
    with scene.Scene(scene.plain()) as server:
        server.start()
        root, client = server.api(), server.client()
        image = client.upload(content)
        with raw.Wire(server, timeout=60) as wire:
            wire.send(raw.signed_head(root, "GET", f"/images/{image}"))
            assert wire.read_head()[0] == 200
            begin = wire.read_exactly(taken)
            freeze(server, 0.3)
            thaw(server)
            assert begin + wire.read_exactly(SIZE - taken) == content
        server.kill()
        server.come_back()


@pytest.mark.parametrize("way", ["upload", "download"])
def test_a_sleep_longer_than_the_patience_with_slow_clients_leaves_nothing_half(way):
    content = data(SIZE, "frozen")
    with scene.Scene(scene.plain(), config=scene.ONE_THREAD_OF_EACH_KIND + IMPATIENT) as server:
        server.start()
        root, client = server.api(), server.client(FAILURES)
        image = client.upload(content) if way == "download" else client.register("frozen")
        with raw.Wire(server, timeout=60) as wire:
            if way == "upload":
                server.ledger.attempted.append(content)
                head = raw.signed_head(root, "PUT", f"/images/{image}", [BINARY], [("Content-Length", str(SIZE)), ("Expect", "100-continue")])
                wire.send(head)
                assert wire.read_head()[0] == 100
                wire.send(content[:1_000_000])
                freeze(server, 7)
                thaw(server)
                wire.send(content[1_000_000:])
                if wire.read_answer()[0] == 200:
                    server.ledger.attempted.remove(content)
                    server.ledger.contents[image] = content
            else:
                wire.send(raw.signed_head(root, "GET", f"/images/{image}"))
                assert wire.read_head()[0] == 200
                freeze(server, 7)
                thaw(server)
                # Cut off or whole: the length tells a client.
                assert content.startswith(receive(wire, SIZE))
        again = client.upload(b"as before")
        assert client.download(again)
        server.kill()
        server.come_back()


def receive(wire, size):
    """As much as comes, at most `size` bytes."""
    while len(wire.buffer) < size and wire._more():
        pass
    return wire.buffer[:size]


def test_killed_in_its_sleep():
    content = data(SIZE, "frozen")
    with scene.Scene(scene.plain()) as server:
        server.start()
        root, client = server.api(), server.client()
        image = client.register("frozen")
        server.ledger.attempted.append(content)
        with raw.Wire(server) as wire:
            wire.send(raw.signed_head(root, "PUT", f"/images/{image}", [BINARY], [("Content-Length", str(SIZE)), ("Expect", "100-continue")]))
            assert wire.read_head()[0] == 100
            wire.send(content[:3_000_000])
            freeze(server, 0)
            server.kill()
        server.come_back()
