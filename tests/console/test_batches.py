"""Batches in a browser: uploads and datasets, progress, failures, downloads, their end."""

import gzip
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import Json, sample, settled

TEXT = "Haloperidol-induced parkinsonism resolved after clozapine."
LINES = [json.dumps({"id": f"<n> {n}", "text": TEXT}) for n in range(60)]
# Texts that are none, so many that they fill more than one page.
BROKEN = ["{}"] * 55


@pytest.fixture(scope="module")
def dataset(served: OwnService) -> Json:
    return sample(served.client)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join([*LINES, *BROKEN]).encode()))
    return file


def fill(page: Page, name: str) -> None:
    """What both forms have."""
    page.get_by_label("Model", exact=True).select_option("local:rules")
    page.get_by_label("diseases").check()
    page.get_by_label("Name", exact=True).fill(name)


def test_an_upload_is_followed_to_its_results(
    page: Page, served: OwnService, texts: Path, shoot: Shoot
) -> None:
    """Progress without loading the page again; failures page by page; every format downloads."""
    page.goto("/batches")
    page.get_by_role("link", name="New batch").click()
    fill(page, "screening <1>")
    page.get_by_text("How it answers").click()
    page.get_by_label("Offsets count").select_option("byte")
    page.get_by_label("File of texts").set_input_files(texts)
    shoot(page, "batch-form")
    page.get_by_role("button", name="Upload and begin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("screening <1>")
    page.evaluate("window.same = true")
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    expect(page.get_by_text("115: 60 answered, 55 failed")).to_be_visible()
    assert page.evaluate("window.same")
    expect(page.locator("#live-said")).to_have_text("The batch is succeeded.")
    shoot(page, "batch")
    with page.expect_download() as started:
        page.get_by_role("link", name="JSON lines").click()
    first, *others = Path(started.value.path()).read_text().splitlines()
    assert json.loads(first)["id"] == "<n> 0"
    assert json.loads(first)["extraction"]["diseases"][0]["text"] == "parkinsonism"
    assert len(others) == 114
    for label, head in {"PubTator": "1|", "BioC XML": "<?xml", "BioC JSON": "{"}.items():
        with page.expect_download() as started:
            page.get_by_role("link", name=label).click()
        assert Path(started.value.path()).stat().st_size > len(head)
    page.get_by_role("link", name="55 failed").click()
    rows = page.get_by_role("row")
    expect(rows).to_have_count(51)
    expect(rows.nth(1)).to_contain_text("malformed_document")
    page.get_by_role("link", name="More of them").click()
    expect(rows).to_have_count(6)
    page.get_by_role("link", name="screening <1>").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile("/batches$"))
    expect(page.get_by_role("link", name="screening <1>")).to_have_count(0)


def test_an_upload_needs_no_script(browser: Browser, served: OwnService, texts: Path) -> None:
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/batches/new")
        fill(page, "plain")
        page.get_by_label("File of texts").set_input_files(texts)
        page.get_by_role("button", name="Upload and begin").click()
        batch = settled(served.client, page.url.replace(f"{served.address}/", "/v1/extraction-"))
        page.reload()
        expect(page.get_by_text("115: 60 answered")).to_be_visible()
        assert batch["name"] == "plain"
        assert batch["tasks"] == ["diseases"]


def test_the_documents_of_a_dataset_are_asked_about(
    page: Page, served: OwnService, dataset: Json
) -> None:
    page.goto("/batches/new")
    page.get_by_label("Dataset").select_option(dataset["id"])
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("dev").check()
    fill(page, "of a dataset")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("28: 28 answered, none failed")).to_be_visible()
    expect(page.get_by_role("link", name=dataset["id"])).to_be_visible()
    page.goto("/batches?status=succeeded")
    expect(page.get_by_role("row", name="of a dataset")).to_contain_text("100 %")
    page.goto("/batches?status=preparing")
    expect(page.get_by_text("No batch is preparing.")).to_be_visible()


def test_a_refused_upload_keeps_what_was_typed(page: Page, texts: Path) -> None:
    """The file too: it is sent again once what was wrong is mended."""
    page.goto("/batches/new")
    fill(page, "refused")
    page.get_by_text("How it answers").click()
    page.get_by_label("Least precision").fill("0.9")
    page.get_by_label("File of texts").set_input_files(texts)
    page.get_by_role("button", name="Upload and begin").click()
    expect(page.get_by_role("alert")).to_contain_text("min_precision")
    expect(page.get_by_label("Name", exact=True)).to_have_value("refused")
    expect(page.get_by_label("Least precision")).to_have_value("0.9")
    page.get_by_label("Least precision").evaluate("field => field.type = 'text'")
    page.get_by_label("Least precision").fill("most")
    page.get_by_role("button", name="Upload and begin").click()
    expect(page.get_by_role("alert")).to_contain_text("Input should be a valid number")
    page.get_by_label("Least precision").fill("")
    page.get_by_role("button", name="Upload and begin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("refused")


def test_a_batch_that_cannot_be_read_says_so(page: Page, tmp_path: Path) -> None:
    """It failed as a whole: what its page says, and what to do next."""
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b'"A text."\n')[:-9])
    page.goto("/batches/new")
    fill(page, "broken")
    page.get_by_label("File of texts").set_input_files(broken)
    page.get_by_role("button", name="Upload and begin").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_text("Nothing was answered.")).to_be_visible()


def test_a_batch_is_cancelled(page: Page, served: OwnService, tmp_path: Path) -> None:
    """While it runs its page has a button for that."""
    many = tmp_path / "many.jsonl"
    many.write_text("\n".join([json.dumps(TEXT)] * 150_000))
    page.goto("/batches/new")
    fill(page, "too long")
    page.get_by_label("File of texts").set_input_files(many)
    page.get_by_role("button", name="Upload and begin").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    batch = settled(served.client, page.url.replace(f"{served.address}/", "/v1/extraction-"))
    assert batch["status"] == "cancelled"
    expect(page.get_by_text("cancelled", exact=True)).to_be_visible()


def test_nothing_is_wider_than_a_phone(page: Page, served: OwnService, dataset: Json) -> None:
    request = {"model": "local:rules", "dataset_id": dataset["id"], "name": "narrow " * 20}
    answer = served.client.post("/v1/extraction-batches", json=request)
    batch = settled(served.client, answer.headers["Location"])
    page.set_viewport_size({"width": 360, "height": 640})
    new = f"/batches/new?dataset_id={dataset['id']}"
    for path in ("/batches", "/batches/new", new, f"/batches/{batch['id']}"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page.goto(f"/batches/{batch['id']}/failures")
    expect(page.get_by_text("No document has failed.")).to_be_visible()
