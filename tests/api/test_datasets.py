"""`/v1/datasets` as a client sees it."""

import gzip
import io
import zipfile

import httpx
import pytest

from tests.api.conftest import Json, settled, upload

pytestmark = pytest.mark.asyncio(loop_scope="package")

ONE = """1|t|Aspirin and asthma.
1|a|Aspirin may cause asthma.
1\t0\t7\tAspirin\tChemical\tD001241
1\t12\t18\tasthma\tDisease\tD001249
1\t20\t27\tAspirin\tChemical\tD001241
1\t38\t44\tasthma\tDisease\tD001249
1\tCID\tD001241\tD001249
"""


async def test_upload_is_read_counted_and_browsable(client: httpx.AsyncClient) -> None:
    """An upload becomes ready, says what it holds, and its documents come back to the letter."""
    dataset = await upload(client, ONE, name="one")
    assert (dataset["status"], dataset["format"]) == ("ready", "pubtator")
    assert dataset["splits"] == [
        {
            "name": "train",
            "documents": 1,
            "mentions": {"Chemical": 2, "Disease": 2},
            "relations": 1,
            "characters": 45,
        }
    ]
    page = (await client.get(f"/v1/datasets/{dataset['id']}/documents")).json()
    (document,) = page["items"]
    text = "Aspirin and asthma. Aspirin may cause asthma."
    assert [p["text"] for p in document["passages"]] == [text[:19], text[20:]]
    assert all(text[m["start"] : m["end"]] == m["text"] for m in document["mentions"])
    assert document["mentions"][0]["identifiers"] == ["MESH:D001241"]
    assert document["relations"] == [
        {"type": "CID", "chemical": "MESH:D001241", "disease": "MESH:D001249"}
    ]


async def test_same_documents_have_the_same_version(client: httpx.AsyncClient) -> None:
    """The version depends on the documents, not on the format they came in."""
    first = await upload(client, ONE)
    exported = await client.get(f"/v1/datasets/{first['id']}/export?format=bioc_xml")
    second = await upload(client, exported.content, filenames=["x.xml"])
    assert second["format"] == "bioc_xml"
    assert second["version"] == first["version"] is not None
    other = await upload(client, ONE.replace("D001241", "D000001"))
    assert other["version"] != first["version"]


async def test_failed_dataset_keeps_only_its_report(client: httpx.AsyncClient) -> None:
    """All problems are listed at once, and no document is there."""
    bad = ONE.replace("12\t18", "11\t17") + "\n2|t|No.\n2|a|Text.\n2\t0\t99\tNo\tDisease\tD1\n"
    dataset = await upload(client, bad)
    assert dataset["status"] == "failed"
    assert dataset["error"]["code"] == "invalid_dataset"
    assert dataset["splits"] == []
    report = (await client.get(f"/v1/datasets/{dataset['id']}/report")).json()
    found = {(p["code"], p["line"], p["document_id"]) for p in report["items"]}
    assert ("offset_mismatch", 4, "1") in found
    assert ("span_outside_document", 11, "2") in found
    assert all(p["hint"] and p["file"] == "file-0.txt" for p in report["items"])
    documents = await client.get(f"/v1/datasets/{dataset['id']}/documents")
    assert (documents.status_code, documents.json()["code"]) == (409, "dataset_not_ready")


async def test_a_file_of_nothing_has_no_documents(client: httpx.AsyncClient) -> None:
    """Whatever its format would have been: nothing is to be found out about it."""
    for nothing in ("", " \n\n"):
        dataset = await upload(client, nothing)
        assert dataset["status"] == "failed"
        report = (await client.get(f"/v1/datasets/{dataset['id']}/report")).json()
        assert [p["code"] for p in report["items"]] == ["no_documents"]


async def test_report_is_paged(client: httpx.AsyncClient) -> None:
    """Pages of the report follow one another without gap or repetition."""
    bad = "".join(f"{n}|t|T{n}.\n{n}|a|A.\n{n}\t0\t50\tT\tDisease\tD1\n\n" for n in range(1, 8))
    dataset = await upload(client, bad)
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(f"/v1/datasets/{dataset['id']}/report", params=query)).json()
        seen += [p["document_id"] for p in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [str(n) for n in range(1, 8)]


async def test_document_in_two_splits_is_caught(client: httpx.AsyncClient) -> None:
    """A training file that holds the development set fails the dataset."""
    dataset = await upload(client, ONE, ONE, splits=["train", "dev"])
    assert dataset["status"] == "failed"
    assert dataset["report"]["by_code"] == {"document_in_two_splits": 1}


@pytest.mark.parametrize("packed", ["gzip", "zip"])
async def test_packed_uploads(client: httpx.AsyncClient, packed: str) -> None:
    """gzip and zip are unpacked on the way."""
    if packed == "gzip":
        content, name = gzip.compress(ONE.encode()), "one.txt.gz"
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("corpus/one.txt", ONE)
        content, name = buffer.getvalue(), "one.zip"
    dataset = await upload(client, content, filenames=[name])
    assert (dataset["status"], dataset["format"]) == ("ready", "pubtator")


async def all_documents(client: httpx.AsyncClient, path: str, **query: object) -> list[Json]:
    """The documents of all pages."""
    found: list[Json] = []
    while True:
        page = (await client.get(path, params=query)).json()  # type: ignore[arg-type]
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def test_documents_are_paged_over_all_splits(client: httpx.AsyncClient, sample: Json) -> None:
    """Every document comes once, in order, whatever the size of the page; or of one split only."""
    path = f"/v1/datasets/{sample['id']}/documents"
    everything = await all_documents(client, path, limit=200)
    counts = {split["name"]: split["documents"] for split in sample["splits"]}
    names = [document["split"] for document in everything]
    assert names == ["train"] * counts["train"] + ["dev"] * counts["dev"]
    assert len({document["id"] for document in everything}) == len(everything)
    for limit in (1, 7):
        assert await all_documents(client, path, limit=limit) == everything
    dev = await all_documents(client, path, split="dev", limit=9)
    assert dev == everything[counts["train"] :]


async def test_cursor_of_another_list_is_refused(client: httpx.AsyncClient, sample: Json) -> None:
    """A cursor that was made up is a 400, not a wrong page."""
    for cursor in ("x", "MC4z", "OS4w"):
        answer = await client.get(f"/v1/datasets/{sample['id']}/documents?cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_list_is_newest_first_and_paged(client: httpx.AsyncClient) -> None:
    """Two pages of one follow each other."""
    first, second = [(await upload(client, ONE, name=n))["id"] for n in ("a", "b")]
    page = (await client.get("/v1/datasets?limit=1")).json()
    assert [d["id"] for d in page["items"]] == [second]
    page = (await client.get(f"/v1/datasets?limit=1&cursor={page['next_cursor']}")).json()
    assert [d["id"] for d in page["items"]] == [first]


async def test_bad_forms_are_refused_and_leave_nothing(client: httpx.AsyncClient) -> None:
    """Each fault names its field; no dataset is created."""
    before = (await client.get("/v1/datasets?limit=1")).json()
    file = ("file", ("x.txt", ONE))
    cases = [
        ({"files": [("other", ("x", "y"))]}, ""),
        ({"files": [file], "data": {"split": ["a", "b"]}}, "/split"),
        ({"files": [file], "data": {"format": "docx"}}, "/format"),
        ({"files": [file], "data": {"name": "x" * 201}}, "/name"),
    ]
    for request, pointer in cases:
        answer = await client.post("/v1/datasets", **request)  # type: ignore[arg-type]
        assert answer.status_code == 422, answer.text
        assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    answer = await client.post("/v1/datasets", json={"file": ONE})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await client.post("/v1/datasets", content=b"--x\r\nnothing", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert (await client.get("/v1/datasets?limit=1")).json() == before


async def test_idempotency_key(client: httpx.AsyncClient) -> None:
    """The same request again gives the same answer, another request with the key is refused."""
    files, headers = [("file", ("x.txt", ONE))], {"Idempotency-Key": "datasets-1"}
    first = await client.post("/v1/datasets", files=files, headers=headers)
    again = await client.post("/v1/datasets", files=files, headers=headers)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = await client.post(
        "/v1/datasets", files=[("file", ("x.txt", ONE + "\n"))], headers=headers
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    await settled(client, first.headers["Location"])


async def test_delete_cascades_only_when_asked(client: httpx.AsyncClient) -> None:
    """What something was built from is kept, unless all of it is to go."""
    dataset = await upload(client, ONE)
    answer = await client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    training_file = await settled(client, answer.headers["Location"])
    refused = await client.delete(f"/v1/datasets/{dataset['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert training_file["id"] in refused.json()["detail"]
    assert (await client.delete(f"/v1/datasets/{dataset['id']}?cascade=true")).status_code == 204
    for path in (f"/v1/datasets/{dataset['id']}", answer.headers["Location"]):
        gone = await client.get(path)
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


async def test_export_of_one_split(client: httpx.AsyncClient, sample: Json) -> None:
    """An export holds the documents of the split asked for; an unknown one is named."""
    path = f"/v1/datasets/{sample['id']}/export"
    dev = await client.get(path, params={"format": "pubtator", "split": "dev"})
    counts = {split["name"]: split["documents"] for split in sample["splits"]}
    assert dev.text.count("|t|") == counts["dev"]
    unknown = await client.get(path, params={"format": "pubtator", "split": "test"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_split")
