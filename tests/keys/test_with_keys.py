"""What starts, and what asks, where there are keys: each as a process of its own."""

from pathlib import Path

from app.own_service import own_service
from tests.clients.processes import DEV, RULES, TEXT, TRAIN, medtune
from tests.keys.test_commands import keys, until


def test_every_address_once_there_is_a_key(tmp_path: Path) -> None:
    """Also when the folder is of an older release, whose schema is brought to this one's first."""
    key = keys(tmp_path)("create")
    assert medtune("migrate", "0006", MEDTUNE_DATA_DIR=str(tmp_path)).returncode == 0
    with own_service(tmp_path, arguments=["--host", "0.0.0.0"]) as service:
        until(service, 200, key)
        until(service, 401)
        assert '"no_keys"' not in service.log.read_text()


def test_commands_send_their_key(tmp_path: Path) -> None:
    """The whole way from a corpus to a curve; one whose scope is too narrow is told so."""
    data = tmp_path / "data"
    data.mkdir()
    write, read = keys(data)("create", "--scope", "write"), keys(data)("create")
    with own_service(data) as service:
        at = ("--server", service.address, "--api-key", write)
        by_name = {"MEDTUNE_SERVER": service.address, "MEDTUNE_API_KEY": write}
        uploaded = medtune("upload", TRAIN, DEV, "--split=train", "--split=dev", "--wait", *at)
        assert uploaded.returncode == 0, uploaded.stderr
        dataset = uploaded.stdout.strip()
        quick = ("--hyperparameters=preset=fast", "--hyperparameters=iterations=10")
        trained = medtune("train", dataset, *quick, "--tasks=diseases", **by_name)
        assert trained.returncode == 0, trained.stderr
        model = trained.stdout.strip()
        assert "hepatitis" in medtune("extract", model, given=TEXT, **by_name).stdout
        scored = medtune("evaluate", RULES, model, "--dataset", dataset, "--split=dev", *at)
        assert scored.returncode == 0, scored.stderr
        headers = {"Authorization": f"Bearer {write}"}
        made = service.client.get(f"/v1/models/{model}", headers=headers).json()
        picture = tmp_path / "training.svg"
        drawn = medtune("curve", made["fine_tune_id"], "--output", picture, **by_name)
        assert (drawn.returncode, picture.is_file()) == (0, True), drawn.stderr
        narrow = medtune("train", dataset, **by_name | {"MEDTUNE_API_KEY": read})
        assert narrow.returncode == 1
        assert "scope write" in narrow.stderr


def test_a_service_of_its_own(tmp_path: Path) -> None:
    """Whoever may read the folder needs none of its keys, and is given none that stays."""
    run = keys(tmp_path)
    run("create")
    before = run("list")
    done = medtune(
        *("extract", RULES),
        given=TEXT,
        MEDTUNE_DATA_DIR=str(tmp_path),
        MEDTUNE_API_KEY="of another service",
    )
    assert done.returncode == 0, done.stderr
    assert "hepatitis" in done.stdout
    assert run("list") == before
