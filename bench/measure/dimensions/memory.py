"""Memory: of a connection, of a transfer, of the whole server."""

import os
import pathlib

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.processes import Server
from measure.signing import head
from measure.visor import Visor

KIB, MIB, MB = 1024.0, 1048576.0, 1e6

DIMENSION = Dimension(
    "memory",
    "Memory",
    (
        Figure("idle", "bytes_each", "an idle connection", "KiB", (Goal(1, at_most=True),), KIB, lower_is_better=True,
               chart="Memory of an idle connection (KiB, less is better)"),
        Figure("idle_tls", "bytes_each", "an idle connection over TLS", "KiB", (), KIB, lower_is_better=True),
        Figure("upload", "bytes", "an upload, at most", "MiB", (Goal(2, at_most=True),), MIB, lower_is_better=True),
        Figure("download", "bytes", "a download, at most", "MiB", (Goal(2, at_most=True),), MIB, lower_is_better=True),
        Figure("start", "bytes", "the whole server after its start", "MB", (Goal(12, at_most=True),), MB, lower_is_better=True,
               chart="The whole server after its start (MB, less is better)"),
        Figure("used", "own_bytes", "– after reads all over the catalogue, without mapped files", "MB", (), MB,
               lower_is_better=True),
        Figure("used", "bytes", "– the same with mapped files", "MB", (), MB, lower_is_better=True),
    ),
    ("Resident memory, summed over a server's processes. An idle connection has had one request answered. Mapped "
     "files are the program and its libraries, of which the pages count that were used: so what is done for the first time, such "
     "as an upload, looks larger than what it takes for itself.",),
)


def measure_idle(bench: Bench, server: Server, asked: bytes) -> None:
    connections = bench.setting.idle_connections
    for row, tls in (("idle", False), ("idle_tls", True)):
        with server:
            # What a first connection makes once is not what each costs.
            with bench.load.idle(server, [asked], 8, tls):
                pass
            before = server.memory("RssAnon")
            with bench.load.idle(server, [asked], connections, tls):
                after = server.memory("RssAnon")
            bench.add(row, server, {"bytes_each": (after - before) / connections})


def measure_transfers(bench: Bench, data: pathlib.Path) -> None:
    """Each as the first transfer of a server that has answered other requests."""
    size = bench.setting.image_bytes
    image = ""
    for row in ("upload", "download"):
        with Visor(bench.setting, data) as visor:
            visor.send("GET", "/images")
            before = visor.memory()
            asked = head("GET", f"/images/{image}", visor.port) if image else visor.upload_head(size)
            figures = bench.load.transfer(visor, [asked], 1, body=0 if image else size)
            bench.add(row, visor, {"bytes": max(0, figures["peak_bytes"] - before)})
            image = visor.send("GET", f"/images?size={size}")["images"][0]["_id"]
    os.sync()


def measure(bench: Bench) -> None:
    bench.filled.make()
    if bench.has("glance"):
        bench.filled_glance.make()
    for _ in bench.rounds():
        visor = Visor(bench.setting, bench.filled.folder)
        asked = visor.metadata_head(bench.filled.some_ids(1)[0])
        with visor:
            bench.add("start", visor, {"bytes": visor.memory()})
            bench.load.wrk(visor, 32, "uniform.lua", bench.filled.ids, f"127.0.0.1:{visor.port}")
            bench.add("used", visor, {"bytes": visor.memory(), "own_bytes": visor.memory("RssAnon")})
        measure_idle(bench, visor, asked)
        measure_transfers(bench, bench.setting.empty_folder("visor-memory"))
        if bench.has("nginx"):
            nginx = bench.nginx()
            with nginx:
                bench.add("start", nginx, {"bytes": nginx.memory()})
            measure_idle(bench, nginx, nginx.document_head())
        if bench.has("glance"):
            with bench.glance(bench.filled_glance.folder) as glance:
                bench.add("start", glance, {"bytes": glance.memory()})
    bench.setting.empty_folder("visor-memory")
