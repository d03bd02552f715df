"""An OpenAI-compatible server as a backend, with the real SDK over real HTTP."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.backends.base import BackendError, Examples, ExtractOptions, JobStatus, TrainingJob
from app.backends.openai import OpenAIBackend
from app.platform.remote_settings import RemoteServer
from app.prompts.render import to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.backends.openai.server import MODELS, Fault, Port, Server, completion, open_port

TEXT = "Two patients developed acute hepatitis after isoniazid."
KEY = "sk-very-secret"
DISEASES = frozenset({Task.DISEASES})
TUNED = ExtractOptions(template=BUILT_IN)
SCHEMA_REFUSED = json.dumps({"error": {"message": "response_format is not supported"}})


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with open_port() as port:
        yield port


@pytest.fixture
def server(port: Port) -> Server:
    port.server = Server(port.url)
    return port.server


@pytest.fixture
async def backend(server: Server) -> AsyncIterator[OpenAIBackend]:
    """It tries once."""
    backend = connected(server)
    yield backend
    await backend.close()


def connected(server: Server, *, timeout: float = 10, attempts: int = 1) -> OpenAIBackend:
    remote = RemoteServer(base_url=server.url, api_key=SecretStr(KEY))
    return OpenAIBackend("openai-lab", remote, timeout=timeout, attempts=attempts)


async def failing(
    backend: OpenAIBackend, model: str = "base", options: ExtractOptions = TUNED
) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await backend.extract(model, [TEXT], DISEASES, options)
    error = caught.value
    said = f"{error!r} {error.message} {error.hint} {error.__cause__} {error.__context__}"
    assert KEY not in said
    assert "hepatitis" not in said
    assert "SERVER SAID" not in said
    return error


async def test_a_base_model_is_held_to_a_schema(server: Server, backend: OpenAIBackend) -> None:
    server.says = {
        "diseases": '{"diseases": ["acute hepatitis"]}',
        "chemicals": '{"chemicals": ["isoniazid", "gold"]}',
        "relations": '{"relations": [{"chemical": "isoniazid", "disease": "acute hepatitis"}]}',
    }
    (found,) = await backend.extract(
        "base", [TEXT], frozenset(Task), ExtractOptions(max_tokens=100)
    )
    assert [TEXT[m.start : m.end] for m in found.mentions] == ["acute hepatitis", "isoniazid"]
    assert len(found.relations) == 1
    assert found.ungrounded == ((Task.CHEMICALS, "gold"),)
    assert found.warnings == ()
    assert (found.input_tokens, found.output_tokens) == (21, 9)
    body = next(b for b in server.asked if "diseases:" in b["messages"][1]["content"])
    assert body["model"] == "base"
    assert body["temperature"] == 0.0
    assert body["max_tokens"] == 100
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    form = body["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["name"] == "diseases"
    assert form["json_schema"]["strict"] is True
    assert form["json_schema"]["schema"]["required"] == ["diseases"]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_a_tuned_model_of_any_name_is_asked_as_it_was_trained(
    server: Server, backend: OpenAIBackend
) -> None:
    """Merged weights may be served under a name that the server does not list."""
    server.says = {"diseases": "- acute hepatitis"}
    (found,) = await backend.extract("ft-unlisted", [TEXT], DISEASES, TUNED)
    assert [m.start for m in found.mentions] == [23]
    (body,) = server.asked
    assert body["model"] == "ft-unlisted"
    assert tuple(t["content"] for t in body["messages"]) == to_turns(TEXT, Task.DISEASES)
    assert "response_format" not in body
    assert "max_tokens" not in body


async def test_an_answer_at_the_token_limit_is_cut_off(
    server: Server, backend: OpenAIBackend
) -> None:
    server.says = {"diseases": "- acute hepatitis\n- hepat"}
    server.finish_reason = "length"
    (found,) = await backend.extract("base", [TEXT], DISEASES, TUNED)
    assert len(found.mentions) == 1
    assert len(found.warnings) == 1
    assert "token limit" in found.warnings[0]


@pytest.mark.parametrize(
    ("content", "found_at"),
    [
        ("<think>Is it\n- isoniazid?\n</think>\n\n- acute hepatitis", [23]),
        ("Is it\n- isoniazid?\n</think>\n- acute hepatitis", [23]),
        ("<think>\n- isoniazid", []),
        ("", []),
    ],
)
async def test_what_a_model_thinks_is_not_its_answer(
    server: Server, backend: OpenAIBackend, content: str, found_at: list[int]
) -> None:
    server.says = {"diseases": content}
    (found,) = await backend.extract("base", [TEXT], DISEASES, TUNED)
    assert [m.start for m in found.mentions] == found_at
    assert found.warnings == ()


async def test_a_server_without_schemas_is_asked_without(
    server: Server, backend: OpenAIBackend
) -> None:
    """It is refused once; from then on the question alone says what is wanted."""
    server.fault = Fault(400, SCHEMA_REFUSED, times=1)
    server.says = {"diseases": '```json\n{"diseases": ["acute hepatitis"]}\n```'}
    for _ in range(2):
        (found,) = await backend.extract("base", [TEXT], DISEASES)
        assert len(found.mentions) == 1
    assert ["response_format" in body for body in server.asked] == [True, False, False]


@pytest.mark.parametrize(
    ("status", "said", "code", "retryable"),
    [
        (400, {"message": "SERVER SAID " + TEXT}, "backend_failed", False),
        (400, {"message": "maximum context length is 10 tokens"}, "text_too_long", False),
        (401, {"message": f"SERVER SAID Incorrect key {KEY}"}, "backend_failed", False),
        (404, {"message": "The model `base` does not exist."}, "model_not_found", False),
        (404, {"message": "gone", "code": "model_not_found"}, "model_not_found", False),
        (404, {"message": "Not Found"}, "backend_failed", False),
        (429, {"message": "SERVER SAID slow down"}, "backend_unavailable", True),
        (500, {"message": "SERVER SAID " + TEXT}, "backend_failed", True),
        (503, {"message": "loading"}, "backend_unavailable", True),
        (307, {}, "backend_failed", False),
    ],
)
async def test_refusals_have_codes_and_repeat_nothing_that_was_said(
    server: Server,
    backend: OpenAIBackend,
    status: int,
    said: dict[str, str],
    code: str,
    retryable: bool,
) -> None:
    headers = {"retry-after": "7", "location": server.url + "/chat/completions"}
    server.fault = Fault(status, json.dumps({"error": said}), headers)
    error = await failing(backend)
    assert (error.code, error.retryable) == (code, retryable)
    if status == 429:
        assert error.retry_after == 7
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "null",
        '"yes"',
        '{"choices": []}',
        '{"choices": null}',
        '{"choices": "x"}',
        '{"choices": [null]}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": [1]}}]}',
        json.dumps(completion(None)),
        '{"choices": [{"mess',
        "[" * 100_000,
        "<html>SERVER SAID hello</html>",
    ],
    ids=lambda body: body[:40],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
async def test_an_answer_that_is_none_is_a_failure_of_the_backend(
    server: Server, backend: OpenAIBackend, body: str, content_type: str
) -> None:
    server.fault = Fault(200, body, {"content-type": content_type})
    error = await failing(backend)
    assert (error.code, error.retryable) == ("backend_failed", False)
    assert "cannot be read" in error.message


async def test_a_failure_that_passes_is_not_seen(server: Server) -> None:
    backend = connected(server, attempts=2)
    server.says = {"diseases": "- acute hepatitis"}
    server.fault = Fault(429, "{}", {"retry-after": "0"}, times=1)
    (found,) = await backend.extract("base", [TEXT], DISEASES, TUNED)
    assert len(found.mentions) == 1
    assert len(server.asked) == 2
    await backend.close()


async def test_a_cut_connection_and_a_silent_server(server: Server) -> None:
    backend = connected(server, timeout=1)
    server.fault = Fault(None)
    assert (await failing(backend)).code == "backend_unavailable"
    server.fault = Fault(delay=5)
    assert (await failing(backend)).code == "backend_timeout"
    await backend.close()


async def test_nobody_there() -> None:
    """A port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        backend = OpenAIBackend("openai", RemoteServer(base_url=url), timeout=5, attempts=1)
        error = await failing(backend)
        assert (error.code, error.retryable) == ("backend_unavailable", True)
        assert await backend.base_models() == ()
        await backend.close()


async def test_questions_are_open_together(server: Server, backend: OpenAIBackend) -> None:
    """Over one pool, up to the limit of the codec."""
    server.hold_until = 64
    await backend.extract("base", [TEXT] * 40, frozenset(Task), TUNED)
    assert len(server.asked) == 120
    assert server.most_open == 64


async def test_the_served_models_are_listed_once_a_minute(
    server: Server, backend: OpenAIBackend
) -> None:
    first = await backend.base_models()
    assert tuple(model.name for model in first) == MODELS
    assert all(m.tasks == frozenset(Task) and m.can_extract and not m.can_tune for m in first)
    assert await backend.base_models() == first
    await asyncio.sleep(0.05)  # for a list that is asked for in the background
    assert server.lists == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(500), Fault(200, "<html>"), Fault(200, '{"data": null}'), Fault(200, "[]"), Fault(None)],
    ids=str,
)
async def test_a_list_that_fails_is_empty_and_stops_nothing_else(
    server: Server, backend: OpenAIBackend, fault: Fault
) -> None:
    server.fault = fault
    assert await backend.base_models() == ()
    server.fault = None
    await backend.extract("base", [TEXT], DISEASES, TUNED)


async def test_a_list_that_is_slow_is_not_waited_for(
    server: Server, backend: OpenAIBackend
) -> None:
    server.fault = Fault(200, "", delay=60, times=1)
    async with asyncio.timeout(30):
        assert await backend.base_models() == ()


async def test_nothing_is_trained_here(backend: OpenAIBackend, tmp_path: Path) -> None:
    examples = Examples(tmp_path, tmp_path)
    with pytest.raises(BackendError) as caught:
        await backend.launch(TrainingJob("ft", None, DISEASES, BUILT_IN, {}, examples))
    assert caught.value.code == "capability_unavailable"
    assert (await backend.poll("ft")).status is JobStatus.LOST
    await backend.cancel("ft")
    await backend.forget("ft")
    await backend.delete_model("x")
    assert backend.hyperparameters is None


async def test_without_a_server_it_says_what_to_set() -> None:
    backend = OpenAIBackend("openai", RemoteServer(), timeout=1, attempts=1)
    assert not backend.configured
    assert await backend.base_models() == ()
    error = await failing(backend)
    assert error.code == "backend_unavailable"
    assert "MEDTUNE_OPENAI_BASE_URL" in (error.hint or "")
    await backend.close()


async def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.backends.openai.find_spec", lambda name: None)
    remote = RemoteServer(base_url="http://127.0.0.1:1/v1")
    backend = OpenAIBackend("openai", remote, timeout=1, attempts=1)
    assert not backend.configured
    error = await failing(backend)
    assert "pip install 'medtune[openai]'" in (error.hint or "")
    await backend.close()


async def test_no_text_and_no_key_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any level, and the environment's own keys are not sent either."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    caplog.set_level(logging.DEBUG)
    remote = RemoteServer(base_url=server.url)
    backend = OpenAIBackend("openai", remote, timeout=5, attempts=1)
    await backend.open()
    await backend.extract("base", [TEXT], DISEASES, TUNED)
    await backend.close()
    assert "hepatitis" not in caplog.text
    assert "of-the-environment" not in str(server.headers)
    assert len(server.asked) == 1
    assert KEY not in repr(connected(server))


async def test_after_closing_nothing_is_opened_again(
    server: Server, backend: OpenAIBackend
) -> None:
    await backend.extract("base", [TEXT], DISEASES, TUNED)
    assert await backend.base_models()
    await backend.close()
    assert (await failing(backend)).code == "backend_unavailable"
    assert await backend.base_models() == ()
    assert len(server.asked) == 1
