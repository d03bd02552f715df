"""A throw-away PostgreSQL for tests: real, in a folder of its own, reached by a socket in it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

START_SECONDS = 60
_SUPERUSER = "medtune"
# Sorted as people sort, as in most installations: nothing may depend on the order of bytes.
_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US")
_INITDB = ("--no-sync", "--auth=trust", *_LOCALE)
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, on the PATH or where Debian has it; None without."""
    found = shutil.which("initdb")
    debian = Path("/usr/lib/postgresql").glob("[1-9]*/bin/initdb")
    newest = sorted(debian, key=lambda path: int(path.parts[-3]), reverse=True)
    for initdb in [Path(found).resolve()] if found else newest:
        if (initdb.parent / "postgres").is_file():
            return initdb.parent
    return None


@dataclass(frozen=True)
class Postgres:
    """A running server; `folder` holds its socket and all it stores."""

    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        """What `Settings.database_url` takes."""
        query = {"host": str(self.folder)}
        url = URL.create("postgresql+psycopg", _SUPERUSER, database=database, query=query)
        return url.render_as_string()

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """The URL of a new database, a copy of `template`; dropped at the end of the block."""
        name = f"medtune_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run a statement that no transaction may hold."""
        with self._connect() as connection:
            connection.execute(statement)

    def wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        """Raises RuntimeError, with what the server said, if it ends or is not there in time."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.folder), user=_SUPERUSER, dbname="postgres", autocommit=True
        )


@contextmanager
def postgres_server(programs: Path) -> Iterator[Postgres]:
    """A new server of these programs for the length of the block; it dies with this process, too.

    It refuses to run as root: as root we start it as `postgres`, or as `nobody`.
    """
    # Not pytest's folder: that one is closed to other users. And a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="medtune-pg-"))
    user = _other_user()
    as_user: dict[str, Any] = {"cwd": folder}
    user = _other_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = str(folder / "data")
    initdb = [str(programs / "initdb"), "-D", data, "-U", _SUPERUSER, *_INITDB]
    mortal = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    options = [argument for each in _QUICK for argument in ("-c", each)]
    start = [*mortal, str(programs / "postgres"), "-D", data, "-k", str(folder), *options]
    try:
        with (folder / "log").open("wb") as log:
            done = subprocess.run(initdb, stdout=log, stderr=log, check=False, **as_user)
            if done.returncode:
                raise RuntimeError(f"initdb failed:\n{(folder / 'log').read_text()}")
            process: subprocess.Popen[bytes] = subprocess.Popen(
                start, stdout=log, stderr=log, **as_user
            )
        try:
            server = Postgres(folder)
            server.wait_until_ready(process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown
            process.wait(START_SECONDS)
    finally:
        shutil.rmtree(folder)


def _other_user() -> pwd.struct_passwd | None:
    """Whom to be instead of root; None if we are somebody else already."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]
