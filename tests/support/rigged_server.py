"""A server of somebody else's for the tests: in a throw-away folder, gone with this process."""

import pathlib
import shutil
import tempfile
import time

ATTEMPTS = 3


class RiggedServer:
    """Used as a context manager. A server says in `launch` how it begins: with its `process` in the empty folder `place`, on a free
    `port`. It serves once `ask` raises nothing."""

    name = "the server"
    ready_seconds = 120
    not_yet = OSError  # what `ask` raises until then

    def __init__(self):
        self.place, self.process, self.port = None, None, None

    def launch(self):
        """Returns when it serves, as `await_answer` does."""
        raise NotImplementedError

    def ask(self):
        """Asks it something that it can answer once it serves."""
        raise NotImplementedError

    def __enter__(self):
        for attempt in range(ATTEMPTS):
            try:
                self.place = pathlib.Path(tempfile.mkdtemp(prefix=f"visor-{type(self).__name__.lower()}-"))
                self.launch()
                return self
            except RuntimeError:
                # Another process may have taken its port.
                self.close()
                if attempt + 1 == ATTEMPTS:
                    raise
            except BaseException:
                self.close()
                raise
        raise AssertionError("unreachable")

    def __exit__(self, *_):
        self.close()

    def await_answer(self):
        """RuntimeError if it ends instead, TimeoutError if it takes too long."""
        deadline = time.monotonic() + self.ready_seconds
        while True:
            if self.process.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended: {self.process.complaint()}")
            try:
                self.ask()
                return
            except self.not_yet as failure:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self.name} did not serve within {self.ready_seconds} s: {failure}; "
                                       f"{self.process.complaint()}") from failure
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
