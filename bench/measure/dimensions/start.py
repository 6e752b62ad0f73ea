"""From the start of the process to the first answer."""

from measure.bench import Bench
from measure.figures import Dimension, Figure, Goal
from measure.signing import head
from measure.visor import Visor

# In each turn, of which the median counts: one of some milliseconds says little. Glance's seconds do.
STARTS = 7

DIMENSION = Dimension(
    "start",
    "Start",
    (
        Figure("first_answer", "milliseconds", "to the first image answered, all images in the catalogue", "ms",
               (Goal(20, at_most=True),), lower_is_better=True,
               chart="Start to the first answer, 1M images (ms, less is better)"),
    ),
    ("The files are in the page cache. nginx answers a document from its configuration. VISOR and nginx start seven times in a "
     "turn, of which the median counts, Glance once.",),
)


def measure(bench: Bench) -> None:
    bench.filled.make()
    if bench.has("glance"):
        bench.filled_glance.make()
    bench.results.remark(f"{bench.setting.images} images in the catalogue.")
    visor = Visor(bench.setting, bench.filled.folder)
    # The account is there; setting its secret anew would be a write.
    visor.with_account = False
    image = bench.filled.some_ids(1)[0]
    for _ in bench.rounds():
        bench.add("first_answer", visor, bench.load.start(visor, [visor.metadata_head(image)], STARTS))
        if bench.has("nginx"):
            nginx = bench.nginx()
            bench.add("first_answer", nginx, bench.load.start(nginx, [nginx.document_head()], STARTS))
        if bench.has("glance"):
            glance = bench.glance(bench.filled_glance.folder)
            asked = head("GET", f"/v2/images/{bench.filled_glance.some_ids(1)[0]}", glance.port)
            bench.add("first_answer", glance, bench.load.start(glance, [asked]))
