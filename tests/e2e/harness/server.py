"""A real visord with a data folder of its own."""

import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading

from .api import Api

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARIES = pathlib.Path(os.environ.get("VISOR_BIN", ROOT / "build" / "bin"))
START_SECONDS = 180
STOP_SECONDS = 180

ROOT_KEY = "root-of-the-test"
ROOT_SECRET = "c2VjcmV0LW9mLXRoZS1yb290LWFjY291bnQ-1f0e9d8c"


class StartFailed(Exception):
    """The server ended before it served; `status` is its exit status, the text all it wrote."""

    def __init__(self, status, text):
        super().__init__(f"visord ended with status {status}:\n{text}")
        self.status = status
        self.text = text


class Server:
    """
    Used as a context manager. `config` is the text of a configuration file; `wrap` runs visord under another program.
    It has started when the log has shown its native address and a line for each pattern of AWAITED.
    """

    AWAITED = ()
    READY = re.compile(r"listening on (https?)://([0-9.]+|\[[0-9a-f:]+\]):(\d+) \(native\)")

    def __init__(self, config=None, data=None, environment=None, arguments=(), wrap=(), root_account=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="visor-e2e-"))
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.config_text = config
        self.environment = dict(environment or {})
        if root_account:
            self.environment.setdefault("VISOR_ROOT_ACCESS_KEY", ROOT_KEY)
            self.environment.setdefault("VISOR_ROOT_SECRET_KEY", ROOT_SECRET)
        self.arguments = list(arguments)
        self.wrap = list(wrap)
        self.pass_fds = ()
        self.process = None
        self.lines = []
        self.host, self.port = None, None

    # --- life ---

    def command(self):
        command = [*self.wrap, str(BINARIES / "visord"), "--data", str(self.data), "--listen", "127.0.0.1:0"]
        if self.config_text is not None:
            path = self.folder / "visor-config.yml"
            path.write_text(self.config_text)
            command += ["--config", str(path)]
        return command + self.arguments

    def start(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VISOR_")}
        environment.update(self.environment)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        ready = threading.Event()
        ended = threading.Event()
        # Into a file: what is printed before the line that says "listening" is there once that line is read.
        with open(self.folder / "printed", "ab") as output:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, env=environment,
                cwd=self.folder, start_new_session=True, pass_fds=self.pass_fds,
            )

        def read_log(stream):
            awaited = [self.READY, *self.AWAITED]
            for raw in stream:
                line = raw.decode("utf-8", "replace")
                self.lines.append(line)
                for pattern in [each for each in awaited if each.search(line)]:
                    awaited.remove(pattern)
                    if pattern is self.READY:
                        self.host, self.port = pattern.search(line).group(2), int(pattern.search(line).group(3))
                    if not awaited:
                        ready.set()
            if awaited:
                ended.set()
            ready.set()

        self._readers = [
            threading.Thread(target=read_log, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        in_time = ready.wait(START_SECONDS)
        if not in_time or ended.is_set():
            if not in_time:
                self.signal(signal.SIGKILL)
            status = self.wait()
            raise StartFailed(status, self.log + self.printed)
        return self

    def signal(self, number):
        """To the whole group, so that a wrapper does not keep the server alive."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def wait(self, seconds=STOP_SECONDS):
        status = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(10)
        # What ended may have been a program around the server, which lets go of its folder a moment later.
        lock = self.data / "lock"
        if self.wrap and lock.exists():
            with open(lock, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
        return status

    def kill(self):
        """kill -9, as a crash would."""
        self.signal(signal.SIGKILL)
        self.wait()
        self.host = None

    def stop(self, seconds=STOP_SECONDS):
        """Asks it to stop; returns its exit status."""
        self.signal(signal.SIGTERM)
        try:
            status = self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"visord did not stop within {seconds} s of SIGTERM:\n{self.log}") from None
        self.host = None
        return status

    def running(self):
        return self.process is not None and self.process.poll() is None

    def restart(self):
        if self.running():
            status = self.stop()
            assert status == 0, self.log
        return self.start()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __exit__(self, kind, *_):
        try:
            if self.running():
                status = self.stop()
                # Leaks and races are reported at the end of a sanitizer's run.
                assert status == 0 or kind, f"visord ended with status {status}:\n{self.log}"
            assert kind or "Sanitizer" not in self.log, self.log
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what it shows ---

    @property
    def log(self):
        return "".join(self.lines)

    @property
    def printed(self):
        printed = self.folder / "printed"
        return printed.read_text("utf-8", "replace") if printed.exists() else ""

    def files(self):
        """Regular files in the data folder that hold image data: all but the catalogue, keys, locks, notes and manifests."""
        known = re.compile(r"\.(db|sqlite3?|key|lock|pid|json|yml|log)(-wal|-shm|-journal|-reserve)?$|(^|/)(lock|version|master[^/]*|manifests)$|\.manifest$")
        # Not rglob(), which fails for a folder that goes while it is read.
        found = [pathlib.Path(folder, name) for folder, _, names in os.walk(self.data) for name in names]
        return [path for path in found if path.is_file() and not known.search(path.relative_to(self.data).as_posix())]

    def stored_bytes(self):
        total = 0
        for path in self.files():
            with contextlib.suppress(FileNotFoundError):  # the server may remove it at any moment
                total += path.stat().st_size
        return total

    def open_files(self):
        """What the process's descriptors refer to, for leaks."""
        folder = pathlib.Path(f"/proc/{self.process.pid}/fd")
        found = []
        for entry in folder.iterdir():
            try:
                found.append(os.readlink(entry))
            except FileNotFoundError:
                pass
        return found

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    # --- ways in ---

    @property
    def address(self):
        return f"http://{self.host}:{self.port}"

    def api(self, access_key=ROOT_KEY, secret=ROOT_SECRET, scheme="sigv4"):
        return Api(self.host, self.port, access_key, secret, scheme)

    def cli(self, *arguments, api=None, check=None, input=None, cwd=None, timeout=300, environment=None):
        """Runs the visor command as an account of this server. `check`: the exit status it must have."""
        api = api or self.api()
        variables = {name: value for name, value in os.environ.items() if not name.startswith("VISOR_")}
        variables.update(
            VISOR_ADDRESS=self.address, VISOR_ACCESS_KEY=api.access_key or "", VISOR_SECRET_KEY=api.secret or "",
            HOME=str(self.folder), NO_COLOR="1",
        )
        variables.update(environment or {})
        done = subprocess.run(
            [str(BINARIES / "visor"), *map(str, arguments)], capture_output=True, input=input, text=True,
            cwd=cwd or self.folder, env=variables, timeout=timeout, check=False,
        )
        if check is not None:
            assert done.returncode == check, f"visor {arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done
