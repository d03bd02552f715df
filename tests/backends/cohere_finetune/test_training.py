"""A training in a container, from its launch to the end of its files."""

import json
import stat

import pytest

from app.backends.base import BackendError, ExtractOptions, JobStatus
from app.backends.cohere_finetune.backend import CohereFinetuneBackend
from app.backends.rules import RulesBackend
from app.prompts.tasks import Task
from tests.backends.cohere_finetune.conftest import Scene, lines, rows


async def test_trains(scene: Scene) -> None:
    """Each stage is seen as it comes, the curve is the trainer's, and the model has a name."""
    backend = scene.backend()
    await backend.launch(scene.job(hyperparameters={"train_epochs": 3, "train_batch_size": 4}))

    state = await backend.poll("ft_1")
    assert (state.status, state.stage, state.progress) == (JobStatus.RUNNING, "starting", 0)
    scene.trainer.go("preprocess")
    assert (await backend.poll("ft_1")).stage == "training"
    scene.trainer.go("train")
    newest = scene.trainer.root / "ft_1/finetune/checkpoints/checkpoint-6/trainer_state.json"
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-20])
    assert (await backend.poll("ft_1")).progress == pytest.approx(4 / 6)
    newest.write_bytes(whole)
    state = await backend.poll("ft_1")
    assert state.progress == 0.99
    losses = {p.step: p.value for p in state.metrics if p.name == "loss"}
    assert losses == pytest.approx({step: 2 / step for step in range(1, 7)})
    assert [p.step for p in state.metrics if p.name == "eval_loss"] == [2, 4, 6]
    scene.trainer.go("merge")
    assert (await backend.poll("ft_1")).stage == "merging"
    scene.trainer.go()
    state = await backend.poll("ft_1")
    assert (state.status, state.model, state.progress) == (JobStatus.SUCCEEDED, "ft_1", 1)
    assert (await scene.backend().poll("ft_1")) == state


async def test_posts_what_the_container_takes(scene: Scene) -> None:
    """Strings for truth values, its own spelling of the base model, nothing it does not know."""
    await scene.backend().launch(
        scene.job(
            base_model="command-r7b-12-2024",
            hyperparameters={
                "use_4bit_quantization": True,
                "lora_config": {"rank": 4, "rslora": False},
                "wandb_config": {"project": "p", "run_id": "r"},
            },
        )
    )
    (body,) = scene.trainer.posts
    assert body["base_model_name_or_path"] == "command-r-7b-12-2024"
    assert (body["use_4bit_quantization"], body["gradient_checkpointing"]) == ("true", "true")
    assert body["lora_config"] == {
        "rank": 4,
        "target_modules": ["q", "k", "v", "o"],
        "rslora": "false",
    }
    assert body["wandb_config"] == {"project": "p", "run_id": "r"}


@pytest.mark.parametrize("base_model", [None, "command-r7b-12-2024", "aya-expanse-8b"])
async def test_starts_from_its_base_models(scene: Scene, base_model: str | None) -> None:
    """All that are offered, and one that is not named."""
    backend = scene.backend()
    offered = await backend.base_models()
    assert all(model.can_tune and not model.can_extract for model in offered)
    assert base_model is None or base_model in {model.name for model in offered}
    state = await scene.driven(backend, scene.job(base_model=base_model))
    assert state.status is JobStatus.SUCCEEDED


async def test_refuses_another_base_model(scene: Scene) -> None:
    """Before anything is written."""
    with pytest.raises(BackendError, match="base model") as caught:
        await scene.backend().launch(scene.job(base_model="../secrets"))
    assert caught.value.code == "base_model_not_found"
    assert not list(scene.trainer.root.iterdir())


async def test_launching_again_trains_once(scene: Scene) -> None:
    """While it runs, and when it has succeeded; from this process or the next."""
    job = scene.job()
    for _ in range(2):
        await scene.backend().launch(job)
    scene.trainer.go()
    await scene.backend().launch(job)
    state = await scene.backend().poll("ft_1")
    assert state.status is JobStatus.SUCCEEDED
    await scene.backend().launch(job)
    assert scene.trainer.trained == ["ft_1"]
    assert len(scene.trainer.posts) == 1


async def test_waits_for_a_busy_container(scene: Scene) -> None:
    """What someone else trains there is left to its end; then comes ours, posted once."""
    scene.trainer.status = "in progress"
    backend = scene.backend()
    await backend.launch(scene.job())
    assert (await backend.poll("ft_1")).stage == "waiting"
    assert "POST /finetune" not in scene.trainer.calls
    scene.trainer.restart()
    assert (await backend.poll("ft_1")).stage == "starting"
    assert (await scene.driven(backend, scene.job())).status is JobStatus.SUCCEEDED
    assert len(scene.trainer.posts) == 1


@pytest.mark.parametrize("row_format", ["prompt_completion", "chat"])
async def test_trains_on_either_row_format_with_evaluation(scene: Scene, row_format: str) -> None:
    """The container gets all different rows, of both files, and what is doubled is told."""
    each = rows(6, "chat" if row_format == "chat" else "prompt_completion")
    backend = scene.backend()
    job = scene.job(content=lines([*each[:4], each[0]]), evaluation=lines(each[4:]))
    state = await scene.driven(backend, job)
    assert state.status is JobStatus.SUCCEEDED
    assert scene.trainer.rows == [4, 2]
    assert state.details == {"name": "ft_1", "rows": 4, "evaluation_rows": 2, "duplicates": 1}
    assert state.warnings == ("1 rows were left out as duplicates.",)


async def test_forgets_all_texts_and_keeps_the_model(scene: Scene) -> None:
    """Nothing of the training's texts stays, the weights do; the training is not known any more."""
    backend = scene.backend()
    await scene.driven(backend, scene.job())
    assert "Confidential" in scene.written()
    for _ in range(2):
        await backend.forget("ft_1")
    await backend.forget("ft_unknown")
    assert "Confidential" not in scene.written()
    assert (scene.trainer.root / "ft_1/output/merged_weights/config.json").exists()
    assert (await backend.poll("ft_1")).status is JobStatus.LOST


async def test_texts_are_for_their_owner(scene: Scene) -> None:
    """No other user of the machine can read them."""
    await scene.backend().launch(scene.job())
    mode = (scene.trainer.root / "ft_1/input").stat().st_mode
    assert stat.S_IMODE(mode) == 0o700


async def test_deletes_models_of_its_own_only(scene: Scene) -> None:
    """Whatever the name: only a folder that Medtune made is removed."""
    root = scene.trainer.root
    backend = scene.backend()
    await scene.driven(backend, scene.job())
    await backend.forget("ft_1")
    (root / "theirs").mkdir()
    (root.parent / "medtune.json").write_bytes((root / "ft_1/medtune.json").read_bytes())
    (root / "link").symlink_to(root / "ft_1")
    for name in ("theirs", "..", ".", "", "../shared", f"{root}/ft_1", "link", "ft_1/", "nothing"):
        await backend.delete_model(name)
    assert (root / "theirs").exists()
    assert (root / "ft_1/output").exists()
    for _ in range(2):
        await backend.delete_model("ft_1")
    assert not (root / "ft_1").exists()


@pytest.mark.parametrize(
    "reference", ["../../etc", "FT 1", "a/b", "", "ä" * 300, "x\n-2", "ft_1-2"]
)
async def test_any_reference_is_a_safe_name(scene: Scene, reference: str) -> None:
    """It is one folder in the shared one, and found again by the reference."""
    backend = scene.backend()
    await backend.launch(scene.job("ft_1"))
    scene.trainer.restart()
    await scene.settled(backend)
    await backend.launch(scene.job("ft_1"))
    scene.trainer.restart()
    await backend.launch(scene.job(reference or "-"))
    names = {path.name for path in scene.trainer.root.iterdir()}
    assert len(names) == 2
    assert all(name.isascii() and len(name) < 90 and "/" not in name for name in names)
    assert len({body["finetune_name"] for body in scene.trainer.posts}) == 3
    assert (await backend.poll(reference or "-")).status is JobStatus.RUNNING


async def test_extracts_through_the_server_of_the_weights(scene: Scene) -> None:
    """That server is asked for the model's name; without one the error says how to get one."""
    asked = ("rules", ["Hepatitis after isoniazid."], frozenset(Task), ExtractOptions())
    served = scene.backend(served_by=RulesBackend())
    assert await served.extract(*asked) == await RulesBackend().extract(*asked)
    unserved = CohereFinetuneBackend(
        "other", None, None, served_by=None, hours=1, timeout=1, attempts=1, poll_seconds=1
    )
    for backend in (scene.backend(), scene.backend(served_by=unserved)):
        with pytest.raises(BackendError) as caught:
            await backend.extract(*asked)
        assert caught.value.code == "capability_unavailable"
        assert "merged_weights" in str(caught.value.hint)


async def test_needs_an_address_and_a_folder(scene: Scene) -> None:
    """Without, it says which settings; nothing is there to start from."""
    for url, folder in ((None, scene.trainer.root), (scene.url, None), ("", None)):
        backend = CohereFinetuneBackend(
            "other", url, folder, served_by=None, hours=1, timeout=1, attempts=1, poll_seconds=1
        )
        assert not backend.configured
        assert not await backend.base_models()
        with pytest.raises(BackendError) as caught:
            await backend.launch(scene.job())
        assert "MEDTUNE_COHERE_FINETUNE_URL" in str(caught.value.hint)
        await backend.close()


async def test_record_holds_no_text(scene: Scene) -> None:
    """What is remembered of a training are names and numbers."""
    await scene.backend().launch(scene.job())
    record = json.loads((scene.trainer.root / "ft_1/medtune.json").read_text())
    assert record["phase"] == "posted"
    assert "Confidential" not in json.dumps(record)
