"""How a fleet is asked for jobs: by clients who repeat what broke off until they have an answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from faults.fleet import END_SECONDS, Fleet, Json, until
from faults.servers import Servers, Trouble
from tests.e2e.test_story import SAMPLE, larger_sample

DEV = (SAMPLE / "dev.pubtator.txt").read_bytes()
TRAIN = (SAMPLE / "train.pubtator.txt").read_bytes()
LARGE = larger_sample(25)  # read long enough to be hit


class RefusedError(Exception):
    """The service refused what it should have accepted."""


@dataclass
class Inputs:
    """What a fleet's jobs are made from: ids of things made before anything goes wrong."""

    dataset: str
    large: str
    rows: str


Begin = Callable[[Fleet, Inputs, str], str]


@dataclass(frozen=True)
class Scenario:
    """A job: how it is asked for, what of its end is compared with an undisturbed run.

    `begin` (fleet, inputs, key) gives the location; it repeats what broke off, with the same key.
    `outcome` (fleet, resource) is what must be the same. The others say in words what is wrong by
    itself: `doubled` what was done twice, `wrong` what has come of it, `kept` what should be gone.
    """

    name: str
    begin: Begin
    outcome: Callable[[Fleet, Json], object]
    statuses: tuple[str, ...]
    doubled: Callable[[Fleet, Servers, Json], list[str]] = lambda _fleet, _servers, _end: []
    trouble: Trouble = "none"
    calls_cohere: bool = False
    wrong: Callable[[Fleet, Json], list[str]] = lambda _fleet, _end: []
    kept: Callable[[Fleet], list[str]] = lambda _fleet: []


def create(fleet: Fleet, path: str, key: str, **request: Any) -> str:
    """The location of what was created, asked for until there is an answer, with the same key.

    Raises RefusedError, TimeoutError.
    """
    headers = {"Idempotency-Key": key}
    answer = until(
        lambda: fleet.ask("POST", path, headers=headers, **request), 3 * END_SECONDS, path
    )
    if answer.status_code != 202:
        raise RefusedError(f"POST {path}: {answer.status_code} {answer.text[:300]}")
    return str(answer.headers["Location"])


def prepare(fleet: Fleet) -> Inputs:
    """Make what the jobs need, undisturbed."""

    def made(path: str, key: str, **request: Any) -> str:
        end = ended(fleet, create(fleet, path, key, **request), END_SECONDS)
        if end["status"] != "ready":
            raise RuntimeError(f"nothing can be tried: {end}")
        return str(end["id"])

    both = [("file", ("train.txt", TRAIN)), ("file", ("dev.txt", DEV))]
    splits = {"split": ["train", "dev"]}
    dataset = made("/v1/datasets", "prepare-1", files=both, data=splits)
    large = made("/v1/datasets", "prepare-2", files={"file": ("large.txt", LARGE)})
    request = {"dataset_id": dataset, "tasks": ["diseases", "chemicals"]}
    return Inputs(dataset, large, made("/v1/training-files", "prepare-3", json=request))


def ended(fleet: Fleet, location: str, seconds: float) -> Json:
    """The resource once its job has ended. Raises TimeoutError."""

    def end() -> Json | None:
        answer = fleet.ask("GET", location)
        if answer is None:
            return None
        if not answer.is_success:
            raise RefusedError(f"GET {location}: {answer.status_code}")
        resource: Json = answer.json()
        return resource if resource["finished_at"] else None

    resource: Json = until(end, seconds, location)
    return resource


def named(fleet: Fleet, listed: str, field: str, name: str, path: str, **request: Any) -> str:
    """The id of what has this name; it is created unless it is there."""

    def there_or_made() -> str | None:
        answer = fleet.ask("GET", listed)
        if answer is None:
            return None
        found = [each["id"] for each in answer.json().get(field, []) if each["name"] == name]
        if not found:
            made = fleet.ask("POST", path, **request)
            if made is not None and not made.is_success:
                raise RefusedError(f"POST {path}: {made.status_code} {made.text[:300]}")
        return str(found[0]) if found else None

    found: str = until(there_or_made, 3 * END_SECONDS, path)
    return found
