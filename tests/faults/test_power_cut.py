"""Power cuts: the disk as any prefix of its writes left it, and without some of those that no flush forced out."""

import contextlib
import shutil
import threading

import pytest
from harness.payload import data

from rig import libraries, mounts, powercut, tally, writelog

pytestmark = pytest.mark.without_strace
PREFIXES, LOSSES, SHARES = 70, 70, 2


@pytest.fixture(autouse=True)
def needs_devices():
    why = powercut.impossible() or mounts.no_loop_mount()
    if why:
        pytest.skip(why)


def first_steps(client, _):
    account = client.create_account()
    client.register("first")
    client.upload(data(3_000, "first"))
    client.as_account(account).upload(data(90_000, "second"), chunked=True)


def uploads(client, _):
    for size in (1, 5_000, 600_000, 1_500_000):
        client.upload(data(size, "whole"))
        client.upload(data(size, "chunked"), chunked=True)
    image = client.register("later")
    client.put(image, data(30_000, "later"))


def changes_and_deletes(client, _):
    images = [client.upload(data(40_000 + number, "short-lived")) for number in range(6)]
    for number, image in enumerate(images):
        client.rename(image, f"renamed {number}")
        if number % 2:
            client.delete(image)
    client.upload(data(100_000, "after"))


def over_a_checkpoint(client, scene):
    """Until the catalogue's log was carried over to its file and is written from its beginning again."""
    image = client.upload(data(20_000, "kept"))
    log = scene.data / "catalogue.db-wal"
    number = 0
    while log.stat().st_size < 1_990 * 4_120:
        client.rename(image, f"renamed {number}")
        number += 1
    for number in range(8):
        client.rename(image, f"at last {number}")
    client.delete(image)


def several_clients(client, scene):
    """Commits that are shared by those who come at the same time."""

    def one(number):
        image = client.upload(data(20_000, f"beside {number}"), chunked=bool(number % 2))
        client.rename(image, f"beside {number}")
        if number % 2:
            client.delete(image)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scene.ledger.removed) == 4


@contextlib.contextmanager
def recorded(doing, environment=None):
    recording = powercut.Recording(doing, environment)
    try:
        yield recording
    finally:
        recording.remove()


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("doing", [first_steps, uploads, changes_and_deletes, several_clients, over_a_checkpoint])
def test_the_power_fails_after_any_write(doing, share):
    with recorded(doing) as recording:
        last = len(recording.entries)
        late = last * 3 // 4 if doing is over_a_checkpoint else 0
        disk = recording.folder / "replayed"
        for losses in (False, True):
            shutil.copyfile(recording.empty, disk)
            replay = writelog.Replay(disk, recording.log, recording.entries)
            for count in recording.points(share, SHARES, LOSSES if losses else PREFIXES):
                powercut.try_point(recording, replay, max(count, late), count if losses else None)


def test_a_server_that_forgets_its_flushes_is_found_out(tmp_path):
    """That the tests above would see it: the same work, with fsync and fdatasync that do nothing."""
    with recorded(uploads, {"LD_PRELOAD": str(libraries.compiled("no_flush", tmp_path))}) as recording:
        disk = recording.folder / "replayed"
        shutil.copyfile(recording.empty, disk)
        replay = writelog.Replay(disk, recording.log, recording.entries)
        for count in recording.points(0, 1, 40):
            try:
                powercut.try_point(recording, replay, count)
            except AssertionError:
                return  # as it must be
            finally:
                tally.add("power cuts", -1)
        pytest.fail("no point showed that acknowledged data was never made durable")
