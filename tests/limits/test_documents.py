"""How many documents a dataset may have: what is beyond is not even read."""

import json
from pathlib import Path
from typing import Any

from app.datasets.ingest import IngestRequest, IngestResult, Source, SplitSource, ingest
from app.platform.blobs import Blobs
from app.platform.clock import new_id

LIMIT = 10


def documents(count: int, first: int = 0) -> bytes:
    return b"".join(
        b"%d|t|Aspirin and asthma %d.\n%d|a|Nothing.\n\n" % (n, n, n)
        for n in range(first, first + count)
    )


def read(folder: Path, content: bytes, **told: Any) -> tuple[IngestResult, list[dict[str, Any]]]:
    """What came of these bytes, and the problems reported."""
    blobs, owner = Blobs.in_folder(folder), new_id("ds")
    with blobs.writer(owner) as writer:
        writer.write(content)
    sources = (Source(writer.key, "train.txt", None, len(content)),)
    result = ingest(IngestRequest(owner, sources, None, blobs, 10**9, 100, LIMIT, **told))
    lines = blobs.fetch(result.report_blob).read_bytes().splitlines()
    return result, [json.loads(line) for line in lines]


def test_as_many_as_may_be_are_read(tmp_path: Path) -> None:
    result, problems = read(tmp_path, documents(LIMIT))
    assert problems == []
    assert result.splits[0].documents == LIMIT


def test_nothing_is_read_beyond_the_first_too_many(tmp_path: Path) -> None:
    """What comes later is broken, and that is not told."""
    result, problems = read(tmp_path, documents(LIMIT + 1) + documents(1) + b"broken\n" * 1000)
    assert [(each["code"], each["severity"]) for each in problems] == [
        ("too_many_documents", "error")
    ]
    assert str(LIMIT) in problems[0]["message"]
    assert (result.errors, result.splits) == (1, [])


def test_a_revision_is_counted_with_what_it_is_based_on(tmp_path: Path) -> None:
    """Documents that replace others do not count twice."""
    base, _ = read(tmp_path, documents(LIMIT))
    split = base.splits[0]
    told = {"base": (SplitSource(split.name, split.blob, split.characters),)}
    replaced, _ = read(tmp_path, documents(3), **told)
    assert replaced.splits[0].documents == LIMIT
    added, problems = read(tmp_path, documents(1, first=LIMIT), **told)
    assert [each["code"] for each in problems] == ["too_many_documents"]
    assert added.splits == []
