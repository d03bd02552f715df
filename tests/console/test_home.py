"""The first page, and what holds for all pages."""

import httpx
from playwright.sync_api import Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot


def test_the_first_page_leads_through_the_pipeline(page: Page, shoot: Shoot) -> None:
    """Every section is a link, by mouse and by keyboard."""
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("a model of your own")
    page.keyboard.press("Tab")
    expect(page.get_by_text("To the content")).to_be_focused()
    links = page.get_by_role("navigation").get_by_role("link")
    assert "Playground" in links.all_inner_texts()
    shoot(page, "home")


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
