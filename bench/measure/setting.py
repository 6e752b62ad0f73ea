"""What a run is about: where things lie, how much is measured, and against whom."""

import dataclasses
import os
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# Of every connection, of servers and clients.
CONGESTION = "cubic"


@dataclasses.dataclass(frozen=True)
class Setting:
    work: pathlib.Path  # data folders and everything else that may be thrown away
    programs: pathlib.Path  # visord, bench_load, fill_catalogue
    results: pathlib.Path
    quick: bool
    images: int
    rounds: int
    peers: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How long one measurement by requests takes."""
        return 1.0 if self.quick else 3.0

    @property
    def image_bytes(self) -> int:
        """The image that one connection uploads or downloads."""
        return (256 if self.quick else 1024) << 20

    @property
    def many_connections(self) -> int:
        return 100 if self.quick else 1000

    @property
    def idle_connections(self) -> int:
        return 1000 if self.quick else 5000

    def program(self, name: str) -> str:
        return str(self.programs / name)

    def folder(self, name: str) -> pathlib.Path:
        path = self.work / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def empty_folder(self, name: str) -> pathlib.Path:
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True, mode=0o700)
        return path

    def environment(self) -> dict[str, str]:
        """For every process whose connections are measured."""
        return os.environ | {
            "LD_PRELOAD": self.program("libbench_congestion.so"),
            "BENCH_CONGESTION": CONGESTION,
        }
