"""A server over a copy of a prepared data folder."""

import fcntl
import functools
import pathlib
import shutil
import subprocess
import tempfile
import time

from harness.payload import data
from harness.server import Server

from . import tally, tracer
from .catalogue import Snapshot
from .checker import check, stored_files
from .ledger import Client, Died, Ledger

# strace counts the calls of each thread by itself: with one thread of each kind the numbers are the same each time.
ONE_THREAD_OF_EACH_KIND = "threads:\n  loops: 1\n  disk: 1\n  catalogue: 1\n  digest: 1\n"
RESTART_SECONDS = 2


class Scene(Server):
    """Used as a context manager that starts nothing by itself; what runs at the end is killed."""

    def __init__(self, prepared=None, config=ONE_THREAD_OF_EACH_KIND, data=None):
        super().__init__(config=config, data=data)
        self.ledger = Ledger()
        if prepared is not None:
            shutil.copytree(prepared.data, self.data, ignore=shutil.ignore_patterns("*-reserve"))
            self.ledger = prepared.ledger.copy()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.running():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, failures=()):
        return Client(self.api(), self.ledger, failures)

    def died(self):
        """Whether it is gone by itself, once a client has noticed."""
        try:
            self.wait(120)
        except subprocess.TimeoutExpired:
            return False
        self.host = None
        return True

    def come_back(self, probe=True):
        """Starts without any fault, in time, and holds the invariants against what is there."""
        self.wrap = []
        begun = time.monotonic()
        self.start()
        tally.longest("restart_ms", (time.monotonic() - begun) * 1000)
        # The time on the clock depends on what else the machine does.
        used = processor_seconds(self.process.pid)
        assert used < RESTART_SECONDS, f"the restart took {used} s of processor time"
        check(self, self.ledger, probe)


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Prepared:
    """A data folder to copy, and what is in it."""

    def __init__(self, scene):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="prepared-")) / "data"
        shutil.copytree(scene.data, self.data, ignore=shutil.ignore_patterns("*-reserve"))
        self.ledger = scene.ledger.copy()


def fill(client):
    """A few images with and without data, and an account that owns one."""
    client.upload(data(5_000, "kept"), name="kept small")
    client.upload(data(700_000, "kept"), name="kept large")
    client.register("kept without data")
    account = client.create_account()
    client.as_account(account).upload(data(10_000, "owned"), name="kept of an account")


@functools.cache
def plain():
    """Stopped in good order."""
    with Scene() as scene:
        scene.start()
        fill(scene.client())
        assert scene.stop() == 0
        return Prepared(scene)


@functools.cache
def before_checkpoint():
    """Its log is nearly as long as it gets before it is carried over to the catalogue's file."""
    with Scene(plain()) as scene:
        scene.start()
        client = scene.client()
        image = next(iter(scene.ledger.contents))
        log = scene.data / "catalogue.db-wal"
        number = 0
        while log.stat().st_size < 1_990 * 4_120:
            client.rename(image, f"renamed {number}")
            number += 1
        scene.kill()
        return Prepared(scene)


@functools.cache
def cut_off():
    """Killed between a blob's name and its record, while the data of a removed image still waited for its removal."""
    for number in range(1, 10):
        with Scene(plain()) as scene:
            scene.start()
            client = scene.client()
            # As a backup does, so that data is not removed yet.
            with open(scene.data / "backup.lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                client.delete(list(scene.ledger.contents)[1])
                with tracer.attached(scene, "disk", f"fsync:signal=KILL:when={number}"):
                    try:
                        client.upload(data(50_000, "cut off"))
                    except Died:
                        assert scene.died()
            files = set(stored_files(scene.data / "store"))
            copies = Snapshot(scene.data / "catalogue.db").records["copies"]
            if len(files - {copy["key"] for copy in copies.values()}) == 2:
                return Prepared(scene)
    raise AssertionError("no kill at an fsync leaves a blob that no record names")
