"""System calls on the store's files fail: uploads are refused or whole, nothing else suffers."""

import pytest

from rig import injected, scene

# Of the disk's thread, which does all that is done to the store.
ONCE = [
    ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("pwrite64", "EDQUOT"),
    ("fdatasync", "EIO"), ("fdatasync", "ENOSPC"), ("fdatasync", "EDQUOT"),
    ("fsync", "EIO"), ("fsync", "ENOSPC"),
    ("linkat", "EIO"), ("linkat", "ENOSPC"), ("linkat", "EDQUOT"), ("linkat", "EROFS"), ("linkat", "EMLINK"),
    ("openat2", "EIO"), ("openat2", "ENOSPC"), ("openat2", "EMFILE"), ("openat2", "ENFILE"), ("openat2", "EROFS"), ("openat2", "EACCES"),
    ("mkdirat", "EIO"), ("mkdirat", "ENOSPC"), ("mkdirat", "EROFS"),
]


@pytest.mark.parametrize("when", ["1", "2", "3", "1+"])
@pytest.mark.parametrize("call, error", ONCE)
def test_a_call_that_fails_makes_its_upload_fail(call, error, when):
    injected.endure(scene.plain(), "disk", f"{call}:error={error}:when={when}", refuses=True)


@pytest.mark.parametrize("call, error", [("unlinkat", "EIO"), ("unlinkat", "EROFS"), ("unlinkat", "EACCES"), ("openat", "EMFILE"), ("openat", "EIO")])
@pytest.mark.parametrize("when", ["1", "1+"])
def test_data_that_cant_be_removed_now_is_removed_later(call, error, when):
    """The image is gone all the same: its bytes are the server's affair."""
    injected.endure(scene.plain(), "disk", f"{call}:error={error}:when={when}", refuses=False)


@pytest.mark.parametrize("call", ["pwrite64", "openat2"])
@pytest.mark.parametrize("when", ["1..3", "1+2"])
def test_an_interrupted_call_is_made_again(call, when):
    injected.endure(scene.plain(), "disk", f"{call}:error=EINTR:when={when}", refuses=None if call == "openat2" else False)


def test_the_name_of_a_blob_that_could_not_be_made_durable_is_taken_back_even_if_that_fails_first():
    """fsync of the folder fails, and so does taking the name back: the catalogue has to remember the blob."""
    for number in range(1, 7):
        injected.endure(
            scene.plain(), "disk", f"fsync:error=EIO:when={number}", "unlinkat:error=EIO:when=1+",
        )


@pytest.mark.parametrize("call", ["sendfile"])
def test_data_that_cant_be_read_is_refused_or_cut_off_and_never_wrong(call):
    def read(client):
        for image, content in client.ledger.contents.items():
            if content is not None:
                injected.attempt(client.download, image)

    injected.endure(scene.plain(), "all", f"{call}:error=EIO:when=1", doing=read)
