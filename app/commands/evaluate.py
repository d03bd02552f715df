"""`medtune evaluate`: have models measured by a service, and show what came of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import httpx
import typer
from pydantic import ValidationError
from rich.console import Console

from app import charts
from app.commands import report
from app.commands.corpus import dataset_of
from app.commands.files import check_writable, writing
from app.commands.progress import followed
from app.commands.service import CommandError, Json, Target, at_service, checked, succeeded
from app.evaluations.schemas import Evaluation


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure; `dataset` is an id or a corpus file, no split means all of them."""

    models: Sequence[str]
    dataset: str
    splits: Sequence[str] = ()
    tasks: Sequence[str] = ()
    name: str | None = None
    min_precision: float | None = None
    vocabularies: Sequence[str] = ()
    prices: Sequence[str] = ()


# In place of a file: the tables are not shown then.
STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files to write, where there is one; `json` may be STDOUT."""

    json: Path | None = None
    markdown: Path | None = None
    plot: Path | None = None

    def check(self) -> None:
        """Raises CommandError or ChartError for a file that could not be written."""
        for path in filter(None, (self.json, self.markdown, self.plot)):
            if path != STDOUT:
                check_writable(path)
        if self.plot is not None:
            charts.check(self.plot)

    def write(self, body: Json, evaluation: Evaluation) -> list[Path]:
        """Write them; those that were written. Raises CommandError, ChartError."""
        if self.json == STDOUT:
            typer.echo(_written(body), nl=False)
        elif self.json is not None:
            with writing(self.json):
                self.json.write_text(_written(body), encoding="utf-8")
        if self.markdown is not None:
            with writing(self.markdown):
                self.markdown.write_text(report.markdown(evaluation), encoding="utf-8")
        if self.plot is not None:
            title = f"F1 on {', '.join(evaluation.splits)}, {evaluation.documents} documents"
            first = report.label(evaluation.results[0])
            with writing(self.plot):
                charts.draw_comparison(report.bars(evaluation), title, first, self.plot)
        files = (self.json, self.markdown, self.plot)
        return [path for path in files if path is not None and path != STDOUT]


def _written(body: Json) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def run(asked: Asked, outputs: Outputs, target: Target, console: Console) -> None:
    """Evaluate, show, write. Raises CommandError, ChartError."""
    outputs.check()
    with at_service(target) as client:
        dataset = dataset_of(client, asked.dataset, asked.splits, console)
        body = {
            "models": list(asked.models),
            "dataset_id": dataset["id"],
            "splits": list(asked.splits) or None,
            "tasks": list(asked.tasks) or None,
            "name": asked.name,
            "prices": dict(map(price, asked.prices)),
            "options": {
                "min_precision": asked.min_precision,
                "vocabularies": list(asked.vocabularies) or None,
            },
        }
        found = evaluated(client, body)
    evaluation = _read(found)
    # Before anything is shown: whoever reads that may have gone.
    written = outputs.write(found, evaluation)
    if outputs.json != STDOUT:
        show(evaluation, console)
    for path in written:
        console.print(f"Written: {path}", highlight=False, markup=False)


def price(given: str) -> tuple[str, Json]:
    """Model and price of `model=input,output` or `model=input,output,EUR`, per million tokens.

    Raises CommandError.
    """
    model, _, figures = given.rpartition("=")
    read, written, *currency = [figure.strip() for figure in figures.split(",")] + [""] * 2
    try:
        found: Json = {"input": float(read), "output": float(written)}
        if not all(map(isfinite, found.values())):
            raise ValueError
    except ValueError:
        raise CommandError("A price is written model=2.5,10 or model=2.5,10,EUR.") from None
    return model, found | ({"currency": currency[0]} if currency[0] else {})


def evaluated(client: httpx.Client, body: Json) -> Json:
    """An evaluation once it has succeeded, its progress shown on stderr. Raises CommandError."""
    started = checked(client.post("/v1/evaluations", json=body), "id")
    location = f"/v1/evaluations/{started['id']}"
    return succeeded(followed(client, location), "evaluation", location)


def _read(found: Json) -> Evaluation:
    try:
        return Evaluation.model_validate(found)
    except ValidationError:
        raise CommandError("The evaluation is of another version of Medtune.") from None


def show(evaluation: Evaluation, console: Console) -> None:
    """Tables of scores and of effort, and warnings."""
    console.print(report.score_table(evaluation))
    console.print(report.effort_table(evaluation))
    for warning in evaluation.warnings:
        console.print(f"Warning: {warning.detail}", style="yellow", markup=False)
