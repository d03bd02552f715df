"""Which base models a fine-tune may be asked to start from."""

from collections.abc import Sequence

import pytest
from pydantic import BaseModel

from app.backends.base import BaseModelInfo
from app.backends.registry import Backends
from app.fine_tunes.schemas import FineTuneRequest
from app.fine_tunes.service import FineTunes
from app.platform.errors import ApiError
from app.platform.settings import Settings
from app.platform.work import Platform
from app.prompts.tasks import Task
from tests.fine_tunes.serving import Backend, service


class _Hyperparameters(BaseModel):
    """There are none."""


class _Trainer(Backend):
    hyperparameters = _Hyperparameters

    def __init__(self, *listed: BaseModelInfo, lists_all: bool) -> None:
        self.lists_all_models = lists_all
        self._listed = listed

    async def base_models(self) -> Sequence[BaseModelInfo]:
        return self._listed


async def _start(platform: Platform, training_file_id: str, backend: Backend) -> str:
    """The base model of a new fine-tune that starts from `one`."""
    request = FineTuneRequest(
        training_file_id=training_file_id, backend=backend.name, base_model="one"
    )
    async with platform.work(write=True) as work:
        return str(
            (await FineTunes(work, Backends({backend.name: backend})).create(request)).base_model
        )


async def test_what_a_server_lists(settings: Settings) -> None:
    """What can be tuned is taken, all else refused; a server that lists nothing may be away."""
    one = BaseModelInfo("one", "", frozenset(Task), can_tune=True)
    other = BaseModelInfo("other", "", frozenset(Task), can_tune=True)
    fixed = BaseModelInfo("one", "", frozenset(Task))
    async with service(settings) as served:
        known = served.platform, served.training_file_id
        assert await _start(*known, _Trainer(one, lists_all=False)) == "one"
        assert await _start(*known, _Trainer(lists_all=False)) == "one"
        for refused in (
            _Trainer(other, lists_all=False),
            _Trainer(fixed, lists_all=False),
            _Trainer(lists_all=True),
        ):
            with pytest.raises(ApiError) as caught:
                await _start(*known, refused)
            assert [fault.pointer for fault in caught.value.errors] == ["/base_model"]
