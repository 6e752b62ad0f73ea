"""System calls on the audit log fail: what can't be told is not done, and the log's chain stays whole."""

import pytest

from rig import injected, scene

LOG = "audit/audit-000000000001.log"
CASES = [
    ("pwrite64", "EIO", "1"), ("pwrite64", "EIO", "5"), ("pwrite64", "EIO", "1+"), ("pwrite64", "ENOSPC", "2"), ("pwrite64", "EINTR", "1+2"),
    ("fdatasync", "EIO", "1"), ("fdatasync", "EIO", "3"), ("fdatasync", "EIO", "1+"), ("fdatasync", "ENOSPC", "1"),
]


@pytest.mark.parametrize("call, error, when", CASES)
def test_what_cant_be_told_is_refused(call, error, when):
    injected.endure(
        scene.plain(), "all", f"{call}:error={error}:when={when}", paths=[LOG], refuses=False if error == "EINTR" else None,
    )
