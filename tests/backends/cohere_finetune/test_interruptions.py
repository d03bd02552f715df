"""Connections, folders and processes that go away at the wrong moment."""

from collections.abc import Callable

import pytest

from app.backends.base import BackendError, JobStatus
from tests.backends.cohere_finetune.conftest import Scene


async def test_a_connection_that_is_gone_may_come_back(scene: Scene) -> None:
    """For however long: errors that may be tried again, and the training goes on."""
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.trainer.gone = True
    for call in (backend.poll, backend.cancel):
        with pytest.raises(BackendError) as caught:
            await call("ft_1")
        assert caught.value.retryable
    scene.trainer.gone = False
    assert (await scene.driven(backend, scene.job())).status is JobStatus.SUCCEEDED
    assert len(scene.trainer.posts) == 1


@pytest.mark.parametrize("cut", ["before /finetune", "after /finetune"])
async def test_an_answer_that_is_lost(scene: Scene, cut: str) -> None:
    """Whether it was heard is found out; it is trained once."""
    scene.trainer.cut = cut
    scene.trainer.slow_start = 2
    backend = scene.backend()
    await backend.launch(scene.job())
    scene.trainer.cut = ""
    assert (await backend.poll("ft_1")).stage == "starting"
    assert len(scene.trainer.posts) == (cut == "after /finetune")
    assert (await scene.driven(backend, scene.job())).status is JobStatus.SUCCEEDED
    assert scene.trainer.trained == ["ft_1"]
    assert len(scene.trainer.posts) == 1


@pytest.mark.parametrize("state", ["gone", "file"])
async def test_a_folder_that_cannot_be_used(scene: Scene, state: str) -> None:
    """A share that is not mounted: an error that may be tried again, with a hint."""
    scene.trainer.root.rmdir()
    if state == "file":
        scene.trainer.root.touch()
    with pytest.raises(BackendError) as caught:
        await scene.backend().launch(scene.job())
    assert caught.value.retryable
    assert "MEDTUNE_COHERE_FINETUNE_DIR" in str(caught.value.hint)


@pytest.mark.parametrize("calls", range(1, 9))
async def test_dying_at_any_moment_trains_once(scene: Scene, calls: int) -> None:
    """The clock is read whenever something is about to be written down: there the process dies."""
    await _dies(scene, calls, lambda: None)
    state = await scene.driven(scene.backend(), scene.job())
    assert (state.status, state.model) == (JobStatus.SUCCEEDED, "ft_1")
    assert scene.trainer.trained == ["ft_1"]


@pytest.mark.parametrize("calls", range(1, 6))
async def test_dying_beside_a_restart_loses_nothing(scene: Scene, calls: int) -> None:
    """Both die: the training is launched anew, under whatever name, and ends."""
    await _dies(scene, calls, scene.trainer.restart)
    state = await scene.driven(scene.backend(), scene.job())
    assert state.status is JobStatus.SUCCEEDED
    assert len(scene.trainer.trained) == 1


class _Killed(BaseException):
    """Not to be caught by any except."""


async def _dies(scene: Scene, calls: int, then: Callable[[], None]) -> None:
    """Launch and look in a process that dies when it reads the clock for the nth time."""
    left = calls

    def clock() -> float:
        nonlocal left
        left -= 1
        if left <= 0:
            raise _Killed
        return scene.now

    backend = scene.backend(clock=clock)
    try:
        await backend.launch(scene.job())
        for _ in range(3):
            await backend.poll("ft_1")
            scene.trainer.go("train")
    except _Killed:
        then()
        return
    raise AssertionError("it should have died")
