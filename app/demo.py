"""The whole story in one command, over HTTP, on a service of its own that is gone afterwards.

Upload -> report -> JSONL -> fine-tune -> extract with the base and with the tuned model -> evaluate
both.
"""

import json
import tempfile
from importlib.resources import files
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.commands.evaluate import evaluated
from app.commands.service import CommandError, Json, checked, settled
from app.corpora.documents import Document, Passage
from app.evaluations.schemas import Evaluation
from app.own_service import own_service

BASE = "local:rules"

console = Console()


def run(corpus: Path | None, preset: str) -> int:
    """Run the demonstration; gives the exit code."""
    folder = corpus or Path(str(files("app.corpora") / "sample"))
    names = {split: folder / f"{split}.pubtator.txt" for split in ("train", "dev")}
    if missing := [str(path) for path in names.values() if not path.is_file()]:
        console.print(f"Not there: {', '.join(missing)}", style="red")
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="medtune-demo-") as data,
        own_service(Path(data)) as service,
    ):
        _say(f"Medtune listens on {service.address}")
        try:
            return _story(service.client, names, preset)
        except CommandError as error:
            console.print(str(error), style="red", markup=False)
            return 1


def _story(client: httpx.Client, names: dict[str, Path], preset: str) -> int:
    dataset = _upload(client, names)
    if dataset["status"] != "ready":
        return 1
    training_file = _build(client, dataset)
    fine_tune = _train(client, training_file, preset)
    if fine_tune["status"] != "succeeded":
        console.print_json(json.dumps(fine_tune["error"]))
        return 1
    models = {BASE: BASE, f"tuned ({preset})": fine_tune["model_id"]}
    _show_one(client, dataset["id"], models)
    _show_gain(client, dataset["id"], models)
    return 0


def _upload(client: httpx.Client, names: dict[str, Path]) -> Json:
    parts = [("file", (path.name, path.read_bytes())) for path in names.values()]
    answer = client.post("/v1/datasets", files=parts, data={"split": list(names), "name": "demo"})
    dataset = _settled(client, "datasets", answer)
    report = checked(client.get(f"/v1/datasets/{dataset['id']}/report"))
    _say(f"Dataset {dataset['id']}: {dataset['status']}")
    _show_json({"report": report["summary"], "splits": dataset["splits"]})
    for problem in report["items"][:10]:
        console.print(f"  {problem['severity']}: {problem['message']}", style="yellow")
    return dataset


def _build(client: httpx.Client, dataset: Json) -> Json:
    request = {
        "dataset_id": dataset["id"],
        "tasks": ["diseases", "chemicals", "relations"],
        "splits": ["train"],
        "text": "title_and_abstract",
    }
    training_file = _settled(
        client, "training-files", client.post("/v1/training-files", json=request)
    )
    _say(f"Training file {training_file['id']}: {training_file['status']}")
    _show_json(training_file["statistics"])
    with client.stream("GET", f"/v1/training-files/{training_file['id']}/content") as content:
        first = next(content.iter_lines())
    console.print(f"First row: {first[:300]}...", style="dim", markup=False)
    return training_file


def _train(client: httpx.Client, training_file: Json, preset: str) -> Json:
    request = {
        "training_file_id": training_file["id"],
        "backend": "local",
        "hyperparameters": {"preset": preset},
        "name": f"demo-{preset}",
    }
    fine_tune = checked(client.post("/v1/fine-tunes", json=request))
    _say(f"Fine-tune {fine_tune['id']}")
    columns = (TextColumn("{task.description:<24}"), BarColumn(), "{task.percentage:>5.1f} %")
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("queued", total=1)

        def tell(state: Json) -> None:
            text = f"{state['status']} {state['stage']}"
            progress.update(bar, completed=state["progress"], description=text)

        return settled(client, f"/v1/fine-tunes/{fine_tune['id']}", tell)


def _show_one(client: httpx.Client, dataset_id: str, models: dict[str, str]) -> None:
    query: Json = {"split": "dev", "limit": 1}
    page = checked(client.get(f"/v1/datasets/{dataset_id}/documents", params=query))
    (document,) = page["items"]
    text = Document(document["id"], tuple(Passage(**each) for each in document["passages"])).text
    _say("An abstract that was not in training:")
    console.print(text, markup=False, highlight=False)
    for label, model in models.items():
        answer = client.post("/v1/extractions", json={"model": model, "text": text})
        _say(f"What {label} extracts from it:")
        _show_json(checked(answer))


def _show_gain(client: httpx.Client, dataset_id: str, models: dict[str, str]) -> None:
    body = {"models": list(models.values()), "dataset_id": dataset_id, "split": "dev"}
    evaluation = Evaluation.model_validate(evaluated(client, body))
    said = f"F1 on the {evaluation.documents} documents of dev, none of them in training"
    table = Table(title=said)
    for column in ("", *models, "gain", "95 % interval"):
        table.add_column(column, justify="right" if column else "left")
    for gain in evaluation.comparisons:
        scores = [result.scores[gain.task][gain.measure] for result in evaluation.results]
        table.add_row(
            gain.task.value,
            *(f"{score.f1 * 100:.2f}" for score in scores if score is not None),
            f"{gain.difference * 100:+.2f}",
            f"{gain.low * 100:+.2f} to {gain.high * 100:+.2f}",
        )
    console.print(table)
    console.print(
        "Mentions: exact offsets. Relations: pairs of identifiers (rules gives none).", style="dim"
    )


def _show_json(body: Json) -> None:
    """Each field on a line, and each thing of a list: a line for each number would be too many."""
    lines = []
    for name, value in body.items():
        things = isinstance(value, list) and value and isinstance(value[0], dict)
        text = _one_by_one(value) if things else json.dumps(value, ensure_ascii=False)
        lines.append(f"  {json.dumps(name)}: {text}")
    console.print("{\n" + ",\n".join(lines) + "\n}", markup=False, soft_wrap=True)


def _one_by_one(things: list[Json]) -> str:
    lines = (f"    {json.dumps(thing, ensure_ascii=False)}" for thing in things)
    return "[\n" + ",\n".join(lines) + "\n  ]"


def _settled(client: httpx.Client, kind: str, answer: httpx.Response) -> Json:
    """The resource that was created, once its job has ended."""
    return settled(client, f"/v1/{kind}/{checked(answer)['id']}")


def _say(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")
