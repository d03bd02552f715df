"""Logging in to the console in a browser: with a key, back to where one was, and out again."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.console.brake import FAILURES_A_MINUTE
from app.console.login import local_path
from app.keys.doorkeeper import SESSION_COOKIE
from app.own_service import OwnService, own_service
from tests.console.conftest import Shoot
from tests.console.prepared import sample, training_file

ADMIN_KEY = "an-admin-key-of-these-tests-0123456789"
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnService]:
    """A service with a key; its client has it."""
    folder = tmp_path_factory.mktemp("locked")
    with own_service(folder, {"MEDTUNE_ADMIN_KEY": ADMIN_KEY}) as service:
        service.client.headers["Authorization"] = f"Bearer {ADMIN_KEY}"
        yield service


@pytest.fixture
def context(browser: Browser, locked: OwnService) -> Iterator[BrowserContext]:
    """A browser that nobody has logged in with."""
    with browser.new_context(base_url=locked.address) as context:
        context.set_default_timeout(60_000)
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of it."""
    return context.new_page()


def new_key(service: OwnService, scope: str, name: str = "a reader") -> tuple[str, str]:
    """The id of a key, and the key."""
    made = service.client.post("/v1/keys", json={"name": name, "scope": scope})
    assert made.status_code == 201, made.text
    return made.json()["id"], made.json()["key"]


def log_in(page: Page, key: str) -> None:
    """On the page that asks for one."""
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Log in").click()


@contextmanager
def entered(service: OwnService, key: str) -> Iterator[httpx.Client]:
    """A client with a session's cookie, and with no key."""
    with httpx.Client(base_url=service.address, timeout=60) as client:
        answer = client.post("/login", data={"key": key}, headers=SAME)
        assert answer.status_code == 303
        yield client


def test_a_key_opens_the_page_that_was_asked_for(
    page: Page, locked: OwnService, shoot: Shoot
) -> None:
    """A wrong one opens nothing, and the page says what to do; the cookie is no script's."""
    page.goto("/datasets?cursor=")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    expect(page.get_by_text("Workspace")).to_have_count(0)
    log_in(page, "mt_of_nobody")
    expect(page.get_by_role("alert")).to_contain_text("ask whoever runs the service")
    shoot(page, "login-refused")
    log_in(page, f" {ADMIN_KEY}\n")
    expect(page).to_have_url(f"{locked.address}/datasets")
    expect(page.locator(".who")).to_contain_text("Workspace default, scope admin")
    shoot(page, "logged-in")
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        SESSION_COOKIE,
        True,
        "Lax",
        "/",
    )
    assert ADMIN_KEY not in page.content() + page.url + cookie["value"]
    assert page.evaluate("document.cookie") == ""
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_logging_out_ends_the_session(page: Page, locked: OwnService) -> None:
    """In this browser, and for whoever has kept the cookie."""
    page.goto("/models")
    log_in(page, ADMIN_KEY)
    expect(page).to_have_url(f"{locked.address}/models")
    [cookie] = page.context.cookies()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    assert page.context.cookies() == []
    kept = {SESSION_COOKIE: cookie["value"]}
    assert httpx.get(f"{locked.address}/models", cookies=kept).status_code == 303
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_a_reader_is_not_offered_what_changes_something(
    page: Page, locked: OwnService, shoot: Shoot
) -> None:
    """It may look and ask a model; whatever it sends nevertheless is refused on a page."""
    dataset = sample(locked.client)
    _, key = new_key(locked, "read")
    page.goto(f"/datasets/{dataset['id']}")
    log_in(page, key)
    expect(page.get_by_role("heading", level=1)).to_have_text("sample")
    expect(page.locator(".who")).to_contain_text("scope read: what changes something is left out")
    expect(page.get_by_role("link", name="Delete")).to_be_hidden()
    expect(page.get_by_role("link", name="Keys")).to_have_count(0)
    page.goto("/datasets")
    expect(page.get_by_role("button", name="Upload")).to_be_hidden()
    page.goto("/playground")
    page.get_by_label("Abstract").fill("Aspirin caused asthma.")
    page.get_by_role("button", name="Extract").click()
    expect(page.locator("#found mark").first).to_be_visible()
    page.goto("/keys")
    expect(page.get_by_role("alert")).to_contain_text("scope admin")
    page.goto(f"/datasets/{dataset['id']}/delete")
    page.evaluate("document.querySelector('main form').submit()")
    expect(page.get_by_role("alert")).to_contain_text("scope write")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    shoot(page, "refused-scope")
    assert locked.client.get(f"/v1/datasets/{dataset['id']}").is_success


def test_a_page_that_is_open_says_when_its_session_has_ended(
    page: Page, locked: OwnService, shoot: Shoot
) -> None:
    """It stops asking; what is sent from it stays in its form; after a login it is there again."""
    file = training_file(locked.client, sample(locked.client))
    slow = {"preset": "accurate", "iterations": 1000}
    asked = {"training_file_id": file["id"], "hyperparameters": slow, "name": "the long one"}
    job = locked.client.post("/v1/fine-tunes", json=asked).json()
    key_id, key = new_key(locked, "write", "ends soon")
    page.goto("/")
    log_in(page, key)
    expect(page.get_by_role("progressbar", name="Progress of the long one")).to_be_visible()
    form = page.context.new_page()
    form.goto("/datasets")
    locked.client.post(f"/v1/keys/{key_id}/revoke")
    expect(page.get_by_role("alert")).to_contain_text("Your login has ended", timeout=60_000)
    expect(page.get_by_role("row", name="the long one")).to_be_visible()
    shoot(page, "session-ended")
    later: list[str] = []
    page.on("request", lambda request: later.append(request.url))
    page.wait_for_timeout(2500)  # longer than a part waits before it asks again
    assert later == []

    text = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"1|t|A\n1|a|B\n"}
    form.get_by_label("File 1", exact=True).set_input_files(text)  # type: ignore[arg-type]
    form.get_by_role("button", name="Upload").click()
    expect(form.get_by_role("alert")).to_contain_text("Your login has ended")
    assert form.url == f"{locked.address}/datasets"
    expect(form.get_by_role("button", name="Upload")).to_be_enabled()

    page.get_by_role("link", name="Log in again").click()
    log_in(page, ADMIN_KEY)
    expect(page.get_by_role("row", name="the long one")).to_be_visible()
    locked.client.post(f"/v1/fine-tunes/{job['id']}/cancel")


def test_forms_of_other_sites_change_nothing(locked: OwnService) -> None:
    """With the cookie, a form has to say that it is of this site; nothing said is refused."""
    with entered(locked, ADMIN_KEY) as client:
        for path in ("/keys", "/models/aliases", "/logout", "/datasets/ds_0/delete"):
            for headers in (
                {},
                {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
            ):
                answer = client.post(path, data={"name": "n", "scope": "read"}, headers=headers)
                assert answer.status_code == 403, (path, headers)
                assert "another site" in answer.text
        assert client.get("/keys").is_success, "the session has not ended"
        origin = {"Origin": locked.address}
        assert client.post("/logout", headers=origin).status_code == 303


def test_the_cookie_is_the_console_s_alone(locked: OwnService) -> None:
    """Its scripts read events with it; what speaks Cohere's protocol has a key."""
    with entered(locked, ADMIN_KEY) as client:
        assert client.get("/v1/models").is_success
        assert client.get("/cohere/v1/models").status_code == 401


def test_pages_can_be_asked_for_their_head(locked: OwnService, served: OwnService) -> None:
    """As by whatever looks whether a link still leads somewhere; without a login, to the login."""
    assert httpx.head(f"{locked.address}/datasets").headers["Location"] == "/login?next=/datasets"
    for path in ("/", "/datasets", "/playground", "/fine-tunes/new"):
        answer = httpx.head(f"{served.address}{path}")
        assert (answer.status_code, answer.content) == (200, b""), path


def test_without_keys_there_is_nothing_to_log_in_to(served: OwnService) -> None:
    """Whoever comes by an old link is led on."""
    for answer in (
        httpx.get(f"{served.address}/login?next=/models"),
        httpx.post(f"{served.address}/login", data={"key": "any", "next": "/models"}),
    ):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/models")
    page = httpx.get(f"{served.address}/keys").text
    assert "medtune keys create --scope admin" in page
    assert 'class="who"' not in page


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/models/mdl_1", "/models/mdl_1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_is_a_path_of_ours(given: str, path: str) -> None:
    """Whatever a browser could take for an address elsewhere is not."""
    assert local_path(given) == path


def test_guessing_is_slowed_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After so many wrong keys no key is looked at from there; no key is in the log."""
    folder = tmp_path_factory.mktemp("guessed")
    with own_service(folder, {"MEDTUNE_ADMIN_KEY": ADMIN_KEY}) as service:
        guess = {"key": "mt_guessed_just_so"}
        answers = [service.client.post("/login", data=guess) for _ in range(FAILURES_A_MINUTE + 1)]
        assert [each.status_code for each in answers] == [401] * FAILURES_A_MINUTE + [429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        right = service.client.post("/login", data={"key": ADMIN_KEY})
        assert right.status_code == 429
        log = service.log.read_text()
    assert "guessed_just_so" not in log
    assert ADMIN_KEY not in log
