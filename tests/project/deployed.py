"""What deployments name, compared with what there is: settings, and command lines."""

from collections.abc import Collection, Sequence

from pydantic import SecretStr
from typer.main import get_command

from app.cli import app
from app.platform.remote_settings import RemoteServer
from app.platform.settings import Settings

SETTINGS = {f"MEDTUNE_{name.upper()}": field for name, field in Settings.model_fields.items()}
# They hold a password, or are servers with their keys.
SECRETS = {
    name
    for name, field in SETTINGS.items()
    if any(kind.__name__ in str(field.annotation) for kind in (SecretStr, RemoteServer))
} | {"MEDTUNE_DATABASE_URL"}


def unknown_settings(names: Collection[str]) -> set[str]:
    """Variables that look like settings, and are none."""
    return {name for name in names if name.startswith("MEDTUNE_")} - SETTINGS.keys()


def parse(words: Sequence[str]) -> None:
    """Parse a command line as `medtune` would. Raises click's errors for what it refuses."""
    program, name, *arguments = words
    assert program == "medtune", words
    group = get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    assert name in commands, words
    commands[name].make_context(name, list(arguments))
