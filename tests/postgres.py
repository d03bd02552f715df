"""A throw-away PostgreSQL for tests: real, in a folder of its own, reached by a socket in it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
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
# Nothing has to outlive this machine; what is committed outlives the server all the same.
_OPTIONS = ("fsync=off", "full_page_writes=off", "listen_addresses=")
_QUICK = ("synchronous_commit=off",)  # the last of it is lost if the server is killed


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, on the PATH or where Debian has it; None without."""
    found = shutil.which("initdb")
    debian = Path("/usr/lib/postgresql").glob("[1-9]*/bin/initdb")
    newest_first = sorted(debian, key=lambda path: int(path.parts[-3]), reverse=True)
    for initdb in [*([Path(found).resolve()] if found else []), *newest_first]:
        if (initdb.parent / "postgres").is_file():
            return initdb.parent
    return None


@dataclass
class Postgres:
    """A server; `folder` holds its socket and all it stores, `command` starts it.

    `as_user` are the options of `Popen` by which it is not root.
    """

    folder: Path
    command: Sequence[str]
    as_user: Mapping[str, Any]
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError, with what it said."""
        with (self.folder / "log").open("ab") as log:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(
                self.command, stdout=log, stderr=log, **self.as_user
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self._connect().close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: connections are closed first; SIGQUIT: all ends at once, as in a crash."""
        self._process.send_signal(how)
        self._process.wait(START_SECONDS)

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

    def _connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.folder), user=_SUPERUSER, dbname="postgres", autocommit=True
        )


@contextmanager
def postgres_server(programs: Path, *, durable: bool = False) -> Iterator[Postgres]:
    """A new server of these programs for the length of the block; it dies with this process, too.

    It refuses to run as root: as root we start it as `postgres`, or as `nobody`. If it is `durable`
    it may be stopped in any way, and has all that was committed when it is started again.
    """
    # Not pytest's folder: that one is closed to other users. And a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="medtune-pg-"))
    user = _other_user()
    as_user: dict[str, Any] = {"cwd": folder}
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = str(folder / "data")
    initdb = [str(programs / "initdb"), "-D", data, "-U", _SUPERUSER, *_INITDB]
    mortal = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
    options = [*_OPTIONS] if durable else [*_OPTIONS, *_QUICK]
    start = [*mortal, str(programs / "postgres"), "-D", data, "-k", str(folder)]
    server = Postgres(folder, [*start, *(w for each in options for w in ("-c", each))], as_user)
    try:
        with (folder / "log").open("wb") as log:
            done = subprocess.run(initdb, stdout=log, stderr=log, check=False, **as_user)
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{(folder / 'log').read_text()}")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _other_user() -> pwd.struct_passwd | None:
    """Whom to be instead of root; None if we are somebody else already."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]
