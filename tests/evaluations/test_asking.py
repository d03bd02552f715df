"""How models are asked: in order, some at a time, patiently, and no longer than is wanted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BackendError,
    ExtractOptions,
    FoundMention,
    FoundRelation,
    RelatesMentions,
)
from app.corpora import canonical
from app.corpora.documents import Document, Mention, Passage, Relation
from app.evaluations import asking as asking_module
from app.evaluations.asking import Answered, Asking
from app.evaluations.samples import digests, read_document, read_samples
from app.evaluations.watch import UnwantedError
from app.main import create_app
from app.models.service import ResolvedModel
from app.platform.errors import ApiError
from app.platform.settings import Settings
from app.prompts.tasks import Task
from tests.fine_tunes.serving import Backend

CHEMICALS = frozenset({Task.CHEMICALS})


class Model(Backend):
    """Finds a mention as long as the text; `trouble` comes first, `slow` texts come last."""

    def __init__(self, name: str) -> None:
        super().__init__(lambda _: asyncio.sleep(0))
        self.name = name
        self.calls: list[list[str]] = []
        self.trouble: list[BackendError] = []
        self.slow = ""
        self.busy = self.most_busy = 0
        # How many calls have to be there before any is answered.
        self.together = 0
        self.all_there = asyncio.Event()

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        self.calls.append(list(texts))
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            if self.busy == self.together:
                self.all_there.set()
            if self.together:
                await asyncio.wait_for(self.all_there.wait(), 20)
            await asyncio.sleep(0.05 if self.slow in texts else 0.001)
            if self.trouble:
                raise self.trouble.pop(0)
        finally:
            self.busy -= 1
        return [Annotations((FoundMention(0, len(text), "Chemical"),)) for text in texts]


class Relating(Model):
    """Relates the first chemical with the first disease, and notes what it was given."""

    given: Sequence[Document] = ()

    async def relate(
        self, model: str, documents: Sequence[Document]
    ) -> list[tuple[FoundRelation, ...]] | None:
        self.given = documents
        return [(FoundRelation(0, 1),) for _ in documents]


def written(folder: Path, count: int) -> Path:
    """A split of so many documents; the text of each has its number."""
    path = folder / "split"
    documents = [
        Document(
            f"d{n}",
            (Passage("title", 0, f"C{n:03} D"),),
            (Mention(0, 4, f"C{n:03}", "Chemical"), Mention(5, 6, "D", "Disease")),
            (Relation("MESH:C", "MESH:D"),),
        )
        for n in range(count)
    ]
    path.write_text("".join(canonical.dumps(document) + "\n" for document in documents))
    return path


async def no_look() -> None:
    """It is wanted."""


def asking(folder: Path, backend: Model, tasks: frozenset[Task] = CHEMICALS) -> Asking:
    platform = create_app(Settings(data_dir=folder, _env_file=None)).state.platform
    model = ResolvedModel("m", backend, "m", frozenset(Task), None)
    return Asking(platform, model, tasks, DEFAULT_OPTIONS)


async def all_of(
    asked: Asking, path: Path, look: Callable[[], Awaitable[None]] = no_look
) -> list[Answered]:
    async with aclosing(asked.answers(read_samples([path]), look)) as answers:
        return [answered async for answered in answers]


async def test_a_server_is_asked_eight_at_a_time_and_in_order(tmp_path: Path) -> None:
    """Each document in a call of its own; what comes late holds its place."""
    backend = Model("server")
    backend.slow = "C000 D"
    backend.together = 8
    answers = await all_of(asking(tmp_path, backend), written(tmp_path, 20))
    assert [answer.samples[0].document.id for answer in answers] == [f"d{n}" for n in range(20)]
    assert [len(call) for call in backend.calls] == [1] * 20
    assert backend.most_busy == 8
    assert all(answer.seconds > 0 for answer in answers)


async def test_a_model_here_is_asked_in_batches(tmp_path: Path) -> None:
    """Sixteen texts at a time, one batch after the other; the last one is smaller."""
    backend = Model("local")
    answers = await all_of(asking(tmp_path, backend), written(tmp_path, 40))
    assert [len(call) for call in backend.calls] == [16, 16, 8]
    assert backend.most_busy == 1
    assert [len(answer.found) for answer in answers] == [16, 16, 8]
    assert await all_of(asking(tmp_path, backend), written(tmp_path, 0)) == []
    assert len(await all_of(asking(tmp_path, backend), written(tmp_path, 16))) == 1


async def test_a_server_that_is_away_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passes is tried again, what does not ends the asking with the backend's own code."""
    monkeypatch.setattr(asking_module, "_LONGEST_PAUSE", 0.01)
    backend = Model("server")
    backend.trouble = [BackendError("backend_unavailable", "Away.", retryable=True)] * 5
    path = written(tmp_path, 1)
    assert len(await all_of(asking(tmp_path, backend), path)) == 1
    assert len(backend.calls) == 6
    backend.trouble = [BackendError("backend_unavailable", "Away.", retryable=True)] * 6
    with pytest.raises(ApiError) as raised:
        await all_of(asking(tmp_path, backend), path)
    assert raised.value.code == "backend_unavailable"
    backend.calls.clear()
    backend.trouble = [BackendError("backend_failed", "Broken.")]
    with pytest.raises(ApiError) as raised:
        await all_of(asking(tmp_path, backend), path)
    assert (raised.value.code, len(backend.calls)) == ("backend_failed", 1)


async def test_too_long_a_document_is_unanswered(tmp_path: Path) -> None:
    """The others are evaluated all the same, and it is counted."""
    backend = Model("server")
    backend.trouble = [BackendError("text_too_long", "Too many tokens.")]
    answers = await all_of(asking(tmp_path, backend), written(tmp_path, 3))
    assert sorted(answer.too_long for answer in answers) == [0, 0, 1]
    assert [len(a.found[0].mentions) for a in answers if a.too_long] == [0]


async def test_what_is_not_wanted_is_broken_off(tmp_path: Path) -> None:
    """Nothing goes on in the background, and no more is asked."""
    backend = Model("server")
    seen = 0

    async def look() -> None:
        nonlocal seen
        seen += 1
        if seen > 3:
            raise UnwantedError

    asked = asking(tmp_path, backend)
    with pytest.raises(UnwantedError):
        await all_of(asked, written(tmp_path, 50), look)
    assert backend.busy == 0
    assert len(backend.calls) < 20


async def test_relations_among_annotated_mentions(tmp_path: Path) -> None:
    """Asked for only if relations are, and without telling the relations annotated."""
    path = written(tmp_path, 3)
    backend = Relating("local")
    assert isinstance(backend, RelatesMentions)
    (answer,) = await all_of(asking(tmp_path, backend, frozenset({Task.RELATIONS})), path)
    assert answer.given == [(FoundRelation(0, 1),)] * 3
    assert [document.relations for document in backend.given] == [()] * 3
    assert [len(document.mentions) for document in backend.given] == [2] * 3
    (answer,) = await all_of(asking(tmp_path, backend), path)
    assert answer.given is None
    (answer,) = await all_of(asking(tmp_path, Model("local"), frozenset({Task.RELATIONS})), path)
    assert answer.given is None


def test_samples_are_found_again(tmp_path: Path) -> None:
    """By their offset, whatever the bytes of the text; digests are of the text alone."""
    path = tmp_path / "split"
    documents = [
        Document(
            "ä", (Passage("title", 0, "β-Blocker."),), (Mention(0, 9, "β-Blocker", "Chemical"),)
        ),
        Document("b", (Passage("title", 0, "Rash."),)),
    ]
    path.write_text("".join(canonical.dumps(d) + "\n" for d in documents), encoding="utf-8")
    samples = list(read_samples([path, path]))
    assert [(s.split, s.document) for s in samples] == [
        (split, document) for split in (0, 1) for document in documents
    ]
    assert [read_document(path, sample.offset) for sample in samples] == [*documents, *documents]
    assert {sample.digest for sample in samples} == digests([path])
    assert len(digests([path])) == 2
