"""The first page, and what holds for all pages."""

from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService, own_service
from tests.console.conftest import Shoot
from tests.console.prepared import Json, sample, settled, training_file, upload


def test_the_first_page_leads_through_the_pipeline(page: Page, shoot: Shoot) -> None:
    """Every section is a link, by mouse and by keyboard."""
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("a model of your own")
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    links = page.get_by_role("navigation").get_by_role("link")
    assert "Playground" in links.all_inner_texts()
    shoot(page, "home")


def test_an_empty_service_shows_the_way(browser: Browser, tmp_path: Path, shoot: Shoot) -> None:
    """Five steps, and every page its next one; what is uploaded first comes by itself."""
    with (
        own_service(tmp_path) as service,
        browser.new_context(base_url=service.address) as context,
    ):
        page = context.new_page()
        page.goto("/")
        expect(page.get_by_role("listitem").filter(has_text="Upload a dataset")).to_be_visible()
        assert page.locator("ol.steps > li").count() == 5
        expect(page.get_by_role("table")).to_have_count(0)
        shoot(page, "home-empty")
        for path, way_on in (
            ("/datasets", "Upload one with the form below"),
            ("/training-files", "Upload one first"),
            ("/fine-tunes", "Build a training file from a dataset"),
            ("/fine-tunes/new", "Build one first"),
            ("/models", "Train one"),
        ):
            page.goto(path)
            expect(page.locator(".empty").filter(has_text=way_on)).to_be_visible()
        page.goto("/")
        sample(service.client)
        expect(page.get_by_role("row", name="sample")).to_be_visible(timeout=60_000)


def test_what_runs_is_followed(page: Page, served: OwnService, shoot: Shoot) -> None:
    """A long training is there with its progress; once it is cancelled it is what came last."""
    file = training_file(served.client, sample(served.client))
    slow = {"preset": "accurate", "iterations": 1000}
    asked = {"training_file_id": file["id"], "hyperparameters": slow, "name": "the long one"}
    job: Json = served.client.post("/v1/fine-tunes", json=asked).json()
    page.goto("/")
    running = page.get_by_role("table", name="Jobs that have not ended")
    expect(running.get_by_role("row", name="the long one")).to_contain_text("Fine-tune")
    expect(running.get_by_role("progressbar", name="Progress of the long one")).to_be_visible()
    shoot(page, "home-running")
    served.client.post(f"/v1/fine-tunes/{job['id']}/cancel")
    ended = page.get_by_role("table", name="Jobs that have ended")
    expect(ended.get_by_role("row", name="the long one")).to_contain_text(
        "cancelled", timeout=60_000
    )
    expect(running.get_by_role("row", name="the long one")).to_have_count(0)


def test_what_has_no_name_is_told_by_its_dataset(page: Page, served: OwnService) -> None:
    """A training file, an evaluation and a batch: in short, with the whole id at hand."""
    turned = "safe \u202eefas <b>"
    annotated = "1|t|Aspirin.\n1|a|Asthma.\n1\t0\t7\tAspirin\tChemical\tD001241\n"
    dataset = upload(served.client, annotated, name=turned)
    file = training_file(served.client, dataset)
    asked = {"model": "local:rules", "dataset_id": dataset["id"]}
    batch = served.client.post("/v1/extraction-batches", json=asked).json()
    settled(served.client, f"/v1/extraction-batches/{batch['id']}")
    asked = {"models": ["local:rules"], "dataset_id": dataset["id"]}
    evaluation = served.client.post("/v1/evaluations", json=asked | {"resamples": 100}).json()
    settled(served.client, f"/v1/evaluations/{evaluation['id']}")
    page.goto("/")
    ids = {"training-files": file["id"], "evaluations": evaluation["id"], "batches": batch["id"]}
    for path in (f"/{room}/{id_}" for room, id_ in ids.items()):
        link = page.locator(f"a[href='{path}']")
        id_ = path.rpartition("/")[2]
        expect(link).to_have_text(f"{id_.partition('_')[0]}_…{id_[-6:]}")
        expect(link).to_have_attribute("title", id_)
        expect(page.get_by_role("row").filter(has=link).locator("bdi")).to_have_text(turned)
    page.goto("/batches")
    expect(page.get_by_role("row").filter(has=link).locator("bdi")).to_have_text(turned)
    page.goto("/evaluations")
    link = page.locator(f"a[href='/evaluations/{evaluation['id']}']")
    expect(link).to_have_text(f"ev_…{evaluation['id'][-6:]}")
    expect(page.get_by_role("row").filter(has=link)).to_contain_text(turned)


def test_a_phone_needs_no_scrolling_sideways(page: Page) -> None:
    """At 360 pixels the page is no wider than the screen."""
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto("/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_page_may_load_nothing_from_elsewhere(served: OwnService) -> None:
    """The policy is on the page, and what the page needs is there."""
    answer = httpx.get(served.address)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "http" not in answer.text.partition("<body>")[0].replace("http-equiv", "")
