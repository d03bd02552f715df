"""Training rows of the sample, as Cohere's customers had them: JSONL or CSV, prompts or chats."""

import csv
import io
from functools import cache

from app.corpora import pubtator
from app.corpora.documents import Document
from app.prompts.render import RowFormat, render, to_line
from app.prompts.tasks import Task
from tests.cohere_api.serving import SAMPLE


@cache
def _documents(split: str) -> list[Document]:
    with (SAMPLE / f"{split}.pubtator.txt").open("rb") as file:
        return [document for _, document in pubtator.read(file, lambda found: None)]


def jsonl(
    split: str = "train",
    documents: int = 12,
    tasks: tuple[Task, ...] = tuple(Task),
    row_format: RowFormat = "prompt_completion",
) -> bytes:
    """One row for each task of the first documents of a split of the sample."""
    return "".join(
        to_line(render(document, task, row_format=row_format).row)
        for document in _documents(split)[:documents]
        for task in tasks
    ).encode()


def csv_file(split: str = "train", documents: int = 12, delimiter: str = ",") -> bytes:
    """The same rows in CSV, with a header."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["prompt", "completion"], delimiter=delimiter)
    writer.writeheader()
    for document in _documents(split)[:documents]:
        writer.writerows(render(document, task).row for task in Task)
    return out.getvalue().encode()
