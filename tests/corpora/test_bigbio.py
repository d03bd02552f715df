"""BigBio JSON: the source schema, and the knowledge-base schema of the same document."""

import json
from typing import Any

import pytest

from tests.corpora.samples import ABSTRACT, SAMPLE, TITLE, codes, read, written


def source() -> dict[str, Any]:
    """The sample document as `bc5cdr_source` has it."""
    relations = [{"id": "R0", "type": "CID", "arg1_id": "D001241", "arg2_id": "D051437"}]
    aspirin = {
        "id": "0",
        "offsets": [[8, 15]],
        "text": ["aspirin"],
        "type": "Chemical",
        "normalized": [{"db_name": "MESH", "db_id": "D001241"}],
    }
    failure = {
        "id": "1",
        "offsets": [[27, 52]],
        "text": ["renal and hepatic failure"],
        "type": "Disease",
        "normalized": [
            {"db_name": "MESH", "db_id": "D051437"},
            {"db_name": "OMIM", "db_id": "1"},
        ],
        "parts": ["renal failure", "hepatic failure"],
    }
    rats = {"id": "2", "offsets": [[62, 66]], "text": ["rats"], "type": "Disease", "normalized": []}
    passages = [
        ("title", TITLE, [aspirin]),
        ("abstract", ABSTRACT, [failure, rats]),
    ]
    return {
        "passages": [
            {
                "document_id": "42",
                "type": type_,
                "text": text,
                "entities": entities,
                "relations": relations,
            }
            for type_, text, entities in passages
        ],
        "dataset_type": "dev",
    }


def knowledge_base() -> dict[str, Any]:
    """The same as `bc5cdr_bigbio_kb` has it: all at the top, relations between entities."""
    raw = source()
    entities = [entity for passage in raw["passages"] for entity in passage["entities"]]
    for entity in entities:
        entity["id"] = "42_" + entity["id"]
    # One concept, so that the relation is between two concepts and not three.
    entities[2]["normalized"] = [{"db_name": "MESH", "db_id": "D051437"}]
    arguments = {"arg1_id": "42_0", "arg2_id": "42_2"}
    return {
        "id": "7",
        "document_id": "42",
        "passages": [
            {"id": "7_0", "type": "title", "text": [TITLE], "offsets": [[0, 16]]},
            {"id": "7_1", "type": "abstract", "text": [ABSTRACT], "offsets": [[17, 67]]},
        ],
        "entities": entities,
        "relations": [{"id": "R0", "type": "CID", "normalized": []} | arguments] * 2,
        "events": [],
        "coreferences": [],
    }


def dumps(raw: Any) -> bytes:
    return json.dumps(raw).encode()


@pytest.mark.parametrize(
    "data",
    [
        dumps([source()]),
        dumps(source()),
        json.dumps(source(), indent=1).encode(),
        json.dumps([source()], indent=1, ensure_ascii=False).encode(),
    ],
)
def test_the_source_schema(data: bytes) -> None:
    """The relations stand in both passages, and are read once."""
    assert read("bigbio_json", data) == ([("dev", SAMPLE)], [])


def test_the_source_schema_is_written() -> None:
    assert json.loads(written("bigbio_json", [("dev", SAMPLE)])) == [source()]
    assert json.loads(written("bigbio_json", [])) == []


def test_one_document_a_line() -> None:
    data = (dumps(source()) + b"\n") * 3
    assert read("bigbio_json", data) == ([("dev", SAMPLE)] * 3, [])


def test_the_knowledge_base_schema() -> None:
    found, problems = read("bigbio_json", dumps([knowledge_base()]))
    assert problems == []
    ((split, document),) = found
    assert split is None
    assert (document.id, document.passages) == (SAMPLE.id, SAMPLE.passages)
    assert document.mentions[:2] == SAMPLE.mentions[:2]
    assert document.relations == SAMPLE.relations


def test_arguments_in_the_other_order_are_turned_by_their_types() -> None:
    raw = knowledge_base()
    raw["relations"][0] = raw["relations"][0] | {"arg1_id": "42_2", "arg2_id": "42_0"}
    assert read("bigbio_json", dumps(raw))[0][0][1].relations == SAMPLE.relations


def test_fragments_are_checked_each_and_become_their_outer_span() -> None:
    raw = source()
    entity = raw["passages"][1]["entities"][0]
    entity |= {"offsets": [[27, 32], [45, 52]], "text": ["renal", "failure"]}
    found, problems = read("bigbio_json", dumps([raw]))
    assert (found, problems) == ([("dev", SAMPLE)], [])
    for texts in (["renal", "FAILURE"], ["renal"], ["renal", "failure", ""]):
        entity["text"] = texts
        assert codes(read("bigbio_json", dumps([raw]))[1])[0] == ("offset_mismatch", 1)
    entity |= {"offsets": [[27, 32]], "text": ["renal", "failure"]}
    assert codes(read("bigbio_json", dumps([raw]))[1])[0] == ("offset_mismatch", 1)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"offsets": [[8, 16]]}, "offset_mismatch"),
        ({"offsets": [[-8, -1]]}, "span_outside_document"),
        ({"offsets": [[8, 10**18]]}, "span_outside_document"),
        ({"offsets": []}, "span_outside_document"),
        ({"text": []}, "span_outside_document"),
        ({"offsets": [[8, 10**30]]}, "malformed_document"),
        ({"offsets": [["x", 15]]}, "malformed_document"),
        ({"offsets": [8, 15]}, "malformed_document"),
        ({"offsets": [[8]]}, "malformed_document"),
        ({"offsets": [[8.0, 15.0]]}, "malformed_document"),
        ({"text": [5.5]}, "malformed_document"),
        ({"text": None}, "malformed_document"),
        ({"type": "Gene"}, "unknown_type"),
        ({"type": None}, "unknown_type"),
        ({"normalized": [{"db_name": "MESH", "db_id": "D 1"}]}, "bad_identifier"),
        ({"normalized": [{"db_name": "MESH", "db_id": []}]}, "malformed_document"),
        ({"normalized": 5}, "malformed_document"),
    ],
)
def test_every_bad_entity_is_named(change: dict[str, Any], code: str) -> None:
    """With the line its document begins on; the other entities are still read."""
    raw = source()
    raw["passages"][0]["entities"][0] |= change
    found, problems = read("bigbio_json", dumps(source()) + b"\n" + dumps(raw))
    # Without its mention, the relation names a concept that nobody mentions.
    assert codes(problems) == [(code, 2), ("unknown_relation_identifier", 2)]
    assert [mention.text for mention in found[1][1].mentions] == [
        "renal and hepatic failure",
        "rats",
    ]


def test_minus_one_is_no_identifier() -> None:
    raw = source()
    raw["passages"][1]["entities"][1]["normalized"] = [{"db_name": "MESH", "db_id": "-1"}]
    assert read("bigbio_json", dumps([raw])) == ([("dev", SAMPLE)], [])


def test_half_surrogates_are_refused() -> None:
    """They are valid JSON, but no UTF-8 file and no database can hold them."""
    raw = source()
    raw["passages"][1]["text"] = ABSTRACT.replace("It", "\ud800t")
    found, problems = read("bigbio_json", dumps([raw]))
    assert codes(problems) == [("invalid_character", 1)]
    written("bigbio_json", found)


def test_a_few_bytes_cannot_make_a_mention_as_long_as_the_text() -> None:
    """Two fragments far apart are cheap to write; a thousand such mentions would fill memory."""
    raw = source()
    raw["passages"][1]["text"] = ABSTRACT + " " * 2000 + "x"
    raw["passages"][1]["entities"][1] |= {
        "offsets": [[62, 66], [2067, 2068]],
        "text": ["rats", "x"],
    }
    assert codes(read("bigbio_json", dumps(raw))[1]) == [("too_large", 1)]


def test_a_few_identifiers_cannot_make_relations_without_end() -> None:
    raw = knowledge_base()
    concepts = [{"db_name": "MESH", "db_id": f"D{n}"} for n in range(50)]
    for entity in raw["entities"]:
        entity["normalized"] = concepts
    raw["relations"] = [raw["relations"][0] | {"type": f"T{n}"} for n in range(1000)]
    found, problems = read("bigbio_json", dumps(raw))
    assert codes(problems) == [("too_large", 1)]
    assert len(found[0][1].relations) < 23_000
    concepts.append({"db_name": "MESH", "db_id": "D50"})
    assert codes(read("bigbio_json", dumps(raw))[1])[0] == ("bad_identifier", 1)


def test_an_argument_that_looks_like_an_entity_is_an_identifier_in_the_source_schema() -> None:
    raw = source()
    for passage in raw["passages"]:
        passage["relations"] = [{"type": "CID", "arg1_id": "0", "arg2_id": "1"}]
    (relation,) = read("bigbio_json", dumps(raw))[0][0][1].relations
    assert (relation.chemical, relation.disease) == ("MESH:0", "MESH:1")
