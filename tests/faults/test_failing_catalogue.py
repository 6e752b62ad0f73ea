"""System calls on the catalogue's files fail: changes are refused or durable, and the server works on afterwards."""

import pytest

from rig import injected, scene

LOG, FILE = "catalogue.db-wal", "catalogue.db"


@pytest.mark.parametrize("when", ["1", "2", "7", "40", "1+"])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EDQUOT"])
def test_a_log_that_cant_be_written_makes_changes_fail(error, when):
    injected.endure(scene.plain(), "catalogue", f"pwrite64:error={error}:when={when}", paths=[LOG], refuses=True)


@pytest.mark.parametrize("when", ["1", "2", "3", "5", "2+"])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_log_that_cant_be_made_durable_makes_changes_fail(error, when):
    injected.endure(scene.plain(), "catalogue", f"fdatasync:error={error}:when={when}", paths=[LOG], refuses=True)


def test_interrupted_writes_are_made_again():
    injected.endure(scene.plain(), "catalogue", "pwrite64:error=EINTR:when=1+3", paths=[LOG], refuses=False)


def renames(client):
    image = next(iter(client.ledger.contents))
    for number in range(8):
        injected.attempt(client.rename, image, f"again {number}")


CARRYING_OVER = [
    ("pwrite64", "EIO", "1"), ("pwrite64", "EIO", "3"), ("pwrite64", "EIO", "1+"), ("pwrite64", "ENOSPC", "2"),
    ("pwrite64", "ENOSPC", "1+"), ("fdatasync", "EIO", "1"), ("fdatasync", "EIO", "1+"), ("fdatasync", "ENOSPC", "1"),
    ("ftruncate", "EIO", "1"), ("ftruncate", "EIO", "1+"),
]


@pytest.mark.parametrize("call, error, when", CARRYING_OVER)
def test_a_log_that_cant_be_carried_over_waits_in_the_log(call, error, when):
    injected.endure(
        scene.before_checkpoint(), "catalogue", f"{call}:error={error}:when={when}", paths=[FILE], doing=renames,
    )


@pytest.mark.parametrize("when", ["1", "2", "1+"])
def test_a_catalogue_that_cant_be_read_is_refused_and_never_wrong(when):
    injected.endure(scene.plain(), "all", f"pread64:error=EIO:when={when}", paths=[FILE, LOG])


@pytest.mark.parametrize("error", ["EMFILE", "ENFILE", "EIO", "EACCES"])
def test_files_that_cant_be_opened_make_requests_fail(error):
    injected.endure(scene.plain(), "all", f"openat:error={error}:when=1..4")
