"""Keys and the audit log in a browser, and names that would turn the text around them."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService, own_service
from tests.console.conftest import Shoot

ADMIN_KEY = "an-admin-key-of-these-tests-0123456789"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    """A service with a key; its client has it."""
    folder = tmp_path_factory.mktemp("keys")
    with own_service(folder, {"MEDTUNE_ADMIN_KEY": ADMIN_KEY}) as service:
        service.client.headers.update(ADMIN)
        yield service


@pytest.fixture
def page(browser: Browser, locked: OwnService) -> Iterator[Page]:
    """A page of whoever has the admin key, who has logged in."""
    with browser.new_context(base_url=locked.address) as context:
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto("/login?next=/keys")
        page.get_by_label("Key", exact=True).fill(ADMIN_KEY)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Keys")
        yield page


def test_a_key_is_made_shown_once_and_revoked(page: Page, locked: OwnService, shoot: Shoot) -> None:
    """It opens what its scope says, until it is revoked; both are in the audit log."""
    page.get_by_label("Name").fill("nightly <b>mining</b>")
    page.get_by_label("Scope").select_option("write")
    page.get_by_label("Ends on").fill("2099-12-31")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The key nightly <b>mining</b>")
    key = page.locator("#key").inner_text()
    bearer = {"Authorization": f"Bearer {key}"}
    assert httpx.get(f"{locked.address}/v1/datasets", headers=bearer).is_success
    assert httpx.get(f"{locked.address}/v1/keys", headers=bearer).status_code == 403
    page.get_by_role("link", name="I have kept it").click()
    row = page.get_by_role("row", name="nightly")
    expect(row).to_contain_text("valid")
    expect(row).to_contain_text("2099-12-31 00:00:00 UTC")
    assert key not in page.content()
    assert page.locator(".table").evaluate("each => each.scrollWidth <= each.clientWidth")
    shoot(page, "keys")
    row.get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke for good").click()
    expect(row).to_contain_text("revoked")
    expect(row.get_by_role("link", name="Revoke")).to_have_count(0)
    page.get_by_role("link", name="audit log").click()
    done = page.get_by_role("row").filter(has_text="api keys")
    expect(done.nth(0)).to_contain_text("settings revoked")
    expect(done.nth(1)).to_contain_text("settings created")
    request = locked.client.get("/v1/audit-events").json()["items"][0]["request_id"]
    expect(done.nth(0)).to_contain_text(request)
    assert page.locator(".table").evaluate("each => each.scrollWidth <= each.clientWidth")
    shoot(page, "audit")


def test_what_is_wrong_with_a_key_stands_at_its_field(page: Page) -> None:
    """And what was typed is kept."""
    page.get_by_label("Name").fill("too late")
    page.get_by_label("Ends on").fill("2020-01-01")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#expires_at-fault")).to_have_text("It is in the past.")
    expect(page.get_by_label("Name")).to_have_value("too late")
    expect(page.get_by_label("Ends on")).to_have_value("2020-01-01")
    answer = page.request.post(
        "/keys",
        form={"name": "n", "scope": "all", "expires_at": "soon"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status == 422


def test_the_audit_log_goes_back_page_by_page(page: Page, locked: OwnService) -> None:
    """Nothing twice, nothing left out."""
    for number in range(60):
        alias = f"/v1/model-aliases/page-{number}"
        assert locked.client.put(alias, json={"model": "local:rules"}).is_success
    page.goto("/keys/audit")
    shown = page.locator("tbody td:nth-child(5)").all_inner_texts()
    page.get_by_role("link", name="Older ones").click()
    shown += page.locator("tbody td:nth-child(5)").all_inner_texts()
    aliases = [name for name in shown if name.startswith("page-")]
    assert aliases == [f"page-{number}" for number in reversed(range(60))]


def test_a_name_does_not_turn_what_follows_it(page: Page, locked: OwnService) -> None:
    """Marks of direction in a name end with it: the words around stand where they stood."""
    files = {"file": ("a.txt", b"1|t|Aspirin.\n1|a|Asthma.\n")}
    turned = "safe \u202eefas"
    made = locked.client.post("/v1/datasets", files=files, data={"name": turned}).json()
    page.goto(f"/datasets/{made['id']}/delete")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"Delete the dataset {turned}?")
    # Where on the line the question mark is drawn: after the name, not before it.
    after = """heading => {
      const box = node => {
        const range = document.createRange();
        range.selectNodeContents(node);
        return range.getBoundingClientRect();
      };
      return box(heading.lastChild).left - box(heading.querySelector('bdi')).right;
    }"""
    assert heading.evaluate(after) >= -1
