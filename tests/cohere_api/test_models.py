"""`/v1/models` and the small calls, as the SDK makes them."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import cohere
import httpx
import pytest
from cohere.base_client import AsyncBaseCohere, BaseCohere
from cohere.errors import BadRequestError, NotFoundError

from app.backends.base import BaseModelInfo
from app.backends.rules import RulesBackend
from app.platform.clock import now
from app.platform.database import Database
from app.platform.settings import Settings
from app.prompts.tasks import Task
from app.tables import DatasetRow, FineTuneRow, ModelRow, Table, TrainingFileRow
from tests.cohere_api.serving import in_process


def test_list(co: cohere.Client, tuned: dict[str, Any]) -> None:
    """Base and tuned models, under names that the other calls take."""
    models = {model.name: model for model in co.models.list().models}
    base, own = models["local:rules"], models[f"{tuned['id']}-ft"]
    assert (base.finetuned, own.finetuned) == (False, True)
    assert own.endpoints == ["chat", "generate"]
    assert own.is_deprecated is False
    assert own.context_length == 200_000
    assert co.models.list(endpoint="chat").models
    assert not co.models.list(endpoint="embed").models
    assert not co.models.list(endpoint="chat", default_only=True).models


def test_get(co: cohere.Client, tuned: dict[str, Any]) -> None:
    """By any of its names; the answer has the one that the list has."""
    name = f"{tuned['id']}-ft"
    for known_as in (name, tuned["id"], tuned["model_id"]):
        assert co.models.get(known_as).name == name
    assert co.models.get("local:rules").name == "local:rules"
    for unknown in ("command-r", "ft_none-ft", "mdl_none", "local:none", "a/b"):
        with pytest.raises(NotFoundError) as error:
            co.models.get(unknown)
        assert error.value.body["message"].startswith(f"model '{unknown}' not found")


def test_pages_are_the_whole_list(co: cohere.Client, tuned: dict[str, Any]) -> None:
    """One by one, every model comes once."""
    names, token = [], None
    for _ in range(20):
        page = co.models.list(page_size=1, page_token=token)
        assert len(page.models) == 1
        names += [model.name for model in page.models]
        token = page.next_page_token
        if not token:
            break
    assert names == [model.name for model in co.models.list().models]
    assert f"{tuned['id']}-ft" in names
    with pytest.raises(BadRequestError):
        co.models.list(page_token="?")
    with pytest.raises(BadRequestError):
        co.models.list(page_size=0)


async def all_names(client: httpx.AsyncClient, size: int) -> list[str]:
    """The names on all pages of this size."""
    names: list[str] = []
    token = ""
    for _ in range(10):
        params = {"page_size": str(size), "page_token": token}
        page = (await client.get("/v1/models", params=params)).json()
        assert 0 < len(page["models"]) <= size
        names += [model["name"] for model in page["models"]]
        token = page["next_page_token"]
        if not token:
            break
    return names


class Many(RulesBackend):
    """A backend with several models: one cannot be asked, one is retired."""

    async def base_models(self) -> Sequence[BaseModelInfo]:
        tasks = frozenset(Task)
        return [
            BaseModelInfo("one", "", tasks),
            BaseModelInfo("two", "", tasks, can_extract=False, can_tune=True),
            BaseModelInfo("three", "", tasks, can_extract=False, retired_on=date(2025, 9, 15)),
            BaseModelInfo("org/four:8b", "", tasks),
            BaseModelInfo("five", "", tasks),
        ]


@pytest.mark.parametrize("size", [1, 2, 4, 5, 6])
async def test_many_base_models_in_pages(settings: Settings, size: int) -> None:
    """A page has no more than was asked for, also of base models."""
    async with in_process(settings, many=Many()) as client:
        names = await all_names(client, size)
    assert names == [f"many:{info.name}" for info in await Many().base_models()]


def tuned_rows(count: int) -> Iterator[Table]:
    """So many models `ft_0-ft`, ..., and what they were made from before them."""
    made = {"name": "name", "status": "ready", "created_at": now()}
    yield DatasetRow(id="ds", **made)
    yield TrainingFileRow(
        id="tf",
        dataset_id="ds",
        tasks=["diseases"],
        splits=["train"],
        text="abstract",
        format="chat",
        template_id="medtune-1",
        template_hash="",
        reference="",
        status="ready",
        created_at=now(),
    )
    for n in range(count):
        tune = f"ft_{n}"
        yield FineTuneRow(
            id=tune, training_file_id="tf", backend="rules", hyperparameters={}, **made
        )
        yield ModelRow(
            id=f"mdl_{n:032x}",
            name="name",
            backend="rules",
            backend_model="rules",
            tasks=["diseases"],
            template_id="medtune-1",
            fine_tune_id=tune,
            created_at=now(),
        )


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
async def test_base_and_tuned_models_in_pages(settings: Settings, size: int) -> None:
    """Pages of one kind, of both, and of the other; the newest tuned model first."""
    async with in_process(settings, rules=RulesBackend()) as client:
        database = Database(settings.sqlalchemy_url)
        async with database.transaction(write=True, workspace="default") as session:
            for row in tuned_rows(4):
                session.add(row)
                await session.flush()
        await database.close()
        names = await all_names(client, size)
    assert names == ["rules:rules", "ft_3-ft", "ft_2-ft", "ft_1-ft", "ft_0-ft"]


async def test_models_that_answer_nothing(settings: Settings) -> None:
    """They are listed, without an endpoint; a retired one is not found by what would ask it."""
    async with in_process(settings, many=Many()) as client:
        two, three, four = [
            (await client.get(f"/v1/models/many:{name}")).json()
            for name in ("two", "three", "org/four:8b")
        ]
        assert (two["endpoints"], two["is_deprecated"]) == ([], False)
        assert (three["endpoints"], three["is_deprecated"]) == ([], True)
        assert four["endpoints"] == ["chat", "generate"]
        refused = [
            await client.post("/v1/generate", json={"model": f"many:{name}", "prompt": ""})
            for name in ("two", "three")
        ]
        assert [answer.status_code for answer in refused] == [400, 404]
        assert "2025-09-15" in refused[1].json()["message"]


def test_tokens_are_bytes(co: cohere.Client) -> None:
    """Each call is the inverse of the other; bytes that are no character can be seen."""
    text = "β-carotene \U0001f48a"
    parted = co.tokenize(text=text, model="local:rules", offline=False)
    assert bytes(parted.tokens) == text.encode()
    assert parted.token_strings[:4] == ["<0xCE>", "<0xB2>", "-", "c"]
    joined = co.detokenize(tokens=parted.tokens, model="local:rules", offline=False)
    assert joined.text == text
    half = co.detokenize(tokens=[97, 0xCE], model="local:rules", offline=False)
    assert half.text == "a\N{REPLACEMENT CHARACTER}"
    for tokens in ([256], [-1]):
        with pytest.raises(BadRequestError):
            co.detokenize(tokens=tokens, model="local:rules", offline=False)
    for text in ("", "a" * 65_537):
        with pytest.raises(BadRequestError):
            co.tokenize(text=text, model="local:rules", offline=False)


def test_what_the_sdk_does_by_itself(co: cohere.Client) -> None:
    """There is no tokenizer to download: the SDK asks the service instead."""
    assert co.tokenize(text="ab", model="local:rules").tokens == [97, 98]
    assert co.detokenize(tokens=[97, 98], model="local:rules").text == "ab"


async def test_async_client(url: str) -> None:
    """The SDK's other client."""
    async with cohere.AsyncClientV2("", base_url=url) as client:
        assert "local:rules" in {model.name for model in (await client.models.list()).models}
        parted = await client.tokenize(text="ab", model="local:rules", offline=False)
        assert parted.tokens == [97, 98]
        assert (await AsyncBaseCohere.check_api_key(client)).valid


def test_every_key_is_valid(co: cohere.Client) -> None:
    """There are none; the SDK hides the call, but has it."""
    assert BaseCohere.check_api_key(co).valid is True
