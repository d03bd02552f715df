"""`medtune evaluate` and `medtune curve` against a real service, and the cards of its models."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from app.cli import app
from app.commands.corpus import dataset_of
from app.commands.service import settled
from app.own_service import own_service
from app.platform.folder_lock import folder_lock

Json = dict[str, Any]
SAMPLE = Path(str(files("app.corpora") / "sample"))
NAME = "mine|`<b>[red]"


class Running:
    """A service with one tuned model, and the command line pointed to it."""

    def __init__(self, address: str, client: httpx.Client, dataset: str, fine_tune: Json) -> None:
        self.address, self.client = address, client
        self.dataset, self.fine_tune = dataset, fine_tune
        self.model: str = fine_tune["model_id"]

    def run(self, *arguments: object) -> Result:
        """Its result; the server comes from the environment."""
        return medtune(*arguments, MEDTUNE_SERVER=self.address)


def medtune(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), env=environment)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with own_service(tmp_path_factory.mktemp("data")) as service:
        client = service.client
        names = ("train", "dev")
        parts = [("file", (f"{n}.txt", (SAMPLE / f"{n}.pubtator.txt").read_bytes())) for n in names]
        answer = client.post("/v1/datasets", files=parts, data={"split": list(names), "name": NAME})
        dataset = settled(client, answer.headers["Location"])["id"]
        request = {"dataset_id": dataset, "text": "title_and_abstract"}
        answer = client.post("/v1/training-files", json=request)
        request = {
            "training_file_id": answer.json()["id"],
            "hyperparameters": {"preset": "fast", "iterations": 15},
            "name": NAME,
        }
        answer = client.post("/v1/fine-tunes", json=request)
        fine_tune = settled(client, answer.headers["Location"])
        assert fine_tune["status"] == "succeeded", fine_tune
        yield Running(service.address, client, dataset, fine_tune)


@pytest.fixture(scope="module")
def written(running: Running, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """An evaluation of base and tuned model on dev, with all three files."""
    folder = tmp_path_factory.mktemp("written")
    outputs = [f"--{kind}={folder / name}" for kind, name in OUTPUTS.items()]
    result = running.run(
        "evaluate", "local:rules", running.model, "--dataset", running.dataset, "--split=dev",
        *outputs,
    )  # fmt: skip
    return result, folder


OUTPUTS = {"json": "out.json", "markdown": "out.md", "plot": "out.svg"}


def test_models_are_compared_in_a_table(running: Running, written: tuple[Result, Path]) -> None:
    """Scores of both, the difference with its interval, effort; all as the service has them."""
    result, folder = written
    assert result.exit_code == 0, result.output
    evaluation = json.loads((folder / "out.json").read_text())
    assert [each["model"] for each in evaluation["results"]] == ["local:rules", running.model]
    score = evaluation["results"][1]["scores"]["diseases"]["mentions_strict"]
    difference = evaluation["comparisons"][0]
    shown = (
        rf"diseases\W+mentions_strict\W+{running.model} \({re.escape(NAME)}\)"
        rf"\W+{score['precision'] * 100:.1f}\W+{score['recall'] * 100:.1f}"
        rf"\W+{score['f1'] * 100:.1f}\W+{difference['difference'] * 100:.1f}"
    )
    assert re.search(shown, result.output), result.output
    assert f"{difference['low'] * 100:+.1f}, {difference['high'] * 100:+.1f}]" in result.output
    assert "28 documents, dev" in result.output
    assert re.search(r"0 of 28\b", result.output)


def test_it_is_written_as_markdown_and_drawn(written: tuple[Result, Path]) -> None:
    """The same numbers, each row with its five columns of figures; names break no table."""
    _, folder = written
    evaluation = json.loads((folder / "out.json").read_text())
    rows = [
        line for line in (folder / "out.md").read_text().splitlines() if line.startswith("| dis")
    ]
    assert len(rows) == 8
    assert {row.count("|") for row in rows} == {9}
    f1 = evaluation["results"][1]["scores"]["diseases"]["mentions_strict"]["f1"]
    assert f" {f1 * 100:.1f} " in rows[1]
    chart = (folder / "out.svg").read_text()
    assert "<desc" in chart
    assert f"{f1 * 100:.1f}" in chart


def test_evaluating_on_training_documents_warns(running: Running) -> None:
    """Without a split all are evaluated, those it was trained on among them."""
    result = running.run(
        "evaluate", running.model, "--dataset", running.dataset, "--tasks=diseases"
    )
    assert result.exit_code == 0, result.output
    assert "116 documents" in result.output
    assert "Warning: 88 of 116" in result.output


def test_a_corpus_file_is_uploaded_first(running: Running) -> None:
    """Its split is the one asked for; the dataset stays, and its id is told."""
    result = running.run(
        "evaluate", "local:rules", "--dataset", SAMPLE / "dev.pubtator.txt", "--split=test"
    )
    assert result.exit_code == 0, result.output
    assert "28 documents, test" in result.output
    (dataset,) = re.findall(r"Uploaded as (ds_\w+)\.", result.output)
    assert running.client.get(f"/v1/datasets/{dataset}").json()["status"] == "ready"


def test_a_broken_corpus_file_is_told_with_its_lines(running: Running, tmp_path: Path) -> None:
    """What is wrong where, as the report has it; no text of the file."""
    (tmp_path / "x.pubtator").write_text("1|t|Secret.\n1\t0\t6\tsecret\tDisease\tD1\n")
    result = running.run("evaluate", "local:rules", "--dataset", tmp_path / "x.pubtator")
    assert result.exit_code == 1
    assert "x.pubtator, line 2:" in result.stderr
    assert "ecret" not in result.stderr.replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody", "--dataset={ds}"], ["no such model", "GET /v1/models lists"]),
        (["local:rules", "--dataset={ds}", "--split=nope"], ["no such split", "train, dev"]),
        (["local:rules", "--dataset={ds}", "--tasks=genes"], ["/tasks/0: Input should be"]),
        (["local:rules", "--dataset=ds_0"], ["There is no dataset ds_0."]),
        (["local:rules", "--dataset=nothing"], ["neither a file nor the id"]),
        (["local:rules", "--dataset={ds}", "--plot=x.pdf"], [".svg or .png"]),
        (["local:rules", "--dataset={ds}", "--price=local:rules=free"], ["model=2.5,10"]),
        (["local:rules", "--dataset={ds}", "--price=x=1,2"], ["belongs to no model"]),
        (["local:rules", "--dataset={ds}", "--json=/no/where.json"], ["no folder /no"]),
    ],
)
def test_what_cannot_be_done_is_told(
    running: Running, arguments: list[str], told: list[str]
) -> None:
    """The problem's title, detail and hint, and an exit code; nothing is shown as done."""
    given = [argument.format(ds=running.dataset) for argument in arguments]
    result = running.run("evaluate", *given)
    assert result.exit_code == 1
    for words in told:
        assert words in result.stderr
    assert "Traceback" not in result.output


def test_a_server_that_is_not_there_is_told_without_its_password() -> None:
    """Nothing listens on port 9; what is no URL is told as well."""
    server = "--server=http://user:secret@127.0.0.1:9"
    result = medtune("evaluate", "local:rules", "--dataset=ds_1", server)
    assert result.exit_code == 1
    assert "No Medtune answers at http://127.0.0.1:9" in result.stderr
    assert "secret" not in result.output
    result = medtune("curve", "ft_1", "-o", "x.svg", "--server=127.0.0.1:8000")
    assert (result.exit_code, "not a URL" in result.stderr) == (1, True)


def test_without_a_server_it_starts_its_own(tmp_path: Path) -> None:
    """On MEDTUNE_DATA_DIR, and it is gone afterwards; the evaluation stays there."""
    folder = tmp_path / "data"
    arguments = ("evaluate", "local:rules", "--dataset", SAMPLE / "dev.pubtator.txt")
    result = medtune(*arguments, MEDTUNE_DATA_DIR=str(folder))
    assert result.exit_code == 0, result.output
    assert "28 documents" in result.output
    with folder_lock(folder):
        result = medtune(*arguments, MEDTUNE_DATA_DIR=str(folder))
    assert result.exit_code == 1
    assert f"Another process serves from {folder}" in result.stderr
    assert "--server http" in result.stderr


def test_a_training_curve_is_drawn(running: Running, tmp_path: Path) -> None:
    """Losses as curves, single figures in words."""
    path = tmp_path / "curve.svg"
    result = running.run("curve", running.fine_tune["id"], "-o", path)
    assert result.exit_code == 0, result.output
    chart = path.read_text()
    assert "train loss" in chart
    assert "relations f1: " in chart
    missing = running.run("curve", "ft_0", "-o", path)
    assert (missing.exit_code, "There is no fine-tune ft_0." in missing.stderr) == (1, True)


def test_the_evaluation_alone_is_printed_for_a_pipe(running: Running) -> None:
    done = running.run("evaluate", "local:rules", "--dataset", running.dataset, "--json", "-")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["dataset_id"] == running.dataset
    assert not Path("-").exists()


def test_a_dataset_by_id_is_waited_for(running: Running) -> None:
    """An upload that is still being read is no error."""
    file = (SAMPLE / "dev.pubtator.txt").read_bytes()
    started = running.client.post("/v1/datasets", files={"file": ("dev.txt", file)}).json()
    console = Console(quiet=True)
    assert dataset_of(running.client, started["id"], [], console)["status"] == "ready"


def test_the_card_of_a_tuned_model(running: Running, written: tuple[Result, Path]) -> None:
    """Data, recipe, scores, limits and lineage are those of the rooms; an alias names it, too."""
    evaluation = json.loads((written[1] / "out.json").read_text())
    running.client.put("/v1/model-aliases/carded", json={"model": running.model})
    card = running.client.get("/v1/models/carded/card").json()
    dataset = running.client.get(f"/v1/datasets/{running.dataset}").json()
    file_id = running.fine_tune["training_file_id"]
    file = running.client.get(f"/v1/training-files/{file_id}").json()
    assert card["model"]["id"] == running.model
    assert card["data"]["version"] == dataset["version"]
    assert card["data"]["documents"] == dataset["splits"][0]["documents"]
    assert card["data"]["mentions"] == dataset["splits"][0]["mentions"]
    assert card["recipe"]["hyperparameters"] == running.fine_tune["hyperparameters"]
    assert card["recipe"]["seconds"] > 0
    figures = {(each["stage"], each["name"]): each["value"] for each in card["recipe"]["figures"]}
    assert 0 < figures["relations", "f1"] <= 1
    assert [(each["kind"], each["id"], each["sha256"]) for each in card["lineage"]] == [
        ("model", running.model, None),
        ("fine-tune", running.fine_tune["id"], None),
        ("training file", file_id, file["sha256"]),
        ("dataset", running.dataset, dataset["version"]),
    ]
    (scores,) = [s for s in card["scores"] if s["evaluation_id"] == evaluation["id"]]
    assert scores["scores"] == evaluation["results"][1]["scores"]
    assert scores["comparisons"] == evaluation["comparisons"]
    codes = {each["code"] for each in card["limits"]}
    assert {"review_needed", "few_documents", "same_source", "identifiers"} <= codes
    assert card["protocols"] == evaluation["protocols"]


@pytest.mark.usefixtures("written")
def test_a_card_as_markdown(running: Running) -> None:
    """By `format` or `Accept`; a base model has one, an unknown one a problem."""
    path = f"/v1/models/{running.model}/card"
    page = running.client.get(path, params={"format": "markdown"})
    assert page.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert page.headers["Vary"] == "Accept"
    assert page.text.startswith("# Model card: ``mine|`<b>[red]``\n")
    same = running.client.get(path, headers={"Accept": "text/markdown"})
    assert same.text == page.text
    markdown = {"Accept": "text/markdown"}
    chosen = running.client.get(path, params={"format": "json"}, headers=markdown)
    assert chosen.json()["model"]["id"] == running.model
    base = running.client.get("/v1/models/local:rules/card", headers=markdown)
    assert "Not trained here." in base.text
    assert "| diseases | **mentions_strict** |" in base.text
    for query in ({}, {"format": "markdown"}):
        unknown = running.client.get("/v1/models/nobody/card", params=query)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")
    assert running.client.get(path, params={"format": "pdf"}).status_code == 422
