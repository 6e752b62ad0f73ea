"""A WSGI application of OpenStack under uWSGI: what Keystone and Glance have in common."""

import http.client
import os

from processes import Process, free_ports
from rigged_server import RiggedServer

from .address import HOST
from .environment import program


class WsgiServer(RiggedServer):
    """A server says what it needs in `place` before it starts (`prepare`) and once it answers (`began`).

    It can be stopped and started again on its port, with what it has in `place`.
    """

    module = ""
    ready_path = "/"
    threads = 8
    not_yet = (OSError, http.client.HTTPException)

    @property
    def name(self):
        return self.module

    def prepare(self):
        """Writes configuration and data into the empty `place`; `port` is chosen."""

    def began(self):
        """What is told to the running server the first time."""

    def variables(self):
        """Of its environment."""
        return {}

    def launch(self):
        self.port, = free_ports(1)
        self.prepare()
        self.start()
        self.began()

    def start(self):
        """Returns when it answers."""
        # One process: it ends as a whole, and with whoever started it.
        self.process = Process(
            [program("uwsgi"), "--http-socket", f"{HOST}:{self.port}", "--module", self.module, "--need-app", "--enable-threads",
             "--threads", self.threads, "--die-on-term", "--buffer-size", 65535, "--disable-logging", "--listen", 100,
             # It closes each connection behind the answer; told so, no client tries that one again.
             "--add-header", "Connection: close"],
            log=self.place / "log", cwd=self.place, environment=dict(os.environ, **self.variables()))
        self.await_answer()

    @property
    def origin(self):
        return f"http://{HOST}:{self.port}"

    @property
    def log(self):
        return (self.place / "log").read_text("utf-8", "replace")

    def ask(self):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("GET", self.ready_path)
            status = connection.getresponse().status
        finally:
            connection.close()
        if status >= 500:
            raise http.client.HTTPException(f"it answered {status}")
