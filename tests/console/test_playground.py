"""The playground in a browser: one model, two models, errors with the text kept."""

from html import escape

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.console.playground import EXAMPLE
from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import fine_tune, sample, training_file

TEXT = "Aspirin caused asthma in nobody, but <b>haloperidol</b> caused tremor."


@pytest.fixture(scope="module")
def model(served: OwnService) -> str:
    """A model that was trained on the sample."""
    file = training_file(served.client, sample(served.client))
    asked = {"preset": "fast", "iterations": 20, "folds": 0}
    trained = fine_tune(served.client, file, name="quick & small", hyperparameters=asked)
    return str(trained["model_id"])


def extract(page: Page, text: str, model: str, other: str = "", title: str = "") -> None:
    """Fill in the form and send it."""
    page.goto("/playground")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Abstract").fill(text)
    page.get_by_label("Model", exact=True).select_option(model)
    page.get_by_label("Compare with").select_option(other)
    page.get_by_role("button", name="Extract").click()


def test_one_model(page: Page, shoot: Shoot) -> None:
    """Marks that say what they are, a table, pairs with the sentence that speaks for them."""
    page.goto("/playground")
    page.get_by_role("link", name="Put an example here").click()
    expect(page.get_by_label("Abstract")).to_have_value(EXAMPLE["text"])
    page.get_by_role("button", name="Extract").click()
    article = page.get_by_role("article", name="local:rules")
    mark = article.locator("mark.chemical", has_text="Furosemide")
    expect(mark).to_have_text("chemical: Furosemide")
    mark.focus()
    shown = mark.evaluate("each => getComputedStyle(each, '::after').content")
    assert shown == '"chemical · no identifier"'
    row = page.get_by_role("row", name="hearing loss disease none")
    expect(row.get_by_role("cell").last).to_have_text("3")
    pair = page.locator(".pairs > li").first
    expect(pair.locator("strong")).to_have_text(["gentamicin", "Hearing loss"])
    sentence = pair.locator("blockquote").first
    expect(sentence.locator("mark")).to_have_text(["disease: Hearing loss", "chemical: gentamicin"])
    assert EXAMPLE["text"][:20] not in page.url
    shoot(page, "playground")
    page.emulate_media(color_scheme="dark")
    shoot(page, "playground-dark")
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shoot(page, "playground-phone")


def test_two_models_side_by_side(page: Page, served: OwnService, model: str, shoot: Shoot) -> None:
    """What one alone has found is told in words and by a mark; scores are the API's."""
    extract(page, EXAMPLE["text"], model, "local:rules", EXAMPLE["title"])
    text = f"{EXAMPLE['title']} {EXAMPLE['text']}"
    places = []
    for each in (model, "local:rules"):
        found = served.client.post("/v1/extractions", json={"model": each, "text": text}).json()
        places.append({(m["start"], m["end"]) for d in ("diseases", "chemicals")
                       for item in found[d] for m in item["mentions"]})  # fmt: skip
    alone = places[0] - places[1], places[1] - places[0]
    assert alone[1], "the baseline knows a name that the quick model does not"
    for name, places_of in zip(("A: quick & small", "B: local:rules"), alone, strict=True):
        article = page.get_by_role("article", name=name)
        expect(article.locator("mark.alone.first")).to_have_count(len(places_of))
    expect(page.get_by_role("article", name="B:").locator(".alone").first).to_contain_text("only B")
    expect(page.get_by_role("row", name="tinnitus disease ◆ only B")).to_be_visible()
    expect(page.get_by_role("row", name="pneumonia disease ● both")).to_be_visible()
    shoot(page, "playground-two")


def test_a_text_is_shown_as_it_is(page: Page) -> None:
    """Markup in it is text; what is marked is what the text has, to the letter."""
    extract(page, TEXT, "local:rules", title="Tremor & <i>more</i>")
    expect(page.locator("#found .text b, #found .text i")).to_have_count(0)
    page.evaluate("document.querySelectorAll('#found .sr-only').forEach(each => each.remove())")
    shown = page.locator("#found .text p").all_text_contents()
    assert shown == ["Tremor & <i>more</i>", TEXT]


def test_nothing_found_says_what_next(page: Page) -> None:
    """An empty answer is not an empty page."""
    extract(page, "It rained all day.", "local:rules")
    expect(page.get_by_text("Nothing was found in this text.")).to_be_visible()
    expect(page.get_by_text("No relation was found.")).to_be_visible()


def test_errors_stand_at_their_fields_and_the_text_is_kept(
    page: Page, served: OwnService, shoot: Shoot
) -> None:
    """A model that cannot promise a precision; a text that is too long; no such model."""
    page.goto("/playground")
    page.get_by_label("Abstract").fill(TEXT)
    page.get_by_text("More: tasks").click()
    page.get_by_label("Least precision").fill("0.9")
    page.get_by_role("button", name="Extract").click()
    field = page.get_by_label("Least precision")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("0.9")
    expect(page.get_by_label("Abstract")).to_have_value(TEXT)
    shoot(page, "playground-refused")
    for text, model, status, fault in (
        ("x" * 200_000, "local:rules", 422, "text"),
        (" ", "local:rules", 422, "text"),
        (TEXT, "mdl_gone", 404, "model"),
        (TEXT, "", 422, "model"),
    ):
        answer = httpx.post(f"{served.address}/playground", data={"text": text, "model": model})
        assert answer.status_code == status
        assert f'id="{fault}-fault"' in answer.text
        assert escape(text).strip() in answer.text


def test_without_script(browser: Browser, served: OwnService) -> None:
    """The form and its answer are pages."""
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        extract(page, TEXT, "local:rules")
        expect(page.locator("#found mark").first).to_be_visible()
        answer = page.request.get("/playground")
        assert answer.headers["cache-control"] == "no-store"


def test_the_text_is_in_no_log(served: OwnService) -> None:
    """Neither of an answer nor of a refusal."""
    for model in ("local:rules", "nobody:knows"):
        text = "Zyxwvutsrq caused tremor."
        httpx.post(f"{served.address}/playground", data={"text": text, "model": model})
    assert "Zyxwvutsrq" not in served.log.read_text()


@pytest.mark.parametrize("fails", ["model", "other"])
def test_one_model_fails_and_the_other_is_heard(page: Page, fails: str) -> None:
    """What was found is there, and at its field why the other one has found nothing."""
    page.goto("/playground")
    page.get_by_label("Abstract").fill(TEXT)
    page.get_by_label("Model", exact=True).select_option("local:rules")
    page.get_by_label("Compare with").select_option("local:rules")
    gone = "select => select.append(new Option('gone', 'mdl_gone', true, true))"
    page.locator(f"#{fails}").evaluate(gone)
    page.get_by_role("button", name="Extract").click()
    expect(page.locator(f"#{fails}-fault")).to_contain_text("There is no model")
    expect(page.get_by_role("article", name="local:rules")).to_contain_text("haloperidol")
    expect(page.get_by_role("article")).to_have_count(1)
