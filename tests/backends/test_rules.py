"""The baseline finds what its rules say, at exact offsets, for any text, and trains nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.base import (
    Annotations,
    Backend,
    BackendError,
    Examples,
    JobStatus,
    TrainingJob,
)
from app.backends.rules import RulesBackend
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN

ALL = frozenset(Task)


async def annotated(text: str, tasks: frozenset[Task] = ALL) -> Annotations:
    backend: Backend = RulesBackend()
    (annotations,) = await backend.extract("rules", [text], tasks)
    return annotations


async def found(text: str, tasks: frozenset[Task] = ALL) -> set[tuple[str, str]]:
    mentions = (await annotated(text, tasks)).mentions
    return {(text[mention.start : mention.end], mention.type) for mention in mentions}


async def test_names_are_found_by_ending_by_heart_and_by_what_they_induce() -> None:
    text = "Xylomycin and lithium; qubrex-induced tremor, gastritis, saline controls in baseline."
    assert await found(text) == {
        ("Xylomycin", "Chemical"),
        ("lithium", "Chemical"),
        ("qubrex", "Chemical"),
        ("tremor", "Disease"),
        ("gastritis", "Disease"),
    }


async def test_salts_acids_and_modifiers_belong_to_the_name() -> None:
    text = "Lithium carbonate or mefenamic acid, then acute renal failure and liver disease."
    assert await found(text) == {
        ("Lithium carbonate", "Chemical"),
        ("mefenamic acid", "Chemical"),
        ("acute renal failure", "Disease"),
        ("liver disease", "Disease"),
    }


async def test_the_longest_of_overlapping_names_is_the_one_given() -> None:
    # Both words are names of their own, and the first belongs to the second as well.
    assert await found("Diabetic neuropathy.") == {("Diabetic neuropathy", "Disease")}


async def test_heads_that_need_a_word_before_them_are_nothing_alone() -> None:
    assert await found("The disease, its clinical failure, severe injury.") == set()


async def test_an_abbreviation_defined_after_a_name_is_found_everywhere() -> None:
    text = "Renal failure (RF) came late. RF and (XX) and renal failure."
    mentions = (await annotated(text)).mentions
    assert [(m.start, m.end) for m in mentions] == [(0, 13), (15, 17), (30, 32), (46, 59)]


async def test_a_causal_sentence_relates_first_mentions_and_is_the_evidence() -> None:
    text = "Lithium was given. Ulcers healed. LITHIUM caused tremor. Tremor after lithium."
    annotations = await annotated(text)
    (relation,) = annotations.relations
    mentions = annotations.mentions
    named = [mentions[relation.chemical], mentions[relation.disease]]
    assert [text[mention.start : mention.end] for mention in named] == ["Lithium", "tremor"]
    assert [text[start:end] for start, end in relation.evidence] == [
        "LITHIUM caused tremor.",
        "Tremor after lithium.",
    ]


async def test_only_what_is_asked_for_and_what_relations_name_is_given() -> None:
    text = "Lithium caused tremor. Aspirin alone. Ulcers alone."
    lithium, tremor = ("Lithium", "Chemical"), ("tremor", "Disease")
    assert await found(text, frozenset({Task.CHEMICALS})) == {lithium, ("Aspirin", "Chemical")}
    assert await found(text, frozenset({Task.DISEASES})) == {tremor, ("Ulcers", "Disease")}
    assert await found(text, frozenset({Task.RELATIONS})) == {lithium, tremor}
    assert await found(text, frozenset()) == set()


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["renal ", "failure", " (RF)", "aspirin", "-induced ", "caused ", "\u0130itis ", ". "]
        )
        | st.text(max_size=3)
    ).map("".join)
)
async def test_any_text_gives_mentions_in_order_that_do_not_overlap(text: str) -> None:
    annotations = await annotated(text)
    ends = [0]
    for mention in annotations.mentions:
        assert ends[-1] <= mention.start < mention.end <= len(text)
        ends.append(mention.end)
    for relation in annotations.relations:
        assert annotations.mentions[relation.chemical].type == "Chemical"
        assert annotations.mentions[relation.disease].type == "Disease"
        assert relation.evidence


async def test_long_hostile_texts_are_done_in_a_thread_with_the_same_result() -> None:
    hostile = ["renal " * 20_000, "-a" * 50_000, "aspirin nausea induced " * 5_000, "(" * 100_000]
    short = "Lithium caused tremor."
    results = await RulesBackend().extract("rules", [*hostile, short], ALL)
    assert results[-1] == await annotated(short)
    assert len(results[2].relations) == 1


async def test_the_relations_of_one_endless_sentence_are_bounded() -> None:
    names = " ".join(f"x{n}mycin y{n}itis" for n in range(3_000))
    annotations = await annotated(f"{names} induced")
    assert (len(annotations.mentions), len(annotations.relations)) == (6_000, 100)


async def test_there_is_one_model_and_it_cannot_be_trained(tmp_path: Path) -> None:
    backend = RulesBackend()
    (model,) = await backend.base_models()
    assert (backend.name, backend.configured, backend.hyperparameters) == ("rules", True, None)
    assert (model.name, model.tasks, model.can_extract, model.can_tune) == (
        "rules",
        ALL,
        True,
        False,
    )
    with pytest.raises(BackendError) as unknown:
        await backend.extract("other", ["x"], ALL)
    job = TrainingJob(
        "ft_1", "rules", ALL, BUILT_IN, {}, Examples(tmp_path / "documents", tmp_path / "rows")
    )
    with pytest.raises(BackendError) as untrainable:
        await backend.launch(job)
    assert [unknown.value.code, untrainable.value.code] == [
        "model_not_found",
        "capability_unavailable",
    ]
    assert (await backend.poll("ft_1")).status is JobStatus.LOST
    await backend.cancel("ft_1")
    await backend.delete_model("rules")
    await backend.close()
