"""kill -9 while the server starts: over an empty folder, and while it puts right what an earlier kill left."""

import pathlib
import tempfile
import shutil

import pytest

from rig import kills, scene
from rig.ledger import Ledger

SHARES = 4


class Nothing:
    """A data folder that is not there yet."""

    def __init__(self):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="nothing-"))
        self.ledger = Ledger()


@pytest.fixture
def nothing():
    empty = Nothing()
    yield empty
    shutil.rmtree(empty.data)


def test_killed_at_each_call_of_the_first_start(nothing):
    points = kills.calls_at_start(nothing)
    assert len(points) > 20
    reached = 0
    for call, number in points:
        with scene.Scene(nothing) as first:
            reached += kills.kill_at_start(first, call, number)
            first.come_back()
    assert reached >= len(points) * 2 // 3, f"{reached} of {len(points)}"


@pytest.mark.parametrize("share", range(SHARES))
def test_killed_at_each_call_of_a_recovery(share):
    points = kills.calls_at_start(scene.cut_off())[share::SHARES]
    reached = 0
    for call, number in points:
        with scene.Scene(scene.cut_off()) as again:
            reached += kills.kill_at_start(again, call, number)
            again.come_back()
    assert reached >= len(points) * 2 // 3, f"{reached} of {len(points)}"


@pytest.mark.parametrize("call", sorted({"pwrite64", "fdatasync", "fsync", "unlinkat", "openat"}))
def test_killed_again_and_again_until_a_start_comes_through(call):
    with scene.Scene(scene.cut_off()) as again:
        # Each start finds what the one before left. One is enough in the end: what is done is not done again.
        for number in range(1, 200):
            if not kills.kill_at_start(again, call, number):
                break
        again.come_back()
