"""A real MinIO, one process over one folder. It is compiled from its source, which the Go module proxy has."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from . import CACHE, Unavailable, alone
from .s3 import ACCESS, SECRET, S3Server
from processes import Process, free_ports

# The last release is tagged by its date; as a module it goes by the time and hash of its commit.
MODULE, VERSION = "github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c"
BUILD_SECONDS = 3600


@alone("minio")
def program():
    """The server, compiled once."""
    made = CACHE / f"minio-{VERSION}"
    if made.exists():
        return made
    if shutil.which("go") is None:
        raise Unavailable("MinIO is compiled from its source, which needs go (1.24, or 1.21 and newer, which fetches it)")
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="minio-") as folder:
        # All that comes with the build goes with this folder. The modules must be writable for that.
        environment = dict(os.environ, GOPATH=f"{folder}/path", GOMODCACHE=f"{folder}/modules", GOCACHE=f"{folder}/cache",
                           GOBIN=folder, GOFLAGS="-modcacherw -buildvcs=false", CGO_ENABLED="0")
        command = ["go", "install", "-trimpath", "-ldflags=-s -w", f"{MODULE}@{VERSION}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, env=environment, cwd=folder,
                                  check=False)
        except (OSError, subprocess.TimeoutExpired) as failure:
            raise Unavailable(f"MinIO could not be compiled: {failure}") from failure
        if done.returncode != 0:
            raise Unavailable(f"MinIO could not be compiled: {(done.stdout + done.stderr)[-600:].strip()}")
        pathlib.Path(folder, "minio").rename(made)
    return made


class Minio(S3Server):
    """Knows both signatures and both styles: its domain is localhost."""

    name = "MinIO"

    def install(self):
        return program()

    def begin(self, program):  # pylint: disable=redefined-outer-name
        self.port, console = free_ports(2)
        settings = {"MINIO_ROOT_USER": ACCESS, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_DOMAIN": "localhost", "MINIO_BROWSER": "off",
                    "MINIO_UPDATE": "off", "HOME": str(self.place)}
        self.process = Process(
            [program, "server", "--quiet", f"--address=127.0.0.1:{self.port}", f"--console-address=127.0.0.1:{console}",
             self.place / "data"],
            log=self.place / "log", cwd=self.place, environment=dict(os.environ, **settings))
