"""Tables that are wider than a phone: they say so, scroll by keyboard, and stay where they were."""

import pytest
from playwright.sync_api import Locator, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import upload

NAMES = ["long-" * 12, "second"]


@pytest.fixture
def table(page: Page, served: OwnService) -> Locator:
    """What came last on the first page, on a phone."""
    upload(served.client, "1|t|Aspirin.\n1|a|Asthma.\n", name=NAMES[0])
    page.set_viewport_size({"width": 375, "height": 700})
    page.goto("/")
    return page.get_by_role("region", name="Jobs that have ended")


def at_the_right(table: Locator) -> bool:
    """Whether it was scrolled as far as it can be."""
    return bool(
        table.evaluate("each => each.scrollLeft + each.clientWidth >= each.scrollWidth - 1")
    )


def test_a_wide_table_scrolls_by_keyboard_and_says_so(
    page: Page, table: Locator, shoot: Shoot
) -> None:
    """Where it fits it is no stop on the way, and hints at nothing."""
    shoot(page, "phone-table")
    hint = "each => getComputedStyle(each.querySelector('caption'), '::after').content"
    assert "scrolls sideways" in table.evaluate(hint)
    expect(table).to_have_attribute("tabindex", "0")
    table.focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(25)
        if at_the_right(table):
            break
    assert at_the_right(table)
    wrapper = page.locator(".table").last
    page.set_viewport_size({"width": 1280, "height": 700})
    expect(wrapper).not_to_have_attribute("tabindex", "0")
    assert wrapper.evaluate(hint) == "none"
    expect(page.get_by_role("link", name=NAMES[0]).first).to_be_visible()


def test_what_is_followed_live_stays_where_it_was_scrolled(
    page: Page, served: OwnService, table: Locator
) -> None:
    """A new row comes; neither the place nor the keyboard is lost."""
    table.focus()
    table.evaluate("each => { each.scrollLeft = 60; }")
    upload(served.client, "2|t|Aspirin.\n2|a|Asthma.\n", name=NAMES[1])
    expect(table.get_by_role("link", name=NAMES[1], exact=True).first).to_be_attached(
        timeout=60_000
    )
    expect(table).to_be_focused()
    assert table.evaluate("each => each.scrollLeft") == 60
