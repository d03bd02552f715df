"""A training that is asked for through Cohere's API, and runs on a Cohere server."""

from collections.abc import Iterator
from typing import Any

import cohere
import pytest
from cohere.errors import BadRequestError
from cohere.finetuning import BaseModel, Hyperparameters

from app.own_service import own_service
from tests.cohere_api.finetuned import ROWS, ended, got, launched, message, uploaded
from tests.stand_ins.cohere import StandIn, stand_in

MODEL = "command-r-08-2024"


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with stand_in(api_key="key") as server:
        server.state.seconds_a_step = 0.01
        yield server


@pytest.fixture(scope="module")
def co(server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[cohere.Client]:
    """A client of a service that trains on that server whatever is not said to be elsewhere."""
    settings = {
        "MEDTUNE_COHERE_BASE_URL": server.url,
        "MEDTUNE_COHERE_API_KEY": "key",
        "MEDTUNE_REMOTE_POLL_SECONDS": "0.05",
        "MEDTUNE_COHERE_API_BACKEND": "cohere",
    }
    with (
        own_service(tmp_path_factory.mktemp("elsewhere"), settings) as service,
        cohere.Client("", base_url=f"{service.address}/cohere", max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def dataset_id(co: cohere.Client) -> str:
    return uploaded(co, ROWS)


@pytest.mark.parametrize("name", [MODEL, f"cohere:{MODEL}"])
def test_hyperparameters_and_base_model_are_passed_on(
    co: cohere.Client, server: StandIn, dataset_id: str, name: str
) -> None:
    """What was set is what the server gets."""
    before = len(server.asked("POST", "/v1/finetuning/finetuned-models"))
    model = launched(
        co,
        dataset_id,
        base_model=BaseModel(base_type="BASE_TYPE_CHAT", name=name),
        hyperparameters=Hyperparameters(
            train_epochs=3, lora_target_modules="LORA_TARGET_MODULES_UNSPECIFIED"
        ),
    )
    assert ended(co, str(model.id)).status == "STATUS_READY"
    assert got(co, str(model.id)).settings.base_model.name == name
    [asked] = server.asked("POST", "/v1/finetuning/finetuned-models")[before:]
    settings: dict[str, Any] = asked.json()["settings"]
    assert settings["base_model"]["name"] == MODEL
    assert settings["hyperparameters"]["train_epochs"] == 3
    assert "lora_target_modules" not in settings["hyperparameters"]


def test_a_model_the_server_has_not_is_refused(co: cohere.Client, dataset_id: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        launched(co, dataset_id, base_model=BaseModel(base_type="BASE_TYPE_CHAT", name="command"))
    assert MODEL in message(caught.value)


def test_the_embedded_trainer_can_still_be_named(co: cohere.Client, dataset_id: str) -> None:
    base_model = BaseModel(base_type="BASE_TYPE_GENERATIVE", name="local:")
    model = launched(co, dataset_id, base_model=base_model)
    assert ended(co, str(model.id)).status == "STATUS_READY"
