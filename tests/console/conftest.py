"""A served console and a browser, one of each for all tests; a fresh page for each test.

What a page writes to its console as an error, a refusal of the Content-Security-Policy among them,
fails the test. Screenshots are kept where MEDTUNE_SCREENSHOTS names a folder.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from app.own_service import OwnService, own_service
from tests.browser import chromium

Shoot = Callable[[Page, str], None]


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    """`medtune serve`."""
    with own_service(tmp_path_factory.mktemp("console")) as service:
        yield service


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, served: OwnService) -> Iterator[Page]:
    """A page in a context of its own; paths are the service's."""
    with browser.new_context(base_url=served.address) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(error.message))
        yield page
        # A page of a problem is one, and Chromium says so.
        assert [each for each in errors if "Failed to load resource" not in each] == []


@pytest.fixture
def shoot() -> Shoot:
    """Keep a screenshot, if anybody wants them."""
    folder = os.environ.get("MEDTUNE_SCREENSHOTS")

    def shoot(page: Page, name: str) -> None:
        if folder:
            page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

    return shoot
