"""The files of trained models, in a store that other machines may share.

A training leaves its model at its place on this machine; `store` has it found by all.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.backends.base import BackendError
from app.backends.local.answering import model_not_found
from app.backends.local.jobs import model_path
from app.platform.errors import ApiError
from app.platform.objects import Objects


class ModelFiles:
    """The files by the models' names, their sha256.

    All coroutines raise BackendError `backend_unavailable` if the store does not do its part, and
    `storage_damaged` if the file is not the one that was stored.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._stored: set[str] = set()

    @property
    def folder(self) -> Path:
        """The folder of this machine that a training leaves its model in."""
        return self._objects.place(".")

    def place(self, model: str) -> Path:
        """Where the file is once it is on this machine."""
        return self._objects.place(_file(model))

    async def local(self, model: str) -> Path:
        """The file on this machine. Raises BackendError `model_not_found`."""
        try:
            with _storage_errors():
                return await self._objects.local(_file(model))
        except FileNotFoundError:
            raise model_not_found() from None

    async def store(self, model: str) -> None:
        """Store what a training has left at the model's place. Safe to repeat."""
        if model not in self._stored:
            # It is not there if it was deleted, or stored so long ago that its copy had to go.
            with _storage_errors(), suppress(FileNotFoundError):
                await asyncio.to_thread(self._objects.keep, self.place(model), _file(model))
            self._stored.add(model)

    async def delete(self, model: str) -> None:
        """Remove the file; nothing if there is none."""
        self._stored.discard(model)
        with _storage_errors():
            await asyncio.to_thread(self._objects.delete, _file(model))


def _file(model: str) -> str:
    return model_path(Path(), model).name


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if error.code == "storage_damaged":
            raise BackendError(error.code, error.detail) from None
        raise BackendError("backend_unavailable", error.detail, retryable=True) from None
