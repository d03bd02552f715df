"""Charts as files: whole, repeatable, readable without eyes for colour."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from app.charts import (
    Bar,
    ChartError,
    Difference,
    Group,
    Series,
    check,
    draw_comparison,
    draw_curve,
)

SVG = "{http://www.w3.org/2000/svg}"
ODD = "a <b> & $x^2 \x00 _\u6771"
GROUPS = [
    Group("diseases", [Bar("local:rules", 60.25), Bar(ODD, 81.3, Difference(21.05, 18.2, 23.9))]),
    Group("relations", [Bar("local:rules", 0), Bar(ODD, 44.1, Difference(44.1, 40, 48.5))]),
]
CURVE = [Series("train loss", [1, 2, 3], [10.0, 5.0, 4.5]), Series("relations f1", [12], [0.7757])]


def test_a_comparison_is_an_svg_that_can_be_read_out(tmp_path: Path) -> None:
    """Title, description and labels are text; names of users break nothing."""
    path = tmp_path / "chart.svg"
    draw_comparison(GROUPS, "F1 on dev", "local:rules", path)
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "F1 on dev"
    description = root.findtext(f"{SVG}desc") or ""
    shown = ODD.replace("\x00", " ")
    assert f"diseases: {shown} has an F1 of 81.3 %, +21.1 points" in description
    assert "(95 % interval +18.2 to +23.9)" in description
    texts = [each.text for each in root.iter(f"{SVG}text")]
    for label in ("diseases", "relations", "local:rules", shown, "81.3", "60.2", "F1, %"):
        assert label in texts, label


def test_the_same_numbers_give_the_same_file(tmp_path: Path) -> None:
    """An SVG can be kept under version control: no dates, no random ids."""
    drawn = []
    for name in ("one.svg", "two.svg"):
        draw_comparison(GROUPS, "F1", "local:rules", tmp_path / name)
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0] == drawn[1]
    draw_comparison(GROUPS[:1], "F1", "local:rules", tmp_path / "three.svg")
    assert (tmp_path / "three.svg").read_bytes() != drawn[0]


@pytest.mark.parametrize("ending", ["png", "PNG"])
def test_a_comparison_without_differences_and_a_png(tmp_path: Path, ending: str) -> None:
    """One model has nothing to be compared with, and a chart all the same."""
    path = tmp_path / f"chart.{ending}"
    draw_comparison([Group("diseases", [Bar("x", 4.0)])], "F1", "x", path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_a_training_curve_has_its_panels_and_figures(tmp_path: Path) -> None:
    """What has several steps is a curve; a single figure stands there as one."""
    path = tmp_path / "curve.svg"
    draw_curve(CURVE, "Training of ft_1", path)
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    texts = [each.text for each in root.iter(f"{SVG}text")]
    assert "train loss" in texts
    assert "relations f1: 0.7757" in texts
    assert root.findtext(f"{SVG}desc") == (
        "train loss: 10 at step 1, 4.5 at step 3. relations f1: 0.7757 at step 12."
    )
    with pytest.raises(ChartError, match="no measure"):
        draw_curve([], "Training", path)


def test_an_ending_without_a_format_is_refused(tmp_path: Path) -> None:
    """Before anything is drawn or written."""
    with pytest.raises(ChartError, match=r"\.svg or \.png"):
        check(tmp_path / "chart.pdf")


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    """A process that cannot import matplotlib gets a sentence, no traceback; `app` needs it not."""
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import pathlib; from app import charts, cli\n"
        "try: charts.check(pathlib.Path('x.svg'))\n"
        "except charts.ChartError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert "pip install medtune[plots]" in done.stdout
