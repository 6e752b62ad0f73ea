"""Restarts and upgrades on one machine fail no request, and an upgrade that can't be leaves the server as it was."""

import hashlib
import http.client
import itertools
import os
import pathlib
import signal
import socket
import sys
import threading

import pytest

from harness.api import BINARY, meta
from harness.payload import data, sha256
from harness.replaceable import PATIENT, Replaceable, ServiceManager
from harness.wait import eventually

BIG = 48 * 1024 * 1024
SECONDS = 300  # for what a busy machine does slowly


class Load:
    """Clients that never stop, each counting what it got done and keeping what went wrong."""

    def __init__(self, server):
        self.server = server
        self.api = server.api()
        self.failures = []
        self.made = []
        self.counts = {}
        self.ending = threading.Event()
        self.small = data(30_000, "small")
        self.image = self.api.upload(self.small)
        self.threads = [
            threading.Thread(target=self._repeat, args=(name, step), daemon=True)
            for name, step in [
                ("reads on one connection", self._reader()), ("downloads on new connections", self._download),
                ("creates", self._create), ("uploads", self._upload),
            ]
        ]

    def _reader(self):
        link = self.api.connect(SECONDS)

        def step():
            response = self.api.get(f"/images/{self.image}/metadata", connection=link)
            assert response.status == 200 and response.image["_id"] == self.image, response

        return step

    def _download(self):
        link = self.api.connect(SECONDS)
        try:
            response = self.api.get(f"/images/{self.image}", connection=link)
            assert response.status == 200 and response.body == self.small, response.status
        finally:
            link.close()

    def _post(self, name, headers, body=None):
        link = self.api.connect(SECONDS)
        try:
            response = self.api.post("/images", [*meta(name=name, architecture="x86_64"), *headers], body, connection=link)
            assert response.status == 200, response
            return response.image
        finally:
            link.close()

    def _create(self):
        self.made.append((self._post("created", [])["_id"], None))

    def _upload(self):
        content = data(20_000 + len(self.made), "upload")
        image = self._post("uploaded", [BINARY], content)
        assert image["status"] == "available", image
        self.made.append((image["_id"], sha256(content)))

    def _repeat(self, name, step):
        self.counts[name] = 0
        while not self.ending.is_set():
            try:
                step()
            except Exception as failure:  # whatever it is, a client would see it
                self.failures.append(f"{name}: {failure!r}")
            self.counts[name] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.go_on()
        return self

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(SECONDS)

    def __exit__(self, kind, *_):
        self.end()
        assert kind or not any(thread.is_alive() for thread in self.threads)

    def go_on(self, times=3):
        """Waits until every client has got that much more done."""
        before = dict(self.counts)
        eventually(lambda: len(self.counts) == len(self.threads)
                   and all(self.counts[name] >= before.get(name, 0) + times for name in self.counts),
                   f"all clients go on: {self.counts}, {self.failures[:3]}", seconds=SECONDS)

    def check_what_was_made(self):
        # Clients that went on would make more than is checked in the same time.
        self.end()
        assert self.failures == []
        for image, digest in self.made:
            response = self.api.get(f"/images/{image}" + ("" if digest else "/metadata"))
            assert response.status == 200, image
            assert digest is None or sha256(response.body) == digest


class SlowDownload:
    """Takes a part of a large image at a time, over a connection that holds little in between."""

    def __init__(self, api, image):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.socket.settimeout(SECONDS)
        self.socket.connect((api.host, api.port))
        target = f"/images/{image}"
        head = f"GET {target} HTTP/1.1\r\nHost: {api.host}:{api.port}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in api.signed("GET", target))
        self.socket.sendall(head.encode() + b"\r\n")
        self.answer = http.client.HTTPResponse(self.socket, method="GET")
        self.answer.begin()
        assert self.answer.status == 200
        self.digest = hashlib.sha256()
        self.size = 0

    def take(self, size):
        while size > 0:
            part = self.answer.read(min(size, 65536))
            if not part:
                break
            self.digest.update(part)
            self.size += len(part)
            size -= len(part)

    def finish(self):
        self.take(BIG)
        self.answer.close()
        self.socket.close()
        return self.size, self.digest.hexdigest()


class LongUpload:
    """Sends half of a body, and the rest when it is told to."""

    def __init__(self, api, content):
        self.content = content
        self.api = api
        self.link = api.connect(SECONDS)
        headers = api.signed("POST", "/images", [*meta(name="long", architecture="x86_64"), BINARY], content)
        self.link.putrequest("POST", "/images", skip_accept_encoding=True)
        for name, value in headers:
            self.link.putheader(name, value)
        self.link.putheader("Content-Length", str(len(content)))
        self.link.endheaders(content[: len(content) // 2])

    def finish(self):
        self.link.send(self.content[len(self.content) // 2:])
        answer = self.link.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        self.link.close()


def big_image(server):
    content = data(1 << 20, "big") * (BIG >> 20)
    return server.api().upload(content), hashlib.sha256(content).hexdigest()


def requests_under_way(server):
    response = server.api().get("/requests")
    assert response.status == 200, response
    return response.json["requests"]


def wait_for_upload(server):
    """Until the server takes an upload for one that may be long."""
    eventually(lambda: any(entry.get("method") == "POST" and entry["age"] > 5 and entry["bytes_in"] > 1_000_000
                           for entry in requests_under_way(server)), "the upload is under way", seconds=SECONDS)


def test_five_upgrades_under_load_fail_no_request():
    with Replaceable() as server:
        image, digest = big_image(server)
        with Load(server) as load:
            download = SlowDownload(server.api(), image)
            pids = [server.pid]
            for number in range(5):
                server.exchange()
                assert "Upgraded" in server.upgrade()
                pids.append(server.pid)
                download.take(BIG // 8)
                load.go_on()
                if number == 1:
                    late = SlowDownload(server.api(), image)
            assert load.failures == []
            assert len(set(pids)) == 6
            assert download.finish() == (BIG, digest)
            assert late.finish() == (BIG, digest)
        load.check_what_was_made()


def test_an_upload_under_way_is_waited_for_while_everything_else_goes_on():
    with Replaceable() as server, Load(server) as load:
        content = data(10_000_000, "long")
        upload = LongUpload(server.api(), content)
        wait_for_upload(server)
        before = server.pid
        asked = server.begin_upgrade()
        for line in asked.stdout:
            if "waiting for uploads" in line:
                break
        load.go_on()
        load.go_on()
        assert asked.poll() is None and server.pid == before
        upload.finish()
        said, _ = asked.communicate(timeout=SECONDS)
        assert asked.returncode == 0, said
        assert server.pid != before
        load.go_on()
        load.check_what_was_made()


@pytest.mark.parametrize("broken", ["it ends at once", "it is no program", "the configuration has a mistake", "it refuses to serve"])
def test_a_new_program_that_does_not_work_leaves_the_old_one_serving(broken):
    with Replaceable() as server, Load(server) as load:
        before = server.pid
        if broken == "it ends at once":
            server.exchange("#!/bin/sh\necho it is quite broken >&2\nexit 3\n")
        elif broken == "it is no program":
            server.exchange("nothing that a system can run")
        elif broken == "the configuration has a mistake":
            (server.folder / "visor-config.yml").write_text("limits:\n  idle_timeout: soon\n")
        else:
            server.exchange('#!/bin/sh\ncase " $* " in *" --check-config "*) exit 0 ;; esac\nexit 7\n')
        said = server.upgrade(status=1)
        told = {
            "it ends at once": "it is quite broken", "it is no program": "can't be started",
            "the configuration has a mistake": "'soon' is not a duration", "it refuses to serve": "status 7",
        }
        assert told[broken] in said
        eventually(lambda: told[broken] in server.log, "the log tells", seconds=SECONDS)
        assert server.pid == before
        load.go_on()
        server.exchange()
        (server.folder / "visor-config.yml").write_text(PATIENT)
        server.upgrade()
        assert server.pid != before
        load.go_on()
        load.check_what_was_made()


def catalogue_files(pid):
    """What of the data folder's single-owner files a process has open."""
    found = []
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        if target.split(" ")[0].endswith(("/catalogue.db", "/catalogue.db-wal", "/data/lock")):
            found.append(target)
    return found


def test_two_processes_never_have_the_data_at_once():
    with Replaceable() as server, Load(server) as load:
        old = server.pid
        assert catalogue_files(old)
        server.exchange_for_gated()
        asked = server.begin_upgrade()
        server.reached()
        assert catalogue_files(old) == []
        assert (server.folder / "lock-was").read_text() == "free\n"
        server.open_gate()
        said, _ = asked.communicate(timeout=SECONDS)
        assert asked.returncode == 0, said
        assert server.pid != old
        load.go_on()
        load.check_what_was_made()


def test_kill_dash_nine_of_the_old_server_in_the_middle_of_a_hand_over_fails_nobody():
    with Replaceable() as server, Load(server) as load:
        old = server.pid
        server.exchange_for_gated()
        asked = server.begin_upgrade()
        new = server.reached()
        os.kill(old, signal.SIGKILL)
        said, _ = asked.communicate(timeout=SECONDS)
        assert asked.returncode == 1 and "ended before" in said, said
        server.open_gate()
        load.go_on()
        assert server.pid == new
        load.check_what_was_made()


def test_kill_dash_nine_of_the_new_server_in_the_middle_of_a_hand_over_fails_nobody():
    with Replaceable() as server:
        image, digest = big_image(server)
        with Load(server) as load:
            old = server.pid
            download = SlowDownload(server.api(), image)
            server.exchange_for_gated()
            asked = server.begin_upgrade()
            os.kill(server.reached(), signal.SIGKILL)
            said, _ = asked.communicate(timeout=SECONDS)
            assert asked.returncode == 1 and "signal 9" in said, said
            assert server.pid == old
            load.go_on()
            server.exchange()
            server.upgrade()
            assert server.pid != old
            load.go_on()
            assert download.finish() == (BIG, digest)
        load.check_what_was_made()


# A successor that is the server at the moment at which the one before is told to stop.
TOLD_TO_STOP_MEANWHILE = """#!{python}
import os, signal, sys, time
if "--check-config" in sys.argv:
    sys.exit(0)
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
os.kill(os.getppid(), signal.SIGTERM)
os.write(int(os.environ["VISOR_HANDOVER"]), b"R")
for _ in range(3000):
    if told:
        break
    time.sleep(0.1)
"""


def test_a_signal_to_stop_in_the_middle_of_a_hand_over_ends_whoever_serves_behind_it():
    with Replaceable() as server:
        server.exchange(TOLD_TO_STOP_MEANWHILE.format(python=sys.executable))
        asked = server.begin_upgrade()
        asked.communicate(timeout=SECONDS)
        eventually(server.all_ended, "both processes ended", seconds=120)


def test_a_process_that_only_ends_its_downloads_is_not_upgraded_and_goes_on():
    with Replaceable() as server:
        image, digest = big_image(server)
        download = SlowDownload(server.api(), image)
        old = server.pid
        server.exchange()
        server.upgrade()
        assert server.pid != old
        os.kill(old, signal.SIGUSR2)
        eventually(lambda: "only ends its downloads" in server.log, "the old process heard it", seconds=SECONDS)
        assert download.finish() == (BIG, digest)


def test_who_asks_for_an_upgrade_while_another_waits_for_one_is_told_so():
    with Replaceable() as server:
        server.exchange_for_gated()
        first = server.begin_upgrade()
        server.reached()
        assert "another visord upgrade" in server.upgrade(status=1)
        server.open_gate()
        said, _ = first.communicate(timeout=SECONDS)
        assert first.returncode == 0, said


def test_who_asks_again_after_the_first_was_ended_hears_what_comes_of_the_upgrade_under_way():
    with Replaceable() as server, Load(server) as load:
        upload = LongUpload(server.api(), data(10_000_000, "long"))
        wait_for_upload(server)
        first = server.begin_upgrade()
        for line in first.stdout:
            if "waiting for uploads" in line:
                break
        first.kill()
        first.communicate(timeout=SECONDS)
        second = server.begin_upgrade()
        eventually(lambda: "under way already" in server.log, "the server heard it", seconds=SECONDS)
        upload.finish()
        said, _ = second.communicate(timeout=SECONDS)
        assert second.returncode == 0, said
        load.check_what_was_made()


def test_restarts_fail_no_request_where_a_service_manager_keeps_the_sockets(tmp_path):
    manager = ServiceManager(tmp_path)
    try:
        with Replaceable(environment=manager.environment()) as server:
            eventually(lambda: manager.heard("READY=1") and manager.kept, "the server told its manager", seconds=SECONDS)
            port = server.port
            with Load(server) as load:
                for number in itertools.count(1):
                    os.kill(server.pid, signal.SIGTERM)
                    status = server.wait(SECONDS)
                    assert status == 0, server.log
                    server.wrap, server.pass_fds = manager.wrap()
                    server.start()
                    assert server.port == port
                    load.go_on()
                    if number == 5:
                        break
                # A crash, after which a manager starts the server anew, loses what was under way but nobody who waits.
                assert load.failures == []
                server.exchange()
                server.upgrade()
                eventually(lambda: manager.heard(f"MAINPID={server.pid}"), "the new process was told", seconds=SECONDS)
                load.go_on()
            load.check_what_was_made()
            eventually(lambda: manager.heard("STOPPING=1"), "the stop was told", seconds=SECONDS)
            os.kill(server.pid, signal.SIGHUP)
            eventually(lambda: manager.heard("RELOADING=1"), "the reload was told", seconds=SECONDS)
    finally:
        manager.close()


def test_an_upgrade_of_what_is_in_memory_is_refused(tmp_path):
    with Replaceable(config=PATIENT + '\ncatalogue: "memory:"\n') as server:
        assert "in memory" in server.upgrade(status=1)
        assert server.api().get("/images").status == 200


def test_without_a_server_there_is_nothing_to_upgrade(tmp_path):
    with Replaceable() as server:
        os.kill(server.pid, signal.SIGTERM)
        server.wait()
        assert "nothing to upgrade" in server.upgrade(status=1)
