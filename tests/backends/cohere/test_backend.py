"""What the backend asks a Cohere server, and what it makes of the answers; over real HTTP."""

import asyncio
import json
from datetime import date

import pytest

from app.backends.base import BackendError, ExtractOptions
from app.backends.cohere.backend import CohereBackend
from app.prompts.render import to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.backends.cohere.conftest import (
    CHAT,
    DISEASES,
    MODEL,
    TEXT,
    backend_at,
    failing,
    speaking,
)
from tests.stand_ins.cohere import Fault, StandIn, stand_in

ALL = frozenset(Task)


async def test_it_extracts(backend: CohereBackend, server: StandIn) -> None:
    found, none = await backend.extract(MODEL, [TEXT, "Nothing here."], ALL)
    assert [(TEXT[m.start : m.end], m.type) for m in found.mentions] == [
        ("Aspirin", "Chemical"),
        ("glaucoma", "Disease"),
        ("Lithium", "Chemical"),
    ]
    assert [(TEXT[found.mentions[r.chemical].start :][:7]) for r in found.relations] == ["Aspirin"]
    assert found.input_tokens > 0
    assert found.output_tokens > 0
    assert not none.mentions
    assert len(server.asked("POST", CHAT)) == 6


async def test_what_it_sends(backend: CohereBackend, server: StandIn) -> None:
    how = ExtractOptions(temperature=0.5, max_tokens=77)
    await backend.extract(MODEL, [TEXT], DISEASES, how)
    (asked,) = server.asked("POST", CHAT)
    body = asked.json()
    assert asked.headers["authorization"] == "Bearer co-secret-key"
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    assert body["messages"][1]["content"].startswith(TEXT)
    assert (body["model"], body["temperature"], body["max_tokens"]) == (MODEL, 0.5, 77)
    assert body["response_format"]["type"] == "json_object"
    assert body["response_format"]["json_schema"]["required"] == ["diseases"]


async def test_what_is_not_wanted_is_not_sent(backend: CohereBackend, server: StandIn) -> None:
    await backend.extract(MODEL, [TEXT], DISEASES, ExtractOptions(mode="list"))
    (asked,) = server.asked("POST", CHAT)
    assert set(asked.json()) == {"model", "messages", "temperature", "stream"}


async def test_a_model_without_structured_output_is_asked_for_a_list(
    backend: CohereBackend, server: StandIn
) -> None:
    (found,) = await backend.extract("command-light-nightly", [TEXT], DISEASES)
    assert len(found.mentions) == 1
    assert "response_format" not in server.asked("POST", CHAT)[0].json()


async def test_a_tuned_model_is_asked_as_it_was_trained(
    backend: CohereBackend, server: StandIn
) -> None:
    """And by its own name, without a look at the list of models for what it can do."""
    how = ExtractOptions(template=BUILT_IN)
    with pytest.raises(BackendError) as raised:
        await backend.extract("0f1e2d-ft", [TEXT], DISEASES, how)
    assert raised.value.code == "model_not_found"
    (asked,) = server.asked("POST", CHAT)
    assert asked.json()["model"] == "0f1e2d-ft"
    turns = [turn["content"] for turn in asked.json()["messages"]]
    assert tuple(turns) == to_turns(TEXT, Task.DISEASES, BUILT_IN)
    assert not server.asked("GET", "/v1/models")


async def test_a_model_that_reasons_first(backend: CohereBackend) -> None:
    (found,) = await backend.extract("command-a-reasoning-08-2025", [TEXT], DISEASES)
    assert [TEXT[m.start : m.end] for m in found.mentions] == ["glaucoma"]
    assert not found.ungrounded


async def test_an_answer_cut_off_is_said_to_be(backend: CohereBackend, server: StandIn) -> None:
    """Even where it looks whole."""
    server.reply = lambda _system, _user: "- glaucoma\n\n" + " " * 100
    how = ExtractOptions(max_tokens=3, mode="list")
    (found,) = await backend.extract(MODEL, [TEXT], DISEASES, how)
    assert [TEXT[m.start : m.end] for m in found.mentions] == ["glaucoma"]
    assert any("limit" in warning for warning in found.warnings)


@pytest.mark.parametrize("key", ["schema", "json_schema"])
async def test_a_server_that_knows_the_schema_by_one_name(
    backend: CohereBackend, server: StandIn, key: str
) -> None:
    server.schema_key = key  # type: ignore[assignment]
    await backend.extract(MODEL, [TEXT], DISEASES)
    await backend.extract(MODEL, [TEXT], DISEASES)
    keys = [set(r.json()["response_format"]) - {"type"} for r in server.asked("POST", CHAT)]
    assert keys == [{"json_schema"}] * (key == "schema") + [{key}] * 2


async def test_a_server_that_takes_no_schema_at_all(
    backend: CohereBackend, server: StandIn
) -> None:
    refusal = Fault.error(400, "invalid request: response_format is not supported: glaucoma")
    server.faults.add(CHAT, refusal, times=2)
    error = await failing(backend, mode="json")
    assert error.code == "capability_unavailable"
    assert "glaucoma" not in error.message


async def test_a_retired_model(backend: CohereBackend, server: StandIn) -> None:
    error = await failing(backend, "command")
    assert (error.code, error.retired_on) == ("retired", date(2025, 9, 15))
    assert error.hint is not None
    assert "cohere-vault:command-a-03-2025" in error.hint


async def test_a_model_that_is_gone_makes_it_look_at_the_list_again(
    backend: CohereBackend, server: StandIn
) -> None:
    await backend.base_models()
    gone = server.state.models.pop(0).name
    assert (await failing(backend, gone)).code == "model_not_found"
    for _ in range(100):
        await asyncio.sleep(0.01)
        if gone not in [model.name for model in await backend.base_models()]:
            return
    raise AssertionError("it is still listed")


async def test_a_retired_tuned_model_can_be_trained_again(
    backend: CohereBackend, server: StandIn
) -> None:
    server.state.retired["old-ft"] = "model 'old-ft' was removed on May 1 2024."
    with pytest.raises(BackendError) as raised:
        await backend.extract("old-ft", [TEXT], DISEASES, ExtractOptions(template=BUILT_IN))
    assert (raised.value.code, raised.value.retired_on) == ("retired", date(2024, 5, 1))
    assert "/v1/fine-tunes/{id}/repeat" in (raised.value.hint or "")


async def test_a_listed_model_that_has_been_retired_is_shown_so(
    backend: CohereBackend, server: StandIn
) -> None:
    assert len(await backend.base_models()) > 2
    retired = server.state.models.pop(0).name
    server.state.retired[retired] = f"model '{retired}' was removed on May 1 2024."
    assert (await failing(backend, retired)).code == "retired"
    shown = {model.name: model for model in await backend.base_models()}[retired]
    assert (shown.retired_on, shown.can_extract, shown.can_tune) == (date(2024, 5, 1), False, False)
    assert shown.replaced_by == "command-a-reasoning-08-2025"


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v2/"])
async def test_a_private_server_wants_no_key(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one from the environment; and its address may be given with a version."""
    monkeypatch.setenv("CO_API_KEY", "of another server")
    with stand_in() as server:
        backend = backend_at(server.url + path, key=None)
        await backend.extract(MODEL, [TEXT], DISEASES)
        assert server.log
        assert all("authorization" not in request.headers for request in server.log)
        forwarded = await backend.forward("v2/chat", b"{}")
        await forwarded.chunks.aclose()
        assert "authorization" not in server.log[-1].headers
        await backend.close()


async def test_not_configured() -> None:
    backend = backend_at(None, key=None)
    await backend.open()
    assert not backend.configured
    assert await backend.base_models() == ()
    error = await failing(backend)
    assert error.code == "backend_unavailable"
    assert "MEDTUNE_COHERE_API_KEY" in (error.hint or "")
    assert "MEDTUNE_COHERE_BASE_URL" in (error.hint or "")
    await backend.close()


async def test_the_key_is_not_in_what_a_debugger_prints(backend: CohereBackend) -> None:
    await backend.open()
    assert "secret" not in f"{backend!r}{vars(backend)!r}"


async def test_after_close_it_says_so(backend: CohereBackend) -> None:
    await backend.extract(MODEL, [TEXT], DISEASES)
    await backend.close()
    await backend.close()
    assert (await failing(backend)).code == "backend_unavailable"


async def test_first_calls_at_once_open_it_once(backend: CohereBackend, server: StandIn) -> None:
    await asyncio.gather(*(backend.extract(MODEL, [TEXT], DISEASES) for _ in range(20)))
    assert len(server.asked("GET", "/v1/models$")) == 1


async def test_many_texts_are_asked_about_at_once(server: StandIn) -> None:
    server.latency = 0.05
    backend = backend_at(server.url)
    await backend.extract(MODEL, [TEXT] * 100, DISEASES)
    assert 32 <= server.most_at_once <= 70
    await backend.close()


async def test_a_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chats go past the SDK, and so past the client that would know of it."""
    said = {"type": "text", "text": "- glaucoma"}
    body = json.dumps({"finish_reason": "COMPLETE", "message": {"content": [said]}}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    async with speaking([head.encode() + body]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        backend = backend_at("http://cohere.invalid")
        (found,) = await backend.extract(MODEL, [TEXT], DISEASES)
        await backend.close()
    assert [(mention.start, mention.end) for mention in found.mentions] == [(26, 34)]
