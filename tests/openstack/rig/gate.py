"""What sites have in front of a service: a proxy that ends TLS, and lets only so many requests through.

    with Gate(glance.url, certificate=made) as gate:
        gate.url

Every request is written down in `seen`, and every token that was handed out in `tokens`. `judge(method, path)` is asked about each before it goes on: it gives None, or (status, fields)
with which it is refused.
"""

import contextlib
import http.client
import http.server
import json
import ssl
import threading
import time
import urllib.parse
from typing import NamedTuple

from .address import HOST

PIECE = 65536
# Of one connection alone (RFC 9110, section 7.6.1), or the server's to say.
NOT_PASSED_ON = {"connection", "keep-alive", "transfer-encoding", "expect", "server", "date"}


class Seen(NamedTuple):
    """A request: when it came (of a clock that never goes back), and the status with which it was refused, or None."""

    method: str
    path: str
    at: float
    refused: int | None


class Gate:
    """Used as a context manager. `certificate`: a PEM file with the key beside it; without one it speaks plain HTTP."""

    def __init__(self, url, certificate=None, judge=lambda method, path: None):
        self._behind, self._certificate, self._judge = urllib.parse.urlsplit(url), certificate, judge
        self.seen, self.tokens = [], []
        self._lock = threading.Lock()
        self._server = None

    def __enter__(self):
        gate = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_expect_100(self):
                # Who is refused is told so before the data comes.
                return self.let_in() and super().handle_expect_100()

            def let_in(self):
                verdict = gate.look_at(self.command, self.path)
                self.looked_at = True
                if verdict is None:
                    return True
                status, fields = verdict
                body = json.dumps({"message": "the gate is shut"}).encode()
                self.send_response(status)
                for name, value in {**fields, "Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True
                return False

            def parse_request(self):
                self.looked_at = False
                return super().parse_request()

            def pass_on(self):
                self.close_connection = True
                if not self.looked_at and not self.let_in():
                    return
                with contextlib.closing(http.client.HTTPConnection(gate._behind.hostname, gate._behind.port, timeout=120)) as connection:
                    connection.putrequest(self.command, gate._behind.path + self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        if name.lower() not in NOT_PASSED_ON:
                            connection.putheader(name, value)
                    connection.endheaders()
                    left = int(self.headers.get("Content-Length") or 0)
                    while left and (piece := self.rfile.read(min(left, PIECE))):
                        connection.send(piece)
                        left -= len(piece)
                    self.hand_back(connection.getresponse())

            def hand_back(self, answer):
                if token := answer.getheader("X-Subject-Token"):
                    gate.tokens.append(token)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in NOT_PASSED_ON:
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                while piece := answer.read(PIECE):
                    self.wfile.write(piece)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                # A client that goes away, or does not trust the certificate, is none of the gate's business.
                pass

        self._server = Server((HOST, 0), Answer)
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate, self._certificate.with_suffix(".key"))
            # Shaking hands in the connection's own thread, so that nobody holds up the others.
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def look_at(self, method, path):
        with self._lock:
            verdict = self._judge(method, path)
            self.seen.append(Seen(method, path, time.monotonic(), verdict[0] if verdict else None))
        return verdict

    @property
    def url(self):
        return f"{'https' if self._certificate else 'http'}://{HOST}:{self._server.server_address[1]}"
