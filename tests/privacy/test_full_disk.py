"""The disk is full while texts are written to it: nothing of them is told, nothing half kept."""

import json
from pathlib import Path

import pytest

from tests.e2e.test_story import create, finished
from tests.privacy.test_markers import pubtator
from tests.privacy.world import World, world

FULL_DISK = Path(__file__).with_name("full_disk")


def jobs(world: World, dataset_id: str) -> list[str]:
    """What has been begun, each of which has text to write."""
    marks, client = world.marks, world.client
    about = {"dataset_id": dataset_id}
    line = {"id": marks.id("of a line"), "text": f"{marks.text('a line')} of a batch."}
    words = f"ZQ:{marks.text('an identifier')}\t{marks.text('a name')}\n".encode()
    upload = pubtator(marks, marks.id("of a document"))
    name = marks.name
    return [
        create(client, "/v1/datasets", files={"file": (name("of an upload"), upload)}),
        create(client, "/v1/training-files", json=about),
        create(
            client,
            "/v1/extraction-batches",
            data={"model": "local:rules", "name": name("of a batch"), "store_text": "false"},
            files={"file": (name("of JSONL"), json.dumps(line).encode())},
        ),
        create(
            client,
            "/v1/vocabularies",
            files={"file": (name("of words") + ".tsv", words)},
            data={"name": name("of a vocabulary"), "type": "Disease"},
        ),
    ]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_no_word_is_told_while_the_disk_is_full(tmp_path: Path, database_url: str | None) -> None:
    """Uploads are refused, jobs fail, each in the words of the table of errors."""
    full = tmp_path / "full"
    full.write_text("")
    more = {"PYTHONPATH": str(FULL_DISK), "FULL_DISK": str(full)}
    with world(tmp_path, database_url, more) as here:
        client, marks = here.client, here.marks
        files = {"file": (marks.name("of a file"), pubtator(marks, marks.id("of it")))}
        dataset = finished(client, create(client, "/v1/datasets", files=files))
        about = {"dataset_id": dataset["id"]}
        full.write_text("child")
        failed = [finished(client, location) for location in jobs(here, dataset["id"])]
        assert [job["error"]["code"] for job in failed] == ["storage_full"] * len(failed)
        full.write_text("service")
        for path, more_files in (("datasets", files), ("extraction-batches", files)):
            answer = here.refused(client.post(f"/v1/{path}", files=more_files))
            assert (answer.status_code, answer.json()["code"]) == (507, "storage_full"), path
        corrected = {"id": marks.id("of a correction"), "split": "train", "title": marks.text("t")}
        revision = {"documents": [corrected]}
        path = f"/v1/datasets/{dataset['id']}/revisions"
        assert here.refused(client.post(path, json=revision)).status_code == 507
        for path in ("extraction-batches", "evaluations"):
            asked = about | {"model": "local:rules", "models": ["local:rules"]}
            asked.pop("model" if path == "evaluations" else "models")
            job = finished(client, create(client, f"/v1/{path}", json=asked))
            assert job["error"]["code"] == "storage_full", job
        full.write_text("")
        found = here.said | here.shown(database_url)
        kept = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
        assert not [file for file in kept if file.name.startswith(".")]
    found |= here.written()
    assert not found, "\n".join(sorted(found))
