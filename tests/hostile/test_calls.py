"""Whatever is said in a body, a path, a query or a header: no call breaks, and nothing changes.

On both databases: PostgreSQL refuses characters that SQLite would store.
"""

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.commands.service import settled
from app.main import create_app
from app.own_service import OwnService, own_service
from app.platform.errors import CODES
from app.platform.settings import Settings
from tests.databases import NewDatabase, environment
from tests.hostile.calls import BODIES, calls, hostile_bodies
from tests.hostile.files import PUBTATOR
from tests.workspaces import routes

CALLS = {str(call): call for call in calls()}
# What a text may be written as in an address: not UTF-8, half of a surrogate pair, out of bounds.
TEXTS = ("%00", "%ff", "%ed%a0%80", "9" * 400, "a" * 3000)
POSITIONS = (b"\0", b"\xed\xa0\x80", b"9" * 16, b"-1")
HEADERS = (b"\xff", b"\xed\xa0\x80", b"9" * 10, b"")


@dataclass(frozen=True)
class Served:
    """A service with a few things, and their ids by kind."""

    service: OwnService
    ids: dict[str, str]

    @property
    def client(self) -> httpx.Client:
        return self.service.client

    def changes(self) -> str:
        """The last change that was made, whatever it was."""
        said = self.client.get("/v1/audit-events", params={"limit": 1}).json()
        return str(said["items"][0]["id"])

    def at(self, path: str) -> str:
        """The path, filled in with ids of no thing."""
        return routes.Call(path, "GET").at(**dict.fromkeys(routes.Call(path, "").parameters, "x"))

    def ask(self, method: str, path: str, **more: object) -> httpx.Response:
        """The answer, whose form is that of an error if it is one."""
        answer = self.client.request(method, path, **more)  # type: ignore[arg-type]
        assert answer.status_code < 500, (method, path[:200], answer.text)
        if answer.is_error and path.startswith("/cohere/"):
            assert set(answer.json()) == {"id", "message"}, path
        elif answer.is_error and path.startswith("/v1/"):
            assert answer.headers["content-type"] == "application/problem+json", path
            assert answer.json()["code"] in CODES, path
        return answer


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Served]:
    key = secrets.token_urlsafe(32)
    settings = {"MEDTUNE_ADMIN_KEY": key, "MEDTUNE_REQUESTS_PER_MINUTE": str(10**9)}
    folder: Path = tmp_path_factory.mktemp("data")
    with (
        new_database() as url,
        own_service(folder, environment(url) | settings) as service,
    ):
        service.client.headers["Authorization"] = f"Bearer {key}"
        yield Served(service, dict(_made(service.client)))
        assert "request_broke" not in service.log.read_text()


def _made(client: httpx.Client) -> Iterator[tuple[str, str]]:
    """Makes things that bodies can name; gives their kinds and ids."""
    answer = client.post("/v1/datasets", files={"file": PUBTATOR}, data={"split": "train"})
    yield "ds", settled(client, answer.headers["Location"])["id"]
    answer = client.post("/v1/training-files", json={"dataset_id": answer.json()["id"]})
    yield "tf", settled(client, answer.headers["Location"])["id"]
    target = {"kind": "webhook", "address": "https://example.org/hooks"}
    yield "nt", client.post("/v1/notification-targets", json=target).json()["id"]


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.fields is not None])
def test_bodies(served: Served, name: str) -> None:
    """Refused, or of calls that only ask, answered."""
    call = CALLS[name]
    before = served.changes()
    path, json = call.path, {"Content-Type": "application/json"}
    for kind, parameter in (("ds", "dataset_id"), ("nt", "target_id")):
        path = path.replace(f"{{{parameter}}}", served.ids[kind])
    path = served.at(path)
    for said, body in BODIES.items():
        answer = served.ask(call.method, path, content=body, headers=json)
        assert answer.is_client_error, (said, answer.text)
    for said, body in hostile_bodies(call, served.ids):
        answer = served.ask(call.method, path, content=body, headers=json)
        assert served.changes() == before or answer.is_client_error, (said, answer.text)
    assert served.changes() == before


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12])
def test_paths(served: Served, tmp_path: Path, text: str) -> None:
    """Of all calls there are, those of pages as well."""
    before = served.changes()
    app = create_app(Settings(data_dir=tmp_path, _env_file=None))
    for call in routes.calls(app):
        known = CALLS.get(str(call))
        body = known.body(served.ids) if known is not None else {}
        for parameter in call.parameters:
            values = dict.fromkeys(call.parameters, "x") | {parameter: text}
            served.ask(call.method, call.at(**values), json=body)
    assert served.changes() == before


def test_queries(served: Served) -> None:
    """Cursors among them, which hold what no page has given."""
    cursors = [base64.urlsafe_b64encode(each).decode() for each in POSITIONS]
    for call in CALLS.values():
        if call.method != "GET":
            continue
        path = served.at(call.path).replace("/x/", f"/{served.ids['ds']}/")
        for query in call.queries:
            for text in [*TEXTS, *(cursors if query == "cursor" else [])]:
                served.ask("GET", f"{path}?{query}={text}")


def test_headers(served: Served) -> None:
    for call in CALLS.values():
        if call.method == "DELETE":
            continue
        for name in call.headers:
            for value in HEADERS:
                more = {"json": call.example} if call.fields is not None else {}
                headers = {name.encode(): value, b"accept": b"text/event-stream"}
                served.ask(call.method, served.at(call.path), headers=headers, **more)


@pytest.mark.parametrize("text", [b"a\0b", b"\xed\xa0\x80", b"\xff", b"\xe2\x80\xae", b"a" * 3000])
@pytest.mark.parametrize("place", ["name", "filename", "split"])
def test_forms(served: Served, place: str, text: bytes) -> None:
    """What has been taken can be read."""
    said = {"name": b"a", "filename": b"a.txt", "split": b"train"} | {place: text}
    part = b'--x\r\nContent-Disposition: form-data; name="%b"'
    form = b"".join(
        part % field + b"\r\n\r\n" + value + b"\r\n"
        for field, value in ((b"name", said["name"]), (b"split", said["split"]))
    )
    form += part % b"file" + b'; filename="%b"\r\n\r\n' % said["filename"]
    form += b"1|t|Aspirin.\n1|a|Nothing.\n\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for path in ("/v1/datasets", "/v1/vocabularies", "/v1/extraction-batches"):
        answer = served.ask("POST", path, content=form, headers=kind)
        if answer.is_success:
            read = served.ask("GET", answer.headers["Location"])
            assert read.status_code == 200
