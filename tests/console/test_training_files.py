"""Training files in the console: built from a dataset, looked into, deleted."""

import pytest
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import Json, sample, settled, training_file, upload

# The disease of its relation is named in the title alone.
TITLED = (
    "1|t|Renal failure with gentamicin\n1|a|Gentamicin was given twice.\n"
    "1\t0\t13\tRenal failure\tDisease\tD051437\n1\t19\t29\tgentamicin\tChemical\tD005839\n"
    "1\t30\t40\tGentamicin\tChemical\tD005839\n1\tCID\tD005839\tD051437\n"
)


@pytest.fixture(scope="module")
def dataset(served: OwnService) -> Json:
    """The sample."""
    return sample(served.client)


def test_a_file_is_built_and_its_first_rows_can_be_read(
    page: Page, served: OwnService, dataset: Json, shoot: Shoot
) -> None:
    """From the dataset's own page: the form knows its splits, the file's page shows five rows."""
    page.goto(f"/datasets/{dataset['id']}")
    page.get_by_role("link", name="Build a training file").click()
    expect(page.get_by_label("train")).to_be_checked()
    page.get_by_label("dev").check()
    page.get_by_label("relations").check()
    page.get_by_label("Text of the prompts").select_option("title_and_abstract")
    shoot(page, "training-files")
    page.get_by_role("button", name="Build").click()
    expect(page.get_by_text("ready", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="relations")).to_contain_text("116")
    expect(page.get_by_role("heading", name="Row 5")).to_be_visible()
    expect(page.locator("pre").first).to_contain_text("List of extracted influences:")
    shoot(page, "training-file")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the JSONL").click()
    assert download.value.suggested_filename.endswith(".jsonl")


def test_the_splits_follow_the_dataset(page: Page, served: OwnService, dataset: Json) -> None:
    """Another dataset, other splits; what else was chosen stays."""
    other = upload(served.client, TITLED, split="only", name="other")
    page.goto(f"/training-files?dataset_id={dataset['id']}")
    page.get_by_label("diseases").check()
    page.get_by_label("Dataset").select_option(other["id"])
    expect(page.get_by_label("only")).to_be_checked()
    expect(page.get_by_label("train")).to_have_count(0)
    expect(page.get_by_label("diseases")).to_be_checked()
    expect(page.get_by_label("Dataset")).to_have_value(other["id"])


def test_what_is_left_out_is_said(page: Page, served: OwnService, shoot: Shoot) -> None:
    """A relation that the abstract cannot name is a warning, with the way to keep it."""
    file = training_file(served.client, upload(served.client, TITLED, name="titled"))
    page.goto(f"/training-files/{file['id']}")
    expect(page.locator(".notice")).to_contain_text("Relations left out: 1, since their disease")
    expect(page.locator(".notice")).to_contain_text("title and abstract")
    shoot(page, "training-file-warned")


def test_without_script(browser: Browser, served: OwnService, dataset: Json) -> None:
    """A refused form keeps what was ticked; the splits of another dataset are one button away."""
    only = upload(served.client, TITLED, split="only", name="chemicals alone")
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"/training-files?dataset_id={dataset['id']}")
        page.get_by_label("Dataset").select_option(only["id"])
        page.get_by_role("button", name="Show its splits").click()
        page.get_by_label("only").uncheck()
        page.get_by_label("chemicals").check()
        page.get_by_role("button", name="Build").click()
        expect(page.locator("#splits-fault")).to_contain_text("at least 1 item")
        expect(page.get_by_label("chemicals")).to_be_checked()
        page.get_by_role("button", name="Build").click()
        settled(served.client, page.url.replace("/training-files/", "/v1/training-files/"))
        page.reload()
        expect(page.get_by_role("row", name="chemicals")).to_be_visible()


def test_a_file_is_deleted(page: Page, served: OwnService, dataset: Json) -> None:
    """Nothing depends on it: one button."""
    file = training_file(served.client, dataset, tasks=["diseases"])
    page.goto(f"/training-files/{file['id']}")
    page.get_by_role("link", name="Delete this training file").click()
    expect(page.get_by_text("Nothing depends on it.")).to_be_visible()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="Training files", exact=True)).to_be_visible()
    assert served.client.get(f"/v1/training-files/{file['id']}").status_code == 404


def test_a_phone_needs_no_scrolling_sideways(
    page: Page, served: OwnService, dataset: Json, shoot: Shoot
) -> None:
    """List with form, and one file."""
    file = training_file(served.client, dataset, format="chat")
    page.set_viewport_size({"width": 360, "height": 640})
    for number, path in enumerate(["/training-files", f"/training-files/{file['id']}"]):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        shoot(page, f"phone-training-files-{number}")
