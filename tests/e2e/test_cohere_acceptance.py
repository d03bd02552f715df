"""A program written for Cohere, on BC5CDR, with the official SDK and another `base_url`."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import cohere
import pytest
from cohere.finetuning import BaseModel, FinetunedModel, Settings

from app.corpora import pubtator
from app.corpora.documents import Document
from app.own_service import OwnService, own_service
from app.prompts.parse import parse_completion
from app.prompts.render import to_prompt
from app.prompts.tasks import Task
from tests.e2e.test_story import create, finished

MEASURED = 40


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    with own_service(tmp_path_factory.mktemp("data")) as running:
        yield running


def disease_instruct_all(service: OwnService, corpus: Path, folder: Path) -> Path:
    """The tutorial's training file: a row for each abstract of train."""
    content = (corpus / "train.pubtator.txt").read_bytes()
    form = {"split": "train"}
    location = create(
        service.client, "/v1/datasets", files={"file": ("train.txt", content)}, data=form
    )
    request = {
        "dataset_id": finished(service.client, location)["id"],
        "tasks": ["diseases"],
        "format": "chat",
    }
    location = create(service.client, "/v1/training-files", json=request)
    finished(service.client, location)
    path = folder / "disease_instruct_all.jsonl"
    path.write_bytes(service.client.get(f"{location}/content").content)
    return path


def f1(answers: list[set[str]], documents: list[Document]) -> float:
    """Of the unique surface strings of each abstract."""
    gold = [
        {m.text for m in each.mentions if m.type == "Disease" and m.start >= each.body_offset}
        for each in documents
    ]
    hits = sum(len(a & g) for a, g in zip(answers, gold, strict=True))
    return 2 * hits / (sum(map(len, answers)) + sum(map(len, gold)))


def test_the_tutorial(service: OwnService, corpus: Path, tmp_path: Path) -> None:
    rows = disease_instruct_all(service, corpus, tmp_path)
    with (corpus / "dev.pubtator.txt").open("rb") as file:
        dev = [document for _, document in pubtator.read(file, lambda _: None)][:MEASURED]
    prompts = [to_prompt(each.text[each.body_offset :], Task.DISEASES) for each in dev]
    address = f"{service.address}/cohere"
    with cohere.Client(api_key="", base_url=address) as co:
        with rows.open("rb") as data:
            made = co.datasets.create(name="diseases", data=data, type="chat-finetune-input")
        dataset = co.wait(made).dataset
        assert dataset.validation_status == "validated"
        assert dataset.dataset_parts is not None
        assert dataset.dataset_parts[0].num_rows == 500
        request = FinetunedModel(
            name="diseases",
            settings=Settings(
                base_model=BaseModel(base_type="BASE_TYPE_CHAT"), dataset_id=dataset.id
            ),
        )
        tuned = co.finetuning.create_finetuned_model(request=request).finetuned_model
        assert tuned is not None
        assert tuned.id is not None
        deadline = time.monotonic() + 600
        while tuned.status not in ("STATUS_READY", "STATUS_FAILED"):
            assert time.monotonic() < deadline
            time.sleep(0.5)
            tuned = co.finetuning.get_finetuned_model(tuned.id).finetuned_model
            assert tuned is not None
        assert tuned.status == "STATUS_READY"
        model = f"{tuned.id}-ft"
        scores = {}
        for name in (model, "local:rules"):
            texts = [
                co.generate(model=name, prompt=each, max_tokens=200, temperature=0.75)
                .generations[0]
                .text
                for each in prompts
            ]
            scores[name] = f1([set(parse_completion(text).items) for text in texts], dev)
        assert scores[model] > 0.72, scores
        assert scores[model] > scores["local:rules"] + 0.1, scores
        told = co.chat(model=model, message=prompts[0]).text
    asyncio.run(the_same_again(address, str(tuned.id), prompts[0], told))


async def the_same_again(address: str, tuned_id: str, prompt: str, told: str) -> None:
    """The asynchronous clients, and the stream, say what the others said."""
    model = f"{tuned_id}-ft"
    async with cohere.AsyncClient(api_key="", base_url=address) as co:
        events = (await co.finetuning.list_events(tuned_id)).events or []
        assert events[0].status == "STATUS_READY"
        metrics = (await co.finetuning.list_training_step_metrics(tuned_id)).step_metrics or []
        assert len(metrics) > 10
        answer = await co.generate(model=model, prompt=prompt, max_tokens=200)
        assert answer.generations[0].text == told
    async with cohere.AsyncClientV2(api_key="", base_url=address) as co2:
        pieces = [
            event.delta.message.content.text
            async for event in co2.chat_stream(
                model=model, messages=[{"role": "user", "content": prompt}]
            )
            if event.type == "content-delta"
        ]
        assert "".join(piece or "" for piece in pieces) == told
