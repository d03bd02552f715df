"""Rows in CSV are the documents that the same rows in JSONL are; hostile files end in problems."""

import csv
import io
from collections.abc import Sequence

import pytest

from app.corpora.documents import Document
from app.corpora.problems import Problem
from app.corpora.streams import MAX_DOCUMENT_BYTES
from app.prompts import csv_rows, rows
from app.prompts.render import to_line, to_row
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN

TEXT = 'Gentamicin; "AKI", and\trash: AKI.'
ROWS = [
    to_row(TEXT, Task.DISEASES, ["AKI", "rash"], "prompt_completion", BUILT_IN),
    to_row(TEXT, Task.CHEMICALS, ["Gentamicin"], "prompt_completion", BUILT_IN),
    to_row("Lithium\nhelps.", Task.CHEMICALS, ["Lithium"], "prompt_completion", BUILT_IN),
]
Pairs = list[tuple[str | None, Document]]


def read(data: bytes | str) -> tuple[Pairs, list[tuple[str, int | None]]]:
    """The (split, document) pairs, and code and line of each problem."""
    raw = data.encode() if isinstance(data, str) else data
    problems: list[Problem] = []
    pairs = list(csv_rows.read(io.BytesIO(raw), problems.append))
    return pairs, [(found.code, found.line) for found in problems]


def written(
    columns: Sequence[str] = ("prompt", "completion"), delimiter: str = ",", end: str = "\r\n"
) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(columns)
    names = [name.strip().lower() for name in columns]
    writer.writerows([[row.get(name, "x") for name in names] for row in ROWS])
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        written(),
        written(end="\n"),
        written(delimiter=";"),
        written(delimiter="\t"),
        written(["Completion", " PROMPT ", "label"]),
        "\n\r\n" + written(),
    ],
)
def test_the_same_rows_are_the_same_documents(data: str) -> None:
    lines = "".join(map(to_line, ROWS)).encode()
    problems: list[Problem] = []
    expected = list(rows.read(io.BytesIO(lines), problems.append))
    assert len(expected) == 2
    assert [len(document.mentions) for _, document in expected] == [4, 1]
    assert read(data) == (expected, [])


def test_ids_and_splits_are_read_where_there_are_columns_for_them() -> None:
    prompt, completion = ROWS[2]["prompt"], ROWS[2]["completion"]
    pairs, problems = read(f'split,id,completion,prompt\ndev,d7,"{completion}","{prompt}"\n')
    assert problems == []
    assert [(split, document.id) for split, document in pairs] == [("dev", "d7")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", []),
        ("\n\n", []),
        ("a,b\n1,2\n", [("malformed_csv", 1)]),
        ("\nprompt\nx\n", [("malformed_csv", 2)]),
        ("prompt,prompt,completion\n", [("malformed_csv", 1)]),
        ("prompt,completion\n\n1\n1,2,3\n", [("malformed_csv", 3), ("malformed_csv", 4)]),
        ('prompt,completion\n"1"x,2\n', [("malformed_csv", 2)]),
        ('prompt,completion\n"a\n\nb",c\nd,"e\n', [("unknown_prompt", 2), ("malformed_csv", 5)]),
        (b"prompt,completion\n\xff,\xfe\n\xff,\n", [("bad_utf8", 2), ("unknown_prompt", 2)]),
        (b"\xef\xbb\xbfprompt,completion\n", [("byte_order_mark", 1)]),
        ("x" * (MAX_DOCUMENT_BYTES + 1) + "\nprompt,completion\n", [("too_large", 1)]),
        ("prompt,completion\n" + "x" * MAX_DOCUMENT_BYTES + "\n", [("too_large", 2)]),
        ("prompt,completion\n" + '"\n' + "x\n" * MAX_DOCUMENT_BYTES, [("malformed_csv", 2)]),
        ('prompt,completion\n"a,b\n' + "\r\n" * 9, [("malformed_csv", 2)]),
        ("prompt,completion\n" + "1\n" * 500, [("malformed_csv", n) for n in range(2, 102)]),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(
    data: bytes | str, expected: list[tuple[str, int]]
) -> None:
    pairs, problems = read(data)
    assert pairs == []
    assert problems[: len(expected)] == expected
    assert len(problems) <= 101
    if not expected:
        assert problems == []


def test_a_broken_row_does_not_hide_those_around_it() -> None:
    header, *_ = written().splitlines()
    body = written()[len(header) + 2 :]
    pairs, problems = read(header + "\r\n" + 'a,"b"c\r\n' + body)
    assert [code for code, _ in problems] == ["malformed_csv"]
    assert len(pairs) == 2


def test_nul_characters_are_found_by_the_validation_of_texts() -> None:
    _, problems = read(written().replace("rash", "ra\0sh"))
    assert ("invalid_character", 2) in problems


def test_problems_never_repeat_what_the_rows_say() -> None:
    secret = "zyxomab"
    problems: list[Problem] = []
    data = f'prompt,completion\n{secret},{secret}\n"{secret}"{secret},\n{secret}\n'
    list(csv_rows.read(io.BytesIO(data.encode()), problems.append))
    assert len(problems) == 3
    assert all(secret not in found.message + found.hint for found in problems)
