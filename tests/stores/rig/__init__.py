"""Real storage servers for the tests: each on free ports of the loopback, in a throw-away folder, gone with this process."""

import contextlib
import fcntl
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = ROOT / "build" / "stores"

sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("support", "e2e")]


class Unavailable(Exception):
    """This server could not be had here; the text says why, for people."""


@contextlib.contextmanager
def alone(name):
    """Of several test processes that need the same program, one fetches it; the others wait, and find it there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
