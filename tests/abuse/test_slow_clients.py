"""Clients that are slow on purpose (slowhttptest), beside one that is not and must not notice."""

import re
import subprocess
import threading
import time

import pytest

from harness import raw, settings, signing
from harness.api import BINARY, meta
from harness.payload import data
from harness.server import ROOT_KEY, ROOT_SECRET, Server
from harness.wait import eventually

CONNECTIONS = 200
# How long the tool goes on at most. It ends as soon as all its connections are closed, but for slow readers, who don't notice.
SECONDS = {"readers": 40}
AT_MOST = 180
LIMITS = (
    "accounts:\n  anonymous_read: true\n"
    "limits:\n  header_timeout: 4s\n  idle_timeout: 4s\n  body_minimum_rate: 1 KiB\n  answer_minimum_rate: 1 KiB\n  rate_window: 4s\n"
)
CONTENT = data(24 * 1024 * 1024, "read slowly")
SMALL = data(4096, "read fast")


@pytest.fixture(scope="module")
def served():
    with Server(config=LIMITS) as server:
        root = server.api()
        server.large = root.upload(CONTENT)
        server.small = root.upload(SMALL)
        yield server


class Watch(threading.Thread):
    """How many descriptors the server has, from moment to moment."""

    def __init__(self, server):
        super().__init__()
        self.server, self.ended, self.seen = server, threading.Event(), []

    def run(self):
        while not self.ended.wait(0.05):
            self.seen.append(len(self.server.open_files()))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def after_the_peak(self):
        """The peak, and the least that was seen behind it."""
        peak = max(self.seen)
        return peak, min(self.seen[self.seen.index(peak):])


class NormalClient(threading.Thread):
    """Goes on reading a small image and its metadata until it is told to stop."""

    def __init__(self, server):
        super().__init__()
        self.server, self.ended = server, threading.Event()
        self.served, self.slowest, self.failures = 0, 0.0, []

    def run(self):
        api = self.server.api().anonymous()
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                response = api.get(f"/images/{self.server.small}")
                if (response.status, response.body) != (200, SMALL):
                    self.failures.append(response)
            except (OSError, AssertionError) as failure:
                self.failures.append(failure)
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.served += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def attack(seconds, url, *options):
    """Runs slowhttptest; how it ended, in its own words."""
    done = subprocess.run(
        ["slowhttptest", "-c", str(CONNECTIONS), "-r", "100", "-l", str(seconds), "-p", "30", "-u", url, *options],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds + 120, check=False,
    )
    printed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace"))
    endings = re.findall(r"Exit status:\s*(.+)", printed)
    assert endings, printed[-3000:]
    return endings[-1].strip()


def presigned(server, method, image):
    target = signing.presigned(ROOT_KEY, ROOT_SECRET, server.address, method, f"/images/{image}", expires=600)
    return server.address + target


def draft(server):
    response = server.api().post("/images", meta(name="slow", architecture="x86_64"))
    assert response.status == 200
    return response.image["_id"]


KINDS = {
    # One field a second: more than that the head never gets.
    "heads": lambda server: (f"{server.address}/images/{server.small}", ["-H", "-i", "1"]),
    # Some bytes a second of a body that the server would have to take for the whole hour it needs.
    "bodies": lambda server: (presigned(server, "PUT", draft(server)), ["-B", "-i", "1", "-t", "PUT", "-s", "1000000", "-f", BINARY[1]]),
    "refused bodies": lambda server: (f"{server.address}/images", ["-B", "-i", "1", "-t", "POST", "-s", "1000000", "-f", BINARY[1]]),
    "ranges": lambda server: (f"{server.address}/images/{server.large}", ["-R", "-a", "1", "-b", "1000"]),
    # Five bytes a second of an image of 24 MiB, through a window of half a KiB.
    "readers": lambda server: (f"{server.address}/images/{server.large}", ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "5", "-k", "1"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_slow_clients_are_cut_off_and_disturb_nobody(served, count, kind):
    url, options = KINDS[kind](served)
    before_files, before_bytes = len(served.open_files()), served.resident_bytes()
    with NormalClient(served) as normal, Watch(served) as watch:
        ending = attack(SECONDS.get(kind, AT_MOST), url, *options)
        assert served.running()
    assert normal.served > 0 and not normal.failures, normal.failures[:3]
    peak, least = watch.after_the_peak()
    # The tool ends early if all its connections were closed. A slow reader does not notice while it has something to read,
    # so there the server's own descriptors tell, as they were before the tool gave up.
    assert ending == "No open connections left" or (kind == "readers" and peak > before_files + CONNECTIONS // 2 and least <= before_files + 4)
    eventually(lambda: len(served.open_files()) <= before_files + 4, f"the connections are gone after {ending}", 120)
    assert served.resident_bytes() - before_bytes < 256 * 1024 * 1024
    assert served.api().get(f"/images/{served.small}").body == SMALL
    count(
        f"slow {kind}: {CONNECTIONS} connections, at most {peak - before_files} descriptors more at once, all closed by the server; "
        f"beside them {normal.served} requests of another client, all answered, the slowest in {normal.slowest:.2f} s"
    )


def test_uploads_that_stall_are_given_up_and_leave_nothing(served, count):
    """Each into an image of its own, so that the server really takes them, and then falls silent."""
    api = served.api()
    before_files, before_stored = len(served.open_files()), served.stored_bytes()
    images = [draft(served) for _ in range(60)]
    uploads = []
    with NormalClient(served) as normal:
        for image in images:
            wire = raw.Wire(served, timeout=120)
            wire.send(raw.signed_head(api, "PUT", f"/images/{image}", [BINARY], [("Content-Length", "100000000")]) + bytes(1000))
            uploads.append(wire)
        eventually(lambda: len(served.open_files()) >= before_files + 60, "all are under way", 60)
        statuses = [wire.read_answer()[0] for wire in uploads]
        eventually(lambda: len(served.open_files()) <= before_files + 4, "all are given up", 120)
    for wire in uploads:
        wire.socket.close()
    # They are signed as clients of 2012 sign, which know no 408.
    assert 503 in statuses and set(statuses) <= {503, None}, statuses
    assert not normal.failures, normal.failures[:3]
    eventually(lambda: served.stored_bytes() <= before_stored, "nothing of them is stored", 60)
    assert {api.status_of(image) for image in images[:10]} <= {"error", "locked"}
    count(f"slow uploads: 60 stalled uploads given up; beside them {normal.served} requests of another client, all answered")


def test_thousand_overlapping_ranges_are_no_more_than_the_image(served):
    """A list of ranges is answered with the whole, once: nothing is gained by asking for the same bytes often."""
    api = served.api().anonymous()
    for ranges in (",".join(["0-"] * 1000), ",".join(f"{n}-" for n in range(500)), "0-0,0-0", ",".join(["-1"] * 1000)):
        response = api.get(f"/images/{served.small}", [("Range", "bytes=" + ranges)])
        assert (response.status, response.body) == (200, SMALL)


def test_a_client_that_reads_nothing_at_all_is_cut_off():
    """The window is closed from the start: not one byte of the answer gets through."""
    import socket

    with Server(config=settings.slowest_transfer("1 KiB", "2s") + "accounts:\n  anonymous_read: true\n") as server:
        image = server.api().upload(CONTENT)
        files = len(server.open_files())
        readers = []
        for _ in range(20):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            reader.connect((server.host, server.port))
            reader.sendall(f"GET /images/{image} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            readers.append(reader)
        # Under load the catalogue opens its file once more, and keeps it.
        eventually(lambda: len(server.open_files()) > files + 4, "the downloads run")
        eventually(lambda: len(server.open_files()) <= files + 4, "the downloads are given up", 120)
        for reader in readers:
            reader.close()
        assert server.api().get(f"/images/{image}").body == CONTENT
