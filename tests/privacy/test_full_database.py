"""The database has no room for another row: callers are told to come back, jobs wait, and nobody
is told a word of what there was to be written.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
from psycopg import sql

from faults.fleet import until
from tests.e2e.test_story import create, finished
from tests.privacy.test_markers import MODEL, pubtator
from tests.privacy.world import World, world

FULL_DATABASE = Path(__file__).with_name("full_database")
# As the server refuses where its disk is full, and what it has at hand is a row.
_REFUSING = """
    CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION USING ERRCODE = 'disk_full', MESSAGE = 'no room for ' || NEW::text,
    DETAIL = NEW::text; END $$"""
_TABLES = """
    SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""
# Until a table has no room left in the pages it has.
_MOST_TRIES = 100


@contextmanager
def no_room(flag: Path, url: str | None) -> Iterator[None]:
    """A database in which no row can be written, or, of SQLite, none that needs a page."""
    if url is None:
        flag.touch()
        yield
        flag.unlink()
        return
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as server:
        server.execute(_REFUSING)
        for table in server.execute(_TABLES).fetchall():
            begun = "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {} FOR EACH ROW "
            server.execute(
                sql.SQL(begun + "EXECUTE FUNCTION no_room()").format(sql.Identifier(*table))
            )
        yield
        server.execute("DROP FUNCTION no_room() CASCADE")


def asked(world: World, dataset_id: str) -> list[Callable[[], httpx.Response]]:
    """Requests that have rows to write, each with words."""
    marks, client = world.marks, world.client
    name = marks.name
    line = {"id": marks.id("of a line"), "text": f"{marks.text('a line')} of a batch."}
    words = f"ZQ:{marks.text('an identifier')}\t{marks.text('a name')}\n".encode()
    upload = pubtator(marks, marks.id("of a document"))
    about = {"dataset_id": dataset_id, "model": "local:rules", "name": name("of a batch")}
    named = {"name": name("of a vocabulary"), "type": "Disease"}
    files = [
        {"file": (name("of an upload"), upload)},
        {"file": (name("of JSONL"), json.dumps(line).encode())},
        {"file": (name("of words") + ".tsv", words)},
    ]
    correction = {"id": marks.id("of a correction"), "split": "train", "title": marks.text("t")}
    revisions = f"/v1/datasets/{dataset_id}/revisions"
    text_free = {"model": MODEL, "store_text": "false"}
    return [
        lambda: client.post("/v1/datasets", files=files[0]),
        lambda: client.post("/v1/extraction-batches", json=about),
        lambda: client.post("/v1/extraction-batches", files=files[1], data=text_free),
        lambda: client.post("/v1/vocabularies", files=files[2], data=named),
        lambda: client.post(revisions, json={"documents": [correction]}),
        lambda: client.post("/v1/keys", json={"name": name("of a key"), "scope": "read"}),
    ]


def answers_once(may: threading.Event) -> Callable[[str, str], str]:
    """What a model says, which then has to be stored."""

    def reply(_system: str, _user: str) -> str:
        may.wait(60)
        return ""

    return reply


def test_no_word_is_told_while_the_database_is_full(
    tmp_path: Path, database_url: str | None
) -> None:
    """Writers are refused with 503, readers answered; jobs go on once there is room."""
    flag, may_answer = tmp_path / "full", threading.Event()
    more = {
        "PYTHONPATH": str(FULL_DATABASE),
        "FULL_DATABASE": str(flag),
        "MEDTUNE_REMOTE_TIMEOUT_SECONDS": "60",
    }
    with world(tmp_path, database_url, more) as here:
        client, marks, server = here.client, here.marks, here.server
        server.state.batches_offered = False
        server.reply = answers_once(may_answer)
        files = {"file": (marks.name("of a file"), pubtator(marks, marks.id("of it")))}
        dataset = finished(client, create(client, "/v1/datasets", files=files))
        begun = [each() for each in asked(here, dataset["id"])]
        assert {answer.status_code for answer in begun} == {201, 202}
        until(lambda: server.asked("POST", "/v2/chat"), 60, "a chat")
        with no_room(flag, database_url):
            may_answer.set()
            for ask in asked(here, dataset["id"]):
                answer = next(
                    (a for _ in range(_MOST_TRIES) if not (a := here.refused(ask())).is_success),
                    None,
                )
                assert answer is not None, "there is room for all"
                code = (answer.status_code, answer.json()["code"])
                assert code == (503, "database_unavailable"), answer.text
                assert answer.headers["retry-after"]
            assert client.get(f"/v1/datasets/{dataset['id']}").json()["status"] == "ready"
            assert client.get("/healthz").status_code == 200
            log = here.service.log
            if database_url is not None:  # SQLite has room for what is changed where it stands
                until(lambda: b'"job_waits"' in log.read_bytes(), 60, "a job that waits")
        for answer in begun[:-1]:
            job = finished(client, answer.headers["location"])
            assert job["status"] in ("ready", "succeeded"), job.get("error")
        found = here.said | here.shown(database_url)
    found |= here.written()
    assert not found, "\n".join(sorted(found))
