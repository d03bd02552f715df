"""Commands that serve nothing load nothing that only a service needs: each takes its time."""

import subprocess
import sys

_LOADED = """
import sys
import app.cli, app.commands.encryption, app.commands.keys
print(*{"fastapi", "aiohttp", "numpy", "lxml", "app.parts", "app.main"}.intersection(sys.modules))
"""


def test_keys_and_encryption_load_no_service() -> None:
    """Neither the framework of the API, nor backends, nor rooms beside their own."""
    done = subprocess.run(
        [sys.executable, "-c", _LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
