"""A real OpenStack Swift that speaks S3 (its middleware s3api), from Debian's packages: one process each for the proxy, accounts,
containers and objects."""

import os
import shutil
import subprocess

from . import Unavailable
from .s3 import SECRET, S3Server
from processes import Process, free_ports

RING_SECONDS = 120
PARTS = ("account", "container", "object")
PACKAGES = "swift-proxy swift-account swift-container swift-object"

STORAGE = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {place}
devices = {place}/devices
mount_check = false
disable_fallocate = true
log_level = WARNING
[pipeline:main]
pipeline = {part}-server
[app:{part}-server]
use = egg:swift#{part}
"""

# The cache is asked for everything, but nothing has to be in it: there is none behind its address.
PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {place}
log_level = WARNING
[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_visor_images = {secret} .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


class Swift(S3Server):
    name = "Swift"
    access = "visor:images"

    def __init__(self):
        super().__init__()
        self._storage = []

    def install(self):
        for program in ("swift-ring-builder", "swift-proxy-server", *(f"swift-{part}-server" for part in PARTS)):
            if shutil.which(program) is None:
                raise Unavailable(f"Swift needs {program} (Debian: {PACKAGES})")
        return "swift-proxy-server"

    def begin(self, program):
        user = os.environ.get("USER") or subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        self.port, *ports = free_ports(1 + len(PARTS))
        for part, port in zip(PARTS, ports):
            (self.place / "devices" / part).mkdir(parents=True)
            self._make_ring(part, port)
            (self.place / f"{part}.conf").write_text(STORAGE.format(part=part, port=port, place=self.place, user=user))
            self._storage.append(self._start(f"swift-{part}-server", part))
        (self.place / "proxy.conf").write_text(PROXY.format(port=self.port, place=self.place, user=user, secret=SECRET))
        self.process = self._start(program, "proxy")

    def _start(self, program, part):
        return Process([program, self.place / f"{part}.conf"], log=self.place / f"{part}.log", cwd=self.place)

    def _make_ring(self, part, port):
        builder = str(self.place / f"{part}.builder")
        for arguments in (["create", "4", "1", "0"], ["add", f"r1z1-127.0.0.1:{port}/{part}", "1"], ["rebalance"]):
            done = subprocess.run(["swift-ring-builder", builder, *arguments], capture_output=True, text=True, timeout=RING_SECONDS,
                                  check=False)
            if done.returncode != 0:
                raise Unavailable(f"Swift's ring could not be made: {(done.stdout + done.stderr)[-600:].strip()}")

    def close(self):
        for process in self._storage:
            process.kill()
        self._storage.clear()
        super().close()
