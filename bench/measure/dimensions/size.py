"""The size of the program."""

import pathlib
import shutil
import subprocess

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal

DIMENSION = Dimension(
    "size",
    "Binary",
    (Figure("binary", "bytes", "stripped, without shared libraries", "MB", (Goal(8, at_most=True),), 1e6, lower_is_better=True),),
)


def stripped_bytes(bench: Bench, program: str) -> int:
    copy = bench.setting.work / "stripped"
    subprocess.run(["strip", "-o", copy, program], check=True)
    size = copy.stat().st_size
    copy.unlink()
    return size


def measure(bench: Bench) -> None:
    bench.results.add("binary", "visor", {"bytes": stripped_bytes(bench, bench.setting.program("visord"))})
    nginx = shutil.which("nginx")
    if bench.has("nginx") and nginx:
        bench.results.add("binary", "nginx", {"bytes": stripped_bytes(bench, str(pathlib.Path(nginx).resolve()))})
