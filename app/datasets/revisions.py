"""Corrected documents made a dataset: a new version of another one, or one of their own.

They are stored as a BioC JSON file and read by the dataset's ordinary job, so that what is wrong
with them is found and told as for an upload. Nothing is kept of what is refused.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from anyio import to_thread
from starlette.responses import Response

from app.corpora import canonical
from app.corpora.documents import Document
from app.corpora.draft import MAX_GAP, MAX_MENTION
from app.corpora.identifiers import field
from app.datasets.revision_schemas import RevisedDocument, Revision
from app.datasets.schemas import Dataset
from app.datasets.service import Datasets, new_dataset_id
from app.platform.blobs import Blobs
from app.platform.idempotency import created, fingerprint
from app.platform.lines import iterate
from app.platform.uploads import UploadedFile
from app.platform.work import Platform

FILENAME = "corrections.bioc.json"


async def revise(
    platform: Platform, base_id: str | None, revision: Revision, key: str | None = None
) -> Response:
    """The answer to a revision: 202, the dataset that is being made, and where to follow it.

    It begins with the documents of `base_id`; without one it has no others than those given. `key`
    is an Idempotency-Key. Raises ApiError `not_found`, `dataset_not_ready`, `unknown_split`,
    `idempotency_key_reused`, `storage_full`, `storage_unavailable`.
    """
    dataset_id = new_dataset_id()
    location, kept = f"/v1/datasets/{dataset_id}", False
    asked = fingerprint([base_id, revision.model_dump(mode="json")])
    try:
        file = await asyncio.to_thread(_store, platform.blobs, dataset_id, revision.documents)

        async def create() -> tuple[str, Dataset]:
            splits = list(dict.fromkeys(document.split for document in revision.documents))
            dataset = await Datasets(work).create_revision(
                dataset_id, base_id, revision.name, file, splits
            )
            return location, dataset

        async with platform.work(write=True) as work:
            answer = await created(work, "createDatasetRevision", key, asked, 202, create)
            # As for an upload: from here on it may be committed whatever is raised.
            kept = answer.headers["Location"] == location
    finally:
        if not kept:
            await platform.blobs.discard(dataset_id)
    return answer


def _store(blobs: Blobs, owner: str, documents: Sequence[RevisedDocument]) -> UploadedFile:
    with blobs.writer(owner) as out:
        for document in documents:
            # A line is a document: problems name its number.
            out.write(json.dumps(_bioc(document)).encode() + b"\n")
    return UploadedFile("documents", FILENAME, out.key, out.sha256, out.size)


def _bioc(document: RevisedDocument) -> dict[str, Any]:
    """The document as a BioC object (`app.corpora.bioc`), just as given: right or wrong."""
    text, passages = "", list[dict[str, Any]]()
    for passage in document.all_passages():
        offset = passage.offset
        if offset is None:
            offset = len(text) + 1 if passages else 0
        passages.append({"offset": offset, "infons": {"type": passage.type}, "text": passage.text})
        # A wider gap is refused: it must not cost the memory it stands for.
        text = text.ljust(min(offset, len(text) + MAX_GAP)) + passage.text
    return {
        "id": document.id,
        "infons": {"split": document.split},
        "passages": passages,
        "annotations": [
            {
                "text": _surface(text, mention.start, mention.end)
                if mention.text is None
                else mention.text,
                "locations": [{"offset": mention.start, "length": mention.end - mention.start}],
                "infons": {
                    "type": mention.type,
                    "identifier": field(tuple(mention.identifiers)),
                    "parts": "|".join(mention.parts),
                },
            }
            for mention in document.mentions
        ],
        "relations": [
            {
                "infons": {
                    "relation": relation.type,
                    "Chemical": relation.chemical,
                    "Disease": relation.disease,
                }
            }
            for relation in document.relations
        ],
    }


def _surface(text: str, start: int, end: int) -> str:
    # What is longer is refused, whatever stands there.
    return text[max(0, start) : end] if end - start <= MAX_MENTION else ""


async def split_of(platform: Platform, dataset_id: str, document_id: str) -> str | None:
    """The split that has a document of this id. Raises ApiError `not_found`, `dataset_not_ready`.

    It reads all documents: there is no index of them.
    """
    async with platform.work(write=False) as work:
        sources = await Datasets(work).split_sources(dataset_id)
    files = [(source.name, await platform.blobs.local(source.blob)) for source in sources]
    # As a canonical line begins: with the first of its keys in order.
    head = canonical.dumps(Document(document_id, ())).partition(',"p"')[0].encode() + b","

    def find() -> str | None:
        for name, path in files:
            if any(line.startswith(head) for line in iterate([path])):
                return name
        return None

    return await to_thread.run_sync(find, limiter=platform.heavy)
