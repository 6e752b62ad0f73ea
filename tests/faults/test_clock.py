"""Clocks that are wrong, jump or go back: signatures are judged by the server's clock, and nothing else depends on it."""

import email.utils
import os
import pathlib

import pytest
from harness import raw, signing
from harness.api import BINARY, Api, meta
from harness.payload import data
from harness.server import ROOT_KEY, ROOT_SECRET
from harness.wait import eventually

from rig import scene, tally
from rig.ledger import Client

pytestmark = pytest.mark.without_strace
LIBRARY = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
HOUR, YEAR = 3_600, 365 * 86_400


@pytest.fixture(autouse=True)
def needs_faketime():
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed")


class MovedScene(scene.Scene):
    """A server whose clock is set by a file. Time that only runs forward (timers) is left alone, as by a real clock's step."""

    def __init__(self, prepared=None, config=scene.ONE_THREAD_OF_EACH_KIND):
        super().__init__(prepared, config=config)
        self.clock = self.folder / "clock"
        self.moved = 0
        self.environment.update(
            LD_PRELOAD=str(LIBRARY), FAKETIME_TIMESTAMP_FILE=str(self.clock), FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1",
        )
        self.move(0)

    def wait(self, *arguments):
        status = super().wait(*arguments)
        # The library leaves these when its process is killed.
        for name in (f"faketime_shm_{self.process.pid}", f"sem.faketime_sem_{self.process.pid}"):
            pathlib.Path("/dev/shm", name).unlink(missing_ok=True)
        return status

    def move(self, seconds):
        """Its clock is this far ahead of the true time from now on."""
        self.moved = seconds
        part = self.folder / "clock.part"
        part.write_text(f"{seconds:+d}s\n")
        os.replace(part, self.clock)
        tally.add("clock jumps", seconds != 0)
        tally.add("injected errors", seconds != 0)

    def api(self, access_key=ROOT_KEY, secret=ROOT_SECRET, scheme="sigv4"):
        """A client with the same clock."""
        return Moved(self.host, self.port, access_key, secret, scheme, self)


class Moved(Api):
    def __init__(self, host, port, access_key, secret, scheme, server):
        super().__init__(host, port, access_key, secret, scheme)
        self.server = server

    def signer(self):
        return signing.sigv4(self.access_key, self.secret, self.address, offset_seconds=self.server.moved)


def true_time(server):
    """A client whose clock is right."""
    return Api(server.host, server.port, ROOT_KEY, ROOT_SECRET)


@pytest.mark.parametrize("jump", [-YEAR, -HOUR, HOUR, YEAR])
def test_a_jump_while_it_runs_refuses_only_signatures_of_another_time(jump):
    with MovedScene(scene.plain()) as server:
        server.start()
        before = server.client().upload(data(50_000, "before"))
        server.move(jump)
        refused = true_time(server).get("/images")
        assert refused.status in (401, 403), refused
        # Which time the server has is in its answer.
        told = email.utils.parsedate_to_datetime(refused.header("Date")).timestamp()
        actual = email.utils.parsedate_to_datetime(signing.http_date(jump)).timestamp()
        assert abs(told - actual) < 600
        client = server.client()
        after = client.upload(data(50_000, "after"))
        client.rename(before, "changed after the jump")
        assert client.download(before) and client.download(after)
        server.move(0)
        client.rename(after, "changed after the way back")
        client.delete(before)
        server.kill()
        server.come_back()


def test_small_steps_disturb_nobody():
    with MovedScene(scene.plain()) as server:
        server.start()
        right = Client(true_time(server), server.ledger)
        for step in (5, -5, 120, -120, 600, -600):
            server.move(step)
            image = right.upload(data(10_000, f"step {step}"))
            right.rename(image, f"step {step}")
            assert right.download(image)
            right.delete(image)
        server.move(0)
        server.kill()
        server.come_back()


@pytest.mark.parametrize("jump", [-YEAR, YEAR])
def test_an_upload_under_way_does_not_notice_a_jump(jump):
    """Deadlines of connections go by time that only runs forward."""
    content = data(2_000_000, "under way")
    with MovedScene(scene.plain()) as server:
        server.start()
        image = server.client().register("under way")
        server.ledger.attempted.append(content)
        with raw.Wire(server, timeout=60) as wire:
            framing = [("Content-Length", str(len(content))), ("Expect", "100-continue")]
            wire.send(raw.signed_head(true_time(server), "PUT", f"/images/{image}", [BINARY], framing))
            assert wire.read_head()[0] == 100
            wire.send(content[:1_000_000])
            server.move(jump)
            wire.send(content[1_000_000:])
            assert wire.read_answer()[0] == 200
        server.ledger.attempted.remove(content)
        server.ledger.contents[image] = content
        server.kill()
        server.come_back()


@pytest.mark.parametrize("jump", [-YEAR, YEAR])
def test_time_that_differs_after_a_restart(jump):
    with MovedScene(scene.plain()) as server:
        server.start()
        kept = server.client().upload(data(50_000, "kept"))
        server.kill()
        server.move(jump)
        server.start()
        client = server.client()
        assert client.download(kept)
        made = client.upload(data(50_000, "made"))
        client.rename(kept, "changed")
        key = client.create_account()
        client.as_account(key)
        server.kill()
        # And back, over what that time left behind.
        server.move(0)
        server.come_back()
        client = server.client()
        client.delete(made)
        assert client.download(kept)


def test_a_signature_that_was_used_is_not_taken_again_when_time_goes_back():
    once = scene.ONE_THREAD_OF_EACH_KIND + "accounts:\n  refuse_replays: true\n"
    with MovedScene(scene.plain(), config=once) as server:
        server.start()
        headers = meta(name="once", architecture="x86_64")
        signed = [*headers, *signing.sigv4(ROOT_KEY, ROOT_SECRET, server.address)("POST", "/images", headers, None)]

        def send():
            return true_time(server).request("POST", "/images", signed, sign=lambda *_: [])

        first = send()
        assert first.status == 200, first
        server.ledger.contents[first.image["_id"]] = None
        server.ledger.names[first.image["_id"]] = {"once"}
        assert send().status in (401, 403)
        server.move(HOUR)
        # Signatures of an hour ago are of no use, so the server forgets which it saw.
        server.client().register("an hour later")
        server.move(0)
        assert send().status in (401, 403)
        # A signature says its second: one of the same second as the last that was forgotten may be that one.
        anew = Client(server.api(), server.ledger, failures=(401, 403))
        assert eventually(lambda: anew.register("signed anew"), "a new signature is taken")
        server.kill()
        server.come_back()
