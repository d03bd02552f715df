"""How fast a batch goes and how long it still takes; and extractions turned back into documents."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Annotations, FoundMention
from app.corpora.documents import Mention, Passage, Relation
from app.extraction_batches.present import rate
from app.extractions.service import ExtractionOptions, OffsetUnit, as_document, to_json
from app.prompts.tasks import Task
from app.tables import ExtractionShardRow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def shard(begun: float, ended: float, documents: int = 100) -> ExtractionShardRow:
    return ExtractionShardRow(
        started_at=NOON + timedelta(seconds=begun),
        finished_at=NOON + timedelta(seconds=ended),
        documents=documents,
    )


@pytest.mark.parametrize(
    ("shards", "expected"),
    [
        ([], None),
        ([shard(0, 10)], 10.0),
        ([shard(0, 0)], None),
        # Two at a time: what came after the first one's end.
        ([shard(0, 10), shard(0, 10), shard(10, 20), shard(10, 20)], 30.0),
        ([shard(20, 30, 50), shard(0, 10), shard(10, 20)], 7.5),
    ],
)
def test_rate(shards: list[ExtractionShardRow], expected: float | None) -> None:
    """Documents a second, whatever the order of the rows."""
    assert rate(shards) == expected


TEXTS = st.text(st.sampled_from("ab \U0001f600\u00e9\u4e2d\x0b\n\t"), min_size=4, max_size=30)


@given(TEXTS, st.sampled_from(["code_point", "utf16", "byte"]), st.data())
def test_places_survive_every_unit(text: str, unit: OffsetUnit, data: st.DataObject) -> None:
    """A mention is where it was found, and its surface is what the document says there."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    found = Annotations((FoundMention(start, end, "Disease", ("MESH:D1",)),))
    said = json.loads(
        to_json("m", text, found, frozenset({Task.DISEASES}), ExtractionOptions(offset_unit=unit))
    )
    document = as_document("1", [Passage("abstract", 0, text)], said, unit)
    surface = text.replace("\x0b", " ")[start:end]
    assert document.mentions == (Mention(start, end, surface, "Disease", ("MESH:D1",)),)


def test_a_side_without_identifier_is_named() -> None:
    """Where a relation speaks of it, and nowhere else."""
    said = {
        "chemicals": [
            {"text": "Aspirin", "identifiers": [], "mentions": [{"start": 0, "end": 7}]},
            {"text": "tea", "identifiers": [], "mentions": [{"start": 13, "end": 16}]},
        ],
        "diseases": [
            {
                "text": "pain",
                "identifiers": ["MESH:D1", "MESH:D2"],
                "mentions": [{"start": 8, "end": 12}],
            }
        ],
        "relations": [
            {
                "chemical": "Aspirin",
                "disease": "pain",
                "chemical_identifiers": [],
                "disease_identifiers": ["MESH:D1", "MESH:D2"],
            }
        ],
    }
    document = as_document("1", [Passage("abstract", 0, "Aspirin pain tea")], said, "code_point")
    assert [mention.identifiers for mention in document.mentions] == [
        ("NAME:aspirin",),
        ("MESH:D1", "MESH:D2"),
        (),
    ]
    assert document.relations == (
        Relation("NAME:aspirin", "MESH:D1"),
        Relation("NAME:aspirin", "MESH:D2"),
    )
