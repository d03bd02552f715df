"""A backend with a stand-in container, a folder both see, and a clock that tests set."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.backends.base import Backend, Examples, JobState, JobStatus, TrainingJob
from app.backends.cohere_finetune.backend import CohereFinetuneBackend
from app.prompts.render import RowFormat, to_row
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.stand_ins.cohere_finetune import Trainer, serving

DOUBT = 10.0
HOURS = 2.0
TEXT = "Confidential patient {} had hepatitis."


def rows(count: int, row_format: RowFormat = "prompt_completion") -> list[dict[str, Any]]:
    """Different rows, each of another text."""
    return [
        to_row(TEXT.format(n), Task.DISEASES, ["hepatitis"], row_format, BUILT_IN)
        for n in range(count)
    ]


def lines(each: Sequence[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in each)


class Scene:
    """The stand-in, its folder, and backends on it; each has the memory of a new process."""

    def __init__(self, trainer: Trainer, url: str, files: Path) -> None:
        self.trainer = trainer
        self.url = url
        self.now = 1_000_000.0
        self.files = files
        self.backends: list[CohereFinetuneBackend] = []

    def backend(
        self, served_by: Backend | None = None, clock: Callable[[], float] | None = None
    ) -> CohereFinetuneBackend:
        made = CohereFinetuneBackend(
            "cohere-finetune",
            self.url,
            self.trainer.root,
            served_by=served_by,
            hours=HOURS,
            timeout=5,
            attempts=1,
            poll_seconds=0.1,
            doubt=DOUBT,
            clock=clock or (lambda: self.now),
        )
        self.backends.append(made)
        return made

    def job(
        self,
        reference: str = "ft_1",
        *,
        content: str | None = None,
        evaluation: str | None = None,
        base_model: str | None = None,
        hyperparameters: Mapping[str, object] | None = None,
    ) -> TrainingJob:
        def examples(name: str, content: str) -> Examples:
            path = self.files / f"{name}.jsonl"
            path.write_text(content, encoding="utf-8", errors="surrogatepass")
            return Examples(documents=path, rows=path)

        return TrainingJob(
            reference=reference,
            base_model=base_model,
            tasks=frozenset(Task),
            template=BUILT_IN,
            hyperparameters=hyperparameters or {},
            training=examples("training", lines(rows(10)) if content is None else content),
            evaluation=None if evaluation is None else examples("evaluation", evaluation),
        )

    async def settled(self, backend: CohereFinetuneBackend, reference: str = "ft_1") -> JobState:
        """The state once what the container says has been doubted for long enough."""
        await backend.poll(reference)
        self.now += DOUBT + 1
        return await backend.poll(reference)

    async def driven(
        self, backend: CohereFinetuneBackend, job: TrainingJob, *, looks: int = 20
    ) -> JobState:
        """The end of the job for one who launches, looks, and launches anew what was lost.

        The container works between the looks.
        """
        await backend.launch(job)
        for _ in range(looks):
            state = await backend.poll(job.reference)
            if state.status is JobStatus.LOST:
                await backend.launch(job)
            elif state.status is not JobStatus.RUNNING:
                return state
            self.trainer.go()
            self.now += DOUBT / 2 + 1
        raise AssertionError(state)

    def written(self) -> str:
        """All that lies in the shared folder, as text."""
        return "".join(
            path.read_text(errors="replace")
            for path in self.trainer.root.rglob("*")
            if path.is_file()
        )


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "shared").mkdir()
    trainer = Trainer(tmp_path / "shared", auto=False)
    with serving(trainer) as url:
        scene = Scene(trainer, url, tmp_path)
        yield scene
        for backend in scene.backends:
            await backend.close()
