"""The service a command asks: one that runs already, or one of its own for as long as it takes."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from app.own_service import own_service
from app.platform.folder_lock import FolderInUseError, folder_lock
from app.platform.settings import Settings

Json = dict[str, Any]

_TIMEOUT_SECONDS = 120
_PAUSE_SECONDS = 0.2
NO_MEDTUNE = "What answers there is no Medtune, or one of another version."


class CommandError(Exception):
    """A command cannot go on; the message, of one or more lines, is what its user is told."""

    exit_code = 1


class LeftError(CommandError):
    """The user does not wait any longer for the job at this location, which goes on.

    The exit code is that of shells for SIGINT.
    """

    exit_code = 130

    def __init__(self, location: str, how: str = "It goes on:") -> None:
        super().__init__(f"{how} {location}")
        self.location = location


@dataclass(frozen=True)
class Target:
    """The service to ask: at an address, with a key if it wants one, or else one of its own."""

    server: str | None = None
    api_key: str | None = field(default=None, repr=False)

    @property
    def own(self) -> bool:
        """Whether the service lives only as long as the command."""
        return self.server is None


@contextmanager
def at_service(target: Target) -> Iterator[httpx.Client]:
    """A client of the server, or of a service of one's own on MEDTUNE_DATA_DIR.

    Raises CommandError if there is none, or if the folder is in use; a LeftError out of the block
    says how to follow the job.
    """
    with _own() if target.server is None else _running(target.server, target.api_key) as client:
        # A password may stand in the address.
        shown = client.base_url.copy_with(username=None, password=None)
        try:
            yield client
        except httpx.TransportError as error:
            raise CommandError(f"No Medtune answers at {shown}: {type(error).__name__}.") from error
        except LeftError as left:
            how = f"It goes on at {shown}, follow it there: GET"
            if target.own:
                how = "It goes on when a service runs here again (medtune serve): GET"
            raise LeftError(left.location, how) from None


@contextmanager
def _running(server: str, api_key: str | None) -> Iterator[httpx.Client]:
    headers = {}
    if api_key:
        if not (api_key.isascii() and api_key.isprintable()):
            raise CommandError("The API key has characters that no header can hold.")
        headers["Authorization"] = f"Bearer {api_key}"
    transport = httpx.HTTPTransport(retries=2)
    address = _address(server)
    with httpx.Client(
        base_url=address, headers=headers, timeout=_TIMEOUT_SECONDS, transport=transport
    ) as client:
        yield client


def _address(server: str) -> httpx.URL:
    with suppress(httpx.InvalidURL):
        address = httpx.URL(server)
        if address.scheme in ("http", "https") and address.host:
            return address
    raise CommandError("The server is not a URL, like http://127.0.0.1:8000.")


@contextmanager
def _own() -> Iterator[httpx.Client]:
    folder = Settings.read().data_dir.absolute()
    try:
        with folder_lock(folder):
            pass  # the service takes it for good
    except FolderInUseError:
        raise CommandError(
            f"Another process serves from {folder}.\n"
            "Ask that one: --server http://127.0.0.1:8000, or MEDTUNE_SERVER."
        ) from None
    given = {name: value for name, value in os.environ.items() if name.startswith("MEDTUNE_")}
    for of_clients in ("MEDTUNE_SERVER", "MEDTUNE_API_KEY"):
        given.pop(of_clients, None)
    # The folder's own keys are hashes: this service gets one more for as long as it lives.
    key = secrets.token_urlsafe(32)
    settings = {**given, "MEDTUNE_DATA_DIR": str(folder), "MEDTUNE_ADMIN_KEY": key}
    with ExitStack() as stack:
        try:
            own = own_service(folder, settings, working_dir=Path.cwd())
            service = stack.enter_context(own)
        except RuntimeError:
            log = folder / "service.log"
            raise CommandError(f"A service does not start on {folder}; see {log}.") from None
        service.client.headers["Authorization"] = f"Bearer {key}"
        yield service.client


def checked(answer: httpx.Response, *fields: str) -> Json:
    """The answer's body, which has these fields.

    Raises CommandError with what the problem says of itself, or if this is no answer of Medtune.
    """
    if answer.is_success:
        try:
            body: Json = answer.json()
        except ValueError:
            raise CommandError(NO_MEDTUNE) from None
        if not isinstance(body, dict) or not body.keys() >= set(fields):
            raise CommandError(NO_MEDTUNE)
        return body
    try:
        problem = answer.json()
        lines = [f"{problem['title']}: {problem['detail']}"]
        lines += [
            f"  {fault['pointer'] or '/'}: {fault['detail']}"
            for fault in problem.get("errors") or []
        ]
        lines.append(problem["hint"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandError(f"The server answers with {answer.status_code}.") from None
    raise CommandError("\n".join(lines))


def path_of(room: str, given: object) -> str:
    """The path of a thing by the id that was given, whatever characters that has."""
    return f"/v1/{room}/{quote(str(given), safe='')}"


def settled(
    client: httpx.Client, location: str, told: Callable[[Json], None] = lambda _: None
) -> Json:
    """The resource once its job has ended; `told` is called with each state of it before.

    Raises CommandError, and LeftError if the user leaves: the job goes on.
    """
    try:
        while True:
            resource = checked(client.get(location), "id", "status", "finished_at")
            told(resource)
            if resource["finished_at"] is not None:
                return resource
            time.sleep(_PAUSE_SECONDS)
    except KeyboardInterrupt:
        raise LeftError(location) from None


def succeeded(job: Json, what: str, location: str) -> Json:
    """The job, which has succeeded. Raises CommandError with what became of it."""
    if job["status"] in ("ready", "succeeded"):
        return job
    error = job["error"] or {"code": job["status"], "message": ""}
    said = f"The {what} has {job['status']}: {error['code']}. {error['message']}"
    raise CommandError(f"{said.rstrip()}\nGET {location}")


def pages(client: httpx.Client, path: str, query: Mapping[str, Any]) -> Iterator[Json]:
    """All items of a list."""
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = checked(client.get(path, params={**query, **more}), "items", "next_cursor")
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return
