"""A training job to launch on a stand-in, and the training side of a backend to launch it with.

As a program (`python -m tests.backends.cohere.tuning <url> <folder>`) it launches that job once:
a process that can be killed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.backends.base import BackendError, Examples, TrainingJob
from app.backends.cohere.client import CohereClient
from app.backends.cohere.training import CohereTraining, Pace
from app.platform.remote_settings import RemoteServer
from app.prompts.render import RowFormat, to_line, to_row
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.stand_ins.cohere import FineTune, StandIn

REFERENCE = "ft_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"
NAME = f"medtune-{REFERENCE}"
TEXT = "Foomycin caused bar disease in rats."
PACE = Pace(look=0.005, in_flight=(0.01, 0.03, 0.05))
_ITEMS = {
    Task.DISEASES: ["bar disease"],
    Task.CHEMICALS: ["Foomycin"],
    Task.RELATIONS: ["Chemical Foomycin influences disease bar disease"],
}


def write_rows(path: Path, row_format: RowFormat = "prompt_completion") -> Examples:
    """A training file of three rows, as a room of ours would render it."""
    rows = (to_row(TEXT, task, items, row_format, BUILT_IN) for task, items in _ITEMS.items())
    path.write_text("".join(map(to_line, rows)), encoding="utf-8")
    return Examples(documents=path.with_suffix(".documents"), rows=path)


def job(
    folder: Path, *, hyperparameters: Mapping[str, Any] | None = None, evaluated: bool = False
) -> TrainingJob:
    """The job; with an evaluation file, if wanted."""
    return TrainingJob(
        reference=REFERENCE,
        base_model="command-r-08-2024",
        tasks=frozenset(Task),
        template=BUILT_IN,
        hyperparameters=hyperparameters or {},
        training=write_rows(folder / "training.jsonl"),
        evaluation=write_rows(folder / "evaluation.jsonl") if evaluated else None,
    )


@asynccontextmanager
async def training_on(url: str, *, attempts: int = 1) -> AsyncIterator[CohereTraining]:
    """The training side of a backend, in haste."""
    server = RemoteServer(base_url=url)
    client = CohereClient("cohere", server, timeout=5.0, attempts=attempts)
    try:
        yield CohereTraining(client, "cohere", pace=PACE)
    finally:
        await client.close()


async def launch_again(training: CohereTraining, wanted: TrainingJob) -> None:
    """Launch as often as the backend says to try again, as the fine-tunes room does."""
    for _ in range(5):
        try:
            return await training.launch(wanted)
        except BackendError as error:
            if not error.retryable:
                raise
    raise AssertionError("it never got done")


def alive(server: StandIn) -> list[FineTune]:
    """The fine-tunes on a stand-in that nobody has deleted."""
    return [tune for tune in server.state.fine_tunes.values() if not tune.deleted]


async def _main(url: str, folder: Path) -> None:
    async with training_on(url) as training:
        await training.launch(job(folder))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2])))
