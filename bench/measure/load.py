"""The load: wrk for requests at full speed, bench_load for the rest. One thread each, on the servers' processors."""

import contextlib
import json
import pathlib
import statistics
import subprocess
from collections.abc import Iterator

from measure.processes import Server
from measure.setting import CONGESTION, ROOT, Setting

LUA = ROOT / "bench" / "lua"


class Load:
    def __init__(self, setting: Setting):
        self.setting = setting
        self._files = 0

    def heads(self, heads: list[bytes]) -> pathlib.Path:
        self._files += 1
        path = self.setting.folder("heads") / f"{self._files}"
        path.write_bytes(b"".join(one + b"\0" for one in heads))
        return path

    def wrk(self, server: Server, connections: int, script: str, *arguments: object, seconds: float = 0) -> dict:
        """Requests as quickly as they are answered. Figures: per second, per server-CPU-second, p50 and p99."""
        seconds = seconds or self.setting.seconds
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"]
        command += ["--timeout", "30s", "--script", str(LUA / script), f"http://127.0.0.1:{server.port}/", "--"]
        before = server.cpu_seconds()
        run = subprocess.run(
            command + [str(argument) for argument in arguments],
            check=False, capture_output=True, text=True, env=self.setting.environment(),
        )
        if "RESULT " not in run.stdout:
            raise RuntimeError(f"wrk failed: {run.stdout}{run.stderr}")
        cpu = server.cpu_seconds() - before
        told = json.loads(run.stdout.rpartition("RESULT ")[2])
        return {
            "per_second": told["requests"] / told["seconds"],
            "per_cpu_second": told["requests"] / cpu if cpu else None,
            "p50_ms": told["p50_ms"],
            "p99_ms": told["p99_ms"],
            "errors": told["errors"],
        }

    def requests(self, server: Server, heads: list[bytes], connections: int, seconds: float = 0) -> dict:
        """The same heads again and again."""
        return self.wrk(server, connections, "requests.lua", self.heads(heads), seconds=seconds)

    def _bench_load(self, kind: str, port: int, heads: list[bytes], *options: object) -> list[str]:
        command = [self.setting.program("bench_load"), kind, "--port", str(port), "--heads", str(self.heads(heads))]
        return command + [str(option) for option in options]

    def rate(self, server: Server, heads: list[bytes], per_second: float, connections: int) -> dict:
        """Requests at a steady rate. Figures: p50 and p99 of the time from when a request was due."""
        told = self._told(
            self._bench_load(
                "rate", server.port, heads, "--connections", connections,
                "--rate", per_second, "--seconds", self.setting.seconds,
            )
        )
        return {
            "p50_ms": told["latency_ms"]["p50"],
            "p99_ms": told["latency_ms"]["p99"],
            "errors": told["errors"],
        }

    def transfer(
        self, server: Server, heads: list[bytes], connections: int, *, body: int = 0, requests: int = 1, tls: bool = False
    ) -> dict:
        """Bodies up or down, all at once. Figures: GB/s, server-CPU-seconds per GiB, first bytes, peak memory."""
        options: list[object] = ["--connections", connections, "--body", body, "--requests", requests]
        if tls:
            options.append("--tls")
        port = server.tls_port if tls else server.port
        server.forget_peak()
        before = server.cpu_seconds()
        told = self._told(self._bench_load("transfer", port, heads, *options))
        if told["congestion"] != CONGESTION:
            raise RuntimeError(f"connections use {told['congestion']}, not {CONGESTION}: the comparison would mean nothing")
        moved = told["bytes_sent"] + told["bytes_received"]
        figures = {
            "gb_per_second": moved / told["seconds"] / 1e9,
            "cpu_seconds_per_gib": (server.cpu_seconds() - before) / (moved / 2**30),
            "first_byte_p99_ms": told["first_byte_ms"]["p99"],
            "peak_bytes": server.memory("VmHWM"),
            "errors": told["errors"],
        }
        if told["errors"]:
            print(f"      {server.name}: {told['errors']} errors, the first: {told['first_error']}", flush=True)
        return figures

    @contextlib.contextmanager
    def idle(self, server: Server, heads: list[bytes], connections: int, tls: bool) -> Iterator[None]:
        """Holds connections that each had one request answered."""
        options: list[object] = ["--connections", connections] + (["--tls"] if tls else [])
        command = self._bench_load("idle", server.tls_port if tls else server.port, heads, *options)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.setting.environment()
        ) as process:
            if "ready" not in process.stdout.readline():
                raise RuntimeError(f"{server.name} did not hold {connections} connections")
            try:
                yield
            finally:
                process.stdin.close()
                process.wait()

    def start(self, server: Server, heads: list[bytes], times: int = 1) -> dict:
        """How long a server takes from its start to its first answer: the median of so many starts."""
        server.prepare()
        command = self._bench_load("start", server.port, heads, "--", *server.command())
        seconds = []
        for _ in range(times):
            run = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=server.environment()
            )
            seconds.append(json.loads(run.stdout)["seconds"])
        return {"milliseconds": statistics.median(seconds) * 1000}

    def _told(self, command: list[str]) -> dict:
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=self.setting.environment())
        return json.loads(run.stdout)
