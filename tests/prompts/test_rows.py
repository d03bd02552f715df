"""Rows are read back as the documents they were made from, and what is wrong is said by line."""

import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from app.corpora.documents import NAME, Document, Mention, Passage, Relation
from app.corpora.identifiers import usable
from app.corpora.problems import CODES, Problem
from app.prompts.render import RowFormat, render, to_line, to_row
from app.prompts.rows import ROW_CODES, identifier, read
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.prompts.corpus import documents

TEXT = "Gentamicin caused AKI. Gentamicin and gentamicin harm the kidney."


def row(task: Task, *items: str, text: str = TEXT, **keys: Any) -> dict[str, Any]:
    return to_row(text, task, items, "prompt_completion", BUILT_IN) | keys


def load(
    *rows: dict[str, Any] | str,
) -> tuple[list[tuple[str | None, Document]], list[tuple[str, int | None, str | None]]]:
    """The (split, document) pairs, and code, line and document of each problem."""
    lines = "".join(one if isinstance(one, str) else to_line(one) for one in rows)
    problems: list[Problem] = []
    pairs = list(read(io.BytesIO(lines.encode()), problems.append))
    return pairs, [(found.code, found.line, found.document_id) for found in problems]


def rendered(of: Iterable[Document], row_format: RowFormat = "prompt_completion") -> list[bytes]:
    return [
        to_line(render(document, task, row_format=row_format).row).encode()
        for document in of
        for task in Task
    ]


@pytest.mark.parametrize("row_format", ["prompt_completion", "chat"])
def test_rows_of_the_real_corpus_come_back_as_the_same_rows(
    corpus: Path, row_format: RowFormat
) -> None:
    originals = list(documents(corpus, "dev"))
    rows = rendered(originals, row_format)
    problems: list[Problem] = []
    pairs = list(read(io.BytesIO(b"".join(rows)), problems.append))
    assert len(pairs) == len(originals)
    again = rendered((document for _, document in pairs), row_format)
    assert problems == []
    # Where annotators passed over the first of several equal names, the order changes.
    assert sum(one != other for one, other in zip(rows, again, strict=True)) == 1


def test_rows_of_one_text_are_one_document_wherever_they_stand() -> None:
    other = "Lithium helps."
    pairs, problems = load(
        row(Task.DISEASES, "AKI", split="train"),
        row(Task.CHEMICALS, "Lithium", text=other),
        row(Task.CHEMICALS, "Gentamicin", "gentamicin", id="d1"),
        row(Task.RELATIONS, "Chemical Gentamicin influences disease AKI", id=2),
    )
    assert problems == []
    (split, document), (_, second) = pairs
    assert (split, document.id) == ("train", "d1")
    assert re.fullmatch("row-2-[0-9a-f]{8}", second.id)
    assert document.passages == (Passage("abstract", 0, TEXT),)
    assert document.mentions == (
        Mention(0, 10, "Gentamicin", "Chemical", ("NAME:gentamicin",)),
        Mention(18, 21, "AKI", "Disease", ("NAME:aki",)),
        Mention(23, 33, "Gentamicin", "Chemical", ("NAME:gentamicin",)),
        Mention(38, 48, "gentamicin", "Chemical", ("NAME:gentamicin",)),
    )
    assert document.relations == (Relation("NAME:gentamicin", "NAME:aki"),)


def test_other_spellings_are_looked_for_only_where_there_is_no_exact_one() -> None:
    pairs, problems = load(row(Task.CHEMICALS, "gentamicin"))
    assert [(m.start, m.text) for m in pairs[0][1].mentions] == [(38, "gentamicin")]
    pairs, problems = load(row(Task.CHEMICALS, "GENTAMICIN"))
    assert [m.start for m in pairs[0][1].mentions] == [0, 23, 38]
    assert problems == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("{'prompt'}\n", "malformed_json"),
        ({"prompt": "x"}, "malformed_document"),
        ({"prompt": 5.5, "completion": "- "}, "malformed_document"),
        (row(Task.DISEASES, split=["train"]), "malformed_document"),
        ({"prompt": "Name all genes in: x", "completion": "- "}, "unknown_prompt"),
        ({"messages": [{"role": "user", "content": "x"}]}, "wrong_roles"),
        ({"messages": "x"}, "wrong_roles"),
        (row(Task.DISEASES, "x", text=" "), "empty_text"),
    ],
)
def test_a_row_that_cannot_be_read_is_an_error_with_its_line(
    wrong: dict[str, Any] | str, code: str
) -> None:
    pairs, problems = load(row(Task.DISEASES, "AKI"), wrong, row(Task.CHEMICALS, "gentamicin"))
    assert problems == [(code, 2, None)]
    assert (ROW_CODES | CODES)[code].severity == "error"
    assert len(pairs) == 1
    assert len(pairs[0][1].mentions) == 2


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        (row(Task.DISEASES, "asthma"), "item_not_in_text"),
        (row(Task.RELATIONS, "Gentamicin harms"), "relation_not_understood"),
        (
            row(Task.RELATIONS, "Chemical gold influences disease AKI"),
            "unknown_relation_identifier",
        ),
        (row(Task.DISEASES) | {"completion": "Diseases:\n- AKI"}, "answer_line_not_understood"),
    ],
)
def test_what_an_answer_says_in_vain_is_a_warning(odd: dict[str, Any], code: str) -> None:
    pairs, problems = load(row(Task.DISEASES, "AKI", id="d1"), odd)
    assert problems == [(code, 2, "d1")]
    assert (ROW_CODES | CODES)[code].severity == "warning"
    assert [m.text for m in pairs[0][1].mentions] == ["AKI"]


def test_a_relation_is_parted_where_both_names_are_listed() -> None:
    text = "Zinc influences disease A and rash."
    pairs, problems = load(
        row(Task.CHEMICALS, "Zinc influences disease A", text=text),
        row(Task.DISEASES, "rash", text=text),
        row(
            Task.RELATIONS,
            "Chemical Zinc influences disease A influences disease rash",
            text=text,
        ),
    )
    assert problems == []
    assert pairs[0][1].relations == (Relation("NAME:zinc_influences_disease_a", "NAME:rash"),)


def test_a_text_in_two_splits_is_an_error() -> None:
    pairs, problems = load(row(Task.DISEASES, split="train"), row(Task.CHEMICALS, split="dev"))
    assert [problem[:2] for problem in problems] == [("document_in_two_splits", 2)]
    assert [split for split, _ in pairs] == ["train"]


def test_rows_of_two_files_have_two_ids() -> None:
    """A data set may come in several files, none of which says what its documents are called."""
    ids = [load(row(Task.DISEASES, text=text))[0][0][1].id for text in ("One.", "Two.", "One.")]
    assert ids[0] == ids[2] != ids[1]


def test_problems_never_repeat_what_the_rows_say() -> None:
    secret = "zyxomab"
    problems: list[Problem] = []
    lines = [
        row(Task.DISEASES, secret),
        row(Task.RELATIONS, secret, f"Chemical {secret} influences disease {secret}"),
        {"prompt": secret, "completion": secret},
        {"messages": [{"role": secret, "content": secret}]},
        row(Task.DISEASES) | {"completion": secret},
        {secret: secret},
    ]
    list(read(io.BytesIO("".join(map(to_line, lines)).encode()), problems.append))
    assert len(problems) > len(lines)
    assert secret not in json.dumps([(found.message, found.hint) for found in problems])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Renal Failure", "renal_failure"),
        ("STRASSE", "strasse"),
        ("a\u00a0| b\u200b", "a_b"),
    ],
)
def test_identifiers_are_folded_names_that_every_format_can_hold(name: str, expected: str) -> None:
    assert identifier(name) == NAME + expected
    assert usable((identifier(name),))


def test_long_names_have_distinct_identifiers_of_bounded_length() -> None:
    long = {identifier("x" * 500 + end) for end in "ab"}
    assert len(long) == 2
    assert usable(tuple(long))
