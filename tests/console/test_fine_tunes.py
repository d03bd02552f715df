"""Fine-tunes in the console: launched from a form made of a schema, followed to the model."""

import re
import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import Json, fine_tune, sample, settled, training_file


@pytest.fixture(scope="module")
def file(served: OwnService) -> Json:
    """A training file of the sample."""
    return training_file(served.client, sample(served.client), tasks=["diseases", "chemicals"])


def quick(page: Page) -> None:
    """Hyperparameters of a training that is soon over."""
    page.get_by_label("Preset").select_option("fast")
    page.get_by_label("Iterations").fill("5")
    page.get_by_label("Folds", exact=True).fill("0")


def test_a_training_is_followed_live_to_its_model(page: Page, file: Json, shoot: Shoot) -> None:
    """The page is not reloaded: stage, curve and events come by themselves, at last the model."""
    page.goto(f"/fine-tunes/new?training_file_id={file['id']}")
    page.get_by_label("Name").fill("My first")
    quick(page)
    shoot(page, "fine-tune-new")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My first")
    page.evaluate("window.kept = true")
    expect(page.get_by_text("The model is there:")).to_be_visible(timeout=60_000)
    assert page.evaluate("window.kept") is True
    expect(page.get_by_role("status")).to_have_text("The fine-tune is succeeded.")
    expect(page.get_by_role("img", name=re.compile("loss of train"))).to_be_visible()
    page.get_by_text("The numbers").first.click()
    expect(page.get_by_role("table").first.get_by_role("row")).to_have_count(6)
    expect(page.get_by_role("row", name="succeeded")).to_be_visible()
    expect(page.get_by_role("link", name="Try it")).to_have_attribute(
        "href", re.compile(r"/playground\?model=mdl_")
    )
    shoot(page, "fine-tune")
    page.emulate_media(color_scheme="dark")
    shoot(page, "fine-tune-dark")


def test_a_running_one_can_be_cancelled(page: Page, served: OwnService, file: Json) -> None:
    """The list follows it, its page has the button, and says at last that it was cancelled."""
    slow = {"preset": "accurate", "iterations": 1000}
    asked = {"training_file_id": file["id"], "hyperparameters": slow, "name": "long"}
    launched: Json = served.client.post("/v1/fine-tunes", json=asked).json()
    page.goto("/fine-tunes")
    row = page.get_by_role("row", name="long")
    expect(row.get_by_text("training", exact=True)).to_be_visible()
    row.get_by_role("link", name="long").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("cancelled", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    ended = settled(served.client, f"/v1/fine-tunes/{launched['id']}")
    assert ended["status"] == "cancelled"


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(
    page: Page, file: Json, shoot: Shoot
) -> None:
    """A threshold of 1 is no probability below 1, which no browser knows beforehand."""
    page.goto(f"/fine-tunes/new?training_file_id={file['id']}")
    page.get_by_label("Name").fill("kept")
    page.get_by_label("Preset").select_option("fast")
    page.get_by_label("Relation threshold").fill("1")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("alert")).to_contain_text("Mend what is marked")
    field = page.get_by_label("Relation threshold")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("less than 1"))
    expect(field).to_have_value("1")
    expect(page.get_by_label("Preset")).to_have_value("fast")
    expect(page.get_by_label("Name")).to_have_value("kept")
    shoot(page, "fine-tune-refused")


def test_each_backend_has_its_own_fields(page: Page, file: Json, shoot: Shoot) -> None:
    """Chosen with script; groups, lists and truth values are fields, and the name typed stays."""
    page.goto("/fine-tunes/new")
    page.get_by_label("Name").fill("elsewhere")
    page.get_by_label("Backend").select_option("cohere")
    expect(page.get_by_label("Train epochs")).to_have_value("1")
    expect(page.get_by_label("Preset")).to_have_count(0)
    expect(page.get_by_label("Name")).to_have_value("elsewhere")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("alert")).to_contain_text("not configured")
    shoot(page, "fine-tune-cohere")


@pytest.fixture
def elsewhere(served: OwnService) -> Iterator[tuple[Json, Json]]:
    """A vocabulary and someone to be told, gone afterwards with all that uses them."""
    names = {"file": ("names.tsv", b"MESH:D001241\tAspirin\n")}
    form = {"name": "names", "type": "Chemical"}
    answer = served.client.post("/v1/vocabularies", files=names, data=form)
    vocabulary = settled(served.client, answer.headers["Location"])
    # Nobody is there: what is sent fails, and no one waits for that.
    asked = {"kind": "webhook", "address": "https://hooks.example/x", "events": [], "name": "team"}
    target: Json = served.client.post("/v1/notification-targets", json=asked).json()
    yield vocabulary, target
    served.client.delete(f"/v1/vocabularies/{vocabulary['id']}", params={"cascade": "true"})
    served.client.delete(f"/v1/notification-targets/{target['id']}")


def test_vocabularies_and_who_is_told_are_ticked(
    page: Page, served: OwnService, file: Json, elsewhere: tuple[Json, Json]
) -> None:
    """Both are in the fine-tune; and after a refusal they are still ticked."""
    vocabulary, target = elsewhere
    page.goto(f"/fine-tunes/new?training_file_id={file['id']}")
    quick(page)
    page.get_by_label("names").check()
    page.get_by_label("team").check()
    page.get_by_label("Relation threshold").fill("1")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_label("names")).to_be_checked()
    expect(page.get_by_label("team")).to_be_checked()
    page.get_by_label("Relation threshold").fill("")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("link", name=target["id"])).to_be_visible()
    location = page.url.replace("/fine-tunes/", "/v1/fine-tunes/")
    fine_tune = served.client.get(location).json()
    assert (fine_tune["vocabularies"], fine_tune["notify"]) == ([vocabulary["id"]], [target["id"]])
    served.client.post(f"{location}/cancel")
    settled(served.client, location)


def test_without_script(browser: Browser, served: OwnService, file: Json) -> None:
    """The backend's fields are a button away; without pressing it nothing is launched unseen."""
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"/fine-tunes/new?training_file_id={file['id']}&backend=cohere")
        page.get_by_label("Backend").select_option("local")
        page.get_by_label("Name").fill("plain")
        page.get_by_role("button", name="Train").click()
        expect(page.locator("#backend-fault")).to_have_text("See to its hyperparameters below.")
        page.get_by_label("Backend").select_option("cohere")
        page.get_by_role("button", name="Show its settings").click()
        expect(page.get_by_label("Lora rank")).to_be_visible()
        page.get_by_label("Backend").select_option("local")
        page.get_by_role("button", name="Show its settings").click()
        expect(page.get_by_label("Name")).to_have_value("plain")
        quick(page)
        page.get_by_role("button", name="Train").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("plain")
        settled(served.client, page.url.replace("/fine-tunes/", "/v1/fine-tunes/"))
        page.reload()
        expect(page.get_by_text("The model is there:")).to_be_visible()


def test_it_is_repeated_and_deleted(page: Page, served: OwnService, file: Json) -> None:
    """With the same settings under another name; deleting it names its model."""
    first = fine_tune(served.client, file, name="again")
    page.goto(f"/fine-tunes/{first['id']}")
    page.get_by_label("Name").fill("once more")
    page.get_by_role("button", name="Train again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("once more")
    expect(page.get_by_role("row", name="queued")).to_contain_text(f"repeats: {first['id']}")
    page.goto(f"/fine-tunes/{first['id']}/delete")
    page.get_by_label("Delete all of that as well (1)").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fine-tunes")
    assert served.client.get(f"/v1/models/{first['model_id']}").status_code == 404


def test_large_losses_are_told_whole(page: Page, served: OwnService, file: Json) -> None:
    """Every label of the curve lies within the picture, on a desk and on a phone."""
    done = fine_tune(served.client, file, name="large")
    with sqlite3.connect(served.log.parent / "medtune.db") as rows:
        rows.execute(
            "UPDATE fine_tune_metrics SET value = value + 9e8 WHERE fine_tune_id = ?", (done["id"],)
        )
    page.goto(f"/fine-tunes/{done['id']}")
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 800})
        labels = page.locator(".curve svg text")
        assert re.fullmatch("900,[0-9]{3},[0-9]{3}", labels.first.text_content() or "")
        for label in labels.all():
            assert label.evaluate("""each => {
              const [inner, outer] = [each, each.ownerSVGElement].map((one) =>
                one.getBoundingClientRect());
              return inner.left >= outer.left && inner.right <= outer.right;
            }"""), (width, label.text_content())


def test_a_phone_needs_no_scrolling_sideways(
    page: Page, served: OwnService, file: Json, shoot: Shoot
) -> None:
    """List, form, and one fine-tune with its curve."""
    done = fine_tune(served.client, file)
    page.set_viewport_size({"width": 360, "height": 640})
    for number, path in enumerate(["", "/new", f"/{done['id']}"]):
        page.goto(f"/fine-tunes{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        shoot(page, f"phone-fine-tunes-{number}")
