"""Settings that are of no use are told of by name, and never by the value, which may be a key."""

import os
import subprocess
import sys

import pytest

from app.platform.errors import UnusableSettingsError
from app.platform.settings import Settings

VALUE = "this-is-a-secret-of-mine"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ADMIN_KEY", "at least 32"),
        ("MAX_TEXT_CHARACTERS", "integer"),
        ("KEEP_BATCHES_DAYS", "number"),
        ("LOG_LEVEL", "pattern"),
        ("ENCRYPTION_KEYS", "JSON"),
        ("ALLOWED_HOSTS", "JSON"),
        ("COHERE_SERVERS", "JSON"),
    ],
)
def test_they_are_named(name: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"MEDTUNE_{name}", VALUE)
    with pytest.raises(UnusableSettingsError) as raised:
        Settings.read()
    assert f"MEDTUNE_{name}" in str(raised.value)
    assert told in str(raised.value)
    assert VALUE not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_command_says_so_in_a_line() -> None:
    environment = {**os.environ, "MEDTUNE_ADMIN_KEY": VALUE, "MEDTUNE_MAX_DOCUMENTS": "0"}
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("Medtune cannot use its settings: ")
    assert "MEDTUNE_ADMIN_KEY" in line
    assert "MEDTUNE_MAX_DOCUMENTS" in line
    assert VALUE not in line


def test_an_error_of_its_own_shows_no_value() -> None:
    with pytest.raises(ValueError, match="admin_key") as raised:
        Settings.model_validate({"admin_key": VALUE})
    assert VALUE not in str(raised.value)


def test_they_show_no_value() -> None:
    """Addresses may have passwords in them."""
    url = f"postgresql+psycopg://me:{VALUE}@there/name"
    settings = Settings(database_url=url, cohere_base_url=f"http://{VALUE}@there", _env_file=None)
    assert VALUE not in f"{settings} {settings!r}"
    assert "database_url" in repr(settings)
