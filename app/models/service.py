"""The catalogue: base models of the backends and tuned ones, aliases, and what a name means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.backends.asked import asked_about
from app.backends.base import Backend, BaseModelInfo
from app.backends.registry import FINE_TUNE, TUNED, Backends, base_model_id
from app.models.present import present, present_alias, present_base
from app.models.repository import ModelRepository
from app.models.schemas import BackendInfo, Model, ModelAlias
from app.platform.clock import now
from app.platform.errors import ApiError, invalid_field, not_found
from app.platform.lineage import Link
from app.platform.pagination import Page, decode_id, encode_cursor
from app.platform.work import Platform, Work
from app.prompts.tasks import Task
from app.prompts.templates import TEMPLATES, Template
from app.tables import ModelAliasRow
from app.vocabularies.service import Vocabularies

# Of servers: of Hugging Face, Ollama, a path. Whatever else a client writes there is not repeated.
_MODEL_NAME = re.compile(r"[A-Za-z0-9._:/@+~-]+")
_STILL_TRAINING = ("queued", "preparing", "training", "cancelling")


@dataclass(frozen=True)
class Found:
    """A model, what its backend calls it, and if it was trained, in which words and with what."""

    model: Model
    backend_model: str
    template: Template | None = None
    vocabularies: Sequence[str] = ()


@dataclass(frozen=True)
class ResolvedModel:
    """A model as its backend knows it.

    `template` is the wording a tuned one was trained with, `vocabularies` are the blobs of the
    indexes it looks identifiers up in.
    """

    id: str
    backend: Backend
    backend_model: str
    tasks: frozenset[Task]
    template: Template | None
    vocabularies: tuple[str, ...] = ()


class Models:
    """The models room's operations within one unit of work."""

    def __init__(self, work: Work, backends: Backends) -> None:
        self._work = work
        self._backends = backends
        self._rows = ModelRepository(work.session)

    async def page(self, cursor: str | None, limit: int) -> Page[Model]:
        """Base models (all on the first page), then tuned ones, newest first."""
        after = decode_id(cursor, "mdl")
        base: list[Model] = []
        if after is None:
            base = [present_base(*found) for found in await self._base_models()]
        rows = await self._rows.page(after, limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=[*base, *map(present, rows[:limit])], next_cursor=more)

    async def get(self, model_id: str) -> Model:
        """One model, by id or alias. Raises ApiError `model_not_found`."""
        return (await self._find(model_id)).model

    async def resolve(self, name: str) -> ResolvedModel:
        """What to extract with: a model's id, an alias, or a fine-tune that has succeeded.

        Raises ApiError `model_not_found`, `model_not_ready`, `retired`, `capability_unavailable`.
        """
        if name.startswith(FINE_TUNE) and (fine_tune := await self._rows.fine_tune(name)):
            if fine_tune.status in _STILL_TRAINING:
                raise ApiError("model_not_ready", f"{fine_tune.id} is {fine_tune.status}.")
            name = fine_tune.model_id or name
        found = await self._find(name)
        indexes = await Vocabularies(self._work).indexes_of(found.vocabularies)
        return _resolved(self._backends, found, indexes)

    async def meant(self, name: str) -> str:
        """The id that an alias points to; of what is none, itself."""
        if ":" in name or name.startswith((TUNED, FINE_TUNE)):
            return name
        alias = await self._rows.alias(name)
        return name if alias is None else alias.model

    async def delete(self, model_id: str) -> None:
        """Remove a tuned model for good. Raises ApiError `model_not_found`."""
        if not await self.delete_if_there(model_id):
            raise _unknown(model_id)

    async def delete_if_there(self, model_id: str) -> bool:
        """The same; whether it was there, and not deleted by somebody else meanwhile."""
        row = await self._rows.lock(model_id)
        if row is None:
            return False
        backend, backend_model = self._backends.find(row.backend), row.backend_model
        await self._rows.delete(row)
        if backend is not None:
            self._work.after_commit(lambda: backend.delete_model(backend_model))
        return True

    async def known(self, backend: str, names: Sequence[str]) -> set[str]:
        """Of these models, as the backend calls them, those that are in the catalogue."""
        return await self._rows.known(backend, names)

    async def aliases(self) -> list[ModelAlias]:
        """All aliases, by name."""
        return [present_alias(row) for row in await self._rows.aliases()]

    async def put_alias(self, name: str, model_id: str) -> ModelAlias:
        """Point an alias to a model that exists. Raises ApiError `model_not_found`."""
        if name.startswith((TUNED, FINE_TUNE)):
            raise invalid_field("/path/name", "like_an_id", "An alias must not look like an id.")
        model = await self.get(model_id)
        if model.fine_tune_id is not None and await self._rows.lock(model.id) is None:
            raise _unknown(model_id)  # it was deleted meanwhile
        await self._work.one_at_a_time(f"alias {name}")
        row = await self._rows.lock_alias(name)
        if row is None:
            row = ModelAliasRow(name=name)
            self._rows.add_alias(row)
        row.model, row.updated_at = model.id, now()
        return present_alias(row)

    async def delete_alias(self, name: str) -> None:
        """Remove an alias; its model stays. Raises ApiError `not_found`."""
        row = await self._rows.lock_alias(name)
        if row is None:
            raise not_found("alias", name)
        await self._rows.delete_alias(row)

    async def backends(self) -> list[BackendInfo]:
        """All backends and what they can do."""
        base_models = await self._base_models()
        return [
            BackendInfo(
                name=name,
                configured=backend.configured,
                can_train=backend.hyperparameters is not None,
                hyperparameters=schema.model_json_schema()
                if (schema := backend.hyperparameters) is not None
                else None,
                base_models=[
                    base_model_id(owner, info.name) for owner, info in base_models if owner == name
                ],
            )
            for name, backend in self._backends
        ]

    async def _find(self, name: str) -> Found:
        """The form of a name says where to look."""
        name = await self.meant(name)
        if ":" in name:
            if await self._is_tuned(name):
                raise _unknown(name)
            return await _find_base(self._backends, name)
        if (found := await self._rows.with_vocabularies(name)) is not None:
            row, vocabularies = found
            template = TEMPLATES[row.template_id]
            return Found(present(row), row.backend_model, template, vocabularies)
        raise _unknown(name)

    async def _base_models(self) -> list[tuple[str, BaseModelInfo]]:
        """(backend's name, model) of all base models."""
        found = await self._backends.base_models()
        asked = [info.name for owner, info in found if _at_a_server(self._backends, owner)]
        tuned = await self._rows.tuned(asked) if asked else set()
        return [
            (owner, info)
            for owner, info in found
            if info.name not in tuned or not _at_a_server(self._backends, owner)
        ]

    async def _is_tuned(self, name: str) -> bool:
        """Whether a server would take the name of a base model for that of a tuned one.

        Those are asked for by their ids, and by nobody but whose they are.
        """
        owner, _, called = name.partition(":")
        # PostgreSQL refuses to look for what is not printable.
        may_be = _at_a_server(self._backends, owner) and called.isprintable()
        return may_be and bool(await self._rows.tuned([called]))


async def resolve(platform: Platform, backends: Backends, name: str) -> ResolvedModel:
    """As `Models.resolve`, in a transaction of its own; none for base models of our own backends,
    nor for a server's if it was seen a moment ago that no tuned model is called that.

    Servers are asked for what they have before the database is.
    """
    if ":" not in name:
        async with platform.work(write=False) as work:
            models = Models(work, backends)
            name = await models.meant(name)
            if ":" not in name:
                return await models.resolve(name)
    if name in backends.untuned or not _at_a_server(backends, name.partition(":")[0]):
        return _resolved(backends, await _find_base(backends, name))
    told = await asked_about(backends, [name])
    async with platform.work(write=False) as work:
        resolved = await Models(work, told).resolve(name)
    backends.untuned.add(name)
    return resolved


def _at_a_server(backends: Backends, name: str) -> bool:
    """Whether what a backend may run is known to its server alone, tuned models among it."""
    backend = backends.find(name)
    return backend is not None and not backend.lists_all_models


async def _find_base(backends: Backends, name: str) -> Found:
    owner, _, called = name.partition(":")
    for backend, info in await backends.base_models(owner):
        if info.name == called:
            return Found(present_base(backend, info), info.name)
    if _at_a_server(backends, owner) and _MODEL_NAME.fullmatch(called):
        # It may have it all the same, or say best why it cannot be asked.
        unlisted = BaseModelInfo(called, "Not listed by its server.", frozenset(Task))
        return Found(present_base(owner, unlisted), called)
    raise _unknown(name)


def _resolved(
    backends: Backends, found: Found, vocabularies: tuple[str, ...] = ()
) -> ResolvedModel:
    model = found.model
    if model.retired_on is not None:
        raise _retired(model)
    if not model.can_extract:
        raise ApiError("capability_unavailable", f"{model.id} is for training only.")
    backend = backends.find(model.backend)
    if backend is None:
        gone = f"The backend {model.backend} of {model.id} is not in the settings."
        raise ApiError("backend_unavailable", gone)
    return ResolvedModel(
        id=model.id,
        backend=backend,
        backend_model=found.backend_model,
        tasks=frozenset(model.tasks),
        template=found.template,
        vocabularies=vocabularies,
    )


def lineage_link(backends: Backends) -> Link:
    """How models are found by their fine-tune, and deleted with it."""

    async def built_from(work: Work, fine_tune_id: str) -> Sequence[str]:
        return await ModelRepository(work.session).of_fine_tune(fine_tune_id)

    async def delete(work: Work, model_id: str) -> None:
        await Models(work, backends).delete_if_there(model_id)

    return Link("fine-tune", "model", built_from, delete)


async def retire(work: Work, model_id: str, on: date) -> ApiError | None:
    """Note that a tuned model's backend has retired it; gives what clients are told from now on.

    None for base models: those are the backend's own.
    """
    row = await ModelRepository(work.session).get(model_id)
    if row is None:
        return None
    row.retired_on = on
    return _retired(present(row))


def _retired(model: Model) -> ApiError:
    detail = f"The backend {model.backend} retired {model.id} on {model.retired_on}."
    if model.fine_tune_id is not None:
        again = f"POST /v1/fine-tunes/{model.fine_tune_id}/repeat trains it again elsewhere."
        return ApiError("retired", detail, hint=again)
    if model.replaced_by is not None:
        return ApiError("retired", detail, hint=f"Use {model.replaced_by}.")
    return ApiError("retired", detail)


def _unknown(model_id: str) -> ApiError:
    return ApiError("model_not_found", not_found("model", model_id).detail)
