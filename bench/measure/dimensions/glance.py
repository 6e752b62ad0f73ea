"""The Image API of OpenStack, spoken by VISOR and by Glance: the same requests, files in a folder, nobody asked who they are."""

import os

from measure.bench import Bench
from measure.dimensions.downloads import SMALL, warm
from measure.figures import Dimension, Figure, Goal
from measure.image_api import ImageApi
from measure.processes import Server
from measure.visor import VisorImages

BESIDE = (Goal(1.0, "glance"),)
CONNECTIONS = 8
IMAGES = 100  # in the catalogue: four pages

DIMENSION = Dimension(
    "glance",
    "The Image API of OpenStack",
    (
        Figure("list", "per_second", f"list, a page of 25, {CONNECTIONS} connections", "pages/s", BESIDE),
        Figure("list", "per_cpu_second", "– per CPU-second", "pages/CPU-s", BESIDE, chart="Image API, list (pages per CPU-second)"),
        Figure("show", "per_second", f"show, {CONNECTIONS} connections", "requests/s", BESIDE),
        Figure("show", "per_cpu_second", "– per CPU-second", "requests/CPU-s", BESIDE, chart="Image API, show (requests per CPU-second)"),
        Figure("create", "per_second", "create, 8 clients", "images/s", BESIDE, chart="Image API, create (images per second)"),
        Figure("create", "p99_ms", "– p99", "ms", lower_is_better=True),
        Figure("upload", "gb_per_second", "upload, one stream", "GB/s", BESIDE, chart="Image API, upload (GB/s)"),
        Figure("upload", "cpu_seconds_per_gib", "– CPU", "CPU-s/GiB", lower_is_better=True),
        Figure("download", "gb_per_second", "download, one connection", "GB/s", BESIDE, chart="Image API, download (GB/s)"),
        Figure("download", "cpu_seconds_per_gib", "– CPU", "CPU-s/GiB", lower_is_better=True),
        Figure("many", "gb_per_second", "1,000 downloads at once, 16 MiB each", "GB/s", BESIDE),
        Figure("many", "first_byte_p99_ms", "– first byte, p99", "ms", lower_is_better=True,
               chart="Image API, 1,000 downloads at once: first byte, p99 (ms, less is better)"),
        Figure("many", "peak_bytes", "– memory at most", "MB", scale=1e6, lower_is_better=True),
        Figure("many", "errors", "– errors", "", (Goal(0, at_most=True),), lower_is_better=True),
    ),
    (f"Before each round {IMAGES} images are there, two of them with data. Glance is Debian's, under uwsgi with Debian's settings: two processes a processor, 32 threads each. VISOR makes "
     "records and data durable before it answers; Glance only records.",),
)


def prepare(bench: Bench, server: ImageApi) -> tuple[str, str]:
    """Fills an empty server; gives the images with much and with little data."""
    made = [server.create() for _ in range(IMAGES)]
    sizes = (bench.setting.image_bytes, SMALL)
    for image, size in zip(made, sizes, strict=False):
        bench.load.transfer(server, [server.upload_head(image, size)], 1, body=size)
    return made[0], made[1]


def measure_server(bench: Bench, server: Server, images: tuple[str, str]) -> None:
    load, setting = bench.load, bench.setting
    large, small = images
    for row, asked in (("list", server.list_head()), ("show", server.show_head(large))):
        load.requests(server, [asked], CONNECTIONS, 1)
        bench.add(row, server, load.requests(server, [asked], CONNECTIONS, 2 * setting.seconds))
    load.transfer(server, [server.download_head(large)], 1)
    bench.add("download", server, load.transfer(server, [server.download_head(large)], 1))
    bench.add("many", server, load.transfer(server, [server.download_head(small)], setting.many_connections))
    size = setting.image_bytes
    os.sync()
    image = server.create()
    bench.add("upload", server, load.transfer(server, [server.upload_head(image, size)], 1, body=size))
    server.remove(image)
    # Last, since it leaves thousands of images behind.
    bench.add("create", server, load.requests(server, [server.create_head()], 8))


def measure(bench: Bench) -> None:
    for _ in bench.rounds():
        for name, make in (("visor", lambda data: VisorImages(bench.setting, data)), ("glance", bench.glance)):
            if name != "visor" and not bench.has(name):
                continue
            data = bench.setting.empty_folder(f"{name}-image-api")
            with make(data) as server:
                images = prepare(bench, server)
                os.sync()
                warm(data)
                measure_server(bench, server, images)
            bench.setting.empty_folder(data.name)
