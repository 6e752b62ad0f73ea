"""An image through VISOR into an object store and back, beside the object store's own client."""

import os
import pathlib
import subprocess
import tempfile
import time

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.object_store import Client, ObjectStore
from measure.signing import head
from measure.visor import Visor

GB, MIB = "GB/s", 1048576.0

DIMENSION = Dimension(
    "stores",
    "An image in S3",
    (
        Figure("upload", "gb_per_second", "upload", GB, (Goal(0.8, "aws"),)),
        Figure("upload", "peak_bytes", "– the process, at most", "MiB", (Goal(80, at_most=True),), MIB, lower_is_better=True),
        Figure("upload", "cpu_seconds_per_gib", "– CPU", "CPU-s/GiB", lower_is_better=True),
        Figure("download", "gb_per_second", "download", GB, (Goal(0.8, "aws"),)),
        Figure("download", "peak_bytes", "– the process, at most", "MiB", (Goal(32, at_most=True),), MIB, lower_is_better=True),
        Figure("download", "cpu_seconds_per_gib", "– CPU", "CPU-s/GiB", lower_is_better=True),
    ),
    ("SeaweedFS holds the objects: all of it is one process on the same processors, fresh for each turn. `aws s3 cp` goes to it "
     "directly, from and into a file in memory, with its own ten threads; its time includes the start of its interpreter. VISOR "
     "computes all digests on the way.",),
    ("aws",),
)


def used(command: list[str], environment: dict[str, str], moved: int) -> dict:
    """The figures of a program that runs to its end."""
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} ended with status {process.returncode}")
    return {
        "gb_per_second": moved / seconds / 1e9,
        "peak_bytes": usage.ru_maxrss * 1024,
        "cpu_seconds_per_gib": (usage.ru_utime + usage.ru_stime) / (moved / 2**30),
    }


def measure_visor(bench: Bench) -> None:
    size = bench.setting.image_bytes
    data = bench.setting.empty_folder("visor-stores")
    with ObjectStore(bench.setting) as objects:
        with Visor(bench.setting, data, more=objects.configuration()) as visor:
            visor.send("GET", "/images")
            os.sync()
            bench.add("upload", visor, bench.load.transfer(visor, [visor.upload_head(size)], 1, body=size))
        # The second process has the peak of the download alone.
        with Visor(bench.setting, data, more=objects.configuration()) as visor:
            image = visor.send("GET", "/images?name=bench")["images"][0]["_id"]
            os.sync()
            asked = head("GET", f"/images/{image}", visor.port)
            bench.add("download", visor, bench.load.transfer(visor, [asked], 1))
    bench.setting.empty_folder("visor-stores")


def measure_client(bench: Bench) -> None:
    size = bench.setting.image_bytes
    with ObjectStore(bench.setting) as objects, tempfile.TemporaryDirectory(dir="/dev/shm", prefix="visor-bench-") as memory:
        client = Client(bench.setting, objects)
        source, target = pathlib.Path(memory, "source"), pathlib.Path(memory, "target")
        with source.open("wb") as file:
            while file.tell() < size:
                file.write(os.urandom(1 << 20))
        os.sync()
        bench.add("upload", client, used(client.copy(str(source), objects.url("image")), client.environment(), size))
        source.unlink()
        os.sync()
        bench.add("download", client, used(client.copy(objects.url("image"), str(target)), client.environment(), size))
        if target.stat().st_size != size:
            raise RuntimeError("the client brought back another size than it took")


def measure(bench: Bench) -> None:
    if not bench.has("aws"):
        print("  left out: its peer aws is not asked for", flush=True)
        return
    for _ in bench.rounds():
        measure_visor(bench)
        measure_client(bench)
