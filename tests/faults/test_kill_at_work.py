"""kill -9 while the server works: what was acknowledged is whole, the rest is invisible, nothing is orphaned."""

import pytest

from rig import kills, scene, tally, work

WORKS = [
    (work.upload_small, "catalogue"), (work.upload_small, "disk"), (work.upload_small, "loop-0"),
    (work.upload_chunked, "catalogue"), (work.upload_chunked, "disk"),
    (work.upload_over_one_slice, "catalogue"), (work.upload_over_one_slice, "disk"),
    (work.upload_large_chunked, "disk"), (work.upload_large_chunked, "catalogue"), (work.upload_large_chunked, "loop-0"),
    (work.rename_often, "catalogue"), (work.rename_often, "loop-0"),
    (work.register_change_and_put, "catalogue"), (work.register_change_and_put, "disk"),
    (work.register_change_and_put, "loop-0"),
    (work.delete, "catalogue"), (work.delete, "disk"), (work.delete, "loop-0"),
    (work.upload_and_delete, "catalogue"), (work.upload_and_delete, "disk"), (work.upload_and_delete, "loop-0"),
    (work.accounts, "catalogue"), (work.accounts, "loop-0"),
    (work.download_and_stop, "main"), (work.download_and_stop, "catalogue"),
]


def run(prepared, doing, thread):
    points = kills.calls_at_work(prepared, doing, thread)
    assert points, "this thread does nothing at this work; leave it out"
    missed = [point for point in points if not kills.kill_at_work(prepared, doing, thread, *point)]
    # The order of two threads may differ from one time to the next, and with it the last of the calls.
    assert len(missed) <= len(points) // 3, f"{len(missed)} of {len(points)} points were not reached: {missed}"


@pytest.mark.parametrize("doing, thread", WORKS, ids=lambda value: getattr(value, "__name__", value))
def test_killed_at_each_call_of_a_thread(doing, thread):
    run(scene.plain(), doing, thread)


@pytest.mark.parametrize("doing", [work.rename_often, work.upload_and_delete, work.register_change_and_put])
def test_killed_at_each_flush_of_the_audit_log(doing):
    # How many lines share a flush depends on who comes first. But an acknowledged change had one that began after the change did,
    # so a server that acknowledges as many changes as it may make flushes has not kept its word.
    for number in range(1, 9):
        reached = kills.kill_at_work(scene.plain(), work.again(doing, number), "audit", "fdatasync", number)
        assert reached, f"{number} changes were acknowledged with fewer than {number} flushes of the audit log"


# What the end of a log takes at least: a flush of its last line, the checkpoint, and a file without the room behind its lines.
@pytest.mark.parametrize("call, times", [("fdatasync", 3), ("openat", 1), ("write", 1), ("rename", 1), ("ftruncate", 1)])
def test_killed_while_the_audit_log_ends(call, times):
    for number in range(1, times + 1):
        assert kills.kill_at_work(scene.plain(), work.change_and_stop, "audit", call, number), f"{call} {number} was not reached"


def test_killed_while_the_log_is_carried_over_to_the_catalogues_file():
    run(scene.before_checkpoint(), work.rename_often, "catalogue")


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "linkat", "unlinkat", "fsync", "sendmsg"])
def test_killed_while_several_clients_share_commits(call):
    # All of the server's threads, as many as it has by default: where it dies differs from one time to the next.
    for number in (1, 2, 3, 5, 8, 13, 21, 34, 55):
        with scene.Scene(scene.plain(), config=None) as several:
            several.start()
            with kills.tracer.attached(several, "all", f"{call}:signal=KILL:when={number}"):
                try:
                    work.several_at_once(several)
                except kills.Died:
                    assert several.died()
            reached = kills.ended_by_kill(several)
            tally.add("kill points")
            tally.add("kills", reached)
            several.come_back()
            if not reached:
                break
