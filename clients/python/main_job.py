"""The main job with the generated client: upload, training file, fine-tune, extract, evaluate.

    python main_job.py SERVER FOLDER

SERVER is a running Medtune, like http://127.0.0.1:8000, and MEDTUNE_API_KEY a key of it with scope
`write`, if it has keys; FOLDER has train.pubtator.txt and dev.pubtator.txt. What is done is told on
stderr; the last line, on stdout, is JSON: the model, what it found in one sentence, and its F1 for
diseases.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from medtune_client import AuthenticatedClient
from medtune_client.api.datasets import create_dataset, get_dataset
from medtune_client.api.evaluations import create_evaluation, get_evaluation
from medtune_client.api.extractions import create_extraction
from medtune_client.api.fine_tunes import create_fine_tune, get_fine_tune
from medtune_client.api.training_files import (
    create_training_file,
    download_training_file,
    get_training_file,
)
from medtune_client.models import (
    CreateDatasetBody,
    Evaluation,
    EvaluationRequest,
    Extraction,
    ExtractionRequest,
    FineTuneRequest,
    FineTuneRequestHyperparameters,
    ProblemDocument,
    TrainingFileRequest,
)
from medtune_client.types import File

SPLITS = ["train", "dev"]
TEXT = "Two patients developed hepatitis after isoniazid."


class Job(Protocol):
    """What datasets, training files, fine-tunes and evaluations have in common."""

    @property
    def id(self) -> str: ...  # noqa: D102

    @property
    def finished_at(self) -> datetime | None: ...  # noqa: D102


Answer = TypeVar("Answer")
AnyJob = TypeVar("AnyJob", bound=Job)


def given(answer: Answer | ProblemDocument | None) -> Answer:
    """The answer; a problem ends the program with its words."""
    if isinstance(answer, ProblemDocument):
        raise SystemExit(f"{answer.code}: {answer.detail} {answer.hint}")
    if answer is None:
        raise SystemExit("The server gives an answer that its OpenAPI file does not have.")
    return answer


def ended(ask: Callable[[], AnyJob | ProblemDocument | None]) -> AnyJob:
    """The job once it has ended."""
    while (job := given(ask())).finished_at is None:
        time.sleep(0.2)
    print(job.id, file=sys.stderr)
    return job


def main(server: str, folder: Path) -> None:
    """Do all of it."""
    # A service without keys does not look at it.
    key = os.environ.get("MEDTUNE_API_KEY") or "none"
    with AuthenticatedClient(server, key, raise_on_unexpected_status=True) as client:
        dataset_id = upload(client, folder)
        model_id = train(client, dataset_id)
        extraction = given(
            create_extraction.sync(client=client, body=ExtractionRequest(model=model_id, text=TEXT))
        )
        assert isinstance(extraction, Extraction)  # a list is the answer to several texts
        evaluation = evaluate(client, model_id, dataset_id)
    score = evaluation.results[0].scores["diseases"]["mentions_strict"]
    found = {
        "model": model_id,
        "diseases": [item.text for item in extraction.diseases or []],
        "chemicals": [item.text for item in extraction.chemicals or []],
        "f1": score.f1 if score else None,
    }
    print(json.dumps(found))


def upload(client: AuthenticatedClient, folder: Path) -> str:
    """The id of a dataset of the folder's two files, a split each."""
    with ExitStack() as opened:
        files = []
        for split in SPLITS:
            path = folder / f"{split}.pubtator.txt"
            files.append(File(opened.enter_context(path.open("rb")), path.name, "text/plain"))
        body = CreateDatasetBody(file=files, split=SPLITS, name="client")
        created = given(create_dataset.sync(client=client, body=body))
    return ended(lambda: get_dataset.sync(created.id, client=client)).id


def train(client: AuthenticatedClient, dataset_id: str) -> str:
    """The id of a model trained on the split `train`."""
    wanted = TrainingFileRequest(dataset_id=dataset_id, splits=["train"])
    built = given(create_training_file.sync(client=client, body=wanted))
    file_id = ended(lambda: get_training_file.sync(built.id, client=client)).id
    rows = given(download_training_file.sync(file_id, client=client)).payload.read().splitlines()
    print(f"{len(rows)} rows", file=sys.stderr)
    chosen = FineTuneRequestHyperparameters.from_dict({"preset": "fast"})
    request = FineTuneRequest(training_file_id=file_id, hyperparameters=chosen, name="client")
    launched = given(create_fine_tune.sync(client=client, body=request))
    fine_tune = ended(lambda: get_fine_tune.sync(launched.id, client=client))
    if fine_tune.model_id is None:
        raise SystemExit(f"The fine-tune has {fine_tune.status}.")
    return fine_tune.model_id


def evaluate(client: AuthenticatedClient, model_id: str, dataset_id: str) -> Evaluation:
    """The model's scores on the split `dev`."""
    request = EvaluationRequest(models=[model_id], dataset_id=dataset_id, split="dev")
    started = given(create_evaluation.sync(client=client, body=request))
    return ended(lambda: get_evaluation.sync(started.id, client=client))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
