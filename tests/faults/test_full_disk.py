"""A disk that is really full: uploads are refused, everything else goes on, removals make room again."""

import contextlib

import pytest
from harness.payload import data
from harness.wait import eventually

from rig import mounts, scene, tally
from rig.ledger import FAILURES

pytestmark = pytest.mark.without_strace


@contextlib.contextmanager
def disk(size):
    why = mounts.private()
    if why:
        pytest.skip(why)
    with mounts.mounted("-t", "tmpfs", "-o", f"size={size}", "none") as folder:
        yield folder


def fill_up(client):
    """Uploads until even a small one is refused; returns how many were not."""
    taken = 0
    for size in (3_000_000, 500_000, 50_000, 4_000):
        while client.upload(data(size, f"filler {taken}")) is not None:
            taken += 1
            assert taken < 1_000
    return taken


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_that_does_not_fit_is_refused_and_leaves_nothing(chunked):
    with disk("24m") as small, scene.Scene(data=small / "data") as full:
        full.start()
        client = full.client(FAILURES)
        kept = client.upload(data(100_000, "kept"))
        content = data(1_000_000, "too much") * 30
        for _ in range(3):
            assert client.upload(content, chunked=chunked) is None
        tally.add("injected errors", len(full.ledger.refusals))
        assert set(full.ledger.refusals) == {507}
        # Its room is there for others.
        assert client.upload(data(5_000_000, "fits"))
        assert client.download(kept)
        full.kill()
        full.come_back()


def test_a_full_disk_can_be_read_and_emptied():
    """The catalogue has set room aside for that, as it does on disks that have some."""
    with disk("96m") as large, scene.Scene(data=large / "data") as full:
        full.start()
        assert fill_up(full.client(FAILURES)) > 3
        tally.add("injected errors", len(full.ledger.refusals))
        # Killed on a full disk, and back on it.
        full.kill()
        full.start()
        client = full.client(FAILURES)
        images = list(full.ledger.contents)
        for image in images:
            assert client.download(image)
        for image in images[:-1]:
            client.delete(image)
        assert images[0] in full.ledger.removed, full.log[-2000:]
        # Some of the first ones may have been refused while the disk was full to the last byte.
        for image in images[:-1]:
            if image not in full.ledger.removed:
                client.delete(image)
        assert eventually(lambda: client.upload(data(3_000_000, "there is room again")), "there is room again")
        full.kill()
        full.come_back()


def test_room_that_somebody_else_gives_back_is_used_again():
    """A disk so small that no room is set aside: changes are refused until there is some."""
    with disk("24m") as small, scene.Scene(data=small / "data") as full:
        (small / "somebody-elses").write_bytes(bytes(4_000_000))
        full.start()
        client = full.client(FAILURES)
        assert fill_up(client) > 3
        tally.add("injected errors", len(full.ledger.refusals))
        images = list(full.ledger.contents)
        for image in images:
            assert client.download(image)
        (small / "somebody-elses").unlink()
        for image in images[:-1]:
            client.delete(image)
        assert set(images[:-1]) <= full.ledger.removed, full.log[-2000:]
        assert client.upload(data(3_000_000, "there is room again"))
        full.kill()
        full.come_back()
