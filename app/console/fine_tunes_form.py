"""The form that launches a fine-tune: its hyperparameters are those of the chosen backend."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from app.backends.asked import asked
from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.console.forms import Form, read_form, read_query, validated
from app.console.pages import PageRoute, redirect, render
from app.console.schema_fields import SchemaField, all_names, fields_of, plain, values_of
from app.console.training_files import MOST_DATASETS, names_of
from app.datasets.service import Datasets
from app.fine_tunes.schemas import FineTuneRequest
from app.fine_tunes.service import FineTunes
from app.models.schemas import BackendInfo
from app.models.service import Models
from app.notifications.schemas import NotificationTarget
from app.notifications.service import Notifications
from app.platform.errors import ApiError, invalid_field
from app.platform.http import PlatformDep
from app.platform.work import Platform
from app.training_files.schemas import TrainingFile
from app.training_files.service import TrainingFiles
from app.vocabularies.schemas import Vocabulary
from app.vocabularies.service import Vocabularies

# Its paths come before those of one fine-tune.
router = APIRouter(route_class=PageRoute)

_MOST = 200  # that the form offers of each kind; others by their own pages
_PLAIN = (
    "training_file_id",
    "evaluation_file_id",
    "backend",
    "base_model",
    "vocabularies",
    "name",
    "notify",
)


@dataclass(frozen=True)
class _Choices:
    """What the form offers; `fields` are of the chosen backend.

    `base_models` is None where any name may be given, for there is no list of them.
    """

    files: list[TrainingFile]
    dataset_names: dict[str, str]
    vocabularies: list[Vocabulary]
    targets: list[NotificationTarget]
    backends: list[BackendInfo]
    backend: BackendInfo
    setup_hint: str | None
    base_models: list[str] | None
    about: str
    fields: list[SchemaField]


@router.get("/fine-tunes/new")
async def ask(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """The form; what the address says is filled in."""
    form = read_query(request)
    return await _form(request, platform, backends, form, await _choices(platform, backends, form))


@router.post("/fine-tunes")
async def launch(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """Launch it; its page shows how far it is."""
    form = await read_form(request)
    choices = await _choices(platform, backends, form)
    values: dict[str, Any] = {
        **form.given("training_file_id", "evaluation_file_id", "backend", "base_model", "name"),
        "hyperparameters": values_of(choices.fields, form),
        "vocabularies": form.chosen("vocabularies"),
        "notify": form.chosen("notify"),
    }
    try:
        if form.text("fields_of") != choices.backend.name:
            raise invalid_field("/backend", "other_fields", "See to its hyperparameters below.")
        wanted = validated(FineTuneRequest, values)
        told = await asked(backends, [wanted.backend])
        async with platform.work(write=True) as work:
            fine_tune = await FineTunes(work, told).create(wanted)
    except ApiError as error:
        return await _form(request, platform, backends, form.refused(error), choices)
    return redirect(f"/fine-tunes/{fine_tune.id}")


async def _form(
    request: Request, platform: Platform, backends: Backends, form: Form, choices: _Choices
) -> Response:
    # Those of another backend stand at no field of this form.
    names = [*_PLAIN, "hyperparameters", *all_names(choices.fields)]
    # Whether the fields below have been filled in, or are to show what is the default.
    filled = form.text("fields_of") == choices.backend.name
    return render(
        request,
        "fine_tunes_new.html",
        status=form.status,
        form=form,
        choices=choices,
        names=names,
        filled=filled,
    )


async def _choices(platform: Platform, backends: Backends, form: Form) -> _Choices:
    told = await asked(backends)
    async with platform.work(write=False) as work:
        files = (await TrainingFiles(work).page(None, None, _MOST)).items
        datasets = (await Datasets(work).page(None, MOST_DATASETS)).items
        vocabularies = (await Vocabularies(work).page(None, _MOST)).items
        targets = (await Notifications(work).page(None, _MOST)).items
        known = [each for each in await Models(work, told).backends() if each.can_train]
    chosen = next((each for each in known if each.name == form.text("backend", "local")), known[0])
    backend = backends.get(chosen.name)
    tunable = [info.name for _, info in await told.base_models(chosen.name) if info.can_tune]
    schema = chosen.hyperparameters or {}
    return _Choices(
        files=[each for each in files if each.status != "failed"],
        dataset_names=names_of(datasets),
        vocabularies=[each for each in vocabularies if each.status == "ready"],
        targets=targets,
        backends=known,
        backend=chosen,
        setup_hint=None if chosen.configured else backend.setup_hint,
        base_models=tunable if tunable or backend.lists_all_models else None,
        about=plain(schema.get("description", "")),
        fields=fields_of(schema, "hyperparameters"),
    )
