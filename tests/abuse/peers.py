"""nginx, HAProxy and Apache from Debian, as servers of their own and as reverse proxies in front of another one.

Each runs in the foreground, listens on an address of loopback that is its own, and ends with the test. Every proxy puts
MARK into each request it passes on, so that what left it shows how many requests it saw.
"""

import contextlib
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import time

MARK = "X-From-Proxy"

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log; {user}
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_header_timeout 20s; lingering_timeout 1s; client_body_timeout 20s; keepalive_timeout 20s; {more}
  {upstream}
  server {{ listen {host}:{port}; location / {{ {location} }} }}
}}
"""
NGINX_PROXY = """
proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
proxy_set_header {mark} 1; proxy_ignore_client_abort on; proxy_next_upstream off; proxy_read_timeout 20s; {buffering}
"""
HAPROXY = """
global
  maxconn 256
  {more_global}
defaults
  mode http
  timeout client 20s
  timeout server 20s
  timeout connect 20s
  {more}
frontend front
  bind {host}:{port}
  {rules}
{backend}
"""
APACHE = """
ServerRoot {folder}
ServerName x
PidFile {folder}/pid
ErrorLog {folder}/error.log
Listen {host}:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
Mutex file:{folder} default
DefaultRuntimeDir {folder}
ServerLimit 1
StartServers 1
ThreadsPerChild 32
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
Timeout 20
KeepAliveTimeout 20
LimitRequestFieldSize 65536
AllowEncodedSlashes NoDecode
TraceEnable on
DocumentRoot {folder}/root
<Directory />
  Require all granted
</Directory>
{user}
{more}
"""


def _own_address():
    """An address of 127/8 that nobody else is likely to use, and a port that is free there."""
    host = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
    with socket.create_server((host, 0)) as free:
        return host, free.getsockname()[1]


class Peer:
    """A running server: `host` and `port`, like visord's harness has them."""

    def __init__(self, name, host, port):
        self.name, self.host, self.port = name, host, port


@contextlib.contextmanager
def _running(name, command, text):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="visor-peer-"))
    folder.chmod(0o755)
    (folder / "root").mkdir()
    host, port = _own_address()
    configuration = folder / "configuration"
    configuration.write_text(text(folder, host, port))
    output = open(folder / "output", "wb")
    process = subprocess.Popen(command(folder, configuration), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection((host, port), timeout=5).close()
                break
            except OSError:
                told = (folder / "output").read_text("utf-8", "replace")
                log = folder / "error.log"
                told += log.read_text("utf-8", "replace") if log.exists() else ""
                assert process.poll() is None and time.monotonic() < deadline, f"{name} did not start:\n{told}"
                time.sleep(0.05)
        yield Peer(name, host, port)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        output.close()
        shutil.rmtree(folder, ignore_errors=True)


def _nginx(name, location, upstream="", more=""):
    user = "user root;" if os.geteuid() == 0 else ""
    return _running(
        name,
        lambda folder, file: ["/usr/sbin/nginx", "-e", str(folder / "error.log"), "-c", str(file)],
        lambda folder, host, port: NGINX.format(
            folder=folder, user=user, host=host, port=port, upstream=upstream, location=location, more=more
        ),
    )


def _haproxy(name, rules, backend="", more="", more_global=""):
    return _running(
        name,
        lambda folder, file: ["/usr/sbin/haproxy", "-db", "-f", str(file)],
        lambda folder, host, port: HAPROXY.format(
            host=host, port=port, rules=rules, backend=backend, more=more, more_global=more_global
        ),
    )


def _apache(name, more):
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    return _running(
        name,
        lambda folder, file: ["/usr/sbin/apache2", "-d", str(folder), "-f", str(file), "-DFOREGROUND"],
        lambda folder, host, port: APACHE.format(
            folder=folder, host=host, port=port, modules="/usr/lib/apache2/modules", user=user, more=more
        ),
    )


# What a peer that serves by itself saw comes back in this field.
SEEN = "X-Seen"


def servers():
    """(name, context) of each peer as a server: every request is answered at once, with its target in SEEN."""
    return [
        ("nginx", _nginx("nginx", f"add_header {SEEN} $request_uri always; return 200 '';")),
        ("haproxy", _haproxy("haproxy", f"http-request return status 200 hdr {SEEN} %[path]")),
        ("apache", _apache("apache", f'Header always set {SEEN} "expr=%{{REQUEST_URI}}"')),
    ]


def proxies(host, port):
    """(name, context) of each peer as a proxy in front of a server, as Debian sets it up and as lenient as it gets."""
    upstream = f"upstream behind {{ server {host}:{port}; keepalive 4; keepalive_requests 1000000; }}"
    buffered = NGINX_PROXY.format(mark=MARK, buffering="")
    streaming = NGINX_PROXY.format(mark=MARK, buffering="proxy_request_buffering off; proxy_buffering off;")
    backend = f"backend behind\n  http-reuse always\n  server one {host}:{port}\n"
    rules = f"http-request set-header {MARK} 1\n  default_backend behind"
    passing = f"ProxyPass / http://{host}:{port}/ nocanon\nRequestHeader set {MARK} 1\nProxyPreserveHost On"
    return [
        ("nginx", _nginx("nginx", buffered, upstream)),
        ("nginx-streaming", _nginx("nginx-streaming", streaming, upstream)),
        (
            "nginx-lenient",
            _nginx(
                "nginx-lenient", streaming, upstream,
                "ignore_invalid_headers off; underscores_in_headers on; large_client_header_buffers 8 64k; merge_slashes off;",
            ),
        ),
        ("haproxy", _haproxy("haproxy", rules, backend)),
        ("haproxy-lenient", _haproxy("haproxy-lenient", rules, backend, "option accept-invalid-http-request", "tune.bufsize 65536")),
        ("apache", _apache("apache", passing)),
        ("apache-lenient", _apache("apache-lenient", passing + "\nHttpProtocolOptions Unsafe LenientMethods Allow0.9")),
    ]
