"""GET of one image's metadata."""

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.signing import head
from measure.visor import Visor

CPU = "requests per CPU-s"
CONNECTIONS = 32
STEADY = 10_000  # requests a second, for the times at equal load

DIMENSION = Dimension(
    "metadata",
    "Metadata of one image",
    (
        Figure("hot", "per_cpu_second", "hot set, anonymous", CPU,
               (Goal(120_000), Goal(0.75, "nginx"), Goal(800, "glance")), chart="Metadata GET, hot (requests per CPU-second)"),
        Figure("hot", "per_second", "– by wall time, one load thread", "requests/s"),
        Figure("steady", "p50_ms", f"p50 at {STEADY:,}/s".replace(",", " "), "ms", lower_is_better=True),
        Figure("steady", "p99_ms", f"p99 at {STEADY:,}/s".replace(",", " "), "ms",
               (Goal(1.25, "nginx", at_most=True),), lower_is_better=True),
        Figure("one", "p50_ms", "p50, one connection", "ms", lower_is_better=True),
        Figure("one", "p99_ms", "p99, one connection", "ms", lower_is_better=True),
        Figure("uniform", "per_cpu_second", "uniform over all images", CPU, (Goal(70_000),),
               chart="Metadata GET, uniform over all (requests per CPU-second)"),
        Figure("signed", "per_cpu_second", "signed (AWS Signature Version 4), 1,000 images", CPU, (Goal(60_000),)),
        Figure("signed_2012", "per_cpu_second", "signed (the scheme of 2012), 1,000 images", CPU),
    ),
    ("nginx answers `return 200` with the very document that VISOR answers for the hot image; Glance its own of an image "
     "with as many attributes. Glance can't be asked 10 000 times a second: its times are those of one connection.",),
)


def measure_visor(bench: Bench) -> str:
    """Gives the hot image's document."""
    load = bench.load
    with Visor(bench.setting, bench.filled.folder) as visor:
        ids = bench.filled.some_ids(1000)
        hot = [visor.metadata_head(ids[0])]
        document = visor.get(f"/images/{ids[0]}/metadata").decode()
        load.requests(visor, hot, CONNECTIONS, 1)
        bench.add("hot", visor, load.requests(visor, hot, CONNECTIONS))
        bench.add("steady", visor, load.rate(visor, hot, STEADY, CONNECTIONS))
        bench.add("one", visor, load.requests(visor, hot, 1, 1))
        everything = (bench.filled.ids, f"127.0.0.1:{visor.port}")
        # A server that has just started has next to none of the catalogue mapped yet.
        load.wrk(visor, CONNECTIONS, "uniform.lua", *everything, seconds=3 * bench.setting.seconds)
        bench.add("uniform", visor, load.wrk(visor, CONNECTIONS, "uniform.lua", *everything))
        signed = [visor.signer.sigv4("GET", f"/images/{one}/metadata", visor.port) for one in ids]
        bench.add("signed", visor, load.requests(visor, signed, CONNECTIONS))
        signed = [visor.signer.of_2012("GET", f"/images/{one}/metadata", visor.port) for one in ids]
        bench.add("signed_2012", visor, load.requests(visor, signed, CONNECTIONS))
    return document


def measure(bench: Bench) -> None:
    load = bench.load
    bench.filled.make()
    if bench.has("glance"):
        bench.filled_glance.make()
    for _ in bench.rounds():
        document = measure_visor(bench)
        bench.results.remark(f"The document has {len(document.encode())} bytes.")
        if bench.has("nginx"):
            with bench.nginx(document) as nginx:
                hot = [nginx.document_head()]
                bench.add("hot", nginx, load.requests(nginx, hot, CONNECTIONS))
                bench.add("steady", nginx, load.rate(nginx, hot, STEADY, CONNECTIONS))
                bench.add("one", nginx, load.requests(nginx, hot, 1, 1))
        if bench.has("glance"):
            with bench.glance(bench.filled_glance.folder) as glance:
                hot = [head("GET", f"/v2/images/{bench.filled_glance.some_ids(1)[0]}", glance.port)]
                load.requests(glance, hot, 4, 1)
                bench.add("hot", glance, load.requests(glance, hot, CONNECTIONS))
                bench.add("one", glance, load.requests(glance, hot, 1))
