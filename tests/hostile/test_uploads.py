"""Vocabularies and batches that are meant to do harm are refused, or fail for what they are.

`python -m faults.hostile` uploads all of them, the large ones as well.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.commands.service import settled
from app.corpora.unpack import Limits
from app.own_service import OwnService, own_service
from app.platform.blobs import Blobs
from app.terminology.formats import VocabularyFormat
from app.vocabularies.build import BuildRequest, Source, build
from tests.databases import NewDatabase, environment
from tests.hostile.uploads import (
    BATCHES,
    LINES,
    UPLOADS,
    VOCABULARIES,
    as_expected,
    failures,
    outcome,
    send,
)

_OWNER = "voc_" + "0" * 32
# Those in which something could reach the database that it does not take.
_FEW = [
    ("datasets", "a NUL"),
    ("datasets", "bidirectional controls"),
    ("vocabularies", "NUL, plain"),
    ("vocabularies", "marks, mesh_descriptors"),
    ("extraction-batches", "gzip of half a surrogate pair"),
]


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[OwnService]:
    folder: Path = tmp_path_factory.mktemp("data")
    with new_database() as url, own_service(folder, environment(url)) as service:
        yield service
        log = service.log.read_text()
        assert "request_broke" not in log
        assert "job_step_broke" not in log


@pytest.mark.parametrize("case", [case for case in VOCABULARIES if "MB" not in case])
def test_vocabularies(tmp_path: Path, case: str) -> None:
    """As its job reads them, without the service around it."""
    hostile = VOCABULARIES[case]
    blobs = Blobs.in_folder(tmp_path)
    with blobs.writer(_OWNER) as out:
        out.write(hostile.content())
    source = Source(out.key, "upload", out.size)
    format_ = VocabularyFormat(hostile.format or "plain")
    built = build(BuildRequest(_OWNER, (source,), format_, "Chemical", blobs, Limits()))
    said = ["ready"] if built.fault is None else ["failed", built.fault]
    assert as_expected(hostile, said), said


def test_batches(service: OwnService) -> None:
    """All but the largest, at once; none is in the way of the others."""
    small = [case for case in BATCHES if "MB" not in case]
    kind = "extraction-batches"
    sent = {case: send(service.client, kind, BATCHES[case], case) for case in small}
    found = {case: outcome(service.client, kind, answer) for case, answer in sent.items()}
    assert not {case: said for case, said in found.items() if not as_expected(BATCHES[case], said)}


def test_lines_of_a_batch(service: OwnService) -> None:
    """A line that is none fails by itself; those after it are read."""
    files = {"file": ("texts.jsonl", b"\n".join(LINES))}
    form = {"model": "local:rules"}
    answer = service.client.post("/v1/extraction-batches", files=files, data=form)
    batch = settled(service.client, answer.headers["Location"])
    failed = {each["index"]: each["code"] for each in failures(service.client, batch)}
    assert [failed.get(index) for index in range(len(LINES))] == [*LINES.values()]
    results = service.client.get(f"/v1/extraction-batches/{batch['id']}/results")
    assert results.text.count("\n") == len(LINES)


def test_on_each_database(service: OwnService) -> None:
    for number, (kind, case) in enumerate(_FEW):
        answer = send(service.client, kind, UPLOADS[kind][case], f"n{number}")
        said = outcome(service.client, kind, answer)
        assert as_expected(UPLOADS[kind][case], said), (case, said)
