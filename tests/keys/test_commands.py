"""`medtune keys` beside a running service, and what it and its like refuse."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx

from app.own_service import OwnService, own_service
from tests.clients.processes import medtune

_SECONDS = 60


def until(service: OwnService, status: int, key: str | None = None) -> httpx.Response:
    """The answer to a request with this key once it has this status."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    deadline = time.monotonic() + _SECONDS
    while (answer := service.client.get("/v1/models", headers=headers)).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)
    return answer


def keys(folder: Path) -> Callable[..., str]:
    """Runs `medtune keys` on a data folder; gives what it says on stdout."""

    def run(*arguments: str) -> str:
        done = medtune("keys", *arguments, MEDTUNE_DATA_DIR=str(folder))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


def test_beside_a_running_service(tmp_path: Path) -> None:
    """It says that it has no keys; with the first one it wants one, and knows those revoked."""
    run = keys(tmp_path)
    with own_service(tmp_path) as service:
        assert '"no_keys"' in service.log.read_text()
        assert "There are no keys" in run("list")
        assert service.client.get("/v1/models").status_code == 200
        admin = run("create", "--scope", "admin")
        until(service, 401)
        read = run("create", "--workspace", "ward-7", "--name", "reader", "--expires-in", "90m")
        until(service, 200, read)
        listed = run("list")
        assert "reader" in listed
        assert "ward-7" in listed
        for key in (admin, read):
            assert key.split("_", 2)[2] not in listed
        run("revoke", read)  # by the whole key
        until(service, 401, read)
        until(service, 200, admin)
        log = service.log.read_text()
    for key in (admin, read):
        assert key.split("_", 2)[2] not in log


def test_what_makes_no_sense(tmp_path: Path) -> None:
    """Is told in a line, and makes no key."""
    folder = {"MEDTUNE_DATA_DIR": str(tmp_path / "data")}
    for arguments, code in (
        (["create", "--scope", "all"], 1),
        (["create", "--workspace", "Ward 7"], 1),
        (["create", "--name", ""], 1),
        (["create", "--expires-in", "0d"], 1),
        (["create", "--expires-in", "90"], 2),
        (["create", "--expires-in", "-9d"], 2),
        (["revoke", "key_0"], 1),
    ):
        done = medtune("keys", *arguments, **folder)
        assert (done.returncode, done.stdout) == (code, ""), (arguments, done.stderr)
        assert done.stderr
    assert "There are no keys" in medtune("keys", "list", **folder).stdout


def test_a_folder_of_a_newer_release(tmp_path: Path) -> None:
    """Is left alone by all that do not know what is in it."""
    folder = {"MEDTUNE_DATA_DIR": str(tmp_path)}
    file = tmp_path / "medtune.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.commit()
    before = file.read_bytes()
    for arguments in (["keys", "list"], ["keys", "create"], ["migrate"], ["gc"]):
        done = medtune(*arguments, **folder)
        assert (done.returncode, done.stdout) == (1, ""), arguments
        assert "newer release" in done.stderr
    assert file.read_bytes() == before


def test_what_is_no_id_is_not_repeated(tmp_path: Path) -> None:
    """It may be the secret of a key, with a letter too many."""
    given = "mt_0123456789abcdef_a-secret-of-somebody"
    done = medtune("keys", "revoke", given, MEDTUNE_DATA_DIR=str(tmp_path))
    assert done.returncode == 1
    assert given not in done.stderr
    assert "medtune keys list" in done.stderr
