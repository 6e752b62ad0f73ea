"""Where the parts listen: on the loopback address, unless they have a network of their own.

Glance fetches nothing from a loopback address, whatever it is configured to, and neither does a test of Tempest's take one. In a network
of its own the process and its children see just an interface with one address, of those that are kept for documentation (RFC 5737).
"""

import os
import subprocess
import sys

from . import Unavailable

VARIABLE = "VISOR_TEST_HOST"
OWN = "192.0.2.10"
HOST = os.environ.get(VARIABLE, "127.0.0.1")


def enter_own_network():
    """Runs this program again in a network of its own, with the same arguments. Returns once it is there."""
    if HOST == OWN:
        for words in (["link", "set", "lo", "up"], ["address", "add", f"{OWN}/24", "dev", "lo"], ["route", "add", "default", "dev", "lo", "src", OWN]):
            _run(["ip", *words])
        return
    identity = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    inside = ["unshare", *identity, "--net", "--kill-child"]
    _run([*inside, "true"])
    os.execvpe(inside[0], [*inside, sys.executable, *sys.argv], dict(os.environ, **{VARIABLE: OWN}))


def _run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as failure:
        raise Unavailable(f"a network of its own: {failure}") from failure
    if done.returncode != 0:
        raise Unavailable(f"a network of its own: {' '.join(command)}: {done.stderr.strip()}")
