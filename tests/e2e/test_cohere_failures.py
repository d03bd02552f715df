"""What clients of the whole service are told when a Cohere server fails, retires things, is away.

One service and one stand-in for all tests; the server of the backend `cohere-away` is down at the
start, and `cohere` itself has no server at all.
"""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.own_service import OwnService, own_service
from tests.e2e.test_cohere_story import lessons
from tests.e2e.test_story import create, finished, wait_for
from tests.stand_ins.cohere import Fault, StandIn, stand_in
from tests.stand_ins.cohere.state import REMOVED

Json = dict[str, Any]
BASE = "cohere-there:command-r-08-2024"
KEY = "a-key-that-nobody-may-see"
# A text as no log and no error may have it; the stand-in's answers find the disease in it.
TEXT = "Zebedee Quux, 41, had glaucoma after aspirin."
ATTEMPTS = 2
TIMEOUT = 3.0
RETIRED = REMOVED.format("command-r7b-12-2024")


@dataclass(frozen=True)
class Scene:
    """The service, the server it calls, and how calls for one that is down were answered."""

    service: OwnService
    server: StandIn
    down: list[httpx.Response]
    port_of_away: int

    @property
    def client(self) -> httpx.Client:
        return self.service.client

    def extract(self, model: str = BASE, **more: Any) -> httpx.Response:
        """An extraction that takes one chat."""
        request = {"model": model, "text": TEXT, "tasks": ["diseases"], **more}
        return self.client.post("/v1/extractions", json=request)

    def models(self) -> dict[str, Json]:
        """The catalogue, by id."""
        answer = self.client.get("/v1/models", params={"limit": 1000})
        return {model["id"]: model for model in answer.json()["items"]}

    def chats(self) -> list[Json]:
        """The chats that the server was asked for."""
        return [request.json() for request in self.server.asked("POST", "/v2/chat")]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    port = free_port()
    with stand_in(api_key=KEY) as server:
        servers = {
            "there": {"base_url": server.url, "api_key": KEY},
            "away": {"base_url": f"http://127.0.0.1:{port}", "api_key": KEY},
        }
        settings = {
            "MEDTUNE_COHERE_SERVERS": json.dumps(servers),
            "MEDTUNE_REMOTE_ATTEMPTS": str(ATTEMPTS),
            "MEDTUNE_REMOTE_TIMEOUT_SECONDS": str(TIMEOUT),
            "MEDTUNE_REMOTE_POLL_SECONDS": "0.1",
            "MEDTUNE_LOG_LEVEL": "DEBUG",
        }
        with own_service(tmp_path_factory.mktemp("failures"), settings) as service:
            request = {"model": "cohere-away:any", "text": TEXT, "tasks": ["diseases"]}
            # Asked first, so that what is left of its pause passes while the others are tested.
            down = [service.client.post("/v1/extractions", json=request) for _ in range(4)]
            yield Scene(service, server, down, port)


@pytest.fixture
def scene(running: Scene) -> Iterator[Scene]:
    """All as at the start, with the circuit closed; afterwards no log has what was sent."""
    running.server.reset()
    running.server.state.seconds_a_step = 0.05
    assert running.extract().status_code == 200
    running.server.log.clear()
    yield running
    log = running.service.log.read_text()
    assert "request" in log
    assert "Quux" not in log
    assert KEY not in log


def refused(answer: httpx.Response, status: int, code: str, backend: str = "cohere-there") -> Json:
    """The problem document, which names the backend and has nothing of what was sent."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: Json = answer.json()
    assert problem["code"] == code, problem
    assert backend in problem["detail"]
    assert problem["hint"]
    assert "Quux" not in answer.text
    assert KEY not in answer.text
    return problem


FAILURES = {
    # name: what the server does, how often it is asked, status and code
    "429": (Fault.too_many(), ATTEMPTS, 503, "backend_unavailable"),
    "500": (Fault.error(500), ATTEMPTS, 502, "backend_failed"),
    "502": (Fault.html(502), ATTEMPTS, 502, "backend_failed"),
    "503": (Fault.error(503), ATTEMPTS, 503, "backend_unavailable"),
    "504": (Fault.error(504), ATTEMPTS, 504, "backend_timeout"),
    "slow": (Fault.slow(TIMEOUT + 0.3), ATTEMPTS, 504, "backend_timeout"),
    "cut off": (Fault.cut(), ATTEMPTS, 503, "backend_unavailable"),
    "cut off once done": (Fault.cut(acts=True), ATTEMPTS, 503, "backend_unavailable"),
    "empty": (Fault.answer(b""), 1, 502, "backend_failed"),
    "without anything": (Fault.answer(b"{}"), 1, 502, "backend_failed"),
    "broken off": (Fault.answer(b'{"message": {"content": [{"ty'), 1, 502, "backend_failed"),
    "HTML": (Fault.html(200), 1, 502, "backend_failed"),
    "400 with the text": (Fault.error(400, f"invalid: {TEXT}"), 1, 502, "backend_failed"),
    "401 with the key": (Fault.error(401, f"invalid token {KEY}"), 1, 502, "backend_failed"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_fails(scene: Scene, failure: str) -> None:
    """It is asked so often and no oftener, the problem says what happened; then all is well."""
    fault, asked, status, code = FAILURES[failure]
    scene.server.faults.add("/v2/chat", fault, times=ATTEMPTS)
    refused(scene.extract(), status, code)
    assert len(scene.chats()) == asked
    scene.server.faults.clear()
    assert scene.extract().status_code == 200


@pytest.mark.parametrize("code", [429, 500, 503])
def test_one_failure_is_nobodys_business(scene: Scene, code: int) -> None:
    """A call that succeeds when it is repeated has succeeded."""
    scene.server.faults.add("/v2/chat", Fault.error(code))
    answer = scene.extract()
    assert answer.status_code == 200
    assert len(scene.chats()) == 2


@pytest.mark.parametrize(("wait", "asked", "told"), [(0.2, ATTEMPTS, "1"), (77, 1, "77")])
def test_retry_after(scene: Scene, wait: float, asked: int, told: str) -> None:
    """A server's `Retry-After` is kept if it is short, and passed on, in whole seconds."""
    scene.server.faults.add("/v2/chat", Fault.too_many(wait), times=ATTEMPTS)
    answer = scene.extract()
    refused(answer, 503, "backend_unavailable")
    assert answer.headers["Retry-After"] == told
    assert len(scene.chats()) == asked


def test_many_texts_and_one_failure(scene: Scene) -> None:
    """Of many texts all are answered, or none: there is no half of an answer."""
    texts = [f"{TEXT} {number}." for number in range(10)]
    request = {"model": BASE, "texts": texts, "tasks": ["diseases"]}
    scene.server.faults.add("/v2/chat", Fault.error(400), skip=6)
    refused(scene.client.post("/v1/extractions", json=request), 502, "backend_failed")
    answer = scene.client.post("/v1/extractions", json=request)
    assert len(answer.json()["items"]) == len(texts)


def test_a_server_that_is_down(running: Scene) -> None:
    """After some calls it is left alone for a moment, and whoever calls is told for how long."""
    for answer in running.down:
        refused(answer, 503, "backend_unavailable", "cohere-away")
    assert "cannot be reached" in running.down[0].json()["detail"]
    assert "left alone" in running.down[-1].json()["detail"]
    assert 1 <= int(running.down[-1].headers["Retry-After"]) <= 10
    assert running.extract().status_code == 200, "one server's failures are not another's"


def test_a_server_that_comes_back(running: Scene) -> None:
    """Once it answers again, so do we, and go on."""
    with stand_in(api_key=KEY, port=running.port_of_away) as server:
        deadline = time.monotonic() + 30
        model = "cohere-away:command-r-08-2024"
        while (answer := running.extract(model)).status_code != 200:
            problem = refused(answer, 503, "backend_unavailable", "cohere-away")
            assert "left alone" in problem["detail"]
            assert time.monotonic() < deadline
            time.sleep(0.25)
        assert len(server.asked("POST", "/v2/chat")) == 1
        assert running.extract(model).status_code == 200


def test_a_retired_base_model(scene: Scene) -> None:
    """It is gone, since when is told, and what to use instead; the catalogue knows it then."""
    model = "cohere-there:command-r7b-12-2024"
    scene.server.state.retired["command-r7b-12-2024"] = RETIRED
    problem = refused(scene.extract(model), 410, "retired")
    assert "2025-09-15" in problem["detail"]
    instead = problem["hint"].rpartition(" ")[2].strip(".")
    assert scene.extract(instead).status_code == 200
    shown = scene.models()[model]
    assert (shown["retired_on"], shown["can_extract"]) == ("2025-09-15", False)
    assert scene.models()[shown["replaced_by"]]["can_extract"]
    before = len(scene.chats())
    assert shown["replaced_by"] in refused(scene.extract(model), 410, "retired")["hint"]
    assert len(scene.chats()) == before


def training_file(client: httpx.Client) -> str:
    location = create(client, "/v1/datasets", files={"file": ("rows.jsonl", lessons())})
    request = {"dataset_id": finished(client, location)["id"]}
    return str(finished(client, create(client, "/v1/training-files", json=request))["id"])


@pytest.fixture(scope="module")
def rows(running: Scene) -> str:
    """A training file."""
    return training_file(running.client)


def test_a_retired_tuned_model(scene: Scene, rows: str) -> None:
    """It says how to train it again, is retired in the catalogue, and its server is left alone."""
    request = {"training_file_id": rows, "backend": "cohere-there"}
    location = create(scene.client, "/v1/fine-tunes", json=request)
    tune = finished(scene.client, location)
    assert scene.extract(tune["model_id"]).status_code == 200
    (remote,) = scene.server.state.fine_tunes.values()
    scene.server.state.retired[remote.model] = REMOVED.format(remote.model)
    again = f"/v1/fine-tunes/{tune['id']}/repeat"
    for name in (tune["model_id"], tune["id"]):
        answer = scene.extract(name)
        problem = refused(answer, 410, "retired", tune["model_id"])
        assert again in problem["hint"]
        assert "2025-09-15" in problem["detail"]
        assert len(scene.chats()) == 2, "the server was asked for what it has retired"
    shown = scene.models()[tune["model_id"]]
    assert (shown["retired_on"], shown["can_extract"]) == ("2025-09-15", False)
    location = create(scene.client, again, json={"backend": "local"})
    assert scene.client.post(f"{location}/cancel").is_success


def test_fine_tuning_is_retired(scene: Scene, rows: str) -> None:
    """Who finds it out fails and says what to do; whoever comes later is refused at once."""
    request = {"training_file_id": rows, "backend": "cohere-there"}
    scene.server.state.fine_tuning_offered = False
    location = create(scene.client, "/v1/fine-tunes", json=request)
    tune = finished(scene.client, location)
    assert tune["status"] == "failed"
    assert tune["error"]["code"] == "capability_unavailable"
    assert f"/v1/fine-tunes/{tune['id']}/repeat" in tune["error"]["message"]
    assert not scene.server.state.datasets

    def known() -> bool:
        backends = scene.client.get("/v1/backends").json()["items"]
        return any(b["name"] == "cohere-there" and not b["can_train"] for b in backends)

    wait_for(known, "nobody knows that it trains no more")
    for path, body in (("/v1/fine-tunes", request), (f"{location}/repeat", {})):
        problem = refused(scene.client.post(path, json=body), 501, "capability_unavailable")
        assert "local" in problem["hint"]
        assert "cohere-finetune" in problem["hint"]
    assert not scene.server.asked("POST", ""), "something was sent in spite of it"
    assert not any(model["can_tune"] for model in scene.models().values())
    assert scene.extract().status_code == 200, "it still chats"


def test_no_server_at_all(scene: Scene, rows: str) -> None:
    """A backend without settings is listed as such, and says which settings it wants."""
    shown = {each["name"]: each for each in scene.client.get("/v1/backends").json()["items"]}
    assert not shown["cohere"]["configured"]
    assert shown["cohere"]["base_models"] == []
    request = {"training_file_id": rows, "backend": "cohere"}
    for answer in (
        scene.extract("cohere:command-r-08-2024"),
        scene.client.post("/v1/fine-tunes", json=request),
    ):
        problem = refused(answer, 503, "backend_unavailable", "backend cohere ")
        assert "MEDTUNE_COHERE_API_KEY" in problem["hint"]
        assert "MEDTUNE_COHERE_BASE_URL" in problem["hint"]
    request["backend"] = "cohere-finetune"
    answer = scene.client.post("/v1/fine-tunes", json=request)
    problem = refused(answer, 503, "backend_unavailable", "cohere-finetune")
    assert "MEDTUNE_COHERE_FINETUNE_URL" in problem["hint"]


def test_an_answer_that_is_cut_off(scene: Scene) -> None:
    """The token limit reaches the server; an answer that ends there comes with a warning."""
    options = {"max_tokens": 1, "mode": "list"}
    answer = scene.extract(options=options)
    assert answer.status_code == 200, answer.text
    assert any("token" in warning for warning in answer.json()["warnings"])
    assert [chat["max_tokens"] for chat in scene.chats()] == [1]


@pytest.mark.parametrize("mode", ["auto", "json", "list"])
def test_how_a_model_is_asked(scene: Scene, mode: str) -> None:
    """Mode and temperature reach the server; all modes read the same from its answers."""
    answer = scene.extract(options={"mode": mode, "temperature": 0.4})
    assert [item["text"] for item in answer.json()["diseases"]] == ["glaucoma"]
    (chat,) = scene.chats()
    assert chat["temperature"] == 0.4
    assert "max_tokens" not in chat
    assert ("response_format" in chat) is (mode != "list")


def test_how_long_it_took(scene: Scene) -> None:
    """The answer and its `Server-Timing` tell the model's part of the time, and the tokens."""
    answer = scene.extract()
    timing = answer.json()["timing"]
    assert 0 < timing["model_ms"] <= timing["total_ms"]
    said = f"total;dur={timing['total_ms']}, model;dur={timing['model_ms']}"
    assert answer.headers["Server-Timing"] == said
    assert min(answer.json()["usage"].values()) > 0
