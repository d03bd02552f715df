"""BigBio JSON: the `bc5cdr` source schema and the knowledge-base (KB) schema (Fries et al. 2022).

Source: `{passages: [{document_id, type, text, entities, relations}], dataset_type}`, every relation
repeated in each passage and naming MeSH ids; a passage begins one code point after the one before.
KB: `{document_id, passages: [{type, text[], offsets}], entities, relations}`, relations naming
entities. A file is a list of documents, or one a line; `dataset_type` is the split.

Written is the source schema. Two keys of our own, only where there is need: an entity's `parts`
(names of a composite mention's parts) and a passage's `offset` (where it is not the implied one).
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from app.corpora.documents import Document, Mention
from app.corpora.draft import Draft
from app.corpora.identifiers import bare, curies
from app.corpora.json_stream import records
from app.corpora.problems import Report, problem
from app.corpora.shapes import (
    MalformedError,
    Raw,
    as_string,
    integer,
    items,
    rows,
    split_name,
    string,
    table,
)


def read(stream: BinaryIO, report: Report) -> Iterator[tuple[str | None, Document]]:
    """The documents with their splits, one by one; problems go to `report`."""
    for line, raw, _ in records(stream, report):
        draft: Draft | None = None
        try:
            raw = table(raw, "document")
            passages = rows(raw, "passages")
            named = next((row for row in (raw, *passages) if row.get("document_id")), raw)
            draft = Draft(string(named, "document_id", string(raw, "id", "")), report, line)
            yield split_name(raw.get("dataset_type")), _filled(draft, raw, passages, line)
        except MalformedError as error:
            document_id = draft.id if draft else None
            report(problem("malformed_document", str(error), line=line, document_id=document_id))


def write(documents: Iterable[tuple[str | None, Document]], out: BinaryIO) -> None:
    """Write a list of documents, one a line, in the source schema."""
    mark = "[\n"
    for split, document in documents:
        raw = _raw(split, document)
        out.write((mark + json.dumps(raw, ensure_ascii=False, separators=(",", ":"))).encode())
        mark = ",\n"
    out.write(b"[]\n" if mark == "[\n" else b"\n]\n")


def _filled(draft: Draft, raw: Raw, passages: list[Raw], line: int) -> Document:
    for passage in passages:
        _add_passage(draft, passage, line)
    # Only the KB schema has entities at the top, and only there do relations name entities.
    named = {string(entity, "id", ""): entity for entity in rows(raw, "entities")}
    for holder in (raw, *passages):
        for entity in rows(holder, "entities"):
            try:
                _add_entity(draft, entity, line)
            except MalformedError as error:
                draft.problem("malformed_document", str(error), line)
    for holder in (raw, *passages):
        for relation in rows(holder, "relations"):
            try:
                _add_relation(draft, relation, named, line)
            except MalformedError as error:
                draft.problem("malformed_document", str(error), line)
    return draft.document()


def _add_passage(draft: Draft, raw: Raw, line: int) -> None:
    type_, spans = string(raw, "type", ""), _spans(raw)
    if isinstance(raw.get("text"), list):
        for number, text in enumerate(items(raw, "text")):
            start = spans[number][0] if number < len(spans) else None
            draft.add_passage(type_, as_string(text, "text"), start, line)
    else:
        offset = integer(raw["offset"], "offset") if "offset" in raw else None
        draft.add_passage(type_, string(raw, "text", ""), offset, line)


def _spans(raw: Raw) -> list[tuple[int, int]]:
    spans = []
    for pair in items(raw, "offsets"):
        if not isinstance(pair, list) or len(pair) != 2:
            raise MalformedError("'offsets' is not a list of pairs")
        spans.append((integer(pair[0], "offsets"), integer(pair[1], "offsets")))
    return spans


def _add_entity(draft: Draft, raw: Raw, line: int) -> None:
    texts = raw.get("text")
    texts = [as_string(text, "text") for text in (texts if isinstance(texts, list) else [texts])]
    parts = [as_string(part, "parts") for part in items(raw, "parts")]
    label = string(raw, "type", "")
    draft.add_fragments(_spans(raw), texts, label, _identifiers(raw), parts, line)


def _identifiers(raw: Raw) -> tuple[str, ...]:
    found: list[str] = []
    for concept in rows(raw, "normalized"):
        name, local = string(concept, "db_name", ""), string(concept, "db_id", "")
        joined = local if ":" in local else "|".join(f"{name}:{one}" for one in local.split("|"))
        found.extend(curies(joined))
    return tuple(found)


def _add_relation(draft: Draft, raw: Raw, named: dict[str, Raw], line: int) -> None:
    sides = [string(raw, "arg1_id"), string(raw, "arg2_id")]
    labels = [string(named[side], "type", "").lower() if side in named else "" for side in sides]
    if labels == ["disease", "chemical"]:
        sides.reverse()
    chemicals, diseases = (
        _identifiers(named[side]) if side in named else curies(side) for side in sides
    )
    draft.add_relation(chemicals, diseases, string(raw, "type", ""), line)


def _raw(split: str | None, document: Document) -> dict[str, Any]:
    relations = [
        {
            "id": f"R{number}",
            "type": relation.type,
            "arg1_id": bare(relation.chemical),
            "arg2_id": bare(relation.disease),
        }
        for number, relation in enumerate(document.relations)
    ]
    passages: list[dict[str, Any]] = []
    implied = 0
    for passage in document.passages:
        place = {} if passage.offset == implied else {"offset": passage.offset}
        implied = passage.offset + len(passage.text) + 1
        passages.append(
            {"document_id": document.id, "type": passage.type, "text": passage.text}
            | place
            | {"entities": [], "relations": relations}
        )
    offsets = [passage.offset for passage in document.passages]
    for number, mention in enumerate(document.mentions):
        home = max(0, bisect_right(offsets, mention.start) - 1)
        passages[home]["entities"].append(_entity(str(number), mention))
    return {"passages": passages} | ({} if split is None else {"dataset_type": split})


def _entity(number: str, mention: Mention) -> dict[str, Any]:
    concepts = [curie.partition(":") for curie in mention.identifiers]
    entity: dict[str, Any] = {
        "id": number,
        "offsets": [[mention.start, mention.end]],
        "text": [mention.text],
        "type": mention.type,
        "normalized": [{"db_name": name, "db_id": local} for name, _, local in concepts],
    }
    return entity | ({"parts": mention.parts} if mention.parts else {})
