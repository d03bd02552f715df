"""Writes `.env.example` from the settings: `python -m tests.project.env_example > .env.example`."""

import sys
import textwrap

from app.platform.remote_settings import RemoteSettings
from app.platform.settings import Settings

HEADER = """\
# Settings of Medtune. Copy this file to .env, or set the variables in the environment.
# Each line that is commented out shows the default.
"""


def render() -> str:
    """Every setting: its description, then its default as an assignment that is commented out."""
    prefix = str(Settings.model_config["env_prefix"])
    entries = [HEADER]
    for name in [*Settings.__annotations__, *RemoteSettings.__annotations__]:
        field = Settings.model_fields[name]
        description = textwrap.wrap(str(field.description), 96, break_on_hyphens=False)
        value = field.get_default(call_default_factory=True)
        default = "" if value is None else value
        lines = [f"# {line}" for line in description]
        entries.append("\n".join([*lines, f"#{prefix}{name.upper()}={default}"]) + "\n")
    return "\n".join(entries)


if __name__ == "__main__":
    sys.stdout.write(render())
