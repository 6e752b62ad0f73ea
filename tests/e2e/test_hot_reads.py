"""Answers from memory are as good as any: true, current, and only for who may see them."""

import http.client
import signal
import subprocess
import threading

from harness.api import meta
from harness.server import BINARIES, Server
from harness.wait import eventually


def attributes(api, image, extra=()):
    answer = api.get(f"/images/{image}/metadata", list(extra))
    return answer.status, answer.image if answer.status == 200 else None


def warm(api, image):
    for _ in range(3):
        assert api.get(f"/images/{image}/metadata").status == 200
        assert api.head(f"/images/{image}").status == 200


def test_a_private_image_in_memory_stays_private(user, other, root, mark):
    image = user.upload(b"private data", access="private", mark=mark)
    warm(user, image)
    for stranger in (other, root):
        assert attributes(stranger, image)[0] == 404
        assert stranger.head(f"/images/{image}").status == 404
    assert attributes(root, image, [("x-visor-scope", "all")])[0] == 200
    assert attributes(other, image)[0] == 404


def test_a_change_of_access_counts_for_the_next_request(user, other, mark):
    image = user.upload(b"data", access="public", mark=mark)
    warm(other, image)
    for _ in range(5):
        assert user.put(f"/images/{image}", meta(access="private")).status == 200
        assert attributes(other, image)[0] == 404
        assert other.head(f"/images/{image}").status == 404
        assert user.put(f"/images/{image}", meta(access="public")).status == 200
        assert attributes(other, image)[0] == 200


def test_a_change_is_seen_by_every_connection_once_it_is_answered(user, other, mark):
    image = user.upload(b"data", access="public", mark=mark)
    warm(other, image)
    for number in range(20):
        assert user.put(f"/images/{image}", meta(round=str(number))).status == 200
        # Each request has a connection of its own, and so any of the event loops.
        for api in (user, other):
            assert attributes(api, image)[1]["round"] == str(number)
            assert api.head(f"/images/{image}").meta["round"] == str(number)


def test_a_removed_image_is_gone_from_memory(user, other, mark):
    image = user.upload(b"data", access="public", mark=mark)
    warm(other, image)
    assert user.delete(f"/images/{image}").status == 200
    for api in (user, other):
        assert attributes(api, image)[0] == 404
        assert api.head(f"/images/{image}").status == 404


def test_downloads_are_counted_in_what_memory_tells(user, other, mark):
    image = user.upload(b"data", access="public", mark=mark)
    warm(other, image)
    for number in range(1, 4):
        assert other.get(f"/images/{image}").body == b"data"
        assert attributes(other, image)[1]["access_count"] == number


def test_readers_never_see_an_older_round_while_a_writer_goes_on(user, other, mark):
    image = user.upload(b"data", access="public", mark=mark, round="0")
    answered, wrong, stop = [0], [], threading.Event()

    def read(api):
        last = 0
        while not stop.is_set():
            before = answered[0]
            status, found = attributes(api, image)
            number = int(found["round"]) if status == 200 else -1
            if number < before or number < last:
                wrong.append((before, last, number, status))
            last = number

    readers = [threading.Thread(target=read, args=(api,)) for api in (user, other)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, 60):
            assert user.put(f"/images/{image}", meta(round=str(number))).status == 200
            answered[0] = number
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []


def test_the_access_log_has_every_request_after_a_rotation_and_at_the_end(tmp_path):
    log, rotated = tmp_path / "visor.log", tmp_path / "visor.log.1"
    command = [str(BINARIES / "visord"), "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--log-file", str(log)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: log.exists() and Server.READY.search(log.read_text()), "the server listens", 60)
        port = int(Server.READY.search(log.read_text()).group(3))

        def ask(times):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for _ in range(times):
                connection.request("GET", "/status")
                assert connection.getresponse().read() == b"OK"
            connection.close()

        ask(20)
        # Lines wait for each other, but not for more requests.
        eventually(lambda: log.read_text().count("path=/status") == 20, "the lines are in the file", 60)
        log.rename(rotated)
        ask(20)
        process.send_signal(signal.SIGHUP)
        eventually(log.exists, "the log is opened again", 60)
        ask(20)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    lines = [line for file in (rotated, log) for line in file.read_text().splitlines() if "path=/status" in line]
    assert len(lines) == 60
    assert all(line.endswith("complete=yes") for line in lines)
    assert log.read_text().rstrip().endswith("info stopped")
