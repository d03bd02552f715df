"""`parse` undoes `render`, and reads what people and models write in its place."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.corpora.documents import Document
from app.prompts.parse import (
    Answered,
    Asked,
    ChatError,
    parse_chat,
    parse_completion,
    parse_prompt,
    parse_relation,
)
from app.prompts.render import TextChoice, as_listed, render, to_completion, to_prompt, to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.prompts.corpus import documents as corpus_documents
from tests.prompts.strategies import awkward_text, documents

TEXTS: tuple[TextChoice, ...] = ("abstract", "title_and_abstract")


def check_that_parse_undoes_render(document: Document, task: Task, text: TextChoice) -> None:
    start = document.body_offset if text == "abstract" else 0
    asked = Asked(task, document.text[start:], BUILT_IN)
    plain = render(document, task, text=text)
    chat = render(document, task, text=text, row_format="chat")
    assert parse_prompt(plain.row["prompt"]) == asked
    assert parse_completion(plain.row["completion"]) == Answered(plain.items)
    assert parse_chat(chat.row["messages"]) == (asked, plain.row["completion"])


def test_parse_undoes_render_on_the_whole_corpus(corpus: Path) -> None:
    for document in corpus_documents(corpus):
        names = {
            task: set(render(document, task, text="title_and_abstract").items)
            for task in (Task.CHEMICALS, Task.DISEASES)
        }
        for task in Task:
            for text in TEXTS:
                check_that_parse_undoes_render(document, task, text)
        for item in render(document, Task.RELATIONS).items:
            pair = parse_relation(item, names[Task.CHEMICALS], names[Task.DISEASES])
            assert pair is not None
            chemical, disease = pair
            assert item == f"Chemical {chemical} influences disease {disease}"
            assert chemical in names[Task.CHEMICALS]
            assert disease in names[Task.DISEASES]


@settings(max_examples=150, deadline=None)
@given(documents(), st.sampled_from(Task), st.sampled_from(TEXTS))
def test_parse_undoes_render_on_any_document(
    document: Document, task: Task, text: TextChoice
) -> None:
    check_that_parse_undoes_render(document, task, text)


@given(awkward_text, st.sampled_from(Task))
def test_a_prompt_gives_its_text_back_to_the_letter(text: str, task: Task) -> None:
    assert parse_prompt(to_prompt(text, task)) == Asked(task, text, BUILT_IN)


@given(st.lists(awkward_text.map(as_listed).filter(bool)))
def test_a_list_gives_its_items_back_to_the_letter(items: list[str]) -> None:
    assert parse_completion(to_completion(items)) == Answered(tuple(items))


name = awkward_text.map(as_listed).filter(bool) | st.just("a influences disease b")


@given(name, name)
def test_a_relation_gives_its_known_names_back(chemical: str, disease: str) -> None:
    item = f"Chemical {chemical} influences disease {disease}"
    parsed = parse_relation(item, {chemical}, {disease})
    # Two partings can both be of known names only if the names are one within the other.
    assert parsed == (chemical, disease) or parsed in {(disease, chemical)}


def test_the_hardest_relation_is_parted_where_both_names_are_known() -> None:
    item = "Chemical x influences disease a influences disease b influences disease y"
    assert parse_relation(item, {"x influences disease a"}, {"b influences disease y"}) == (
        "x influences disease a",
        "b influences disease y",
    )
    assert parse_relation(item, {"x"}, {"unseen"}) == (
        "x",
        "a influences disease b influences disease y",
    )
    assert parse_relation(item) == ("x", "a influences disease b influences disease y")


@pytest.mark.parametrize(
    "item",
    ["", "aspirin", "Chemical aspirin causes disease asthma", "Chemical  influences disease "],
)
def test_what_is_no_relation_item_is_none(item: str) -> None:
    assert parse_relation(item) is None


def test_a_relation_item_is_known_whatever_the_case_of_its_frame() -> None:
    assert parse_relation("chemical Aspirin Influences Disease asthma") == ("Aspirin", "asthma")


def test_lists_written_by_hand_or_by_a_model_are_read() -> None:
    written = (
        " \n Diseases:\n* ulcer \r\n1. 2-phase fever\n- - x\n\n-gout\n2) rash\n• flu\n3.5 mg\n---"
    )
    assert parse_completion(written) == Answered(
        ("ulcer", "2-phase fever", "- x", "gout", "rash", "flu"), (2, 10, 11)
    )


@pytest.mark.parametrize("empty", ["", "- ", "-", "\n", "- \n- \n"])
def test_an_empty_list_has_no_items(empty: str) -> None:
    assert parse_completion(empty) == Answered(())


def test_unknown_prompts_are_not_recognised() -> None:
    prompt = to_prompt("text", Task.DISEASES)
    assert parse_prompt(prompt.rstrip() + " \n\n") == parse_prompt(prompt)
    assert parse_prompt(prompt.replace("diseases mentioned", "genes mentioned")) is None
    assert parse_prompt(prompt.replace("diseases:", "chemicals:")) is None
    assert parse_prompt("") is None


def test_the_instruction_may_open_the_user_turn() -> None:
    turns = [
        {"role": "User", "content": to_prompt("text", Task.RELATIONS)},
        {"role": "Chatbot", "content": "- "},
    ]
    assert parse_chat(turns) == (Asked(Task.RELATIONS, "text", BUILT_IN), "- ")


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        ["User"],
        [{"role": "User", "content": "x"}],
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x"}],
        [{"role": "Chatbot", "content": "x"}, {"role": "User", "content": "x"}],
        [{"role": "User", "content": None}, {"role": "Chatbot", "content": "x"}],
        [{"role": "User"}, {"role": "Chatbot", "content": "x"}],
        [{"role": ["User"], "content": "x"}, {"role": "Chatbot", "content": "x"}],
    ],
)
def test_other_chats_are_refused(messages: object) -> None:
    with pytest.raises(ChatError):
        parse_chat(messages)


def test_a_chat_with_unknown_words_is_not_recognised() -> None:
    _, user = to_turns("text", Task.DISEASES)
    turns = [
        {"role": "System", "content": "Be kind."},
        {"role": "User", "content": user},
        {"role": "Chatbot", "content": "- gout"},
    ]
    assert parse_chat(turns) == (None, "- gout")
