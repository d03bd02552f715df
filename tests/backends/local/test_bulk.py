"""Batches of the embedded trainer: processes of their own that answer as `extract` does."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from app.backends.base import (
    Annotations,
    BackendError,
    ExtractOptions,
    ExtractsBatches,
    FoundMention,
    FoundRelation,
)
from app.backends.local.backend import LocalBackend
from app.backends.local.bulk import BulkProcesses
from app.backends.local.bulk_wire import Model, packed, unpacked
from app.backends.local.hyperparameters import LocalHyperparameters
from app.backends.local.jobs import model_path
from app.backends.local.model import LocalModel
from app.backends.rules import RulesBackend
from app.corpora.documents import Document
from app.prompts.tasks import Task
from app.terminology.concepts import Concept
from app.terminology.index import build_index
from tests.backends.local.breaking_process import KILLS, PRINTS, RAISES
from tests.backends.local.small_corpus import small_corpus

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = frozenset(Task)
_PATIENCE = 60
_BREAKING = "tests.backends.local.breaking_process"
_TEXTS = [
    text
    for number in range(40)
    for text in (
        f"Lumarol-induced tremor in adult {number}. We saw tremor after lumarol was given.",
        "",
        f"Asthma, {number} years old.",
    )
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bulk")


@pytest.fixture(scope="module")
def model(folder: Path) -> str:
    """The name of a model in the backend's folder."""
    documents = [_without_identifier(each, "quorazole") for each in small_corpus()]
    chosen = LocalHyperparameters(preset="fast")
    trained = LocalModel.train(documents, chosen, ALL, lambda *_: None)
    (folder / "models").mkdir()
    name = trained.save(folder / "unnamed", "test", {})
    (folder / "unnamed").rename(model_path(folder / "models", name))
    return name


@pytest.fixture(scope="module")
def drugs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of the drug that training has seen without identifier."""
    path = tmp_path_factory.mktemp("drugs") / "index"
    build_index([Concept("MESH:V1", "Chemical", ("quorazole",))], path)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(folder: Path) -> AsyncIterator[LocalBackend]:
    backend = LocalBackend(folder, baseline=RulesBackend(), bulk_processes=2)
    yield backend
    await backend.close()


def _without_identifier(document: Document, name: str) -> Document:
    """The document as of someone who did not know which concept the name is of."""
    mentions = [
        replace(each, identifiers=()) if each.text.lower() == name else each
        for each in document.mentions
    ]
    relations = () if name in document.text.lower() else document.relations
    return replace(document, mentions=tuple(mentions), relations=relations)


def asked(folder: Path, model: str) -> Model:
    return Model(model, model_path(folder / "models", model), ALL, ExtractOptions())


def children(of: int | None = None, module: str = "bulk_process") -> set[int]:
    """The processes at work off batches that a process has started."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_text()
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if module in command and state != "Z" and int(parent) == (of or os.getpid()):
            found.add(int(entry.name))
    return found


async def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def batch(
    backend: LocalBackend, model: str, texts: list[str], options: ExtractOptions | None = None
) -> list[Annotations | BackendError]:
    found = await backend.extract_batch("b", model, texts, ALL, options or ExtractOptions())
    assert found is not None
    return found


async def test_it_answers_as_extract_does(backend: LocalBackend, model: str) -> None:
    assert isinstance(backend, ExtractsBatches)
    found = await batch(backend, model, _TEXTS)
    assert found == await backend.extract(model, _TEXTS, ALL)
    assert sum(len(each.relations) for each in found if isinstance(each, Annotations)) == 40
    assert len(children()) == 2
    assert await batch(backend, model, []) == []


async def test_it_does_what_the_options_say(backend: LocalBackend, model: str, drugs: Path) -> None:
    text = ["Quorazole-induced tremor in an adult. We saw tremor after quorazole was given."]
    for options in (ExtractOptions(vocabularies=(drugs,)), ExtractOptions(min_precision=1.0)):
        assert await batch(backend, model, text, options) == await backend.extract(
            model, text, ALL, options
        )
    ours = ExtractOptions(vocabularies=(drugs,))
    assert await batch(backend, model, text, ours) != await batch(backend, model, text)


async def test_what_holds_for_all_texts_is_raised(
    backend: LocalBackend, model: str, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(BackendError) as error:
        await batch(backend, "a" * 64, _TEXTS)
    assert error.value.code == "model_not_found"
    broken = "b" * 64
    model_path(folder / "models", broken).write_bytes(b"no model")
    with pytest.raises(BackendError) as error:
        await batch(backend, broken, _TEXTS)
    assert error.value.code == "storage_damaged"
    with pytest.raises(BackendError) as error:
        await batch(backend, model, _TEXTS, ExtractOptions(vocabularies=(tmp_path / "none",)))
    assert error.value.code == "backend_failed"
    assert isinstance((await batch(backend, model, ["Tremor."]))[0], Annotations)


async def test_other_models_are_left_to_extract(backend: LocalBackend) -> None:
    assert await backend.extract_batch("b", "rules", _TEXTS, ALL) is None


async def test_a_model_deleted_meanwhile_is_not_used(
    backend: LocalBackend, model: str, folder: Path
) -> None:
    """Though processes have it loaded."""
    path = model_path(folder / "models", model)
    kept = path.read_bytes()
    await batch(backend, model, ["Tremor."])
    await backend.delete_model(model)
    with pytest.raises(BackendError) as error:
        await batch(backend, model, ["Tremor."])
    assert error.value.code == "model_not_found"
    path.write_bytes(kept)


async def test_texts_that_break_the_engine_fail_alone(
    backend: LocalBackend, folder: Path, model: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever they do to it; and what the engine prints is not taken for an answer."""
    texts = [*_TEXTS[:50], f"Tremor {PRINTS}."]
    broken = {3: f"Tremor {RAISES}.", 17: f"Tremor {KILLS}.", 40: f"Tremor {RAISES} again."}
    for position, text in broken.items():
        texts[position] = text
    processes = BulkProcesses(2, module=_BREAKING)
    found = await processes.annotate(asked(folder, model), texts)
    await processes.close()
    errors = {i: each for i, each in enumerate(found) if isinstance(each, BackendError)}
    assert errors.keys() == broken.keys()
    for error in errors.values():
        assert (error.code, error.retryable) == ("backend_failed", False)
        assert "zz" not in error.message
    expected = await backend.extract(model, texts, ALL)
    assert [f == e for f, e in zip(found, expected, strict=True)].count(False) == len(broken)
    assert RAISES not in capfd.readouterr().err


async def test_a_process_killed_by_someone_else_costs_no_text(
    backend: LocalBackend, model: str
) -> None:
    texts = _TEXTS * 5
    expected = await backend.extract(model, texts, ALL)
    before = children()
    work = asyncio.create_task(batch(backend, model, texts))
    await asyncio.sleep(0)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert await work == expected
    assert not before & children()


async def test_a_model_that_kills_its_processes_is_not_tried_for_each_text(
    folder: Path, model: str
) -> None:
    processes = BulkProcesses(2, module="app.backends.local.bulk_wire")  # which ends at once
    with pytest.raises(BackendError) as error:
        await processes.annotate(asked(folder, model), _TEXTS)
    # Whoever asked would try again by loading it himself.
    assert (error.value.code, error.value.retryable) == ("backend_failed", False)
    await processes.close()


async def test_cancelling_leaves_no_process_at_work(backend: LocalBackend, model: str) -> None:
    await batch(backend, model, _TEXTS)
    before = children()
    assert before
    work = asyncio.create_task(batch(backend, model, _TEXTS * 200))
    await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await until(lambda: not before & children())
    assert len(await batch(backend, model, _TEXTS)) == len(_TEXTS)


async def test_processes_without_work_end(folder: Path, model: str) -> None:
    processes = BulkProcesses(1, idle_seconds=0.01, module=_BREAKING)
    await processes.annotate(asked(folder, model), ["Tremor."])
    await until(lambda: not children(module=_BREAKING))
    await processes.close()


async def test_closing_ends_all_of_it(folder: Path, model: str) -> None:
    processes = BulkProcesses(1, module=_BREAKING)
    await processes.annotate(asked(folder, model), ["Tremor."])
    work = asyncio.create_task(processes.annotate(asked(folder, model), _TEXTS * 200))
    await asyncio.sleep(0.05)
    await processes.close()
    with pytest.raises(BackendError) as error:
        await work
    assert error.value.code == "backend_unavailable"
    assert not children(module=_BREAKING)


_SERVICE = """
import asyncio, sys
from pathlib import Path
from app.backends.local.backend import LocalBackend
from app.prompts.tasks import Task

async def serve():
    backend = LocalBackend(Path(sys.argv[1]), bulk_processes=1)
    await backend.extract_batch("b", sys.argv[2], ["Tremor."], frozenset(Task))
    print("ready", flush=True)
    await backend.extract_batch("b", sys.argv[2], ["Tremor."] * 1_000_000, frozenset(Task))

asyncio.run(serve())
"""


async def test_they_die_with_the_service(folder: Path, model: str) -> None:
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _SERVICE, folder, model, stdout=subprocess.PIPE
    )
    assert service.stdout is not None
    assert await service.stdout.readline() == b"ready\n"
    (child,) = children(service.pid)
    service.kill()
    await service.wait()
    await until(lambda: not Path(f"/proc/{child}").exists())


async def test_annotations_cross_as_they_are() -> None:
    found = Annotations(
        (
            FoundMention(0, 7, "Chemical", ("MESH:D1", "MESH:D2"), 0.1 + 0.2),
            FoundMention(9, 12, "Disease", (), None, "fuzzy"),
        ),
        (FoundRelation(0, 1, "influences", 1e-17, ((0, 12), (14, 20))), FoundRelation(0, 1)),
        ((Task.DISEASES, "optic \ud800 \U0001f648"),),
        ("a warning",),
        3,
        4,
    )
    for each in (found, replace(found, relations=()), Annotations()):
        assert unpacked(json.loads(json.dumps(packed(each)))) == each
