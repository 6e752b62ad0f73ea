"""The chart: one small panel a figure, one bar a server, as SVG."""

from xml.sax.saxutils import escape

from measure.figures import PEERS, TITLES, Dimension, Figure, Results, readable
from measure.report import scaled

COLUMNS = 2
WIDTH, HEIGHT = 470, 118  # of a panel
GAP, MARGIN, TOP, FOOT = 16, 24, 84, 44
NAMES, BARS = 66, 300  # where bars begin in a panel, and the longest one
BAR, STEP, FIRST = 16, 23, 40
COLOURS = {"visor": "#1d5fd1", "nginx": "#7d8b9d", "glance": "#c3ccd8"}
INK, SOFT, LINE, GOAL = "#16202e", "#5b6778", "#e2e7ee", "#d9480f"
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


def words(x: float, y: float, text: str, size: int = 12, colour: str = INK, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{colour}" {more}>{escape(text)}</text>'


def heading(x: float, y: float, text: str) -> str:
    """A panel's title, with the unit in brackets at its end set off from it."""
    title, bracket, unit = text.rpartition(" (")
    return words(x, y, title if bracket else text, 13, INK, 'font-weight="600"').replace(
        "</text>", f'<tspan fill="{SOFT}" font-weight="400" font-size="11.5" dx="6">{escape(unit.rstrip(")"))}</tspan></text>'
        if bracket else "</text>"
    )


def box(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}" fill="{fill}" {more}/>'


def mark(x: float, top: float, bottom: float) -> str:
    """Where a goal lies."""
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}" stroke="{GOAL}" stroke-width="1.5" '
        'stroke-dasharray="4 3"/>'
    )


def goal_of(figure: Figure, values: dict[str, float]) -> float | None:
    """The first goal as a value on the figure's scale."""
    for goal in figure.goals:
        if not goal.peer or goal.peer in values:
            return goal.bound * (values[goal.peer] if goal.peer else 1.0)
    return None


def panel(figure: Figure, medians: dict[str, float], x: float, y: float) -> list[str]:
    values = scaled(figure, medians)
    goal = goal_of(figure, values)
    longest = max([*values.values(), goal or 0])
    parts = [box(x, y, WIDTH, HEIGHT, "#ffffff", f'rx="8" stroke="{LINE}"')]
    parts.append(heading(x + 14, y + 24, figure.chart))
    if goal is not None and longest:
        parts.append(mark(x + NAMES + BARS * goal / longest, y + FIRST - 4, y + FIRST + 2 * STEP + BAR + 4))
    for number, peer in enumerate(PEERS):
        top = y + FIRST + number * STEP
        weight, colour = ('font-weight="600"', INK) if peer == "visor" else ("", SOFT)
        parts.append(words(x + NAMES - 6, top + 12.5, TITLES[peer], 12, colour, f'text-anchor="end" {weight}'))
        if peer not in values:
            parts.append(words(x + NAMES + 4, top + 12.5, "–", 12, SOFT))
            continue
        length = max(2.0, BARS * values[peer] / longest) if longest else 2.0
        parts.append(box(x + NAMES, top, length, BAR, COLOURS[peer], 'rx="2"'))
        # The goal's line may run below the number.
        halo = f'{weight} stroke="#ffffff" stroke-width="5" stroke-linejoin="round" paint-order="stroke"'
        parts.append(words(x + NAMES + length + 6, top + 12.5, readable(values[peer]), 12, INK, halo))
    return parts


def legend(y: float) -> list[str]:
    parts, x = [], MARGIN
    for peer in PEERS:
        parts += [box(x, y - 10, 12, 12, COLOURS[peer], 'rx="2"'), words(x + 18, y, TITLES[peer], 12, SOFT)]
        x += 78
    parts.append(mark(x + 6, y - 12, y + 4))
    parts.append(words(x + 16, y, "goal", 12, SOFT))
    return parts


def draw(dimensions: list[Dimension], results: Results) -> str:
    drawn = [
        (figure, medians)
        for dimension in dimensions
        for figure in dimension.figures
        if figure.chart and (medians := results.medians(dimension.name, figure.row, figure.name))
    ]
    rows = (len(drawn) + COLUMNS - 1) // COLUMNS
    width = 2 * MARGIN + COLUMNS * WIDTH + (COLUMNS - 1) * GAP
    height = TOP + rows * (HEIGHT + GAP) - GAP + FOOT
    known = next(iter(results.known["dimensions"].values()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{FONT}" role="img" aria-label="VISOR, nginx and Glance measured side by side">',
        box(0, 0, width, height, "#f6f8fb", 'rx="10"'),
        words(MARGIN, 36, "VISOR beside nginx and Glance", 20, INK, 'font-weight="700"'),
        *legend(64),
    ]
    for number, (figure, medians) in enumerate(drawn):
        column, row = number % COLUMNS, number // COLUMNS
        parts += panel(figure, medians, MARGIN + column * (WIDTH + GAP), TOP + row * (HEIGHT + GAP))
    parts.append(
        words(
            MARGIN, height - 18,
            f"{known['cpu']}, {known['processors']} processors, Linux {known['kernel']}; medians, the servers in turn, "
            f"{known['congestion_control']} for all.",
            11, SOFT,
        )
    )
    return "\n".join([*parts, "</svg>"]) + "\n"
