"""The training process: `python -m app.backends.local.process <job folder>`.

It trains what the folder's job says, tells how far it is, and ends with a result, or with an error
and exit code 1 (`jobs.py` names the files). Documents may be patient data: it logs where a training
broke, on the standard error it has from its parent, and nothing of what it read. Its standard input
is a pipe that its parent holds open: when the parent dies, however it dies, this process ends at
once, and the job may simply be started again.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from itertools import accumulate
from math import isfinite
from pathlib import Path

import structlog

from app.backends.local.evaluation import evaluate
from app.backends.local.hyperparameters import LocalHyperparameters
from app.backends.local.jobs import Failure, Job, JobFolder, Progress, Result, model_path
from app.backends.local.model import LocalModel, Wishes, mention_types
from app.backends.local.options import stage_shares
from app.corpora import canonical
from app.corpora.documents import Document
from app.platform.logs import configure_logs
from app.platform.parents import end_with_parent
from app.terminology.vocabulary import Vocabulary

log = structlog.get_logger(__name__)

_NICE = 10
_PARENT_GONE = 3
_STANDARD_INPUT = 0


class TrainingDataError(Exception):
    """The documents cannot be learnt from; the message says why, without text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Reporter:
    """Writes each step of the training down, as progress of the whole job."""

    def __init__(self, folder: JobFolder, shares: dict[str, float]) -> None:
        self._folder = folder
        self._shares = shares
        ends = accumulate(shares.values())
        self._begins = {name: end - shares[name] for name, end in zip(shares, ends, strict=True)}
        self._progress = 0.0
        self.stage = "reading"
        self.scores: dict[str, dict[str, float]] = {}

    def __call__(self, stage: str, step: int, steps: int, metrics: dict[str, float]) -> None:
        """As the training calls it; a stage nobody planned does not move the whole on."""
        finite = {name: value for name, value in metrics.items() if isfinite(value)}
        part = self._shares.get(stage, 0.0) * step / max(steps, 1)
        whole = self._begins.get(stage, 0.0) + part
        self._progress = min(1.0, max(self._progress, round(whole, 6)))
        self.stage = stage
        if finite:
            self.scores[stage] = finite
        self._folder.add(Progress(stage=stage, step=step, progress=self._progress, metrics=finite))


def main(arguments: list[str]) -> int:
    """Train the job of the folder given; the exit code."""
    _end_with_parent()
    os.nice(_NICE)
    configure_logs("INFO")
    folder = JobFolder(Path(arguments[0]))
    job = folder.job()
    chosen = LocalHyperparameters.model_validate(job.hyperparameters)
    report = _Reporter(folder, stage_shares(chosen, job.tasks))
    try:
        folder.succeed(_train(folder, job, chosen, report))
    except TrainingDataError as error:
        folder.fail(Failure(code=error.code, message=str(error)))
        return 1
    # Whatever goes wrong in a training is told to whoever waits for it, but not in the words of the
    # exception, for they may hold text.
    except Exception as error:
        log.exception("training_failed", reference=job.reference, stage=report.stage)
        message = f"The training failed while at {report.stage}: {type(error).__name__}."
        folder.fail(Failure(code="training_failed", message=message))
        return 1
    return 0


def _train(folder: JobFolder, job: Job, chosen: LocalHyperparameters, report: _Reporter) -> Result:
    begin = time.monotonic()
    documents = list(_documents(job.documents))
    types = mention_types(job.tasks)
    mentions = sum(mention.type in types for each in documents for mention in each.mentions)
    if not mentions:
        raise TrainingDataError("training_data_empty", "The documents have no mention to learn.")
    vocabularies = [Vocabulary.open(path) for path in job.vocabularies]
    model = LocalModel.train(documents, chosen, job.tasks, report, vocabularies)
    if job.evaluation is not None:
        scores = evaluate(model, list(_documents(job.evaluation)), Wishes(vocabularies))
        report("evaluation", 1, 1, scores)
    # Nothing here may differ from one training to the next, or so would the model's name.
    facts = {
        "hyperparameters": chosen.model_dump(mode="json"),
        "documents": len(documents),
        "mentions": mentions,
        "scores": report.scores,
    }
    unnamed = folder.path / "model"
    name = model.save(unnamed, job.reference, facts)
    size = unnamed.stat().st_size
    job.models.mkdir(parents=True, exist_ok=True)
    unnamed.replace(model_path(job.models, name))
    return Result(model=name, details={**facts, "bytes": size, "seconds": time.monotonic() - begin})


def _documents(path: Path) -> Iterator[Document]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield canonical.loads(line)
            except ValueError:
                message = f"Line {number} of the documents is no document."
                raise TrainingDataError("training_data_invalid", message) from None


def _end_with_parent() -> None:
    """Let the kernel kill this process with its parent, where it can; and watch the pipe."""
    end_with_parent()
    threading.Thread(target=_wait_for_end_of_input, daemon=True).start()


def _wait_for_end_of_input() -> None:
    while os.read(_STANDARD_INPUT, 1):
        pass
    os._exit(_PARENT_GONE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
