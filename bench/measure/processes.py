"""Servers as processes: starting, stopping, and what they used."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from measure.setting import Setting


def children_of(process: int) -> list[int]:
    """The process and all below it."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it ended meanwhile
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [process]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found


class Server:
    """A server under measurement, with all processes that belong to it. A context manager."""

    name = ""
    port = 0
    tls_port = 0

    def __init__(self, setting: Setting):
        self.setting = setting
        self.process: subprocess.Popen | None = None

    # --- what each server says of itself ---

    def command(self) -> list[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Writes what the command needs."""

    def environment(self) -> dict[str, str]:
        return self.setting.environment()

    # --- life ---

    def __enter__(self) -> "Server":
        self.prepare()
        log = self.setting.folder("logs") / f"{self.name}.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"{self.name} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        return self

    def __exit__(self, *_) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            for process in reversed(children_of(self.process.pid)):
                os.kill(process, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    # --- what it used ---

    def cpu_seconds(self) -> float:
        ticks = 0
        for process in children_of(self.process.pid):
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self, field: str = "VmRSS") -> int:
        """Bytes, summed over its processes: VmRSS, VmHWM, RssAnon, …"""
        total = 0
        for process in children_of(self.process.pid):
            status = pathlib.Path(f"/proc/{process}/status").read_text()
            match = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
            total += int(match.group(1)) * 1024 if match else 0
        return total

    def forget_peak(self) -> None:
        for process in children_of(self.process.pid):
            pathlib.Path(f"/proc/{process}/clear_refs").write_text("5")
