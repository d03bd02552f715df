"""The service killed while it builds an index: the next one builds it anew."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.own_service import own_service
from tests.databases import environment
from tests.e2e.test_story import create, finished, wait_for

NAMES = 10_000


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_build_begins_anew(tmp_path: Path, database_url: str | None) -> None:
    """kill -9 in the middle; the whole index is built, and what was left is removed: at the
    start where no other process can be at it, else by `medtune gc`."""
    lines = (f"MESH:D{n:06}\tsyndrome {n} of the {n % 97}th kind\n" for n in range(NAMES))
    content = "".join(lines).encode()

    def unfinished() -> list[Path]:
        return list(tmp_path.glob("blobs/voc_*/.*"))

    with own_service(tmp_path, environment(database_url)) as service:
        form = {"name": "many", "type": "Disease"}
        upload = {"file": ("many.tsv", content)}
        location = create(service.client, "/v1/vocabularies", files=upload, data=form)
        wait_for(unfinished, "no index is being built", 60)
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait(10)
    left = unfinished()
    assert left, "the build had ended"
    with own_service(tmp_path, environment(database_url)) as service:
        assert not any(path.exists() for path in left) or database_url is not None
        vocabulary = finished(service.client, location)
        assert vocabulary["status"] == "ready", vocabulary
        assert vocabulary["statistics"]["concepts"] == NAMES
        answer = service.client.get(
            f"{location}/lookup", params={"name": "Syndrome 77 of the 77th kind"}
        )
        assert [i["identifier"] for i in answer.json()["items"]] == ["MESH:D000077"]
        if database_url is not None:
            subprocess.run(
                [sys.executable, "-m", "app.cli", "gc", "--older-than", "0m"],
                env=os.environ | environment(database_url) | {"MEDTUNE_DATA_DIR": str(tmp_path)},
                check=True,
                timeout=60,
            )
        wait_for(lambda: len(list(tmp_path.glob("blobs/voc_*/*"))) == 1, "uploads are left")
    assert '"level": "error"' not in service.log.read_text()
