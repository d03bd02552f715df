"""What benchmarks on a corpus share: how it is read, how scores are shown, the command line.

No benchmark itself, so `make bench` passes over it.
"""

import argparse
import os
from importlib.resources import files
from pathlib import Path

from app.backends.local.stages import PRESETS
from app.corpora import pubtator
from app.corpora.documents import Document
from app.corpora.scoring import Counts

SAMPLE = Path(str(files("app.corpora") / "sample"))
"""A synthetic corpus, for benchmarks that measure speed and no scores."""


def arguments_of(description: str | None, corpus: Path | None = None) -> argparse.ArgumentParser:
    """The options of all of them, told by the first line of `description`; add those of one.

    `corpus` is the folder of the corpus if none is given; without it, where BC5CDR is expected.
    """
    parser = argparse.ArgumentParser(description=description and description.partition("\n")[0])
    expected = Path(os.environ.get("MEDTUNE_CORPUS", "../shared/corpora/bc5cdr"))
    parser.add_argument("--corpus", type=Path, default=corpus or expected)
    parser.add_argument("--preset", choices=list(PRESETS), default="balanced")
    return parser


def train_and_dev(corpus: Path) -> tuple[list[Document], list[Document]]:
    """The documents of `train.pubtator.txt` and of `dev.pubtator.txt` in the corpus folder."""
    return _documents(corpus / "train.pubtator.txt"), _documents(corpus / "dev.pubtator.txt")


def shown(counts: Counts) -> str:
    """Precision, recall and F1, in per cent."""
    return f"P {100 * counts.precision:.2f}  R {100 * counts.recall:.2f}  F1 {100 * counts.f1:.2f}"


def silent(_stage: str, _step: int, _steps: int, _metrics: dict[str, float]) -> None:
    """Report nothing of a training."""


def _documents(path: Path) -> list[Document]:
    with path.open("rb") as file:
        return [document for _, document in pubtator.read(file, lambda _: None)]
