"""A real nginx that serves a folder, with a log of what it was asked."""

import os
import pathlib
import shutil
import socket
import tempfile
import time

from . import Unavailable
from processes import Process, free_ports

ATTEMPTS = 3
READY_SECONDS = 120

CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr;
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s;
  log_format asked escape=none '$request_method|$uri|$http_range|$http_if_match$http_if_unmodified_since|'
                               '$http_authorization$http_cookie|$status';
  access_log {folder}/access asked;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port}; root {folder}/root; absolute_redirect off;
    {locations}
  }}
}}
"""


class Nginx:
    """Used as a context manager. `locations` is configuration of the server; {port} stands for its own port."""

    def __init__(self, locations=""):
        self.locations = locations
        self.place, self._process, self.port = None, None, None

    def __enter__(self):
        if not shutil.which("nginx"):
            raise Unavailable("nginx is not installed (the Debian package nginx-light)")
        for attempt in range(ATTEMPTS):
            try:
                self._begin()
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

    def _begin(self):
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="visor-nginx-"))
        (self.place / "root").mkdir()
        self.port, = free_ports(1)
        configuration = self.place / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(
            folder=self.place, port=self.port, locations=self.locations.replace("{port}", str(self.port))))
        command = ["nginx", "-p", self.place, "-e", "stderr", "-c", configuration]
        self._process = Process(command, log=self.place / "log", cwd=self.place)
        deadline = time.monotonic() + READY_SECONDS
        while True:
            if self._process.process.poll() is not None:
                raise RuntimeError(f"nginx ended: {self._process.complaint()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                assert time.monotonic() < deadline, f"nginx did not start: {self._process.complaint()}"
                time.sleep(0.05)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def put(self, name, content, modified=None):
        """Publishes a file in one step, as a mirror does. `modified`: its time, in seconds since 1970."""
        path = self.place / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.place / "draft"
        draft.write_bytes(content)
        if modified is not None:
            os.utime(draft, (modified, modified))
        draft.replace(path)

    def remove(self, name):
        (self.place / "root" / name).unlink()

    def asked(self):
        """(method, path, Range, condition, credentials, status) of each request that was answered."""
        lines = (self.place / "access").read_text().splitlines()
        return [tuple(line.split("|")) for line in lines]

    def close(self):
        if self._process:
            self._process.kill()
            self._process = None
        if self.place:
            shutil.rmtree(self.place, ignore_errors=True)
