"""Limits of a model card, and its Markdown: pure functions of what stands on the card."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.evaluations.card_limits import limits
from app.evaluations.card_markdown import cell, code, markdown, plain
from app.evaluations.card_schemas import (
    CardAncestor,
    CardData,
    CardModel,
    CardRecipe,
    CardScores,
    CardSplit,
    CardVocabulary,
    ModelCard,
)
from app.evaluations.schemas import (
    Comparison,
    EvaluationOptions,
    EvaluationWarning,
    Latency,
    Overlap,
    Score,
)
from app.prompts.tasks import Task

# Each of them would be a link, an image, HTML, emphasis, a new line or a new cell.
HOSTILE = (
    "[x](https://evil.example) ![](//evil.example/i.png) <script>alert(1)</script>\n# head\r\n"
    "| a | b |\n**bold** _it_ `code` ``two`` www.evil.example me@evil.example https://evil.example "
    "&amp; \\| ~~gone~~ \x00\x1b"
)
PAGE = (Path(__file__).resolve().parents[2] / "docs/model-cards.md").read_text(encoding="utf-8")
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def score(tp: int, fp: int, fn: int) -> Score:
    precision, recall = tp / max(1, tp + fp), tp / max(1, tp + fn)
    f1 = 2 * tp / max(1, 2 * tp + fp + fn)
    return Score(tp=tp, fp=fp, fn=fn, precision=precision, recall=recall, f1=f1)


def scores(name: str = "bc5cdr", seen: int = 0, **changes: Any) -> CardScores:
    """Diseases: recall 75, precision 60; chemicals: recall 90, precision 90."""
    return CardScores(
        evaluation_id="ev_1",
        name=name,
        dataset_id="ds_1",
        dataset=name,
        dataset_version="0123456789abcdef",
        splits=["dev"],
        documents=500,
        finished_at=MOMENT,
        options=EvaluationOptions(),
        f1=0.75,
        headline={Task.DISEASES: "mentions_strict", Task.CHEMICALS: "mentions_strict"},
        scores={
            Task.DISEASES: {"mentions_strict": score(75, 50, 25), "concepts": score(0, 0, 9)},
            Task.CHEMICALS: {"mentions_strict": score(90, 10, 10)},
            Task.RELATIONS: {"gold_mentions": None},
        },
        errors={Task.DISEASES: {"boundary": 30, "missed": 10}, Task.CHEMICALS: {}},
        latency=Latency(p50_ms=3, p95_ms=7, documents_per_second=310.2),
        ungrounded=0,
        overlap=Overlap(documents=seen, of=500),
        comparisons=[],
        warnings=[],
    ).model_copy(update=changes)


def card(name: str = "mine", kind: str = "tuned", **changes: Any) -> ModelCard:
    """A model trained on 500 documents and measured once."""
    made = ModelCard(
        model=CardModel.model_validate(
            {
                "id": "mdl_1",
                "name": name,
                "kind": kind,
                "backend": "local",
                "base_model": None,
                "tasks": ["diseases", "chemicals"],
                "description": f"Trained {name}.",
                "created_at": MOMENT,
                "retired_on": None,
            }
        ),
        data=CardData(
            dataset_id="ds_1",
            name=name,
            version="ab" * 32,
            splits=[CardSplit(name=name, documents=500, mentions={"Disease": 7}, relations=3)],
            documents=500,
            mentions={"Disease": 7},
            relations=3,
            licence=None,
        ),
        recipe=CardRecipe(
            backend="local",
            base_model=None,
            hyperparameters={"preset": name, "c1": None},
            template="medtune-1",
            template_hash="cd" * 32,
            text="abstract",
            tasks=[Task.DISEASES],
            seconds=59.4,
            figures=[],
        ),
        vocabularies=[],
        scores=[scores(name)],
        protocols={"mentions_strict": "Mentions whose start and end are right."},
        limits=[],
        lineage=[CardAncestor(kind="dataset", id="ds_1", sha256="ab" * 32, created_at=MOMENT)],
    )
    made = made.model_copy(update=changes)
    made.limits = limits(made)
    return made


def told(made: ModelCard) -> dict[str, str]:
    return {each.code: each.detail for each in made.limits}


def test_weak_points_are_the_lowest_of_the_headline_figures() -> None:
    """Task, share and measure are named; what is above nine in ten is no weakness."""
    found = told(card())
    assert found["low_recall"] == (
        "25 % of the annotated diseases are missed (mentions_strict, on dev of ds_1)."
    )
    assert found["low_precision"].startswith("40 % of the diseases found are not annotated")
    assert (
        found["frequent_error"] == "The most frequent error in diseases is boundary: 75 % of all."
    )
    good = {Task.DISEASES: {"mentions_strict": score(95, 5, 5)}}
    headline = {Task.DISEASES: "mentions_strict"}
    strong = told(card(scores=[scores(scores=good, headline=headline)]))
    assert not {"low_recall", "low_precision"} & strong.keys()


def test_what_finds_nothing_has_no_precision_to_be_blamed_for() -> None:
    """0 of 0 is no weakness; missing all is one."""
    nothing = {Task.DISEASES: {"mentions_strict": score(0, 0, 20)}}
    headline = {Task.DISEASES: "mentions_strict"}
    found = told(card(scores=[scores(scores=nothing, headline=headline)]))
    assert found["low_recall"].startswith("100 % of the annotated diseases")
    assert "low_precision" not in found


def test_scores_on_training_documents_do_not_count() -> None:
    """If all evaluations have some it is said; else the newest without any is drawn from."""
    assert "measured_on_training_documents" in told(card(scores=[scores(seen=3)]))
    flattering = {Task.DISEASES: {"mentions_strict": score(99, 50, 1)}}
    newest = scores(seen=400, scores=flattering, headline={Task.DISEASES: "mentions_strict"})
    found = told(card(scores=[newest, scores()]))
    assert "measured_on_training_documents" not in found
    assert found["low_recall"].startswith("25 %")


def test_answers_held_back_on_purpose_are_no_weakness() -> None:
    """An evaluation with `min_precision` is on the card, and said to be; limits are of another."""
    sure = scores(
        options=EvaluationOptions(min_precision=0.9, vocabularies=["voc_`1"]),
        scores={Task.DISEASES: {"mentions_strict": score(1, 0, 99)}},
        headline={Task.DISEASES: "mentions_strict"},
    )
    made = card(scores=[sure, scores(dataset_id="ds_2")])
    assert told(made)["low_recall"].startswith("25 % of the annotated diseases")
    assert told(made)["low_recall"].endswith("on dev of ds_2).")
    assert told(card(scores=[sure]))["low_recall"].startswith("99 % ")
    page = markdown(made)
    assert "Asked with `vocabularies` ``voc_`1``, `min_precision` `0.9`." in page
    assert page.count("Asked with") == 1


@pytest.mark.parametrize(
    ("changes", "expected", "absent"),
    [
        ({}, {"licence_unknown", "same_source", "identifiers", "tasks"}, {"few_documents"}),
        ({"scores": []}, {"not_measured"}, {"same_source", "low_recall"}),
        (
            {"scores": [scores(), scores(dataset_id="ds_2")]},
            {"low_recall"},
            {"same_source", "not_measured"},
        ),
        ({"data": None, "kind": "base"}, {"training_unknown"}, {"licence_unknown"}),
        ({"scores": [scores(ungrounded=4)]}, {"ungrounded"}, set()),
    ],
)
def test_limits_follow_from_the_card(
    changes: dict[str, Any], expected: set[str], absent: set[str]
) -> None:
    """What is true of this card is said, and nothing else."""
    found = told(card(**changes)).keys()
    assert expected <= found
    assert all(f"| `{code_}` |" in PAGE for code_ in found), "docs/model-cards.md lists the codes"
    assert not absent & found
    assert {"review_needed", "domain"} <= found


def test_few_documents_missing_tasks_and_retirement_are_said() -> None:
    """With their numbers, names and dates."""
    made = card()
    assert made.data is not None
    made.data.documents = 88
    made.model.retired_on = date(2026, 1, 31)
    found = {each.code: each.detail for each in limits(made)}
    assert "88 documents" in found["few_documents"]
    assert found["tasks"] == "It does not extract relations."
    assert "2026-01-31" in found["retired"]


def test_identifiers_depend_on_how_it_was_trained() -> None:
    """With a vocabulary, of the training data only, or not by itself at all."""
    vocabulary = CardVocabulary(id="voc_1", name="mesh", sha256=None, concepts=2, names=3)
    assert "vocabularies as they were" in told(card(vocabularies=[vocabulary]))["identifiers"]
    assert "only those of its training data" in told(card())["identifiers"]
    assert "no identifiers by itself" in told(card(kind="base", data=None))["identifiers"]


def test_names_of_users_are_no_markup() -> None:
    """Whatever names are: no link, image, HTML, emphasis or heading comes of them."""
    vocabulary = CardVocabulary(id=HOSTILE, name=HOSTILE, sha256=None, concepts=2, names=3)
    warning = EvaluationWarning(code="x", model=None, detail=HOSTILE)
    comparison = Comparison(
        baseline=HOSTILE,
        model="mdl_1",
        task=Task.DISEASES,
        measure="mentions_strict",
        difference=0.02,
        low=0.01,
        high=0.03,
        confidence=0.95,
        p_value=0.0002,
        won=1,
        lost=0,
        tied=3,
        resamples=100,
    )
    measured = scores(HOSTILE, warnings=[warning], comparisons=[comparison], splits=[HOSTILE])
    made = card(HOSTILE, vocabularies=[vocabulary], scores=[measured])
    tokens = parsed(markdown(made))
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "html_inline", "html_block", "em_open", "s_open"}
    titles = [
        tokens[place + 1].content for place, t in enumerate(tokens) if t.type == "heading_open"
    ]
    assert len(titles) == 8
    assert titles[0].startswith("Model card: ")
    assert titles[1:3] == ["Limits", "Data"]
    bold = [tokens[at + 1].content for at, t in enumerate(tokens) if t.type == "strong_open"]
    assert set(bold) == {"mentions_strict", "Warning:"}
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) == 1 + 4


@pytest.mark.parametrize("name", ["plain", "a`b", "`", "``", "a\\", "a|b", " ", "\x00"])
def test_a_name_is_one_code_span_and_one_cell(name: str) -> None:
    """The name comes out of Markdown as it went in, but for bars in a table, and blanks."""
    spans = [token.content for token in parsed(f"x {code(name)} y") if token.type == "code_inline"]
    assert [span.strip() for span in spans] == [name.replace("\x00", "").strip()]
    table = f"| a | b |\n|---|---|\n| {cell(name)} | end |"
    tokens = parsed(table)
    cells = [tokens[at + 1] for at, t in enumerate(tokens) if t.type == "td_open"]
    assert len(cells) == 2
    assert cells[1].content == "end"


def test_a_sentence_comes_out_as_it_went_in() -> None:
    """Escapes are seen by no reader, but by what makes links of bare addresses."""
    assert not re.findall(r"(?<!\\)://|www\.", plain(HOSTILE + " WWW.x"), re.IGNORECASE)
    rendered = PARSER.renderInline(plain("a_b *c* 1 < 2: see https://x.example"))
    assert rendered == "a_b *c* 1 &lt; 2: see https://x.example"


def test_the_page_has_all_parts() -> None:
    """Every figure of the card is there to be read."""
    page = markdown(card(figures=[]))
    for words in (
        "- Dataset: `mine` (`ds_1`)",
        "- Split `mine`: 500 documents",
        "- Training time: 59 s",
        "- Hyperparameters: `preset` `mine`",
        "| diseases | **mentions_strict** | 60.0 | 75.0 | 66.7 | 75 | 50 | 25 |",
        "| relations | gold_mentions | | | not measurable | | | |",
        f"- dataset `ds_1`, sha256 `{'ab' * 32}`",
        "- Licence: unknown",
    ):
        assert words in page, words
    bare = markdown(card(data=None, recipe=None, scores=[], kind="base"))
    assert "Not trained here." in bare
    assert "It has not been measured here." in bare


def parsed(text: str) -> list[Token]:
    """All tokens as GitHub would have them, those within lines among the others."""
    flat = []
    for token in PARSER.parse(text):
        flat.append(token)
        flat += token.children or []
    return flat
