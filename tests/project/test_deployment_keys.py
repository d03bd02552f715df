"""Keys and names of what is deployed: the chart's key stays the same, and who is answered.

What an upgrade finds in the cluster is told by a small server that speaks Kubernetes' protocol.
"""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from app.platform.settings import Settings
from tests.project.paths import ROOT
from tests.project.test_deployment_chart import CHART, EXISTING, HELM, ON, SHARED, rendered

KEY = "MEDTUNE_ADMIN_KEY"
MADE_BEFORE = "made-by-the-first-install-0123456789"
Json = dict[str, Any]


def only(manifests: list[Json], kind: str, name: str = "rel-medtune") -> Json:
    """The manifest of this kind and name."""
    [found] = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    return found


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster that has the Secret of a release `rel`, and nothing else."""
    secret = {"data": {KEY: base64.b64encode(MADE_BEFORE.encode()).decode()}}
    kind = {"name": "secrets", "namespaced": True, "kind": "Secret", "verbs": ["get"]}
    answers: dict[str, Json] = {
        "/api/v1": {
            "kind": "APIResourceList",
            "groupVersion": "v1",
            "resources": [kind],
        },
        "/api/v1/namespaces/ours/secrets/rel-medtune": {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": {"name": "rel-medtune", "namespace": "ours"},
        }
        | secret,
    }

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path.partition("?")[0])
            body = json.dumps(found or {"kind": "Status", "apiVersion": "v1", "code": 404}).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = tmp_path / "kubeconfig"
        address = f"http://127.0.0.1:{server.server_port}"
        context = {"cluster": "c", "user": "u"}
        config.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": {"server": address}}],
                    "users": [{"name": "u", "user": {}}],
                    "contexts": [{"name": "x", "context": context}],
                    "current-context": "x",
                }
            )
        )
        yield config
        server.shutdown()


def upgraded(cluster: Path, namespace: str) -> str:
    """The key that is rendered for a release in this namespace of a cluster."""
    command = [HELM, "template", "rel", str(CHART), "--dry-run=server", "--namespace", namespace]
    done = subprocess.run(
        command,
        env=os.environ | {"KUBECONFIG": str(cluster)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    secret = only([m for m in yaml.safe_load_all(done.stdout) if m], "Secret")
    return str(secret["stringData"][KEY])


def test_an_upgrade_keeps_the_key(cluster: Path) -> None:
    """It is the one that is in the cluster; a release elsewhere has one of its own."""
    assert upgraded(cluster, "ours") == MADE_BEFORE
    assert upgraded(cluster, "theirs") != MADE_BEFORE


def test_a_first_install_makes_a_key() -> None:
    """One that Medtune takes, another one each time; none beside one that is given."""
    keys = [only(rendered({}), "Secret")["stringData"][KEY] for _ in range(2)]
    assert keys[0] != keys[1]
    for key in keys:
        assert Settings(admin_key=key, _env_file=None).admin_key is not None
    given = SHARED | {"secrets": SHARED["secrets"] | {KEY: "g" * 32}}
    assert only(rendered(given), "Secret")["stringData"][KEY] == "g" * 32


@pytest.mark.parametrize(
    ("values", "secret"), [({}, "rel-medtune"), (SHARED, "rel-medtune"), (EXISTING, "ours")]
)
def test_whoever_serves_or_scrapes_has_the_key(values: Json, secret: str) -> None:
    """From the Secret, and nowhere else is it written; probes ask for what needs none."""
    manifests = rendered(values | {"serviceMonitor": ON})
    [endpoint] = only(manifests, "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["authorization"] == {"credentials": {"name": secret, "key": KEY}}
    [container] = only(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"secretRef": {"name": secret}} in container["envFrom"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert "httpHeaders" not in container[probe]["httpGet"]
    for manifest in manifests:
        if manifest["kind"] not in {"Secret", "ServiceMonitor"}:
            assert KEY not in json.dumps(manifest)


def allowed(values: Json) -> list[str] | None:
    """The host names in the settings of pods; None if there are none."""
    settings = only(rendered(values), "ConfigMap")["data"]
    if "MEDTUNE_ALLOWED_HOSTS" not in settings:
        return None
    names = json.loads(settings["MEDTUNE_ALLOWED_HOSTS"])
    return Settings(allowed_hosts=names, _env_file=None).allowed_hosts


def test_with_an_ingress_its_hosts_are_answered() -> None:
    """And the service's names in the cluster, and a port-forward's; not with a wildcard."""
    assert allowed({}) is None
    hosts = ["medtune.example.org", "m.example.org"]
    found = allowed({"ingress": ON | {"hosts": hosts}})
    assert found is not None
    assert found[:2] == hosts
    assert {"localhost", "127.0.0.1", "rel-medtune", "rel-medtune.default.svc"} <= set(found)
    assert allowed({"ingress": ON | {"hosts": ["*.example.org"]}}) is None
    settings = {"MEDTUNE_ALLOWED_HOSTS": '["only.example.org"]'}
    assert allowed({"ingress": ON, "settings": settings}) == ["only.example.org"]


def test_compose_refuses_to_start_without_a_key() -> None:
    """Each container that serves has it from outside; the sentence says what makes one."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    serving = ("api", "api-postgres", "api-s3")
    for name in serving:
        given = compose["services"][name]["environment"][KEY]
        assert given.startswith(f"${{{KEY}:?"), name
        assert "openssl rand -hex 32" in given
