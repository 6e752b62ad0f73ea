"""System calls that go wrong while a server runs."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def disturbed(server, call, fault):
    """`call` goes wrong in the server, in a way that strace knows ("error=EIO"), for as long as this lasts."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(server.process.pid), "-e", f"trace={call}", "-e", f"inject={call}:{fault}", "-o", "/dev/null"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        line = tracer.stderr.readline()
        if "attached" not in line:
            pytest.skip(f"strace can't attach to the server here: {line.strip()}")
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=60)
