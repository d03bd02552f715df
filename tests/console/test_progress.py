"""How far a job is, on its page, in its list and on the home page."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from app.own_service import OwnService
from tests.console.prepared import sample, settled, training_file
from tests.e2e.test_story import create, finished


def at_work(served: OwnService, table: str, row_id: str, status: str, share: float) -> None:
    """Have the row say so: work that is halfway for as long as a test wants is not to be had.

    The job engine says that the job runs, too, or a sweep in between would take it for lost.
    """
    job = "PENDING" if share < 1 else "SUCCESS"
    its = "workflow_status SET status = ? WHERE workflow_uuid = ?"
    written(served, "jobs.db", its, job, row_id)
    row = f"{table} SET status = ?, progress = ? WHERE id = ?"
    written(served, "medtune.db", row, status, share, row_id)


def written(served: OwnService, name: str, update: str, *values: str | float) -> None:
    """Change a row of one of the service's databases."""
    path = served.log.with_name(name)
    with closing(sqlite3.connect(path, timeout=30)) as database, database:
        assert database.execute(f"UPDATE {update}", values).rowcount == 1


def made(served: OwnService, kind: str) -> str:
    """The id of a thing of this kind."""
    client = served.client
    if kind == "datasets":
        return str(sample(client)["id"])
    if kind == "training_files":
        return str(training_file(client, sample(client))["id"])
    if kind == "evaluations":
        asked = {"models": ["local:rules"], "dataset_id": sample(client)["id"], "resamples": 100}
        answer = client.post("/v1/evaluations", json=asked)
        return str(settled(client, answer.headers["Location"])["id"])
    files, form = {"file": ("a.tsv", b"D1\tone\n")}, {"name": "bar", "type": "Disease"}
    return str(finished(client, create(client, "/v1/vocabularies", files=files, data=form))["id"])


@pytest.mark.parametrize(
    ("table", "running", "ended"),
    [
        ("datasets", "validating", "ready"),
        ("training_files", "building", "ready"),
        ("vocabularies", "building", "ready"),
        ("evaluations", "running", "succeeded"),
    ],
)
def test_a_bar_shows_how_far_it_is(
    table: str, running: str, ended: str, page: Page, served: OwnService
) -> None:
    """It follows, in percent, and is gone when all is done."""
    row_id, room = made(served, table), table.replace("_", "-")
    at_work(served, table, row_id, running, 0.42)
    try:
        page.goto(f"/{room}/{row_id}")
        bar = page.get_by_role("progressbar")
        expect(bar).to_have_attribute("value", "0.42")
        at_work(served, table, row_id, running, 0.64)
        expect(bar).to_have_attribute("value", "0.64")
        page.goto(f"/{room}")
        expect(page.locator(f"tr:has(a[href='/{room}/{row_id}'])")).to_contain_text("64 %")
        page.goto("/")
        expect(page.locator("tr", has=page.get_by_role("progressbar"))).to_contain_text("64 %")
        page.goto(f"/{room}/{row_id}")
    finally:
        at_work(served, table, row_id, ended, 1.0)
    expect(page.locator(".status").first).to_have_text(ended)
    expect(bar).to_have_count(0)
