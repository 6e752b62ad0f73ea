"""A real nginx that serves a folder, with a log of what it was asked."""

import os
import shutil
import socket

from . import Unavailable
from processes import Process, free_ports
from rigged_server import RiggedServer

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


class Nginx(RiggedServer):
    """`locations` is configuration of the server; {port} stands for its own port."""

    name = "nginx"

    def __init__(self, locations=""):
        super().__init__()
        self.locations = locations

    def launch(self):
        if not shutil.which("nginx"):
            raise Unavailable("nginx is not installed (the Debian package nginx-light)")
        (self.place / "root").mkdir()
        self.port, = free_ports(1)
        configuration = self.place / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(
            folder=self.place, port=self.port, locations=self.locations.replace("{port}", str(self.port))))
        command = ["nginx", "-p", self.place, "-e", "stderr", "-c", configuration]
        self.process = Process(command, log=self.place / "log", cwd=self.place)
        self.await_answer()

    def ask(self):
        socket.create_connection(("127.0.0.1", self.port), timeout=5).close()

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
