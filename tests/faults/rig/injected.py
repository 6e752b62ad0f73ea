"""Calls that fail while a server works, and what it has to keep up all the same."""

import pathlib

from harness.payload import data
from harness.wait import eventually

from . import tally, tracer
from .checker import check_answers
from .ledger import FAILURES, Died
from .scene import Scene


def everything(client):
    """Each kind of work, one after the other; what is refused is left out."""
    kept = [image for image, content in client.ledger.contents.items() if content is not None]
    attempt(client.download, kept[1])
    made = [
        attempt(client.upload, data(4_000, "small")),
        attempt(client.upload, data(300_000, "chunked"), chunked=True),
        attempt(client.upload, data(1_200_000, "slices")),
    ]
    image = attempt(client.register, "registered")
    if image:
        attempt(client.rename, image, "renamed")
        attempt(client.put, image, data(20_000, "put"))
    for each in (made[0], kept[0]):
        if each:
            attempt(client.delete, each)
    attempt(client.create_account)
    for each, content in list(client.ledger.contents.items()):
        if content is not None:
            attempt(client.download, each)


def attempt(work, *arguments, **more):
    try:
        return work(*arguments, **more)
    except Died:
        # A connection that was closed tells a client that something failed; whether the server lives is seen below.
        return None


def endure(prepared, thread, *injects, paths=(), config=None, refuses=None, doing=everything):
    """Work under faults, then without them and without a restart, then a crash, then the invariants.

    `refuses`: whether something has to be refused (True), nothing may be (False), or both are right (None).
    """
    with Scene(prepared, **({"config": config} if config else {})) as scene:
        scene.start()
        client = scene.client(FAILURES)
        record = scene.folder / "injected"
        with tracer.attached(scene, thread, *injects, record=record, paths=[scene.data / path for path in paths]):
            doing(client)
        count(record, injects)
        assert scene.running(), f"{injects}: the server ended:\n{scene.log[-3000:]}"
        refused = len(scene.ledger.refusals)
        assert refuses is None or bool(refused) == refuses, f"{injects}: {refused} requests were refused"
        check_answers(scene.api(), scene.api().connect(), scene.ledger, settled=False)
        # Room that a full disk made it give up is taken back after a second.
        again = eventually(lambda: attempt(client.upload, b"as before"), f"{injects}: it works as before")
        assert scene.client().download(again)
        scene.kill()
        scene.come_back()


def count(record, injects):
    injected = pathlib.Path(record).read_text(errors="replace").count("(INJECTED")
    assert injected, f"{injects}: the work no longer makes this call"
    tally.add("injected errors", 1)
    tally.add("calls that failed", injected)
