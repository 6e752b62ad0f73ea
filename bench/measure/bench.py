"""What every dimension works with."""

from collections.abc import Iterator

from measure.figures import Results
from measure.glance import FilledGlance, Glance
from measure.load import Load
from measure.nginx import Nginx
from measure.processes import Server
from measure.setting import Setting
from measure.visor import Filled


class Bench:
    def __init__(self, setting: Setting, results: Results):
        self.setting = setting
        self.results = results
        self.load = Load(setting)
        self.filled = Filled(setting)
        self.filled_glance = FilledGlance(setting)

    def has(self, peer: str) -> bool:
        return peer in self.setting.peers

    def rounds(self) -> Iterator[int]:
        """Every round goes over all servers: what disturbs the machine for a while disturbs all of them."""
        for number in range(1, self.setting.rounds + 1):
            print(f"  round {number} of {self.setting.rounds}", flush=True)
            yield number

    def add(self, row: str, server: Server, figures: dict) -> None:
        self.results.add(row, server.name, figures)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items() if value is not None)
        print(f"    {server.name:7} {row:24} {shown}", flush=True)

    def nginx(self, document: str = "{}") -> Nginx:
        return Nginx(self.setting, document)

    def glance(self, data) -> Glance:
        return Glance(self.setting, data)
