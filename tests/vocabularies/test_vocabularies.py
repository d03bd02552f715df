"""`/v1/vocabularies` as a client sees it: from files to names that can be looked up."""

import contextlib
import gzip
import hashlib
import io
import os
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Json
from tests.vocabularies.conftest import PATH, look_up, owned, send, upload
from tests.vocabularies.samples import (
    CTD_CHEMICALS,
    MESH_DESCRIPTORS,
    MESH_SUPPLEMENTARY,
    PLAIN_CHEMICALS,
    PLAIN_DISEASES,
)

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_an_upload_becomes_an_index(client: httpx.AsyncClient, diseases: Json) -> None:
    """It says what it holds, by id and by name; of the bytes only the index is left."""
    assert (diseases["status"], diseases["error"]) == ("ready", None), diseases
    assert diseases["statistics"] == {
        "concepts": 4,
        "names": 8,
        "by_type": {"Disease": 4},
        "skipped": 0,
    }
    (file,) = diseases["files"]
    assert (file["format"], file["bytes"]) == ("plain", len(PLAIN_DISEASES))
    assert file["sha256"] == hashlib.sha256(PLAIN_DISEASES.encode()).hexdigest()
    assert (await client.get(f"{PATH}/some-diseases")).json() == diseases
    (index,) = (await owned(client, diseases["id"], 1)).values()
    assert (hashlib.sha256(index).hexdigest(), len(index)) == (
        diseases["sha256"],
        diseases["bytes"],
    )


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("Acute Kidney Injury", "MESH:D058186"),
        ("acute renal failures", "MESH:D058186"),
        ("hepatitis, toxic", "MESH:D056486"),
        ("Drug induced hepatitis", "MESH:D056486"),
        ("diabetes mellitus, insulin dependent", "OMIM:222100"),
    ],
)
async def test_a_name_is_found_in_other_forms(
    client: httpx.AsyncClient, diseases: Json, name: str, identifier: str
) -> None:
    """Case, plural, hyphens and the order of the words do not matter."""
    assert await look_up(client, diseases["id"], name) == [(identifier, "exact", 1.0)]


async def test_what_is_misspelt_is_similar(client: httpx.AsyncClient, diseases: Json) -> None:
    """The nearest name comes with its similarity; of another type there is nothing."""
    ((identifier, match, score),) = await look_up(client, "some-diseases", "acute kidny injury")
    assert (identifier, match) == ("MESH:D058186", "similar")
    assert 0.5 < score < 1
    assert await look_up(client, "some-diseases", "acute kidney injury", "Chemical") == []
    assert await look_up(client, "some-diseases", "xqzw") == []


async def test_several_files_make_one_vocabulary(client: httpx.AsyncClient) -> None:
    """MeSH as it is published: descriptors and supplementary records together, packed."""
    contents = [gzip.compress(text.encode()) for text in (MESH_DESCRIPTORS, MESH_SUPPLEMENTARY)]
    names = ["desc2026.gz", "supp2026.gz"]
    vocabulary = await upload(client, *contents, filenames=names, name="mesh")
    assert vocabulary["status"] == "ready", vocabulary
    assert [(f["filename"], f["format"]) for f in vocabulary["files"]] == [
        ("desc2026.gz", "mesh_descriptors"),
        ("supp2026.gz", "mesh_supplementary"),
    ]
    statistics = vocabulary["statistics"]
    assert (statistics["by_type"], statistics["skipped"]) == ({"Chemical": 2, "Disease": 1}, 1)
    assert await look_up(client, "mesh", "acute renal failure") == [("MESH:D058186", "exact", 1.0)]
    assert await look_up(client, "mesh", "Novelidine") == [("MESH:C000601", "exact", 1.0)]
    assert await look_up(client, "mesh", "hospitals") == []
    answer = await client.get(f"{PATH}/mesh/lookup?name=acute renal failure")
    assert answer.json()["items"][0]["preferred_name"] == "Acute Kidney Injury"


async def test_an_archive_may_hold_several_files(client: httpx.AsyncClient) -> None:
    """Each is recognised by itself; CTD's says of its concepts that they are chemicals."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ctd/CTD_chemicals.tsv", CTD_CHEMICALS)
        archive.writestr("own.txt", PLAIN_DISEASES)
    vocabulary = await upload(
        client, buffer.getvalue(), filenames=["all.zip"], name="all", type="Disease"
    )
    assert vocabulary["status"] == "ready", vocabulary
    assert vocabulary["files"][0]["format"] == "ctd_chemicals+plain"
    assert vocabulary["statistics"]["by_type"] == {"Chemical": 1, "Disease": 4}
    assert await look_up(client, "all", "tubazide") == [("MESH:D007538", "exact", 1.0)]


async def test_a_name_is_given_once(client: httpx.AsyncClient, diseases: Json) -> None:
    """A second vocabulary of the same name is refused and leaves nothing; a repetition is none."""
    taken = await send(client, PLAIN_CHEMICALS, name="some-diseases", type="Chemical")
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    first = await send(client, PLAIN_CHEMICALS, name="once", type="Chemical", key="voc-1")
    again = await send(client, PLAIN_CHEMICALS, name="once", type="Chemical", key="voc-1")
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await send(client, PLAIN_CHEMICALS, name="twice", type="Chemical", key="voc-1")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_vocabularies_are_listed_newest_first(
    client: httpx.AsyncClient, diseases: Json, chemicals: Json
) -> None:
    """Page by page, none twice."""
    seen: list[str] = []
    query: dict[str, str | int] = {"limit": 1}
    while True:
        page = (await client.get(PATH, params=query)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert {diseases["id"], chemicals["id"]} <= set(seen)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen)


async def test_a_deleted_vocabulary_is_gone(client: httpx.AsyncClient) -> None:
    """With its bytes; its name may be given again."""
    vocabulary = await upload(client, PLAIN_DISEASES, name="short-lived", type="Disease")
    assert (await client.delete(f"{PATH}/short-lived")).status_code == 204
    for path in ("short-lived", vocabulary["id"], "short-lived/lookup?name=x"):
        answer = await client.get(f"{PATH}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await owned(client, vocabulary["id"], 0) == {}
    again = await upload(client, PLAIN_CHEMICALS, name="short-lived", type="Chemical")
    assert await look_up(client, "short-lived", "INH") == [("MESH:D007538", "exact", 1.0)]
    assert again["id"] != vocabulary["id"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_nothing_holds_on_to_a_deleted_index(client: httpx.AsyncClient) -> None:
    """It was open, since a name was looked up; its place on the disk must become free."""
    vocabulary = await upload(client, PLAIN_DISEASES, name="held", type="Disease")
    await look_up(client, "held", "diabetes mellitus")

    def held() -> list[str]:
        links: list[str] = []
        for each in os.listdir("/proc/self/fd"):
            with contextlib.suppress(FileNotFoundError):  # other threads close theirs meanwhile
                links.append(os.readlink(f"/proc/self/fd/{each}"))
        return [link for link in links if vocabulary["id"] in link]

    assert held()
    assert (await client.delete(f"{PATH}/held")).status_code == 204
    assert held() == []
