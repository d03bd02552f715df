"""Answers as models write them: what is clear is read, the rest is reported and never guessed."""

import json

import pytest

from app.backends.base import ExtractOptions
from app.backends.generation import Question, Reply
from app.backends.generation.answers import Names, read_names, read_relations
from app.backends.generation.questions import ask
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN

MALFORMED = "diseases: the answer is not the JSON that was asked for"
BREAKS_OFF = "diseases: the JSON of the answer breaks off; items may be missing"
CUT_OFF = "diseases: the answer was cut off at the token limit; items may be missing"


def question(task: Task = Task.DISEASES, *, json_mode: bool = False) -> Question:
    return ask("text", task, ExtractOptions(), json_mode=json_mode)


def names(answer: str, *, json_mode: bool = True, truncated: bool = False) -> Names:
    return read_names(question(json_mode=json_mode), Reply(answer, truncated))


@pytest.mark.parametrize(
    "answer",
    [
        '{"diseases": ["gout", "ulcer"]}',
        ' \n{"diseases":["gout","ulcer"]}\n',
        '{"note": {"a": [1]}, "diseases": ["gout", "ulcer"]}',
        '```json\n{"diseases": ["gout", "ulcer"]}\n```',
        '```\n{"diseases": ["gout", "ulcer"]}\n```',
        'Here you are:\n```json\n{"diseases": ["gout", "ulcer"]}\n```\nAnything else?',
        'Here you are {as asked}:\n```JSON\n{"diseases": ["gout", "ulcer"]}\n```',
        'Sure! {"diseases": ["gout", "ulcer"]} I hope this helps.',
        '{"diseases": ["gout", "ulcer", "gout", " ", " ulcer "]}',
    ],
)
def test_one_object_is_read_wherever_it_is(answer: str) -> None:
    assert names(answer) == Names(("gout", "ulcer"))


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I cannot do that.",
        "[]",
        '["gout"]',
        "{}",
        '"diseases"',
        '{"diseases": "gout"}',
        '{"chemicals": ["gout"]}',
        '{"diseases": ["gout"]} or {"diseases": ["ulcer"]}',
        '```\n{"diseases": ["gout"]}\n```\n```\n{"diseases": ["ulcer"]}\n```',
        '{"diseases": ["gout"]}}',
        "{'diseases': ['gout']}",
        "- gout",
        "1" * 5000,
        '{"diseases": ' + "1" * 5000 + "}",
    ],
)
def test_what_is_not_clear_is_not_guessed(answer: str) -> None:
    assert names(answer) == Names((), (MALFORMED,))


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ('{"diseases": ["gout", "ulcer", "hepati', ("gout", "ulcer")),
        ('{"diseases": ["gout", "ulcer", "hepati\\', ("gout", "ulcer")),
        ('{"diseases": ["gout", "ulcer", ', ("gout", "ulcer")),
        ('{"diseases": ["gout", "ulcer"', ("gout", "ulcer")),
        ('{"diseases": ["gout", "ulcer"]', ("gout", "ulcer")),
        ('```json\n{ "diseases" : [ "gout" , "ulcer", "he', ("gout", "ulcer")),
        ('{"diseases": ["gout", "ulcer", \'hepatitis\']}', ("gout", "ulcer")),
        ('{"diseases": ["gout", "ulcer" "hepatitis"]}', ("gout",)),
        ('{"diseases": [', ()),
    ],
)
def test_of_an_object_that_breaks_off_the_complete_items_are_kept(
    answer: str, kept: tuple[str, ...]
) -> None:
    """A name that was cut off is not kept, even if it is one; that something is missing is said."""
    assert names(answer) == Names(kept, (BREAKS_OFF,))
    assert names(answer, truncated=True) == Names(kept, (CUT_OFF,))


def test_items_of_another_form_are_numbered() -> None:
    answer = json.dumps({"diseases": ["gout", 3, None, {"text": "ulcer"}, "ulcer"]})
    assert names(answer) == Names(
        ("gout", "ulcer"), ("diseases: items are not of the form asked for: 2, 3, 4",)
    )


def test_lines_of_another_form_are_numbered_up_to_ten() -> None:
    assert names("The diseases are:\n- gout\n\n- ulcer\n\nBye", json_mode=False) == Names(
        ("gout", "ulcer"), ("diseases: lines of the answer are not items of a list: 1, 6",)
    )
    (warning,) = names("no\n" * 25, json_mode=False).warnings
    assert warning.endswith(": 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 15 more")


def test_a_list_that_was_cut_off_loses_its_last_line() -> None:
    """The beginning of a name may be a name itself."""
    assert names("- gout\n- lead pois", json_mode=False, truncated=True) == Names(
        ("gout",), (CUT_OFF,)
    )
    assert names("- gout\n- lead\n", json_mode=False, truncated=True).items == ("gout", "lead")


@pytest.mark.parametrize("answer", ["", "- ", "-", "None", "- None.", "(none)", " - n/a\n"])
def test_no_item_in_the_words_of_models(answer: str) -> None:
    """ "None of the patients" is not a disease."""
    assert names(answer, json_mode=False) == Names()
    assert names(json.dumps({"diseases": [answer]})) == Names()


def test_relations_of_lists_and_objects() -> None:
    read = read_relations(
        question(Task.RELATIONS),
        Reply(
            "- Chemical a influences disease b influences disease c\n- a causes b\n"
            "- chemical x Influences Disease y\n- Chemical x influences disease y"
        ),
        BUILT_IN,
        {"a influences disease b"},
        {"c"},
    )
    assert [(r.chemical, r.disease) for r in read.items] == [
        ("a influences disease b", "c"),
        ("x", "y"),
    ]
    assert read.not_understood == ("a causes b",)
    assert read.warnings == ("relations: items are not of the form asked for: 2",)
    pairs = [
        {"chemical": "x", "disease": "y"},
        {"chemical": "x"},
        ["x", "y"],
        "x",
        {"chemical": "x", "disease": " "},
        {"chemical": "x", "disease": "y", "why": 1},
    ]
    read = read_relations(
        question(Task.RELATIONS, json_mode=True),
        Reply(json.dumps({"relations": pairs})),
        BUILT_IN,
        (),
        (),
    )
    assert [(r.item, r.chemical, r.disease) for r in read.items] == [
        ("Chemical x influences disease y", "x", "y")
    ]
    assert read.warnings == ("relations: items are not of the form asked for: 2, 3, 4, 5",)


def test_halves_of_surrogate_pairs_are_replaced() -> None:
    """JSON can spell them; they could not be sent on as UTF-8."""
    assert names('{"diseases": ["a\\ud800b", "\\ud83d\\ude00"]}').items == (
        "a\ufffdb",
        "\U0001f600",
    )
    assert names("- a\ud800b", json_mode=False).items == ("a\ufffdb",)


@pytest.mark.parametrize(
    "answer",
    [
        "[" * 1_000_000,
        "{" * 1_000_000,
        '{"diseases": ' + "[" * 1_000_000,
        '{"diseases": [' * 70_000,
        '{"a":' * 200_000 + "1" + "}" * 200_000,
        '{"diseases":[' + '{"a":' * 200_000 + "1" + "}" * 200_000,
        "{" + " " * 1_000_000,
        "```json\n" * 120_000,
        "```\n" * 250_000,
        '{"diseases": ["' + "\\" * 900_000,
        '{"diseases": [' + '"", ' * 200_000,
        "- \n" * 300_000,
        "-" * 1_000_000,
        "\n" * 1_000_000,
        " " * 1_000_000,
        "{}" * 500_000,
    ],
    ids=lambda answer: f"{answer[:14]!r}",
)
def test_hostile_answers_are_read_in_bounded_time(answer: str) -> None:
    """Anything quadratic would take minutes here, anything recursive would raise."""
    for json_mode in (True, False):
        read = names(answer, json_mode=json_mode)
        assert len(read.items) <= 10_000
        assert all(len(warning) < 200 for warning in read.warnings)


def test_there_is_an_end_to_items_and_to_characters() -> None:
    many = [f"x{i}" for i in range(100_000)]
    read = names(json.dumps({"diseases": many}), json_mode=True)
    assert read.items == tuple(many[:10_000])
    assert read.warnings == (
        "diseases: the answer has more than 10000 items; the rest is left out",
    )
    read = names("- gout\n" * 200_000, json_mode=False)
    assert read.items == ("gout",)
    assert read.warnings[0] == "diseases: the answer is too long; only its beginning was read"
