"""Identifiers of vocabularies for what a generating model names; no service, a real index."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from app.backends.base import Annotations, BackendError, ExtractOptions, FoundMention
from app.backends.generation.annotate import annotate
from app.backends.generation.questions import Question, Reply
from app.backends.linking import link, opened
from app.backends.rules import RulesBackend
from app.corpora.documents import MentionType
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from app.terminology.concepts import Concept
from app.terminology.index import build_index

TEXT = "Acute kidney injury (AKI) after vancomycin. AKI and acute kidneey injury were mild."
KIDNEY = "MESH:D058186"


def index(folder: Path, name: str, *concepts: tuple[str, MentionType, str]) -> Path:
    """An index of concepts (identifier, type, one name each)."""
    path = folder / name
    build_index((Concept(each, type_, (called,)) for each, type_, called in concepts), path)
    return path


@pytest.fixture
def kidney(tmp_path: Path) -> Path:
    return index(tmp_path, "kidney", (KIDNEY, "Disease", "Acute Kidney Injury"))


async def generated(vocabularies: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """surface -> identifiers, of what a model is made to answer about TEXT."""

    async def complete(question: Question) -> Reply:
        if question.task is Task.CHEMICALS:
            return Reply("- vancomycin")
        return Reply("- Acute kidney injury\n- AKI\n- acute kidneey injury")

    options = ExtractOptions(template=BUILT_IN, vocabularies=tuple(vocabularies))
    tasks = frozenset({Task.DISEASES, Task.CHEMICALS})
    (found,) = await annotate([TEXT], tasks, options, json_mode=False, complete=complete)
    return {TEXT[m.start : m.end]: m.identifiers for m in found.mentions}


async def test_what_is_generated_gets_identifiers(kidney: Path) -> None:
    """By its name, by what its abbreviation stands for, by the nearest name; else none."""
    assert await generated([kidney]) == {
        "Acute kidney injury": (KIDNEY,),
        "AKI": (KIDNEY,),
        "acute kidneey injury": (KIDNEY,),
        "vancomycin": (),
    }
    assert set((await generated([])).values()) == {()}


async def test_the_first_vocabulary_wins_but_exact_names_win_first(tmp_path: Path) -> None:
    """A similar name of the first counts less than the very name in the second."""
    first = index(tmp_path, "first", ("X:1", "Disease", "Acute Kidney Injuri"))
    second = index(tmp_path, "second", ("X:2", "Disease", "Acute Kidney Injury"))
    third = index(tmp_path, "third", ("X:3", "Disease", "Acute Kidney Injury"))
    assert (await generated([first, second, third]))["AKI"] == ("X:2",)
    assert (await generated([third, second]))["AKI"] == ("X:3",)


async def test_of_similar_names_the_most_similar_wins(tmp_path: Path) -> None:
    """In whichever vocabulary it is; and what is too far from all has no concept."""
    far = index(tmp_path, "far", ("X:1", "Disease", "acute kidney injuries of children"))
    near = index(tmp_path, "near", ("X:2", "Disease", "Acute Kidney Injury"))
    missed = "acute kidneey injury"
    scores = [opened(path).nearest("Disease", missed) for path in (far, near)]
    assert scores[0] is not None
    assert scores[1] is not None
    assert scores[0][1] < 0.8 <= scores[1][1]
    assert (await generated([far, near]))[missed] == ("X:2",)
    assert (await generated([near, far]))[missed] == ("X:2",)
    assert (await generated([far]))[missed] == ()


def test_identifiers_that_are_there_stay(kidney: Path) -> None:
    """And types are not mixed up: a chemical does not get the identifier of a disease."""
    mentions = (
        FoundMention(0, 19, "Disease", ("X:9",)),
        FoundMention(0, 19, "Chemical"),
        FoundMention(0, 19, "Disease"),
    )
    found = link(Annotations(mentions=mentions), TEXT, [opened(kidney)])
    assert [m.identifiers for m in found.mentions] == [("X:9",), (), (KIDNEY,)]


async def test_models_without_such_scores_refuse_a_precision() -> None:
    """Rather than answer with what nobody has measured."""

    async def complete(question: Question) -> Reply:
        raise AssertionError("nothing is asked")

    options = ExtractOptions(min_precision=0.9)
    with pytest.raises(BackendError) as generating:
        await annotate([TEXT], frozenset(Task), options, json_mode=False, complete=complete)
    with pytest.raises(BackendError) as rules:
        await RulesBackend().extract("rules", [TEXT], frozenset(Task), options)
    assert {generating.value.code, rules.value.code} == {"min_precision_unavailable"}
