"""A WSGI application of OpenStack under uWSGI: what Keystone and Glance have in common."""

import http.client
import os
import pathlib
import shutil
import tempfile
import time

from processes import Process, free_ports

from .address import HOST
from .environment import program

READY_SECONDS = 120
ATTEMPTS = 3


class WsgiServer:
    """Used as a context manager. A server says what it needs in `place` before it starts (`prepare`) and once it answers (`began`).

    It can be stopped and started again on its port, with what it has in `place`.
    """

    module = ""
    ready_path = "/"
    threads = 8

    def __init__(self):
        self.place, self.process, self.port = None, None, None

    def prepare(self):
        """Writes configuration and data into the empty `place`; `port` is chosen."""

    def began(self):
        """What is told to the running server the first time."""

    def variables(self):
        """Of its environment."""
        return {}

    def __enter__(self):
        for attempt in range(ATTEMPTS):
            try:
                self.place = pathlib.Path(tempfile.mkdtemp(prefix=f"visor-{type(self).__name__.lower()}-"))
                self.port, = free_ports(1)
                self.prepare()
                self.start()
                self.began()
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

    def start(self):
        """Returns when it answers."""
        # One process: it ends as a whole, and with whoever started it.
        self.process = Process(
            [program("uwsgi"), "--http-socket", f"{HOST}:{self.port}", "--module", self.module, "--need-app", "--enable-threads",
             "--threads", self.threads, "--die-on-term", "--buffer-size", 65535, "--disable-logging", "--listen", 100,
             # It closes each connection behind the answer; told so, no client tries that one again.
             "--add-header", "Connection: close"],
            log=self.place / "log", cwd=self.place, environment=dict(os.environ, **self.variables()))
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if self.process.process.poll() is not None:
                raise RuntimeError(f"{self.module} ended: {self.process.complaint()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.module} did not answer within {READY_SECONDS} s: {self.process.complaint()}")
            time.sleep(0.05)

    def stop(self):
        """As a crash would; what is in `place` stays."""
        if self.process:
            self.process.kill()
            self.process = None

    def close(self):
        self.stop()
        if self.place:
            shutil.rmtree(self.place, ignore_errors=True)
            self.place = None

    @property
    def origin(self):
        return f"http://{HOST}:{self.port}"

    @property
    def log(self):
        return (self.place / "log").read_text("utf-8", "replace")

    def _answers(self):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("GET", self.ready_path)
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
