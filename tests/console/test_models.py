"""Models in the console: what there is, aliases, cards, deletion."""

import sqlite3

import pytest
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import Json, fine_tune, sample, settled, training_file


@pytest.fixture(scope="module")
def tuned(served: OwnService) -> Json:
    """A quick fine-tune and its model, measured on the split that it has not seen."""
    dataset = sample(served.client)
    file = training_file(served.client, dataset, tasks=["diseases", "chemicals"])
    done = fine_tune(served.client, file, name="shown")
    asked = {
        "models": ["local:rules", done["model_id"]],
        "dataset_id": dataset["id"],
        "split": "dev",
    }
    answer = served.client.post("/v1/evaluations", json=asked)
    assert settled(served.client, answer.headers["Location"])["status"] == "succeeded"
    return done


def test_the_card_of_a_model_says_what_is_known_of_it(
    page: Page, tuned: Json, shoot: Shoot
) -> None:
    """From the list to limits, data, recipe, scores and the line back to the dataset."""
    page.goto("/models")
    expect(page.get_by_role("row", name="local:rules")).to_contain_text("base")
    row = page.get_by_role("row", name="shown")
    expect(row).to_contain_text("chemicals, diseases")
    expect(row.get_by_role("link", name="extract")).to_have_attribute(
        "href", f"/playground?model={tuned['model_id']}"
    )
    shoot(page, "models")
    row.get_by_role("link", name="shown").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Model card: shown")
    expect(page.get_by_text("It does not extract relations.")).to_be_visible()
    expect(page.get_by_role("heading", name="dev of sample")).to_be_visible()
    expect(page.get_by_role("row", name="diseases").first).to_be_visible()
    expect(page.get_by_text("points of F1").first).to_contain_text("against local:rules, diseases")
    expect(page.locator("dd code", has_text="MESH:")).to_be_visible()
    assert "`" not in page.locator("main").inner_text()
    lineage = page.get_by_role("list").last.get_by_role("link")
    assert [link[:3] for link in lineage.all_text_contents()] == ["mdl", "ft_", "tf_", "ds_"]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the card").click()
    assert download.value.suggested_filename == f"{tuned['model_id']}.md"
    shoot(page, "model")
    page.goto("/models/local:rules")
    expect(page.get_by_text("It was not trained here.")).to_be_visible()


def test_aliases_are_set_moved_and_removed(page: Page, tuned: Json, shoot: Shoot) -> None:
    """The same form sets and moves; what is no name is refused at its field, and kept."""
    page.goto("/models")
    for model in ("local:rules", tuned["model_id"]):
        page.get_by_label("Alias", exact=True).fill("in-use")
        page.get_by_label("Model", exact=True).select_option(model)
        page.get_by_role("button", name="Set").click()
        expect(page.get_by_role("row", name="in-use").last).to_contain_text(model)
    page.get_by_label("Alias", exact=True).fill("no name")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_label("Alias", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Alias", exact=True)).to_have_value("no name")
    shoot(page, "models-refused")
    page.goto("/models/in-use")
    expect(page.get_by_role("heading", level=1)).to_have_text("Model card: shown")
    page.goto("/models")
    page.get_by_role("button", name="Remove the alias in-use").click()
    expect(page.get_by_role("row", name="in-use")).to_have_count(0)


def test_without_script(browser: Browser, served: OwnService) -> None:
    """Setting and removing an alias are plain forms."""
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/models")
        page.get_by_label("Alias", exact=True).fill("plain")
        page.get_by_label("Model", exact=True).select_option("local:rules")
        page.get_by_role("button", name="Set").click()
        page.get_by_role("button", name="Remove the alias plain").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Models")
        expect(page.get_by_role("button", name="Remove the alias plain")).to_have_count(0)


def test_a_retired_model_is_marked_and_a_deleted_one_is_gone(
    page: Page, served: OwnService, tuned: Json, shoot: Shoot
) -> None:
    """With the way on; before it is deleted, the aliases that go with it are named."""
    done = fine_tune(served.client, {"id": tuned["training_file_id"]}, name="old")
    served.client.put("/v1/model-aliases/yesterday", json={"model": done["model_id"]})
    # As a server elsewhere would, some day.
    with sqlite3.connect(served.log.parent / "medtune.db") as rows:
        rows.execute(
            "UPDATE models SET retired_on = '2025-09-15' WHERE id = ?", (done["model_id"],)
        )
    page.goto("/models")
    row = page.get_by_role("row", name="old").first
    expect(row).to_contain_text("retired 2025-09-15")
    expect(row.get_by_role("link", name="extract")).to_have_count(0)
    row.get_by_role("link", name="old", exact=True).click()
    expect(page.get_by_role("link", name="train it again elsewhere")).to_be_visible()
    shoot(page, "model-retired")
    page.get_by_role("link", name="Delete this model").click()
    expect(page.locator(".notice")).to_contain_text("yesterday")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("row", name="old")).to_have_count(0)
    expect(page.get_by_role("row", name="yesterday")).to_have_count(0)


def test_an_unknown_model_is_a_page(page: Page) -> None:
    """It says where to look."""
    page.goto("/models/mdl_0")
    expect(page.get_by_role("alert")).to_contain_text("There is no model mdl_0.")


def test_a_phone_needs_no_scrolling_sideways(page: Page, tuned: Json, shoot: Shoot) -> None:
    """List and card."""
    page.set_viewport_size({"width": 360, "height": 640})
    for number, path in enumerate(["/models", f"/models/{tuned['model_id']}"]):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        shoot(page, f"phone-models-{number}")
