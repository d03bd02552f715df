"""Nothing invented passes as a mention, nothing answered gets lost, and sides find their places."""

import json
from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.base import Annotations, ExtractOptions, FoundRelation
from app.backends.generation import Question, Reply
from app.backends.generation.annotate import read
from app.backends.generation.questions import ask
from app.prompts.parse import parse_completion
from app.prompts.render import to_completion
from app.prompts.tasks import MENTION_TASKS, Task
from app.prompts.words import squeezed, words
from tests.prompts.strategies import awkward_text

BASE = ExtractOptions()
NONE = ("", "none", "n/a", "nothing", "none mentioned", "none found")


def answered(
    text: str,
    diseases: list[str] | None,
    chemicals: list[str] | None,
    relations: list[tuple[str, str]] | None,
) -> Annotations:
    """What JSON answers with these names come to; None: the task was not asked for."""
    answers: dict[Task, tuple[Question, Reply]] = {}
    pairs = [{"chemical": c, "disease": d} for c, d in relations or ()]
    said: list[tuple[Task, object]] = [
        (Task.DISEASES, diseases),
        (Task.CHEMICALS, chemicals),
        (Task.RELATIONS, pairs if relations is not None else None),
    ]
    for task, values in said:
        if values is not None:
            reply = Reply(json.dumps({task.value: values}))
            answers[task] = ask(text, task, BASE, json_mode=True), reply
    return read(text, answers, BASE)


def named(text: str, found: Annotations) -> list[tuple[str, str]]:
    spans = [text[m.start : m.end] for m in found.mentions]
    return [(spans[r.chemical], spans[r.disease]) for r in found.relations]


def test_relations_reuse_the_mentions_of_the_other_tasks() -> None:
    text = "Glaucoma after timolol. Timolol caused glaucoma and\nno timolol no GLAUCOMA."
    found = answered(text, ["glaucoma"], ["timolol"], [("timolol", "glaucoma")])
    alone = answered(text, None, None, [("timolol", "glaucoma")])
    assert [text[m.start : m.end] for m in found.mentions] == [
        "Glaucoma", "timolol", "Timolol", "glaucoma", "timolol", "GLAUCOMA",
    ]  # fmt: skip
    assert found.mentions == alone.mentions
    assert found.relations == alone.relations
    assert found.relations == (FoundRelation(1, 3, evidence=((0, 23), (24, len(text)))),)


def test_evidence_is_only_where_both_are() -> None:
    text = "Lead is a metal. Gout is painful. Lead causes gout. Lead and gout? Gout."
    found = answered(text, None, None, [("lead", "gout")])
    assert [text[s:e] for s, e in found.relations[0].evidence] == [
        "Lead causes gout.",
        "Lead and gout?",
    ]


def test_spellings_with_one_place_are_one_side() -> None:
    text = "Severe renal failure followed cyclosporin-A."
    pairs = [
        ("cyclosporin-A", "renal failure"),
        ("Cyclosporin A", "Renal  failure"),
        ("CYCLOSPORIN A", "renal-failure"),
    ]
    found = answered(text, ["renal failure"], None, pairs)
    assert named(text, found) == [("cyclosporin-A", "renal failure")]
    assert len(found.mentions) == 2
    assert found.ungrounded == ()


def test_a_near_spelling_is_the_mention_that_is_there() -> None:
    text = "Seizures after bupropion."
    found = answered(text, ["seizures"], ["bupropion"], [("bupropion", "seizure")])
    assert named(text, found) == [("bupropion", "Seizures")]
    assert len(found.mentions) == 2


@pytest.mark.parametrize(
    ("text", "listed", "side", "surfaces"),
    [
        (
            "An acute hepatitis and a toxic hepatitis by isoniazid.",
            "acute hepatitis",
            "hepatitis",
            ["acute hepatitis", "hepatitis", "isoniazid"],
        ),
        (
            "An acute hepatitis by isoniazid.",
            "acute hepatitis",
            "hepatitis",
            ["acute hepatitis", "hepatitis", "isoniazid"],
        ),
        (
            "An acute hepatitis by isoniazid.",
            "hepatitis",
            "acute hepatitis",
            ["acute hepatitis", "hepatitis", "isoniazid"],
        ),
    ],
)
def test_a_side_within_a_mention_has_a_mention_of_its_own(
    text: str, listed: str, side: str, surfaces: list[str]
) -> None:
    """But only if it stands nowhere else."""
    found = answered(text, [listed], None, [("isoniazid", side)])
    assert [text[m.start : m.end] for m in found.mentions] == surfaces
    assert named(text, found) == [("isoniazid", side)]
    assert found.ungrounded == ()


def test_a_mention_across_the_edge_of_sentences_is_no_evidence() -> None:
    text = "Iron gave an acute gout. Attack by iron."
    found = answered(text, None, None, [("iron", "gout. Attack")])
    assert len(found.relations) == 1
    assert found.relations[0].evidence == ()


def test_a_relation_with_a_side_that_is_not_there_has_no_place() -> None:
    found = answered("Gout after lead.", ["gout", "ulcer"], [], [("lead", "ulcer"), ("x", "gout")])
    assert found.relations == ()
    assert found.ungrounded == (
        (Task.DISEASES, "ulcer"),
        (Task.RELATIONS, "Chemical lead influences disease ulcer"),
        (Task.RELATIONS, "Chemical x influences disease gout"),
    )


def test_a_name_can_be_of_both_types() -> None:
    found = answered("Lead poisoning by lead.", ["lead poisoning"], ["lead"], None)
    assert [(m.start, m.end, m.type) for m in found.mentions] == [
        (0, 4, "Chemical"),
        (0, 14, "Disease"),
        (18, 22, "Chemical"),
    ]


def spells(surface: str, item: str) -> bool:
    """Exact, or the same but for case, white space, hyphens and composition, or one slip."""
    if surface == item or squeezed(surface).casefold() == squeezed(item).casefold():
        return True
    one, other = ("".join(folded for _, _, folded in words(part)) for part in (surface, item))
    if one == other:
        return True
    same = sum(
        block.size for block in SequenceMatcher(None, one, other, False).get_matching_blocks()
    )
    return max(len(one), len(other)) - same <= 2 and len(other) >= 7


# Words that texts and answers share, in spellings near and far.
vocabulary = st.sampled_from(
    ["seizures", "seizure", "Seizures", "acute", "hepatitis", "hepatits", "acute hepatitis", "lead",
     "5-HT", "5-ht", "ALL", "all", "renal  failure", "Renal-Failure", "naïve", "nai\u0308ve", "-"]
)  # fmt: skip
name = st.one_of(
    vocabulary, st.lists(vocabulary, min_size=2, max_size=3).map(" ".join), awkward_text
)
texts = st.one_of(
    st.lists(st.one_of(vocabulary, st.sampled_from([". ", " and ", "\n\n"])), max_size=12).map(
        " ".join
    ),
    awkward_text,
)
names = st.one_of(st.none(), st.lists(name, max_size=5))


@settings(max_examples=300, deadline=None)
@given(texts, names, names, st.one_of(st.none(), st.lists(st.tuples(name, name), max_size=5)))
def test_items_are_mentions_that_the_text_spells_or_ungrounded(
    text: str,
    diseases: list[str] | None,
    chemicals: list[str] | None,
    relations: list[tuple[str, str]] | None,
) -> None:
    """For any text and answer: nothing invented, nothing lost, all indices and orders right."""
    found = answered(text, diseases, chemicals, relations)
    said = {
        "Disease": [*(diseases or ()), *(d for _, d in relations or ())],
        "Chemical": [*(chemicals or ()), *(c for c, _ in relations or ())],
    }
    for mention in found.mentions:
        surface = text[mention.start : mention.end]
        assert surface
        items = [item.strip() for item in said[mention.type]]
        assert any(spells(surface, item) for item in items)
        if mention.match == "exact":
            assert surface in items
    order = [(m.start, m.end) for m in found.mentions]
    assert order == sorted(order)
    assert len({(m.start, m.end, m.type) for m in found.mentions}) == len(found.mentions)
    said_by_task = {Task.DISEASES: diseases, Task.CHEMICALS: chemicals}
    for task, listed in said_by_task.items():
        kind = MENTION_TASKS[task]
        surfaces = [text[m.start : m.end] for m in found.mentions if m.type == kind]
        apart = {item for of, item in found.ungrounded if of is task}
        for item in map(str.strip, listed or ()):
            assert item in apart or any(spells(s, item) for s in surfaces) or is_none(item)
    for relation in found.relations:
        sides = found.mentions[relation.chemical], found.mentions[relation.disease]
        assert (sides[0].type, sides[1].type) == ("Chemical", "Disease")
        for start, end in relation.evidence:
            assert 0 <= start < end <= len(text)
    pairs = {(c.strip(), d.strip()) for c, d in relations or ()}
    complete = {(c, d) for c, d in pairs if c and d}
    apart = {item for of, item in found.ungrounded if of is Task.RELATIONS}
    related = named(text, found)
    for chemical, disease in complete:
        item = f"Chemical {chemical} influences disease {disease}"
        assert item in apart or any(spells(c, chemical) and spells(d, disease) for c, d in related)
    assert bool(pairs - complete) == any("relations: items" in w for w in found.warnings)


@settings(max_examples=300, deadline=None)
@given(texts, st.one_of(awkward_text, st.lists(name, max_size=5).map(to_completion)))
def test_of_any_list_at_all_each_line_comes_to_something(text: str, answer: str) -> None:
    """A dashed list, or anything else: each line is a mention, ungrounded or reported."""
    question = ask(text, Task.DISEASES, BASE, json_mode=False)
    found = read(text, {Task.DISEASES: (question, Reply(answer))}, BASE)
    surfaces = [text[m.start : m.end] for m in found.mentions]
    lines = parse_completion(answer)
    apart = {item for _, item in found.ungrounded}
    assert all(any(spells(surface, item) for item in lines.items) for surface in surfaces)
    if not is_none(answer):
        assert bool(lines.not_understood) == bool(found.warnings)
    for item in lines.items:
        assert item in apart or any(spells(surface, item) for surface in surfaces) or is_none(item)


def is_none(item: str) -> bool:
    """How a model may say that there are no items."""
    return item.strip(" \r\n\t-*.()").casefold() in NONE
