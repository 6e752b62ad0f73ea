"""nginx: what serving over HTTP can cost at least."""

import os
import pathlib
import shutil

from measure import certificate
from measure.processes import Server
from measure.setting import Setting
from measure.signing import head


class Nginx(Server):
    name = "nginx"
    port = 18081
    tls_port = 18444

    def __init__(self, setting: Setting, document: str = "{}"):
        super().__init__(setting)
        self.document = document

    @property
    def folder(self) -> pathlib.Path:
        return self.setting.folder("nginx")

    @property
    def files(self) -> pathlib.Path:
        return self.setting.folder("nginx/files")

    def command(self) -> list[str]:
        return ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"]

    def prepare(self) -> None:
        made = certificate.make(self.setting)
        shutil.rmtree(self.folder / "put", ignore_errors=True)
        self.setting.folder("nginx/put")
        temporary = self.setting.folder("nginx/temporary")
        document = self.document.replace("\\", "\\\\").replace("'", "\\'").replace("$", "${dollar}")
        others = "\n".join(f"  {kind}_temp_path {temporary}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
        # As root its workers would be somebody who may not read the work folder.
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"""{user}
worker_processes auto;
worker_rlimit_nofile 40000;
pid {self.folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_temp_path {temporary}/body;
{others}
  default_type application/octet-stream;
  geo $dollar {{ default "$"; }}
  server {{
    listen 127.0.0.1:{self.port};
    listen 127.0.0.1:{self.tls_port} ssl;
    ssl_certificate {made.certificate};
    ssl_certificate_key {made.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location = /document {{ default_type application/json; return 200 '{document}'; }}
    location /files/ {{ alias {self.files}/; }}
    location /put/ {{ alias {self.folder}/put/; dav_methods PUT DELETE; }}
  }}
}}
"""
        )

    def document_head(self) -> bytes:
        return head("GET", "/document", self.port)
