"""Parts of a page that follow what happens: what they must not take from who reads them."""

import time

from playwright.sync_api import Page, Route, expect

from app.own_service import OwnService
from tests.console.prepared import Json, sample, training_file


def running(served: OwnService, name: str) -> Json:
    """A training that takes its time."""
    file = training_file(served.client, sample(served.client))
    slow = {"preset": "accurate", "iterations": 1000}
    asked = {"training_file_id": file["id"], "hyperparameters": slow, "name": name}
    job: Json = served.client.post("/v1/fine-tunes", json=asked).json()
    return job


def test_a_reader_keeps_focus_and_selection(page: Page, served: OwnService) -> None:
    """What has not changed is left alone; in what has, a link that had the focus keeps it."""
    job = running(served, "kept")
    page.goto("/")
    link = page.get_by_role("link", name="kept")
    link.focus()
    asked = "[data-live]"
    with page.expect_response(lambda answer: answer.url.endswith("/live")):
        pass
    page.evaluate(f"() => {{ document.querySelector('{asked}').dataset.seen = 'yes' }}")
    with page.expect_response(lambda answer: answer.url.endswith("/live")):
        pass
    expect(link).to_be_focused()
    served.client.post(f"/v1/fine-tunes/{job['id']}/cancel")
    expect(page.get_by_role("table", name="Jobs that have ended")).to_contain_text("kept")
    expect(page.get_by_role("link", name="kept")).to_be_focused()


def test_a_page_nobody_looks_at_holds_no_stream(page: Page, served: OwnService) -> None:
    """Hidden it asks for nothing; shown again it is as new."""
    job = running(served, "hidden")
    page.goto(f"/fine-tunes/{job['id']}")
    hide = """hidden => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, True)
    time.sleep(0.6)  # what was asked for before has come
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    served.client.post(f"/v1/fine-tunes/{job['id']}/cancel")
    time.sleep(1)
    assert asked == []
    page.evaluate(hide, False)
    expect(page.locator(".status")).to_have_text("cancelled", timeout=60_000)


def test_without_its_stream_a_page_asks_now_and_then(page: Page, served: OwnService) -> None:
    """A proxy that refuses the stream once must not leave the page as it was for ever."""
    job = running(served, "refused")

    def refuse(route: Route) -> None:
        route.fulfill(status=502, body="no")

    page.route("**/events", refuse)
    page.goto(f"/fine-tunes/{job['id']}")
    expect(page.locator(".status")).not_to_have_text("cancelled")
    served.client.post(f"/v1/fine-tunes/{job['id']}/cancel")
    expect(page.locator(".status")).to_have_text("cancelled", timeout=60_000)
