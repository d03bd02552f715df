"""The stand-in speaks Cohere's protocol: the real SDK gets on with it."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError
from cohere.finetuning.finetuning import BaseModel, FinetunedModel, Settings

from app.prompts.render import to_row, to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.stand_ins.cohere import Fault, StandIn, stand_in

_TEXT = "Lithium caused glaucoma and Foo disease."
_SCHEMA = {
    "type": "object",
    "properties": {"names": {"type": "array", "items": {"type": "string"}}},
    "required": ["names"],
}


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(api_key="secret") as running:
        yield running


@pytest.fixture
async def sdk(server: StandIn) -> AsyncIterator[cohere.AsyncClientV2]:
    async with httpx.AsyncClient() as http:
        yield cohere.AsyncClientV2(
            api_key="secret", base_url=server.url, httpx_client=http, max_retries=0
        )


def _messages(task: Task) -> list[Any]:
    system, user = to_turns(_TEXT, task, BUILT_IN)
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _jsonl(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _rows() -> bytes:
    return _jsonl(
        to_row(_TEXT, Task.DISEASES, ["glaucoma", "Foo disease"], "chat", BUILT_IN),
        to_row(_TEXT, Task.CHEMICALS, ["Lithium"], "chat", BUILT_IN),
    )


async def _chat(sdk: cohere.AsyncClientV2, task: Task, model: str, **options: Any) -> str:
    reply = await sdk.chat(model=model, messages=_messages(task), **options)
    assert reply.message.content
    return "".join(item.text for item in reply.message.content if item.type == "text")


async def _tuned(server: StandIn, sdk: cohere.AsyncClientV2) -> str:
    created = await sdk.datasets.create(
        name="medtune-x", type="chat-finetune-input", data=("rows.jsonl", _rows())
    )
    assert created.id
    while (got := await sdk.datasets.get(created.id)).dataset.validation_status != "validated":
        assert got.dataset.validation_status in ("queued", "processing")
    base = BaseModel(base_type="BASE_TYPE_CHAT")
    request = FinetunedModel(name="x", settings=Settings(base_model=base, dataset_id=created.id))
    tune = (await sdk.finetuning.create_finetuned_model(request=request)).finetuned_model
    assert tune
    assert tune.id
    seen: list[str | None] = []
    while not seen or seen[-1] != "STATUS_READY":
        looked = (await sdk.finetuning.get_finetuned_model(tune.id)).finetuned_model
        assert looked
        seen.append(looked.status)
    assert seen == ["STATUS_FINETUNING", "STATUS_DEPLOYING_API", "STATUS_READY"]
    return str(tune.id)


async def test_base_model_answers_lists_and_json(sdk: cohere.AsyncClientV2) -> None:
    """The base model finds the names it knows, in either form, and relates those of a sentence."""
    base = "command-a-03-2025"
    assert await _chat(sdk, Task.DISEASES, base) == "- glaucoma"
    relations = await _chat(sdk, Task.RELATIONS, base)
    assert relations == "- Chemical Lithium influences disease glaucoma"
    wanted = {"type": "json_object", "json_schema": _SCHEMA}
    answer = await _chat(sdk, Task.DISEASES, base, response_format=wanted)
    assert json.loads(answer) == {"names": ["glaucoma"]}


async def test_tuned_model_knows_more(server: StandIn, sdk: cohere.AsyncClientV2) -> None:
    """A model tuned on rows finds their names; its events and metrics can be read in pages."""
    tuned = await _tuned(server, sdk)
    assert await _chat(sdk, Task.DISEASES, f"{tuned}-ft") == "- glaucoma\n- Foo disease"
    events = await sdk.finetuning.list_events(tuned, page_size=3)
    assert events.events is not None
    assert events.events[0].status == "STATUS_READY"
    assert events.next_page_token
    metrics = await sdk.finetuning.list_training_step_metrics(tuned)
    assert metrics.step_metrics
    assert [step.step_number for step in metrics.step_metrics] == [None, 1, 2]
    models = await sdk.models.list(endpoint="chat")
    assert [m.name for m in models.models if m.finetuned] == [f"{tuned}-ft"]


async def test_streaming(sdk: cohere.AsyncClientV2) -> None:
    """A streamed answer is the same as a whole one."""
    stream = sdk.chat_stream(model="command-a-03-2025", messages=_messages(Task.DISEASES))
    kinds, text = [], ""
    async for event in stream:
        kinds.append(event.type)
        if event.type == "content-delta":
            assert event.delta
            assert event.delta.message
            assert event.delta.message.content
            text += event.delta.message.content.text or ""
    assert text == "- glaucoma"
    assert (kinds[0], kinds[-1]) == ("message-start", "message-end")


async def test_validation_names_the_problem(server: StandIn, sdk: cohere.AsyncClientV2) -> None:
    """Malformed rows fail the validation, and only the first problem is the error."""
    bad = _jsonl({"messages": [{"role": "User", "content": "x"}]}, {"prompt": "x"})
    created = await sdk.datasets.create(
        name="bad", type="chat-finetune-input", data=("rows.jsonl", bad)
    )
    server.state.datasets[str(created.id)].looks = 9
    dataset = (await sdk.datasets.get(str(created.id))).dataset
    assert dataset.validation_status == "failed"
    assert "not enough valid" in str(dataset.validation_error)
    assert dataset.validation_warnings == [
        "missing Chatbot in train example 1",
        "malformed conversation in train example 2",
        "no evaluation data was given; 20% of the data is split off for it",
    ]


async def test_refusals(server: StandIn, sdk: cohere.AsyncClientV2) -> None:
    """Retired and unknown models, a wrong schema, a wrong key: each has its status."""
    for model, words in (("command", "was removed on September 15, 2025"), ("no", "not found")):
        with pytest.raises(ApiError) as caught:
            await _chat(sdk, Task.DISEASES, model)
        assert (caught.value.status_code, words in str(caught.value.body)) == (404, True)
    wanted = {"type": "json_object", "json_schema": {"type": "object"}}
    with pytest.raises(ApiError) as caught:
        await _chat(sdk, Task.DISEASES, "command-a-03-2025", response_format=wanted)
    assert caught.value.status_code == 400
    server.api_key = "another"
    with pytest.raises(ApiError) as caught:
        await sdk.models.list()
    assert caught.value.status_code == 401


async def test_faults(server: StandIn, sdk: cohere.AsyncClientV2) -> None:
    """Faults strike in order, so often as asked for, and act or do not act as planned."""
    server.faults.add("/v1/models", Fault.too_many(retry_after=3))
    with pytest.raises(ApiError) as caught:
        await sdk.models.list()
    assert caught.value.headers
    assert (caught.value.status_code, caught.value.headers["retry-after"]) == (429, "3")
    server.faults.add("/v1/datasets", Fault.cut(acts=True))
    server.faults.add("/v1/datasets", Fault.cut())
    for kept in (1, 1):
        with pytest.raises(httpx.TransportError):
            await sdk.datasets.create(
                name="x", type="chat-finetune-input", data=("rows.jsonl", _rows())
            )
        assert len(server.state.datasets) == kept
    assert not server.faults
    assert (await sdk.models.list()).models


async def test_hooks_see_both_moments(server: StandIn, sdk: cohere.AsyncClientV2) -> None:
    """A hook is called before the request is done and once it is, before the answer."""
    moments = []
    server.on_request(lambda when, request: moments.append((when, request.path)))
    await sdk.models.list()
    assert moments == [("before", "/v1/models"), ("after", "/v1/models")]
