"""`medtune encryption`, and what a service does that lacks a key."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.own_service import own_service
from app.platform.clock import new_id
from app.platform.encryption import create_keyring, plain_folder
from app.platform.sealed_files import SealedFiles
from app.platform.sealing import Keyring, new_key
from app.platform.settings import Settings
from app.platform.storage import BLOBS, create_blobs, create_store
from tests.e2e.test_story import create, finished, wait_for
from tests.encryption.watching import holding

FILES = 400  # enough not to be done before it is killed
SAMPLE = Path(str(files("app.corpora") / "sample"))
Json = dict[str, Any]


def environment_of(data: Path, settings: dict[str, str], *keys: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEDTUNE_")}
    with_keys = {"MEDTUNE_ENCRYPTION_KEYS": json.dumps(keys)} if keys else {}
    plain = {"MEDTUNE_PLAIN_DIR": str(data.parent / "plain")}
    return clean | {"MEDTUNE_DATA_DIR": str(data)} | settings | with_keys | plain


def command(environment: dict[str, str], *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *arguments],
        env=environment,
        cwd=environment["MEDTUNE_DATA_DIR"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Exit code, and what was said."""
    process = command(environment, *arguments)
    out, errors = process.communicate(timeout=120)
    return process.returncode, out + errors


def counts(said: str) -> dict[str, list[int]]:
    """Of `status`: blobs, models and values by key."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines()]
    return {row[0].split()[0]: [int(n) for n in row[1:]] for row in rows if row and row[1] != ""}


def upload(client: httpx.Client) -> str:
    file = {"file": ("dev.txt", (SAMPLE / "dev.pubtator.txt").read_bytes())}
    location = create(client, "/v1/datasets", files=file, data={"name": "Quokka"})
    assert finished(client, location)["status"] == "ready"
    return location


def looked_at(client: httpx.Client, location: str) -> Json:
    documents = client.get(f"{location}/documents?limit=100")
    assert documents.status_code == 200, documents.text
    return {"dataset": client.get(location).json(), "documents": documents.json()}


@contextmanager
def working(client: httpx.Client) -> Iterator[list[str]]:
    """What is uploaded, and looked at, all the time."""
    locations: list[str] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            locations.append(upload(client))
            for each in locations:
                looked_at(client, each)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_for(lambda: locations, "nothing is uploaded")
        yield locations
    finally:
        ended.set()
        thread.join()


def test_from_plain_to_sealed_to_another_key(
    tmp_path: Path, settings_of_store: dict[str, str]
) -> None:
    """Keys come to what is there, and change while a service runs; nobody starts without them."""
    data = tmp_path / "data"
    data.mkdir()
    old, new = new_key(), new_key()
    old_id, new_id_ = (Keyring.of_settings([key]).ids[0] for key in (old, new))

    def with_keys(*keys: str) -> dict[str, str]:
        return environment_of(data, settings_of_store, *keys)

    with own_service(data, with_keys()) as service:
        first = upload(service.client)
        before = looked_at(service.client, first)
    with own_service(data, with_keys(old)) as service:
        assert looked_at(service.client, first) == before
        code, said = run(with_keys(old), "encryption", "status")
        assert code == 0, said
        assert counts(said)["plain"][0] > 0
        assert run(with_keys(old), "encryption", "seal")[0] == 0
        assert looked_at(service.client, first) == before
    assert "plain" not in (sealed := counts(run(with_keys(old), "encryption", "status")[1]))
    assert set(sealed) == {"Key", old_id} - {"Key"}
    with own_service(data, with_keys(new, old)) as service, working(service.client) as locations:
        code, said = run(with_keys(new, old), "encryption", "rotate")
        assert code == 0, said
    assert set(counts(run(with_keys(new), "encryption", "status")[1])) == {new_id_}
    with own_service(data, with_keys(new)) as service:
        assert looked_at(service.client, first) == before
        assert all(looked_at(service.client, each) for each in locations)
    for keys, what in (((), "is encrypted"), ((old,), "lacks the key"), (("x",), "no key")):
        code, said = run(with_keys(*keys), "serve", "--port", "0")
        assert code == 1
        assert said.startswith("Medtune does not start: ")
        assert what in said
        assert said.count("\n") == 1
        assert not keys or old not in said


def test_nothing_of_before_stays_plain(
    tmp_path: Path, settings_of_store: dict[str, str], database_url: str | None
) -> None:
    """Neither copies, nor what a killed process had laid out, nor the log of the database."""
    data = tmp_path / "data"
    data.mkdir()
    words = [b"Quokka", b"olanzapine"]
    with own_service(data, environment_of(data, settings_of_store)) as service:
        location = upload(service.client)
        before = looked_at(service.client, location)
    scratch = data if database_url is None else data / "workers" / "killed"
    for name in ("training/ft/training", "local/jobs/ft/documents"):
        (scratch / name).parent.mkdir(parents=True)
        (scratch / name).write_bytes(words[0])
    assert b"olanzapine" in (SAMPLE / "dev.pubtator.txt").read_bytes()
    assert holding(data, words[:1])
    assert holding(data, words[1:])
    keys = environment_of(data, settings_of_store, new_key())
    with own_service(data, keys) as service:
        assert run(keys, "encryption", "seal")[0] == 0
        assert holding(data, words) == []
        assert looked_at(service.client, location) == before


def test_killed_while_it_rotates(tmp_path: Path) -> None:
    """kill -9 again and again: each file can be read at any time, and in the end all are done."""
    data = tmp_path / "data"
    data.mkdir()
    old, new = new_key(), new_key()
    settings = Settings(data_dir=data, encryption_keys=[old], plain_dir=tmp_path, _env_file=None)
    blobs, keys = create_blobs(settings, tmp_path / "plain"), []
    for number in range(FILES):
        with blobs.writer(new_id("ds")) as out:
            out.write(number.to_bytes(2, "big") * 500)
        keys.append(out.key)
    environment = environment_of(data, {}, new, old)
    assert run(environment, "migrate")[0] == 0
    both = settings.model_copy(
        update={"encryption_keys": Settings(encryption_keys=[new, old]).encryption_keys}
    )
    keyring, store = create_keyring(both), create_store(both, BLOBS)
    assert keyring is not None
    done = 0
    for _ in range(3):
        process = command(environment, "encryption", "rotate")

        def further(done: int = done) -> bool:
            return SealedFiles(store, keyring).count()[keyring.ids[0]] > done

        wait_for(further, "it does not begin")
        process.send_signal(signal.SIGKILL)
        process.communicate()
        done = SealedFiles(store, keyring).count()[keyring.ids[0]]
        reader = create_blobs(both, tmp_path / f"read-{done}")
        for number, key in enumerate(keys):
            assert reader.fetch(key).read_bytes() == number.to_bytes(2, "big") * 500
    assert done < len(keys), "it was not cut off"
    code, said = run(environment, "encryption", "rotate")
    assert code == 0, said
    assert SealedFiles(store, keyring).count() == {keyring.ids[0]: len(keys)}
    assert store.sweep(time.time() + 1)[0] <= 3


def test_damaged_things_are_named_and_left(tmp_path: Path) -> None:
    """A rotation that could not open all says so, and forgets no key."""
    data = tmp_path / "data"
    data.mkdir()
    old, new = new_key(), new_key()
    settings = Settings(data_dir=data, encryption_keys=[old], _env_file=None)
    with create_blobs(settings, tmp_path / "plain").writer(new_id("ds")) as out:
        out.write(b"text")
    file = data / "blobs" / out.key
    file.write_bytes(file.read_bytes()[:30])
    environment = environment_of(data, {}, new, old)
    assert run(environment, "migrate")[0] == 0
    code, said = run(environment, "encryption", "rotate")
    assert code == 1
    assert out.key in said
    assert "lacks" not in run(environment, "encryption", "status")[1]


def test_without_keys_there_is_nothing_to_do(tmp_path: Path) -> None:
    tmp_path.joinpath("data").mkdir()
    environment = environment_of(tmp_path / "data", {})
    code, said = run(environment, "encryption", "rotate")
    assert (code, said.count("\n")) == (1, 1)
    assert "MEDTUNE_ENCRYPTION_KEYS is not set" in said


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_others_may_not_enter_the_plain_folder(tmp_path: Path, mode: int) -> None:
    data, plain = tmp_path / "data", tmp_path / "plain"
    data.mkdir()
    plain.mkdir()
    plain.chmod(mode)
    code, said = run(environment_of(data, {}, new_key()), "serve", "--port", "0")
    assert code == 1
    assert f"{plain}, may be entered by others" in said


def test_each_data_folder_has_a_plain_folder_of_its_own(tmp_path: Path) -> None:
    one, other = (Settings(data_dir=tmp_path / name, _env_file=None) for name in ("1", "2"))
    assert plain_folder(one) == plain_folder(one) != plain_folder(other)
