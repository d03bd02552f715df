"""The stand-in container fails as the original does, over real HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.stand_ins.cohere_finetune import Trainer, serving

CHAT = {"messages": [{"role": "User", "content": "a"}, {"role": "Chatbot", "content": "b"}]}


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    return Trainer(tmp_path)


@pytest.fixture
def http(trainer: Trainer) -> Iterator[httpx.Client]:
    with serving(trainer) as url, httpx.Client(base_url=url) as client:
        yield client


def put(trainer: Trainer, name: str, *content: str) -> None:
    path = trainer.root / "n/input/data/training" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(content))


def chats(count: int, **more: object) -> list[str]:
    made = []
    for number in range(count):
        chat = json.loads(json.dumps(CHAT))
        chat["messages"][0]["content"] = str(number)
        made.append(json.dumps({**chat, **more}) + "\n")
    return made


def train(http: httpx.Client) -> dict[str, str]:
    assert http.post("/finetune", json={"finetune_name": "n"}).status_code == 202
    status: dict[str, str] = http.get("/status").json()
    return status


def test_refusals(http: httpx.Client, trainer: Trainer) -> None:
    """JSON in its own words, HTML where Flask answers."""
    assert http.get("/status").json() == {"status": "idle"}
    refused: list[tuple[str, dict[str, object]]] = [
        ("types", {"use_4bit_quantization": True}),
        ("types", {"colour": "red"}),
        ("types", {"lora_config": {"x": 1}}),
        ("values", {"base_model_name_or_path": "command-r7b-12-2024"}),
        ("values", {"learning_rate": 2}),
    ]
    for what, body in refused:
        answer = http.post("/finetune", json={"finetune_name": "n", **body})
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(f"Invalid hyperparameter {what}: ")
    pages = [
        http.post("/finetune", json={}),
        http.post("/finetune", content="{", headers={"content-type": "application/json"}),
        http.post("/finetune", content="{}"),
        http.get("/finetune"),
    ]
    assert [page.status_code for page in pages] == [500, 400, 415, 405]
    assert all(page.headers["content-type"] == "text/html" for page in pages)


def test_one_at_a_time(http: httpx.Client, trainer: Trainer) -> None:
    """And a restart forgets it."""
    trainer.auto = False
    assert train(http) == {"status": "in progress"}
    answer = http.post("/finetune", json={"finetune_name": "m"})
    assert answer.status_code == 409
    assert answer.json() == {"message": "There is already a finetune in progress"}
    assert http.get("/terminate").json() == {"message": "Server terminated"}
    assert http.get("/status").json() == {"status": "idle"}


def test_missing_files(http: httpx.Client) -> None:
    """Are an error, which the next refusal clears."""
    status = train(http)
    assert status["status"] == "error"
    assert status["message"].startswith("Missing files during dataset creation: ")
    assert http.post("/finetune", json={"finetune_name": "n", "x": 1}).status_code == 400
    assert http.get("/status").json() == {"status": "idle"}


@pytest.mark.parametrize("line", ["{\n", "\n"])
def test_stuck_on_a_bad_line(http: httpx.Client, trainer: Trainer, line: str) -> None:
    """For ever."""
    put(trainer, "a.jsonl", *chats(9), line, *chats(1))
    assert train(http) == {"status": "in progress"}
    trainer.go()
    assert http.post("/finetune", json={"finetune_name": "m"}).status_code == 409


def test_stuck_on_a_name_used_before(http: httpx.Client, trainer: Trainer) -> None:
    """Its own files are in its way."""
    put(trainer, "a.jsonl", *chats(9))
    assert train(http) == {"status": "finished"}
    assert train(http) == {"status": "in progress"}


def test_invalid_and_doubled_chats_are_dropped(http: httpx.Client, trainer: Trainer) -> None:
    """Without a word; too few left are an error."""
    put(trainer, "a.jsonl", *chats(5), *chats(5), *chats(9, id="7"))
    assert train(http) == {"status": "finished"}
    assert trainer.rows == [4, 1]


def test_too_few_chats(http: httpx.Client, trainer: Trainer) -> None:
    """Four of them leave none to evaluate on."""
    put(trainer, "a.jsonl", *chats(4))
    assert train(http)["message"].startswith("Exception during preprocessing: There must be at")


def test_csv_wins(http: httpx.Client, trainer: Trainer) -> None:
    """It is read first, and written beside as chats; hidden files are files, too."""
    put(trainer, ".a.csv", *(f"p{number},c\n" for number in range(10)))
    put(trainer, "a.jsonl", *chats(5))
    assert train(http) == {"status": "finished"}
    assert trainer.rows == [8, 2]
