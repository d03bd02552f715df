"""The soak in short: twenty clients for some seconds, on SQLite and on PostgreSQL."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.own_service import own_service
from faults.fleet import Fleet
from faults.run import usable
from faults.soak.__main__ import main
from faults.soak.checks import faults_after
from faults.soak.states import broken_ways, may_follow
from tests.e2e.test_story import SAMPLE, create, finished


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_nothing_breaks_when_many_do_the_same_at_once(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if (why := usable(database)) is not None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    few = ["--clients", "20", "--minutes", "0.1", "--seed", "short", "--database", database]
    code = main(few)
    said = capsys.readouterr().out
    assert code == 0, said
    assert " 202 " in said, "nothing was made"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a service that made a few things and has ended."""
    folder = tmp_path_factory.mktemp("left") / "data"
    folder.mkdir()
    upload = {"file": ("dev.txt", (SAMPLE / "dev.pubtator.txt").read_bytes())}
    with own_service(folder) as service:
        client = service.client
        dataset = finished(client, create(client, "/v1/datasets", files=upload))["id"]
        asked = {"dataset_id": dataset, "model": "local:rules"}
        finished(client, create(client, "/v1/extraction-batches", json=asked))
    return folder


@pytest.fixture
def fleet(left: Path, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet on a copy of it that has no process."""
    shutil.copytree(left, tmp_path / "data")
    data = tmp_path / "data"
    fleet = Fleet("sqlite", data, "", {"MEDTUNE_DATA_DIR": str(data)}, {})
    yield fleet
    fleet.close()


def test_what_is_in_order_is_found_so(fleet: Fleet) -> None:
    assert [*faults_after(fleet, [])] == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("DELETE FROM extraction_batch_events WHERE sequence = 1", "events are numbered"),
        (
            "UPDATE extraction_batch_events SET type = 'failed' WHERE sequence = 2",
            "failed -> running",
        ),
        ("UPDATE extraction_batches SET status = 'failed'", "the last event is succeeded"),
        ("UPDATE extraction_batches SET succeeded = 1", "count otherwise"),
        ("UPDATE dataset_splits SET workspace = 'other'", "dataset_splits.dataset_id refers"),
        ("DELETE FROM datasets", "extraction_batches.dataset_id refers"),
        (
            "INSERT INTO model_aliases (name, model, updated_at) VALUES ('a', 'mdl_0', '2026')",
            "aliases",
        ),
        ("UPDATE dataset_splits SET blob = 'ds_0/0'", "dataset_splits.blob: 1 are missing"),
        ("UPDATE datasets SET progress = 0.5", "progress that did not"),
    ],
)
def test_what_is_not_is_found(broken: str, told: str, fleet: Fleet) -> None:
    """Each of these has happened to nobody yet: the checks are known to see it."""
    with closing(sqlite3.connect(fleet.data / "medtune.db")) as database, database:
        database.execute(broken)
    assert any(told in fault for fault in faults_after(fleet, []))


def test_ways_are_those_of_the_tables() -> None:
    """A client may miss what lies between; a history may not."""
    assert may_follow("fine-tunes", "queued", "succeeded")
    assert not may_follow("fine-tunes", "succeeded", "training")
    assert not may_follow("evaluations", "cancelled", "running")
    good = ["queued", "preparing", "training", "resumed", "progress", "succeeded"]
    assert broken_ways("fine-tunes", good) == []
    assert broken_ways("fine-tunes", ["queued", "training"]) == ["queued -> training"]
    assert broken_ways("extraction-batches", ["running", "running"]) == ["running -> running"]
