"""Starts a server with images in every state and lets schemathesis loose on it, once for each kind of caller. See `run`."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.server import Server  # noqa: E402


def images(caller, stranger):
    """The environment that tells hooks.py of images with and without data, the caller's and another's."""
    kernel, ramdisk = caller.upload(b"third", type="kernel"), caller.upload(b"", type="ramdisk")
    known = [
        caller.upload(b"first"), caller.register(), caller.upload(b"second", access="private", format="raw", note="two words"),
        stranger.upload(b"fourth"), stranger.register(access="private"), kernel, ramdisk,
    ]
    empty = [caller.register() for _ in range(100)]
    return {"API_IMAGES": " ".join(known), "API_EMPTY": " ".join(empty), "API_KERNEL": kernel, "API_RAMDISK": ramdisk}


def run(schemathesis, server, caller, stranger, scheme, accept, report):
    environment = dict(
        os.environ, API_ADDRESS=server.address, API_ACCESS_KEY=caller.access_key, API_SECRET_KEY=caller.secret,
        API_SCHEME=scheme, API_ACCEPT=accept, PYTHONHASHSEED="0", SCHEMATHESIS_HOOKS="hooks",
        PYTHONPATH=str(HERE), PYTHONDONTWRITEBYTECODE="1", **images(caller, stranger),
    )
    command = [schemathesis, "--config-file", str(HERE / "schemathesis.toml"), "run", f"{server.address}/openapi.json", "--no-color"]
    if report:
        command += ["--report", "junit", "--report-junit-path", report]
    began = time.monotonic()
    # In a folder of its own: what earlier runs remembered there would change this one.
    with tempfile.TemporaryDirectory(prefix="visor-api-") as folder:
        status = subprocess.run(command, env=environment, cwd=folder, check=False).returncode
    print(f"{scheme}, {accept}: exit status {status} after {time.monotonic() - began:.0f} s", flush=True)
    return status


def main():
    schemathesis, report = sys.argv[1:3]
    failed = 0
    for scheme, accept, administrator in (("sigv4", "application/json", True), ("visor", "application/xml", False)):
        with Server() as server:
            root = server.api()
            caller = root.create_user(administrator=administrator)
            name = f"{report}-{scheme}.xml" if report else ""
            failed += run(schemathesis, server, caller, root.create_user(), scheme, accept, name) != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
