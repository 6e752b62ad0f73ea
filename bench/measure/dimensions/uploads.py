"""Uploads, from the memory of the load."""

import contextlib
import os

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.signing import head
from measure.visor import ALL_DIGESTS, Visor

STREAMS = 16
GB = "GB/s"
CPU = "CPU-s/GiB"
# What is configured for each row: the first that the server accepts.
DIGESTS = {
    "sha256": (("sha256",), ("md5", "sha256")),
    "three": (("md5", "sha256", "sha512"),),
    "all": (ALL_DIGESTS,),
}

DIMENSION = Dimension(
    "uploads",
    "Uploads",
    (
        Figure("sha256_1", "gb_per_second", "SHA-256, one stream", GB, (Goal(1.6),)),
        Figure("sha256_1", "cpu_seconds_per_gib", "– CPU", CPU, (Goal(0.85, at_most=True),), lower_is_better=True),
        Figure("sha256_16", "gb_per_second", "SHA-256, 16 streams", GB),
        Figure("sha256_16", "cpu_seconds_per_gib", "– CPU", CPU, lower_is_better=True),
        Figure("three_1", "gb_per_second", "MD5, SHA-256 and SHA-512, one stream", GB, (Goal(0.6), Goal(1.5, "glance")),
               chart="Upload with three digests, one stream (GB/s)"),
        Figure("three_1", "cpu_seconds_per_gib", "– CPU", CPU, lower_is_better=True),
        Figure("three_16", "gb_per_second", "MD5, SHA-256 and SHA-512, 16 streams", GB,
               chart="Upload with three digests, 16 streams (GB/s)"),
        Figure("three_16", "cpu_seconds_per_gib", "– CPU", CPU, lower_is_better=True),
        Figure("all_1", "gb_per_second", "all digests, one stream", GB),
        Figure("all_16", "gb_per_second", "all digests, 16 streams", GB),
        Figure("all_16", "cpu_seconds_per_gib", "– CPU", CPU, lower_is_better=True),
    ),
    ("Durable before the answer: VISOR. Neither nginx (WebDAV PUT) nor Glance makes the data durable. nginx computes no "
     "digest and stands in the first rows and those of the three digests alike; Glance computes MD5 and SHA-512.",),
)


def upload(bench: Bench, server, row: str, heads_of, clean) -> None:
    """One row with one stream, and with 16 that together bring twice as much."""
    whole = bench.setting.image_bytes
    for streams, size in ((1, whole), (STREAMS, whole * 2 // STREAMS)):
        # What another server left to be written must not be written during this one's turn.
        os.sync()
        heads = heads_of(streams, size)
        bench.add(f"{row}_{streams}", server, bench.load.transfer(server, heads, streams, body=size))
        clean()


def measure_visor(bench: Bench) -> None:
    for row, choices in DIGESTS.items():
        data = bench.setting.empty_folder("visor-uploads")
        digests = next(choice for choice in choices if Visor(bench.setting, data, choice).accepts())
        if digests != choices[0]:
            bench.results.remark(
                "SHA-256 alone can't be configured while the native API is served, whose clients verify with MD5: "
                "the rows “SHA-256” have MD5 as well."
            )
        with Visor(bench.setting, data, digests) as visor:
            upload(bench, visor, row, lambda streams, size, v=visor: [v.upload_head(size)],
                   lambda v=visor: v.remove_all("name=bench"))
        bench.setting.empty_folder("visor-uploads")


def measure_nginx(bench: Bench) -> None:
    with bench.nginx() as nginx:
        def clean() -> None:
            for path in (nginx.folder / "put").iterdir():
                path.unlink()

        for row in ("sha256", "three"):
            upload(
                bench, nginx, row,
                lambda streams, size: [
                    head("PUT", f"/put/{number}", nginx.port, {"Content-Length": str(size)}) for number in range(streams)
                ],
                clean,
            )


def measure_glance(bench: Bench) -> None:
    with bench.glance(bench.setting.empty_folder("glance-uploads")) as glance:
        made: list[str] = []

        def heads_of(streams: int, size: int) -> list[bytes]:
            made.extend(glance.create() for _ in range(streams))
            return [glance.upload_head(image, size) for image in made]

        def clean() -> None:
            for image in made:
                with contextlib.suppress(OSError):
                    glance.remove(image)
            made.clear()

        upload(bench, glance, "three", heads_of, clean)
    bench.setting.empty_folder("glance-uploads")


def measure(bench: Bench) -> None:
    for _ in bench.rounds():
        measure_visor(bench)
        if bench.has("nginx"):
            measure_nginx(bench)
        if bench.has("glance"):
            measure_glance(bench)
