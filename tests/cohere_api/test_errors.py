"""Errors: in Cohere's shape whatever went wrong, and as the SDK's own exceptions."""

import asyncio
from typing import Any

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError
from cohere.errors import BadRequestError, NotFoundError
from structlog.testing import capture_logs

from app.backends.base import Annotations, BackendError
from app.backends.rules import RulesBackend
from app.own_service import OwnService
from app.platform.settings import Settings
from app.prompts.render import to_prompt, to_turns
from app.prompts.tasks import Task
from tests.cohere_api.serving import in_process

SECRET = "Mrs Example has hepatitis"
PROMPT = to_prompt(SECRET, Task.DISEASES)
# Plain JSON, which the SDK passes on, and not its classes.
USER: Any = [{"role": "user", "content": PROMPT}]
PLAIN: Any = [{"role": "user", "content": SECRET}]


def message(error: ApiError) -> str:
    """What it says; the shape is Cohere's."""
    assert isinstance(error.body, dict)
    assert set(error.body) == {"id", "message"}
    found = error.body["message"]
    assert isinstance(found, str)
    return found


def test_unknown_model(co: cohere.Client, co2: cohere.ClientV2) -> None:
    """Not found, in Cohere's words; what is no name is not repeated."""
    with pytest.raises(NotFoundError) as error:
        co.generate(model="command", prompt=PROMPT)
    assert message(error.value) == (
        "model 'command' not found, make sure the correct model ID was used and that you have "
        "access to the model."
    )
    with pytest.raises(NotFoundError) as error:
        co2.chat(model=SECRET, messages=USER)
    assert message(error.value).startswith("model not found, ")
    with pytest.raises(NotFoundError):
        co.chat(model="a\x00b", message=PROMPT)


def test_streams_are_refused_before_they_begin(co: cohere.Client, co2: cohere.ClientV2) -> None:
    """As the plain calls are."""
    streams = (
        co.generate_stream(model="command", prompt=PROMPT),
        co.chat_stream(model="command", message=PROMPT),
        co2.chat_stream(model="command", messages=USER),
    )
    for stream in streams:
        with pytest.raises(NotFoundError):
            next(iter(stream))


def test_a_prompt_that_asks_for_nothing(co: cohere.Client, co2: cohere.ClientV2) -> None:
    """The error says how to ask, and nothing of what was said."""
    with pytest.raises(BadRequestError) as error:
        co2.chat(model="local:rules", messages=PLAIN)
    instruction, _ = to_turns("", Task.RELATIONS)
    assert instruction in message(error.value)
    assert "List of extracted influences:" in message(error.value)
    assert "Example" not in message(error.value)


def test_a_task_the_model_was_not_trained_for(co: cohere.Client, tuned: dict[str, Any]) -> None:
    """400, and what it was trained for."""
    with pytest.raises(BadRequestError) as error:
        co.generate(model=f"{tuned['id']}-ft", prompt=to_prompt(SECRET, Task.RELATIONS))
    assert "this model lists chemicals, diseases; the prompt asks for another" in message(
        error.value
    )
    assert "influences" not in message(error.value)


def test_what_our_models_cannot(co2: cohere.ClientV2, co: cohere.Client) -> None:
    """Features that would change the answer are refused; others are passed over."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    image = [{"type": "image_url", "image_url": {"url": "http://example.org"}}]
    refused: list[dict[str, Any]] = [
        {"messages": USER, "response_format": {"type": "json_object"}},
        {"messages": USER, "tools": [tool]},
        {"messages": USER, "documents": ["a"]},
        {"messages": [{"role": "user", "content": image}]},
    ]
    for request in refused:
        with pytest.raises(BadRequestError, match="not supported with this model"):
            co2.chat(model="local:rules", **request)
    with pytest.raises(BadRequestError, match="not supported with this model"):
        co.chat(model="local:rules", message=PROMPT, response_format={"type": "json_object"})  # type: ignore[arg-type]
    co2.chat(model="local:rules", messages=USER, seed=1, p=0.5, safety_mode="STRICT", tools=[])


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("v2/chat", b"{", "not valid JSON"),
        ("v2/chat", b'{"model": "\\ud800"}', "not valid JSON"),
        ("v2/chat", b"[" * 100_000, "not valid JSON"),
        ("v2/chat", b'{"model": NaN}', "not valid JSON"),
        ("v2/chat", b"[]", "must be a JSON object"),
        ("v2/chat", b"{}", "model must be the name of a model"),
        ("v2/chat", b'{"model": 1}', "model must be the name of a model"),
        ("v2/chat", b'{"model": ""}', "model must be the name of a model"),
        ("v2/chat", b'{"model": "local:rules"}', "/messages: Field required."),
        ("v2/chat", b'{"model": "local:rules", "messages": []}', "/messages: "),
        ("v2/chat", b'{"model": "local:rules", "messages": "Mrs"}', "/messages: "),
        (
            "v2/chat",
            b'{"model": "local:rules", "messages": [{"role": "Mrs"}]}',
            "/messages/0/role: ",
        ),
        (
            "v2/chat",
            b'{"model": "local:rules", "messages": [{"role": "user", "content": [1]}]}',
            "/messages/0/content/0: ",
        ),
        (
            "v2/chat",
            b'{"model": "local:rules", "messages": [{"role": "assistant", "content": "Mrs"}]}',
            "the last message must be the user's",
        ),
        ("v1/chat", b'{"model": "local:rules"}', "/message: Field required."),
        ("v1/generate", b'{"model": "local:rules"}', "/prompt: Field required."),
        ("v1/generate", b'{"model": "local:rules", "prompt": "", "max_tokens": -1}', "/max_tokens"),
        (
            "v1/generate",
            b'{"model": "local:rules", "prompt": "", "num_generations": 6}',
            "/num_generations: ",
        ),
    ],
)
def test_bad_bodies(served: OwnService, path: str, body: bytes, said: str) -> None:
    """400 and the field's place; never a value."""
    answer = served.client.post(f"/cohere/{path}", content=body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert answer.json()["message"].startswith("invalid request: ")
    assert "Mrs" not in answer.text


def test_other_paths_and_methods(served: OwnService) -> None:
    """404 and 405 in Cohere's shape."""
    for path in ("v1/embed", "v2/rerank", "v1/nothing", "", "v3"):
        answer = served.client.post(f"/cohere/{path}", json={})
        assert (answer.status_code, set(answer.json())) == (404, {"id", "message"})
        assert "docs/migrating-from-cohere.md" in answer.json()["message"]
    answer = served.client.get("/cohere/v2/chat")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["message"] == "method not allowed"


def test_too_large(served: OwnService, co: cohere.Client) -> None:
    """A body beyond the limit is a 413, a text beyond its own a 400."""
    answer = served.client.post("/cohere/v2/chat", content=b" " * (9 << 20))
    assert (answer.status_code, set(answer.json())) == (413, {"id", "message"})
    with pytest.raises(BadRequestError, match="at most 200000"):
        co.generate(model="local:rules", prompt=to_prompt("a" * 200_001, Task.DISEASES))


def test_a_model_in_training(served: OwnService, co: cohere.Client, tuned: dict[str, Any]) -> None:
    """400, since the SDK would repeat a conflict."""
    request = {
        "training_file_id": tuned["training_file_id"],
        "hyperparameters": {"preset": "accurate"},
    }
    running = served.client.post("/v1/fine-tunes", json=request).json()
    with pytest.raises(BadRequestError, match=running["id"]):
        co.generate(model=f"{running['id']}-ft", prompt=PROMPT)
    served.client.post(f"/v1/fine-tunes/{running['id']}/cancel")


async def test_texts_are_not_logged(served: OwnService) -> None:
    """Neither prompts nor what is wrong with them."""
    for prompt in (PROMPT, SECRET):
        body = {"model": "local:rules", "prompt": prompt}
        served.client.post("/cohere/v1/generate", json=body)
    assert "Example" not in served.log.read_text()


class Breaks(RulesBackend):
    """A backend that fails in a way of the test's choice."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def extract(self, *_: object, **__: object) -> list[Annotations]:
        await asyncio.sleep(0)
        raise self._error


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (BackendError("backend_failed", "It failed."), 502, None),
        (BackendError("backend_unavailable", "It is busy.", retry_after=1.5), 503, "2"),
        (BackendError("backend_timeout", "It took too long."), 504, None),
        (BackendError("retired", "It was retired."), 404, None),
        (BackendError("capability_unavailable", "It cannot."), 400, None),
    ],
)
async def test_failures_of_a_backend(
    settings: Settings, error: BackendError, status: int, retry_after: str | None
) -> None:
    """Cohere's status for it, the backend's message, and when to try again."""
    async with in_process(settings, broken=Breaks(error)) as client:
        answer = await generate(client)
    assert answer.status_code == status
    assert error.message in answer.json()["message"]
    assert answer.headers.get("retry-after") == retry_after


async def test_a_bug_of_ours(settings: Settings) -> None:
    """500 in Cohere's shape, once, without its cause; the log has it."""
    async with in_process(settings, broken=Breaks(RuntimeError("the cause"))) as client:
        with capture_logs() as logged:
            answer = await generate(client)
    assert answer.status_code == 500
    assert answer.json()["message"] == "internal server error"
    assert answer.headers["x-request-id"]
    assert [entry["event"] for entry in logged] == ["request_broke", "request"]
    assert logged[0]["exc_info"]


async def generate(client: httpx.AsyncClient) -> httpx.Response:
    """An answer of the broken backend."""
    return await client.post("/v1/generate", json={"model": "broken:rules", "prompt": PROMPT})
