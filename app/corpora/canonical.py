"""One document as one line of canonical JSON: the same document always gives the same bytes.

Keys are sorted, nothing is padded, everything outside ASCII is kept as it is (UTF-8 on disk), so
that lines may be hashed and compared. Empty fields are left out. The keys:

    i  id          p  passages: [type, offset, text]
    m  mentions: [start, end, text, type, identifiers, parts]
    r  relations: [chemical, disease, type]
"""

import json
from typing import Any

from app.corpora.documents import Document, Mention, Passage, Relation

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def dumps(document: Document) -> str:
    """The document as one line, without the newline at its end."""
    row: dict[str, Any] = {
        "i": document.id,
        "p": [(p.type, p.offset, p.text) for p in document.passages],
    }
    if document.mentions:
        row["m"] = [
            (m.start, m.end, m.text, m.type, m.identifiers, m.parts) for m in document.mentions
        ]
    if document.relations:
        row["r"] = [(r.chemical, r.disease, r.type) for r in document.relations]
    return _encode(row)


def loads(line: str | bytes) -> Document:
    """The document of one line that `dumps` wrote; ValueError for anything else."""
    row = json.loads(line)
    try:
        return Document(
            id=row["i"],
            passages=tuple(Passage(*passage) for passage in row["p"]),
            mentions=tuple(
                Mention(start, end, text, type_, tuple(identifiers), tuple(parts))
                for start, end, text, type_, identifiers, parts in row.get("m", ())
            ),
            relations=tuple(Relation(*relation) for relation in row.get("r", ())),
        )
    except (TypeError, KeyError, AttributeError):
        raise ValueError("not a canonical document line") from None
