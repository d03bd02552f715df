"""The whole story in one command, over HTTP, on a service of its own that is gone afterwards.

Upload -> report -> JSONL -> fine-tune -> extract with the base and with the tuned model -> scores.
"""

import json
import tempfile
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.corpora.documents import Document, Mention, MentionType, Passage, Relation
from app.corpora.scoring import Counts, score_mentions, score_relations
from app.own_service import own_service

BASE = "local:rules"
_BATCH = 50

console = Console()
Json = dict[str, Any]


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
        client = service.client
        _say(f"Medtune listens on {service.address}")
        dataset = _upload(client, names)
        if dataset["status"] != "ready":
            return 1
        training_file = _build(client, dataset)
        fine_tune = _train(client, training_file, preset)
        if fine_tune["status"] != "succeeded":
            console.print_json(json.dumps(fine_tune["error"]))
            return 1
        gold = _documents(client, dataset["id"], "dev")
        models = {BASE: BASE, f"tuned ({preset})": fine_tune["model_id"]}
        _show_one(client, gold[0], models)
        _show_gain(client, gold, models)
    return 0


def _upload(client: httpx.Client, names: dict[str, Path]) -> Json:
    parts = [("file", (path.name, path.read_bytes())) for path in names.values()]
    answer = client.post("/v1/datasets", files=parts, data={"split": list(names), "name": "demo"})
    dataset = _settled(client, _checked(answer))
    report = _checked(client.get(f"/v1/datasets/{dataset['id']}/report"))
    _say(f"Dataset {dataset['id']}: {dataset['status']}")
    console.print_json(json.dumps({"report": report["summary"], "splits": dataset["splits"]}))
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
    training_file = _settled(client, _checked(client.post("/v1/training-files", json=request)))
    _say(f"Training file {training_file['id']}: {training_file['status']}")
    console.print_json(json.dumps(training_file["statistics"]))
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
    fine_tune = _checked(client.post("/v1/fine-tunes", json=request))
    _say(f"Fine-tune {fine_tune['id']}")
    columns = (TextColumn("{task.description:<24}"), BarColumn(), "{task.percentage:>5.1f} %")
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("queued", total=100)
        while fine_tune["finished_at"] is None:
            time.sleep(0.3)
            fine_tune = _checked(client.get(f"/v1/fine-tunes/{fine_tune['id']}"))
            text = f"{fine_tune['status']} {fine_tune['stage']}"
            progress.update(bar, completed=fine_tune["progress"], description=text)
    return fine_tune


def _show_one(client: httpx.Client, document: Document, models: dict[str, str]) -> None:
    _say("An abstract that was not in training:")
    console.print(document.text, markup=False, highlight=False)
    for label, model in models.items():
        answer = client.post("/v1/extractions", json={"model": model, "text": document.text})
        _say(f"What {label} extracts from it:")
        console.print_json(json.dumps(_checked(answer)))


def _show_gain(client: httpx.Client, gold: list[Document], models: dict[str, str]) -> None:
    table = Table(title=f"F1 on the {len(gold)} documents of dev, none of them in training")
    table.add_column("")
    rows: dict[str, list[float]] = {}
    for label, model in models.items():
        table.add_column(label, justify="right")
        for measure, counts in _scores(gold, _extract_all(client, model, gold)).items():
            rows.setdefault(measure, []).append(counts.f1 * 100)
    table.add_column("gain", justify="right")
    for measure, scores in rows.items():
        shown = [f"{score:.2f}" for score in scores]
        table.add_row(measure, *shown, f"{scores[-1] - scores[0]:+.2f}")
    console.print(table)
    console.print(
        "Mentions: exact offsets. Relations: pairs of identifiers (rules gives none).", style="dim"
    )


def _scores(gold: list[Document], found: list[Document]) -> dict[str, Counts]:
    scores = {name: Counts() for name in ("chemicals", "diseases", "relations")}
    for right, guess in zip(gold, found, strict=True):
        scores["chemicals"] += score_mentions(right.mentions, guess.mentions, "Chemical")
        scores["diseases"] += score_mentions(right.mentions, guess.mentions, "Disease")
        scores["relations"] += score_relations(right.relations, guess.relations)
    return scores


def _extract_all(client: httpx.Client, model: str, gold: list[Document]) -> list[Document]:
    found = []
    for start in range(0, len(gold), _BATCH):
        batch = gold[start : start + _BATCH]
        request = {"model": model, "texts": [document.text for document in batch]}
        answer = _checked(client.post("/v1/extractions", json=request))
        found += [_found(*pair) for pair in zip(batch, answer["items"], strict=True)]
    return found


def _found(document: Document, extraction: Json) -> Document:
    """An extraction as a document, so that it can be scored against one."""
    types: dict[str, MentionType] = {"chemicals": "Chemical", "diseases": "Disease"}
    mentions = [
        Mention(m["start"], m["end"], item["text"], kind, tuple(item["identifiers"]))
        for task, kind in types.items()
        for item in extraction[task]
        for m in item["mentions"]
    ]
    relations = [
        Relation(chemical, disease)
        for relation in extraction["relations"]
        for chemical in relation["chemical_identifiers"]
        for disease in relation["disease_identifiers"]
    ]
    return Document(document.id, document.passages, tuple(mentions), tuple(relations))


def _documents(client: httpx.Client, dataset_id: str, split: str) -> list[Document]:
    documents: list[Document] = []
    query: dict[str, Any] = {"split": split, "limit": 200}
    while True:
        page = _checked(client.get(f"/v1/datasets/{dataset_id}/documents", params=query))
        documents += [_document(item) for item in page["items"]]
        if page["next_cursor"] is None:
            return documents
        query["cursor"] = page["next_cursor"]


def _document(item: Json) -> Document:
    return Document(
        item["id"],
        tuple(Passage(**passage) for passage in item["passages"]),
        tuple(
            Mention(**mention | {name: tuple(mention[name]) for name in ("identifiers", "parts")})
            for mention in item["mentions"]
        ),
        tuple(Relation(**relation) for relation in item["relations"]),
    )


def _settled(client: httpx.Client, resource: Json) -> Json:
    """The resource once its job has ended."""
    kind = {"ds": "datasets", "tf": "training-files"}[resource["id"][:2]]
    while resource["finished_at"] is None:
        time.sleep(0.1)
        resource = _checked(client.get(f"/v1/{kind}/{resource['id']}"))
    return resource


def _checked(answer: httpx.Response) -> Json:
    if answer.is_error:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:2000]}")
    body: Json = answer.json()
    return body


def _say(text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")
