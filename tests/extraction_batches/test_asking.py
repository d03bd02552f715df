"""How a shard's texts are asked about: what fails is tried again, and costs itself alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BackendError,
    ExtractOptions,
    FoundMention,
)
from app.extraction_batches.asking import Asking, Outcome, Patience
from app.extraction_batches.entries import Fault
from app.models.service import ResolvedModel
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN, Template
from tests.fine_tunes.serving import Backend

CHEMICALS = frozenset({Task.CHEMICALS})
WORDING = replace(BUILT_IN, id="another")


def found(text: str) -> Annotations:
    return Annotations((FoundMention(0, len(text), "Chemical"),))


async def nothing(_reference: str) -> None:
    """Nobody trains here."""


class Model(Backend):
    """Finds a mention as long as the text; `trouble[text]` comes first, one after the other."""

    def __init__(self, name: str = "server") -> None:
        super().__init__(nothing)
        self.name = name
        self.trouble: dict[str, list[Exception]] = {}
        self.calls: list[list[str]] = []
        self.wordings: list[Template | None] = []

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        self.calls.append(list(texts))
        self.wordings.append(options.template)
        for text in texts:
            if self.trouble.get(text):
                raise self.trouble[text].pop(0)
        return [found(text) for text in texts]


class Batching(Model):
    """Has a way of its own to annotate many texts: it answers what `says` does, or raises it."""

    def __init__(self, says: Callable[[str], Annotations | BackendError] | None) -> None:
        super().__init__()
        self.says = says
        self.references: list[str] = []

    async def extract_batch(
        self,
        reference: str,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations | BackendError] | None:
        self.references.append(reference)
        self.wordings.append(options.template)
        return None if self.says is None else [self.says(text) for text in texts]

    async def drop_batch(self, reference: str) -> None:
        """It keeps nothing."""


@dataclass
class Time:
    """Time that passes only when someone sleeps."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


async def ask(
    backend: Model, texts: Sequence[str], time: Time | None = None, patience: float = 3600
) -> list[Outcome]:
    return await asking(backend, time or Time(), patience).answers(texts)


def asking(backend: Model, time: Time, patience: float) -> Asking:
    model = ResolvedModel("m", backend, "m", frozenset(Task), WORDING)
    waits = Patience(patience, clock=lambda: time.now)
    return Asking("shd_1", model, CHEMICALS, DEFAULT_OPTIONS, waits, sleep=time.sleep)


def failure(code: str, *, retryable: bool, retry_after: float | None = None) -> BackendError:
    return BackendError(code, "It failed.", retryable=retryable, retry_after=retry_after)


def always(error: BackendError) -> list[Exception]:
    return [error] * 10_000


async def test_a_failure_that_passes_is_not_seen() -> None:
    """Asked again after growing pauses, or those the server asks for."""
    backend, time = Model(), Time()
    backend.trouble["b"] = [
        failure("backend_failed", retryable=True),
        failure("backend_timeout", retryable=True),
        failure("backend_failed", retryable=True, retry_after=17),
    ]
    assert await ask(backend, ["a", "b"], time) == [found("a"), found("b")]
    assert time.pauses == [1, 2, 17]


async def test_no_server_puts_off_a_text_for_days() -> None:
    """It is asked again within an hour, whatever it asks for."""
    backend, time = Model(), Time()
    backend.trouble["a"] = [failure("backend_failed", retryable=True, retry_after=1e9)]
    assert await ask(backend, ["a"], time) == [found("a")]
    assert time.pauses == [3600]


async def test_a_text_that_fails_for_good_costs_itself_alone() -> None:
    """After five attempts, or at once if it is no use to try again."""
    backend = Model()
    backend.trouble["b"] = always(failure("backend_failed", retryable=True))
    backend.trouble["c"] = always(failure("text_too_long", retryable=False))
    first, second, third, fourth = await ask(backend, ["a", "b", "c", "d"])
    assert (first, fourth) == (found("a"), found("d"))
    assert (second, third) == (
        Fault("backend_failed", "It failed."),
        Fault("text_too_long", "It failed."),
    )
    assert [backend.calls.count([text]) for text in "abcd"] == [1, 5, 1, 1]


async def test_a_server_that_is_away_is_waited_for() -> None:
    """With pauses of five minutes at most, for an hour after it was last heard of."""
    backend, time = Model(), Time()
    backend.trouble["a"] = [failure("backend_unavailable", retryable=True)] * 15
    assert await ask(backend, ["a"], time) == [found("a")]
    assert time.pauses[:4] == [1, 2, 4, 8]
    assert max(time.pauses) == 300
    time = Time()
    backend.trouble["a"] = always(failure("backend_unavailable", retryable=True))
    (outcome,) = await ask(backend, ["a"], time)
    assert outcome == Fault("backend_unavailable", "It failed.")
    assert time.now == 3600


async def test_little_patience() -> None:
    """Nobody waits longer than told."""
    backend, time = Model(), Time()
    backend.trouble["a"] = always(failure("backend_unavailable", retryable=True))
    await ask(backend, ["a"], time, patience=60)
    assert time.now == 60


@pytest.mark.parametrize("last", [None, failure("text_too_long", retryable=False)])
async def test_patience_begins_anew_with_each_sign_of_life(last: BackendError | None) -> None:
    """An answer is one, and so is a refusal."""
    backend, time = Model(), Time()
    away = failure("backend_unavailable", retryable=True)
    backend.trouble["a"] = [*[away] * 5, *([last] if last else [])]
    backend.trouble["b"] = always(away)
    asked = asking(backend, time, patience=60)
    await asked.answers(["a"])
    assert time.now == 31
    await asked.answers(["b"])
    assert time.now == 31 + 60


async def test_a_server_that_was_away_costs_a_text_none_of_its_attempts() -> None:
    """Nor is a failure waited for as long as a server that is away."""
    backend, time = Model(), Time()
    backend.trouble["a"] = [failure("backend_unavailable", retryable=True)] * 6
    backend.trouble["a"] += [failure("backend_failed", retryable=True)] * 4
    assert await ask(backend, ["a"], time) == [found("a")]
    assert time.pauses == [1, 2, 4, 8, 16, 32, 1, 2, 4, 8]


@pytest.mark.parametrize("code", ["model_not_found", "retired", "capability_unavailable"])
async def test_what_no_text_is_answered_for_ends_the_asking(code: str) -> None:
    """It is raised, and no text has failed for it."""
    backend = Model()
    backend.trouble["b"] = [failure(code, retryable=False)]
    with pytest.raises(BackendError) as raised:
        await ask(backend, ["a", "b", "c"])
    assert raised.value.code == code


async def test_a_model_here_is_asked_in_chunks_and_the_text_that_breaks_it_is_found() -> None:
    """Fifty at a time; the others of its chunk are answered. Its exception is not told."""
    backend = Model("local")
    texts = [f"t{n}" for n in range(120)]
    backend.trouble["t7"] = [ValueError("the text is t7")] * 5
    outcomes = await ask(backend, texts)
    assert [n for n, each in enumerate(outcomes) if isinstance(each, Fault)] == [7]
    assert outcomes[7] == Fault("backend_failed", "The model broke on this text.")
    sizes = [len(call) for call in backend.calls]
    assert (sizes.count(50), sizes.count(20), sizes.count(1)) == (2, 1, 50)


async def test_a_backend_with_its_own_way_is_asked_that_way() -> None:
    """By the shard's name; what failed and may pass is asked about once more, by itself."""

    def says(text: str) -> Annotations | BackendError:
        failures = {
            "b": failure("backend_failed", retryable=False),
            "c": failure("backend_failed", retryable=True),
        }
        return failures.get(text) or found(text)

    backend = Batching(says)
    outcomes = await ask(backend, ["a", "b", "c"])
    assert outcomes == [found("a"), Fault("backend_failed", "It failed."), found("c")]
    assert backend.references == ["shd_1"]
    assert backend.calls == [["c"]]
    assert backend.wordings == [WORDING, WORDING]  # the one it was trained with


async def test_when_the_own_way_fails_for_a_while_texts_are_asked_about_by_themselves() -> None:
    """After five attempts."""

    def says(_text: str) -> Annotations:
        raise failure("backend_failed", retryable=True)

    backend = Batching(says)
    assert await ask(backend, ["a", "b"]) == [found("a"), found("b")]
    assert len(backend.references) == 5


async def test_when_the_own_way_fails_for_good_so_do_its_texts() -> None:
    """Nobody pays for asking once more."""

    def says(_text: str) -> Annotations:
        raise failure("backend_failed", retryable=False)

    backend = Batching(says)
    assert await ask(backend, ["a", "b"]) == [Fault("backend_failed", "It failed.")] * 2
    assert (len(backend.references), backend.calls) == (1, [])


async def test_a_backend_whose_own_way_is_not_offered() -> None:
    """It is asked as others are."""
    backend = Batching(None)
    assert await ask(backend, ["a", "b"]) == [found("a"), found("b")]
    assert sorted(backend.calls) == [["a"], ["b"]]


async def test_nothing_to_ask() -> None:
    """No call."""
    backend = Model()
    assert await ask(backend, []) == []
    assert backend.calls == []
