"""The Helm chart: linted, rendered, valid for Kubernetes, and true to settings and commands."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from app.parts import create_backends, create_queues
from app.platform.queues import chosen
from app.platform.settings import Settings
from deploy.check.dockerfile import project_stages
from tests.project.deployed import SECRETS, SETTINGS, parse, unknown_settings
from tests.project.paths import ROOT

CHART = ROOT / "deploy" / "helm" / "medtune"
HELM = str(Path(sys.executable).with_name("helm"))
KUBERNETES = (
    "1.30",
    "1.37",
)  # the oldest that Chart.yaml allows, and the newest there are schemas of
SHARED: dict[str, Any] = {
    "mode": "shared",
    "secrets": {"MEDTUNE_DATABASE_URL": "postgresql+psycopg://medtune:secret@db/medtune"},
    "settings": {"MEDTUNE_BLOB_URL": "s3://bucket/prefix"},
}
ON = {"enabled": True}
EVERYTHING: dict[str, Any] = SHARED | {
    "secrets": SHARED["secrets"] | {"MEDTUNE_BLOB_OPTIONS": '{"region": "eu"}'},
    "imagePullSecrets": [{"name": "registry"}],
    "api": {"autoscaling": ON, "podDisruptionBudget": ON, "nodeSelector": {"disk": "ssd"}},
    "workers": {
        "all": None,
        "train": {"queues": "train", "replicas": 2, "tolerations": [{"operator": "Exists"}]},
        "rest": {"queues": "short,batches,evaluations,extract-local", "autoscaling": ON},
    },
    "workerDefaults": {"podDisruptionBudget": ON},
    "service": {"annotations": {"a": "b"}},
    "ingress": ON | {"className": "nginx", "annotations": {"a": "b"}, "tls": [{"hosts": ["a.b"]}]},
    "networkPolicy": ON | {"egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}]},
    "serviceMonitor": ON | {"labels": {"release": "prometheus"}},
    "serviceAccount": {"annotations": {"role": "medtune"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "curation"},
}
EXISTING = SHARED | {"secrets": {}, "existingSecret": "ours"}
WAYS: dict[str, dict[str, Any]] = {
    "single": {},
    "shared": SHARED,
    "existing-secret": EXISTING,
    "everything": EVERYTHING,
}
Manifest = dict[str, Any]


def helm(*arguments: str, values: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    """Run it with these values."""
    return subprocess.run(
        [HELM, *arguments, "--values", "-"],
        input=yaml.safe_dump(values),
        capture_output=True,
        text=True,
        timeout=60,
    )


def rendered(values: dict[str, Any]) -> list[Manifest]:
    """The manifests of a release named `rel`."""
    done = helm("template", "rel", str(CHART), values=values)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Name and pod of each Deployment and Job."""
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "Job"}:
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


@pytest.fixture(scope="module", params=WAYS)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Those of each way to set it up."""
    return rendered(WAYS[request.param])


@pytest.mark.parametrize("way", WAYS)
def test_lint(way: str) -> None:
    """No warnings."""
    done = helm("lint", "--strict", str(CHART), values=WAYS[way])
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
def test_manifests_are_valid(manifests: list[Manifest], version: str) -> None:
    """Strictly: no key that Kubernetes would not know. (Prometheus' own kind has no schema.)"""
    kinds = set()
    for manifest in manifests:
        if manifest["apiVersion"].startswith("monitoring.coreos.com/"):
            assert {"jobLabel", "selector", "endpoints"} == manifest["spec"].keys()
            continue
        kubernetes_validate.validate(manifest, version, strict=True)
        kinds.add(manifest["kind"])
    assert {"Deployment", "Service", "ConfigMap", "ServiceAccount"} <= kinds


def test_validation_sees_what_is_wrong() -> None:
    """The test above can fail."""
    manifest = rendered({})[-1]
    manifest["spec"]["replica"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, KUBERNETES[0], strict=True)


def test_oldest_kubernetes_is_the_one_that_is_tested() -> None:
    """And the chart is of this version of Medtune."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["kubeVersion"] == f">={KUBERNETES[0]}.0-0"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["appVersion"] == chart["version"] == project["version"]


def test_nothing_is_asked_for_by_default() -> None:
    """One pod and its volume; all that needs more of a cluster is off."""
    found = [manifest["kind"] for manifest in rendered({})]
    assert sorted(found) == [
        "ConfigMap",
        "Deployment",
        "PersistentVolumeClaim",
        "Secret",
        "Service",
        "ServiceAccount",
    ]


def test_everything_is_there_when_asked_for() -> None:
    """An autoscaler and a budget for each that wants one, pointing at what exists."""
    manifests = rendered(EVERYTHING)
    found = sorted(m["kind"] for m in manifests)
    assert {kind: found.count(kind) for kind in set(found)} == {
        "ConfigMap": 1,
        "Deployment": 3,
        "HorizontalPodAutoscaler": 2,
        "Ingress": 1,
        "Job": 1,
        "NetworkPolicy": 1,
        "PodDisruptionBudget": 3,
        "Secret": 2,
        "Service": 2,
        "ServiceAccount": 1,
        "ServiceMonitor": 1,
    }
    deployments = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "Deployment"}
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "HorizontalPodAutoscaler":
            scaled = deployments[spec["scaleTargetRef"]["name"]]
            assert "replicas" not in scaled["spec"], "they would undo each other"
        if manifest["kind"] == "PodDisruptionBudget":
            wanted = spec["selector"]["matchLabels"].items()
            labels = [d["spec"]["template"]["metadata"]["labels"] for d in deployments.values()]
            assert sum(wanted <= each.items() for each in labels) == 1


def test_pods_are_confined(manifests: list[Manifest]) -> None:
    """Not root, nothing to write but /data and /tmp, no capabilities, resources, no token."""
    user = int(project_stages(ROOT)[-1].last("USER").value.partition(":")[0])
    for name, pod in pods(manifests):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, "a service's variables begin with its name"
        security = pod["securityContext"]
        assert (security["runAsNonRoot"], security["runAsUser"]) == (True, user)
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {m["mountPath"] for m in container["volumeMounts"]} == {"/data", "/tmp"}
        assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
        assert container["resources"].keys() == {"requests", "limits"}


def test_commands_and_settings_are_real(manifests: list[Manifest]) -> None:
    """Command lines parse, variables are settings, secrets are in Secrets, probes hit the port."""
    for name, pod in pods(manifests):
        [container] = pod["containers"]
        arguments = container["args"]
        parse(arguments)
        assert not unknown_settings([each["name"] for each in container.get("env", [])]), name
        if arguments[1] == "migrate":
            continue
        port = arguments[
            arguments.index({"serve": "--port"}.get(arguments[1], "--health-port")) + 1
        ]
        assert container["ports"] == [{"name": "http", "containerPort": int(port)}]
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
        assert pod["terminationGracePeriodSeconds"] >= 20 + 10
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap":
            assert not unknown_settings(manifest["data"])
            assert not SECRETS & manifest["data"].keys()
        if manifest["kind"] == "Secret":
            assert not unknown_settings(manifest["stringData"])


def test_names_lead_somewhere(manifests: list[Manifest]) -> None:
    """Config maps, secrets and claims that pods refer to are made, or said to be there."""
    made = {(m["kind"], m["metadata"]["name"]) for m in manifests} | {("Secret", "ours")}
    for name, pod in pods(manifests):
        [container] = pod["containers"]
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                assert ("ConfigMap", source["configMapRef"]["name"]) in made, name
            else:
                assert ("Secret", source["secretRef"]["name"]) in made, name
        for variable in container.get("env", []):
            if "secretKeyRef" in variable["valueFrom"]:
                assert ("Secret", variable["valueFrom"]["secretKeyRef"]["name"]) in made, name
        for volume in pod["volumes"]:
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in made, name


def test_migration_runs_before_the_rest_is_there() -> None:
    """A hook that needs nothing of the release but what comes before it as a hook, too."""
    manifests = rendered(SHARED)
    hooks = [m for m in manifests if "helm.sh/hook" in m["metadata"].get("annotations", {})]
    assert sorted(m["kind"] for m in hooks) == ["Job", "Secret"]
    [(_, pod)] = pods(hooks)
    assert "serviceAccountName" not in pod
    [variable] = pod["containers"][0]["env"]
    secret = next(m for m in hooks if m["kind"] == "Secret")
    assert variable["valueFrom"]["secretKeyRef"]["name"] == secret["metadata"]["name"]
    weights = {m["kind"]: m["metadata"]["annotations"].get("helm.sh/hook-weight") for m in hooks}
    assert int(weights["Secret"]) < int(weights["Job"] or 0)


def test_queues_of_the_example_exist() -> None:
    """What values.yaml shows can be started."""
    shown = (CHART / "values.yaml").read_text(encoding="utf-8")
    groups = re.findall(r"^#     \w+: \{queues: ([a-z-]+), ", shown, re.MULTILINE)
    settings = Settings(_env_file=None)
    queues = create_queues(settings, create_backends(settings))
    assert groups
    assert chosen(groups, queues)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"api": {"replicas": 2}}, "several API replicas need PostgreSQL and a bucket"),
        ({"api": {"autoscaling": ON}}, "several API replicas need PostgreSQL and a bucket"),
        ({"mode": "shared"}, "mode shared needs PostgreSQL"),
        (SHARED | {"settings": {}}, "mode shared needs a bucket"),
        (SHARED | {"workers": {"all": None}}, "mode shared needs workers"),
        (SHARED | {"existingSecret": "ours"}, "not both"),
        ({"secrets": SHARED["secrets"]}, "the mode is shared"),
        ({"settings": SHARED["settings"]}, "the mode is shared"),
        ({"mode": "cluster"}, "mode"),
        ({"replicas": 2}, "replicas"),
        ({"settings": {"LOG_LEVEL": "INFO"}}, "LOG_LEVEL"),
        ({"settings": {"MEDTUNE_BLOB_CACHE_BYTES": 30000000000}}, "BLOB_CACHE_BYTES"),
        ({"settings": {"MEDTUNE_DATABASE_URL": "x"}}, "DATABASE_URL"),
        ({"workers": {"A": {}}}, "workers"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, Any], why: str) -> None:
    """When it is rendered, with a reason."""
    done = helm("template", "rel", str(CHART), values=values)
    assert done.returncode != 0
    assert why in done.stderr


def test_secrets_are_kept_out_of_the_config_map() -> None:
    """The schema refuses every setting with a key or a password among the others, and no more."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    settings = Draft7Validator(schema["properties"]["settings"])
    set_by_chart = {"MEDTUNE_DATA_DIR", "MEDTUNE_SHUTDOWN_SECONDS", "MEDTUNE_WORKER_NAME"}
    refused = {name for name in SETTINGS if not settings.is_valid({name: "x"})}
    assert refused == SECRETS | set_by_chart
