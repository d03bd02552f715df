"""Corrections in a browser: from what a model has found to a new version of a dataset."""

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.console.playground import EXAMPLE
from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import Json, fine_tune, sample, training_file, upload

TITLE = "Aspirin 𝛽."
TEXT = "Haloperidol caused tremor.\nSo did 𝛽-blockers, with headache."
WHOLE = f"{TITLE} {TEXT}"


@pytest.fixture(scope="module")
def dataset(served: OwnService) -> Json:
    return sample(served.client)


def begin(page: Page, title: str, text: str, model: str = "local:rules", base: str = "") -> None:
    """To the page of corrections."""
    page.goto(f"/playground?base={base}")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Abstract").fill(text)
    page.get_by_label("Model", exact=True).select_option(model)
    page.get_by_role("button", name="Extract").click()
    page.get_by_role("button", name="Correct this").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Correct what was found")


def select(page: Page, text: str) -> None:
    """Select a text within a passage, as a mouse would."""
    page.evaluate(
        """text => {
          const root = document.getElementById('passages');
          const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const at = walker.currentNode.data.indexOf(text);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + text.length);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
            return;
          }
          throw new Error('no such text');
        }""",
        text,
    )


def row_of(page: Page, text: str, start: int) -> str:
    """The number of a mention's row."""
    place = page.locator(f"[id^='mention.'][id$='.start'][value='{start}']")
    head = page.locator("tr", has=place).get_by_role("rowheader")
    expect(head).to_contain_text(f". {text}")
    return head.inner_text().partition(".")[0]


def saved(page: Page) -> str:
    """The id of the dataset, once it is ready."""
    expect(page.get_by_role("heading", name="What next")).to_be_visible()
    return page.url.rpartition("/")[2]


def document(served: OwnService, dataset_id: str, split: str = "train") -> Json:
    """The last document of a split."""
    path = f"/v1/datasets/{dataset_id}/documents?split={split}&limit=200"
    last: Json = served.client.get(path).json()["items"][-1]
    return last


def test_from_a_model_to_a_dataset_to_train_on(
    page: Page, served: OwnService, dataset: Json, shoot: Shoot
) -> None:
    """One rejected, one mended, one added: saved are exactly these, with all other documents."""
    file = training_file(served.client, dataset)
    asked = {"preset": "fast", "iterations": 20, "folds": 0}
    model = str(fine_tune(served.client, file, hyperparameters=asked)["model_id"])
    begin(page, EXAMPLE["title"], EXAMPLE["text"], model, dataset["id"])
    text = f"{EXAMPLE['title']} {EXAMPLE['text']}"
    found = served.client.post("/v1/extractions", json={"model": model, "text": text}).json()
    expected = {
        (m["start"], m["end"], type_): item["identifiers"]
        for key, type_ in (("diseases", "Disease"), ("chemicals", "Chemical"))
        for item in found[key]
        for m in item["mentions"]
    }
    pneumonia, furosemide = text.index("pneumonia"), text.index("Furosemide")
    assert (pneumonia, pneumonia + 9, "Disease") in expected
    assert (furosemide, furosemide + 10, "Chemical") in expected
    # Rejected, with another mention of the same name left for its relations.
    page.get_by_label(f"Keep mention {row_of(page, 'pneumonia', pneumonia)}").uncheck()
    expect(page.locator("tr.rejected")).to_have_count(1)
    del expected[pneumonia, pneumonia + 9, "Disease"]
    # Mended.
    number = row_of(page, "Furosemide", furosemide)
    page.get_by_label(f"Identifiers of mention {number}", exact=True).fill("MESH:D000001, OMIM:7")
    expected[furosemide, furosemide + 10, "Chemical"] = ["MESH:D000001", "OMIM:7"]
    # Added, by selecting it.
    select(page, "tinnitus")
    expect(page.locator("#selected")).to_contain_text("“tinnitus”")
    page.get_by_role("button", name="Add as disease").click()
    tinnitus = text.index("tinnitus")
    number = row_of(page, "tinnitus", tinnitus)
    expect(page.get_by_label(f"Identifiers of mention {number}")).to_be_focused()
    page.get_by_label(f"Identifiers of mention {number}").fill("D014012")
    expected[tinnitus, tinnitus + 8, "Disease"] = ["MESH:D014012"]
    # Only one relation, between what was mended and what was added.
    for box in page.get_by_label("Keep relation").all():
        box.uncheck()
    page.get_by_role("button", name="Show the text with these changes").click()
    page.get_by_label("Chemical of a new relation").select_option(
        label="Furosemide (MESH:D000001, OMIM:7)"
    )
    page.get_by_label("Disease of a new relation").select_option(label="tinnitus (MESH:D014012)")
    page.get_by_label("Id of the document").fill("siblings")
    shoot(page, "corrections")
    page.emulate_media(color_scheme="dark")
    shoot(page, "corrections-dark")
    page.get_by_role("button", name="Save as a new version").click()
    new = served.client.get(f"/v1/datasets/{saved(page)}").json()
    shoot(page, "corrections-saved")
    assert (new["name"], new["based_on"]) == ("sample", dataset["id"])
    counts = [split["documents"] for split in dataset["splits"]]
    assert [split["documents"] for split in new["splits"]] == [counts[0] + 1, counts[1]]
    last = document(served, new["id"])
    assert last["id"] == "siblings"
    assert [passage["text"] for passage in last["passages"]] == list(EXAMPLE.values())
    kept = {(m["start"], m["end"], m["type"]): m["identifiers"] for m in last["mentions"]}
    assert kept == expected
    pairs = {(each["chemical"], each["disease"]) for each in last["relations"]}
    assert pairs == {("MESH:D000001", "MESH:D014012"), ("OMIM:7", "MESH:D014012")}
    assert training_file(served.client, new)["status"] == "ready"
    # The next text goes into a version of this one.
    page.get_by_role("link", name="Correct another text").click()
    page.get_by_label("Abstract").fill(TEXT)
    page.get_by_role("button", name="Extract").click()
    page.get_by_role("button", name="Correct this").click()
    expect(page.get_by_label("Into a new version of")).to_have_value(f"{new['id']}:train")


def test_offsets_are_code_points_and_line_ends_are_one(page: Page, served: OwnService) -> None:
    """Selected after characters of two UTF-16 units, after a line end, next to other marks."""
    begin(page, TITLE, TEXT)
    select(page, " 𝛽-blockers")
    page.get_by_role("button", name="Add as chemical").click()
    start = WHOLE.index("𝛽-blockers")
    number = row_of(page, "𝛽-blockers", start)
    select(page, "blockers")
    page.get_by_label(f"Move mention {number} to the selection").click()
    row_of(page, "blockers", start + 2)
    # Across the beginning of another mention: the text does not change by that.
    place = WHOLE.index("with headache")
    page.get_by_label("Type of new mention 1").select_option("Chemical")
    page.get_by_label("Start of new mention 1").fill(str(place))
    page.get_by_label("End of new mention 1").fill(str(place + 9))
    page.get_by_role("button", name="Show the text with these changes").click()
    row_of(page, "with head", place)
    expect(page.locator("mark.disease.chemical")).to_contain_text("head")
    page.evaluate("document.querySelectorAll('#passages .sr-only').forEach(e => e.remove())")
    assert page.locator("#passages p").all_text_contents() == [TITLE, TEXT]
    page.get_by_label("Name of what is saved").fill("My <texts>")
    page.get_by_role("button", name="Save as a new version").click()
    new = served.client.get(f"/v1/datasets/{saved(page)}").json()
    assert (new["name"], new["based_on"], new["status"]) == ("My <texts>", None, "ready")
    found = document(served, new["id"])
    assert [passage["text"] for passage in found["passages"]] == [TITLE, TEXT]
    assert "blockers" in [mention["text"] for mention in found["mentions"]]
    assert all(WHOLE[m["start"] : m["end"]] == m["text"] for m in found["mentions"])


def test_what_is_done_while_an_answer_is_awaited_is_kept(page: Page) -> None:
    """Ticks and letters that come when the server's answer is under way already."""
    begin(page, "", TEXT)
    select(page, "blockers")
    page.evaluate(
        """() => {
          const fetched = window.fetch;
          window.fetch = async (...asked) => {
            window.fetch = fetched;
            const answer = await fetched(...asked);
            for (const number of [0, 2]) document.getElementById(`mention.${number}.keep`).click();
            document.getElementById('mention.1.identifiers').value = 'MESH:D000003';
            return answer;
          };
        }"""
    )
    page.get_by_role("button", name="Add as chemical").click()
    expect(page.locator("tr.rejected")).to_have_count(2)
    identifiers = page.get_by_label("Identifiers of mention 2", exact=True)
    expect(identifiers).to_have_value("MESH:D000003")
    expect(page.locator("#editor mark")).to_have_text(["disease 2: tremor", "chemical 4: blockers"])


def test_without_script(browser: Browser, served: OwnService) -> None:
    """Places are typed as numbers; what has no identifier but a relation is named by its name."""
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        page.set_default_timeout(20_000)
        begin(page, "", TEXT)
        expect(page.get_by_role("button", name="Add as disease")).to_be_hidden()
        headache = TEXT.index("headache")
        for box in page.get_by_label("Keep").all():
            box.uncheck()
        for number, start, length, type_ in ((1, 0, 11, "Chemical"), (2, headache, 8, "Disease")):
            page.get_by_label(f"Type of new mention {number}").select_option(type_)
            page.get_by_label(f"Start of new mention {number}").fill(str(start))
            page.get_by_label(f"End of new mention {number}").fill(str(start + length))
        page.get_by_role("button", name="Show the text with these changes").click()
        page.get_by_label("Chemical of a new relation").select_option(
            label="Haloperidol (no identifier)"
        )
        page.get_by_label("Disease of a new relation").select_option(
            label="headache (no identifier)"
        )
        page.get_by_label("Name of what is saved").fill("typed")
        page.get_by_role("button", name="Save as a new version").click()
        for _ in range(20):
            if page.get_by_role("heading", name="What next").count():
                break
            page.wait_for_timeout(200)
            page.reload()
        found = document(served, saved(page))
    assert [(m["text"], m["identifiers"]) for m in found["mentions"]] == [
        ("Haloperidol", ["NAME:haloperidol"]),
        ("headache", ["NAME:headache"]),
    ]
    pairs = [(each["chemical"], each["disease"]) for each in found["relations"]]
    assert pairs == [("NAME:haloperidol", "NAME:headache")]


def test_what_cannot_be_saved_is_told_at_its_place(
    page: Page, served: OwnService, shoot: Shoot
) -> None:
    """And whatever was done is kept; also on a phone."""
    base = upload(served.client, "1|t|Aspirin.\n1|a|Asthma.\n", split=["dev"], name="one")
    begin(page, "", TEXT, base=base["id"])
    page.get_by_label("Keep mention 1", exact=True).uncheck()  # the chemical of the relation
    expect(page.locator("tr.rejected")).to_have_count(1)
    page.get_by_label("Identifiers of mention 2", exact=True).fill("MESH:" + "9" * 300)
    page.get_by_label("Start of new mention 1").fill("50")
    page.get_by_label("End of new mention 1").fill("40")
    page.get_by_label("Into a new version of").select_option("new")
    page.get_by_label("Id of the document").fill("a|b")
    page.set_viewport_size({"width": 360, "height": 640})
    page.get_by_role("button", name="Save as a new version").click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("Relation 1: its chemical is not kept")
    expect(told).to_contain_text("Mention 2: use identifiers")
    expect(told).to_contain_text("the end after the start")
    expect(told).to_contain_text("A new dataset needs a name.")
    expect(page.get_by_label("Id of the document")).to_have_value("a|b")
    expect(page.get_by_label("Chemical of relation 1")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Keep mention 1", exact=True)).not_to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shoot(page, "corrections-refused-phone")


def test_a_document_of_another_split_is_refused_before_anything_is_stored(
    page: Page, served: OwnService
) -> None:
    """It would be in both; in its own split it is replaced."""
    both = ["1|t|Aspirin.\n1|a|Asthma.\n", "2|t|Ibuprofen.\n2|a|Tremor.\n"]
    base = upload(served.client, *both, split=["train", "dev"], name="two")
    begin(page, "", TEXT, base=base["id"])
    page.get_by_label("Id of the document").fill("2")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_role("alert")).to_contain_text("in its split dev")
    page.get_by_label("Into a new version of").select_option(f"{base['id']}:dev")
    page.get_by_role("button", name="Save as a new version").click()
    found = document(served, saved(page), "dev")
    assert (found["id"], found["passages"][0]["text"]) == ("2", TEXT)


def test_forms_of_others_are_refused(served: OwnService) -> None:
    """What this page never sends; from elsewhere; without a text."""
    path = f"{served.address}/playground/corrections"
    for data, status in (
        ({"text": TEXT, "found": "{}"}, 400),
        ({"text": TEXT, "mentions": "99999", "relations": "0"}, 400),
        ({"text": "", "mentions": "0", "relations": "0"}, 422),
        ({"text": TEXT, "mentions": "0", "relations": "0", "action": "save"}, 422),
    ):
        assert httpx.post(path, data=data).status_code == status
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert httpx.post(path, data={"text": TEXT}, headers=elsewhere).status_code == 403
    assert httpx.get(path).headers["location"] == "/playground"
    assert httpx.get(f"{path}/ds_0").status_code == 404
