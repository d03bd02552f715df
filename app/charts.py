"""Charts as files, SVG or PNG: a comparison of models, and a training curve.

The one place that knows matplotlib, which is an extra: `pip install medtune[plots]`. It is imported
when a chart is drawn, without pyplot, so that no window and no display is ever wanted. The same
numbers give the same SVG. What is drawn can be read without colours: each row bears its name and
its value, and an SVG its text, its title and its description.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
MOST_PANELS = 12
_LONGEST_NAME = 40
# Okabe and Ito, "Color Universal Design" (2008): told apart by the colour-blind, too. Its yellow
# is too light on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_GREY = "#595959"


class ChartError(Exception):
    """A chart cannot be drawn; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a model is better by than the baseline, in percent points, with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One model's score in percent, and its difference from the baseline, if it is another."""

    model: str
    value: float
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The bars of one task."""

    name: str
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Series:
    """One measure of one stage of a training: its steps and its values."""

    name: str
    steps: Sequence[int]
    values: Sequence[float]


def check(path: Path) -> None:
    """Raises ChartError if no chart could be drawn to this file: better before the work than after.

    The ending says the format, `.svg` or `.png`.
    """
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise ChartError(f"{path.name} says no format: let it end in .svg or .png.")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ChartError("Charts need matplotlib: pip install medtune[plots]") from None


def draw_comparison(groups: Sequence[Group], title: str, baseline: str, path: Path) -> None:
    """Bars of F1 for each task and model; beside them the differences, if there are any.

    Raises ChartError as `check`.
    """
    check(path)
    compared = any(bar.difference for group in groups for bar in group.bars)
    with _drawing():
        figure = _figure(8.5, 1.2 + 0.3 * sum(len(group.bars) + 1.2 for group in groups))
        axes = figure.subplots(
            1, 2 if compared else 1, sharey=True, squeeze=False, width_ratios=[3, 2][: 1 + compared]
        )[0]
        _draw_bars(axes[0], groups)
        if compared:
            _draw_differences(axes[1], groups, baseline)
        figure.suptitle(_clean(title, 90), fontweight="bold")
        _save(figure, path, title, _comparison_in_words(groups, baseline))


def draw_curve(series: Sequence[Series], title: str, path: Path) -> None:
    """A panel for each curve of a training, at most twelve, and one for its single figures.

    Raises ChartError as `check`.
    """
    check(path)
    if not series:
        raise ChartError("The training has told of no measure yet.")
    curves = [each for each in series if len(each.steps) > 1][:MOST_PANELS]
    figures = [each for each in series if len(each.steps) == 1]
    count = len(curves) + bool(figures)
    columns = min(2, count)
    rows = -(-count // columns)
    with _drawing():
        figure = _figure(4.2 * columns, 0.6 + 2.4 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).flatten()
        for panel, each, colour in zip(panels, curves, _COLOURS * 2, strict=False):
            panel.plot(each.steps, each.values, color=colour)
            panel.set_title(_clean(each.name), loc="left", fontsize=9)
            panel.set_xlabel("step")
            panel.grid(visible=True, axis="y", color="#dddddd")
        for panel in panels[len(curves) :]:
            panel.set_axis_off()
        if figures:
            lines = [f"{_clean(each.name)}: {each.values[0]:.4g}" for each in figures]
            panels[len(curves)].text(0, 1, "\n".join(lines), va="top", linespacing=1.6)
        figure.suptitle(_clean(title, 60), fontweight="bold")
        _save(figure, path, title, _curve_in_words([*curves, *figures]))


@contextmanager
def _drawing() -> Iterator[None]:
    """Our style; a letter that the font has not is drawn as a box, and not worth a warning."""
    from matplotlib import rc_context

    style = rc_context(
        {
            "axes.grid.axis": "x",
            "axes.spines.right": False,
            "axes.spines.top": False,
            "figure.dpi": 100,
            "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
            "font.size": 9,
            "savefig.dpi": 160,
            "svg.fonttype": "none",  # text stays text: it can be searched, and read out
            "svg.hashsalt": "medtune",
            "text.parse_math": False,  # a name may hold a dollar sign
        }
    )
    with style, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _rows(groups: Sequence[Group]) -> Iterator[tuple[float, int, Bar]]:
    """Each bar with its place, from the top, and its number within the group."""
    place = 0.0
    for group in groups:
        place += 1.2  # the group's name stands there
        for number, bar in enumerate(group.bars):
            yield place, number, bar
            place += 1


def _draw_bars(axes: "Axes", groups: Sequence[Group]) -> None:
    rows = list(_rows(groups))
    for place, number, bar in rows:
        axes.barh(place, bar.value, height=0.75, color=_colour(number))
        axes.text(bar.value + 1, place, f"{bar.value:.1f}", va="center", fontsize=8)
    firsts = [place for place, number, _ in rows if number == 0]
    for place, group in zip(firsts, groups, strict=True):
        axes.text(0.3, place - 0.75, _clean(group.name), va="center", fontweight="bold")
    axes.set_yticks([place for place, _, _ in rows], [_clean(bar.model) for _, _, bar in rows])
    axes.set_xlim(0, 110)
    axes.set_xticks(range(0, 101, 20))
    axes.set_ylim(rows[-1][0] + 0.6, -0.2)
    axes.set_xlabel("F1, %")
    axes.tick_params(axis="y", length=0)


def _draw_differences(axes: "Axes", groups: Sequence[Group], baseline: str) -> None:
    axes.axvline(0, color=_GREY, linewidth=1)
    for place, number, bar in _rows(groups):
        if (found := bar.difference) is not None:
            axes.plot([found.low, found.high], [place] * 2, color=_colour(number), linewidth=2)
            axes.plot([found.value], [place], color=_colour(number), marker="o")
    axes.set_xlabel(f"F1 above {_clean(baseline)},\npercent points, 95 % interval")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, color="#dddddd")
    axes.set_axisbelow(True)


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _comparison_in_words(groups: Sequence[Group], baseline: str) -> str:
    parts = []
    for group in groups:
        for bar in group.bars:
            words = f"{group.name}: {bar.model} has an F1 of {bar.value:.1f} %"
            if (found := bar.difference) is not None:
                words += (
                    f", {found.value:+.1f} points from {baseline} "
                    f"(95 % interval {found.low:+.1f} to {found.high:+.1f})"
                )
            parts.append(f"{words}.")
    return " ".join(parts)


def _curve_in_words(series: Sequence[Series]) -> str:
    return " ".join(
        f"{each.name}: {each.values[0]:.4g} at step {each.steps[0]}"
        + (f", {each.values[-1]:.4g} at step {each.steps[-1]}." if len(each.steps) > 1 else ".")
        for each in series
    )


def _save(figure: "Figure", path: Path, title: str, description: str) -> None:
    if path.suffix.lower() == ".png":
        words = {"Title": _printable(title), "Description": _printable(description)}
        figure.savefig(path, format="png", metadata={**words, "Software": "Medtune"})
        return
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": "Medtune"})
    head, tag, rest = drawn.getvalue().partition("<svg ")
    attributes, close, body = rest.partition(">")
    # What screen readers look for (W3C, SVG Accessibility API Mappings, section 8.1).
    named = f'{tag}role="img" aria-labelledby="title description" {attributes}{close}'
    told = (
        f'\n <title id="title">{escape(_printable(title))}</title>'
        f'\n <desc id="description">{escape(_printable(description))}</desc>'
    )
    path.write_text(f"{head}{named}{told}{body}", encoding="utf-8")


def _clean(name: str, longest: int = _LONGEST_NAME) -> str:
    """A name as it can be drawn: on one line, not too long."""
    name = _printable(name)
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _printable(text: str) -> str:
    """XML holds no control characters."""
    return "".join(c if c.isprintable() else " " for c in text)
