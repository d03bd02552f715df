"""What commands print of texts, names and keys: what is asked for, on standard output alone.

What `medtune serve` and `medtune worker` say when they have started, test_markers.py and
test_worker.py look for.
"""

from collections.abc import Iterator

import pytest
import typer

from app.cli import app
from app.own_service import own_service
from tests.privacy.commanding import (
    Place,
    asking,
    damage,
    looking,
    revoking,
    rotating,
    run,
    sealing,
    with_keys,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where a service has run, and what was found in the words of commands that asked it."""
    here = Place(tmp_path_factory.mktemp("commands"))
    with own_service(here.data, {"MEDTUNE_LOG_LEVEL": "DEBUG"}) as service:
        here.server = service.address
        here.found += run(asking, here)
    log = service.log.read_bytes()
    here.found += [f"{mark} in the service's log" for mark in here.marks.found(log)]
    return here


def test_commands_that_ask(place: Place) -> None:
    """Of those that fail, on whichever side, nothing; of what is found, the names on stdout."""
    assert not place.found, "\n".join(place.found)
    assert not [*place.tmp.iterdir()], "they leave what they had for a moment"


def test_commands_on_a_data_folder(place: Place) -> None:
    """Names of keys are listed, a key is shown when it is made, and what is damaged is told by
    where it lies."""
    found = run(with_keys, place) + run(sealing, place)
    damage(place)
    found += run(looking, place) + run(rotating, place) + run(revoking, place)
    assert not found, "\n".join(found)


def test_each_command_has_a_case(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One that is added wants one, too."""
    here = Place(tmp_path_factory.mktemp("cases"))
    stages = (asking, with_keys, sealing, looking, rotating, revoking)
    tried = [case.arguments for stage in stages for case in stage(here).values()]
    missing = {
        command
        for command in commands(app)
        if not any(each[: len(command)] == command for each in tried)
    }
    assert missing == {("serve",)}  # and that by all of test_markers.py


def commands(group: typer.Typer, *before: str) -> Iterator[tuple[str, ...]]:
    """The words of each command."""
    for each in group.registered_commands:
        assert each.callback is not None
        yield *before, each.name or each.callback.__name__.replace("_", "-")
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, *before, str(inner.name))
