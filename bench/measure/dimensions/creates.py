"""Registering images, one request each."""

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.visor import Visor

DIMENSION = Dimension(
    "creates",
    "Registering images",
    (
        Figure("one", "per_second", "one client", "images/s", (Goal(2000),)),
        Figure("one", "p99_ms", "– p99", "ms", lower_is_better=True),
        Figure("many", "per_second", "64 clients", "images/s", (Goal(8000),),
               chart="Durable create, 64 clients (images per second)"),
        Figure("many", "per_cpu_second", "– per CPU-second", "images/CPU-s"),
        Figure("many", "p99_ms", "– p99", "ms", lower_is_better=True),
    ),
    ("VISOR answers when the image is on the disk. Glance's SQLite commits to the disk as well, one image at a time. "
     "VISOR's requests are signed (the scheme of 2012), Glance runs without accounts.",),
)


def measure(bench: Bench) -> None:
    load = bench.load
    bench.filled.make()
    data = bench.filled.copy("visor-creates")
    if bench.has("glance"):
        bench.filled_glance.make()
        glance_data = bench.filled_glance.copy("glance-creates")
    bench.results.remark(f"{bench.setting.images} images were there before.")
    for _ in bench.rounds():
        with Visor(bench.setting, data) as visor:
            asked = [visor.signer.of_2012("POST", "/images", visor.port, visor.new_image() | {"Content-Length": "0"})]
            load.requests(visor, asked, 8, 1)
            bench.add("one", visor, load.requests(visor, asked, 1))
            bench.add("many", visor, load.requests(visor, asked, 64))
        if bench.has("glance"):
            with bench.glance(glance_data) as glance:
                asked = [glance.create_head()]
                load.requests(glance, asked, 4, 1)
                bench.add("one", glance, load.requests(glance, asked, 1))
                # A request waits for all the others.
                bench.add("many", glance, load.requests(glance, asked, 64, 4 * bench.setting.seconds))
    bench.filled.remove_copy(data.name)
    if bench.has("glance"):
        bench.filled_glance.remove_copy(glance_data.name)
