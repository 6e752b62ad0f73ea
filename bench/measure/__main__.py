"""Measures what was asked for and writes table, figures and chart. Called by scripts/bench, in namespaces of its own."""

import argparse
import pathlib
import sys
import time

from measure import chart, machine, report
from measure.bench import Bench
from measure.dimensions import ALL
from measure.figures import Results
from measure.setting import Setting


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--only", action="append", default=[], choices=[module.DIMENSION.name for module in ALL])
    return parser.parse_args()


def write_results(results: Results) -> None:
    dimensions = [module.DIMENSION for module in ALL]
    folder = results.path.parent
    (folder / "results.md").write_text(report.write(dimensions, results))
    (folder / "results.svg").write_text(chart.draw(dimensions, results))


def main() -> int:
    given = read_arguments()
    setting = Setting(
        work=given.work.resolve(),
        programs=given.programs.resolve(),
        results=given.results.resolve(),
        quick=given.quick,
        images=given.images,
        rounds=given.rounds,
        peers=tuple(peer for peer in given.peers.split(",") if peer),
    )
    results = Results(setting.results / "results.json")
    failed = []
    for module in ALL:
        dimension = module.DIMENSION
        if given.only and dimension.name not in given.only:
            continue
        print(f"\n==> {dimension.title}", flush=True)
        begun = time.monotonic()
        results.begin(dimension.name, machine.describe(setting.work) | {"rounds": setting.rounds})
        try:
            module.measure(Bench(setting, results))
        except Exception as error:  # the other dimensions are worth having
            print(f"  {dimension.name} failed: {error}", file=sys.stderr, flush=True)
            failed.append(dimension.name)
            continue
        results.end()
        write_results(results)
        print(f"  {dimension.name}: {time.monotonic() - begun:.0f} s", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
