"""BC5CDR as documents, read straight from its JSON so that no other reader is needed here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.corpora.documents import MESH, Document, Mention, Passage, Relation


def documents(folder: Path, split: str | None = None) -> Iterator[Document]:
    for entry in json.loads((folder / "bc5cdr.json").read_bytes()):
        if split in (None, entry["dataset_type"]):
            yield _document(entry["passages"])


def _document(passages: list[dict[str, Any]]) -> Document:
    title, abstract = passages
    return Document(
        id=title["document_id"],
        passages=(
            Passage("title", 0, title["text"]),
            Passage("abstract", len(title["text"]) + 1, abstract["text"]),
        ),
        mentions=tuple(
            Mention(
                entity["offsets"][0][0],
                entity["offsets"][0][1],
                entity["text"][0],
                entity["type"],
                tuple(MESH + concept["db_id"] for concept in entity["normalized"]),
            )
            for passage in passages
            for entity in passage["entities"]
        ),
        relations=tuple(
            Relation(MESH + relation["arg1_id"], MESH + relation["arg2_id"])
            for relation in title["relations"]
        ),
    )
