"""Texts become questions, answers become annotations; a failure is raised as it is."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import app.corpora
from app.backends.base import Annotations, BackendError, ExtractOptions, FoundMention, Mode
from app.backends.generation import Complete, Question, Reply, annotate
from app.corpora.pubtator import read
from app.prompts.render import render, to_completion, to_turns
from app.prompts.tasks import MENTION_TASKS, Task
from app.prompts.templates import BUILT_IN

SAMPLE = Path(app.corpora.__file__).parent / "sample"
TUNED = ExtractOptions(template=BUILT_IN)
ALL = frozenset(Task)
TEXT = (
    "Two patients developed acute hepatitis after isoniazid. Rifampicin was given as well. "
    "Isoniazid was stopped, and the acute hepatitis resolved."
)


def answering(answers: Mapping[Task, str]) -> Complete:
    async def complete(question: Question) -> Reply:
        return Reply(answers[question.task], input_tokens=10, output_tokens=2)

    return complete


async def ask_about(
    text: str, answers: Mapping[Task, str], options: ExtractOptions = TUNED, json_mode: bool = False
) -> Annotations:
    (found,) = await annotate(
        [text],
        frozenset(answers),
        options,
        json_mode=json_mode,
        complete=answering(answers),
    )
    return found


def surfaces(text: str, mentions: tuple[FoundMention, ...], task: Task) -> tuple[str, ...]:
    found = (text[m.start : m.end] for m in mentions if m.type == MENTION_TASKS[task])
    return tuple(dict.fromkeys(found))


@pytest.mark.parametrize("split", ["train", "dev"])
@pytest.mark.parametrize("choice", ["abstract", "title_and_abstract"])
async def test_gold_answers_give_back_the_gold_surfaces_and_relations(
    split: str, choice: str
) -> None:
    """What a perfect tuned model says about the sample is understood to the letter."""
    seen = 0
    with (SAMPLE / f"{split}.pubtator.txt").open("rb") as stream:
        documents = [document for _, document in read(stream, lambda problem: None)]
    for document in documents:
        start = document.body_offset if choice == "abstract" else 0
        text = document.text[start:]
        gold = {
            task: render(document, task, text=choice).items  # type: ignore[arg-type]
            for task in Task
        }
        found = await ask_about(text, {task: to_completion(items) for task, items in gold.items()})
        assert found.ungrounded == ()
        assert found.warnings == ()
        for task in MENTION_TASKS:
            exact = tuple(m for m in found.mentions if m.match == "exact")
            assert set(surfaces(text, exact, task)) == set(gold[task])
            # Elsewhere in the text the same name may open a sentence, as part of another.
            spelt = {name.casefold() for name in gold[task]}
            assert {n.casefold() for n in surfaces(text, found.mentions, task)} == spelt
        named = [
            BUILT_IN.relation_item.format(
                chemical=text[found.mentions[r.chemical].start : found.mentions[r.chemical].end],
                disease=text[found.mentions[r.disease].start : found.mentions[r.disease].end],
            )
            for r in found.relations
        ]
        assert tuple(named) == gold[Task.RELATIONS]
        seen += len(named)
    assert seen > 50


async def test_a_tuned_model_is_asked_in_the_words_it_was_trained_with() -> None:
    asked: list[Question] = []

    async def complete(question: Question) -> Reply:
        asked.append(question)
        return Reply("- ")

    await annotate([TEXT], ALL, TUNED, json_mode=True, complete=complete)
    assert {q.task: (q.system, q.user, q.schema) for q in asked} == {
        task: (*to_turns(TEXT, task), None) for task in Task
    }


@pytest.mark.parametrize(
    ("mode", "can", "json_asked"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("list", True, False),
        ("json", False, True),
    ],
)
async def test_a_base_model_is_told_the_form_of_the_mode(
    mode: Mode, can: bool, json_asked: bool
) -> None:
    asked: list[Question] = []

    async def complete(question: Question) -> Reply:
        asked.append(question)
        return Reply("{}")

    await annotate([TEXT], ALL, ExtractOptions(mode=mode), json_mode=can, complete=complete)
    assert len(asked) == 3
    for question in asked:
        assert (question.schema is not None) is json_asked
        assert ("JSON" in question.system) is json_asked
        assert TEXT in question.user
        assert question.system.startswith(BUILT_IN.wording(question.task).instruction)


async def test_schemas_keep_to_what_structured_output_takes() -> None:
    """Objects on top and required properties in each, no limits: the subset of Cohere's guide."""

    async def complete(question: Question) -> Reply:
        assert question.schema is not None
        check(question.schema)
        return Reply("{}")

    def check(schema: Mapping[str, object]) -> None:
        allowed = {"type", "properties", "required", "additionalProperties", "items"}
        assert schema.keys() <= allowed
        if schema["type"] == "object":
            assert isinstance(schema["properties"], dict)
            assert schema["required"] == list(schema["properties"])
            for inner in schema["properties"].values():
                check(inner)
        elif schema["type"] == "array":
            assert isinstance(schema["items"], dict)
            check(schema["items"])

    await annotate([TEXT], ALL, ExtractOptions(), json_mode=True, complete=complete)


async def test_json_of_a_tuned_model_is_warned_about_and_not_asked_for() -> None:
    options = ExtractOptions(template=BUILT_IN, mode="json")
    found = await ask_about(TEXT, {Task.CHEMICALS: "- isoniazid"}, options, json_mode=True)
    assert found.warnings == ("the model was tuned to answer with lists: json was not asked for",)
    assert surfaces(TEXT, found.mentions, Task.CHEMICALS) == ("isoniazid", "Isoniazid")


async def test_json_and_lists_that_say_the_same_mean_the_same() -> None:
    listed = {
        Task.DISEASES: "- acute hepatitis\n- gout",
        Task.CHEMICALS: "- isoniazid",
        Task.RELATIONS: "- Chemical isoniazid influences disease acute hepatitis",
    }
    written = {
        Task.DISEASES: json.dumps({"diseases": ["acute hepatitis", "gout"]}),
        Task.CHEMICALS: json.dumps({"chemicals": ["isoniazid"]}),
        Task.RELATIONS: json.dumps(
            {"relations": [{"chemical": "isoniazid", "disease": "acute hepatitis"}]}
        ),
    }
    base = ExtractOptions()
    found = await ask_about(TEXT, listed, base)
    assert found == await ask_about(TEXT, written, base, json_mode=True)
    assert found.ungrounded == ((Task.DISEASES, "gout"),)
    assert len(found.relations) == 1
    assert found.input_tokens == 30
    assert found.output_tokens == 6


async def test_all_questions_are_open_at_once_up_to_the_limit() -> None:
    open_now = most = 0

    async def complete(question: Question) -> Reply:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.001)
        open_now -= 1
        return Reply("- ")

    await annotate([TEXT] * 4, ALL, TUNED, json_mode=False, complete=complete)
    assert most == 12
    most = 0
    await annotate([TEXT] * 4, ALL, TUNED, json_mode=False, complete=complete, at_once=5)
    assert most == 5


async def test_annotations_are_in_the_order_of_the_texts() -> None:
    """The first text is answered last."""
    names = ["gout", "anuria", "ataxia"]

    async def complete(question: Question) -> Reply:
        index = next(i for i, name in enumerate(names) if name in question.user)
        await asyncio.sleep(0.02 * (len(names) - index))
        return Reply(f"- {names[index]}")

    found = await annotate(
        names, frozenset({Task.DISEASES}), TUNED, json_mode=False, complete=complete
    )
    assert [m.mentions[0].end for m in found] == [4, 6, 6]
    assert all(m.ungrounded == () for m in found)


async def test_the_first_failure_ends_the_others_and_is_raised_itself() -> None:
    ended = []

    async def complete(question: Question) -> Reply:
        if question.task is Task.CHEMICALS:
            await asyncio.sleep(0)
            raise BackendError("backend_unavailable", "no")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(question.task)
        raise AssertionError

    with pytest.raises(BackendError) as caught:
        await annotate([TEXT] * 2, ALL, TUNED, json_mode=False, complete=complete)
    assert caught.value.code == "backend_unavailable"
    assert len(ended) == 4


async def test_cancelling_cancels_what_is_open() -> None:
    started = asyncio.Event()
    ended = []

    async def complete(question: Question) -> Reply:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(question.task)
        raise AssertionError

    running = asyncio.create_task(annotate([TEXT], ALL, TUNED, json_mode=False, complete=complete))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len(ended) == 3


async def test_nothing_is_asked_about_a_text_without_words() -> None:
    async def complete(question: Question) -> Reply:
        raise AssertionError

    found = await annotate(["", " \n"], ALL, TUNED, json_mode=False, complete=complete)
    assert found == [Annotations(), Annotations()]
