"""Training curves as a page draws them: points of a picture, ticks, and the numbers behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.console.pages import figure
from app.fine_tunes.schemas import MetricValue

# Of the picture's own units: small, so that its letters can be read on a phone.
WIDTH, HEIGHT = 420, 190
RIGHT = 24  # half of the last step's number has room in it
_DIGIT = 8  # a wide font's
_TOP, _BOTTOM = 10, 26
_MOST_DRAWN, _MOST_LISTED = 400, 40


@dataclass(frozen=True)
class Curve:
    """One measure of one stage. `line` are the points of a polyline, ticks are (place, label).

    `left` is where the line begins: the labels of the levels have room before it.
    `listed` are (step, value) for a table, thinned out evenly if there are very many.
    """

    stage: str
    name: str
    left: int
    line: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    listed: list[tuple[int, float]]
    steps: int
    lowest: float
    highest: float
    last: float


def curves(metrics: Sequence[MetricValue]) -> tuple[list[Curve], list[tuple[str, str, float]]]:
    """A curve of each measure that has several points; (stage, name, value) of all others."""
    series: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for each in metrics:
        series.setdefault((each.stage, each.name), []).append((each.step, each.value))
    drawn = [_curve(*key, points) for key, points in series.items() if len(points) > 1]
    figures = [(*key, points[0][1]) for key, points in series.items() if len(points) == 1]
    return drawn, figures


def _curve(stage: str, name: str, points: Sequence[tuple[int, float]]) -> Curve:
    steps = [step for step, _ in points]
    values = [value for _, value in points]
    first, final = min(steps), max(steps)
    lowest, highest = min(values), max(values)
    levels = sorted({lowest, (lowest + highest) / 2, highest})
    labels = [figure(level) for level in levels]
    left = _DIGIT * (max(map(len, labels)) + 1)

    def x(step: float) -> float:
        return round(left + (WIDTH - left - RIGHT) * (step - first) / ((final - first) or 1), 1)

    def y(value: float) -> float:
        share = (value - lowest) / (highest - lowest) if highest > lowest else 0.5
        return round(HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share, 1)

    middle = (first + final) // 2
    marks = sorted({first, middle, final})
    return Curve(
        stage=stage,
        name=name,
        left=left,
        line=" ".join(f"{x(step)},{y(value)}" for step, value in _thin(points, _MOST_DRAWN)),
        x_ticks=[(x(step), str(step)) for step in marks],
        y_ticks=[(y(level), label) for level, label in zip(levels, labels, strict=True)],
        listed=_thin(points, _MOST_LISTED),
        steps=len(points),
        lowest=lowest,
        highest=highest,
        last=values[-1],
    )


def _thin(points: Sequence[tuple[int, float]], most: int) -> list[tuple[int, float]]:
    """At most so many of them, evenly spread, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    last = len(points) - 1
    return [points[round(place * last / (most - 1))] for place in range(most)]
