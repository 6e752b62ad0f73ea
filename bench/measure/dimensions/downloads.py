"""Downloads, from the page cache; what is answered is discarded by the kernel."""

import os
import pathlib

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.processes import Server
from measure.signing import head
from measure.visor import Visor

GB = "GB/s"
CPU = "CPU-s/GiB"
CPU_GOAL = (Goal(0.10, at_most=True),)
AS_NGINX = (Goal(0.97, "nginx"),)
SMALL = 16 << 20  # the image that many connections ask for
TINY = 1 << 20  # the image that 10,000 connections ask for
CROWD = 10_000

DIMENSION = Dimension(
    "downloads",
    "Downloads",
    (
        Figure("1", "gb_per_second", "1 connection", GB, AS_NGINX),
        Figure("1", "cpu_seconds_per_gib", "– CPU", CPU, CPU_GOAL, lower_is_better=True),
        Figure("8", "gb_per_second", "8 connections", GB, AS_NGINX, chart="Download, 8 connections (GB/s)"),
        Figure("8", "cpu_seconds_per_gib", "– CPU", CPU, CPU_GOAL, lower_is_better=True),
        Figure("many", "gb_per_second", "1,000 connections, 16 MiB each", GB, AS_NGINX,
               chart="Download, 1,000 connections of 16 MiB (GB/s)"),
        Figure("many", "cpu_seconds_per_gib", "– CPU", CPU, CPU_GOAL, lower_is_better=True),
        Figure("many", "first_byte_p99_ms", "– first byte, p99", "ms", (Goal(250, at_most=True),), lower_is_better=True,
               chart="1,000 downloads at once: first byte, p99 (ms, less is better)"),
        Figure("many", "peak_bytes", "– memory at most", "MB", (Goal(40, at_most=True),), 1e6, lower_is_better=True,
               chart="1,000 downloads at once: memory (MB, less is better)"),
        Figure("crowd", "errors", "10,000 connections, 1 MiB each: errors", "", (Goal(0, at_most=True),), lower_is_better=True),
        Figure("crowd", "gb_per_second", "– speed", GB),
        Figure("tls_1", "gb_per_second", "TLS, 1 connection", GB),
        Figure("tls_1", "cpu_seconds_per_gib", "– CPU", CPU, (Goal(1.0, "nginx", at_most=True),), lower_is_better=True,
               chart="TLS download: server CPU (CPU-seconds per GiB, less is better)"),
        Figure("tls_8", "gb_per_second", "TLS, 8 connections", GB),
        Figure("tls_8", "cpu_seconds_per_gib", "– CPU", CPU, (Goal(1.0, "nginx", at_most=True),), lower_is_better=True),
    ),
    ("A first byte's time runs from the moment when all connections, made before, send their requests at once. TLS is "
     "whatever server and client agree on: TLS 1.3 with AES-256-GCM for both.",),
)


def measure_server(bench: Bench, server: Server, large: bytes, small: bytes, tiny: bytes | None, tls: bool) -> None:
    load, setting = bench.load, bench.setting
    load.transfer(server, [large], 1)
    for row, connections in (("1", 1), ("8", 8)):
        bench.add(row, server, load.transfer(server, [large], connections))
        if tls:
            bench.add(f"tls_{row}", server, load.transfer(server, [large], connections, tls=True))
    bench.add("many", server, load.transfer(server, [small], setting.many_connections))
    if tiny is not None:
        bench.add("crowd", server, load.transfer(server, [tiny], CROWD if not setting.quick else CROWD // 10))


def warm(folder: pathlib.Path) -> None:
    """Reads all files, so that they are in the page cache, and in memory that a processor has touched: where the disk put
    the pages there by itself (direct writes, sendfile), a virtual machine pays for the first touch of each."""
    buffer = bytearray(TINY)
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


def measure(bench: Bench) -> None:
    setting, load = bench.setting, bench.load
    sizes = {"large": setting.image_bytes, "small": SMALL, "tiny": TINY}
    data = setting.empty_folder("visor-downloads")
    heads: dict[str, bytes] = {}
    with Visor(setting, data) as visor:
        for name, size in sizes.items():
            load.transfer(visor, [visor.upload_head(size)], 1, body=size)
            image = visor.send("GET", f"/images?size={size}")["images"][0]["_id"]
            heads[name] = head("GET", f"/images/{image}", visor.port)
    with bench.nginx() as nginx:
        nginx_heads = {name: head("GET", f"/files/{name}", nginx.port) for name in sizes}
        for name, size in sizes.items():
            with (nginx.files / name).open("wb") as file:
                for _ in range(size // TINY):
                    file.write(os.urandom(TINY))
    glance_data = setting.empty_folder("glance-downloads")
    glance_heads: dict[str, bytes] = {}
    if bench.has("glance"):
        with bench.glance(glance_data) as glance:
            for name in ("large", "small"):
                image = glance.create()
                load.transfer(glance, [glance.upload_head(image, sizes[name])], 1, body=sizes[name])
                glance_heads[name] = glance.download_head(image)
    os.sync()
    for folder in (data, setting.folder("nginx/files"), glance_data):
        warm(folder)
    for _ in bench.rounds():
        with Visor(setting, data) as visor:
            measure_server(bench, visor, heads["large"], heads["small"], heads["tiny"], True)
        if bench.has("nginx"):
            with bench.nginx() as nginx:
                measure_server(bench, nginx, nginx_heads["large"], nginx_heads["small"], nginx_heads["tiny"], True)
        if bench.has("glance"):
            with bench.glance(glance_data) as glance:
                measure_server(bench, glance, glance_heads["large"], glance_heads["small"], None, False)
    setting.empty_folder("visor-downloads")
    setting.empty_folder("glance-downloads")
