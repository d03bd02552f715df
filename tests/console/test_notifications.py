"""Notifications in a browser: add a target, try it out, read the log, send again, delete.

The service is a fresh one, whose messages may go to this machine: empty pages are seen in it too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from standardwebhooks import Webhook

from app.own_service import OwnService, own_service
from tests.console.conftest import Shoot
from tests.console.prepared import upload
from tests.notifications.conftest import Receiver, receiver


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with receiver() as hook:
        yield hook


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    settings = {"MEDTUNE_NOTIFY_PRIVATE": "true"}
    with own_service(tmp_path_factory.mktemp("notifications"), settings) as service:
        yield service


def add(page: Page, address: str, name: str) -> str:
    """A webhook added; gives its secret, the page of the target being open."""
    page.goto("/notifications")
    page.get_by_label("Address").fill(address)
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Keep this secret now")
    secret = page.get_by_label("Secret").input_value()
    page.get_by_role("link", name="I have kept it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return secret


@pytest.mark.parametrize(
    ("path", "next_"),
    [
        ("/evaluations", "Compare models"),
        ("/evaluations/new", "Upload one"),
        ("/batches", "Begin one"),
        ("/batches/new", "Upload one"),
        ("/vocabularies", "Upload one below"),
        ("/notifications", "Add a webhook"),
    ],
)
def test_an_empty_page_says_what_to_do(page: Page, path: str, next_: str) -> None:
    """Nothing has been made in this service yet."""
    page.goto(path)
    expect(page.locator(".empty")).to_contain_text(next_)


def test_a_webhook_is_added_and_tried_out(page: Page, hook: Receiver, shoot: Shoot) -> None:
    """Its secret is shown once; a test arrives, signed with it, and is in the log."""
    secret = add(page, f"{hook.address}/team", "curation <team>")
    assert secret not in page.content()
    expect(page.get_by_text("Nothing was sent yet.")).to_be_visible()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("notification_target.test")
    expect(page.get_by_text("delivered", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^1 succeeded"))).to_contain_text("HTTP 204")
    shoot(page, "delivery")
    (post,) = hook.posts
    assert Webhook(secret).verify(post.body, post.headers)
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_role("row", name=re.compile("^2 succeeded"))).to_be_visible()
    assert [each.id for each in hook.posts] == [post.id] * 2
    page.get_by_role("link", name="curation <team>").click()
    expect(page.get_by_role("row", name="notification_target.test")).to_have_count(1)
    shoot(page, "target")


def test_the_log_shows_what_arrives_while_it_is_open(
    page: Page, served: OwnService, hook: Receiver
) -> None:
    """A target is told of what was ticked alone, and of nothing while it is off."""
    add(page, f"{hook.address}/log", "log")
    page.get_by_label("everything").uncheck()
    page.get_by_label("dataset failed").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("everything")).not_to_be_checked()
    expect(page.get_by_label("dataset failed")).to_be_checked()
    dataset = upload(served.client, "no document")
    assert dataset["status"] == "failed"
    row = page.get_by_role("row", name="dataset.failed")
    expect(row.get_by_role("link", name=dataset["id"])).to_be_visible()
    expect(row).to_contain_text("delivered")
    page.get_by_label("on: messages are sent").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("off: nothing is sent")).to_be_visible()
    expect(page.get_by_role("button", name="Send a test")).to_have_count(0)


def test_a_batch_tells_whom_it_names(
    page: Page, hook: Receiver, served: OwnService, tmp_path: Path
) -> None:
    """A target that is told of nothing by itself."""
    add(page, f"{hook.address}/named", "named")
    page.get_by_label("everything").uncheck()
    page.get_by_role("button", name="Save").click()
    texts = tmp_path / "texts.jsonl"
    texts.write_text('"Clozapine."\n')
    page.goto("/batches/new")
    page.get_by_label("Model", exact=True).select_option("local:rules")
    page.get_by_label("named").check()
    page.get_by_label("File of texts").set_input_files(texts)
    page.get_by_role("button", name="Upload and begin").click()
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    page.goto("/notifications")
    page.get_by_role("link", name="named").click()
    row = page.get_by_role("row", name="extraction_batch.succeeded")
    expect(row).to_contain_text("delivered")


def test_a_failed_attempt_says_why(page: Page, hook: Receiver) -> None:
    """And the message can be sent again before its time."""
    add(page, f"{hook.address}/refusing", "refusing")
    hook.answer = lambda _n, post: (500 if post.path == "/refusing" else 204, {})
    page.get_by_role("button", name="Send a test").click()
    first = page.get_by_role("row", name=re.compile("^1 failed"))
    expect(first).to_contain_text("HTTP 500")
    expect(page.get_by_role("row", name=re.compile("^2 waiting"))).to_be_visible()
    hook.answer = lambda _n, _post: (204, {})
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("row", name=re.compile("^2 succeeded"))).to_be_visible()


def test_a_refused_form_keeps_what_was_typed(page: Page) -> None:
    page.goto("/notifications")
    page.get_by_label("Address").fill("ftp://example.org/x")
    page.get_by_label("Name").fill("refused")
    page.get_by_label("everything").uncheck()
    page.get_by_label("fine-tune any end").check()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("http")
    expect(page.get_by_label("Address")).to_have_value("ftp://example.org/x")
    expect(page.get_by_label("fine-tune any end")).to_be_checked()
    expect(page.get_by_label("everything")).not_to_be_checked()
    page.get_by_label("Kind").select_option("email")
    page.get_by_label("Address").fill("team@example.org")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("No e-mail is sent by this service.")
    expect(page.get_by_role("alert")).to_contain_text("MEDTUNE_SMTP_HOST")


def test_a_target_needs_no_script(browser: Browser, served: OwnService, hook: Receiver) -> None:
    """Added, tried out and deleted without any."""
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        add(page, hook.address, "plain")
        target = page.url.rpartition("/")[2]
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_role("heading", name="Attempts")).to_be_visible()
        page.goto(f"/notifications/{target}")
        page.get_by_role("link", name="Delete").click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page).to_have_url(re.compile("/notifications$"))
        expect(page.get_by_role("link", name="plain")).to_have_count(0)


def test_nothing_is_wider_than_a_phone(page: Page, hook: Receiver) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    add(page, f"{hook.address}/{'long' * 40}", "narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("delivered", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.goto("/notifications")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
