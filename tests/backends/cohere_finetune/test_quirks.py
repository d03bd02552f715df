"""What the container does wrong: no training is lost, none is launched twice, none hangs."""

import pytest

from app.backends.base import BackendError, JobStatus
from tests.backends.cohere_finetune.conftest import HOURS, Scene
from tests.stand_ins.cohere_finetune import Dead


async def test_idle_right_after_the_start_means_nothing(scene: Scene) -> None:
    """The status may be set after the 202."""
    scene.trainer.slow_start = 2
    backend = scene.backend()
    await backend.launch(scene.job())
    assert scene.trainer.status == "idle"
    assert (await backend.poll("ft_1")).stage == "starting"
    assert (await scene.driven(backend, scene.job())).status is JobStatus.SUCCEEDED
    assert len(scene.trainer.posts) == 1


@pytest.mark.parametrize("step", ["read", "preprocess", "train", "merge"])
async def test_a_container_that_was_restarted_forgets(scene: Scene, step: str) -> None:
    """The training is lost after the doubt, and begins anew under a name of its own."""
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.trainer.go(step)
    scene.trainer.restart()
    assert (await backend.poll("ft_1")).status is JobStatus.RUNNING
    assert (await scene.settled(backend)).status is JobStatus.LOST
    state = await scene.driven(backend, scene.job())
    assert (state.status, state.model) == (JobStatus.SUCCEEDED, "ft_1-2")
    assert [body["finetune_name"] for body in scene.trainer.posts] == ["ft_1", "ft_1-2"]
    assert not (scene.trainer.root / "ft_1").exists()
    await backend.forget("ft_1")
    assert "Confidential" not in scene.written()


async def test_a_restart_after_the_end_loses_nothing(scene: Scene) -> None:
    """The weights are there, whatever the container remembers."""
    await scene.backend().launch(scene.job())
    scene.trainer.go()
    scene.trainer.restart()
    assert (await scene.backend().poll("ft_1")).status is JobStatus.SUCCEEDED


async def test_a_container_that_was_stopped_after_the_end_loses_nothing(scene: Scene) -> None:
    """Nor does one that does not answer any more."""
    await scene.backend().launch(scene.job())
    scene.trainer.go()
    scene.trainer.gone = True
    assert (await scene.backend().poll("ft_1")).status is JobStatus.SUCCEEDED


async def test_weights_that_are_not_whole_are_no_model(scene: Scene) -> None:
    """A container that died while it saved them has trained nothing."""
    await scene.backend().launch(scene.job())
    scene.trainer.go("merge")
    scene.trainer.restart()
    backend = scene.backend()
    assert (await scene.settled(backend)).status is JobStatus.LOST


@pytest.mark.parametrize("missing", ["tokenizer_config.json", "model-00001-of-00002.safetensors"])
async def test_weights_with_a_part_missing_are_no_model(scene: Scene, missing: str) -> None:
    """Whichever."""
    await scene.backend().launch(scene.job())
    scene.trainer.go()
    scene.trainer.restart()
    weights = scene.trainer.root / "ft_1/output/merged_weights"
    (weights / missing).unlink()
    assert (await scene.settled(scene.backend())).status is JobStatus.LOST


async def test_weights_in_one_file_are_a_model(scene: Scene) -> None:
    """Small models have no index of parts."""
    await scene.backend().launch(scene.job())
    scene.trainer.go()
    weights = scene.trainer.root / "ft_1/output/merged_weights"
    (weights / "model.safetensors.index.json").unlink()
    (weights / "model-00001-of-00002.safetensors").rename(weights / "model.safetensors")
    assert (await scene.backend().poll("ft_1")).status is JobStatus.SUCCEEDED


async def test_the_next_training_of_someone_else_hides_no_result(scene: Scene) -> None:
    """Status and error are the other's then, the weights ours."""
    await scene.backend().launch(scene.job())
    scene.trainer.go()
    scene.trainer.status, scene.trainer.message = "error", "Exception during training: theirs"
    assert (await scene.backend().poll("ft_1")).status is JobStatus.SUCCEEDED


@pytest.mark.parametrize("step", ["read", "preprocess", "train"])
async def test_a_training_that_is_stuck_ends(scene: Scene, step: str) -> None:
    """After so many hours it has failed; its cancellation ends the container, once."""

    def fault(at: str) -> None:
        if at == step:
            raise Dead

    scene.trainer.fault = fault
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.trainer.go()
    assert scene.trainer.status == "in progress"
    scene.now += HOURS * 3600 - 1
    assert (await backend.poll("ft_1")).status is JobStatus.RUNNING
    scene.now += 2
    state = await backend.poll("ft_1")
    assert (state.status, state.error_code) == (JobStatus.FAILED, "training_stuck")
    assert "restart" in str(state.error_message)
    assert scene.trainer.terminated == 0
    for _ in range(2):
        await backend.cancel("ft_1")
    assert scene.trainer.terminated == 1
    await backend.forget("ft_1")
    assert not list(scene.trainer.root.iterdir())
    scene.trainer.fault = lambda at: None
    assert (await scene.driven(backend, scene.job("ft_2"))).status is JobStatus.SUCCEEDED


async def test_waiting_for_a_stuck_container_ends(scene: Scene) -> None:
    """Someone else's training is not ended by us."""
    scene.trainer.status = "in progress"
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.now += HOURS * 3600 + 1
    state = await backend.poll("ft_1")
    assert (state.status, state.error_code) == (JobStatus.FAILED, "backend_unavailable")
    await backend.cancel("ft_1")
    assert scene.trainer.terminated == 0


FAILURES = {
    "Missing files during dataset creation: No csv or jsonl files": "backend_failed",
    "Exception during dataset creation: Error at line number 2": "training_data_refused",
    "Exception during preprocessing: There must be at least one valid chat": (
        "training_data_refused"
    ),
    "Exception during max sequence length calculation: too long": "training_data_refused",
    "Exception during training: ": "training_failed",
    "Exception during training: train_batch_size 7 is not divisible": "training_failed",
    "Confidential words that nobody knows": "training_failed",
    "": "training_failed",
}


@pytest.mark.parametrize("message", FAILURES)
async def test_its_errors_fail_the_training(scene: Scene, message: str) -> None:
    """Each with a code and a sentence, which may be shown; and it stays failed."""

    def fault(step: str) -> None:
        raise ValueError(message + " x" * 1000)

    scene.trainer.fault = fault
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.trainer.go()
    if message == "Exception during training: ":
        scene.trainer.message = message
    state = await backend.poll("ft_1")
    assert (state.status, state.error_code) == (JobStatus.FAILED, FAILURES[message])
    assert 20 < len(str(state.error_message)) < 300
    assert "Confidential" not in str(state.error_message)
    scene.trainer.restart()
    assert await backend.poll("ft_1") == state
    await backend.cancel("ft_1")
    assert scene.trainer.terminated == 0


async def test_a_folder_that_is_not_the_containers(scene: Scene) -> None:
    """The error says so, and not where."""
    backend = scene.backend()
    scene.trainer.root = scene.files / "elsewhere"
    await backend.launch(scene.job())
    scene.trainer.go()
    state = await backend.poll("ft_1")
    assert state.error_code == "backend_failed"
    assert "PATH_PREFIX" in str(state.error_message)


async def test_hyperparameters_it_refuses(scene: Scene) -> None:
    """Only it knows how many GPUs there are."""
    scene.trainer.gpus = 3
    backend = scene.backend()
    await backend.launch(scene.job())
    state = await backend.poll("ft_1")
    assert (state.status, state.error_code) == (JobStatus.FAILED, "invalid_hyperparameters")
    assert "n_batch_partitions" in str(state.error_message)


@pytest.mark.parametrize("status", [404, 405, 415, 500])
async def test_pages_of_html_are_no_training(scene: Scene, status: int) -> None:
    """A server that is not the container's: the error may be tried again and names the backend."""
    scene.trainer.proxied = status
    with pytest.raises(BackendError, match="cohere-finetune") as caught:
        await scene.backend().launch(scene.job())
    assert caught.value.retryable
    assert not scene.trainer.posts


async def test_a_status_that_cannot_be_read(scene: Scene) -> None:
    """It says nothing about the training, so the same will be asked again."""
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.trainer.proxied = 200
    with pytest.raises(BackendError) as caught:
        await backend.poll("ft_1")
    assert caught.value.retryable
    scene.trainer.proxied = 0
    assert (await backend.poll("ft_1")).status is JobStatus.RUNNING


@pytest.mark.parametrize("cut", ["", "after /terminate"])
async def test_cancelling_ends_the_container_that_trains(scene: Scene, cut: str) -> None:
    """It knows no other way; its answer may be lost with it."""
    scene.trainer.cut = cut
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.trainer.go("preprocess")
    for _ in range(2):
        await backend.cancel("ft_1")
    assert scene.trainer.terminated == 1
    assert (await backend.poll("ft_1")).status is JobStatus.CANCELLED
    await backend.launch(scene.job())
    assert len(scene.trainer.posts) == 1
    await backend.forget("ft_1")
    assert not list(scene.trainer.root.iterdir())


@pytest.mark.parametrize("theirs", ["waiting", "doubtful"])
async def test_cancelling_leaves_the_training_of_someone_else(scene: Scene, theirs: str) -> None:
    """Nothing is ended that may not be ours."""
    backend = scene.backend()
    if theirs == "waiting":
        scene.trainer.status = "in progress"
        await backend.launch(scene.job())
        await backend.cancel("ft_1")
        assert (await backend.poll("ft_1")).status is JobStatus.CANCELLED
    else:
        scene.trainer.cut = "before /finetune"
        await backend.launch(scene.job())
        scene.trainer.status = "in progress"
        with pytest.raises(BackendError) as caught:
            await backend.cancel("ft_1")
        assert caught.value.retryable
    assert scene.trainer.terminated == 0


async def test_cancelling_what_has_succeeded_keeps_it(scene: Scene) -> None:
    """Also if nobody has looked yet."""
    await scene.backend().launch(scene.job())
    scene.trainer.go()
    await scene.backend().cancel("ft_1")
    assert (await scene.backend().poll("ft_1")).status is JobStatus.SUCCEEDED
    assert scene.trainer.terminated == 0


async def test_cancelling_what_is_not_known(scene: Scene) -> None:
    """Does nothing."""
    await scene.backend().cancel("ft_unknown")
    assert not scene.trainer.calls
