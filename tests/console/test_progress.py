"""How far a dataset, a training file and a vocabulary are, on their pages and on the home page."""

import sqlite3
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from app.own_service import OwnService
from tests.console.prepared import sample, training_file
from tests.e2e.test_story import create, finished


def at_work(served: OwnService, table: str, row_id: str, status: str, share: float) -> None:
    """Have the row say so: work that is halfway for as long as a test wants is not to be had."""
    with (
        closing(sqlite3.connect(served.log.with_name("medtune.db"), timeout=30)) as database,
        database,
    ):
        database.execute(
            f"UPDATE {table} SET status = ?, progress = ? WHERE id = ?", (status, share, row_id)
        )


def made(served: OwnService, kind: str) -> str:
    """The id of a thing of this kind."""
    client = served.client
    if kind == "datasets":
        return str(sample(client)["id"])
    if kind == "training_files":
        return str(training_file(client, sample(client))["id"])
    files, form = {"file": ("a.tsv", b"D1\tone\n")}, {"name": "bar", "type": "Disease"}
    return str(finished(client, create(client, "/v1/vocabularies", files=files, data=form))["id"])


@pytest.mark.parametrize(
    ("table", "running"),
    [("datasets", "validating"), ("training_files", "building"), ("vocabularies", "building")],
)
def test_a_bar_shows_how_far_it_is(
    table: str, running: str, page: Page, served: OwnService
) -> None:
    """It follows, in percent, and is gone when all is done."""
    row_id, room = made(served, table), table.replace("_", "-")
    at_work(served, table, row_id, running, 0.42)
    try:
        page.goto(f"/{room}/{row_id}")
        bar = page.get_by_role("progressbar")
        expect(bar).to_have_attribute("value", "42.0")
        at_work(served, table, row_id, running, 0.64)
        expect(bar).to_have_attribute("value", "64.0")
        page.goto(f"/{room}")
        expect(page.locator(f"tr:has(a[href='/{room}/{row_id}'])")).to_contain_text("64 %")
        page.goto("/")
        expect(page.locator("tr", has=page.get_by_role("progressbar"))).to_contain_text("64 %")
        page.goto(f"/{room}/{row_id}")
    finally:
        at_work(served, table, row_id, "ready", 1.0)
    expect(page.locator(".status").first).to_have_text("ready")
    expect(bar).to_have_count(0)
