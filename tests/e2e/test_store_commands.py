"""visor store: what an administrator sees of stores and copies, and does with them."""

import contextlib
import http.server
import json
import os
import pathlib
import signal
import subprocess
import threading
import urllib.parse

import pytest

from harness.api import meta
from harness.payload import data
from harness.server import BINARIES, Server
from harness.wait import eventually

CONTENT = data(3_000_000, "store commands")
TWO_STORES = """
default_store: first
stores:
  first:
    kind: file
    directory: first
  second:
    kind: file
    directory: second
"""
DONE, FAILED, NOT_FOUND, NOT_PERMITTED, CONFLICT = 0, 1, 3, 4, 5


@pytest.fixture(scope="module")
def server():
    with Server(config=TWO_STORES) as running:
        yield running


def store(server, *arguments, check=DONE, **more):
    return server.cli("store", *arguments, check=check, **more)


def copies(server, image):
    return json.loads(store(server, "copies", image, "--json").stdout)["copies"]


def damage(server, image, name):
    """Turns one bit over in the image's copy in that store."""
    (location,) = [copy["location"] for copy in copies(server, image) if copy["store"] == name]
    path = pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(location).path))
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(1_234_567)
        file.write(bytes([CONTENT[1_234_567] ^ 1]))


def test_stores_are_listed_and_checked(server):
    lines = [line.split() for line in store(server, "list").stdout.splitlines()]
    assert ["first", "yes", "yes"] in [line[:3] for line in lines]
    assert ["second", "no", "yes"] in [line[:3] for line in lines]
    checks = json.loads(store(server, "check", "--json").stdout)["checks"]
    assert {"first", "second"} <= {check["store"] for check in checks}
    assert all(check["result"] in ("well", "unchecked") for check in checks)
    lines = [line.split() for line in store(server, "check", "second").stdout.splitlines()]
    assert lines[1][:2] == ["second", "well"]
    store(server, "check", "none", check=NOT_FOUND)


def test_everybodys_images_are_copied_moved_and_evicted(server, user):
    image = user.upload(CONTENT)
    assert store(server, "copy", image, "--to", "second").stdout.startswith(f"Copied {image} to second")
    assert [(copy["store"], copy["state"]) for copy in copies(server, image)] == [("first", "whole"), ("second", "whole")]
    shown = [line.split()[:3] for line in store(server, "copies", image).stdout.splitlines()]
    assert ["first", "whole", "first"] in shown
    store(server, "copy", image, "--to", "second", check=CONFLICT)
    assert store(server, "evict", image, "--from", "first").stdout == f"Evicted {image} from first\n"
    store(server, "evict", image, "--from", "second", check=CONFLICT)
    assert store(server, "move", image, "--to", "first").stdout.startswith(f"Moved {image} from second to first")
    assert [copy["store"] for copy in copies(server, image)] == ["first"]
    assert user.get(f"/images/{image}").body == CONTENT


def test_several_images_are_copied_and_one_that_is_not_there_is_told(server, user):
    images = [user.upload(CONTENT) for _ in range(2)]
    missing = "7583d669-8a65-41f1-b8ae-eb34ff6b322f"
    done = store(server, "copy", images[0], missing, images[1], "--to", "second", check=NOT_FOUND)
    assert [line.split()[1] for line in done.stdout.splitlines()] == images
    assert missing in done.stderr


def test_work_can_be_left_alone_and_looked_at(server, user):
    image = user.upload(CONTENT)
    identity = store(server, "copy", image, "--to", "second", "--no-wait").stdout.strip()

    def shown():
        return json.loads(store(server, "jobs", identity, "--json").stdout)["placement"]

    eventually(lambda: shown()["state"] == "done", "the copy")
    assert shown()["image"] == image
    (line,) = [line.split() for line in store(server, "jobs", identity).stdout.splitlines() if identity in line]
    assert line[1:6] == ["copy", "done", image, "second", "100%"]
    assert identity in store(server, "jobs").stdout
    store(server, "cancel", identity, check=CONFLICT)


def test_a_scrub_tells_damage_which_is_healed_from_the_other_store():
    with Server(config=TWO_STORES) as server:
        root = server.api()
        images = [root.upload(CONTENT) for _ in range(2)]
        store(server, "copy", *images, "--to", "second")
        assert store(server, "scrub", "second").stdout.startswith("Scrubbed second: all 2 copies are whole")
        damage(server, images[0], "second")
        found = store(server, "scrub", "second", check=FAILED)
        assert "1 of 2 copies in second is damaged" in found.stderr and "healed" in found.stderr
        eventually(lambda: all(copy["state"] == "whole" for copy in copies(server, images[0])), "the healed copy")
        assert store(server, "scrub", "second").stdout.startswith("Scrubbed second: all 2 copies are whole")
        assert " heal " in store(server, "jobs").stdout
        store(server, "evict", images[0], "--from", "first")
        assert root.get(f"/images/{images[0]}").body == CONTENT


def test_others_than_administrators_are_refused(server, user):
    for arguments in [("list",), ("check", "first"), ("jobs",), ("scrub", "first")]:
        store(server, *arguments, api=user, check=NOT_PERMITTED)


class HalfSent(http.server.SimpleHTTPRequestHandler):
    """Sends the half of a file, and the rest once `go_on` is set."""

    go_on = threading.Event()

    def copyfile(self, source, outputfile):
        content = source.read()
        half = len(content) // 2
        with contextlib.suppress(OSError):
            outputfile.write(content[:half])
            self.go_on.wait()
            outputfile.write(content[half:])

    def log_message(self, *_):
        pass


@pytest.fixture
def endless(tmp_path):
    """A server, and an image of it whose data comes no further than its half until the event is set."""
    (tmp_path / "image.raw").write_bytes(CONTENT)
    handler = type("Mine", (HalfSent,), {"go_on": threading.Event()})
    source = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: handler(*a, directory=tmp_path))
    threading.Thread(target=source.serve_forever, daemon=True).start()
    port = source.server_address[1]
    config = TWO_STORES + f'  web:\n    kind: http\nreferences:\n  http:\n    exceptions: ["127.0.0.1:{port}"]\n'
    try:
        with Server(config=config) as server:
            handler.go_on.set()
            response = server.api().post(
                "/images", meta(name="far", architecture="x86_64", location=f"http://127.0.0.1:{port}/image.raw"))
            assert response.status == 200, response
            handler.go_on.clear()
            yield server, response.image["_id"], handler.go_on
            handler.go_on.set()
    finally:
        handler.go_on.set()
        source.shutdown()
        source.server_close()


def begin_move(server, image):
    """The command that waits for a move, and the placement's id once the server works on it."""
    api = server.api()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VISOR_")}
    environment.update(VISOR_ADDRESS=server.address, VISOR_ACCESS_KEY=api.access_key, VISOR_SECRET_KEY=api.secret, HOME=str(server.folder))
    waiting = subprocess.Popen(
        [BINARIES / "visor", "store", "move", image, "--to", "second"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment,
        # Where the tests run in the background, interrupts are ignored and would be so in the command.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    def under_way():
        found = api.get("/placements").json["placements"]
        return found[0]["id"] if found and found[0].get("done", 0) > 0 else None

    return waiting, eventually(under_way, "the move's beginning")


def test_ctrl_c_ends_the_wait_alone_and_says_how_to_go_on(endless):
    server, image, go_on = endless
    waiting, identity = begin_move(server, image)
    waiting.send_signal(signal.SIGINT)
    output, errors = waiting.communicate()
    assert waiting.returncode == -signal.SIGINT and output == ""
    assert f"visor store jobs {identity}" in errors and f"visor store cancel {identity}" in errors
    assert " running " in store(server, "jobs", identity).stdout
    go_on.set()
    eventually(lambda: " done " in store(server, "jobs", identity).stdout, "the move's end")
    assert [(copy["store"], copy["state"]) for copy in copies(server, image)] == [("second", "whole")]


def test_who_waits_for_work_that_is_cancelled_is_told(endless):
    server, image, go_on = endless
    waiting, identity = begin_move(server, image)
    assert store(server, "cancel", identity).stdout == f"Cancelled placement {identity}\n"
    go_on.set()
    _, errors = waiting.communicate()
    assert waiting.returncode == FAILED and "was cancelled" in errors
    assert [copy["store"] for copy in copies(server, image)] == ["web"]
