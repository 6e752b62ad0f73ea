"""A server whose program can be exchanged and which lives on in other processes; and a service manager that keeps sockets."""

import array
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading

from .server import BINARIES, STOP_SECONDS, Server
from .wait import eventually

# Nobody on a busy machine is too slow for these, so what fails has failed.
PATIENT = """
limits:
  idle_timeout: 10m
  header_timeout: 10m
  body_minimum_rate: none
  answer_minimum_rate: none
shutdown_deadline: 10m
drain_grace: 5m
upgrade_deadline: 20m
"""

# A program that, started as a successor, waits at a gate before it is the real one.
GATED = """#!/bin/sh
case " $* " in *" --check-config "*) exec "{real}" "$@" ;; esac
flock -n "{data}/lock" -c true && echo free > "{folder}/lock-was"
echo $$ > "{folder}/reached.new"
mv "{folder}/reached.new" "{folder}/reached"
read -r _ < "{folder}/gate"
exec "{real}" "$@"
"""


class Replaceable(Server):
    """Its program is a copy; `process` is the first process, `pid` the one that serves now."""

    def __init__(self, config=PATIENT, **more):
        super().__init__(config=config, **more)
        self.program = self.folder / "visord"
        shutil.copy2(BINARIES / "visord", self.program)

    def command(self):
        return [str(self.program) if part == str(BINARIES / "visord") else part for part in super().command()]

    @property
    def pid(self):
        return int((self.data / "visord.pid").read_text())

    def exchange(self, content=None):
        """Puts another program in the place of the first, as a package manager does: text, or the real one anew."""
        draft = self.folder / "visord.new"
        if content is None:
            shutil.copy2(BINARIES / "visord", draft)
        else:
            draft.write_text(content)
            draft.chmod(0o755)
        os.replace(draft, self.program)

    def exchange_for_gated(self):
        gate = self.folder / "gate"
        if not gate.exists():
            os.mkfifo(gate)
        for left in ("reached", "lock-was"):
            (self.folder / left).unlink(missing_ok=True)
        self.exchange(GATED.format(real=BINARIES / "visord", data=self.data, folder=self.folder))

    def reached(self):
        """Waits until a successor stands at the gate; its process id."""
        path = self.folder / "reached"
        eventually(path.exists, "a successor was started", seconds=240)
        return int(path.read_text())

    def open_gate(self):
        (self.folder / "gate").write_text("go\n")

    def begin_upgrade(self):
        return subprocess.Popen(
            [str(BINARIES / "visord"), "upgrade", "--data", str(self.data)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )

    def upgrade(self, status=0):
        """Asks for an upgrade and waits for it; what the command said."""
        asked = self.begin_upgrade()
        said, _ = asked.communicate(timeout=600)
        assert asked.returncode == status, f"{said}\n{self.log}"
        return said

    def all_ended(self):
        """Whether every process of the server is gone: nobody has its log open."""
        return not any(reader.is_alive() for reader in self._readers)

    def finish(self):
        """Stops the process that serves; those that only send downloads end by themselves."""
        if not self.all_ended():
            try:
                os.kill(self.pid, signal.SIGTERM)
            except (FileNotFoundError, ProcessLookupError):
                pass
        try:
            eventually(self.all_ended, "all processes of the server ended", seconds=2 * STOP_SECONDS)
        finally:
            self.signal(signal.SIGKILL)
            self.process.wait(STOP_SECONDS)

    def __exit__(self, kind, *_):
        try:
            self.finish()
            assert kind or "Sanitizer" not in self.log, self.log
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class ServiceManager:
    """What of systemd's service manager a restart needs: it hears sd_notify messages and keeps the sockets it is given."""

    # Runs a program with the descriptors given as its first arguments as 3, 4, …
    PASS = (
        "import fcntl, os, sys\n"
        "count = int(sys.argv[1])\n"
        "given = [int(word) for word in sys.argv[2:2 + count]]\n"
        "high = [fcntl.fcntl(number, fcntl.F_DUPFD, 100) for number in given]\n"
        "for place, number in enumerate(high): os.dup2(number, 3 + place, inheritable=True)\n"
        "os.closerange(3 + count, 200)\n"
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count), WATCHDOG_PID=str(os.getpid()))\n"
        "os.execv(sys.argv[2 + count], sys.argv[2 + count:])\n"
    )

    def __init__(self, folder):
        self.path = pathlib.Path(folder) / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.kept = []  # (name, descriptor)
        self.told = []
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while True:
            data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(16 * 4))
            if data == b"END":
                return
            text = data.decode()
            descriptors = array.array("i")
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    descriptors.frombytes(content)
            if "FDSTORE=1" in text:
                name = next(line.partition("=")[2] for line in text.splitlines() if line.startswith("FDNAME="))
                for number in descriptors:
                    if any(self._cookie(number) == self._cookie(known) for _, known in self.kept):
                        os.close(number)
                    else:
                        self.kept.append((name, number))
            self.told.append(text)

    @staticmethod
    def _cookie(number):
        """Tells sockets apart."""
        return os.fstat(number).st_ino

    def heard(self, assignment):
        return any(assignment in text.splitlines() for text in self.told)

    def environment(self):
        return {"NOTIFY_SOCKET": str(self.path)}

    def wrap(self):
        numbers = [number for _, number in self.kept]
        return [sys.executable, "-c", self.PASS, str(len(numbers)), *map(str, numbers)], numbers

    def close(self):
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.sendto(b"END", str(self.path))
        end.close()
        self.thread.join(60)
        for _, number in self.kept:
            os.close(number)
        self.socket.close()
