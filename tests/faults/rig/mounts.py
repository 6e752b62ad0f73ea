"""Mounts and block devices that go with the process that made them, whatever becomes of it."""

import contextlib
import ctypes
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
libc = ctypes.CDLL(None, use_errno=True)


@functools.cache
def private():
    """Takes this thread, and whatever it starts, into a mount namespace of its own. Returns a sentence if that is refused."""
    if os.geteuid() != 0:
        return "mounting takes root"
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) != 0:
        return f"no mount namespace is to be had here: {os.strerror(ctypes.get_errno())}"
    return None


@contextlib.contextmanager
def mounted(*arguments):
    """`mount ARGUMENTS FOLDER`, as long as this lasts; gives the folder."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mount-"))
    try:
        done = subprocess.run(["mount", *map(str, arguments), str(folder)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"mount {arguments}: {done.stderr}"
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=60)
    finally:
        folder.rmdir()


@functools.cache
def no_loop_mount():
    """None, or why a file can't be mounted as a file system here."""
    why = private()
    if why:
        return why
    for tool in ("mkfs.ext4", "mount"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(8 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image.name], check=True, capture_output=True, timeout=60)
        try:
            with mounted("-o", "loop", image.name):
                return None
        except AssertionError as error:
            return f"no loop device is to be had here: {error}"
