"""From the JSON of an extraction back to an annotated document, for the formats of corpora.

Those need identifiers for relations: an item without one is its name (`NAME:...`, as in documents
made of prompt rows) where a relation speaks of it. Relations are of type CID, as in BC5CDR.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.corpora.documents import Document, Mention, MentionType, Passage, Relation
from app.extractions.offsets import back_converter
from app.extractions.schemas import OffsetUnit
from app.prompts.rows import identifier
from app.prompts.tasks import MENTION_TASKS

# What XML 1.0 cannot write.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SIDES: Mapping[MentionType, str] = {"Chemical": "chemical", "Disease": "disease"}


def as_document(
    document_id: str,
    passages: Sequence[Passage],
    extraction: Mapping[str, Any],
    unit: OffsetUnit,
) -> Document:
    """The document with what an extraction found in it; its offsets are in `unit`.

    Characters that not all formats can write become spaces.
    """
    text = Document(document_id, tuple(passages)).text
    convert = back_converter(text, unit)
    passages = tuple(replace(p, text=_UNWRITABLE.sub(" ", p.text)) for p in passages)
    empty = Document(document_id, passages)
    related = {
        (type_, relation[side])
        for relation in extraction.get("relations", ())
        for type_, side in _SIDES.items()
        if not relation[f"{side}_identifiers"]
    }
    mentions = []
    for task, type_ in MENTION_TASKS.items():
        for item in extraction.get(task.value, ()):
            identifiers = tuple(item["identifiers"])
            if not identifiers and (type_, item["text"]) in related:
                identifiers = (identifier(item["text"]),)
            for place in item["mentions"]:
                start, end = convert(place["start"]), convert(place["end"])
                surface = empty.text[start:end]
                mentions.append(Mention(start, end, surface, type_, identifiers))
    relations = dict.fromkeys(
        Relation(chemical, disease)
        for relation in extraction.get("relations", ())
        for chemical in _identifiers(relation, "chemical")
        for disease in _identifiers(relation, "disease")
    )
    mentions.sort(key=lambda mention: (mention.start, mention.end))
    return replace(empty, mentions=tuple(mentions), relations=tuple(relations))


def _identifiers(relation: Mapping[str, Any], side: str) -> Sequence[str]:
    return relation[f"{side}_identifiers"] or [identifier(relation[side])]
