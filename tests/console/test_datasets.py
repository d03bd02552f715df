"""Datasets in the console: upload, report, documents, deletion."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.own_service import OwnService
from tests.console.conftest import Shoot
from tests.console.prepared import SAMPLE, Json, settled, upload

BROKEN = "1|t|Aspirin and <b>headache</b>.\n1|a|It helps.\n1\t0\t7\tAspirin\tChemical\tD001241\n"
WRONG = BROKEN.replace("\t0\t7\t", "\t1\t8\t")
NESTED = (
    "7|t|Ocular and auditory toxicity of deferoxamine\n7|a|No more.\n"
    "7\t0\t28\tOcular and auditory toxicity\tDisease\tD014786|D006311\n"
    "7\t11\t28\tauditory toxicity\tDisease\tD006311\n"
    "7\t32\t44\tdeferoxamine\tChemical\tD003676\n"
    "7\tCID\tD003676\tD006311\n"
)


def choose(page: Page, number: int, path: Path, split: str = "") -> None:
    """Fill in one file of the form."""
    page.get_by_label(f"File {number}", exact=True).set_input_files(path)
    page.get_by_label(f"Split of file {number}").fill(split)


def test_an_upload_is_followed_until_its_documents_can_be_read(page: Page, shoot: Shoot) -> None:
    """With script: a bar while it is sent, the dataset's page, its report, its marked documents."""
    page.goto("/datasets")
    choose(page, 1, SAMPLE / "train.pubtator.txt", "train")
    choose(page, 2, SAMPLE / "dev.pubtator.txt", "dev")
    page.get_by_label("Name").fill("The sample")
    page.get_by_role("button", name="Add another file").click()
    expect(page.get_by_label("File 4", exact=True)).to_be_focused()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The sample")
    expect(page.get_by_text("ready", exact=True)).to_be_visible()
    expect(page.get_by_text("No problems were found.")).to_be_visible()
    expect(page.get_by_role("row", name="dev")).to_be_visible()
    shoot(page, "dataset")
    page.get_by_role("link", name="dev").click()
    expect(page.locator("article")).to_have_count(10)
    expect(page.locator("mark.chemical").nth(1)).to_be_visible()
    shoot(page, "documents")
    page.get_by_role("link", name="Next documents").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Documents of dev")


def test_mentions_within_mentions_do_not_break_the_text(
    page: Page, served: OwnService, shoot: Shoot
) -> None:
    """The text reads as it was sent; what is marked is what was annotated, with a word for it."""
    dataset = upload(served.client, NESTED)
    page.goto(f"/datasets/{dataset['id']}/documents")
    title = page.locator("[data-passage=title]")
    marks = title.locator("mark")
    assert marks.all_text_contents() == [
        "disease: Ocular and ",
        "disease: auditory toxicity",
        "chemical: deferoxamine",
    ]
    words = title.evaluate(
        "t => { t.querySelectorAll('.sr-only').forEach(w => w.remove()); return t.textContent }"
    )
    assert words == "Ocular and auditory toxicity of deferoxamine"
    expect(page.locator("article li")).to_contain_text(
        "deferoxamine MESH:D003676 → auditory toxicity"
    )


def test_a_broken_file_says_where_and_what_to_do(
    page: Page, served: OwnService, tmp_path: Path, shoot: Shoot
) -> None:
    """Code, file, line, document and hint; names of files are never markup."""
    file = tmp_path / "<img src=x onerror=alert(1)>.txt"
    file.write_text(WRONG, encoding="utf-8")
    page.goto("/datasets")
    choose(page, 1, file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("failed", exact=True)).to_be_visible()
    row = page.get_by_role("row", name="the text at the offsets")
    expect(row).to_contain_text("<img src=x")
    expect(row).to_contain_text("Offsets count Unicode code points")
    expect(page.get_by_role("link", name="upload them again")).to_be_visible()
    shoot(page, "dataset-failed")


def test_a_long_report_is_read_page_by_page(page: Page, served: OwnService) -> None:
    """The first problems on the dataset's page, all of them, a hundred at a time, on its own."""
    many = "".join(f"1\t{n}\t{n + 3}\txyz\tDisease\tD1\n" for n in range(120))
    dataset = upload(served.client, BROKEN + many.replace("D1", "D001241"))
    page.goto(f"/datasets/{dataset['id']}")
    problems = page.get_by_role("table", name="problems")
    expect(problems.get_by_role("row")).to_have_count(11)
    page.get_by_role("link", name="The whole report").click()
    expect(problems.get_by_role("row")).to_have_count(101)
    page.get_by_role("link", name="Next problems").click()
    found = dataset["report"]["errors"] + dataset["report"]["warnings"]
    expect(problems.get_by_role("row")).to_have_count(1 + found - 100)


def test_a_slow_upload_shows_how_far_it_is_and_can_be_stopped(
    page: Page, served: OwnService, tmp_path: Path, shoot: Shoot
) -> None:
    """Over a slow line; stopped, nothing of it is there, and the form is as it was."""
    file = tmp_path / "slow.txt"
    file.write_text(BROKEN + "\n" * 3_000_000, encoding="utf-8")
    page.goto("/datasets")
    choose(page, 1, file)
    slow = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1}
    slow.send("Network.enable")
    slow.send("Network.emulateNetworkConditions", limits | {"uploadThroughput": 300_000})
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#upload-said")).to_have_text(re.compile(r"^[1-9]\d? % sent"))
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_disabled()
    shoot(page, "datasets-uploading")
    page.get_by_role("button", name="Stop the upload").click()
    expect(page.get_by_role("alert")).to_contain_text("The upload was stopped.")
    expect(page.get_by_role("progressbar", name="Upload")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("row", name="slow.txt")).to_have_count(0)


def test_a_refused_upload_says_why_and_keeps_what_was_typed(page: Page, shoot: Shoot) -> None:
    """With script the form stays as it is."""
    page.goto("/datasets")
    page.get_by_label("Name").fill("kept")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose at least one file.")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("kept")
    expect(page.get_by_role("button", name="Upload")).to_be_enabled()
    shoot(page, "datasets-refused")


def test_without_script(browser: Browser, served: OwnService) -> None:
    """The same form, sent by the browser: refused with what was typed kept, then taken."""
    with browser.new_context(base_url=served.address, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/datasets")
        page.get_by_label("Name").fill("plain")
        page.get_by_label("Split of file 1").fill("dev")
        page.get_by_role("button", name="Upload").click()
        expect(page.locator(".fault")).to_have_text("Choose at least one file.")
        expect(page.get_by_label("Name")).to_have_value("plain")
        expect(page.get_by_label("Split of file 1")).to_have_value("dev")
        choose(page, 1, SAMPLE / "dev.pubtator.txt", "dev")
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("plain")
        settled(served.client, page.url.replace("/datasets/", "/v1/datasets/"))
        page.reload()
        expect(page.get_by_role("link", name="dev")).to_be_visible()


def test_what_depends_on_a_dataset_is_named_before_it_is_deleted(
    page: Page, served: OwnService, shoot: Shoot
) -> None:
    """Without the tick nothing is sent; with it, dataset and training file are gone."""
    dataset = upload(served.client, BROKEN, name="to go")
    asked = {"dataset_id": dataset["id"]}
    file: Json = served.client.post("/v1/training-files", json=asked).json()
    settled(served.client, f"/v1/training-files/{file['id']}")
    page.goto(f"/datasets/{dataset['id']}")
    page.get_by_role("link", name="Delete this dataset").click()
    expect(page.get_by_role("link", name=file["id"])).to_be_visible()
    shoot(page, "dataset-delete")
    page.get_by_role("button", name="Delete for good").click()
    assert page.url.endswith("/delete")
    # What came since was not told of: nothing goes until it has been.
    later = asked | {"format": "chat"}
    other: Json = served.client.post("/v1/training-files", json=later).json()
    settled(served.client, f"/v1/training-files/{other['id']}")
    page.get_by_label("Delete all of that as well (1)").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("alert")).to_contain_text("Something else depends on it now")
    assert served.client.get(f"/v1/training-files/{file['id']}").status_code == 200
    page.goto(f"/datasets/{dataset['id']}/delete")
    page.get_by_label("Delete all of that as well (2)").check()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="Datasets", exact=True)).to_be_visible()
    assert served.client.get(f"/v1/training-files/{file['id']}").status_code == 404


def test_what_is_not_there_is_a_page(page: Page, served: OwnService) -> None:
    """It says what to do; so does a form of another site's, which does nothing."""
    page.goto("/datasets/ds_0")
    expect(page.get_by_role("alert")).to_contain_text("There is no dataset ds_0.")
    answer = httpx.post(
        f"{served.address}/datasets", data={}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert "forbidden_origin" in answer.text


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_needs_no_scrolling_sideways(
    page: Page, served: OwnService, dark: bool, shoot: Shoot
) -> None:
    """List, dataset and documents at 360 pixels."""
    dataset = upload(served.client, WRONG, name="a-rather-long-name-without-any-space-in-it")
    fine = upload(served.client, NESTED)
    page.set_viewport_size({"width": 360, "height": 640})
    page.emulate_media(color_scheme="dark" if dark else "light")
    paths = ["/datasets", f"/datasets/{dataset['id']}", f"/datasets/{fine['id']}"]
    for number, path in enumerate([*paths, f"/datasets/{fine['id']}/documents"]):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        shoot(page, f"phone-datasets-{number}{'-dark' if dark else ''}")
