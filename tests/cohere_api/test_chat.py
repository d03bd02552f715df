"""`/v2/chat` and `/v1/chat`, as the SDK calls them."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import cohere
import httpx
import pytest
from cohere.types import ChatbotMessage, UserMessage
from pydantic import SecretStr

from app.backends.cohere.backend import CohereBackend
from app.backends.rules import RulesBackend
from app.platform.remote_settings import RemoteServer
from app.platform.settings import Settings
from app.prompts.render import to_prompt, to_turns
from app.prompts.tasks import Task
from tests.cohere_api.serving import in_process, plain
from tests.stand_ins.cohere import stand_in

TEXT = "Acute hepatitis and nausea. Hepatitis came back with haloperidol, nausea did not."
SYSTEM, USER = to_turns(TEXT, Task.DISEASES)
PROMPT = to_prompt(TEXT, Task.DISEASES)
LIST = "- Acute hepatitis\n- nausea\n- Hepatitis"
MESSAGES: Any = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": USER}]


def said(co2: cohere.ClientV2, messages: Any, **more: Any) -> str:
    """What the model answers."""
    return text_of(co2.chat(model="local:rules", messages=messages, **more))


def text_of(answer: cohere.V2ChatResponse) -> str:
    """The one item of the answer's content."""
    (item,) = plain(answer)["message"]["content"]
    assert item["type"] == "text"
    text: str = item["text"]
    return text


def test_v2(co2: cohere.ClientV2) -> None:
    """The shape the SDK knows, with everything clients look at."""
    answer = co2.chat(model="local:rules", messages=MESSAGES)
    assert answer.id
    assert answer.finish_reason == "COMPLETE"
    assert answer.message.role == "assistant"
    assert text_of(answer) == LIST
    assert answer.usage is not None
    assert answer.usage.tokens is not None
    assert answer.usage.tokens.input_tokens == 0


def test_v2_finds_the_prompt(co2: cohere.ClientV2) -> None:
    """In one turn or two, in parts, after other turns and beside an instruction of another kind."""
    user = {"role": "user", "content": PROMPT}
    assert said(co2, [user]) == LIST
    assert said(co2, [{"role": "system", "content": "Be brief."}, user]) == LIST
    parts = [{"type": "text", "text": part} for part in (SYSTEM, TEXT, USER[len(TEXT) + 2 :])]
    assert said(co2, [{"role": "user", "content": parts}]) == LIST
    other = to_prompt("Nothing but fever.", Task.DISEASES)
    earlier = [{"role": "user", "content": other}, {"role": "assistant", "content": "- fever"}]
    assert said(co2, [*earlier, user]) == LIST
    assert said(co2, [MESSAGES[0], *earlier, MESSAGES[1]]) == LIST
    called = {"role": "assistant", "tool_calls": [], "tool_plan": "none"}
    assert said(co2, [*earlier[:1], called, user]) == LIST


def test_v2_stream(co2: cohere.ClientV2) -> None:
    """All events in Cohere's order; the text comes item by item."""
    stream = co2.chat_stream(model="local:rules", messages=MESSAGES)
    events = [plain(event) for event in stream]
    deltas = ["content-delta"] * 3
    kinds = ["message-start", "content-start", *deltas, "content-end", "message-end"]
    assert [event["type"] for event in events] == kinds
    texts = [event["delta"]["message"]["content"]["text"] for event in events[2:5]]
    assert texts == ["- Acute hepatitis", "\n- nausea", "\n- Hepatitis"]
    assert events[0]["id"]
    assert events[0]["delta"]["message"]["role"] == "assistant"
    assert events[-1]["delta"]["finish_reason"] == "COMPLETE"
    assert events[-1]["delta"]["usage"]["billed_units"]["output_tokens"] == 0


def test_limits_of_the_answer(co: cohere.Client, co2: cohere.ClientV2) -> None:
    """`max_tokens` and `stop_sequences` end it, and the reason says so, streamed or not."""
    ask: dict[str, Any] = {"model": "local:rules", "messages": MESSAGES}
    assert co2.chat(**ask, max_tokens=3).finish_reason == "MAX_TOKENS"
    assert said(co2, MESSAGES, max_tokens=4) == "- Acute hepatitis\n-"
    assert said(co2, MESSAGES, stop_sequences=["\n"]) == "- Acute hepatitis"
    *_, end = co2.chat_stream(**ask, stop_sequences=["nausea"])
    assert plain(end)["delta"]["finish_reason"] == "STOP_SEQUENCE"
    answer = co.chat(model="local:rules", message=PROMPT, max_tokens=3)
    assert (answer.text, answer.finish_reason) == ("- Acute hepatitis", "MAX_TOKENS")


def test_v1(co: cohere.Client) -> None:
    """A message, with the instruction in it or in the preamble; what was said before is kept."""
    history = [UserMessage(message="Good morning."), ChatbotMessage(message="Good morning.")]
    for more in ({"message": PROMPT}, {"message": USER, "preamble": SYSTEM}):
        answer = co.chat(model="local:rules", chat_history=history, **more)  # type: ignore[arg-type]
        assert (answer.text, answer.finish_reason) == (LIST, "COMPLETE")
        assert answer.generation_id
        turns = [(turn["role"], turn["message"]) for turn in plain(answer)["chat_history"]]
        now = [("USER", more["message"]), ("CHATBOT", LIST)]
        assert turns == [("USER", "Good morning."), ("CHATBOT", "Good morning."), *now]


def test_v1_takes_a_system_turn_for_a_preamble(co: cohere.Client) -> None:
    """As clients write it that came from other APIs."""
    history = [cohere.SystemMessage(message=SYSTEM)]
    assert co.chat(model="local:rules", chat_history=history, message=USER).text == LIST


def test_v1_stream(co: cohere.Client) -> None:
    """Start, items, and an end with the whole answer."""
    stream = co.chat_stream(model="local:rules", message=PROMPT)
    start, *pieces, end = [plain(event) for event in stream]
    assert start["event_type"] == "stream-start"
    assert [piece["event_type"] for piece in pieces] == ["text-generation"] * 3
    assert "".join(piece["text"] for piece in pieces) == LIST
    assert (end["event_type"], end["finish_reason"]) == ("stream-end", "COMPLETE")
    assert end["response"]["text"] == LIST
    assert start["generation_id"] == end["response"]["generation_id"]


async def test_async_clients(url: str) -> None:
    """Both versions, plain and streamed."""
    async with cohere.AsyncClientV2("", base_url=url) as client:
        answer = await client.chat(model="local:rules", messages=MESSAGES)
        assert text_of(answer) == LIST
        stream = client.chat_stream(model="local:rules", messages=MESSAGES)
        assert [event.type async for event in stream][-1] == "message-end"
    async with cohere.AsyncClient("", base_url=url) as v1:
        assert (await v1.chat(model="local:rules", message=PROMPT)).text == LIST
        lines = v1.chat_stream(model="local:rules", message=PROMPT)
        *_, end = [plain(event) async for event in lines]
        assert end["response"]["text"] == LIST


def test_a_tuned_model_chats(co2: cohere.ClientV2, tuned: dict[str, Any]) -> None:
    """By the name that Cohere would give it."""
    answer = co2.chat(model=f"{tuned['id']}-ft", messages=MESSAGES)
    assert "nausea" in text_of(answer)


class Chunks(AsyncIterator[bytes]):
    """A body, byte by byte; after its end it must not be left open."""

    def __init__(self, body: bytes) -> None:
        self._rest = [bytes([byte]) for byte in body]
        self.closed = False

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop(0)

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Passed:
    """An answer of another server."""

    status: int
    headers: Mapping[str, str]
    chunks: Chunks


@dataclass
class CohereServer(RulesBackend):
    """A backend whose server speaks Cohere's API; it answers with what it was sent."""

    seen: list[tuple[str, bytes]] = field(default_factory=list)
    status: int = 200
    answers: list[Chunks] = field(default_factory=list)

    async def forward(self, path: str, body: bytes) -> Passed:
        self.seen.append((path, body))
        self.answers.append(Chunks(body))
        headers = {"content-type": "text/event-stream", "content-length": "1", "retry-after": "7"}
        return Passed(self.status, headers, self.answers[-1])


@pytest.mark.parametrize(
    "path", ["v2/chat", "v1/chat", "v1/generate", "v1/tokenize", "v1/detokenize"]
)
async def test_models_of_cohere_servers_are_passed_on(settings: Settings, path: str) -> None:
    """The request as it was sent, but for the model's name; the answer as it came."""
    server = CohereServer()
    request = {"messages": [{"role": "nobody", "é": None}], "p": 0.1, "temperature": -3, "k": 1}
    async with in_process(settings, vault=server) as client:
        for model in ("vault:rules", "rules"):
            answer = await client.post(f"/{path}", json={"model": model, **request})
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.json() == request | {"model": "rules"}
        sent = [(path, request | {"model": "rules"})] * 2
        assert [(to, json.loads(body)) for to, body in server.seen] == sent
        assert all(answer.closed for answer in server.answers)


async def test_a_real_call_is_passed_on(settings: Settings) -> None:
    """From SDK to server and back, streamed; with the backend's key and not with the caller's."""
    with stand_in(api_key="ours") as server:
        ours = RemoteServer(base_url=server.url, api_key=SecretStr("ours"))
        vault = CohereBackend("vault", ours, timeout=5, attempts=1, poll_seconds=1)
        async with in_process(settings, vault=vault) as client:
            sdk = cohere.AsyncClientV2("theirs", base_url="http://localhost", httpx_client=client)
            stream = sdk.chat_stream(model="command-a-03-2025", messages=MESSAGES)
            *_, end = [plain(event) async for event in stream]
            assert end["delta"]["finish_reason"] == "COMPLETE"
            answer = await sdk.chat(model="vault:command-a-03-2025", messages=MESSAGES)
            assert text_of(answer)
        await vault.close()
        assert server.log[-1].headers["authorization"] == "Bearer ours"
        assert server.log[-1].json()["model"] == "command-a-03-2025"


async def test_a_refusal_of_the_server_is_passed_on(settings: Settings) -> None:
    """Status and body are the server's, and so is when to come again."""
    async with in_process(settings, vault=CohereServer(status=429)) as client:
        answer = await client.post("/v2/chat", json={"model": "vault:rules"})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        answer = await client.post("/v2/chat", content=b'{"model": "rules", "seed": 1e999}')
        assert answer.status_code == 400
        assert "out of range" in answer.json()["message"]


async def test_models_of_cohere_servers_are_described(settings: Settings) -> None:
    """By the bare name too; they chat, and more is not known of them."""
    async with in_process(settings, vault=CohereServer()) as client:
        model = (await client.get("/v1/models/rules")).json()
        assert (model["name"], model["endpoints"]) == ("vault:rules", ["chat"])
        assert model["context_length"] is None


async def test_the_callers_key_stays_here(settings: Settings) -> None:
    """What is passed on is a path and a body; no header of the caller's."""
    server = CohereServer()
    async with in_process(settings, vault=server) as client:
        headers = httpx.Headers({"Authorization": "Bearer caller"})
        await client.post("/v2/chat", json={"model": "rules"}, headers=headers)
    assert server.seen == [("v2/chat", b'{"model": "rules"}')]


async def test_a_client_that_goes_ends_the_call(settings: Settings) -> None:
    """Nothing more is read of the server's answer, and it is not left open."""
    server = CohereServer()
    async with in_process(settings, vault=server) as client:
        api = client._transport.app  # type: ignore[attr-defined]
        body = b'{"model": "rules"}'
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "method": "POST",
            "path": "/v2/chat",
            "headers": [],
            "query_string": b"",
        }

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.body":
                raise OSError

        await api(scope, receive, send)
    (answer,) = server.answers
    assert answer.closed
