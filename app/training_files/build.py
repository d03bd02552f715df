"""Renders a dataset's documents into one JSONL file; runs in a process of its own, and streams.

The same request on the same dataset version gives the same bytes.
"""

from collections import Counter
from dataclasses import dataclass

from app.corpora import canonical
from app.platform.blobs import Blobs
from app.platform.lines import iterate
from app.platform.progress import Reading, Tell, untold
from app.prompts.render import LeftOut, RowFormat, TextChoice, render, to_line
from app.prompts.tasks import Task
from app.prompts.templates import TEMPLATES
from app.training_files.schemas import TaskStatistics, TrainingFileStatistics

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class BuildRequest:
    """What to render, `documents` being blobs; it can go to another process."""

    training_file_id: str
    documents: tuple[str, ...]
    tasks: tuple[Task, ...]
    text: TextChoice
    format: RowFormat
    template_id: str
    blobs: Blobs


@dataclass(frozen=True)
class BuildResult:
    """The file's blob and what is in it."""

    blob: str
    sha256: str
    bytes: int
    statistics: TrainingFileStatistics


def build(request: BuildRequest, tell: Tell = untold) -> BuildResult:
    """Write one row for each document and task, documents in file order.

    `tell` is told the share of the documents' bytes that has been read.
    """
    template = TEMPLATES[request.template_id]
    tasks = {task: TaskStatistics(rows=0, items=0, empty=0) for task in request.tasks}
    left_out: Counter[LeftOut] = Counter()
    documents = characters = read = 0
    sources = [request.blobs.fetch(blob) for blob in request.documents]
    reading = Reading([source.stat().st_size for source in sources], tell)
    with request.blobs.writer(request.training_file_id) as out:
        for line in iterate(sources):
            document = canonical.loads(line.decode())
            documents += 1
            read += len(line) + 1
            for task, statistics in tasks.items():
                rendered = render(
                    document,
                    task,
                    text=request.text,
                    row_format=request.format,
                    template=template,
                )
                out.write(to_line(rendered.row).encode())
                statistics.rows += 1
                statistics.items += len(rendered.items)
                statistics.empty += not rendered.items
                left_out.update(rendered.left_out)
                characters += _characters(rendered.row)
            reading.at(read)
    return BuildResult(
        blob=out.key,
        sha256=out.sha256,
        bytes=out.size,
        statistics=TrainingFileStatistics(
            rows=sum(statistics.rows for statistics in tasks.values()),
            documents=documents,
            tasks={task.value: statistics for task, statistics in tasks.items()},
            relations_left_out={str(reason): count for reason, count in left_out.items()},
            characters=characters,
            estimated_tokens=-(-characters // CHARACTERS_PER_TOKEN),
        ),
    )


def _characters(row: object) -> int:
    """Code points of all texts of a row, whatever its format."""
    if isinstance(row, str):
        return len(row)
    if isinstance(row, list):
        return sum(map(_characters, row))
    if isinstance(row, dict):
        return sum(_characters(value) for key, value in row.items() if key != "role")
    return 0
