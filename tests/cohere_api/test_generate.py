"""`/v1/generate`, as the SDK calls it, and the lists that are generated."""

import json
from collections.abc import Sequence
from typing import Any

import cohere
import httpx
import pytest

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BaseModelInfo,
    ExtractOptions,
    FoundMention,
    FoundRelation,
)
from app.backends.rules import RulesBackend
from app.cohere_api.cutting import Cut
from app.corpora import pubtator
from app.corpora.documents import Document
from app.corpora.problems import Problem
from app.own_service import OwnService
from app.platform.settings import Settings
from app.prompts.parse import parse_completion
from app.prompts.render import render, to_prompt
from app.prompts.tasks import Task
from tests.cohere_api.serving import SAMPLE, in_process, plain

TEXT = "Acute hepatitis and nausea. Hepatitis came back with haloperidol, nausea did not."
PROMPT = to_prompt(TEXT, Task.DISEASES)
LIST = "- Acute hepatitis\n- nausea\n- Hepatitis"


def test_the_old_call_works(co: cohere.Client) -> None:
    """Unique names in order of first mention, as spelled, in the shape the SDK knows."""
    answer = co.generate(model="local:rules", prompt=PROMPT, max_tokens=200, temperature=0.75)
    assert answer.generations[0].text == LIST
    assert answer.prompt == PROMPT
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.output_tokens == 0


def test_a_tuned_model_answers_by_all_its_names(
    co: cohere.Client, served: OwnService, tuned: dict[str, Any]
) -> None:
    """`<id>-ft`, the fine-tune, the model, an alias: the same list, which is the extraction's."""
    served.client.put("/v1/model-aliases/production", json={"model": tuned["model_id"]})
    request = {"model": tuned["id"], "text": TEXT, "tasks": ["diseases"]}
    found = served.client.post("/v1/extractions", json=request).json()["diseases"]
    names = (f"{tuned['id']}-ft", tuned["id"], tuned["model_id"], "production")
    answers = {co.generate(model=name, prompt=PROMPT).generations[0].text for name in names}
    assert len(answers) == 1
    assert list(parse_completion(answers.pop()).items) == [item["text"] for item in found] != []


def test_stream(co: cohere.Client) -> None:
    """The list comes item by item, then once more as a whole."""
    stream = co.generate_stream(model="local:rules", prompt=PROMPT)
    *pieces, end = [plain(event) for event in stream]
    texts = [piece["text"] for piece in pieces]
    assert texts == ["- Acute hepatitis", "\n- nausea", "\n- Hepatitis"]
    assert (end["is_finished"], end["finish_reason"]) == (True, "COMPLETE")
    assert end["response"]["generations"][0]["text"] == LIST


async def test_async_client(url: str) -> None:
    """The SDK's other client, plain and streamed."""
    async with cohere.AsyncClient("", base_url=url) as client:
        answer = await client.generate(model="local:rules", prompt=PROMPT)
        assert answer.generations[0].text == LIST
        stream = client.generate_stream(model="local:rules", prompt=PROMPT)
        events = [plain(event) async for event in stream]
        assert "".join(event["text"] for event in events[:-1]) == LIST


def test_several_generations(co: cohere.Client) -> None:
    """As many as asked for, each with its number, in the stream too."""
    answer = co.generate(model="local:rules", prompt=PROMPT, num_generations=3)
    assert [(g.index, g.text) for g in answer.generations] == [(n, LIST) for n in range(3)]
    stream = co.generate_stream(model="local:rules", prompt=PROMPT, num_generations=2)
    pieces = [plain(event) for event in stream][:-1]
    said = ["".join(p["text"] for p in pieces if p["index"] == index) for index in range(2)]
    assert said == [LIST, LIST]


def test_both_kinds_of_sequences_end_the_text(co: cohere.Client) -> None:
    """An end sequence is left out, a stop sequence is kept; a limit of tokens cuts before both."""
    ask: dict[str, Any] = {"model": "local:rules", "prompt": PROMPT}
    assert co.generate(**ask, end_sequences=["\n"]).generations[0].text == "- Acute hepatitis"
    assert co.generate(**ask, stop_sequences=["nausea"]).generations[0].text == LIST[:26]
    cut = co.generate(**ask, stop_sequences=["nausea"], max_tokens=2).generations[0]
    assert (cut.text, plain(cut)["finish_reason"]) == ("- Acute", "MAX_TOKENS")


@pytest.mark.parametrize(
    ("cut", "text", "expected"),
    [
        (Cut(), "- a b", ("- a b", "COMPLETE")),
        (Cut(3), "- a b", ("- a b", "COMPLETE")),
        (Cut(2), "- a b", ("- a", "MAX_TOKENS")),
        (Cut(0), "- a", ("", "MAX_TOKENS")),
        (Cut(1), "- ", ("-", "MAX_TOKENS")),
        (Cut(2), "- ", ("- ", "COMPLETE")),
        (Cut(2), "-  5-HT", ("-  5", "MAX_TOKENS")),
        (Cut(before=["b", "a"]), "- a b", ("- ", "STOP_SEQUENCE")),
        (Cut(after=["b", "a"]), "- a b", ("- a", "STOP_SEQUENCE")),
        (Cut(before=["a b"], after=["a"]), "- a b", ("- a", "STOP_SEQUENCE")),
        (Cut(before=["x", ""]), "- a", ("- a", "COMPLETE")),
        (Cut(2, before=["b"]), "- a b", ("- a", "MAX_TOKENS")),
    ],
)
def test_cut(cut: Cut, text: str, expected: tuple[str, str]) -> None:
    """What is complete first ends the text."""
    assert cut.of(text) == expected


class Perfect(RulesBackend):
    """A backend that finds in each text just what its document has."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = {body(document): document for document in documents}

    async def base_models(self) -> Sequence[BaseModelInfo]:
        return [BaseModelInfo("perfect", "Knows it all.", frozenset(Task))]

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        return [annotations(self._documents[text]) for text in texts]


def body(document: Document) -> str:
    return document.text[document.body_offset :]


def annotations(document: Document) -> Annotations:
    start = document.body_offset
    mentions = [m for m in document.mentions if m.start >= start]
    first = {i: n for n, m in reversed([*enumerate(mentions)]) for i in m.identifiers}
    return Annotations(
        mentions=tuple(FoundMention(m.start - start, m.end - start, m.type) for m in mentions),
        relations=tuple(
            FoundRelation(first[r.chemical], first[r.disease])
            for r in document.relations
            if r.chemical in first and r.disease in first
        ),
    )


async def test_lists_are_completions_of_a_training_file(settings: Settings) -> None:
    """A model that makes no mistake answers each prompt of the sample to the letter."""
    problems: list[Problem] = []
    with (SAMPLE / "train.pubtator.txt").open("rb") as corpus:
        documents = [document for _, document in pubtator.read(corpus, problems.append)]
    assert not problems
    async with in_process(settings, gold=Perfect(documents)) as client:
        for document in documents[:30]:
            for task in Task:
                row = render(document, task).row
                answer = await ask(client, model="gold:perfect", prompt=row["prompt"])
                assert answer["generations"][0]["text"] == row["completion"]


async def test_line_breaks_in_names_and_streams(settings: Settings) -> None:
    """A name over two lines is one item; what Unicode calls a line end does not end one here."""
    text = "acute\nhepatitis, acute hepatitis, hepa\u2028titis"
    spans = [(0, 15), (17, 32), (34, 44)]
    found = Annotations(mentions=tuple(FoundMention(s, e, "Disease") for s, e in spans))

    class Finds(RulesBackend):
        async def extract(self, *_: object, **__: object) -> list[Annotations]:
            return [found]

    request = {"model": "fixed:rules", "prompt": to_prompt(text, Task.DISEASES), "stream": True}
    async with in_process(settings, fixed=Finds()) as client:
        lines = (await client.post("/v1/generate", json=request)).text.splitlines()
    texts = [json.loads(line).get("text") for line in lines]
    assert texts == ["- acute hepatitis", "\n- hepa\u2028titis", None]


async def ask(client: httpx.AsyncClient, **request: Any) -> dict[str, Any]:
    answer = await client.post("/v1/generate", json=request)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
