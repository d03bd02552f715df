"""Training curves: what is drawn is within the picture, and what is listed is what was measured."""

import pytest

from app.console.curve import HEIGHT, WIDTH, curves
from app.fine_tunes.schemas import MetricValue


def measured(*values: float, stage: str = "train", name: str = "loss") -> list[MetricValue]:
    """A series from step 1 on."""
    return [
        MetricValue(sequence=step, stage=stage, step=step, name=name, value=value)
        for step, value in enumerate(values, 1)
    ]


def test_each_measure_has_a_curve_and_single_values_have_none() -> None:
    """Highest value on top, steps from left to right."""
    series = [*measured(4.0, 3.0, 2.0), *measured(0.03, stage="calibration", name="error")]
    (curve,), figures = curves(series)
    places = [tuple(map(float, place.split(","))) for place in curve.line.split()]
    assert places == sorted(places)
    assert [y for _, y in places] == sorted(y for _, y in places)
    assert (curve.lowest, curve.highest, curve.last) == (2.0, 4.0, 2.0)
    assert [label for _, label in curve.y_ticks] == ["2", "3", "4"]
    assert figures == [("calibration", "error", 0.03)]


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ((35_980.2, 1_234.5), ["1234", "18,607", "35,980"]),
        ((123_456_789.0, 12_345.6), ["12,346", "61,734,567", "123,456,789"]),
        ((-0.00012346, -0.9), ["-0.9", "-0.4501", "-0.0001235"]),
    ],
)
def test_levels_are_told_whole_and_have_room(values: list[float], labels: list[str]) -> None:
    """Whatever their size: the line begins where the longest label ends, and not before."""
    (curve,), _ = curves(measured(*values))
    assert [label for _, label in curve.y_ticks] == labels
    assert curve.left >= 7.7 * max(map(len, labels)) + 6
    assert curve.line.startswith(f"{curve.left:.1f},")


def test_long_and_flat_curves_fit() -> None:
    """Ten thousand steps are thinned out, first and last kept; a flat line divides by nothing."""
    (long, flat), _ = curves([*measured(*map(float, range(10_000))), *measured(1, 1, name="f1")])
    assert len(long.line.split()) == 400
    assert (long.listed[0], long.listed[-1], len(long.listed)) == ((1, 0.0), (10_000, 9999.0), 40)
    for place in (long.line + " " + flat.line).split():
        x, y = map(float, place.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
