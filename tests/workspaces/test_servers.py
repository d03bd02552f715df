"""A model that a server has tuned for one workspace is nobody else's, though the server has it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from app.own_service import own_service
from app.platform.making import bare_platform, bring_up_to_date
from app.platform.settings import Settings
from tests.api.conftest import SAMPLE
from tests.stand_ins.cohere import Model, StandIn, stand_in
from tests.workspaces.keys import bearer, new_key

_BASE = "command-r-08-2024"


@dataclass(frozen=True)
class _Served:
    """`model_id` is a model that the server, which calls it `called`, has tuned for us."""

    server: StandIn
    ours: httpx.Client
    theirs: httpx.Client
    model_id: str
    called: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Served]:
    """A service that trains on a server which lists what it has tuned like everything else."""
    folder = tmp_path_factory.mktemp("servers")
    ours, theirs = asyncio.run(_keys(Settings(data_dir=folder, _env_file=None)))
    with stand_in() as server:
        server.state.seconds_a_step = 0.01
        environment = {
            "MEDTUNE_COHERE_BASE_URL": server.url,
            "MEDTUNE_COHERE_API_KEY": "key",
            "MEDTUNE_REMOTE_POLL_SECONDS": "0.05",
        }
        with own_service(folder, environment) as service, _client(service.address, ours) as client:
            model_id = _tuned(client)
        [tune] = server.state.fine_tunes.values()
        server.state.models.append(Model(tune.model))
        with (
            own_service(folder, environment) as service,
            _client(service.address, ours) as of_ours,
            _client(service.address, theirs) as of_theirs,
        ):
            yield _Served(server, of_ours, of_theirs, model_id, tune.model)


async def _keys(settings: Settings) -> tuple[str, str]:
    async with bare_platform(settings) as platform:
        await bring_up_to_date(settings, platform.database)
        return (await new_key(platform, "ours"))[1], (await new_key(platform, "theirs"))[1]


@contextmanager
def _client(address: str, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers=bearer(key), timeout=60) as client:
        yield client


def _done(client: httpx.Client, answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 202, answer.text
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, str] = client.get(answer.headers["Location"]).json()
        if found["status"] in ("ready", "succeeded"):
            return found
        assert found["status"] != "failed", found
        time.sleep(0.05)
    raise TimeoutError


def _tuned(client: httpx.Client) -> str:
    with (SAMPLE / "train.pubtator.txt").open("rb") as file:
        answer = client.post("/v1/datasets", files={"file": file}, data={"split": "train"})
    asked = {"dataset_id": _done(client, answer)["id"], "format": "chat"}
    rows = _done(client, client.post("/v1/training-files", json=asked))
    request = {"training_file_id": rows["id"], "backend": "cohere"}
    return _done(client, client.post("/v1/fine-tunes", json=request))["model_id"]


def test_it_is_reached_by_its_id_and_in_its_workspace_alone(served: _Served) -> None:
    model_id, called = served.model_id, served.called
    ours = served.ours.post("/v1/extractions", json={"model": model_id, "text": "Tremor."})
    assert ours.status_code == 200, ours.text
    before = len(served.server.log)
    for client in (served.theirs, served.ours):
        for name in (f"cohere:{called}", *([model_id] if client is served.theirs else [])):
            asked = {"model": name, "text": "Tremor."}
            for refused in (
                client.post("/v1/extractions", json=asked),
                client.get(f"/v1/models/{name}"),
                client.put("/v1/model-aliases/sly", json={"model": name}),
                client.post("/cohere/v2/chat", json=_chat(name)),
                client.post("/cohere/v2/chat", json=_chat(called)),
                client.get(f"/cohere/v1/models/{called}"),
            ):
                assert refused.status_code == 404, (name, refused.request.url, refused.text)
    assert [each for each in served.server.log[before:] if each.path.endswith("/chat")] == []


def _chat(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Tremor."}]}


def test_no_list_of_base_models_shows_it(served: _Served) -> None:
    """Neither do base models that are not in the catalogue become hard to reach."""
    model_id, called = served.model_id, served.called
    for path in ("/v1/models", "/v1/backends", "/cohere/v1/models", "/models", "/playground"):
        assert called not in served.theirs.get(path).text, path
        assert model_id not in served.theirs.get(path).text, path
        assert _BASE in served.theirs.get(path).text, path
    assert model_id in served.ours.get("/v1/models").text
    asked = {"model": f"cohere:{_BASE}", "text": "Tremor."}
    assert served.theirs.post("/v1/extractions", json=asked).status_code == 200
