"""From names to backends: `local` is a backend, `local:rules` one of its base models."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from app.backends.base import Backend, BackendError, BaseModelInfo
from app.platform.errors import CODES, ApiError
from app.platform.lately import Lately

# How the ids of tuned models and of fine-tunes begin; either is a name of a model.
TUNED, FINE_TUNE = "mdl_", "ft_"
# A model's name at its server is its secret until its row is there; this much longer does no harm.
_UNTUNED_SECONDS = 5.0


class Backends:
    """The backends of this process, by name; `untuned` are ids of base models at servers that
    were lately seen not to be names of tuned models."""

    def __init__(self, backends: Mapping[str, Backend]) -> None:
        self._backends = dict(backends)
        self.untuned = Lately(_UNTUNED_SECONDS)

    def __iter__(self) -> Iterator[tuple[str, Backend]]:
        return iter(self._backends.items())

    def get(self, name: str) -> Backend:
        """The backend of this name. Raises ApiError `unknown_backend`."""
        if name not in self._backends:
            known = ", ".join(self._backends)
            raise ApiError("unknown_backend", f"The backends are: {known}.")
        return self._backends[name]

    def find(self, name: str) -> Backend | None:
        """The backend of this name, if the settings (still) have it."""
        return self._backends.get(name)

    async def base_models(self, only: str | None = None) -> list[tuple[str, BaseModelInfo]]:
        """(backend's name, model) of the base models of configured backends, or of one of them.

        A backend that cannot be asked has none.
        """
        if only is not None:
            backend = self._backends.get(only)
            if backend is None or not backend.configured:
                return []
            return [(only, model) for model in await _base_models(backend)]
        asked = [(name, backend) for name, backend in self._backends.items() if backend.configured]
        lists = await asyncio.gather(*(_base_models(backend) for _, backend in asked))
        return [
            (name, model)
            for (name, _), models in zip(asked, lists, strict=True)
            for model in models
        ]

    async def open(self) -> None:
        """Open all backends."""
        await asyncio.gather(*(backend.open() for backend in self._backends.values()))

    async def close(self) -> None:
        """Close all backends."""
        for backend in self._backends.values():
            await backend.close()


async def _base_models(backend: Backend) -> Sequence[BaseModelInfo]:
    try:
        return await backend.base_models()
    except BackendError:
        return ()


def base_model_id(backend: str, model: str) -> str:
    """The id under which a backend's base model is known: `local:rules`."""
    return f"{backend}:{model}"


def as_api_error(error: BackendError) -> ApiError:
    """What a client is told when a backend fails."""
    code = error.code if error.code in CODES else "backend_failed"
    return ApiError(code, error.message, hint=error.hint, retry_after=error.retry_after)
