"""Evaluations in a browser: form, live progress, scores, comparison, errors in their text."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import Json, fine_tune, sample, settled, training_file


@pytest.fixture(scope="module")
def dataset(served: OwnService) -> Json:
    return sample(served.client)


@pytest.fixture(scope="module")
def model(served: OwnService, dataset: Json) -> str:
    file = training_file(served.client, dataset, splits=["train"])
    trained = fine_tune(served.client, file, name="quick <tuned>")
    return str(trained["model_id"])


@pytest.fixture(scope="module")
def evaluated(served: OwnService, dataset: Json, model: str) -> Json:
    request = {"models": ["local:rules", model], "dataset_id": dataset["id"], "name": "both"}
    answer = served.client.post("/v1/evaluations", json=request | {"resamples": 200})
    return settled(served.client, answer.headers["Location"])


def marked(error: Locator, side: str) -> str:
    """What is marked in the text of an error as expected or found, without the words for it."""
    texts = "all => all.map(each => each.lastChild.textContent.slice(1)).join('')"
    return str(error.locator(f"mark.{side}").evaluate_all(texts))


def fill(page: Page, dataset: Json, model: str, name: str) -> None:
    """The form, up to its button."""
    page.goto("/evaluations")
    page.get_by_role("link", name="Compare models").click()
    page.get_by_label("Dataset").select_option(dataset["id"])
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("dev").check()
    page.get_by_label("Model, or the baseline").select_option("local:rules")
    page.get_by_role("group", name="Compared with").locator(f"[value={model}]").check()
    page.get_by_label("diseases").check()
    page.get_by_label("Name", exact=True).fill(name)


def test_models_are_compared_and_watched(
    page: Page, dataset: Json, model: str, shoot: Shoot
) -> None:
    """From the form to the scores, without loading the page again."""
    fill(page, dataset, model, "watched")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("watched")
    page.evaluate("window.same = true")
    scores = page.get_by_role("table", name="Diseases by model and measure")
    expect(scores.get_by_role("row", name=re.compile("^quick <tuned> Strict"))).to_be_visible()
    assert page.evaluate("window.same")
    expect(page.get_by_text("succeeded", exact=True)).to_be_visible()
    expect(page.locator("#live-said")).to_have_text("The evaluation has succeeded.")
    expect(page.get_by_role("img", name="Precision, recall and F1 of diseases")).to_be_visible()
    shoot(page, "evaluation")


def test_a_comparison_needs_no_script(
    browser: Browser, served: OwnService, dataset: Json, model: str
) -> None:
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        fill(page, dataset, model, "plain")
        page.get_by_role("button", name="Compare").click()
        location = page.url.replace(served.address, "")
        settled(served.client, f"/v1{location}")
        page.reload()
        expect(page.get_by_role("heading", name="Scores")).to_be_visible()


def test_a_refused_form_keeps_what_was_typed(page: Page, dataset: Json, model: str) -> None:
    """And says at the field what is wrong with it."""
    fill(page, dataset, model, "refused")
    page.get_by_label("Another one").fill("no-such-model")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no model no-such-model.")
    expect(page.get_by_label("Another one")).to_have_value("no-such-model")
    expect(page.get_by_label("Name", exact=True)).to_have_value("refused")
    expect(page.get_by_label("dev")).to_be_checked()
    page.get_by_label("Another one").fill("")
    page.get_by_text("How they answer").click()
    page.get_by_label("Least precision").fill("0.9")
    page.get_by_role("group", name="Tasks").get_by_label("diseases").uncheck()
    page.evaluate("document.querySelector('[name=\"options.min_precision\"]').type = 'text'")
    page.get_by_label("Least precision").fill("much")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_label("Least precision")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Least precision")).to_be_visible()


def test_scores_are_shown_with_what_to_know_of_them(page: Page, evaluated: Json) -> None:
    """Differences with their intervals, documents seen in training, causes, speed."""
    page.goto(f"/evaluations/{evaluated['id']}")
    expect(page.get_by_text("documents were in its training file")).to_be_visible()
    luck = page.get_by_role("table", name="F1 of each model less that of the baseline")
    expect(luck.get_by_role("row")).to_have_count(1 + len(evaluated["comparisons"]))
    strict = evaluated["results"][0]["scores"]["diseases"]["mentions_strict"]
    scores = page.get_by_role("table", name="Diseases by model and measure")
    row = scores.get_by_role("row", name=re.compile("^local:rules Strict"))
    expect(row).to_contain_text(f"{strict['f1']:.4f}")
    expect(row).to_contain_text(str(strict["tp"]))
    causes = page.get_by_role("table", name="Diseases: how many errors")
    boundary = evaluated["results"][0]["errors"]["diseases"]["boundary"]
    expect(causes.get_by_role("row", name=re.compile("^boundary"))).to_contain_text(str(boundary))
    relations = page.get_by_role("table", name="Relations by model and measure")
    expect(relations).to_contain_text("It cannot be measured so.")


def test_any_two_models_are_compared(page: Page, evaluated: Json, model: str, shoot: Shoot) -> None:
    """In words, in numbers, and document by document."""
    page.goto(f"/evaluations/{evaluated['id']}")
    page.get_by_role("link", name="Compare any two").click()
    page.get_by_label("Baseline").select_option(model)
    page.get_by_label("Model", exact=True).select_option("local:rules")
    page.get_by_label("Task and measure").select_option("chemicals.mentions_strict")
    page.get_by_role("button", name="Compare").click()
    found = next(each for each in evaluated["comparisons"] if each["task"] == "chemicals")
    heading = page.get_by_role("heading", level=2).first
    expect(heading).to_have_text("local:rules against quick <tuned>: chemicals, strict")
    expect(page.get_by_text(f"{-found['difference']:+.4f}", exact=True)).to_be_visible()
    told = f"{found['lost']} won, {found['won']} lost, {found['tied']} tied"
    expect(page.get_by_text(told)).to_be_visible()
    expect(page.get_by_text("Right, and found by the baseline alone:").first).to_be_visible()
    shoot(page, "comparison")
    page.get_by_role("link", name="More documents").click()
    expect(page.get_by_role("table")).to_be_visible()


def test_a_model_is_not_compared_with_itself(page: Page, evaluated: Json) -> None:
    page.goto(f"/evaluations/{evaluated['id']}/comparison?baseline=local:rules&model=local:rules")
    expect(page.get_by_role("alert")).to_contain_text("Name two different models.")


def test_errors_are_read_in_their_text(page: Page, evaluated: Json, shoot: Shoot) -> None:
    """What was expected and what was found are marked and said; pages follow one another."""
    page.goto(f"/evaluations/{evaluated['id']}")
    causes = page.get_by_role("table", name="Diseases: how many errors")
    causes.get_by_role("row", name=re.compile("^boundary")).get_by_role("link").first.click()
    error = page.get_by_role("article").first
    expect(error.get_by_role("heading")).to_contain_text("Boundary")
    assert "expected and found " in error.locator("mark.expected.found").first.inner_text()
    for place, side in enumerate(("expected", "found")):
        said = error.locator("dd").nth(place).locator("strong")
        assert marked(error, side) == said.inner_text() != ""
    expect(error.get_by_text("nothing here")).to_have_count(0)
    first = error.inner_text()
    shoot(page, "errors")
    page.get_by_role("link", name="More errors").click()
    expect(page.get_by_role("article").first).not_to_have_text(first)
    expect(page.get_by_label("Cause")).to_have_value("boundary")

    page.get_by_label("Task").select_option("relations")
    page.get_by_label("Cause").select_option("relation_across_sentences")
    page.get_by_role("button", name="Show").click()
    relation = page.get_by_role("article").first
    expect(relation).to_contain_text("→")
    expect(relation.locator("mark").first).to_contain_text(re.compile("chemical|disease"))

    page.get_by_label("Task").select_option("chemicals")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("There are no errors like that.")).to_be_visible()


def test_the_leaderboard_is_sorted(page: Page, dataset: Json, evaluated: Json) -> None:
    page.goto("/evaluations")
    page.get_by_label("Dataset").select_option(dataset["id"])
    page.get_by_label("Order").select_option("f1")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Leaderboard")
    scores = [float(each) for each in page.locator("td strong").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert f"{max(each['f1'] for each in evaluated['results']):.4f}" in page.content()


def test_nothing_is_wider_than_a_phone(page: Page, evaluated: Json, dataset: Json) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    one = f"/evaluations/{evaluated['id']}"
    new = f"/evaluations/new?dataset_id={dataset['id']}"
    for path in ("/evaluations?sort=f1", new, one, f"{one}/comparison", f"{one}/errors"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_an_evaluation_is_deleted_after_a_question(
    page: Page, served: OwnService, dataset: Json
) -> None:
    request = {"models": ["local:rules"], "dataset_id": dataset["id"], "name": "short-lived"}
    answer = served.client.post("/v1/evaluations", json=request)
    evaluation = settled(served.client, answer.headers["Location"])
    page.goto(f"/evaluations/{evaluation['id']}/comparison")
    expect(page.get_by_text("This evaluation has one model.")).to_be_visible()
    page.goto(f"/evaluations/{evaluation['id']}")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page).to_have_url(re.compile("/evaluations$"))
    assert served.client.get(f"/v1/evaluations/{evaluation['id']}").status_code == 404
    page.goto(f"/evaluations/{evaluation['id']}")
    expect(page.get_by_role("alert")).to_contain_text("There is no evaluation")
