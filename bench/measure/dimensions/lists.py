"""Lists and filters over a large catalogue: pages of 25."""

import json
import random

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.processes import Server
from measure.signing import head
from measure.visor import Visor

PAGES = "pages per CPU-s"
GOALS = (Goal(10_000),)
CONNECTIONS = 8
STEADY = 500  # pages a second, for the times
STEADY_SEVERAL = 50  # of several filters at once, which may have to look at many images

ROWS = {
    "free_by_id": "a free attribute (0.1 % have the value), by id",
    "free_by_creation": "a free attribute (0.1 %), by creation, newest first",
    "common_by_id": "a common free attribute (25 %), by id",
    "common_by_creation": "a common free attribute (25 %), by creation, newest first",
    "name": "name (one has it)",
    "several": "three filters (0.1 %, 25 % and 67 %), by id",
    "next": "a next page of all, by id, anywhere",
    "next_by_creation": "a next page of all, by creation, newest first",
}
CHARTED = {
    "free_by_id": "List by a free attribute, by id (pages of 25 per CPU-second)",
    "free_by_creation": "List by a free attribute, newest first (pages of 25 per CPU-second)",
}


def steady_of(row: str) -> int:
    return STEADY_SEVERAL if row == "several" else STEADY


DIMENSION = Dimension(
    "lists",
    "Lists and filters, pages of 25",
    tuple(
        figure
        for row, title in ROWS.items()
        for figure in (
            Figure(row, "per_cpu_second", title, PAGES, () if row == "several" else GOALS, chart=CHARTED.get(row, "")),
            Figure(row + "_steady", "p99_ms", f"– p99 at {steady_of(row)}/s", "ms",
                   () if row == "several" else (Goal(2, at_most=True),), lower_is_better=True),
        )
    ),
    ("Glance, which can't be asked that often: pages with one connection, and the p99 of that. It has no index over what "
     "is filtered by here. The documents differ: VISOR's brief list has 7 attributes an image, Glance's all of them.",),
)


def walk(visor: Visor, first: str, pages: int) -> list[str]:
    """A list's first page and those that follow it."""
    paths, path = [], first
    while path and len(paths) < pages:
        paths.append(path)
        path = json.loads(visor.get(path)).get("next")
    return paths


def visor_paths(bench: Bench, visor: Visor) -> dict[str, list[str]]:
    chance = random.Random(42)
    builds = [chance.randrange(1000) for _ in range(100)]
    systems = ("debian", "ubuntu", "fedora", "alpine")
    newest = "dir=desc&limit=25"

    def several(build: int) -> str:
        return f"/images?architecture=x86_64&build={build}&limit=25&os={chance.choice(systems)}"

    return {
        "free_by_id": [page for build in builds for page in walk(visor, f"/images?build={build}&limit=25", 2)],
        "free_by_creation": [
            page for build in builds for page in walk(visor, f"/images?build={build}&{newest}&sort=created_at", 2)
        ],
        "common_by_id": [page for name in systems for page in walk(visor, f"/images?limit=25&os={name}", 25)],
        "common_by_creation": [
            page for name in systems for page in walk(visor, f"/images?{newest}&os={name}&sort=created_at", 25)
        ],
        "name": [f"/images?limit=25&name=image%20{chance.randrange(bench.setting.images)}" for _ in range(1000)],
        "several": [several(build) for build in builds],
        "next": [f"/images?limit=25&marker={one}" for one in bench.filled.some_ids(1000)],
        "next_by_creation": walk(visor, f"/images?{newest}&sort=created_at", 100),
    }


def glance_paths(bench: Bench) -> dict[str, list[str]]:
    chance = random.Random(42)
    builds = [chance.randrange(1000) for _ in range(20)]
    by_id, newest = "sort=id:asc&limit=25", "sort=created_at:desc&limit=25"
    return {
        "free_by_id": [f"/v2/images?build={build}&{by_id}" for build in builds],
        "free_by_creation": [f"/v2/images?build={build}&{newest}" for build in builds],
        "name": [f"/v2/images?name=image%20{chance.randrange(bench.setting.images)}&{by_id}" for _ in range(20)],
        "next": [f"/v2/images?{by_id}&marker={one}" for one in bench.filled_glance.some_ids(20)],
        "next_by_creation": [f"/v2/images?{newest}&marker={one}" for one in bench.filled_glance.some_ids(20)],
    }


def heads(server: Server, paths: list[str]) -> list[bytes]:
    return [head("GET", path, server.port) for path in paths]


def measure(bench: Bench) -> None:
    load = bench.load
    bench.filled.make()
    if bench.has("glance"):
        bench.filled_glance.make()
    bench.results.remark(f"{bench.setting.images} images in the catalogue.")
    seconds = bench.setting.seconds / 2
    for _ in bench.rounds():
        with Visor(bench.setting, bench.filled.folder) as visor:
            for row, paths in visor_paths(bench, visor).items():
                asked = heads(visor, paths)
                load.requests(visor, asked, CONNECTIONS, 1)
                bench.add(row, visor, load.requests(visor, asked, CONNECTIONS, seconds))
                bench.add(row + "_steady", visor, load.rate(visor, asked, steady_of(row), CONNECTIONS))
        if bench.has("glance"):
            with bench.glance(bench.filled_glance.folder) as glance:
                for row, paths in glance_paths(bench).items():
                    figures = load.requests(glance, heads(glance, paths), 1, bench.setting.seconds)
                    bench.add(row, glance, figures)
                    bench.add(row + "_steady", glance, {"p99_ms": figures["p99_ms"], "p50_ms": figures["p50_ms"]})
