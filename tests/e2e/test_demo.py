"""`medtune demo`: the whole story in one command."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from app import demo

SAMPLE = Path(str(files("app.corpora") / "sample"))


def test_it_ends_in_a_table_of_scores(capsys: pytest.CaptureFixture[str]) -> None:
    """On the sample: base and tuned model side by side, and what training gained."""
    assert demo.run(None, "fast") == 0
    shown = capsys.readouterr().out
    documents = (SAMPLE / "dev.pubtator.txt").read_text().count("|t|")
    assert f"F1 on the {documents} documents of dev" in " ".join(shown.split())
    for measure in ("chemicals", "diseases", "relations"):
        found = re.search(rf"{measure}\W+(\d+\.\d\d)\W+(\d+\.\d\d)[^\w+-]+([+-]\d+\.\d\d)", shown)
        assert found, measure
        base, tuned, gain = map(float, found.groups())
        assert tuned > base, measure
        assert gain == pytest.approx(tuned - base, abs=0.02)


def test_a_folder_without_the_files_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is missing is named, and nothing is started."""
    (tmp_path / "train.pubtator.txt").write_text("")
    assert demo.run(tmp_path, "fast") == 2
    shown = "".join(capsys.readouterr().out.split())
    assert "dev.pubtator.txt" in shown
    assert "train.pubtator.txt" not in shown
