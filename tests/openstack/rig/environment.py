"""The Python packages of OpenStack, by their versions, in an environment of their own below build/."""

import contextlib
import fcntl
import functools
import hashlib
import pathlib
import shutil
import subprocess

from . import CACHE, ROOT, Unavailable

REQUIREMENTS = ROOT / "tests" / "openstack" / "requirements.txt"
# Debian's, so that every machine makes the same environment, whatever comes first in PATH.
PYTHON = "/usr/bin/python3"
INSTALL_SECONDS = 900


@contextlib.contextmanager
def alone(name):
    """Only one process of all that share build/ is in here at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def version():
    """Changes with the packages and with the Python below them; names what was made from them."""
    below = subprocess.run([PYTHON, "--version"], capture_output=True, check=True).stdout
    return hashlib.sha256(REQUIREMENTS.read_bytes() + below).hexdigest()[:12]


@functools.cache
def environment():
    """The environment's folder. Installs it if it isn't there yet, or was made from other versions; Unavailable if it can't be had."""
    folder = CACHE / "environment"
    made, wanted = folder / "made-from", version()
    with alone("environment"):
        if not made.exists() or made.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _run([PYTHON, "-m", "venv", folder])
            _run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
                  "--retries", "10", "--timeout", "60", "-r", REQUIREMENTS])
            made.write_text(wanted)
    return folder


def program(name):
    """The path of one of its programs."""
    return environment() / "bin" / name


def shared(name):
    """A folder of the package's data files, as `etc/glance`."""
    return pathlib.Path(environment(), name)


def _run(command):
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Unavailable(f"the packages of OpenStack could not be installed: {failure}") from failure
    if done.returncode != 0:
        raise Unavailable(f"the packages of OpenStack could not be installed: {(done.stdout + done.stderr)[-600:].strip()}")
