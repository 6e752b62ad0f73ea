"""Calls on sockets fail: one client notices, the server and the others don't."""

import threading

import pytest

from rig import injected, scene, tally, tracer
from rig.ledger import FAILURES


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPROTO", "EINTR", "EAGAIN"])
def test_accept_fails_now_and_then(error):
    injected.endure(scene.plain(), "all", f"accept4:error={error}:when=1+2")


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "ENOMEM"])
def test_accept_fails_for_a_while_without_taking_all_the_processor(error):
    with scene.Scene(scene.plain(), config=None) as busy:
        busy.start()
        client = busy.client(FAILURES)
        record = busy.folder / "injected"
        answers = []
        asking = threading.Thread(target=lambda: answers.append(injected.attempt(client.upload, b"late")))
        with tracer.attached(busy, "all", f"accept4:error={error}:when=1+", record=record):
            asking.start()
            # As long as it takes to fail several times with a pause in between.
            injected.eventually(lambda: record.read_text().count("INJECTED") >= 3, "accept was tried again", 60)
            tries = record.read_text().count("INJECTED")
            asking.join(1)
            spun = record.read_text().count("INJECTED") - tries
        assert spun < 1_000, f"{spun} attempts within a second: it spins"
        tally.add("injected errors")
        asking.join(60)
        assert not asking.is_alive(), "the connection that had to wait was never taken"
        busy.kill()
        busy.come_back()


@pytest.mark.parametrize("call, error", [("sendmsg", "ECONNRESET"), ("sendmsg", "EPIPE"), ("sendmsg", "EINTR"), ("recvfrom", "ECONNRESET"), ("recvfrom", "EINTR"), ("epoll_wait", "EINTR")])
def test_a_connection_that_breaks_hurts_no_other(call, error):
    injected.endure(scene.plain(), "all", f"{call}:error={error}:when=2+5")
