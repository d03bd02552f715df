"""What BioC's XML and JSON share: the collection's content as plain objects (Comeau et al. 2013).

    document    {id, infons, passages, relations}
    passage     {offset, infons{type}, text | sentences, annotations}
    annotation  {id, infons{type, MESH | identifier, parts}, text, locations [{offset, length}]}
    relation    {id, infons{relation | type, Chemical, Disease}, nodes [{refid, role}]}

Identifiers are in the infon `MESH` (as in BC5CDR) or `identifier`, several joined by `|`. The
split is the infon `split` of the document, or of the collection. `parts` (the names of a composite
mention's parts, joined by `|`) is our own addition. All offsets count from the document's start.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from app.corpora.documents import MESH, Document, Mention
from app.corpora.draft import Draft
from app.corpora.identifiers import bare, curies, field
from app.corpora.problems import Report, problem
from app.corpora.shapes import (
    MalformedError,
    Raw,
    as_string,
    integer,
    rows,
    split_name,
    string,
    table,
)

_DATABASES = ("MESH", "OMIM")


def read_document(
    raw: Any, collection: Raw, line: int | None, report: Report
) -> tuple[str | None, Document] | None:
    """The document of one BioC object and its split; None (reported) if it has no such shape."""
    draft: Draft | None = None
    try:
        raw = table(raw, "document")
        draft = Draft(string(raw, "id", ""), report, line)
        split = split_name(_infons(raw).get("split") or _infons(collection).get("split"))
        return split, _filled(draft, raw, line)
    except MalformedError as error:
        document_id = draft.id if draft else None
        report(problem("malformed_document", str(error), line=line, document_id=document_id))
        return None


def to_raw(split: str | None, document: Document) -> dict[str, Any]:
    """The document as a BioC object, each annotation in the passage it begins in."""
    passages: list[dict[str, Any]] = [
        {"offset": p.offset, "infons": {"type": p.type}, "text": p.text, "annotations": []}
        for p in document.passages
    ]
    offsets = [passage.offset for passage in document.passages]
    for number, mention in enumerate(document.mentions):
        home = max(0, bisect_right(offsets, mention.start) - 1)
        passages[home]["annotations"].append(_annotation(str(number), mention))
    relations = [
        {
            "id": f"R{number}",
            "infons": {
                "relation": relation.type,
                "Chemical": bare(relation.chemical),
                "Disease": bare(relation.disease),
            },
        }
        for number, relation in enumerate(document.relations)
    ]
    infons = {} if split is None else {"split": split}
    return {"id": document.id, "infons": infons, "passages": passages, "relations": relations}


def _annotation(number: str, mention: Mention) -> dict[str, Any]:
    only_mesh = all(curie.startswith(MESH) for curie in mention.identifiers)
    infons = {
        "type": mention.type,
        "MESH" if only_mesh else "identifier": field(mention.identifiers),
    }
    if mention.parts:
        infons["parts"] = "|".join(mention.parts)
    location = {"offset": mention.start, "length": mention.end - mention.start}
    return {"id": number, "infons": infons, "text": mention.text, "locations": [location]}


def _filled(draft: Draft, raw: Raw, line: int | None) -> Document:
    passages = rows(raw, "passages")
    for passage in passages:
        type_ = as_string(_infons(passage).get("type", ""), "type")
        offset = integer(passage.get("offset"), "offset")
        draft.add_passage(type_, _text(passage, offset), offset, passage.get("line", line))
    named: dict[str, tuple[str, ...]] = {}
    for annotation in _each((raw, *passages), "annotations"):
        at = annotation.get("line", line)
        try:
            identifiers = _add_annotation(draft, annotation, at)
            named[string(annotation, "id", "")] = identifiers
        except MalformedError as error:
            draft.problem("malformed_document", str(error), at)
    for relation in _each((raw, *passages), "relations"):
        at = relation.get("line", line)
        try:
            _add_relation(draft, relation, named, at)
        except MalformedError as error:
            draft.problem("malformed_document", str(error), at)
    return draft.document()


def _each(holders: tuple[Raw, ...], name: str) -> Iterator[Raw]:
    for holder in holders:
        yield from rows(holder, name)
        for sentence in rows(holder, "sentences"):
            yield from rows(sentence, name)


def _text(passage: Raw, offset: int) -> str:
    sentences = rows(passage, "sentences")
    if passage.get("text") is not None or not sentences:
        return string(passage, "text", "")
    text = ""
    for sentence in sentences:
        gap = integer(sentence.get("offset"), "offset") - offset - len(text)
        if not 0 <= gap <= 100:
            raise MalformedError("'offset' of a sentence does not follow the one before it")
        text += " " * gap + string(sentence, "text", "")
    return text


def _add_annotation(draft: Draft, raw: Raw, line: int | None) -> tuple[str, ...]:
    infons = _infons(raw)
    identifiers = _identifiers(infons)
    # The published BC5CDR files also annotate each part of a composite mention on its own.
    if infons.get("CompositeRole") != "IndividualMention":
        spans = [
            (start, start + integer(location.get("length"), "length"))
            for location in rows(raw, "locations")
            for start in [integer(location.get("offset"), "offset")]
        ]
        parts = as_string(infons.get("parts", ""), "parts").split("|")
        label = as_string(infons.get("type", ""), "type")
        draft.add_fragments(spans, [string(raw, "text", "")], label, identifiers, parts, line)
    return identifiers


def _identifiers(infons: Raw) -> tuple[str, ...]:
    if "identifier" in infons:
        return curies(as_string(infons["identifier"], "identifier"))
    return tuple(
        curie if ":" in curie.removeprefix(MESH) else f"{name}:{bare(curie)}"
        for name in _DATABASES
        if name in infons
        for curie in curies(as_string(infons[name], name))
    )


def _add_relation(
    draft: Draft, raw: Raw, named: dict[str, tuple[str, ...]], line: int | None
) -> None:
    infons = _infons(raw)
    sides: dict[str, tuple[str, ...]] = {
        role: curies(as_string(infons[role], role))
        for role in ("Chemical", "Disease")
        if role in infons
    }
    for node in rows(raw, "nodes"):
        role = string(node, "role", "").capitalize()
        sides.setdefault(role, named.get(string(node, "refid", ""), ()))
    type_ = as_string(infons.get("relation", infons.get("type", "")), "relation")
    draft.add_relation(sides.get("Chemical", ()), sides.get("Disease", ()), type_, line)


def _infons(raw: Raw) -> Raw:
    return table(raw.get("infons"), "infons")
