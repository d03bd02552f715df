"""What is meant to do harm is refused, or fails for what it is, and the service goes on.

A real service in a process of its own, whose memory is looked at afterwards.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.commands.service import settled
from app.own_service import OwnService, own_service
from tests.hostile.files import BODIES, FILES, TEXT

# Of the process that answers; files are read in others. Far above what docs/faults.md has.
_MOST_GROWTH_KIB = 300 << 10


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    with own_service(tmp_path_factory.mktemp("data")) as service:
        yield service


def peak(service: OwnService) -> int:
    """The most memory that the process has had, in KiB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found
    return int(found[1])


@pytest.mark.parametrize("case", FILES)
def test_files(service: OwnService, case: str) -> None:
    """Refused with 422, or a dataset that has failed with one of the codes; or one like any."""
    hostile = FILES[case]
    before = peak(service)
    form = {"name": case, **({"format": hostile.format} if hostile.format else {})}
    file = {"file": ("upload", hostile.content())}
    answer = service.client.post("/v1/datasets", files=file, data=form)
    if answer.status_code == 202:
        dataset = settled(service.client, answer.headers["Location"])
        if hostile.codes:
            assert dataset["status"] == "failed"
            assert hostile.codes & set(dataset["report"]["by_code"]), dataset["report"]
        else:
            assert dataset["status"] == "ready", dataset["report"]
    else:
        assert answer.status_code == 422, answer.text
        assert hostile.codes
        assert answer.json()["code"] == "invalid_request"
    assert service.client.get("/healthz").is_success
    assert peak(service) - before < _MOST_GROWTH_KIB


@pytest.mark.parametrize("case", BODIES)
def test_bodies(service: OwnService, case: str) -> None:
    body, statuses = BODIES[case]
    headers = {"Content-Type": "application/json"}
    answer = service.client.post("/v1/extractions", content=body, headers=headers)
    assert answer.status_code in statuses, answer.text
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.client.get("/healthz").is_success


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "", "\x7f"]
)
def test_content_types(service: OwnService, kind: str) -> None:
    """What is neither JSON nor a form is told so."""
    for path in ("/v1/extractions", "/v1/datasets", "/v1/vocabularies", "/v1/extraction-batches"):
        answer: httpx.Response = service.client.post(
            path, content=TEXT.encode(), headers={"Content-Type": kind}
        )
        assert answer.status_code in {400, 415, 422}, (path, answer.text)
