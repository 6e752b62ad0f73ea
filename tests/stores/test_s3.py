"""The store in S3 against real servers."""

import os
import re
import subprocess

import pytest

from harness.server import BINARIES

CONFORMANCE_SECONDS = 1800


def conforms(server, style="path", signature="v4"):
    done = subprocess.run(
        [BINARIES / "test_store_s3", "--gtest_filter=RealS3*"],
        env=dict(os.environ, VISOR_TEST_S3=server.environment(style, signature)),
        capture_output=True, text=True, timeout=CONFORMANCE_SECONDS, check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    passed = re.search(r"\[  PASSED  \] (\d+) tests", done.stdout)
    assert passed and int(passed.group(1)) > 20, done.stdout[-2000:]
    assert "SKIPPED" not in done.stdout, done.stdout[-2000:]
    assert server.keys() == []
    assert server.uploads() == []


def test_seaweedfs_carries_what_every_store_must(seaweedfs):
    conforms(seaweedfs)


@pytest.mark.parametrize("signature", ["v4", "v2"])
@pytest.mark.parametrize("style", ["path", "virtual-host"])
def test_minio_carries_what_every_store_must(minio, style, signature):
    conforms(minio, style, signature)


@pytest.mark.parametrize("signature", ["v4", "v2"])
def test_swift_carries_what_every_store_must(swift, signature):
    conforms(swift, signature=signature)
