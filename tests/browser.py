"""A real browser: Debian's Chromium without a screen, driven by Playwright.

Without it the tests that need one are skipped with a reason, but fail where `CI` is set.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

_QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
_QUIET += ["--disable-background-networking", "--disable-component-update"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, closed at the end of the block."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        told = "chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    expect.set_options(timeout=60_000)  # not 5 s: a busy machine is no fault of a page
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_QUIET, *root])
        try:
            yield browser
        finally:
            browser.close()
