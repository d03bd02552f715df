"""`medtune upload`, `train` and `extract` as their users run them: processes, pipes, a terminal."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.own_service import OwnService, own_service
from tests.clients.processes import DEV, RULES, TEXT, TRAIN, medtune, surroundings


@dataclass(frozen=True)
class Served:
    """A service with a dataset and a model, both made by the commands."""

    service: OwnService
    dataset: str
    model: str
    trained: "subprocess.CompletedProcess[str]"

    def run(
        self, *arguments: object, given: str | bytes = ""
    ) -> "subprocess.CompletedProcess[str]":
        return medtune(*arguments, given=given, MEDTUNE_SERVER=self.service.address)

    def get(self, path: str) -> Any:
        return self.service.client.get(path).json()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with own_service(tmp_path_factory.mktemp("data")) as service:
        at = ("--server", service.address)
        uploaded = medtune("upload", TRAIN, DEV, "--split=train", "--split=dev", "--wait", *at)
        assert uploaded.returncode == 0, uploaded.stderr
        assert "Documents: train 88, dev 28." in uploaded.stderr
        dataset = uploaded.stdout.strip()
        trained = medtune(
            "train", dataset, "--hyperparameters=preset=fast", "--hyperparameters=iterations=15",
            "--tasks=diseases,chemicals", "--name=mine", *at,
        )  # fmt: skip
        assert trained.returncode == 0, trained.stderr
        yield Served(service, dataset, trained.stdout.strip(), trained)


def test_a_model_is_trained_and_followed(served: Served) -> None:
    """On stdout the id alone; on stderr, which is no terminal, each state once and no bar."""
    assert re.fullmatch(r"mdl_\w+\n", served.trained.stdout)
    told = served.trained.stderr.splitlines()
    assert len(set(told)) == len(told)
    assert "succeeded" in told[-1]
    assert not re.search("%|━|\x1b", served.trained.stderr)
    fine_tune = served.get(f"/v1/models/{served.model}")["fine_tune_id"]
    assert f"Fine-tune {fine_tune}" in told
    made = served.get(f"/v1/fine-tunes/{fine_tune}")
    assert (made["name"], made["hyperparameters"]["iterations"]) == ("mine", 15)


def test_one_text_comes_in_and_a_line_goes_out(served: Served, tmp_path: Path) -> None:
    """From stdin, with and without its name, and from a file: the same."""
    (tmp_path / "text.txt").write_text(TEXT)
    piped = served.run("extract", served.model, given=TEXT)
    assert piped.returncode == 0, piped.stderr
    (line,) = piped.stdout.splitlines()
    found = json.loads(line)["extraction"]
    assert [item["text"] for item in found["diseases"]] == ["hepatitis"]
    assert [item["text"] for item in found["chemicals"]] == ["isoniazid"]
    assert "relations" not in found
    assert served.run("extract", served.model, "-", given=TEXT).stdout == piped.stdout
    assert served.run("extract", "mine", tmp_path / "text.txt").returncode == 1  # no alias yet
    assert served.run("extract", served.model, tmp_path / "text.txt").stdout == piped.stdout


def test_lines_are_texts(served: Served) -> None:
    """More than one request holds, blank ones left out, other line ends too; all in order."""
    lines = [f"Case {number}: hepatitis 😀 after isoniazid." for number in range(130)]
    done = served.run("extract", RULES, "--lines", given="\ufeff" + "\r\n\r\n".join(lines))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["index"] for row in rows] == list(range(130))
    for row, text in zip(rows, lines, strict=True):
        (mention,) = row["extraction"]["diseases"][0]["mentions"]
        assert text[mention["start"] : mention["end"]] == "hepatitis"


def test_a_pipe_that_is_left_ends_it_quietly(served: Served) -> None:
    """As `head` does: the first line is there, and nothing is said of the rest."""
    lines = "Hepatitis after isoniazid.\n" * 3000
    command = f"{sys.executable} -m app.cli extract {RULES} --lines | head -n 1"
    done = subprocess.run(
        ["bash", "-c", command],
        input=lines,
        env=surroundings(MEDTUNE_SERVER=served.service.address),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(done.stdout)["index"] == 0
    assert done.stderr == ""


def test_a_text_beyond_any_request_is_one_fault(served: Served) -> None:
    """The server takes no body of that size; those beside it are answered."""
    given = f"Hepatitis.\n{'x' * 9_000_000}\nAsthma.\n"
    done = served.run("extract", RULES, "--lines", given=given)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row.get("error", {}).get("code") for row in rows] == [None, "body_too_large", None]
    assert (done.returncode, "1 of 3 documents failed." in done.stderr) == (1, True)


def test_they_start_without_the_service() -> None:
    """What serves is not loaded by what asks: it would take most of the time of a short call."""
    modules = "app.commands.upload, app.commands.train, app.commands.extract"
    loaded = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, timeout=60, check=True
    )
    assert not {"fastapi", "sqlalchemy", "dbos", "numpy"} & set(done.stdout.split())


JSONL = [
    {"id": "a", "text": "Aspirin and asthma."},
    {"id": "b"},
    "Hepatitis.",
    {"id": 7, "text": "x" * 250_000},
]


def test_jsonl_keeps_ids_and_faults_one_way_or_the_other(served: Served, tmp_path: Path) -> None:
    """Asked at once or by a batch, the lines are the same; faults are lines and an exit code."""
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join([*map(json.dumps, JSONL), "{"]))
    at_once = served.run("extract", served.model, path)
    rows = [json.loads(line) for line in at_once.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["a", "b", "2", "7", "4"]
    codes = [row.get("error", {}).get("code") for row in rows]
    assert codes == [None, "malformed_document", None, "text_too_long", "malformed_json"]
    assert (at_once.returncode, "3 of 5 documents failed." in at_once.stderr) == (1, True)
    batch = served.run("extract", served.model, path, "--batch", "--tasks=diseases,chemicals")
    assert (batch.returncode, "3 of 5 documents failed." in batch.stderr) == (1, True)
    told = [json.loads(line) for line in batch.stdout.splitlines()]
    assert [{**row, "error": row.get("error", {}).get("code")} for row in told] == [
        {**row, "error": code} for row, code in zip(rows, codes, strict=True)
    ]
    assert served.get("/v1/extraction-batches")["items"] == []  # its texts are gone


def test_pubtator_comes_out(served: Served) -> None:
    """A document for each text, in the format that `medtune upload` takes."""
    given = '{"id": "12", "text": "Aspirin and asthma."}\n{"id": "13", "text": "Nothing."}\n'
    done = served.run("extract", RULES, "--jsonl", "--format=pubtator", given=given)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("12|a|Aspirin and asthma.\n12\t0\t7\tAspirin\tChemical\t")
    assert "\n13|a|Nothing.\n" in done.stdout


def test_an_upload_is_not_waited_for_unless_one_says_so(served: Served, tmp_path: Path) -> None:
    """The id comes at once, or all of it as JSON; what is wrong is told by `--wait`."""
    done = served.run("upload", DEV, "--split=test", "--name=it", "--json")
    dataset = json.loads(done.stdout)
    assert (done.returncode, dataset["name"]) == (0, "it")
    (tmp_path / "x.pubtator").write_text("1|t|Secret.\n1\t0\t6\tsecret\tDisease\tD1\n")
    assert served.run("upload", tmp_path / "x.pubtator").returncode == 0
    broken = served.run("upload", tmp_path / "x.pubtator", "--wait")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert "x.pubtator, line 2:" in broken.stderr
    assert "ecret" not in broken.stderr.replace(str(tmp_path), "")


def test_who_leaves_a_training_is_told_how_to_follow_it(served: Served) -> None:
    """The fine-tune goes on at the server."""
    arguments = ["train", served.dataset, "--hyperparameters=preset=accurate"]
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", *arguments],
        env=surroundings(MEDTUNE_SERVER=served.service.address),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if re.match("training(?! file)", line):
                process.send_signal(signal.SIGINT)
                break
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), error
    said = f"It goes on at {served.service.address}, follow it there: GET (/v1/fine-tunes/ft_\\w+)"
    location = re.search(said, error)
    assert location, error
    assert served.get(location[1])["finished_at"] is None
    assert served.service.client.post(f"{location[1]}/cancel").is_success


def test_a_terminal_sees_a_bar(served: Served) -> None:
    """On stderr; stdout is a pipe and has the result alone."""
    ours, theirs = os.openpty()
    arguments = ["extract", RULES, "--batch"]
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", *arguments],
        env=surroundings(MEDTUNE_SERVER=served.service.address, TERM="xterm", COLUMNS="100"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        out, _ = process.communicate(TEXT.encode(), timeout=60)
        shown = os.read(ours, 100_000).decode()
        os.close(ours)
    assert process.returncode == 0
    assert "hepatitis" in json.loads(out)["extraction"]["diseases"][0]["text"]
    assert "100.0 %" in shown


def test_without_a_server_it_starts_its_own(tmp_path: Path) -> None:
    """On MEDTUNE_DATA_DIR: from corpus file to model to answer, and what was made stays there."""
    own = {"MEDTUNE_DATA_DIR": str(tmp_path / "data")}
    arguments = ["--hyperparameters=preset=fast", "--tasks=diseases", "--json"]
    trained = medtune("train", TRAIN, *arguments, **own)
    assert trained.returncode == 0, trained.stderr
    assert "Uploaded as ds_" in trained.stderr
    model = json.loads(trained.stdout)["model_id"]
    done = medtune("extract", model, given=TEXT, **own)
    assert '"text":"hepatitis"' in done.stdout, done.stderr
