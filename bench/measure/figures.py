"""Which figures a dimension has, what they should be, and what was measured."""

import dataclasses
import datetime
import json
import pathlib
import re
import statistics

PEERS = ("visor", "nginx", "glance")
TITLES = {"visor": "VISOR", "nginx": "nginx", "glance": "Glance", "aws": "aws s3 cp", "hdfs": "hdfs dfs"}


@dataclasses.dataclass(frozen=True)
class Goal:
    """A bound on VISOR's figure, or on its ratio to a peer's."""

    bound: float
    peer: str = ""
    at_most: bool = False

    def text(self, unit: str) -> str:
        sign = "≤" if self.at_most else "≥"
        if self.peer:
            return f"{sign} {self.bound:g}x {TITLES[self.peer]}"
        return f"{sign} {readable(self.bound)} {unit}".rstrip()

    def reached(self, medians: dict[str, float]) -> bool | None:
        """Nothing where one of the two was not measured."""
        value, measure = medians.get("visor"), medians.get(self.peer, 0) if self.peer else 1.0
        if value is None or not measure:
            return None
        return value <= self.bound * measure if self.at_most else value >= self.bound * measure


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the table: which figure of which row, and in what unit."""

    row: str
    name: str
    title: str
    unit: str
    goals: tuple[Goal, ...] = ()
    scale: float = 1.0  # what the raw figure is divided by for its unit
    chart: str = ""  # its panel's title in the chart, if it has one
    lower_is_better: bool = False


@dataclasses.dataclass(frozen=True)
class Dimension:
    name: str
    title: str
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...] = ()
    peers: tuple[str, ...] = ("nginx", "glance")  # the columns of its table


def readable(value: float) -> str:
    if value >= 10_000:
        return f"{value:,.0f}".replace(",", " ")
    if value >= 100:
        return f"{value:.0f}"
    digits = 1 if value >= 10 else 2 if value >= 0.095 else 3
    return f"{value:.{digits}f}".rstrip("0").rstrip(".") or "0"


class Results:
    """What was measured, dimension by dimension; one that is measured again replaces what was known of it alone."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.known: dict = json.loads(path.read_text()) if path.exists() else {"dimensions": {}}

    def begin(self, dimension: str, circumstances: dict) -> None:
        self.rows: dict = {}
        self.remarks: list[str] = []
        self.dimension = dimension
        self.circumstances = circumstances

    def add(self, row: str, peer: str, figures: dict) -> None:
        """One round's figures."""
        for name, value in figures.items():
            if value is not None:
                self.rows.setdefault(row, {}).setdefault(peer, {}).setdefault(name, []).append(round(value, 6))

    def remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)

    def end(self) -> None:
        self.known["dimensions"][self.dimension] = {
            "measured": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            **self.circumstances,
            "remarks": self.remarks,
            "rows": self.rows,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.known, indent=1, ensure_ascii=False)
        # The numbers of one figure on one line.
        text = re.sub(r"\[([\d\s.,e-]+)\]", lambda match: "[" + " ".join(match[1].split()) + "]", text)
        self.path.write_text(text + "\n")

    def medians(self, dimension: str, row: str, name: str) -> dict[str, float]:
        peers = self.known["dimensions"].get(dimension, {}).get("rows", {}).get(row, {})
        return {peer: statistics.median(figures[name]) for peer, figures in peers.items() if figures.get(name)}

    def errors(self, dimension: str) -> dict[str, int]:
        """Failed requests by server, over all rounds."""
        counts: dict[str, int] = {}
        for peers in self.known["dimensions"].get(dimension, {}).get("rows", {}).values():
            for peer, figures in peers.items():
                counts[peer] = counts.get(peer, 0) + round(sum(figures.get("errors", [])))
        return {peer: count for peer, count in counts.items() if count}
