"""What the figures were measured on. Nothing that tells one machine from another of its kind."""

import os
import pathlib
import platform
import re
import subprocess
import time

from measure.setting import CONGESTION


def cpu_model() -> str:
    match = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match.group(1).strip() if match else platform.machine()


def memory_gib() -> float:
    kib = int(re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE).group(1))
    return round(kib / 2**20, 1)


def file_system(folder: pathlib.Path) -> str:
    shown = subprocess.run(
        ["stat", "--file-system", "--format", "%T", folder], check=True, capture_output=True, text=True
    )
    return shown.stdout.strip()


def load_average() -> list[float]:
    return [round(value, 2) for value in os.getloadavg()]


def others_busy(seconds: float = 0.5) -> float:
    """How many processors something else than this run keeps busy now: the noise of the moment."""

    def busy() -> int:
        user, nice, system, _, _, *rest = (
            int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
        )
        return user + nice + system + sum(rest[:3])

    before = busy()
    time.sleep(seconds)
    return round((busy() - before) / os.sysconf("SC_CLK_TCK") / seconds, 2)


def syncs_per_second(folder: pathlib.Path, seconds: float = 1.0) -> int:
    """Appends of 4 KiB that are made durable one after the other: what one client's creates can't pass."""
    path = folder / "syncs"
    count = 0
    with path.open("wb", buffering=0) as file:
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            count += 1
    path.unlink()
    return round(count / seconds)


def describe(folder: pathlib.Path) -> dict:
    return {
        "cpu": cpu_model(),
        "processors": os.cpu_count(),
        "memory_gib": memory_gib(),
        "kernel": platform.release(),
        "file_system": file_system(folder),
        "congestion_control": CONGESTION,
        "load_average": load_average(),
        "others_busy": others_busy(),
        "syncs_per_second": syncs_per_second(folder),
    }
