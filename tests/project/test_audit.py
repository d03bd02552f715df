"""The lock file: all packages from PyPI with their hashes, and known vulnerabilities fail."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.project.paths import ROOT

LOCK: dict[str, Any] = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
VULNERABLE = "jinja2"
VULNERABILITY = {
    "id": "PYSEC-0000-1",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "summary": "made up",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": VULNERABLE},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}


class Osv(BaseHTTPRequestHandler):
    """As much of OSV's API as uv asks: which packages have vulnerabilities, and what one is."""

    vulnerable: frozenset[str] = frozenset()
    asked: set[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        names = [query["package"]["name"] for query in body["queries"]]
        self.asked.update(names)
        found = {"vulns": [{key: VULNERABILITY[key] for key in ("id", "modified")}]}
        self._answer({"results": [found if name in self.vulnerable else {} for name in names]})

    def do_GET(self) -> None:
        self._answer(VULNERABILITY)

    def _answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def osv(request: pytest.FixtureRequest) -> Iterator[tuple[str, set[str]]]:
    """The address of a server that knows vulnerabilities of the packages in the parameter."""
    asked: set[str] = set()
    handler = type("Told", (Osv,), {"vulnerable": request.param, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    thread.join()
    server.server_close()


def audit(service: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.audit", "--service", service, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("osv", [frozenset()], indirect=True)
def test_every_locked_package_is_asked_for(osv: tuple[str, set[str]]) -> None:
    done = audit(osv[0])
    assert done.returncode == 0, done.stderr
    assert "NOT AUDITED" not in done.stderr
    locked = {each["name"] for each in LOCK["package"] if "registry" in each["source"]}
    assert osv[1] == locked


@pytest.mark.parametrize("osv", [frozenset({VULNERABLE})], indirect=True)
def test_known_vulnerability_fails(osv: tuple[str, set[str]]) -> None:
    done = audit(osv[0])
    assert done.returncode == 1
    assert VULNERABLE in done.stdout
    assert "PYSEC-0000-1" in done.stdout


@pytest.mark.parametrize(("options", "code"), [((), 0), (("--required",), 2)])
def test_database_out_of_reach_is_said(options: tuple[str, ...], code: int) -> None:
    done = audit("http://127.0.0.1:1/", *options)
    assert done.returncode == code
    assert ("NOT AUDITED" in done.stderr) == (not options)


def test_packages_come_from_pypi_with_hashes() -> None:
    others = [each for each in LOCK["package"] if each["name"] != "medtune"]
    assert {each["source"].get("registry") for each in others} == {"https://pypi.org/simple"}
    files = [file for each in others for file in [*each.get("wheels", []), each.get("sdist")]]
    assert all(file["hash"].startswith("sha256:") for file in files if file)
