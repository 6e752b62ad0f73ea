"""Programs in Go that the tests speak with, compiled once for each state of their source."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import CACHE, Unavailable
from .environment import alone

BUILD_SECONDS = 900


def compiled(folder):
    """The program of a folder with go.mod and go.sum."""
    source = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    made = CACHE / f"{folder.name}-{hashlib.sha256(source).hexdigest()[:12]}"
    with alone(folder.name):
        if made.exists():
            return made
        if shutil.which("go") is None:
            raise Unavailable(f"{folder.name} is compiled from its source, which needs go (1.25, or 1.21 and newer, which fetches it)")
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{folder.name}-") as place:
            partial = pathlib.Path(place, "program")
            try:
                done = subprocess.run(["go", "build", "-trimpath", "-o", partial, "."], cwd=folder, capture_output=True, text=True,
                                      timeout=BUILD_SECONDS, env=dict(os.environ, CGO_ENABLED="0", GOFLAGS="-mod=readonly -buildvcs=false"),
                                      check=False)
            except (OSError, subprocess.TimeoutExpired) as failure:
                raise Unavailable(f"{folder.name} could not be compiled: {failure}") from failure
            if done.returncode != 0:
                raise Unavailable(f"{folder.name} could not be compiled: {(done.stdout + done.stderr)[-600:].strip()}")
            partial.rename(made)
    return made
