"""The embedded trainer, with real training processes."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from app.backends.base import (
    BackendError,
    Examples,
    ExtractOptions,
    JobState,
    JobStatus,
    TrainingJob,
)
from app.backends.local.artefact import read_artefact, write_artefact
from app.backends.local.backend import LocalBackend
from app.backends.rules import RulesBackend
from app.corpora import canonical
from app.corpora.documents import Document
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.backends.local.small_corpus import small_corpus

ALL = frozenset(Task)
_TEXT = "Lumarol-induced tremor in an adult. We saw tremor after lumarol was given."
_PATIENCE = 60


def job(
    folder: Path,
    reference: str = "ft_1",
    *,
    documents: Sequence[Document] | None = None,
    hyperparameters: dict[str, object] | None = None,
    tasks: frozenset[Task] = ALL,
) -> TrainingJob:
    path = folder / f"{reference.replace('/', '_')}.documents"
    lines = (canonical.dumps(each) + "\n" for each in documents or small_corpus())
    path.write_text("".join(lines), encoding="utf-8")
    return TrainingJob(
        reference=reference,
        base_model=None,
        tasks=tasks,
        hyperparameters=hyperparameters or {"preset": "fast", "iterations": 3},
        template=BUILT_IN,
        training=Examples(documents=path, rows=path),
    )


def long_job(folder: Path, reference: str = "ft_long") -> TrainingJob:
    """A job that is still at work whenever a test looks."""
    return job(
        folder,
        reference,
        documents=small_corpus() * 20,
        hyperparameters={"preset": "fast", "iterations": 1000},
    )


async def ended(backend: LocalBackend, reference: str) -> JobState:
    deadline = time.monotonic() + _PATIENCE
    while (state := await backend.poll(reference)).status is JobStatus.RUNNING:
        assert time.monotonic() < deadline, state
        await asyncio.sleep(0.05)
    return state


async def begun(backend: LocalBackend, reference: str) -> JobState:
    """The first state that shows a step of the training."""
    deadline = time.monotonic() + _PATIENCE
    while not (state := await backend.poll(reference)).stage:
        assert state.status is JobStatus.RUNNING
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return state


def pids(reference_folder: Path) -> list[int]:
    """The training processes of any job under this folder, as the system sees them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and any(os.fsencode(reference_folder) in each for each in arguments):
            found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[LocalBackend]:
    backend = LocalBackend(tmp_path / "local")
    yield backend
    await backend.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, JobState]:
    """A backend's folder with one finished training, and that training's last state."""
    folder = tmp_path_factory.mktemp("trained")

    async def train() -> JobState:
        backend = LocalBackend(folder)
        await backend.launch(job(folder))
        state = await ended(backend, "ft_1")
        await backend.close()
        return state

    return folder, asyncio.run(train())


async def test_a_training_ends_with_a_model_and_tells_its_whole_curve(
    trained: tuple[Path, JobState],
) -> None:
    folder, state = trained
    assert (state.status, state.progress) == (JobStatus.SUCCEEDED, 1.0), state
    assert state.model is not None
    assert (folder / "models" / f"{state.model}.medtune").is_file()
    assert {"relations"} < {point.stage for point in state.metrics}
    assert {"precision", "recall", "f1"} <= {point.name for point in state.metrics}
    assert state.details["documents"] == 12


async def test_the_model_finds_what_the_text_holds(trained: tuple[Path, JobState]) -> None:
    folder, state = trained
    backend = LocalBackend(folder)
    assert state.model is not None
    empty, found = await backend.extract(state.model, ["", _TEXT], ALL)
    assert (empty.mentions, empty.relations) == ((), ())
    surfaces = [(_TEXT[each.start : each.end], each.identifiers) for each in found.mentions]
    assert surfaces == [
        ("Lumarol", ("MESH:C0",)),
        ("tremor", ("MESH:D0",)),
        ("tremor", ("MESH:D0",)),
        ("lumarol", ("MESH:C0",)),
    ]
    (relation,) = found.relations
    assert (relation.chemical, relation.disease, relation.type) == (0, 1, "influences")
    await backend.close()


async def test_only_what_is_asked_for_is_answered(trained: tuple[Path, JobState]) -> None:
    folder, state = trained
    backend = LocalBackend(folder)
    assert state.model is not None
    (found,) = await backend.extract(state.model, [_TEXT], frozenset({Task.DISEASES}))
    assert {each.type for each in found.mentions} == {"Disease"}
    assert found.relations == ()
    await backend.close()


async def test_a_precision_is_promised_only_where_it_was_measured(
    trained: tuple[Path, JobState], backend: LocalBackend, tmp_path: Path
) -> None:
    """With folds it was; without, nothing was held out: refused, and not answered with nothing."""
    folder, state = trained
    measured = LocalBackend(folder)
    any_precision = ExtractOptions(min_precision=0.0)
    assert state.model is not None
    (found,) = await measured.extract(state.model, [_TEXT], ALL, any_precision)
    assert len(found.mentions) == 4
    await measured.close()
    await backend.launch(
        job(tmp_path, hyperparameters={"preset": "fast", "iterations": 3, "folds": 0})
    )
    unmeasured = (await ended(backend, "ft_1")).model
    assert unmeasured is not None
    with pytest.raises(BackendError) as refused:
        await backend.extract(unmeasured, [_TEXT], ALL, any_precision)
    assert refused.value.code == "min_precision_unavailable"


async def test_a_closed_backend_says_so(trained: tuple[Path, JobState]) -> None:
    """Whatever is asked of it."""
    folder, state = trained
    backend = LocalBackend(folder)
    await backend.close()
    assert state.model is not None
    for call in (
        backend.extract(state.model, [_TEXT], ALL),
        backend.relate(state.model, small_corpus()),
        backend.launch(job(folder)),
    ):
        with pytest.raises(BackendError) as refused:
            await call
        assert refused.value.code == "backend_unavailable"


async def test_many_extractions_at_once_agree(trained: tuple[Path, JobState]) -> None:
    folder, state = trained
    backend = LocalBackend(folder, max_loaded=1)
    assert state.model is not None
    calls = [backend.extract(state.model, [_TEXT], ALL) for _ in range(16)]
    answers = await asyncio.gather(*calls)
    assert all(answer == answers[0] for answer in answers)
    await backend.close()


async def test_a_job_that_has_succeeded_is_never_trained_again(
    trained: tuple[Path, JobState],
) -> None:
    folder, state = trained
    backend = LocalBackend(folder)
    await backend.launch(job(folder))
    assert await backend.poll("ft_1") == state
    await backend.cancel("ft_1")
    assert await backend.poll("ft_1") == state
    await backend.close()


async def test_same_documents_and_seed_give_the_same_model_in_any_process(
    trained: tuple[Path, JobState], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "12345")
    backend = LocalBackend(tmp_path)
    await backend.launch(job(tmp_path))
    assert (await ended(backend, "ft_1")).model == trained[1].model
    await backend.close()


async def test_a_model_of_one_task_knows_only_that(backend: LocalBackend, tmp_path: Path) -> None:
    await backend.launch(job(tmp_path, tasks=frozenset({Task.CHEMICALS})))
    model = (await ended(backend, "ft_1")).model
    assert model is not None
    (found,) = await backend.extract(model, [_TEXT], ALL)
    assert {each.type for each in found.mentions} == {"Chemical"}
    assert found.warnings == (
        "the model was not trained for diseases",
        "the model was not trained for relations",
    )


@pytest.mark.parametrize("name", ["", "rules", "../jobs", "/etc/passwd", "a" * 64, "A" * 64])
async def test_an_unknown_or_path_like_name_is_no_model(backend: LocalBackend, name: str) -> None:
    with pytest.raises(BackendError) as error:
        await backend.extract(name, [_TEXT], ALL)
    assert error.value.code == "model_not_found"
    await backend.delete_model(name)


async def test_a_sound_model_under_the_name_of_another_is_not_used(
    trained: tuple[Path, JobState], backend: LocalBackend, tmp_path: Path
) -> None:
    folder, state = trained
    assert state.model is not None
    manifest, sections = read_artefact(folder / "models" / f"{state.model}.medtune")
    other = manifest.model_copy(update={"reference": "ft_2"})
    write_artefact(tmp_path / "local/models" / f"{state.model}.medtune", other, sections)
    with pytest.raises(BackendError) as error:
        await backend.extract(state.model, [_TEXT], ALL)
    assert error.value.code == "storage_damaged"


async def test_a_deleted_model_is_gone_at_once(
    trained: tuple[Path, JobState], backend: LocalBackend, tmp_path: Path
) -> None:
    folder, state = trained
    assert state.model is not None
    path = tmp_path / "local/models" / f"{state.model}.medtune"
    path.parent.mkdir(parents=True)
    path.write_bytes((folder / "models" / path.name).read_bytes())
    await backend.extract(state.model, [_TEXT], ALL)
    await backend.delete_model(state.model)
    await backend.delete_model(state.model)
    assert not path.exists()
    with pytest.raises(BackendError, match="no such model"):
        await backend.extract(state.model, [_TEXT], ALL)


async def test_launching_twice_trains_once(backend: LocalBackend, tmp_path: Path) -> None:
    work = long_job(tmp_path)
    await asyncio.gather(backend.launch(work), backend.launch(work), backend.launch(work))
    await begun(backend, work.reference)
    assert len(pids(tmp_path)) == 1


async def test_cancelling_ends_the_process_and_leaves_nothing(
    backend: LocalBackend, tmp_path: Path
) -> None:
    work = long_job(tmp_path, "../any / reference")
    await backend.launch(work)
    await begun(backend, work.reference)
    await backend.cancel(work.reference)
    assert pids(tmp_path) == []
    files = [each.name for each in (tmp_path / "local").rglob("*") if each.is_file()]
    assert files == ["cancelled"]
    await backend.cancel(work.reference)
    assert (await backend.poll(work.reference)).status is JobStatus.CANCELLED


async def test_a_cancelled_job_is_not_started_by_a_late_launch(
    backend: LocalBackend, tmp_path: Path
) -> None:
    work = long_job(tmp_path)
    await backend.launch(work)
    await backend.cancel(work.reference)
    await backend.launch(work)
    assert pids(tmp_path) == []


async def test_a_forgotten_job_leaves_only_its_model(backend: LocalBackend, tmp_path: Path) -> None:
    """Its folder is gone, its model extracts; forgetting a job that runs ends it."""
    await backend.launch(job(tmp_path))
    model = (await ended(backend, "ft_1")).model
    assert model is not None
    await backend.launch(long_job(tmp_path))
    await begun(backend, "ft_long")
    for reference in ("ft_1", "ft_1", "ft_long", "never launched"):
        await backend.forget(reference)
    assert pids(tmp_path) == []
    assert list((tmp_path / "local" / "jobs").iterdir()) == []
    assert (await backend.poll("ft_1")).status is JobStatus.LOST
    assert len(await backend.extract(model, [_TEXT], ALL)) == 1


async def test_a_job_nobody_knows_is_lost(backend: LocalBackend) -> None:
    await backend.cancel("ft_unknown")
    assert (await backend.poll("ft_unknown")).status is JobStatus.LOST


async def test_a_process_that_was_killed_has_failed_and_may_be_started_again(
    backend: LocalBackend, tmp_path: Path
) -> None:
    work = long_job(tmp_path)
    await backend.launch(work)
    await begun(backend, work.reference)
    (pid,) = pids(tmp_path)
    os.kill(pid, signal.SIGKILL)
    state = await ended(backend, work.reference)
    assert (state.status, state.error_code) == (JobStatus.FAILED, "training_crashed")
    await backend.launch(job(tmp_path, work.reference))
    assert (await ended(backend, work.reference)).status is JobStatus.SUCCEEDED


async def test_closing_makes_a_running_job_lost_for_the_next_one_to_start_anew(
    tmp_path: Path,
) -> None:
    first = LocalBackend(tmp_path / "local")
    work = long_job(tmp_path)
    await first.launch(work)
    await begun(first, work.reference)
    await first.close()
    assert pids(tmp_path) == []
    assert (await first.poll(work.reference)).status is JobStatus.LOST
    with pytest.raises(BackendError, match="closed"):
        await first.launch(work)
    second = LocalBackend(tmp_path / "local")
    assert (await second.poll(work.reference)).status is JobStatus.LOST
    await second.launch(job(tmp_path, work.reference))
    assert (await ended(second, work.reference)).status is JobStatus.SUCCEEDED
    await second.close()


_PARENT = """
import asyncio, pathlib, sys
from tests.backends.local.test_backend import LocalBackend, begun, long_job

async def main():
    folder = pathlib.Path(sys.argv[1])
    backend = LocalBackend(folder / "local")
    work = long_job(folder)
    await backend.launch(work)
    await begun(backend, work.reference)
    print("begun", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_a_training_never_outlives_a_killed_parent(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert await asyncio.wait_for(parent.stdout.readline(), _PATIENCE) == b"begun\n"
    assert [pid for pid in pids(tmp_path) if pid != parent.pid]
    parent.kill()
    await parent.wait()
    deadline = time.monotonic() + _PATIENCE
    while pids(tmp_path):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    next_one = LocalBackend(tmp_path / "local")
    assert (await next_one.poll("ft_long")).status is JobStatus.LOST
    await next_one.close()


async def test_documents_that_cannot_be_learnt_from_fail_with_a_reason(
    backend: LocalBackend, tmp_path: Path
) -> None:
    broken = job(tmp_path, "broken")
    broken.training.documents.write_text(broken.training.documents.read_text() + "secret text\n")
    empty = job(tmp_path, "empty", tasks=frozenset({Task.DISEASES}))
    empty.training.documents.write_text('{"i":"a","p":[["title",0,"secret text"]]}\n')
    for work, code in ((broken, "training_data_invalid"), (empty, "training_data_empty")):
        await backend.launch(work)
        state = await ended(backend, work.reference)
        assert (state.status, state.error_code) == (JobStatus.FAILED, code)
        assert "secret" not in str(state)
    assert "Line 13 " in ((await backend.poll("broken")).error_message or "")


async def test_hyperparameters_of_another_backend_are_refused(
    backend: LocalBackend, tmp_path: Path
) -> None:
    for chosen in ({"preset": "best"}, {"learning_rate": 0.1}, {"folds": 99}):
        with pytest.raises(BackendError) as error:
            await backend.launch(job(tmp_path, hyperparameters=dict(chosen)))
        assert error.value.code == "invalid_hyperparameters"
    assert (await backend.poll("ft_1")).status is JobStatus.LOST


async def test_offers_the_baseline_as_a_base_model(tmp_path: Path) -> None:
    alone = LocalBackend(tmp_path)
    assert list(await alone.base_models()) == []
    backend = LocalBackend(tmp_path, baseline=RulesBackend())
    assert [each.name for each in await backend.base_models()] == ["rules"]
    (found,) = await backend.extract("rules", [_TEXT], ALL)
    assert found.mentions
    for each in (alone, backend):
        await each.close()
