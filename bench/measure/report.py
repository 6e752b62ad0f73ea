"""The table, as Markdown."""

from measure.figures import TITLES, Dimension, Figure, Results, readable

HEAD = """# VISOR beside nginx and Glance

Made by `scripts/bench`; how to run it and what each dimension means is in [bench/README.md](../README.md). Absolute figures don't
carry to another machine, nor to another hour on the same one: read the ratios. Each figure is the median of {rounds}, in which the
servers ran in turn, each alone. CPU-seconds are the servers' own (user and system time of all their processes).

Everything ran in a network namespace of its own, over its loopback, with `{congestion}` as the congestion control of every connection (set by
socket option, in servers and clients alike); the load has one thread and shares the processors with the server. No server
writes a log line for a request.

Durable before the answer: VISOR always (data and catalogue). Glance's records are (SQLite), its images' data is not. nginx makes
nothing durable.
"""


def cell(figure: Figure, medians: dict[str, float], peer: str) -> str:
    return readable(medians[peer] / figure.scale) if peer in medians else "–"


def ratio(medians: dict[str, float], peer: str) -> str:
    if peer not in medians or "visor" not in medians or not medians[peer]:
        return "–"
    return f"{readable(medians['visor'] / medians[peer])}x"


def scaled(figure: Figure, medians: dict[str, float]) -> dict[str, float]:
    return {peer: value / figure.scale for peer, value in medians.items()}


def goal_cells(figure: Figure, medians: dict[str, float]) -> str:
    goals, reached = [], []
    for goal in figure.goals:
        goals.append(goal.text(figure.unit))
        answer = goal.reached(scaled(figure, medians))
        reached.append("–" if answer is None else "yes" if answer else "**no**")
    return f"{'; '.join(goals)} | {'; '.join(reached)}"


def circumstances(known: dict) -> str:
    return (
        f"Measured {known['measured']}: {known['cpu']}, {known['processors']} processors, {known['memory_gib']} GiB, "
        f"Linux {known['kernel']}, {known['file_system']}; {known['syncs_per_second']} durable 4 KiB appends a second. "
        f"Noise: load average {', '.join(str(value) for value in known['load_average'])}, "
        f"{known['others_busy']} processors busy with other things just before; rounds: {known['rounds']}."
    )


def section(dimension: Dimension, results: Results) -> list[str]:
    known = results.known["dimensions"].get(dimension.name)
    if known is None or not known["rows"]:
        return []
    lines = [f"## {dimension.title}", ""]
    columns = "".join(f"| {TITLES[peer]} | to {TITLES[peer]} " for peer in dimension.peers)
    lines.append(f"| | unit | VISOR {columns}| goal | reached |")
    lines.append("| --- | --- | ---: " + "| ---: | ---: " * len(dimension.peers) + "| --- | --- |")
    for figure in dimension.figures:
        medians = results.medians(dimension.name, figure.row, figure.name)
        if not medians:
            continue
        cells = "".join(f"| {cell(figure, medians, peer)} | {ratio(medians, peer)} " for peer in dimension.peers)
        lines.append(
            f"| {figure.title} | {figure.unit} | **{cell(figure, medians, 'visor')}** {cells}| {goal_cells(figure, medians)} |"
        )
    errors = results.errors(dimension.name)
    if errors:
        lines += ["", "Requests that failed: " + ", ".join(f"{TITLES[peer]} {count}" for peer, count in errors.items()) + "."]
    for remark in (*dimension.remarks, *known["remarks"]):
        lines += ["", remark]
    return [*lines, "", circumstances(known), ""]


def write(dimensions: list[Dimension], results: Results) -> str:
    known = results.known["dimensions"].values()
    rounds = sorted({entry["rounds"] for entry in known})
    counts = " to ".join(str(count) for count in dict.fromkeys((rounds[0], rounds[-1])))
    text = HEAD.format(
        rounds=f"{counts} round{'s' if counts != '1' else ''}",
        congestion=next(iter(known))["congestion_control"],
    )
    for dimension in dimensions:
        text += "\n" + "\n".join(section(dimension, results)) if dimension.name in results.known["dimensions"] else ""
    return text.rstrip() + "\n"
