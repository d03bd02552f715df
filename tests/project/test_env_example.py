"""`.env.example` is true."""

from pathlib import Path

import pytest

from app.platform.settings import Settings
from tests.project.env_example import render
from tests.project.paths import ROOT

EXAMPLE = ROOT / ".env.example"


def test_lists_every_setting() -> None:
    """Each field with its description and default, as the code has them now."""
    assert EXAMPLE.read_text(encoding="utf-8") == render(), (
        "the settings have changed: python -m tests.project.env_example > .env.example"
    )


def test_defaults_mean_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every assignment put in force the settings are the defaults."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MEDTUNE_{name.upper()}", raising=False)
    in_force = tmp_path / "env"
    in_force.write_text(EXAMPLE.read_text(encoding="utf-8").replace("\n#MEDTUNE_", "\nMEDTUNE_"))
    given, default = Settings(_env_file=in_force), Settings(_env_file=None)
    assert given.model_fields_set == {n for n, value in default if value is not None}
    assert given == default
