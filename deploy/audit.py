"""`python -m deploy.audit`: ask OSV whether what uv.lock names has known vulnerabilities.

Needs uv on the PATH or beside this Python. The exit code is 1 if there is one, or if the lock file
is not that of pyproject.toml. Where OSV cannot be reached it says so, and the exit code is 0, since
a machine without a network should be able to check everything else; with `--required` it is 2.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
OSV = "https://api.osv.dev/"
_SECONDS = 300
_NOT_ASKED = 2  # uv's exit code for whatever keeps it from an answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Asks, and tells on the streams what uv has to say."""
    parser = argparse.ArgumentParser(prog="python -m deploy.audit", description=__doc__)
    parser.add_argument("--service", default=OSV, help="another server with OSV's API")
    parser.add_argument("--required", action="store_true", help="fail if it cannot be reached")
    options = parser.parse_args(arguments)
    _run("lock", "--check", "--quiet").check_returncode()
    audited = _run(
        "audit", "--frozen", "--preview-features", "audit-command", "--service-url", options.service
    )
    sys.stdout.write(audited.stdout)
    sys.stderr.write(audited.stderr)
    if audited.returncode != _NOT_ASKED or options.required:
        return audited.returncode
    sys.stderr.write("NOT AUDITED: the database of vulnerabilities could not be asked.\n")
    return 0


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    return subprocess.run(
        [uv, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
