"""The whole story as its user has it: from a file on the disk to two models compared, by links.

The one test that walks from page to page; each page's own rules are tested beside it.
"""

import re

from playwright.sync_api import Page, expect

from tests.console.conftest import Shoot
from tests.console.prepared import SAMPLE

ABSTRACT = "Two patients developed acute hepatitis after isoniazid. Naloxone reversed it."


def test_upload_train_watch_extract_compare(page: Page, shoot: Shoot) -> None:
    """Upload, report, JSONL, fine-tune, watch, extract, compare; nobody types an address."""
    page.set_default_timeout(60_000)
    page.goto("/")
    page.get_by_role("navigation").get_by_role("link", name="Datasets").click()
    for number, split in ((1, "train"), (2, "dev")):
        file = SAMPLE / f"{split}.pubtator.txt"
        page.get_by_label(f"File {number}", exact=True).set_input_files(file)
        page.get_by_label(f"Split of file {number}").fill(split)
    page.get_by_label("Name").fill("story")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("No problems were found.")).to_be_visible(timeout=60_000)
    shoot(page, "story-1-report")

    page.get_by_role("link", name="Build a training file").click()
    expect(page.get_by_label("dev")).not_to_be_checked()
    page.get_by_role("button", name="Build").click()
    first = page.get_by_role("link", name="Fine-tune on it")
    expect(first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Create a list only of the").first).to_be_visible()
    shoot(page, "story-2-training-file")

    first.click()
    page.get_by_label("Name").fill("story model")
    page.get_by_label("Preset").select_option("fast")
    page.get_by_role("button", name="Train").click()
    # Nobody loads the page again: it follows by itself.
    trial = page.get_by_role("link", name="Try it in the playground")
    expect(trial).to_be_visible(timeout=120_000)
    expect(page.get_by_role("heading", name="Training curve")).to_be_visible()
    expect(page.locator("svg").last).to_be_visible()
    shoot(page, "story-3-fine-tune")

    trial.click()
    page.get_by_label("Abstract").fill(ABSTRACT)
    page.get_by_label("Compare with").select_option("local:rules")
    page.get_by_role("button", name="Extract").click()
    expect(page.locator("mark.chemical").filter(has_text="isoniazid").first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("hepatitis"))).not_to_have_count(0)
    assert ABSTRACT not in page.url
    shoot(page, "story-4-extract")

    page.get_by_role("navigation").get_by_role("link", name="Fine-tunes").click()
    page.get_by_role("link", name="story model").first.click()
    page.get_by_role("link", name="Measure it").click()
    dataset = page.get_by_label("Dataset")
    dataset.select_option(dataset.locator("option", has_text="story").get_attribute("value"))
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("dev").check()
    page.get_by_label("local:rules").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Is the difference more than luck?")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Read the errors").click()
    expect(page.locator("mark").first).to_be_visible()
    shoot(page, "story-5-errors")
