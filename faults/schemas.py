"""`python -m faults.schemas [--minutes M] [--seed N] [--database D]`: requests after the schema.

Schemathesis reads the OpenAPI file of a service of one's own, with keys, and asks it: examples,
edge cases of each parameter, random requests that fit the schema and that do not, and chains of
calls along links. Exit code 1 if an answer is not as the file says, or a check of ours fails.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.commands.service import settled
from app.own_service import own_service
from faults.fleet import run_command
from tests.e2e.test_story import SAMPLE
from tests.postgres import binaries, postgres_server

DATABASES = ("sqlite", "postgres")
_FOLDER = Path(__file__).parent
_ROOT = _FOLDER.parent
# Beyond the time given: a case that has begun is ended.
_PATIENCE_SECONDS = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; gives the exit code."""
    parser = argparse.ArgumentParser(prog="faults.schemas", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="on each database")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--database", action="append", choices=DATABASES)
    given = parser.parse_args(arguments)
    print(f"schemas: seed {given.seed}", flush=True)
    codes = []
    for database in given.database or DATABASES:
        if database == "postgres" and binaries() is None:
            print("not tried: postgres, there is no initdb")
            continue
        more = [f"--max-time={round(60 * given.minutes)}", "--continue-on-failure"]
        codes.append(ask(database, given.seed, more, round(60 * given.minutes)).returncode)
    return max(codes, default=1)


def ask(
    database: str, seed: int, arguments: Sequence[str], seconds: int, *, silent: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run schemathesis with these arguments at a service on this database."""
    key = secrets.token_urlsafe(32)
    settings = {
        "MEDTUNE_ADMIN_KEY": key,
        # It asks more often than that; what is told then has tests of its own.
        "MEDTUNE_REQUESTS_PER_MINUTE": str(10**9),
    }
    with (
        tempfile.TemporaryDirectory(prefix="medtune-schemas-") as folder,
        _settings_of(database, Path(folder)) as more,
        own_service(Path(folder), {**settings, **more}) as service,
    ):
        prepare(service.client, key)
        command = [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(_FOLDER / "schemas.toml")),
            *("run", f"{service.address}/openapi.json"),
            *("--header", f"Authorization: Bearer {key}"),
            *("--seed", str(seed), "--no-color", "--generation-database=none", *arguments),
        ]
        hooks = {"SCHEMATHESIS_HOOKS": "faults.schema_checks", "PYTHONPATH": str(_ROOT)}
        return subprocess.run(
            command,
            env={**os.environ, **hooks},
            cwd=folder,
            text=True,
            check=False,
            stdout=subprocess.PIPE if silent else None,
            timeout=seconds + _PATIENCE_SECONDS,
        )


def prepare(client: httpx.Client, key: str) -> None:
    """Make one of each thing, so that links lead to something; wait until all are ready."""
    client.headers["Authorization"] = f"Bearer {key}"
    file = {"file": ("dev.pubtator.txt", (SAMPLE / "dev.pubtator.txt").read_bytes())}
    dataset = _made(client, "/v1/datasets", files=file, data={"split": "train"})
    of_it = {"dataset_id": dataset}
    rows = _made(client, "/v1/training-files", json=of_it)
    quick = {"preset": "fast", "iterations": 5, "folds": 0}
    _made(client, "/v1/fine-tunes", json={"training_file_id": rows, "hyperparameters": quick})
    rules = {"models": ["local:rules"], "split": "train"}
    _made(client, "/v1/evaluations", json=of_it | rules)
    _made(client, "/v1/extraction-batches", json=of_it | {"model": "local:rules"})
    names = {"file": ("names.txt", b"MESH:D001241\taspirin|acetylsalicylic acid\n")}
    _made(client, "/v1/vocabularies", files=names, data={"name": "house", "type": "Chemical"})
    target = {"kind": "webhook", "address": "https://example.org/hooks"}
    client.post("/v1/notification-targets", json=target).raise_for_status()
    client.post("/v1/keys", json={"name": "reader", "scope": "read"}).raise_for_status()
    alias = {"model": "local:rules"}
    client.put("/v1/model-aliases/house", json=alias).raise_for_status()


def _made(client: httpx.Client, path: str, **request: Any) -> str:
    answer = client.post(path, **request)
    if answer.is_success:
        made = settled(client, answer.headers["Location"])
        if made["status"] in ("ready", "succeeded"):
            return str(made["id"])
    raise RuntimeError(f"nothing can be tried: {path} {answer.text[:500]}")


@contextmanager
def _settings_of(database: str, folder: Path) -> Iterator[Mapping[str, str]]:
    programs = binaries()
    if database == "sqlite" or programs is None:
        yield {}
        return
    with postgres_server(programs) as server, server.database() as url:
        settings = {"MEDTUNE_DATABASE_URL": url, "MEDTUNE_DATA_DIR": str(folder)}
        run_command(["migrate"], settings, folder)
        yield settings


if __name__ == "__main__":
    sys.exit(main())
