"""Work on a disk whose every write is logged, and servers started on what power cuts leave of it."""

import contextlib
import pathlib
import shutil
import subprocess
import tempfile
import threading

from harness.server import StartFailed
from harness.wait import eventually

from . import tally, writelog
from .ledger import Client
from .mounts import mounted
from .scene import Scene

DISK_BYTES = 96 << 20
LOG_BYTES = 2 << 30  # it takes what is written to it


def impossible():
    for tool in ("qemu-storage-daemon", "fusermount3", "setpriv"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    return None if pathlib.Path("/dev/fuse").exists() else "there is no /dev/fuse"


class RecordingClient(Client):
    """Notes with each request how far the log was when it was acknowledged."""

    def __init__(self, api, ledger, recording):
        super().__init__(api, ledger)
        self.recording = recording

    def _ask(self, *request, **more):
        response = super()._ask(*request, **more)
        # This request is still in doubt here, as are those that other clients have under way.
        self.recording.acknowledged(self.ledger)
        return response

    def as_account(self, key):
        return RecordingClient(super().as_account(key).api, self.ledger, self.recording)


class Recording:
    """A server's work on a fresh ext4, the log of what reached the disk, and what clients knew when."""

    def __init__(self, work, environment=None):
        self.environment = environment or {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="recording-"))
        self.empty, self.log = self.folder / "empty", self.folder / "log"
        self.knowledge = []  # (end of the log at an acknowledgement, the ledger until then), in order
        self.lock = threading.Lock()
        make_file_system(self.empty)
        self._record(work)
        self.entries = writelog.read(self.log)

    def _record(self, work):
        disk = self.folder / "disk"
        shutil.copyfile(self.empty, disk)
        with logged(disk, self.log, self.folder) as device, mounted("-o", "loop,noatime", device) as folder:
            with Scene(data=folder / "data") as scene:
                scene.environment.update(self.environment)
                scene.start()
                self.ledger = scene.ledger
                work(RecordingClient(scene.api(), scene.ledger, self), scene)
                self.knowledge.append((LOG_BYTES, scene.ledger.copy()))

    def acknowledged(self, ledger):
        with self.lock:
            end = writelog.end_of_data(self.log, self.knowledge[-1][0] // 4096 * 4096 if self.knowledge else 0)
            self.knowledge.append((end, ledger.copy()))

    def known_after(self, count):
        """What clients knew when the first `count` entries were on the disk."""
        position = self.entries[count].start if count < len(self.entries) else LOG_BYTES - 1
        for end, ledger in self.knowledge:
            if position < end:
                return ledger.copy()
        return self.ledger.copy()

    def points(self, share, shares, number):
        """`number` counts of entries, spread over the log; `share` of `shares` of them."""
        step = max(1, len(self.entries) / number)
        counts = sorted({int(position * step) for position in range(1, number + 1)})
        return counts[share * len(counts) // shares : (share + 1) * len(counts) // shares]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def make_file_system(path):
    with open(path, "wb") as disk:
        disk.truncate(DISK_BYTES)
    subprocess.run(
        ["mkfs.ext4", "-q", "-F", "-b", str(writelog.BLOCK), "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0", str(path)],
        check=True, capture_output=True, timeout=60,
    )


@contextlib.contextmanager
def logged(disk, log, folder):
    """A file that is the disk, with every write to it in the log."""
    device = folder / "device"
    device.touch()
    with open(log, "wb") as created:
        created.truncate(LOG_BYTES)
    daemon = subprocess.Popen(
        [
            "setpriv", "--pdeathsig", "KILL", "qemu-storage-daemon",
            "--blockdev", f"driver=file,node-name=disk,filename={disk}",
            "--blockdev", f"driver=file,node-name=log,filename={log}",
            "--blockdev", "driver=blklogwrites,node-name=logged,file=disk,log=log",
            "--export", f"type=fuse,id=device,node-name=logged,mountpoint={device},writable=on",
        ],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    try:
        eventually(lambda: device.stat().st_size == DISK_BYTES or daemon.poll() is not None, "the device is there", 60)
        assert daemon.poll() is None, f"qemu-storage-daemon: {daemon.stderr.read()}"
        yield device
    finally:
        daemon.terminate()
        daemon.communicate(timeout=60)


def try_point(recording, replay, count, seed=None):
    """Cuts the power after `count` entries; with a seed, some of what no flush forced out is lost or torn."""
    copy = recording.folder / f"cut-{count}-{seed}"
    replay.forward(count if seed is None else max(replay.done, replay.last_flush(count)))
    subprocess.run(["cp", "--sparse=always", str(replay.disk), str(copy)], check=True, timeout=60)
    try:
        if seed is not None:
            replay.with_losses(copy, count, seed)
        with mounted("-o", "loop,noatime", copy) as folder, Scene(data=folder / "data") as scene:
            scene.ledger = recording.known_after(count)
            tally.add("power cuts")
            scene.come_back(probe=False)
    except (AssertionError, StartFailed) as error:
        raise AssertionError(f"power cut after entry {count} of {len(recording.entries)}, seed {seed}: {error}") from error
    finally:
        copy.unlink()
