"""Vocabularies in a browser: upload, index, look names up, delete with what uses them."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import fine_tune, sample, settled, training_file

NAMES = "D058186\tAcute Kidney Injury|acute renal failure|<i>ARF</i>\nD006973\tHypertension\n"


@pytest.fixture
def names(tmp_path: Path) -> Path:
    file = tmp_path / "names.txt"
    file.write_text(NAMES)
    return file


def send(page: Page, name: str, file: Path, type_: str = "Disease") -> None:
    page.goto("/vocabularies")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Type of its concepts").select_option(type_)
    page.get_by_label("Files").set_input_files(file)
    page.get_by_role("button", name="Upload").click()


def test_a_vocabulary_is_uploaded_and_asked(page: Page, names: Path, shoot: Shoot) -> None:
    """It is live until it is ready; then names are looked up, as they are and as they are like."""
    send(page, "house", names)
    expect(page.get_by_role("heading", level=1)).to_have_text("house")
    page.get_by_label("Name").fill("acute renal failure")
    expect(page.get_by_text("2: 2 of type Disease")).to_be_visible()
    page.get_by_role("button", name="Look up").click()
    row = page.get_by_role("row", name="MESH:D058186")
    expect(row).to_contain_text("Acute Kidney Injury")
    expect(row).to_contain_text("this very name")
    shoot(page, "vocabulary")
    page.get_by_label("Name").fill("hypertensions, <b>severe</b>")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_role("row", name="MESH:D006973")).to_contain_text("the most similar name")
    page.get_by_label("Type").select_option("Chemical")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text("No name here is like “hypertensions, <b>severe</b>”.")).to_be_visible()
    page.goto("/vocabularies")
    expect(page.get_by_role("row", name="house")).to_contain_text("ready")


def test_a_refused_upload_keeps_what_was_typed(page: Page, names: Path) -> None:
    send(page, "unsaid", names, "")
    expect(page.get_by_role("alert")).to_contain_text("give Chemical or Disease")
    expect(page.get_by_label("Name")).to_have_value("unsaid")
    page.get_by_label("Type of its concepts").select_option("Disease")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("unsaid")


def test_a_fault_further_down_is_shown(page: Page, tmp_path: Path) -> None:
    """Of a file that began well."""
    file = tmp_path / "names.txt"
    file.write_text(NAMES + "no tab\n")
    send(page, "faulty", file)
    expect(page.get_by_role("heading", level=1)).to_have_text("faulty")
    expect(page.get_by_role("alert")).to_contain_text("invalid_vocabulary")
    expect(page.get_by_text("Nothing is kept of it.")).to_be_visible()


def test_upload_and_look_up_need_no_script(
    browser: Browser, served: OwnService, names: Path
) -> None:
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        send(page, "plain", names, "")
        refused = page.get_by_label("Type of its concepts")
        expect(refused).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Name")).to_have_value("plain")
        send(page, "plain", names)
        settled(served.client, page.url.replace(served.address, "/v1"))
        page.reload()
        page.get_by_label("Name").fill("hypertension")
        page.get_by_role("button", name="Look up").click()
        expect(page.get_by_role("row", name="MESH:D006973")).to_be_visible()


def test_what_uses_a_vocabulary_is_told_before_it_is_deleted(
    page: Page, served: OwnService, names: Path
) -> None:
    send(page, "used", names)
    expect(page.get_by_role("button", name="Look up")).to_be_visible()
    file = training_file(served.client, sample(served.client))
    tuned = fine_tune(served.client, file, vocabularies=["used"])
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("link", name=tuned["id"])).to_be_visible()
    page.get_by_label("Delete all of that as well").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile("/vocabularies$"))
    assert served.client.get(f"/v1/fine-tunes/{tuned['id']}").status_code == 404


def test_nothing_is_wider_than_a_phone(page: Page, names: Path, served: OwnService) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    send(page, "narrow-" + "v" * 50, names)
    expect(page.get_by_role("button", name="Look up")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto("/vocabularies")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
