"""An image through VISOR into a storage system and back, beside that system's own client."""

import os
import pathlib
import subprocess
import tempfile
import time

from measure import hadoop, object_store
from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.signing import head
from measure.visor import Visor

GB, MIB = "GB/s", 1048576.0
# Those that can't be left out: the storage systems' own clients compute none of the image.
DIGESTS = ("md5", "sha256")


def figures(storage: str, prefix: str, peer: str) -> tuple[Figure, ...]:
    """An upload and a download; the rows of storage that is not S3 begin with its name."""
    upload, download = f"{prefix}upload", f"{prefix}download"
    peak, cpu = "– the process, at most", "– CPU"
    return (
        Figure(upload, "gb_per_second", f"{storage}: upload", GB, (Goal(0.95, peer),)),
        Figure(upload, "peak_bytes", peak, "MiB", (Goal(80, at_most=True),), MIB, lower_is_better=True),
        Figure(upload, "cpu_seconds_per_gib", cpu, "CPU-s/GiB", lower_is_better=True),
        Figure(download, "gb_per_second", f"{storage}: download", GB, (Goal(0.95, peer),)),
        Figure(download, "peak_bytes", peak, "MiB", (Goal(32, at_most=True),), MIB, lower_is_better=True),
        Figure(download, "cpu_seconds_per_gib", cpu, "CPU-s/GiB", lower_is_better=True),
    )


DIMENSION = Dimension(
    "stores",
    "An image in S3 and in HDFS",
    figures("S3", "", "aws") + figures("HDFS", "hdfs ", "hdfs"),
    ("SeaweedFS holds the objects: all of it is one process on the same processors, fresh for each turn. `aws s3 cp` goes to it "
     "directly, from and into a file in memory, with its own ten threads; its time includes the start of its interpreter. VISOR "
     "computes MD5 and SHA-256 of the image on the way, as it must, and in S3 both again of each part.",
     "HDFS is a namenode and a datanode of Hadoop 3, a Java process each, on the same processors and fresh for each turn; what is "
     "stored lies there once, in blocks of 128 MiB. `hdfs dfs -put` and `-get` speak Hadoop's own protocol with it; their time "
     "includes the start of their Java. VISOR speaks WebHDFS, which the datanode turns into that protocol."),
    ("aws", "hdfs"),
)

# peer -> what starts the storage, its client, and what its rows begin with
STORAGE = {
    "aws": (object_store.ObjectStore, object_store.Client, ""),
    "hdfs": (hadoop.Hadoop, hadoop.Client, "hdfs "),
}


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


def measure_visor(bench: Bench, peer: str) -> None:
    start, _, prefix = STORAGE[peer]
    size = bench.setting.image_bytes
    data = bench.setting.empty_folder("visor-stores")
    with start(bench.setting) as storage:
        with Visor(bench.setting, data, DIGESTS, more=storage.configuration()) as visor:
            visor.send("GET", "/images")
            os.sync()
            bench.add(f"{prefix}upload", visor, bench.load.transfer(visor, [visor.upload_head(size)], 1, body=size))
        # The second process has the peak of the download alone.
        with Visor(bench.setting, data, DIGESTS, more=storage.configuration()) as visor:
            image = visor.send("GET", "/images?name=bench")["images"][0]["_id"]
            os.sync()
            asked = head("GET", f"/images/{image}", visor.port)
            bench.add(f"{prefix}download", visor, bench.load.transfer(visor, [asked], 1))
    bench.setting.empty_folder("visor-stores")


def measure_client(bench: Bench, peer: str) -> None:
    start, make_client, prefix = STORAGE[peer]
    size = bench.setting.image_bytes
    with start(bench.setting) as storage, tempfile.TemporaryDirectory(dir="/dev/shm", prefix="visor-bench-") as memory:
        client = make_client(bench.setting, storage)
        source, target = pathlib.Path(memory, "source"), pathlib.Path(memory, "target")
        with source.open("wb") as file:
            while file.tell() < size:
                file.write(os.urandom(1 << 20))
        os.sync()
        bench.add(f"{prefix}upload", client, used(client.put(str(source), "image"), client.environment(), size))
        source.unlink()
        os.sync()
        bench.add(f"{prefix}download", client, used(client.get("image", str(target)), client.environment(), size))
        if target.stat().st_size != size:
            raise RuntimeError("the client brought back another size than it took")


def measure(bench: Bench) -> None:
    peers = [peer for peer in STORAGE if bench.has(peer)]
    if not peers:
        print("  left out: none of its peers aws and hdfs is asked for", flush=True)
        return
    for _ in bench.rounds():
        for peer in peers:
            measure_visor(bench, peer)
            measure_client(bench, peer)
