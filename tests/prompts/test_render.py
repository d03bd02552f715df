"""Rows are what the recipe says, byte for byte, and say what they could not carry."""

import json
from pathlib import Path

from app.corpora.documents import Document, Mention, MentionType, Passage, Relation
from app.prompts.render import TextChoice, render, to_line
from app.prompts.tasks import Task
from tests.prompts.corpus import documents

TITLE = "Kidney injury by gentamicin."
ABSTRACT = "Gentamicin caused AKI. AKI and gentamicin (GM): kidney and ear damage."


def mention(text: str, kind: MentionType, *identifiers: str, nth: int = 0) -> Mention:
    whole = f"{TITLE} {ABSTRACT}"
    start = -1
    for _ in range(nth + 1):
        start = whole.index(text, start + 1)
    return Mention(start, start + len(text), text, kind, identifiers)


DOCUMENT = Document(
    id="1",
    passages=(Passage("title", 0, TITLE), Passage("abstract", len(TITLE) + 1, ABSTRACT)),
    mentions=(
        # Out of order on purpose: the order of mention counts, not that of annotation.
        mention("GM", "Chemical", "MESH:C1"),
        mention("Kidney injury", "Disease", "MESH:D1"),
        mention("gentamicin", "Chemical", "MESH:C1"),
        mention("AKI", "Disease", "MESH:D1", nth=1),
        mention("AKI", "Disease", "MESH:D1"),
        mention("Gentamicin", "Chemical", "MESH:C1"),
        mention("gentamicin", "Chemical", "MESH:C1", nth=1),
        mention("kidney and ear damage", "Disease", "MESH:D1", "MESH:D2"),
    ),
    relations=(
        Relation("MESH:C1", "MESH:D2"),
        Relation("MESH:C1", "MESH:D1"),
        Relation("MESH:C1", "MESH:D2"),
        Relation("MESH:C1", "MESH:D9"),
        Relation("MESH:C9", "MESH:D1"),
        Relation("MESH:C9", "MESH:D9"),
    ),
)


def completion(task: Task, text: TextChoice = "abstract", document: Document = DOCUMENT) -> str:
    return str(render(document, task, text=text).row["completion"])


def test_diseases_of_the_real_corpus_are_the_expected_bytes(corpus: Path) -> None:
    expected = ""
    for entry in json.loads((corpus / "bc5cdr.json").read_bytes()):
        if entry["dataset_type"] == "train":
            abstract = entry["passages"][1]
            found = [e["text"][0] for e in abstract["entities"] if e["type"] == "Disease"]
            prompt = (
                "The following article contains technical terms including diseases, drugs and "
                "chemicals. Create a list only of the diseases mentioned.\n\n"
                + abstract["text"]
                + "\n\nList of extracted diseases:\n"
            )
            answer = "- " + "\n- ".join(dict.fromkeys(found))
            expected += json.dumps({"prompt": prompt, "completion": answer}) + "\n"
    rows = (render(d, Task.DISEASES).row for d in documents(corpus, "train"))
    assert "".join(map(to_line, rows)).encode() == expected.encode()


def test_relations_of_the_real_corpus_are_all_named_or_counted(corpus: Path) -> None:
    for document in documents(corpus):
        # Both sides of every relation of this corpus are mentioned in title or abstract.
        assert not render(document, Task.RELATIONS, text="title_and_abstract").left_out
        body = [m for m in document.mentions if m.start >= document.body_offset]
        there = {identifier for mention in body for identifier in mention.identifiers}
        nameable = [{r.chemical, r.disease} <= there for r in document.relations]
        rendered = render(document, Task.RELATIONS)
        assert sum(rendered.left_out.values()) == nameable.count(False)
        # A composite mention names several identifiers, so several relations may read the same.
        assert bool(rendered.items) == any(nameable)
        assert len(rendered.items) <= nameable.count(True)


def test_items_are_unique_surfaces_in_order_of_first_mention() -> None:
    assert completion(Task.DISEASES) == "- AKI\n- kidney and ear damage"
    assert completion(Task.CHEMICALS) == "- Gentamicin\n- gentamicin\n- GM"


def test_the_title_is_there_only_if_asked_for() -> None:
    assert completion(Task.DISEASES, "title_and_abstract").startswith("- Kidney injury\n- AKI")
    assert f"\n\n{ABSTRACT}\n\n" in render(DOCUMENT, Task.DISEASES).row["prompt"]
    whole = render(DOCUMENT, Task.DISEASES, text="title_and_abstract").row["prompt"]
    assert f"\n\n{TITLE} {ABSTRACT}\n\n" in whole


def test_relations_are_named_by_first_mention_and_the_unnameable_are_counted() -> None:
    rendered = render(DOCUMENT, Task.RELATIONS)
    assert rendered.items == (
        "Chemical Gentamicin influences disease kidney and ear damage",
        "Chemical Gentamicin influences disease AKI",
    )
    assert rendered.left_out == {
        "disease_not_in_text": 1,
        "chemical_not_in_text": 1,
        "neither_in_text": 1,
    }


def test_a_mention_across_the_start_of_the_text_is_not_in_it() -> None:
    across = Mention(17, 39, f"{TITLE} {ABSTRACT}"[17:39], "Disease", ("MESH:D1",))
    document = Document("1", DOCUMENT.passages, (across,))
    assert completion(Task.DISEASES, document=document) == "- "
    assert completion(Task.DISEASES, "title_and_abstract", document) == f"- {across.text}"


def test_line_breaks_in_an_item_become_a_space_and_blank_items_are_not_listed() -> None:
    text = "renal\r\nfailure \n x"
    document = Document(
        "1",
        (Passage("abstract", 0, text),),
        (Mention(0, 14, text[:14], "Disease"), Mention(14, 17, text[14:17], "Disease")),
    )
    assert completion(Task.DISEASES, document=document) == "- renal failure"


def test_a_chat_row_has_coheres_roles_and_the_same_words() -> None:
    rendered = render(DOCUMENT, Task.CHEMICALS, row_format="chat")
    plain = render(DOCUMENT, Task.CHEMICALS).row
    system, user, chatbot = rendered.row["messages"]
    assert [turn["role"] for turn in (system, user, chatbot)] == ["System", "User", "Chatbot"]
    assert f"{system['content']}\n\n{user['content']}\n" == plain["prompt"]
    assert chatbot["content"] == plain["completion"]


def test_lines_are_ascii_json_with_a_line_feed() -> None:
    assert to_line({"prompt": "ß", "completion": "- "}) == (
        '{"prompt": "\\u00df", "completion": "- "}\n'
    )
