"""Real storage servers for the tests: each on free ports of the loopback, in a throw-away folder, gone with this process."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = ROOT / "build" / "stores"

sys.path.insert(0, str(ROOT / "tests" / "support"))


class Unavailable(Exception):
    """This server could not be had here; the text says why, for people."""
