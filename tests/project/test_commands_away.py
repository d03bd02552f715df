"""Commands that work on the database say in a line that it is away."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app

_NOBODY = "postgresql+psycopg://medtune@127.0.0.1:1/medtune"  # nothing listens there


@pytest.mark.parametrize("command", ["migrate", "gc", "keys list"])
def test_a_database_that_is_away(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And end with 1, without a traceback."""
    monkeypatch.setenv("MEDTUNE_DATABASE_URL", _NOBODY)
    monkeypatch.setenv("MEDTUNE_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(app, command.split())
    assert done.exit_code == 1, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert [line for line in done.stderr.splitlines() if line] == [
        "The database does not answer (OperationalError)."
    ]
